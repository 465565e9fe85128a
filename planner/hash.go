package planner

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math"
	"strconv"

	"github.com/athanor-lab/athanor/lab"
)

// HashBrief returns the SHA-256 of the brief's JSON in hexadecimal digits. The
// JSON is canonical because a brief holds no map: its fields have one order.
func HashBrief(b lab.Brief) (string, error) {
	brief, _, err := hashes(b)
	return hex.EncodeToString(brief[:]), err
}

// hashes returns the SHA-256 of the JSON of the brief, and of its space.
//
// A pool of thousands of points costs the reflection of encoding/json more than
// all of the planning, so the pool is written by hand and put where
// encoding/json would have put it: last in the space.
func hashes(b lab.Brief) (brief, sp [32]byte, err error) {
	pool, ok := appendPool(nil, b.Space.Pool)
	head := b
	if ok && len(b.Space.Pool) > 0 {
		head.Space.Pool = nil
	}
	body, err := json.Marshal(head)
	if err != nil {
		return brief, sp, lab.Errorf(lab.Invalid, "write the brief as JSON: %w; every number must be finite", err)
	}
	inner, err := json.Marshal(head.Space)
	if err != nil {
		return brief, sp, lab.Errorf(lab.Invalid, "write the space as JSON: %w", err)
	}
	if head.Space.Pool != nil || len(b.Space.Pool) == 0 {
		return sha256.Sum256(body), sha256.Sum256(inner), nil
	}
	// Nothing before the space in a brief is written by people, so that the
	// first match is the space itself.
	mark := append([]byte(`"space":`), inner...)
	at := bytes.Index(body, mark)
	if at < 0 {
		return brief, sp, lab.Errorf(lab.Internal, "find the space in the brief's JSON")
	}
	cut := at + len(mark) - 1
	h := sha256.New()
	h.Write(body[:cut])
	h.Write(pool)
	h.Write(body[cut:])
	h.Sum(brief[:0])
	h.Reset()
	h.Write(inner[:len(inner)-1])
	h.Write(pool)
	h.Write(inner[len(inner)-1:])
	h.Sum(sp[:0])
	return brief, sp, nil
}

// appendPool writes ,"pool":[…] as encoding/json does. It reports false for
// what that would refuse.
func appendPool(b []byte, pool [][]lab.Value) ([]byte, bool) {
	labels := make(map[string][]byte)
	b = append(b, `,"pool":[`...)
	for i, row := range pool {
		if i > 0 {
			b = append(b, ',')
		}
		if row == nil {
			return nil, false
		}
		b = append(b, '[')
		for k, v := range row {
			if k > 0 {
				b = append(b, ',')
			}
			switch v.Kind() {
			case lab.IsNumber:
				if b = appendNumber(b, v.Number()); b == nil {
					return nil, false
				}
			case lab.IsLabel:
				text, ok := labels[v.Label()]
				if !ok {
					var err error
					if text, err = json.Marshal(v.Label()); err != nil {
						return nil, false
					}
					labels[v.Label()] = text
				}
				b = append(b, text...)
			case lab.IsParts:
				if v.Parts() == nil {
					return nil, false
				}
				b = append(b, '[')
				for p, x := range v.Parts() {
					if p > 0 {
						b = append(b, ',')
					}
					if b = appendNumber(b, x); b == nil {
						return nil, false
					}
				}
				b = append(b, ']')
			default:
				b = append(b, "null"...)
			}
		}
		b = append(b, ']')
	}
	return append(b, ']'), true
}

// appendNumber writes a number as encoding/json does, after ECMAScript: with an
// exponent below 1e-6 and from 1e21 on. It returns nil for what is not finite.
func appendNumber(b []byte, v float64) []byte {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	format := byte('f')
	if a := math.Abs(v); a != 0 && (a < 1e-6 || a >= 1e21) {
		format = 'e'
	}
	b = strconv.AppendFloat(b, v, format, -1, 64)
	if n := len(b); format == 'e' && n >= 4 && b[n-4] == 'e' && b[n-3] == '-' && b[n-2] == '0' {
		b[n-2] = b[n-1]
		b = b[:n-1]
	}
	return b
}
