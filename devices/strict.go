package devices

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
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
	MaxAbout = 512 << 10
	MaxSmall = 4 << 10 // conn, beat and lab stop
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
		return fmt.Errorf("the text is not UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	if err := strictValue(dec, 0); err != nil {
		return err
	}
	if _, err := dec.Token(); err != io.EOF {
		return fmt.Errorf("something follows the value")
	}
	return nil
}

func strictValue(dec *json.Decoder, depth int) error {
	if depth > depthMax {
		return fmt.Errorf("it nests deeper than %d", depthMax)
	}
	token, err := dec.Token()
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	if err != nil {
		return err
	}
	switch t := token.(type) {
	case json.Number:
		if x, err := strconv.ParseFloat(t.String(), 64); err != nil || math.IsInf(x, 0) {
			return fmt.Errorf("the number %.20s is beyond float64", t.String())
		}
	case json.Delim:
		seen := map[string]bool{}
		for dec.More() {
			if t == '{' {
				key, err := dec.Token()
				if err != nil {
					return err
				}
				k, ok := key.(string)
				if !ok || seen[k] {
					return fmt.Errorf("the key %q is repeated", fmt.Sprint(key))
				}
				seen[k] = true
			}
			if err := strictValue(dec, depth+1); err != nil {
				return err
			}
		}
		if _, err := dec.Token(); err != nil { // the closing delimiter
			return err
		}
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
