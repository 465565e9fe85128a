package planner

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

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
// A pool of thousands of points or a record of hundreds of experiments costs the
// reflection of encoding/json more than all of the planning, so both are written
// by hand and put where encoding/json would have put them: the pool last in the
// space, the experiments last in the brief.
func hashes(b lab.Brief) (brief, sp [32]byte, err error) {
	w := jsonWriter{text: make(map[string][]byte)}
	pool, ok := w.pool(b.Space.Pool)
	head := b
	if ok {
		head.Space.Pool = nil
	}
	tail, whole := w.experiments(b.Known, b.Pending)
	if whole {
		head.Known, head.Pending = nil, nil
	}
	body, err := json.Marshal(head)
	if err != nil {
		return brief, sp, lab.Errorf(lab.Invalid, "write the brief as JSON: %w; every number must be finite", err)
	}
	inner, err := json.Marshal(head.Space)
	if err != nil {
		return brief, sp, lab.Errorf(lab.Invalid, "write the space as JSON: %w", err)
	}
	if whole {
		body = append(bytes.TrimSuffix(body, []byte(noExperiments)), tail...)
	}
	if len(pool) == 0 {
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
