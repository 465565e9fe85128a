package tabular

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/athanor-lab/athanor/lab"
)

// records reads delimited text. It is stricter in what it tells than in what it
// takes: no byte is dropped, and what is not as RFC 4180 has it gets a flag.
type records struct {
	in     *bufio.Reader
	delim  byte
	width  width
	limits Limits

	offset int64 // in the source, of the next byte
	number int
	line   int

	// skim, when set, says of which records the cells are not asked for.
	skim func(number int) bool

	text  []byte // of the record, decoded
	marks []mark
	cells []Cell
}

// mark is a cell of the record that is being read.
type mark struct {
	from, to int
	offset   int64
	flags    Flag
}

func newRecords(in io.Reader, offset int64, delim string, w width, l Limits) *records {
	return &records{in: bufio.NewReaderSize(in, 256<<10), delim: delim[0], width: w, limits: l, offset: offset, line: 1}
}

// next returns the next record, or io.EOF after the last one.
func (p *records) next() (Record, error) {
	r := Record{Number: p.number + 1, Line: p.line, Offset: p.offset}
	if done, err := p.plain(&r); done || err != nil {
		return r, err
	}
	p.text, p.marks = p.text[:0], p.marks[:0]
	ended, err := p.record()
	if err != nil {
		return r, err
	}
	p.number++
	r.Last = !ended
	all := string(p.text)
	p.cells = p.cells[:0]
	for _, m := range p.marks {
		c := Cell{Text: all[m.from:m.to], Offset: m.offset, Flags: m.flags}
		if strings.IndexByte(c.Text, 0) >= 0 {
			c.Flags |= Malformed
		}
		if !utf8.ValidString(c.Text) {
			c.Flags |= BadEncoding
		}
		p.cells = append(p.cells, c)
	}
	r.Cells = p.cells
	return r, nil
}

// plain reads the next record when nothing is special about it: its end of line
// is in the buffer, every byte of the source is a byte of the text, and there is
// no quote, NUL or lone return and nothing that is not UTF-8. It reports false,
// having read nothing, when the record needs [records.record].
func (p *records) plain(r *Record) (bool, error) {
	if p.width != asUTF8 {
		return false, nil
	}
	buffered, _ := p.in.Peek(p.in.Buffered())
	end := bytes.IndexByte(buffered, '\n')
	if end < 0 {
		// What Peek cannot give, record will report.
		_, _ = p.in.Peek(min(p.in.Size(), p.in.Buffered()+1)) // reads more
		buffered, _ = p.in.Peek(p.in.Buffered())
		if end = bytes.IndexByte(buffered, '\n'); end < 0 {
			return false, nil
		}
	}
	line := buffered[:end]
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	if len(line) > p.limits.RecordBytes || bytes.IndexByte(line, '"') >= 0 || bytes.IndexByte(line, '\r') >= 0 || bytes.IndexByte(line, 0) >= 0 || !utf8.Valid(line) {
		return false, nil
	}
	all := ""
	p.cells = p.cells[:0]
	skimmed := p.skim != nil && p.skim(p.number+1)
	if !skimmed {
		all = string(line)
	}
	for from := 0; !skimmed; {
		to := strings.IndexByte(all[from:], p.delim)
		if len(p.cells) == p.limits.Columns {
			return false, lab.Errorf(lab.Invalid, "line %d: the record has more than %d columns; the delimiter %q may be wrong, or a line end missing", p.line, p.limits.Columns, p.delim)
		}
		if to < 0 {
			p.cells = append(p.cells, Cell{Text: all[from:], Offset: p.offset + int64(from)})
			break
		}
		p.cells = append(p.cells, Cell{Text: all[from : from+to], Offset: p.offset + int64(from)})
		from += to + 1
	}
	_, _ = p.in.Discard(end + 1) // it was seen
	p.offset += int64(end) + 1
	p.number++
	p.line++
	r.Cells = p.cells
	return true, nil
}

// The states of a cell that is being read.
const (
	atStart = iota
	bare
	inQuotes
	afterQuote
)

// record reads bytes up to the end of a record, and reports whether there was
// an end of line.
func (p *records) record() (ended bool, err error) {
	state, some := atStart, false
	m := mark{offset: p.offset}
	finish := func() error {
		m.to = len(p.text)
		p.marks = append(p.marks, m)
		if len(p.marks) > p.limits.Columns {
			return lab.Errorf(lab.Invalid, "line %d: the record has more than %d columns; the delimiter %q may be wrong, or a line end missing", p.line, p.limits.Columns, p.delim)
		}
		m = mark{from: len(p.text), offset: p.offset}
		state = atStart
		return nil
	}
	for {
		b, err := p.in.ReadByte()
		if errors.Is(err, io.EOF) {
			if !some {
				return false, io.EOF
			}
			if state == inQuotes {
				m.flags |= Unterminated
			}
			return false, finish()
		}
		if err != nil {
			return false, err
		}
		some = true
		p.offset += p.width.of(b)
		if state == inQuotes {
			if b == '"' {
				state = afterQuote
				continue
			}
			if b == '\n' {
				p.line++
			}
			if err := p.keep(b); err != nil {
				return false, err
			}
			continue
		}
		switch {
		case b == '"' && state == atStart:
			m.flags |= Quoted
			state = inQuotes
		case b == '"' && state == afterQuote: // "" inside quotes
			state = inQuotes
			if err := p.keep(b); err != nil {
				return false, err
			}
		case b == '\n' || b == '\r':
			if b == '\r' && !p.followedBy('\n') && p.restOfLine() {
				// A lone return ends a line only where the file has no line feeds.
				if err := p.keep(b); err != nil {
					return false, err
				}
				m.flags |= Malformed
				state = bare
				continue
			}
			if b == '\r' && p.followedBy('\n') {
				_, _ = p.in.ReadByte() // it was seen
				p.offset += p.width.of('\n')
			}
			p.line++
			return true, finish()
		case b == p.delim:
			if err := finish(); err != nil {
				return false, err
			}
		default:
			if state == afterQuote && b != ' ' {
				m.flags |= Malformed
			}
			if state == atStart {
				state = bare
			}
			if err := p.keep(b); err != nil {
				return false, err
			}
		}
	}
}

func (p *records) keep(b byte) error {
	if len(p.text) >= p.limits.RecordBytes {
		return lab.Errorf(lab.Invalid, "line %d: a record is longer than %d bytes; a quote may not be closed", p.line, p.limits.RecordBytes)
	}
	p.text = append(p.text, b)
	return nil
}

func (p *records) followedBy(b byte) bool {
	next, err := p.in.Peek(1)
	return err == nil && next[0] == b
}

// restOfLine reports whether a line feed comes within the buffered bytes: then
// returns are no line ends of this file.
func (p *records) restOfLine() bool {
	next, _ := p.in.Peek(min(4096, max(1, p.in.Buffered())))
	return slices.Contains(next, '\n')
}
