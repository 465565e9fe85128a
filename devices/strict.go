package devices

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/athanor-lab/athanor/lab"
)

// The largest messages, in bytes.
const (
	MaxCmd   = 64 << 10
	MaxCtl   = 64 << 10
	MaxEvent = 256 << 10
	MaxState = 256 << 10
	// MaxRecall holds any two commands, written as texts.
	MaxRecall = 256 << 10
	MaxAbout  = 512 << 10
	MaxSmall  = 4 << 10 // conn, beat and lab stop
)

// depthMax bounds how deep a message may nest, so that none exhausts a stack.
const depthMax = 64

// object reads one JSON object of at most size bytes and returns its members.
// Unlike encoding/json it refuses repeated keys at any depth, numbers beyond
// float64, text that is not UTF-8, and anything after the object.
func object(what string, b []byte, size int) (map[string]json.RawMessage, error) {
	if len(b) > size {
		return nil, lab.Errorf(lab.Invalid, "decode %s: %d bytes, at most %d are allowed", what, len(b), size)
	}
	if err := Strict(b); err != nil {
		return nil, lab.Errorf(lab.Invalid, "decode %s: %w", what, err)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(b, &members); err != nil {
		return nil, lab.Errorf(lab.Invalid, "decode %s: %w", what, err)
	}
	if members == nil {
		return nil, lab.Errorf(lab.Invalid, "decode %s: null is not an object", what)
	}
	return members, nil
}

// Strict reports what [encoding/json] would pass over in one JSON value: a
// repeated key, a number beyond float64, text that is not UTF-8, nesting
// deeper than 64, or something after the value.
func Strict(b []byte) error {
	if !utf8.Valid(b) {
		return errors.New("the text is not UTF-8")
	}
	if !json.Valid(b) {
		var first json.RawMessage
		if err := json.NewDecoder(bytes.NewReader(b)).Decode(&first); err == io.EOF {
			return io.ErrUnexpectedEOF
		} else if err != nil {
			return err
		}
		return errors.New("something follows the value")
	}
	w := walker{text: b}
	w.space()
	return w.value(0)
}

// walker goes through JSON that is known to be valid, and so needs no more than
// the next byte to know what comes. It is as strict as it is because a gateway
// reads every word of every device with it.
type walker struct {
	text []byte
	at   int
}

func (w *walker) space() {
	for w.at < len(w.text) && (w.text[w.at] == ' ' || w.text[w.at] == '\n' || w.text[w.at] == '\t' || w.text[w.at] == '\r') {
		w.at++
	}
}

// next returns the byte after the space that follows what was read.
func (w *walker) next() byte {
	w.space()
	return w.text[w.at]
}

// value goes over a value.
func (w *walker) value(depth int) error {
	if depth > depthMax {
		return fmt.Errorf("it nests deeper than %d", depthMax)
	}
	switch c := w.text[w.at]; c {
	case '{':
		return w.members(depth)
	case '[':
		w.at++
		for w.next() != ']' {
			if err := w.value(depth + 1); err != nil {
				return err
			}
			if w.next() == ',' {
				w.at++
				w.space()
			}
		}
		w.at++
		return nil
	case '"':
		w.string()
		return nil
	case 't', 'n':
		w.at += len("true")
		return nil
	case 'f':
		w.at += len("false")
		return nil
	default:
		return w.number()
	}
}

// members goes over an object.
func (w *walker) members(depth int) error {
	var few [16]string // most objects are small: looking through their keys is faster than a map
	keys := few[:0]
	var many map[string]bool
	w.at++
	for w.next() != '}' {
		k, err := key(w.string())
		if err != nil {
			return err
		}
		if slices.Contains(keys, k) || many[k] {
			return fmt.Errorf("the key %q is repeated", k)
		}
		if len(keys) < len(few) {
			keys = append(keys, k)
		} else {
			if many == nil {
				many = map[string]bool{}
			}
			many[k] = true
		}
		w.space()
		w.at++ // the colon
		w.space()
		if err := w.value(depth + 1); err != nil {
			return err
		}
		if w.next() == ',' {
			w.at++
		}
	}
	w.at++
	return nil
}

// string goes over a text and returns it with its quotes.
func (w *walker) string() []byte {
	from := w.at
	for w.at++; w.text[w.at] != '"'; w.at++ {
		if w.text[w.at] == '\\' {
			w.at++
		}
	}
	w.at++
	return w.text[from:w.at]
}

// key returns what a text says.
func key(quoted []byte) (string, error) {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted[1 : len(quoted)-1]), nil
	}
	var k string
	err := json.Unmarshal(quoted, &k)
	return k, err
}

// number goes over a number. Only one with an exponent, or with as many figures
// as float64 has powers of ten, can be beyond it.
func (w *walker) number() error {
	from, exponent := w.at, false
	for ; w.at < len(w.text); w.at++ {
		switch c := w.text[w.at]; {
		case c == 'e' || c == 'E':
			exponent = true
		case c != '-' && c != '+' && c != '.' && (c < '0' || c > '9'):
			return inRange(w.text[from:w.at], exponent)
		}
	}
	return inRange(w.text[from:w.at], exponent)
}

func inRange(number []byte, exponent bool) error {
	if !exponent && len(number) < 300 {
		return nil
	}
	if x, err := strconv.ParseFloat(string(number), 64); err != nil || math.IsInf(x, 0) {
		return fmt.Errorf("the number %.20s is beyond float64", number)
	}
	return nil
}

// fields decodes an object's members into the variables that their exact names
// lead to. It refuses a null, and in a closed message what has no variable.
func fields(what string, members map[string]json.RawMessage, closed bool, into map[string]any, required ...string) error {
	for _, name := range required {
		if _, ok := members[name]; !ok {
			return lab.Errorf(lab.Invalid, "decode %s: %q is missing", what, name)
		}
	}
	for name, raw := range members {
		v, known := into[name]
		switch {
		case !known && closed:
			return lab.Errorf(lab.Invalid, "decode %s: %.40q is not a field of it", what, name)
		case !known:
			continue
		case string(raw) == "null":
			return lab.Errorf(lab.Invalid, "decode %s: %q is null; leave it out instead", what, name)
		}
		if err := json.Unmarshal(raw, v); err != nil {
			return lab.Errorf(lab.Invalid, "decode %s: %q: %w", what, name, err)
		}
	}
	return nil
}
