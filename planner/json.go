package planner

import (
	"encoding/json"
	"math"
	"strconv"

	"github.com/athanor-lab/athanor/lab"
)

// jsonWriter writes the long parts of a brief as encoding/json does.
type jsonWriter struct{ text map[string][]byte }

// noExperiments is how the JSON of a brief without experiments ends.
const noExperiments = `"known":null,"pending":null}`

// pool returns ,"pool":[…], and nothing without a pool. It reports false for
// what encoding/json would refuse or write otherwise.
func (w *jsonWriter) pool(pool [][]lab.Value) ([]byte, bool) {
	if len(pool) == 0 {
		return nil, true
	}
	b := append(make([]byte, 0, 16*len(pool)*len(pool[0])), `,"pool":[`...)
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
			if b = w.value(b, v); b == nil {
				return nil, false
			}
		}
		b = append(b, ']')
	}
	return append(b, ']'), true
}

// experiments returns what replaces [noExperiments]. It reports false for what
// encoding/json would refuse.
func (w *jsonWriter) experiments(known []lab.Known, pending []lab.Pending) ([]byte, bool) {
	b := append(make([]byte, 0, 256*(len(known)+len(pending)+1)), `"known":`...)
	b = list(b, known, func(b []byte, k lab.Known) []byte {
		b = append(b, `{"number":`...)
		b = strconv.AppendInt(b, int64(k.Number), 10)
		b = append(b, `,"settings":`...)
		if b = list(b, k.Settings, w.setting); b == nil {
			return nil
		}
		b = append(b, `,"observed":`...)
		if b = list(b, k.Observed, w.measured); b == nil {
			return nil
		}
		b = append(b, `,"failed":`...)
		return append(strconv.AppendBool(b, k.Failed), '}')
	})
	if b == nil {
		return nil, false
	}
	b = list(append(b, `,"pending":`...), pending, func(b []byte, k lab.Pending) []byte {
		b = append(b, `{"number":`...)
		b = strconv.AppendInt(b, int64(k.Number), 10)
		b = append(b, `,"settings":`...)
		if b = list(b, k.Settings, w.setting); b == nil {
			return nil
		}
		return append(b, '}')
	})
	return append(b, '}'), b != nil
}

// list writes each element, or null for no list. Like its elements it returns
// nil for what encoding/json would refuse.
func list[T any](b []byte, all []T, write func([]byte, T) []byte) []byte {
	if all == nil {
		return append(b, "null"...)
	}
	b = append(b, '[')
	for i, e := range all {
		if i > 0 {
			b = append(b, ',')
		}
		if b = write(b, e); b == nil {
			return nil
		}
	}
	return append(b, ']')
}

func (w *jsonWriter) setting(b []byte, s lab.Setting) []byte {
	b = w.string(append(b, `{"name":`...), s.Name)
	if b = w.value(append(b, `,"value":`...), s.Value); b == nil {
		return nil
	}
	if s.Unit != "" {
		b = w.string(append(b, `,"unit":`...), string(s.Unit))
	}
	return append(b, '}')
}

func (w *jsonWriter) measured(b []byte, m lab.Measured) []byte {
	b = w.string(append(b, `{"name":`...), m.Name)
	if b = appendNumber(append(b, `,"value":`...), m.Value); b == nil {
		return nil
	}
	if m.Sigma != nil {
		if b = appendNumber(append(b, `,"sigma":`...), *m.Sigma); b == nil {
			return nil
		}
	}
	return append(w.string(append(b, `,"unit":`...), string(m.Unit)), '}')
}

func (w *jsonWriter) value(b []byte, v lab.Value) []byte {
	switch v.Kind() {
	case lab.IsNumber:
		return appendNumber(b, v.Number())
	case lab.IsLabel:
		return w.string(b, v.Label())
	case lab.IsParts:
		return list(b, v.Parts(), appendNumber)
	default:
		return append(b, "null"...)
	}
}

// string writes a string, escaped as encoding/json does it.
func (w *jsonWriter) string(b []byte, s string) []byte {
	text, ok := w.text[s]
	if !ok {
		// Marshalling a string cannot fail.
		text, _ = json.Marshal(s)
		w.text[s] = text
	}
	return append(b, text...)
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
