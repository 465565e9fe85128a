package dataset

import (
	"bytes"
	"encoding/json"
	"fmt"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/athanor-lab/athanor/internal/jsonline"
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
func (o *Object[T]) UnmarshalJSON(b []byte) error { return jsonline.Unmarshal(b, o) }

// UnmarshalJSONFrom implements the library's UnmarshalerFrom.
func (o *Object[T]) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() != jsontext.KindBeginObject {
		b, err := d.ReadValue()
		if err != nil {
			return err
		}
		return fmt.Errorf("want an object, have %.20q", b)
	}
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	*o = Object[T]{}
	for d.PeekKind() == jsontext.KindString {
		t, err := d.ReadToken()
		if err != nil {
			return err
		}
		m := Member[T]{Name: t.String()}
		if err := jsonv2.UnmarshalDecode(d, &m.Value); err != nil {
			return fmt.Errorf("%s: %w", m.Name, err)
		}
		*o = append(*o, m)
	}
	_, err := d.ReadToken()
	return err
}
