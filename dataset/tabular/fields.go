package tabular

import (
	"errors"

	"github.com/athanor-lab/athanor/lab"
)

// Field is a named cell of a row whose columns have names and no order.
type Field struct {
	Name string
	Cell Cell
}

// Fields is one row of such a source. A row that cannot be divided into fields
// has a single one without a name, and a flag.
type Fields struct {
	Offset int64 // of the row; -1 where there is none
	Cells  []Field
}

// NewTable makes a table of rows of fields. each may be called any number of
// times and gives the same rows each time; the first time the columns are
// found: o.Names, then others as they come. units are by name. A row of a
// single nameless field is given as it is, so that it does not fit.
func NewTable(name, encoding string, units map[string]string, o Options, each func(yield func(Fields) error) error) (*Table, error) {
	o.Limits = o.Limits.orDefaults()
	t := &Table{Name: name, Dialect: Dialect{Encoding: encoding, Decimal: "."}, Layout: Layout{DataFrom: 1, Names: append([]string(nil), o.Names...)}}
	columns := map[string]int{}
	for i, n := range o.Names {
		columns[n] = i
	}
	err := each(func(f Fields) error {
		for i := range f.Cells {
			n := f.Cells[i].Name
			if _, known := columns[n]; known || n == "" {
				continue
			}
			if len(columns) == o.Limits.Columns {
				return lab.Errorf(lab.Invalid, "the table %q has more than %d columns", name, o.Limits.Columns)
			}
			columns[n] = len(columns)
			t.Layout.Names = append(t.Layout.Names, n)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	t.Layout.Width = len(t.Layout.Names)
	if len(units) > 0 {
		t.Layout.Units = make([]string, t.Layout.Width)
		for i, n := range t.Layout.Names {
			t.Layout.Units[i] = units[n]
		}
	}
	cells := make([]Cell, t.Layout.Width)
	t.each = func(yield func(Record) error) error {
		row := 0
		return each(func(f Fields) error {
			row++
			if len(f.Cells) == 1 && f.Cells[0].Name == "" {
				return yield(Record{Number: row, Offset: f.Offset, Cells: []Cell{f.Cells[0].Cell}})
			}
			clear(cells)
			for i := range cells {
				cells[i].Offset = f.Offset
			}
			for i := range f.Cells {
				at, ok := columns[f.Cells[i].Name]
				if !ok {
					return errors.New("the rows are others than they were when the columns were found")
				}
				c := f.Cells[i].Cell
				if f.Cells[i].Name == "" || cells[at].Text != "" { // the name is there twice
					c.Flags |= Malformed
					c.Text = cells[at].Text + " | " + c.Text
				}
				for k := range len(c.Text) {
					if c.Text[k] == 0 {
						c.Flags |= Malformed
						break
					}
				}
				cells[at] = c
			}
			return yield(Record{Number: row, Offset: f.Offset, Cells: cells})
		})
	}
	return t, nil
}

// NewSource returns a source of tables; release may be nil.
func NewSource(tables []*Table, o Options, release func() error) (*Source, error) {
	if release == nil {
		release = func() error { return nil }
	}
	s := &Source{close: release}
	var names []string
	for _, t := range tables {
		names = append(names, t.Name)
		if o.Sheet == "" || o.Sheet == t.Name {
			s.Tables = append(s.Tables, t)
		}
	}
	if len(s.Tables) == 0 {
		return nil, errors.Join(lab.Errorf(lab.Invalid, "the file has no table %q; it has %q", o.Sheet, names), release())
	}
	return s, nil
}
