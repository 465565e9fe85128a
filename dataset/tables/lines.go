package tables

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"reflect"
	"strconv"
	"strings"

	"github.com/athanor-lab/athanor/dataset"
)

// linesWriter writes rows as JSON Lines or CSV.
type linesWriter[T any] struct {
	rows    func(In) ([]T, error)
	w       io.Writer
	members []member
	buf     []byte
	csv     *csv.Writer // nil for JSON Lines
	record  []string
}

func newLines[T any](w io.Writer, format string, rows func(In) ([]T, error)) (Writer, error) {
	l := &linesWriter[T]{rows: rows, w: w, members: membersOf(reflect.TypeFor[T]())}
	if format == "csv" {
		l.csv, l.record = csv.NewWriter(w), make([]string, len(l.members))
		for i, m := range l.members {
			l.record[i] = m.name
		}
		if err := l.csv.Write(l.record); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// member is a value that a row has as JSON: none is ever null. A field that may
// be missing has two, its value or a zero, and whether it is known.
type member struct {
	name  string
	field int
	known bool     // whether the field is known, in the place of its value
	list  []member // of the elements of a list
}

func membersOf(t reflect.Type) (all []member) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("parquet"), ",")
		if strings.Contains(options, "timestamp") {
			name += "_us"
		}
		m := member{name: name, field: i}
		if f.Type.Kind() == reflect.Slice {
			m.list = membersOf(f.Type.Elem())
		}
		all = append(all, m)
		if f.Type.Kind() == reflect.Pointer {
			all = append(all, member{name: name + "_known", field: i, known: true})
		}
	}
	return all
}

// of returns the value of a row.
func (m member) of(row reflect.Value) reflect.Value {
	v := row.Field(m.field)
	switch {
	case m.known:
		return reflect.ValueOf(!v.IsNil())
	case v.Kind() == reflect.Pointer && v.IsNil():
		return reflect.Zero(v.Type().Elem())
	case v.Kind() == reflect.Pointer:
		return v.Elem()
	}
	return v
}

// Put implements [Writer].
func (l *linesWriter[T]) Put(e In) (int, error) {
	rows, err := l.rows(e)
	if err != nil {
		return 0, err
	}
	for i := range rows {
		row := reflect.ValueOf(&rows[i]).Elem()
		if l.csv != nil {
			err = l.putRecord(row)
		} else {
			err = l.putLine(row)
		}
		if err != nil {
			return 0, err
		}
	}
	return len(rows), nil
}

func (l *linesWriter[T]) putLine(row reflect.Value) (err error) {
	if l.buf, err = appendObject(l.buf[:0], l.members, row); err != nil {
		return err
	}
	l.buf = append(l.buf, '\n')
	_, err = l.w.Write(l.buf)
	return err
}

func (l *linesWriter[T]) putRecord(row reflect.Value) (err error) {
	for i, m := range l.members {
		v := m.of(row)
		if v.Kind() == reflect.String {
			l.record[i] = dataset.Harmless(v.String())
			continue
		}
		if l.buf, err = appendValue(l.buf[:0], m, v); err != nil {
			return err
		}
		l.record[i] = string(l.buf)
	}
	return l.csv.Write(l.record)
}

func appendObject(b []byte, members []member, row reflect.Value) (_ []byte, err error) {
	b = append(b, '{')
	for i, m := range members {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, '"'), m.name...), '"', ':') // names are plain letters
		if b, err = appendValue(b, m, m.of(row)); err != nil {
			return b, err
		}
	}
	return append(b, '}'), nil
}

// appendValue writes whole floats with a point, so that no reader takes a column
// of them for integers and stumbles over the first that is none.
func appendValue(b []byte, m member, v reflect.Value) (_ []byte, err error) {
	switch v.Kind() {
	case reflect.String:
		return appendText(b, v.String())
	case reflect.Bool:
		return strconv.AppendBool(b, v.Bool()), nil
	case reflect.Int64:
		return strconv.AppendInt(b, v.Int(), 10), nil
	case reflect.Float64:
		return appendNumber(b, m.name, v.Float())
	case reflect.Slice:
		b = append(b, '[')
		for i := range v.Len() {
			if i > 0 {
				b = append(b, ',')
			}
			if b, err = appendObject(b, m.list, v.Index(i)); err != nil {
				return b, err
			}
		}
		return append(b, ']'), nil
	default:
		return b, fmt.Errorf("column %s: %v is written nowhere", m.name, v.Type())
	}
}

func appendNumber(b []byte, name string, x float64) ([]byte, error) {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return b, fmt.Errorf("column %s: %v is no number of JSON", name, x)
	}
	begin := len(b)
	b = strconv.AppendFloat(b, x, 'g', -1, 64)
	for _, c := range b[begin:] {
		if c == '.' || c == 'e' {
			return b, nil
		}
	}
	return append(b, '.', '0'), nil
}

// appendText leaves what is not plain to the library.
func appendText(b []byte, s string) ([]byte, error) {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			quoted, err := json.Marshal(s)
			return append(b, quoted...), err
		}
	}
	return append(append(append(b, '"'), s...), '"'), nil
}

// Close implements [Writer].
func (l *linesWriter[T]) Close() error {
	if l.csv != nil {
		l.csv.Flush()
		return l.csv.Error()
	}
	return nil
}
