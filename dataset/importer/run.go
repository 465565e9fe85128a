package importer

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/athanor-lab/athanor/dataset/tabular"
	"github.com/athanor-lab/athanor/lab"
)

// Sinks take what an import makes, in the order of the rows. None may be nil.
// What Row is given is valid until it returns; [Row.Clone] keeps it.
type Sinks struct {
	Row   func(*Row) error
	Held  func(Held) error
	Entry func(Entry) error
}

// Summary tells what became of a table.
type Summary struct {
	Import  string `json:"import"`  // the name of the import
	SHA256  string `json:"sha256"`  // of the file
	Mapping string `json:"mapping"` // its hash
	Table   string `json:"table"`
	Rows    Rows   `json:"rows"`
	Cells   Cells  `json:"cells"`
	// Columns counts the cells of each column of the mapping. Cells of rows that
	// are wider than the table are in Cells only.
	Columns []ColumnCells `json:"columns"`
	// Faults are the kinds of faults with their number and first example, the
	// commonest first.
	Faults []FaultGroup   `json:"faults"`
	Notes  []tabular.Note `json:"notes"`
}

// Rows counts physical rows.
type Rows struct {
	All         int `json:"all"`
	Imported    int `json:"imported"`
	Quarantined int `json:"quarantined"`
	Blank       int `json:"blank"`
	Structure   int `json:"structure"` // header, units, preamble
	Ignored     int `json:"ignored"`   // by a rule of the mapping
}

// Cells counts cells by fate; All is the sum of the others.
type Cells struct {
	All         int64 `json:"all"`
	Mapped      int64 `json:"mapped"`
	Attributes  int64 `json:"attributes"`
	Quarantined int64 `json:"quarantined"`
	Blank       int64 `json:"blank"`
	Ignored     int64 `json:"ignored"`
	Structure   int64 `json:"structure"`
}

// ColumnCells counts the cells of a column.
type ColumnCells struct {
	At   int    `json:"at"` // from 1
	Name string `json:"name"`
	Cells
}

func (c *Cells) add(f Fate, n int64) {
	c.All += n
	switch f {
	case Mapped:
		c.Mapped += n
	case Attributed:
		c.Attributes += n
	case Quarantined:
		c.Quarantined += n
	case Blank:
		c.Blank += n
	case LeftOut:
		c.Ignored += n
	case Structure:
		c.Structure += n
	}
}

// String writes the ledger's sum in a line.
func (s Summary) String() string {
	c := s.Cells
	return fmt.Sprintf("cells %d = mapped %d + attributes %d + quarantined %d + blank %d + ignored %d + structure %d",
		c.All, c.Mapped, c.Attributes, c.Quarantined, c.Blank, c.Ignored, c.Structure)
}

// FaultGroup is how often a fault comes, with the first of its kind.
type FaultGroup struct {
	Fault
	Alike int `json:"alike"`
}

// Run imports the table by its mapping. sha is the SHA-256 of the file, in hex.
// A table whose columns are not those of the mapping is [lab.Invalid]: then
// nothing was given to the sinks. Every row is compared with its cells before
// it is handed on; one that is not what they say is an error and no fault.
func Run(t *tabular.Table, sha string, m Mapping, out Sinks) (Summary, error) {
	s, _, err := run(t, sha, m, out, 0, nil)
	return s, err
}

// errFar ends a run that looks at the first rows only.
var errFar = errors.New("far enough")

// run is [Run] of the first rows up to most, 0 for all, that shows every row of
// data before it is handed on. It reports whether there were more rows.
func run(t *tabular.Table, sha string, m Mapping, out Sinks, most int, show func(tabular.Record, []Fate, []Fault)) (Summary, bool, error) {
	s := Summary{SHA256: sha, Mapping: m.Hash(), Table: t.Name, Notes: slices.Clone(t.Notes)}
	if err := m.Check(); err != nil {
		return s, false, err
	}
	if err := m.fits(t); err != nil {
		return s, false, err
	}
	s.Import = importID(sha, s.Mapping)
	g := groups{}
	ledger := newBook(m, out.Entry)
	tr := newTranslator(m)
	var all []Fate
	whole := func(f Fate, n int) []Fate {
		all = all[:0]
		for range n {
			all = append(all, f)
		}
		return all
	}
	if show == nil {
		show = func(tabular.Record, []Fate, []Fault) {}
	}
	err := t.Each(func(r tabular.Record) error {
		if most > 0 && s.Rows.All == most {
			return errFar
		}
		s.Rows.All++
		if err := ledger.cut(r.Number); err != nil {
			return err
		}
		switch r.Role {
		case tabular.Blank:
			s.Rows.Blank++
			return ledger.add(r, whole(Blank, len(r.Cells)))
		case tabular.Data:
		default:
			s.Rows.Structure++
			return ledger.add(r, whole(Structure, len(r.Cells)))
		}
		if m.leavesOut(&r) {
			s.Rows.Ignored++
			fates := whole(LeftOut, len(r.Cells))
			show(r, fates, nil)
			return ledger.add(r, fates)
		}
		row, fates, faults := tr.translate(&r)
		source := Source{sha, t.Name, r.Number, r.Offset}
		if len(faults) > 0 {
			s.Rows.Quarantined++
			for _, f := range faults {
				g.add(f)
			}
			if err := out.Held(heldOf(s.Import, source, r, faults)); err != nil {
				return err
			}
			fates := whole(Quarantined, len(r.Cells))
			show(r, fates, faults)
			return ledger.add(r, fates)
		}
		s.Rows.Imported++
		row.ID, row.Source = RowID(s.Import, r.Number), source
		if r.Last && t.Dialect.Delimiter != "" {
			s.Notes = append(s.Notes, tabular.Note{Code: "no_final_newline", Row: r.Number, Text: "the file ends without an end of line, so that its last cell may be cut"})
		}
		if err := m.checkRow(r, fates, row); err != nil {
			return fmt.Errorf("row %d was not imported as it is: %w", r.Number, err)
		}
		if err := out.Row(row); err != nil {
			return err
		}
		show(r, fates, nil)
		return ledger.add(r, fates)
	})
	more := errors.Is(err, errFar)
	if more {
		err = nil
	}
	if err == nil {
		err = ledger.flush()
	}
	s.Faults, s.Cells, s.Columns = g.sorted(), ledger.sum, ledger.columns
	if err == nil {
		err = s.check()
	}
	if err != nil {
		return s, more, fmt.Errorf("import %s: %w", s.Import, err)
	}
	return s, more, nil
}

// fits reports whether the table has the columns that the mapping is for.
func (m Mapping) fits(t *tabular.Table) error {
	if t.Layout.Width != m.Layout.Width {
		return lab.Errorf(lab.Invalid, "the table has %d columns and the mapping %d", t.Layout.Width, m.Layout.Width)
	}
	for i, name := range t.Layout.Names {
		if name != m.Columns[i].Header {
			return lab.Errorf(lab.Invalid, "column %d of the table is %q and of the mapping %q; columns may have changed places", i+1, name, m.Columns[i].Header)
		}
	}
	for i, unit := range t.Layout.Units {
		if i < len(m.Layout.Units) && unit != m.Layout.Units[i] {
			return lab.Errorf(lab.Invalid, "column %d of the table has the unit %q and of the mapping %q", i+1, unit, m.Layout.Units[i])
		}
	}
	return nil
}

// groups counts faults of one kind in one column, in bounded memory.
type groups map[[2]any]*FaultGroup

func (g groups) add(f Fault) {
	key := [2]any{f.Code, f.Column}
	if g[key] == nil {
		g[key] = &FaultGroup{Fault: f}
	}
	g[key].Alike++
}

func (g groups) sorted() []FaultGroup {
	out := []FaultGroup{}
	for _, group := range g {
		out = append(out, *group)
	}
	slices.SortFunc(out, func(a, b FaultGroup) int {
		if a.Alike != b.Alike {
			return b.Alike - a.Alike
		}
		if a.Column != b.Column {
			return a.Column - b.Column
		}
		return strings.Compare(a.Code, b.Code)
	})
	return out
}

func heldOf(imp string, source Source, r tabular.Record, faults []Fault) Held {
	h := Held{Import: imp, Source: source, Faults: faults, Last: r.Last}
	for i, c := range r.Cells {
		text := jsonText(c.Text)
		h.Texts = append(h.Texts, text)
		if c.Shown != "" {
			if h.Shown == nil {
				h.Shown = map[int]string{}
			}
			h.Shown[i+1] = c.Shown
		}
		if c.Formula != "" {
			if h.Formulas == nil {
				h.Formulas = map[int]string{}
			}
			h.Formulas[i+1] = c.Formula
		}
	}
	h.Original = slices.Clone(h.Texts)
	return h
}

// jsonText keeps what JSON or a database cannot carry, bytes that are no UTF-8
// and NUL, as "\xHH".
func jsonText(s string) string {
	if utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 || r == 0 {
			fmt.Fprintf(&b, `\x%02X`, s[i])
		} else {
			b.WriteString(s[i : i+n])
		}
		i += n
	}
	return b.String()
}

// Replay imports rows that were held back, with the texts they have now. A row
// that is still wrong is held again, with its faults of now. Rows keep the id
// they would have had.
func Replay(held []Held, m Mapping, out func(*Row) error, again func(Held) error) error {
	if err := m.Check(); err != nil {
		return err
	}
	tr := newTranslator(m)
	for i, h := range held {
		if len(h.Original) == 0 || h.Import == "" || h.Source.Row < 1 {
			return lab.Errorf(lab.Invalid, "held row %d lacks its import, its source or its original texts", i+1)
		}
		r := tabular.Record{Number: h.Source.Row, Offset: h.Source.Offset, Role: tabular.Data}
		var corrected []Correction
		for i, text := range h.Texts {
			c := tabular.Cell{Text: text, Offset: h.Source.Offset}
			switch {
			case i >= len(h.Original):
				corrected = append(corrected, Correction{Column: i + 1, To: text})
			case text != h.Original[i]:
				corrected = append(corrected, Correction{i + 1, h.Original[i], text})
			default: // as it was, with what was wrong with it
				c.Shown, c.Formula = h.Shown[i+1], h.Formulas[i+1]
				c.Flags = flagsOf(h.Faults, i+1)
			}
			r.Cells = append(r.Cells, c)
		}
		for i := len(h.Texts); i < len(h.Original); i++ {
			corrected = append(corrected, Correction{Column: i + 1, From: h.Original[i]})
		}
		row, _, faults := tr.translate(&r)
		if len(faults) > 0 {
			h.Faults = faults
			if err := again(h); err != nil {
				return err
			}
			continue
		}
		row.ID, row.Source, row.Corrected = RowID(h.Import, h.Source.Row), h.Source, corrected
		if err := out(row); err != nil {
			return err
		}
	}
	return nil
}

// flagsOf brings back the flags that a text alone does not have.
func flagsOf(faults []Fault, column int) (f tabular.Flag) {
	for _, fault := range faults {
		if fault.Column != column {
			continue
		}
		switch fault.Code {
		case "unterminated_quote":
			f |= tabular.Unterminated
		case "malformed":
			f |= tabular.Malformed
		case "bad_encoding":
			f |= tabular.BadEncoding
		case "error_value":
			f |= tabular.IsError
		}
	}
	return f
}

// ReadHeld reads held rows, one JSON object to a line.
func ReadHeld(d *json.Decoder) ([]Held, error) {
	var held []Held
	for d.More() {
		var h Held
		if err := d.Decode(&h); err != nil {
			return nil, lab.Errorf(lab.Invalid, "held row %d: %w", len(held)+1, err)
		}
		held = append(held, h)
	}
	return held, nil
}
