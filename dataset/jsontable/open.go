package jsontable

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"slices"

	"github.com/athanor-lab/athanor/dataset/tabular"
	"github.com/athanor-lab/athanor/lab"
)

// maxDocument is the largest document that is read as a whole; JSON Lines may
// be of any size.
const maxDocument = 256 << 20

// Read reads the whole file as one JSON value.
func Read(path string) (any, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, lab.Errorf(lab.NotFound, "open %s: %w", path, err)
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxDocument+1))
	if err != nil {
		return nil, err
	}
	if len(raw) > maxDocument {
		return nil, lab.Errorf(lab.Invalid, "%s has more than %d bytes; large sets are read as JSON Lines, an object to a line", path, maxDocument)
	}
	v, err := Parse(bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf")))
	if err != nil {
		return nil, lab.Errorf(lab.Invalid, "read %s: it may be cut: %w", path, err)
	}
	return v, nil
}

// Open opens a document.
func Open(path string, o tabular.Options) (*tabular.Source, error) {
	v, err := Read(path)
	if err != nil {
		return nil, err
	}
	tables, err := Tables(v, "json", o)
	if err != nil {
		return nil, err
	}
	return tabular.NewSource(tables, o, nil)
}

// Tables divides a document into its tables.
func Tables(v any, encoding string, o tabular.Options) ([]*tabular.Table, error) {
	if rows, ok := v.([]any); ok {
		t, err := Rows("", encoding, rows, o)
		return []*tabular.Table{t}, err
	}
	top, ok := v.(*Object)
	if !ok {
		return nil, lab.Errorf(lab.Invalid, "the document is %.40s; want an object or a list of objects", JSON(v))
	}
	type list struct {
		name string
		rows []any
	}
	var lists []list
	rest := &Object{}
	for i, n := range top.Names {
		if rows, ok := top.Values[i].([]any); ok && len(rows) > 1 && isObject(rows[0]) {
			lists = append(lists, list{n, rows})
			continue
		}
		rest.Names, rest.Values = append(rest.Names, n), append(rest.Values, top.Values[i])
	}
	slices.SortStableFunc(lists, func(a, b list) int { return len(b.rows) - len(a.rows) })
	var tables []*tabular.Table
	for _, l := range lists {
		to := o
		if o.Sheet != l.name && (o.Sheet != "" || l.name != lists[0].name) {
			to.Names = nil
		}
		t, err := Rows(l.name, encoding, l.rows, to)
		if err != nil {
			return nil, err
		}
		tables = append(tables, t)
	}
	if len(rest.Names) > 0 {
		name, to := "document", tabular.Options{Limits: o.Limits}
		if len(lists) == 0 {
			name = ""
		}
		if len(lists) == 0 || o.Sheet == name {
			to = o
		}
		t, err := Rows(name, encoding, []any{rest}, to)
		if err != nil {
			return nil, err
		}
		tables = append(tables, t)
	}
	if len(tables) == 0 {
		return nil, lab.Errorf(lab.Invalid, "the document is an empty object")
	}
	return tables, nil
}

func isObject(v any) bool {
	_, ok := v.(*Object)
	return ok
}

// Rows makes a table of values, an object to a row.
func Rows(name, encoding string, rows []any, o tabular.Options) (*tabular.Table, error) {
	return tabular.NewTable(name, encoding, nil, o, func(yield func(tabular.Fields) error) error {
		for _, r := range rows {
			if err := yield(FieldsOf(r, -1)); err != nil {
				return err
			}
		}
		return nil
	})
}

// OpenLines opens JSON Lines of any size, an object to a line.
func OpenLines(path string, o tabular.Options) (*tabular.Source, error) {
	t, err := tabular.NewTable("", "jsonl", nil, o, func(yield func(tabular.Fields) error) error {
		return EachLine(path, o.Limits.RecordBytes, func(raw []byte, offset int64, _ bool) error {
			v, err := Parse(raw)
			if err != nil || !isObject(v) {
				return yield(Broken(string(raw), offset))
			}
			return yield(FieldsOf(v, offset))
		})
	})
	if err != nil {
		return nil, err
	}
	return tabular.NewSource([]*tabular.Table{t}, o, nil)
}

// EachLine calls yield for the lines of a file that are not blank, with their
// offsets and whether they end. A line above most bytes (0 for 16 MiB) is
// [lab.Invalid].
func EachLine(path string, most int, yield func(raw []byte, offset int64, ended bool) error) error {
	if most == 0 {
		most = 16 << 20
	}
	f, err := os.Open(path)
	if err != nil {
		return lab.Errorf(lab.NotFound, "open %s: %w", path, err)
	}
	defer f.Close()
	in := bufio.NewReaderSize(f, 1<<16)
	var line []byte
	offset := int64(0)
	for n := 1; ; n++ {
		line = line[:0]
		for {
			part, err := in.ReadSlice('\n')
			line = append(line, part...)
			if len(line) > most {
				return lab.Errorf(lab.Invalid, "line %d has more than %d bytes", n, most)
			}
			if errors.Is(err, bufio.ErrBufferFull) {
				continue
			}
			if err != nil && !errors.Is(err, io.EOF) {
				return err
			}
			if err != nil && len(line) == 0 {
				return nil
			}
			break
		}
		raw := bytes.TrimSpace(bytes.TrimPrefix(line, []byte("\xef\xbb\xbf")))
		if len(raw) > 0 {
			if err := yield(raw, offset, line[len(line)-1] == '\n'); err != nil {
				return err
			}
		}
		offset += int64(len(line))
	}
}
