package tables

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"reflect"
	"strconv"
	"strings"

	"github.com/athanor-lab/athanor/dataset"
)

// linesWriter writes rows as JSON Lines or CSV.
type linesWriter[T any] struct {
	rows func(In) ([]T, error)
	w    io.Writer
	csv  *csv.Writer // nil for JSON Lines
	buf  []byte
}

func newLines[T any](w io.Writer, format string, rows func(In) ([]T, error)) (Writer, error) {
	l := &linesWriter[T]{rows: rows, w: w}
	if format == "csv" {
		l.csv = csv.NewWriter(w)
		var head []string
		var zero T
		each(reflect.ValueOf(zero), func(name string, _ any) { head = append(head, name) })
		if err := l.csv.Write(head); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// each calls yield for the columns of a row: no value is ever nil.
func each(row reflect.Value, yield func(name string, v any)) {
	t := row.Type()
	for i := range t.NumField() {
		tag := t.Field(i).Tag.Get("parquet")
		name, options, _ := strings.Cut(tag, ",")
		if strings.Contains(options, "timestamp") {
			name += "_us"
		}
		v := row.Field(i)
		if v.Kind() == reflect.Pointer {
			known := !v.IsNil()
			if known {
				v = v.Elem()
			} else {
				v = reflect.Zero(v.Type().Elem())
			}
			yield(name, v.Interface())
			yield(name+"_known", known)
			continue
		}
		if v.Kind() == reflect.Slice {
			list := make([]dataset.Object[any], 0, v.Len())
			for j := range v.Len() {
				var o dataset.Object[any]
				each(v.Index(j), func(name string, v any) { o = append(o, dataset.Member[any]{Name: name, Value: v}) })
				list = append(list, o)
			}
			yield(name, list)
			continue
		}
		yield(name, v.Interface())
	}
}

// Put implements [Writer].
func (l *linesWriter[T]) Put(e In) (int, error) {
	rows, err := l.rows(e)
	if err != nil {
		return 0, err
	}
	for _, r := range rows {
		if l.csv != nil {
			err = l.record(reflect.ValueOf(r))
		} else {
			err = l.line(reflect.ValueOf(r))
		}
		if err != nil {
			return 0, err
		}
	}
	return len(rows), nil
}

func (l *linesWriter[T]) line(row reflect.Value) (err error) {
	l.buf = append(l.buf[:0], '{')
	each(row, func(name string, v any) {
		if len(l.buf) > 1 {
			l.buf = append(l.buf, ',')
		}
		l.buf = strconv.AppendQuote(l.buf, name) // names are plain letters
		l.buf = append(l.buf, ':')
		b, e := marshal(v)
		if e != nil {
			err = e
		}
		l.buf = append(l.buf, b...)
	})
	if err != nil {
		return err
	}
	_, err = l.w.Write(append(l.buf, '}', '\n'))
	return err
}

// marshal writes whole floats with a point, so that no reader takes a column of
// them for integers and stumbles over the first that is none.
func marshal(v any) ([]byte, error) {
	if x, ok := v.(float64); ok {
		b := strconv.AppendFloat(nil, x, 'g', -1, 64)
		if !strings.ContainsAny(string(b), ".e") {
			b = append(b, '.', '0')
		}
		return b, nil
	}
	if list, ok := v.([]dataset.Object[any]); ok {
		b := []byte{'['}
		for i, o := range list {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(b, '{')
			for j, m := range o {
				if j > 0 {
					b = append(b, ',')
				}
				b = append(strconv.AppendQuote(b, m.Name), ':')
				inner, err := marshal(m.Value)
				if err != nil {
					return nil, err
				}
				b = append(b, inner...)
			}
			b = append(b, '}')
		}
		return append(b, ']'), nil
	}
	return json.Marshal(v)
}

func (l *linesWriter[T]) record(row reflect.Value) (err error) {
	var record []string
	each(row, func(_ string, v any) {
		s, ok := v.(string)
		if ok {
			s = dataset.Harmless(s)
		} else {
			b, e := marshal(v)
			if e != nil {
				err = e
			}
			s = string(b)
		}
		record = append(record, s)
	})
	if err != nil {
		return err
	}
	return l.csv.Write(record)
}

// Close implements [Writer].
func (l *linesWriter[T]) Close() error {
	if l.csv != nil {
		l.csv.Flush()
		return l.csv.Error()
	}
	return nil
}
