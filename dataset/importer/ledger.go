package importer

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/athanor-lab/athanor/dataset/tabular"
	"github.com/athanor-lab/athanor/lab"
)

// Entry is a line of the ledger: a physical row, with the text and the fate of
// every cell. The ledger is enough to rebuild the table.
type Entry struct {
	Row    int            `json:"row"`
	Offset int64          `json:"offset"`
	Role   tabular.Role   `json:"role"`
	ID     string         `json:"id,omitempty"` // of the row that was imported
	Fates  string         `json:"fates"`        // a letter to a cell: see [Fate]
	Texts  []string       `json:"texts"`
	Shown  map[int]string `json:"shown,omitempty"` // by column, where a sheet shows something else
}

func entryOf(r tabular.Record) Entry {
	e := Entry{Row: r.Number, Offset: r.Offset, Role: r.Role, Texts: make([]string, len(r.Cells))}
	for i, c := range r.Cells {
		e.Texts[i] = jsonText(c.Text)
		if c.Shown != "" {
			if e.Shown == nil {
				e.Shown = map[int]string{}
			}
			e.Shown[i+1] = c.Shown
		}
	}
	return e
}

func (e Entry) finish(fates []Fate, sum *Cells) Entry {
	var b strings.Builder
	for _, f := range fates {
		b.WriteByte(byte(f))
		sum.add(f)
	}
	e.Fates = b.String()
	return e
}

// Check rebuilds the table from the ledger and the imported rows, both as JSON
// lines, and compares it with the source and the summary. Any cell that is
// lost, changed, there twice or without a fate is [lab.Invalid] with its place.
// Of the mapping it uses only which column has which name and role: the values
// are read again from the texts by rules of its own.
func Check(t *tabular.Table, m Mapping, s Summary, ledger, rows io.Reader) error {
	entries, imported := json.NewDecoder(bufio.NewReader(ledger)), json.NewDecoder(bufio.NewReader(rows))
	var sum Cells
	n := 0
	err := t.Each(func(r tabular.Record) error {
		n++
		bad := func(format string, args ...any) error {
			return lab.Errorf(lab.Invalid, "ledger, row %d: %w", r.Number, lab.Errorf(lab.Invalid, format, args...))
		}
		var e Entry
		if err := entries.Decode(&e); err != nil {
			return bad("it is missing: %w", err)
		}
		if e.Row != r.Number || e.Offset != r.Offset || e.Role != r.Role || len(e.Texts) != len(r.Cells) || len(e.Fates) != len(r.Cells) {
			return bad("it is row %d at %d, %s, %d texts and %d fates; the table has row %d at %d, %s, %d cells", e.Row, e.Offset, e.Role, len(e.Texts), len(e.Fates), r.Number, r.Offset, r.Role, len(r.Cells))
		}
		var row Row
		if e.ID != "" {
			if err := imported.Decode(&row); err != nil {
				return bad("its row %s is missing: %w", e.ID, err)
			}
			if row.ID != e.ID || row.Source.Row != r.Number {
				return bad("its row is %s of row %d, want %s", row.ID, row.Source.Row, e.ID)
			}
		}
		values := valuesOf(row)
		for i, c := range r.Cells {
			if e.Texts[i] != jsonText(c.Text) || e.Shown[i+1] != c.Shown {
				return bad("column %d is %q, the source has %q", i+1, clip(e.Texts[i]), clip(c.Text))
			}
			sum.add(Fate(e.Fates[i]))
			if err := checkFate(Fate(e.Fates[i]), c, i, m, e.ID != "", values); err != nil {
				return bad("column %d: %w", i+1, err)
			}
		}
		if len(values) > 0 {
			return bad("its row has values that no cell gave: %v", values)
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case entries.More():
		return lab.Errorf(lab.Invalid, "ledger: it has more than the %d rows of the table", n)
	case imported.More():
		return lab.Errorf(lab.Invalid, "rows: there are more than the ledger names")
	case sum != s.Cells || n != s.Rows.All:
		return lab.Errorf(lab.Invalid, "summary: it counts %+v, the ledger %+v", s.Cells, sum)
	case sum.All != sum.Mapped+sum.Attributes+sum.Quarantined+sum.Blank+sum.Ignored+sum.Structure:
		return lab.Errorf(lab.Invalid, "ledger: %d cells have no fate", sum.All-sum.Mapped-sum.Attributes-sum.Quarantined-sum.Blank-sum.Ignored-sum.Structure)
	}
	return nil
}

// valuesOf returns what a row holds, by name and role; Check takes away what it
// finds a cell for.
func valuesOf(r Row) map[string]any {
	values := map[string]any{}
	for _, s := range r.Settings {
		values[string(Parameter)+" "+s.Name] = s
	}
	for _, o := range r.Observed {
		values[string(Objective)+" "+o.Name] = o
	}
	for _, a := range r.Attributes {
		values[string(Kept)+" "+a.Name] = a
	}
	return values
}

func checkFate(f Fate, c tabular.Cell, i int, m Mapping, imported bool, values map[string]any) error {
	if imported && i >= len(m.Columns) {
		return fmt.Errorf("it is beyond the mapping")
	}
	empty := tabular.IsMissing(c.Text)
	switch f {
	case Blank:
		if !empty {
			return fmt.Errorf("it is said to be blank and is %q", clip(c.Text))
		}
		return nil
	case Quarantined, Structure:
		if imported {
			return fmt.Errorf("its row was imported and it was not (%c)", f)
		}
		return nil
	case LeftOut:
		if m.Columns[i].Role != Ignored {
			return fmt.Errorf("it was left out and its column is %s", m.Columns[i].Role)
		}
		return nil
	case Mapped, Attributed:
	default:
		return fmt.Errorf("it has no fate: %q", f)
	}
	if !imported {
		return fmt.Errorf("it is said to be imported and its row is not")
	}
	col := m.Columns[i]
	key := string(col.Role) + " " + col.Name
	value, ok := values[key]
	if !ok {
		return fmt.Errorf("%q is not in the row", key)
	}
	delete(values, key)
	switch v := value.(type) {
	case Attribute:
		return same(v.Text, c.Text)
	case lab.Measured:
		return sameNumber(v.Value, v.Unit, c, col, m.Dialect.Decimal)
	case lab.Setting:
		if v.Value.Kind() == lab.IsLabel {
			return same(v.Value.Label(), strings.TrimSpace(c.Text))
		}
		return sameNumber(v.Value.Number(), v.Unit, c, col, m.Dialect.Decimal)
	}
	return nil
}

func same(got, want string) error {
	if got != want {
		return fmt.Errorf("the row has %q, the source %q", clip(got), clip(want))
	}
	return nil
}

// sameNumber compares a number with its text where the text is a plain number
// in the column's own unit.
func sameNumber(got float64, unit lab.Unit, c tabular.Cell, col Column, decimal string) error {
	if unit != col.Unit {
		return fmt.Errorf("the row has the unit %q, the mapping %q", unit, col.Unit)
	}
	t := strings.TrimSpace(c.Text)
	if col.UnitColumn != 0 || strings.HasSuffix(c.Shown, "%") && col.Unit != "1" || !tabular.IsNumber(t, decimal) {
		return nil
	}
	if want, err := strconv.ParseFloat(strings.Replace(t, decimal, ".", 1), 64); err != nil || got != want {
		return fmt.Errorf("the row has %v, the source %q", got, t)
	}
	return nil
}
