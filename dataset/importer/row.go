package importer

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"github.com/athanor-lab/athanor/dataset/smiles"
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

// Clone returns a copy of the row that nothing else changes.
func (r *Row) Clone() Row {
	c := *r
	c.Settings, c.Observed, c.Attributes = slices.Clone(r.Settings), slices.Clone(r.Observed), slices.Clone(r.Attributes) // of an empty one, an empty one
	return c
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

// RowID names a row of an import: half of the import's name and the number of
// the row, so that either is found from it.
func RowID(imp string, row int) string {
	var b [32]byte
	copy(b[:16], imp)
	for i, n := 31, row; i >= 16; i, n = i-1, n>>4 {
		b[i] = "0123456789abcdef"[n&15]
	}
	return string(b[:])
}

// ParseRowID returns the beginning of the name of the import and the row that
// [RowID] made an id of.
func ParseRowID(id string) (imp string, row int, err error) {
	if len(id) == 32 {
		var n uint64
		if n, err = strconv.ParseUint(id[16:], 16, 63); err == nil && n > 0 && strings.Trim(id, "0123456789abcdef") == "" {
			return id[:16], int(n), nil
		}
	}
	return "", 0, lab.Errorf(lab.Invalid, "%q is no id of an imported row; want 32 hexadecimal digits", id)
}

// chunkRows is how many physical rows make a chunk: no entry of the ledger
// spans two of them, so that an import can go on after any whole one.
const chunkRows = 1 << 15

// ChunkOf returns the number of the chunk that a physical row belongs to.
func ChunkOf(row int) int { return (row - 1) / chunkRows }

// translator turns records into rows. What it returns is valid until it is
// called again.
type translator struct {
	m      Mapping
	clean  bool // whatever the cells are, their encoding is not doubted
	plain  []bool
	units  map[string]Reading // that were read before
	row    Row
	fates  []Fate
	faults []Fault
}

func newTranslator(m Mapping) *translator {
	tr := &translator{m: m, units: map[string]Reading{}, clean: !m.Dialect.Guessed || m.EncodingConfirmed, plain: make([]bool, len(m.Columns)), fates: make([]Fate, len(m.Columns))}
	tr.row = Row{Settings: []lab.Setting{}, Observed: []lab.Measured{}, Attributes: []Attribute{}}
	for i, c := range m.Columns {
		tr.plain[i] = c.UnitColumn == 0
	}
	return tr
}

func (tr *translator) fault(r *tabular.Record, col int, f *fault) {
	out := Fault{Code: f.code, Row: r.Number, Column: col, Offset: r.Offset, Why: f.why, Want: f.want}
	if col > 0 {
		out.Offset, out.Text = r.Cells[col-1].Offset, clip(jsonText(r.Cells[col-1].Text))
		if col <= len(tr.m.Columns) {
			out.Header = tr.m.Columns[col-1].Header
		}
	}
	tr.faults = append(tr.faults, out)
}

// translate turns a record of data into a row, or says what is wrong with it.
// The fates are those of the cells when nothing is.
func (tr *translator) translate(r *tabular.Record) (*Row, []Fate, []Fault) {
	row := &tr.row
	*row = Row{Settings: row.Settings[:0], Observed: row.Observed[:0], Attributes: row.Attributes[:0]}
	tr.faults = nil
	columns := tr.m.Columns
	for i := range r.Cells {
		c := &r.Cells[i]
		if tr.clean && c.Flags&^(tabular.Quoted|tabular.Merged|tabular.HiddenColumn) == 0 && c.Formula == "" {
			continue
		}
		if f := tr.m.blemish(*c); f != nil && (i >= len(columns) || columns[i].Role != Ignored) {
			tr.fault(r, i+1, f)
		}
	}
	if len(r.Cells) != len(columns) {
		why := "it has " + strconv.Itoa(len(r.Cells)) + " cells and the table " + strconv.Itoa(len(columns)) + " columns"
		if r.Last && len(r.Cells) < len(columns) {
			why += "; the file ends inside it and may be cut"
		}
		tr.fault(r, 0, &fault{"width", why, "a cell to a column"})
		return row, nil, tr.faults
	}
	for i := range columns {
		tr.fates[i] = tr.cell(r, i, row)
	}
	return row, tr.fates, tr.faults
}

// readUnit is [ReadUnit] that remembers what it has read.
func (tr *translator) readUnit(text string) Reading {
	r, ok := tr.units[text]
	if !ok {
		if r = ReadUnit(text); len(tr.units) < maxLevels {
			tr.units[text] = r
		}
	}
	return r
}

// cell reads one cell into the row and returns its fate.
func (tr *translator) cell(r *tabular.Record, i int, row *Row) Fate {
	c, cell := &tr.m.Columns[i], &r.Cells[i]
	text := strings.TrimSpace(cell.Text)
	switch {
	case c.Role == Ignored:
		return LeftOut
	case text == "" || c.Role != Kept && tabular.IsMissing(text):
		return Blank
	case !c.Confirmed:
		tr.fault(r, c.At, &fault{"unconfirmed", c.Question, c.Answer()})
	case c.Type == SMILESType && smiles.Check(text) != nil:
		tr.fault(r, c.At, badSMILES(smiles.Check(text)))
	case c.Role == Kept:
		row.Attributes = append(row.Attributes, Attribute{c.Name, cell.Text, c.Unit})
		if isFormula(text) {
			tr.fault(r, c.At, &fault{"formula_like", "it would be run as a formula by a spreadsheet", "a text that does not begin like a formula, or the column ignored"})
		}
		return Attributed
	case c.numeric():
		x, ok := 0.0, false
		if tr.plain[i] && cell.Shown == "" {
			x, ok = plainNumber(text, tr.m.Dialect.Decimal[0])
		}
		var f *fault
		if ok {
			f = c.bounds(x)
		} else {
			unit := ""
			if c.UnitColumn != 0 {
				unit = strings.TrimSpace(r.Cells[c.UnitColumn-1].Text)
			}
			x, f = c.number(*cell, unit, tr.m.Dialect.Decimal, tr.readUnit)
		}
		if f != nil {
			tr.fault(r, c.At, f)
			return Quarantined
		}
		if c.Role == Objective {
			row.Observed = append(row.Observed, lab.Measured{Name: c.Name, Value: x, Unit: c.Unit})
		} else {
			row.Settings = append(row.Settings, lab.Setting{Name: c.Name, Value: lab.Number(x), Unit: c.Unit})
		}
		return Mapped
	case isFormula(text):
		tr.fault(r, c.At, &fault{"formula_like", "it would be run as a formula by a spreadsheet", "a text that does not begin like a formula"})
	default:
		row.Settings = append(row.Settings, lab.Setting{Name: c.Name, Value: lab.Label(text)})
		return Mapped
	}
	return Quarantined
}

func clip(s string) string {
	const most = 200
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
