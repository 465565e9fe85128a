package tabular

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/athanor-lab/athanor/lab"
)

// Options say how to read a file where it is not to be found out.
type Options struct {
	Limits    Limits
	Encoding  string // "" to find out
	Delimiter string
	Decimal   string
	// Layout, when set, is where the parts of the table are; it needs a width.
	Layout *Layout
	// Sheet is the name of the table to read; "" for all of them.
	Sheet string
	// Names are the columns that are expected, in their order, of a table whose
	// columns have names and no order of their own, such as JSON.
	Names []string
}

// Source is an open file of tables.
type Source struct {
	Tables []*Table
	close  func() error
}

// Close lets go of the file.
func (s *Source) Close() error { return s.close() }

// Table is one table of a source: the whole of a CSV, or a sheet.
type Table struct {
	Name    string // the sheet, or ""
	Dialect Dialect
	Layout  Layout
	Notes   []Note
	// Known says of columns, by name, what the format itself makes of them.
	Known map[string]Known

	each func(yield func(Record) error) error
	skim func(skip func(number int) bool, yield func(Record) error) error // nil where it would not be faster
}

// Known is what a format says of a column, whatever it is called.
type Known string

// What formats know.
const (
	Chosen Known = "chosen" // it was set
	Seen   Known = "seen"   // it was measured
	About  Known = "about"  // it names or describes
)

// Each calls yield for every physical row from the first to the last, and
// returns the error of yield as it is. The record is valid during the call.
func (t *Table) Each(yield func(Record) error) error { return t.each(t.withRoles(yield)) }

// Skim is [Table.Each] that need not give the rows that skip says are not asked
// for; those that it gives all the same are as they are.
func (t *Table) Skim(skip func(number int) bool, yield func(Record) error) error {
	if t.skim == nil {
		return t.Each(yield)
	}
	return t.skim(skip, t.withRoles(yield))
}

func (t *Table) withRoles(yield func(Record) error) func(Record) error {
	return func(r Record) error {
		switch {
		case r.IsBlank():
			r.Role = Blank
		case isComment(r) && r.Line > 0 && t.Layout.Role(r.Number) != Header:
			r.Role = Preamble
		default:
			r.Role = t.Layout.Role(r.Number)
		}
		return yield(r)
	}
}

// Open looks at the file and says what is in it. A file that is no table, or
// past the limits, is [lab.Invalid].
func Open(path string, o Options) (*Source, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, lab.Errorf(lab.NotFound, "open %s: %w", path, err)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	s, err := Read(f, info.Size(), o)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read %s: %w", path, err), f.Close())
	}
	inner := s.close
	s.close = func() error { return errors.Join(inner(), f.Close()) }
	return s, nil
}

// Read is [Open] of bytes. They must stay the same while the source is open.
func Read(in io.ReaderAt, size int64, o Options) (*Source, error) {
	o.Limits = o.Limits.orDefaults()
	if size > o.Limits.FileBytes {
		return nil, lab.Errorf(lab.Invalid, "the file has %d bytes, more than the %d that are allowed", size, o.Limits.FileBytes)
	}
	head := make([]byte, min(size, sampleBytes))
	if n, err := in.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	} else if n == 0 {
		return nil, lab.Errorf(lab.Invalid, "the file is empty")
	}
	if bytes.HasPrefix(head, []byte("PK\x03\x04")) {
		return readXLSX(in, size, o)
	}
	if kind := binaryKind(head); kind != "" {
		return nil, lab.Errorf(lab.Invalid, "the file is %s, no table of text or XLSX", kind)
	}
	t, err := readText(in, size, head, o)
	if err != nil {
		return nil, err
	}
	return &Source{Tables: []*Table{t}, close: func() error { return nil }}, nil
}

func binaryKind(head []byte) string {
	for prefix, kind := range map[string]string{
		"\xD0\xCF\x11\xE0": "an old Excel workbook (XLS); save it as XLSX or CSV",
		"PAR1":             "Parquet", "\x1f\x8b": "compressed (gzip); unpack it first", "%PDF": "a PDF", "\x89HDF": "HDF5", "\x89PNG": "an image",
	} {
		if bytes.HasPrefix(head, []byte(prefix)) {
			return kind
		}
	}
	return ""
}

func readText(in io.ReaderAt, size int64, head []byte, o Options) (*Table, error) {
	whole := int64(len(head)) == size
	name, bom, guessed := sniffEncoding(head, whole)
	if o.Encoding != "" {
		if o.Encoding != name {
			bom = 0
		}
		name, guessed = o.Encoding, false
	}
	t := &Table{Dialect: Dialect{Encoding: name, Guessed: guessed}}
	if guessed {
		t.Notes = append(t.Notes, Note{Code: "encoding_guessed", Confidence: 0.6, Text: "the text is not UTF-8; " + name + " was guessed from its letters, say so in the mapping if it is right"})
	}
	decoded, w, err := decode(bytes.NewReader(head[bom:]), name)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(decoded)
	if err != nil {
		return nil, lab.Errorf(lab.Invalid, "decode it as %s: %w", name, err)
	}
	if name == "utf-8" && bytes.Count(text, []byte{0}) > 8+len(text)/20 {
		return nil, lab.Errorf(lab.Invalid, "the file is binary, no table of text")
	}
	delim, confidence := sniffDelimiter(text, whole, o.Limits)
	if o.Delimiter != "" {
		delim, confidence = o.Delimiter, 1
	}
	if len(delim) != 1 || delim[0] >= 0x80 || delim == `"` || delim == "\n" {
		return nil, lab.Errorf(lab.Invalid, "delimiter %q is not one ASCII character", delim)
	}
	t.Dialect.Delimiter = delim
	if confidence < 0.6 {
		t.Notes = append(t.Notes, Note{Code: "delimiter_guessed", Confidence: confidence, Text: fmt.Sprintf("the delimiter %q divides the rows unevenly", delim)})
	}
	t.skim = func(skip func(number int) bool, yield func(Record) error) error {
		r, _, err := decode(io.NewSectionReader(in, int64(bom), size-int64(bom)), name)
		if err != nil {
			return err
		}
		p := newRecords(r, int64(bom), delim, w, o.Limits)
		p.skim = skip
		for {
			record, err := p.next()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			if len(record.Cells) == 0 {
				continue // skimmed: a record has a cell
			}
			if err := yield(record); err != nil {
				return err
			}
		}
	}
	t.each = func(yield func(Record) error) error { return t.skim(nil, yield) }
	t.settle(sample{rows: sampleRecords(text, whole, delim, o.Limits)}, o)
	return t, nil
}

// settle finds the decimal sign and the layout.
func (t *Table) settle(s sample, o Options) {
	t.Dialect.Decimal = "."
	if !s.ragged {
		sign, confidence := sniffDecimal(s.rows)
		t.Dialect.Decimal = sign
		if confidence < 0.9 && o.Decimal == "" {
			t.Notes = append(t.Notes, Note{Code: "decimal_guessed", Confidence: confidence, Text: fmt.Sprintf("the decimal sign may be the comma or the point; %q was taken", sign)})
		}
	}
	if o.Decimal != "" {
		t.Dialect.Decimal = o.Decimal
	}
	if o.Layout != nil {
		t.Layout = *o.Layout
		t.Notes = append(t.Notes, t.Layout.nameNotes()...)
		return
	}
	layout, notes := sniffLayout(s, t.Dialect.Decimal)
	t.Layout = layout
	t.Notes = append(t.Notes, notes...)
}
