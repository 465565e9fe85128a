package importer

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/athanor-lab/athanor/dataset/tabular"
	"github.com/athanor-lab/athanor/lab"
)

// Entry is a line of the ledger: consecutive physical rows of one role whose
// cells have the same fates. Together with the file, whose copy is kept beside
// it, the ledger says of every cell where it is and what became of it.
type Entry struct {
	Row    int          `json:"row"`    // the first, from 1
	Rows   int          `json:"rows"`   // how many
	Offset int64        `json:"offset"` // of the first row in the file; -1 where rows have none
	Role   tabular.Role `json:"role"`
	Fates  string       `json:"fates"` // a letter to a cell of each of the rows: see [Fate]
	// Texts are those of a row that is no data and not blank.
	Texts []string `json:"texts,omitempty"`
}

// book keeps the ledger: it joins rows that are alike and counts their cells.
type book struct {
	open    Entry
	fates   []byte // of open
	sum     Cells
	columns []ColumnCells
	put     func(Entry) error
}

func newBook(m Mapping, put func(Entry) error) *book {
	b := &book{put: put, columns: make([]ColumnCells, len(m.Columns))}
	for i, c := range m.Columns {
		b.columns[i] = ColumnCells{At: c.At, Name: c.Name}
	}
	return b
}

func (b *book) add(r tabular.Record, fates []Fate) error {
	o := &b.open
	if o.Rows > 0 && o.Role == r.Role && o.Row+o.Rows == r.Number && o.Texts == nil && len(fates) == len(b.fates) && sameFates(fates, b.fates) {
		o.Rows++
		return nil
	}
	if err := b.flush(); err != nil {
		return err
	}
	*o = Entry{Row: r.Number, Rows: 1, Offset: r.Offset, Role: r.Role}
	b.fates = b.fates[:0]
	for _, f := range fates {
		b.fates = append(b.fates, byte(f))
	}
	if r.Role != tabular.Data && r.Role != tabular.Blank {
		o.Texts = make([]string, len(r.Cells))
		for i, c := range r.Cells {
			o.Texts[i] = jsonText(c.Text)
		}
	}
	return nil
}

func sameFates(a []Fate, b []byte) bool {
	for i := range a {
		if byte(a[i]) != b[i] {
			return false
		}
	}
	return true
}

// cut ends the entry that is open when row begins another chunk.
func (b *book) cut(row int) error {
	if b.open.Rows > 0 && ChunkOf(b.open.Row) != ChunkOf(row) {
		return b.flush()
	}
	return nil
}

// flush counts the rows that were joined and hands them on.
func (b *book) flush() error {
	if b.open.Rows == 0 {
		return nil
	}
	for i, f := range b.fates {
		b.sum.add(Fate(f), int64(b.open.Rows))
		if i < len(b.columns) {
			b.columns[i].Cells.add(Fate(f), int64(b.open.Rows))
		}
	}
	e := b.open
	e.Fates = string(b.fates)
	b.open.Rows = 0
	return b.put(e)
}

// Check rebuilds what became of every cell from the ledger, the imported and
// the held rows, all as JSON lines, and compares it with the source and the
// summary. Any cell that is lost, changed, there twice or without a fate is
// [lab.Invalid] with its place. Of the mapping it uses only which column has
// which name and role: the values are read again from the texts by rules of its
// own.
func Check(t *tabular.Table, m Mapping, s Summary, ledger, rows, held io.Reader) error {
	entries, imported, back := json.NewDecoder(bufio.NewReader(ledger)), json.NewDecoder(bufio.NewReader(rows)), json.NewDecoder(bufio.NewReader(held))
	var sum Cells
	var e Entry
	n, left := 0, 0
	err := t.Each(func(r tabular.Record) error {
		n++
		bad := func(format string, args ...any) error {
			return lab.Errorf(lab.Invalid, "ledger, row %d: %w", r.Number, lab.Errorf(lab.Invalid, format, args...))
		}
		if left == 0 {
			e = Entry{}
			if err := entries.Decode(&e); err != nil {
				return bad("it is missing: %w", err)
			}
			if left = e.Rows; left < 1 || e.Row != r.Number || e.Offset != r.Offset {
				return bad("the entry is of %d rows from %d at %d; the table has row %d at %d", e.Rows, e.Row, e.Offset, r.Number, r.Offset)
			}
		}
		if e.Role != r.Role || len(e.Fates) != len(r.Cells) || e.Row+e.Rows-left != r.Number {
			return bad("it is %s with %d fates; the table has %s with %d cells", e.Role, len(e.Fates), r.Role, len(r.Cells))
		}
		left--
		fates := []Fate(e.Fates)
		for _, f := range fates {
			sum.add(f, 1)
		}
		switch {
		case r.Role != tabular.Data:
			return checkStructure(r, e, fates)
		case m.leavesOut(&r):
			if slices.ContainsFunc(fates, func(f Fate) bool { return f != LeftOut }) {
				return bad("a rule of the mapping ignores it and its fates are %q", e.Fates)
			}
			return nil
		case slices.Contains(fates, Quarantined):
			return checkHeld(back, r, fates)
		}
		var row Row
		if err := imported.Decode(&row); err != nil {
			return bad("its row is missing: %w", err)
		}
		if row.ID != RowID(s.Import, r.Number) || row.Source.Row != r.Number || row.Source.Offset != r.Offset {
			return bad("its row is %s of row %d, want %s", row.ID, row.Source.Row, RowID(s.Import, r.Number))
		}
		if err := m.checkRow(r, fates, &row); err != nil {
			return bad("%w", err)
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case left > 0 || entries.More():
		return lab.Errorf(lab.Invalid, "ledger: it has more than the %d rows of the table", n)
	case imported.More() || back.More():
		return lab.Errorf(lab.Invalid, "rows: there are more than the ledger names")
	case sum != s.Cells || n != s.Rows.All:
		return lab.Errorf(lab.Invalid, "summary: it counts %+v, the ledger %+v", s.Cells, sum)
	}
	return s.check()
}

// check holds the sums of a summary to each other.
func (s Summary) check() error {
	if c := s.Cells; c.All != c.Mapped+c.Attributes+c.Quarantined+c.Blank+c.Ignored+c.Structure {
		return lab.Errorf(lab.Invalid, "ledger: %d cells have no fate", c.All-c.Mapped-c.Attributes-c.Quarantined-c.Blank-c.Ignored-c.Structure)
	}
	if r := s.Rows; r.All != r.Imported+r.Quarantined+r.Blank+r.Structure+r.Ignored {
		return lab.Errorf(lab.Invalid, "ledger: %d rows have no fate", r.All-r.Imported-r.Quarantined-r.Blank-r.Structure-r.Ignored)
	}
	return nil
}

func checkStructure(r tabular.Record, e Entry, fates []Fate) error {
	for i, c := range r.Cells {
		switch {
		case r.Role == tabular.Blank && fates[i] == Blank:
		case r.Role != tabular.Blank && fates[i] == Structure && i < len(e.Texts) && e.Texts[i] == jsonText(c.Text):
		default:
			return lab.Errorf(lab.Invalid, "ledger, row %d: column %d has the fate %q in a row that is %s, or another text than %q", r.Number, i+1, fates[i], r.Role, clip(c.Text))
		}
	}
	return nil
}

func checkHeld(back *json.Decoder, r tabular.Record, fates []Fate) error {
	var h Held
	if err := back.Decode(&h); err != nil {
		return lab.Errorf(lab.Invalid, "quarantine, row %d: it is missing: %w", r.Number, err)
	}
	if h.Source.Row != r.Number || len(h.Original) != len(r.Cells) || len(h.Faults) == 0 {
		return lab.Errorf(lab.Invalid, "quarantine: it has row %d with %d texts and %d faults, want row %d with %d texts", h.Source.Row, len(h.Original), len(h.Faults), r.Number, len(r.Cells))
	}
	for i, c := range r.Cells {
		if fates[i] != Quarantined || h.Original[i] != jsonText(c.Text) || h.Shown[i+1] != c.Shown {
			return lab.Errorf(lab.Invalid, "quarantine, row %d: column %d is %q (%c), the source has %q", r.Number, i+1, clip(h.Original[i]), fates[i], clip(c.Text))
		}
	}
	return nil
}

// checkRow compares an imported row with the cells it was made of: every cell
// has a fate that its column allows and its value is there, and nothing else is.
func (m Mapping) checkRow(r tabular.Record, fates []Fate, row *Row) error {
	settings, observed, attributes := row.Settings, row.Observed, row.Attributes
	for i := range r.Cells {
		c := &r.Cells[i]
		if i >= len(m.Columns) {
			return fmt.Errorf("column %d is beyond the mapping", i+1)
		}
		col := &m.Columns[i]
		var err error
		switch {
		case fates[i] == Blank:
			if !tabular.IsMissing(c.Text) {
				err = fmt.Errorf("it is said to be blank and is %q", clip(c.Text))
			}
		case fates[i] == LeftOut && col.Role == Ignored:
		case fates[i] == Attributed && col.Role == Kept && len(attributes) > 0 && attributes[0].Name == col.Name:
			err = same(attributes[0].Text, jsonText(c.Text))
			attributes = attributes[1:]
		case fates[i] == Mapped && col.Role == Objective && len(observed) > 0 && observed[0].Name == col.Name:
			err = sameNumber(observed[0].Value, observed[0].Unit, c, col, m.Dialect.Decimal)
			observed = observed[1:]
		case fates[i] == Mapped && col.Role == Parameter && len(settings) > 0 && settings[0].Name == col.Name:
			if settings[0].Value.Kind() == lab.IsLabel {
				err = same(settings[0].Value.Label(), strings.TrimSpace(c.Text))
			} else {
				err = sameNumber(settings[0].Value.Number(), settings[0].Unit, c, col, m.Dialect.Decimal)
			}
			settings = settings[1:]
		default:
			err = fmt.Errorf("its fate is %q in a column that is %s, or %q is not in the row", fates[i], col.Role, col.Name)
		}
		if err != nil {
			return fmt.Errorf("column %d: %w", i+1, err)
		}
	}
	if len(settings)+len(observed)+len(attributes) > 0 {
		return fmt.Errorf("its row has values that no cell gave: %v %v %v", settings, observed, attributes)
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
func sameNumber(got float64, unit lab.Unit, c *tabular.Cell, col *Column, decimal string) error {
	if unit != col.Unit {
		return fmt.Errorf("the row has the unit %q, the mapping %q", unit, col.Unit)
	}
	t := strings.TrimSpace(c.Text)
	if col.UnitColumn != 0 || strings.HasSuffix(c.Shown, "%") && col.Unit != "1" || !tabular.IsNumber(t, decimal) {
		return nil
	}
	if decimal != "." {
		t = strings.Replace(t, decimal, ".", 1)
	}
	if want, err := strconv.ParseFloat(t, 64); err != nil || got != want {
		return fmt.Errorf("the row has %v, the source %q", got, t)
	}
	return nil
}
