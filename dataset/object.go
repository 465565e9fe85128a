package dataset

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Object is a JSON object whose members keep their order.
type Object[T any] []Member[T]

// Member is a named value of an [Object].
type Member[T any] struct {
	Name  string
	Value T
}

// Get returns the value of a name and whether it is there.
func (o Object[T]) Get(name string) (T, bool) {
	for _, m := range o {
		if m.Name == name {
			return m.Value, true
		}
	}
	var zero T
	return zero, false
}

// MarshalJSON implements [json.Marshaler].
func (o Object[T]) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(m.Name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(m.Value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.Name, err)
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// UnmarshalJSON implements [json.Unmarshaler].
func (o *Object[T]) UnmarshalJSON(b []byte) error {
	d := json.NewDecoder(bytes.NewReader(b))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return fmt.Errorf("want an object, have %.20q", b)
	}
	*o = Object[T]{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return err
		}
		name, _ := t.(string) // the decoder lets no other key pass
		var m Member[T]
		m.Name = name
		if err := d.Decode(&m.Value); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		*o = append(*o, m)
	}
	_, err := d.Token()
	return err
}
