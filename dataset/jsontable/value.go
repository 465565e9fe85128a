package jsontable

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/athanor-lab/athanor/dataset/tabular"
	"github.com/athanor-lab/athanor/lab"
)

// Object is a JSON object in its order.
type Object struct {
	Names  []string
	Values []any // string, json.Number, bool, nil, *Object, []any
}

// Get returns the first value of a name, or nil.
func (o *Object) Get(name string) any {
	for i, n := range o.Names {
		if n == name {
			return o.Values[i]
		}
	}
	return nil
}

// Text returns the string of a name, or "".
func (o *Object) Text(name string) string {
	s, _ := o.Get(name).(string)
	return s
}

// maxDepth bounds how deep values lie in each other.
const maxDepth = 200

// Parse reads one JSON value. Bytes that are not UTF-8 are [lab.Invalid], which
// encoding/json would replace without a word.
func Parse(raw []byte) (any, error) {
	if !utf8.Valid(raw) {
		return nil, lab.Errorf(lab.Invalid, "it is not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	v, err := value(d, 0)
	if err != nil {
		return nil, lab.Errorf(lab.Invalid, "it is no JSON at byte %d: %w", d.InputOffset(), err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, lab.Errorf(lab.Invalid, "there is more after the value, at byte %d", d.InputOffset())
	}
	return v, nil
}

func value(d *json.Decoder, depth int) (any, error) {
	if depth > maxDepth {
		return nil, lab.Errorf(lab.Invalid, "values lie more than %d deep in each other", maxDepth)
	}
	t, err := d.Token()
	if err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	switch t {
	case json.Delim('{'):
		o := &Object{}
		for d.More() {
			name, err := d.Token()
			if err != nil {
				return nil, err
			}
			v, err := value(d, depth+1)
			if err != nil {
				return nil, err
			}
			o.Names, o.Values = append(o.Names, name.(string)), append(o.Values, v) // a name is always a string
		}
		_, err := d.Token()
		return o, err
	case json.Delim('['):
		a := []any{}
		for d.More() {
			v, err := value(d, depth+1)
			if err != nil {
				return nil, err
			}
			a = append(a, v)
		}
		_, err := d.Token()
		return a, err
	default:
		return t, nil
	}
}

// Flatten gives the scalars of v with their paths below path. A list of one
// object is taken for the object; any other list is one cell, its JSON.
func Flatten(path string, v any, emit func(name, text string)) {
	switch v := v.(type) {
	case nil:
		emit(path, "")
	case string:
		emit(path, v)
	case json.Number:
		emit(path, v.String())
	case bool:
		emit(path, map[bool]string{true: "true", false: "false"}[v])
	case *Object:
		for i, n := range v.Names {
			Flatten(Join(path, n), v.Values[i], emit)
		}
		if len(v.Names) == 0 && path != "" {
			emit(path, "{}")
		}
	case []any:
		if len(v) == 1 {
			if o, ok := v[0].(*Object); ok && path != "" {
				Flatten(path, o, emit)
				return
			}
		}
		emit(path, JSON(v))
	}
}

// Join joins the parts of a path.
func Join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// JSON writes a value of [Parse] back, compact.
func JSON(v any) string {
	var b strings.Builder
	write(&b, v)
	return b.String()
}

func write(b *strings.Builder, v any) {
	switch v := v.(type) {
	case *Object:
		b.WriteByte('{')
		for i, n := range v.Names {
			if i > 0 {
				b.WriteByte(',')
			}
			write(b, n)
			b.WriteByte(':')
			write(b, v.Values[i])
		}
		b.WriteByte('}')
	case []any:
		b.WriteByte('[')
		for i, e := range v {
			if i > 0 {
				b.WriteByte(',')
			}
			write(b, e)
		}
		b.WriteByte(']')
	default:
		raw, err := json.Marshal(v)
		if err != nil {
			raw = []byte("null") // a scalar of Parse is always JSON
		}
		b.Write(raw)
	}
}

// FieldsOf returns the row of an object.
func FieldsOf(v any, offset int64) tabular.Fields {
	f := tabular.Fields{Offset: offset}
	Flatten("", v, func(name, text string) {
		if name == "" {
			name = "value"
		}
		f.Cells = append(f.Cells, tabular.Field{Name: name, Cell: tabular.Cell{Text: text, Offset: offset}})
	})
	return f
}

// Broken returns the row of a text that could not be read.
func Broken(text string, offset int64) tabular.Fields {
	return tabular.Fields{Offset: offset, Cells: []tabular.Field{{Cell: tabular.Cell{Text: text, Offset: offset, Flags: tabular.Malformed}}}}
}
