package tables

import (
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"reflect"
	"strconv"
	"strings"

	"github.com/athanor-lab/athanor/dataset"
	"github.com/athanor-lab/athanor/internal/jsonline"
)

// linesWriter writes the rows that experiments give as JSON Lines or CSV.
type linesWriter[T any] struct {
	rows func(In) ([]T, error)
	to   rowWriter
}

type rowWriter interface {
	write(row reflect.Value) error
	close() error
}

func newLines[T any](w io.Writer, format string, rows func(In) ([]T, error)) (Writer, error) {
	if format != "csv" {
		return &linesWriter[T]{rows: rows, to: NewLines[T](w)}, nil
	}
	r := &records{csv: csv.NewWriter(w), members: membersOf(reflect.TypeFor[T]())}
	for _, m := range r.members {
		r.cells = append(r.cells, m.name)
	}
	return &linesWriter[T]{rows: rows, to: r}, r.csv.Write(r.cells)
}

// Put implements [Writer].
func (l *linesWriter[T]) Put(e In) (int, error) {
	rows, err := l.rows(e)
	if err != nil {
		return 0, err
	}
	for i := range rows {
		if err := l.to.write(reflect.ValueOf(&rows[i]).Elem()); err != nil {
			return 0, err
		}
	}
	return len(rows), nil
}

// Close implements [Writer].
func (l *linesWriter[T]) Close() error { return l.to.close() }

// member is a value that a row has as JSON: none is ever null. A field that may
// be missing has two, its value or a zero, and whether it is known.
type member struct {
	name, key string // the key with its quotes and colon
	field     int
	pointer   bool
	known     bool     // whether the field is known, in the place of its value
	list      []member // of the elements of a list
}

func membersOf(t reflect.Type) (all []member) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("parquet"), ",")
		if strings.Contains(options, "timestamp") {
			name += "_us"
		}
		m := member{name: name, key: strconv.Quote(name) + ":", field: i, pointer: f.Type.Kind() == reflect.Pointer}
		if f.Type.Kind() == reflect.Slice {
			m.list = membersOf(f.Type.Elem())
		}
		all = append(all, m)
		if m.pointer {
			m.name, m.key, m.known = name+"_known", strconv.Quote(name+"_known")+":", true
			all = append(all, m)
		}
	}
	return all
}

// of returns the value of a row.
func (m *member) of(row reflect.Value) reflect.Value {
	v := row.Field(m.field)
	switch {
	case m.known:
		return reflect.ValueOf(!v.IsNil())
	case m.pointer && v.IsNil():
		return reflect.Zero(v.Type().Elem())
	case m.pointer:
		return v.Elem()
	}
	return v
}

// Lines writes rows of a type with parquet tags as JSON Lines.
type Lines[T any] struct {
	w       io.Writer
	members []member
	buf     []byte
}

// NewLines begins JSON Lines.
func NewLines[T any](w io.Writer) *Lines[T] {
	return &Lines[T]{w: w, members: membersOf(reflect.TypeFor[T]())}
}

// Write adds rows.
func (l *Lines[T]) Write(rows []T) error {
	for i := range rows {
		if err := l.write(reflect.ValueOf(&rows[i]).Elem()); err != nil {
			return err
		}
	}
	return nil
}

func (l *Lines[T]) write(row reflect.Value) (err error) {
	if l.buf, err = appendObject(l.buf[:0], l.members, row); err != nil {
		return err
	}
	l.buf = append(l.buf, '\n')
	_, err = l.w.Write(l.buf)
	return err
}

func (l *Lines[T]) close() error { return nil }

// records writes rows as CSV.
type records struct {
	csv     *csv.Writer
	members []member
	cells   []string
	buf     []byte
}

func (r *records) write(row reflect.Value) (err error) {
	for i := range r.members {
		m := &r.members[i]
		v := m.of(row)
		if v.Kind() == reflect.String {
			r.cells[i] = dataset.Harmless(v.String())
			continue
		}
		if r.buf, err = appendValue(r.buf[:0], m, v); err != nil {
			return err
		}
		r.cells[i] = string(r.buf)
	}
	return r.csv.Write(r.cells)
}

func (r *records) close() error {
	r.csv.Flush()
	return r.csv.Error()
}

func appendObject(b []byte, members []member, row reflect.Value) (_ []byte, err error) {
	b = append(b, '{')
	for i := range members {
		m := &members[i]
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, m.key...)
		if b, err = appendValue(b, m, m.of(row)); err != nil {
			return b, err
		}
	}
	return append(b, '}'), nil
}

// appendValue writes whole floats with a point, so that no reader takes a column
// of them for integers and stumbles over the first that is none.
func appendValue(b []byte, m *member, v reflect.Value) (_ []byte, err error) {
	switch v.Kind() {
	case reflect.String:
		return jsonline.Append(b, v.String()), nil
	case reflect.Bool:
		return strconv.AppendBool(b, v.Bool()), nil
	case reflect.Int32, reflect.Int64:
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
