package tabular

// Role says what a row is in its table.
type Role string

// The roles of rows.
const (
	Preamble Role = "preamble" // before the table, or a comment
	Header   Role = "header"
	Units    Role = "units"
	Data     Role = "data"
	Blank    Role = "blank" // every cell is empty
)

// Flag is something about a cell that a reader of its text cannot see.
type Flag uint8

// The flags of cells.
const (
	Quoted       Flag = 1 << iota
	Malformed         // text stands after its closing quote, or a NUL inside it
	Unterminated      // its quote is never closed: the file is cut or wrong
	BadEncoding       // holds bytes that its encoding does not have
	Merged            // XLSX: belongs to a merged range whose text is at its corner
	IsError           // XLSX: an error value such as #DIV/0!
	HiddenColumn      // XLSX
)

// Cell is one cell of a source.
type Cell struct {
	Text string // as it is stored; in XLSX the stored value
	// Shown is what the spreadsheet shows where that differs from Text.
	Shown   string
	Formula string // XLSX: its formula, without "="
	Offset  int64  // of its first byte in the file, quotes included; -1 in XLSX
	Flags   Flag
}

// Has reports whether c has flag f.
func (c Cell) Has(f Flag) bool { return c.Flags&f != 0 }

// Record is one physical row. It is valid until the function it was given to
// returns, apart from the texts, which are.
type Record struct {
	Number int   // from 1: the row of the sheet, or the record of the file
	Line   int   // from 1: the line of the file it begins at; 0 in XLSX
	Offset int64 // of its first byte; -1 in XLSX
	Role   Role
	Hidden bool // XLSX
	Last   bool // the file ends with it, without an end of line
	Cells  []Cell
}

// IsBlank reports whether no cell has any text.
func (r Record) IsBlank() bool {
	for _, c := range r.Cells {
		if !isBlank(c.Text) || c.Formula != "" {
			return false
		}
	}
	return true
}

func isBlank(s string) bool {
	for _, r := range s {
		switch r {
		case ' ', '\t', '\r', '\n', '\u00a0', '\ufeff':
		default:
			return false
		}
	}
	return true
}

// Dialect is how the text of a file is to be read.
type Dialect struct {
	Encoding  string `json:"encoding" yaml:"encoding"`   // "utf-8", "utf-16le", "iso-8859-7" …; "xlsx"
	Delimiter string `json:"delimiter" yaml:"delimiter"` // one character; empty in XLSX
	Decimal   string `json:"decimal" yaml:"decimal"`     // "." or ","
	// Guessed says that the encoding was guessed from the frequency of letters.
	Guessed bool `json:"guessed,omitempty" yaml:"guessed,omitempty"`
}

// Layout is where the parts of a table are. Rows count from 1; 0 is none.
type Layout struct {
	HeaderFrom int      `json:"header_from" yaml:"header_from"`
	HeaderTo   int      `json:"header_to" yaml:"header_to"`
	UnitsRow   int      `json:"units_row" yaml:"units_row"`
	DataFrom   int      `json:"data_from" yaml:"data_from"`
	Width      int      `json:"width" yaml:"width"`
	Names      []string `json:"names" yaml:"names"`                     // one to a column, "" where the header is blank
	Units      []string `json:"units,omitempty" yaml:"units,omitempty"` // the texts of the units row, or none
}

// Role returns the role of a row of the layout that is not blank.
func (l Layout) Role(row int) Role {
	switch {
	case l.UnitsRow != 0 && row == l.UnitsRow:
		return Units
	case l.HeaderFrom != 0 && row >= l.HeaderFrom && row <= l.HeaderTo:
		return Header
	case row >= l.DataFrom:
		return Data
	default:
		return Preamble
	}
}

// Note is a finding about a table that a person should know of.
type Note struct {
	Code       string  `json:"code"` // snake_case
	Row        int     `json:"row,omitempty"`
	Column     int     `json:"column,omitempty"`
	Text       string  `json:"text"`
	Confidence float64 `json:"confidence,omitempty"` // of what was decided, 0 to 1
}

// Limits bound what a file may cost. A zero field takes its default.
type Limits struct {
	FileBytes   int64 // default 8 GiB
	RecordBytes int   // of one record, default 16 MiB
	Columns     int   // default 16384
	// UnpackedBytes bounds the parts of an XLSX, default 1 GiB; Ratio what a
	// part above 1 MiB may grow by, default 200.
	UnpackedBytes int64
	Ratio         int64
}

func (l Limits) orDefaults() Limits {
	or := func(v *int64, d int64) {
		if *v == 0 {
			*v = d
		}
	}
	or(&l.FileBytes, 8<<30)
	or(&l.UnpackedBytes, 1<<30)
	or(&l.Ratio, 200)
	if l.RecordBytes == 0 {
		l.RecordBytes = 16 << 20
	}
	if l.Columns == 0 {
		l.Columns = 16384
	}
	return l
}
