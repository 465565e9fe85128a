package importer

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/athanor-lab/athanor/dataset/tabular"
	"github.com/athanor-lab/athanor/lab"
)

// Row is a row that was imported.
type Row struct {
	ID         string         `json:"id"` // of the import and the row: always the same
	Source     Source         `json:"source"`
	Settings   []lab.Setting  `json:"settings"`
	Observed   []lab.Measured `json:"observed"`
	Attributes []Attribute    `json:"attributes"`
	Corrected  []Correction   `json:"corrected,omitempty"` // by a person, before it was imported
}

// Source is where a row comes from.
type Source struct {
	SHA256 string `json:"sha256"` // of the file
	Table  string `json:"table"`  // the sheet, or ""
	Row    int    `json:"row"`    // from 1
	Offset int64  `json:"offset"` // in bytes; -1 where rows have none
}

// Attribute is a cell that is kept word for word.
type Attribute struct {
	Name string   `json:"name"`
	Text string   `json:"text"`
	Unit lab.Unit `json:"unit,omitempty"` // where it is known
}

// Correction is a cell that was edited while it was held back.
type Correction struct {
	Column int    `json:"column"`
	From   string `json:"from"`
	To     string `json:"to"`
}

// Held is a row that was held back, whole, with what is wrong. Texts may be
// edited and given to [Replay]; Original stays.
type Held struct {
	Import   string   `json:"import"`
	Source   Source   `json:"source"`
	Faults   []Fault  `json:"faults"`
	Texts    []string `json:"texts"`
	Original []string `json:"original"`
	// Shown and Formulas are those of the cells of a spreadsheet that have some.
	Shown    map[int]string `json:"shown,omitempty"` // by column, from 1
	Formulas map[int]string `json:"formulas,omitempty"`
	Last     bool           `json:"last,omitempty"` // the file ended in it
}

// Fate says what became of a cell.
type Fate byte

// The fates of cells: every cell has exactly one.
const (
	Mapped      Fate = 'm' // its value is in the row
	Attributed  Fate = 'a' // its text is an attribute of the row
	Quarantined Fate = 'q' // its row is held back
	Blank       Fate = 'b' // it is empty, or says that there is no value
	LeftOut     Fate = 'i' // its column is ignored by the mapping
	Structure   Fate = 's' // header, units, preamble: its text is in the ledger
)

// importID names an import by what it reads and how.
func importID(sha, mapping string) string {
	sum := sha256.Sum256([]byte("import/1\n" + sha + "\n" + mapping))
	return hex.EncodeToString(sum[:])
}

func rowID(imp string, row int) string {
	sum := sha256.Sum256([]byte("row/1\n" + imp + "\n" + strconv.Itoa(row)))
	return hex.EncodeToString(sum[:16])
}

// translate turns a record of data into a row, or says what is wrong with it.
// The fates are those of the cells when nothing is.
func (m Mapping) translate(r tabular.Record) (row Row, fates []Fate, faults []Fault) {
	at := func(col int, f *fault) {
		out := Fault{Code: f.code, Row: r.Number, Column: col, Offset: r.Offset, Why: f.why, Want: f.want}
		if col > 0 {
			out.Offset, out.Text = r.Cells[col-1].Offset, clip(r.Cells[col-1].Text)
			if col <= len(m.Columns) {
				out.Header = m.Columns[col-1].Header
			}
		}
		faults = append(faults, out)
	}
	row = Row{Settings: []lab.Setting{}, Observed: []lab.Measured{}, Attributes: []Attribute{}}
	for i, c := range r.Cells {
		if f := m.blemish(c); f != nil && (i >= len(m.Columns) || m.Columns[i].Role != Ignored) {
			at(i+1, f)
		}
	}
	if len(r.Cells) != len(m.Columns) {
		why := "it has " + strconv.Itoa(len(r.Cells)) + " cells and the table " + strconv.Itoa(len(m.Columns)) + " columns"
		if r.Last && len(r.Cells) < len(m.Columns) {
			why += "; the file ends inside it and may be cut"
		}
		at(0, &fault{"width", why, "a cell to a column"})
		return row, nil, faults
	}
	fates = make([]Fate, len(r.Cells))
	for i, cell := range r.Cells {
		c := m.Columns[i]
		text := strings.TrimSpace(cell.Text)
		switch {
		case c.Role == Ignored:
			fates[i] = LeftOut
		case text == "" || c.Role != Kept && tabular.IsMissing(text):
			fates[i] = Blank
		case !c.Confirmed:
			at(c.At, &fault{"unconfirmed", c.Question, "the column confirmed in the mapping"})
		case c.Role == Kept:
			fates[i] = Attributed
			row.Attributes = append(row.Attributes, Attribute{c.Name, cell.Text, c.Unit})
			if isFormula(text) {
				at(c.At, &fault{"formula_like", "it would be run as a formula by a spreadsheet", "a text that does not begin like a formula, or the column ignored"})
			}
		case c.numeric():
			unit := ""
			if c.UnitColumn != 0 {
				unit = strings.TrimSpace(r.Cells[c.UnitColumn-1].Text)
			}
			x, f := c.number(cell, unit, m.Dialect.Decimal)
			if f != nil {
				at(c.At, f)
				continue
			}
			fates[i] = Mapped
			if c.Role == Objective {
				row.Observed = append(row.Observed, lab.Measured{Name: c.Name, Value: x, Unit: c.Unit})
			} else {
				row.Settings = append(row.Settings, lab.Setting{Name: c.Name, Value: lab.Number(x), Unit: c.Unit})
			}
		default:
			if isFormula(text) {
				at(c.At, &fault{"formula_like", "it would be run as a formula by a spreadsheet", "a text that does not begin like a formula"})
				continue
			}
			fates[i] = Mapped
			row.Settings = append(row.Settings, lab.Setting{Name: c.Name, Value: lab.Label(text)})
		}
	}
	return row, fates, faults
}

func clip(s string) string {
	const most = 200
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
