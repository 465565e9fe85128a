package jsonline

import (
	stdjson "encoding/json"
	"errors"
	"io"
	"iter"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/athanor-lab/athanor/lab"
)

// readers are for types whose package knows the standard library only.
var readers = json.WithUnmarshalers(json.JoinUnmarshalers(json.UnmarshalFromFunc(readValue), json.UnmarshalFromFunc(readNumber)))

// Unmarshal is [encoding/json.Unmarshal] in one pass, with about half of its work. Names are taken as they are written, a name that is
// there twice is an error, and so is text that is no UTF-8.
func Unmarshal(line []byte, v any) error { return json.Unmarshal(line, v, readers) }

// Values reads values of JSON that stand one after the other, until the first that cannot be read.
func Values[T any](r io.Reader) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for d := jsontext.NewDecoder(r); ; {
			var v T
			err := json.UnmarshalDecode(d, &v, readers)
			if errors.Is(err, io.EOF) || !yield(v, err) || err != nil {
				return
			}
		}
	}
}

func readValue(d *jsontext.Decoder, v *lab.Value) error {
	switch d.PeekKind() {
	case jsontext.KindNumber:
		t, err := d.ReadToken()
		if err != nil {
			return err
		}
		x, err := t.Float()
		*v = lab.Number(x)
		return err
	case jsontext.KindString:
		t, err := d.ReadToken()
		if err != nil {
			return err
		}
		*v = lab.Label(t.String())
		return nil
	default:
		return errors.ErrUnsupported // it reads itself
	}
}

func readNumber(d *jsontext.Decoder, n *stdjson.Number) error {
	if d.PeekKind() != jsontext.KindNumber {
		return errors.ErrUnsupported
	}
	raw, err := d.ReadValue()
	*n = stdjson.Number(raw)
	return err
}
