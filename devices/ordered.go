package devices

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// tdObject is a JSON object that is written in the order of its members.
type tdObject []member

type member struct {
	name  string
	value any
}

// MarshalJSON implements [json.Marshaler].
func (o tdObject) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, m := range o {
		if i > 0 {
			b = append(b, ',')
		}
		name, err := json.Marshal(m.name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(m.value)
		if err != nil {
			return nil, err
		}
		b = append(append(append(b, name...), ':'), value...)
	}
	return append(b, '}'), nil
}

// ordered is a JSON object that is read in the order of its members.
type ordered []rawMember

type rawMember struct {
	name string
	raw  json.RawMessage
}

// UnmarshalJSON implements [json.Unmarshaler].
func (o *ordered) UnmarshalJSON(b []byte) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	if open, err := dec.Token(); err != nil || open != json.Delim('{') {
		return errors.New("it is not an object")
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return err
		}
		m := rawMember{name: fmt.Sprint(name)}
		if err := dec.Decode(&m.raw); err != nil {
			return err
		}
		*o = append(*o, m)
	}
	return nil
}
