package importer

import (
	"encoding/binary"
	"math"

	"github.com/athanor-lab/athanor/lab"
)

// Chunk is rows of an import side by side, column by column: what a store keeps
// of them at a tenth of the bytes that row by row would take. Rows that were
// corrected do not belong into one.
//
// Its form, in bytes: how many rows (uvarint); for each the number of the row
// (uvarint, as the difference to the one before) and the offset (varint,
// likewise); for each column of the mapping that is not ignored a bit to a row
// that says whether it has a value, and the values. A text is its length
// (uvarint) and UTF-8. A number is k (a byte) and n (varint) where it is
// n / 10ᵏ to the bit, as most that people write are; else 255 and 8 bytes of
// IEEE 754, little endian.
type Chunk struct {
	columns []Column
	rows    []int
	offsets []int64
	cells   []chunkColumn
}

type chunkColumn struct {
	there  []byte
	values []byte
	k      int // of the last number
}

// asIs is k of a number that no power of ten makes whole.
const asIs = 255

// NewChunk returns an empty chunk of rows by the mapping.
func NewChunk(m Mapping) *Chunk {
	return &Chunk{columns: m.Columns, cells: make([]chunkColumn, len(m.Columns))}
}

// Reset empties the chunk.
func (c *Chunk) Reset() {
	c.rows, c.offsets = c.rows[:0], c.offsets[:0]
	for i := range c.cells {
		c.cells[i].there, c.cells[i].values = c.cells[i].there[:0], c.cells[i].values[:0]
	}
}

// Len returns the number of rows.
func (c *Chunk) Len() int { return len(c.rows) }

// Append adds a row.
func (c *Chunk) Append(r *Row) {
	n := len(c.rows)
	c.rows, c.offsets = append(c.rows, r.Source.Row), append(c.offsets, r.Source.Offset)
	settings, observed, attributes := r.Settings, r.Observed, r.Attributes
	for i := range c.columns {
		col, to := &c.columns[i], &c.cells[i]
		if n%8 == 0 {
			to.there = append(to.there, 0)
		}
		switch {
		case col.Role == Parameter && len(settings) > 0 && settings[0].Name == col.Name:
			if col.numeric() {
				to.number(settings[0].Value.Number())
			} else {
				to.text(settings[0].Value.Label())
			}
			settings = settings[1:]
		case col.Role == Objective && len(observed) > 0 && observed[0].Name == col.Name:
			to.number(observed[0].Value)
			observed = observed[1:]
		case col.Role == Kept && len(attributes) > 0 && attributes[0].Name == col.Name:
			to.text(attributes[0].Text)
			attributes = attributes[1:]
		default:
			continue
		}
		to.there[n/8] |= 1 << (n % 8)
	}
}

func (c *chunkColumn) number(x float64) {
	const most, tries = 1 << 52, 7
	for i := range tries {
		k := (c.k + i) % tries
		n := math.Round(x * tens[k])
		if n > -most && n < most && math.Float64bits(float64(int64(n))/tens[k]) == math.Float64bits(x) { // minus zero is none of them
			c.k = k
			c.values = binary.AppendVarint(append(c.values, byte(k)), int64(n))
			return
		}
	}
	c.values = binary.LittleEndian.AppendUint64(append(c.values, asIs), math.Float64bits(x))
}

func (r *chunkReader) number() float64 {
	k := r.take(1)
	switch {
	case r.err != nil:
		return 0
	case k[0] == asIs:
		b := r.take(8)
		if r.err != nil {
			return 0
		}
		return math.Float64frombits(binary.LittleEndian.Uint64(b))
	case int(k[0]) >= len(tens):
		r.fail()
		return 0
	}
	return float64(r.varint()) / tens[k[0]]
}

func (c *chunkColumn) text(s string) {
	c.values = append(binary.AppendUvarint(c.values, uint64(len(s))), s...)
}

// AppendTo appends the bytes of the chunk.
func (c *Chunk) AppendTo(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(c.rows)))
	row, offset := 0, int64(0)
	for i := range c.rows {
		b = binary.AppendUvarint(b, uint64(c.rows[i]-row))
		b = binary.AppendVarint(b, c.offsets[i]-offset)
		row, offset = c.rows[i], c.offsets[i]
	}
	for i := range c.columns {
		if c.columns[i].Role != Ignored {
			b = append(append(b, c.cells[i].there...), c.cells[i].values...)
		}
	}
	return b
}

// chunkReader reads what a chunk is made of.
type chunkReader struct {
	b   []byte
	err error
}

func (r *chunkReader) fail() {
	if r.err == nil {
		r.err = lab.Errorf(lab.Internal, "a chunk of imported rows is damaged: it ends too early")
	}
	r.b = nil
}

func (r *chunkReader) uvarint() uint64 {
	x, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return x
}

func (r *chunkReader) varint() int64 {
	x, n := binary.Varint(r.b)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return x
}

func (r *chunkReader) take(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.fail()
		return nil
	}
	b := r.b[:n:n]
	r.b = r.b[n:]
	return b
}

// ReadChunk calls yield for the rows of the import whose chunk has the bytes b.
// A row is valid during the call. Bytes that are no chunk are [lab.Internal].
func ReadChunk(b []byte, imp, sha string, m Mapping, yield func(*Row) error) error {
	in := &chunkReader{b: b}
	n := in.uvarint()
	if n > uint64(len(b)) {
		in.fail()
		return in.err
	}
	rows := make([]Row, n)
	row, offset := 0, int64(0)
	for i := range rows {
		row, offset = row+int(in.uvarint()), offset+in.varint()
		rows[i] = Row{Source: Source{SHA256: sha, Table: m.Table, Row: row, Offset: offset}, Settings: []lab.Setting{}, Observed: []lab.Measured{}, Attributes: []Attribute{}}
	}
	for i := range m.Columns {
		if c := &m.Columns[i]; c.Role != Ignored {
			in.column(c, rows)
		}
	}
	if in.err == nil && len(in.b) > 0 {
		in.err = lab.Errorf(lab.Internal, "a chunk of imported rows is damaged: it has %d bytes too many", len(in.b))
	}
	if in.err != nil {
		return in.err
	}
	for i := range rows {
		rows[i].ID = RowID(imp, rows[i].Source.Row)
		if err := yield(&rows[i]); err != nil {
			return err
		}
	}
	return nil
}

func (r *chunkReader) column(c *Column, rows []Row) {
	there := r.take(uint64(len(rows)+7) / 8)
	for k := range rows {
		if r.err != nil {
			return
		}
		if there[k/8]&(1<<(k%8)) == 0 {
			continue
		}
		to := &rows[k]
		if c.Role != Kept && c.numeric() {
			x := r.number()
			if c.Role == Objective {
				to.Observed = append(to.Observed, lab.Measured{Name: c.Name, Value: x, Unit: c.Unit})
			} else {
				to.Settings = append(to.Settings, lab.Setting{Name: c.Name, Value: lab.Number(x), Unit: c.Unit})
			}
			continue
		}
		text := string(r.take(r.uvarint()))
		if c.Role == Kept {
			to.Attributes = append(to.Attributes, Attribute{c.Name, text, c.Unit})
		} else {
			to.Settings = append(to.Settings, lab.Setting{Name: c.Name, Value: lab.Label(text)})
		}
	}
}
