package jcamp

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"github.com/athanor-lab/athanor/lab"
)

// Limits of a file. They are far above any real one.
const (
	maxFile   = 256 << 20 // bytes
	maxBlocks = 10000
	maxPoints = 32 << 20 // of all curves together
)

// Label is one ##LABEL= of a block, as it stands there.
type Label struct {
	Name  string `json:"name"` // upper case, without blanks, "-", "/" and "_": how the standard compares
	Value string `json:"value"`
	Line  int    `json:"line"`
}

// Curve is one set of points.
type Curve struct {
	Name   string    `json:"name"` // the form of the table, or the name of the variable
	Page   string    `json:"page,omitempty"`
	XUnits string    `json:"x_units"`
	YUnits string    `json:"y_units"`
	X      []float64 `json:"x"`
	Y      []float64 `json:"y"`
	// Texts are the assignments of the points of an assignment table, or nil.
	Texts []string `json:"texts,omitempty"`
	Peaks bool     `json:"peaks"` // single peaks, not samples of a curve
}

// Block is one TITLE to END.
type Block struct {
	Title    string  `json:"title"`
	DataType string  `json:"data_type"`
	Line     int     `json:"line"` // of its TITLE
	Labels   []Label `json:"labels"`
	Curves   []Curve `json:"curves"`
	// Refused says why the block has no curves; "" when it has.
	Refused string `json:"refused,omitempty"`
	// Notes are what does not agree in the file and was not needed to read it.
	Notes []string `json:"notes,omitempty"`
}

// Get returns the value of the first label of a name, as the standard compares.
func (b Block) Get(name string) (string, bool) {
	name = canonical(name)
	for _, l := range b.Labels {
		if l.Name == name {
			return l.Value, true
		}
	}
	return "", false
}

// canonical drops what the standard does not compare in a label.
func canonical(label string) string {
	return strings.ToUpper(strings.Map(func(r rune) rune {
		switch r {
		case ' ', '-', '/', '_', '\t':
			return -1
		}
		return r
	}, label))
}

// Read reads a whole file. It fails with [lab.Invalid] when the bytes are no
// JCAMP-DX file; a block that cannot be decoded is returned with its reason.
func Read(r io.Reader) ([]Block, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read a JCAMP-DX file: %w", err)
	}
	if len(raw) > maxFile {
		return nil, lab.Errorf(lab.Invalid, "the file has more than %d bytes", maxFile)
	}
	text := string(raw)
	if !utf8.ValidString(text) { // the files are older than UTF-8
		if text, err = charmap.Windows1252.NewDecoder().String(text); err != nil {
			return nil, lab.Errorf(lab.Invalid, "the file is no text: %w", err)
		}
	}
	p := parser{points: maxPoints}
	if err := p.read(text); err != nil {
		return nil, err
	}
	return p.done, nil
}

// parser divides a file into blocks.
type parser struct {
	done   []Block
	open   []int // of done: the blocks that are not ended
	points int   // that may still be decoded
}

func (p *parser) read(text string) error {
	var label *Label
	n := 0
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	finish := func() error {
		if label == nil {
			return nil
		}
		l := *label
		label = nil
		return p.label(l)
	}
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimRight(line, "\n")
		if name, value, ok := labelled(line); ok {
			if err := finish(); err != nil {
				return err
			}
			label = &Label{Name: name, Value: value, Line: n}
			continue
		}
		if label == nil {
			if strings.TrimSpace(comment(line)) != "" && len(p.done) == 0 {
				return lab.Errorf(lab.Invalid, "line %d: want \"##TITLE=\", have %.40q; this is no JCAMP-DX file", n, line)
			}
			continue
		}
		label.Value += "\n" + comment(line)
		if len(p.done) > maxBlocks {
			return lab.Errorf(lab.Invalid, "line %d: the file has more than %d blocks", n, maxBlocks)
		}
	}
	if err := finish(); err != nil {
		return err
	}
	if len(p.done) == 0 {
		return lab.Errorf(lab.Invalid, "the file has no \"##TITLE=\"; it is no JCAMP-DX file")
	}
	for _, i := range p.open {
		p.done[i].Notes = append(p.done[i].Notes, "it has no ##END=; the file may be cut")
	}
	for i := range p.done {
		p.decode(&p.done[i])
	}
	return nil
}

// labelled divides "##LABEL= value $$ comment"; blanks may stand before it.
func labelled(line string) (name, value string, ok bool) {
	rest, ok := strings.CutPrefix(strings.TrimLeft(line, " \t\ufeff"), "##")
	if !ok {
		return "", "", false
	}
	name, value, ok = strings.Cut(rest, "=")
	if !ok || len(name) > 128 {
		return "", "", false
	}
	return canonical(name), strings.TrimSpace(comment(value)), true
}

func comment(line string) string {
	if before, _, ok := strings.Cut(line, "$$"); ok {
		return before
	}
	return line
}

func (p *parser) label(l Label) error {
	switch {
	case l.Name == "TITLE":
		p.done = append(p.done, Block{Title: l.Value, Line: l.Line, Curves: []Curve{}})
		p.open = append(p.open, len(p.done)-1)
		return nil
	case len(p.done) == 0:
		return lab.Errorf(lab.Invalid, "line %d: the label %q stands before ##TITLE=", l.Line, l.Name)
	case l.Name == "END":
		if len(p.open) == 0 {
			return lab.Errorf(lab.Invalid, "line %d: ##END= without ##TITLE=", l.Line)
		}
		p.open = p.open[:len(p.open)-1]
		return nil
	case len(p.open) == 0:
		return lab.Errorf(lab.Invalid, "line %d: the label %q stands after the last ##END=", l.Line, l.Name)
	}
	b := &p.done[p.open[len(p.open)-1]]
	if l.Name == "DATATYPE" {
		b.DataType = l.Value
	}
	b.Labels = append(b.Labels, l)
	return nil
}

// decode reads the curves of a block, or says why there are none.
func (p *parser) decode(b *Block) {
	refuse := func(err error) { b.Curves, b.Refused = []Curve{}, err.Error() }
	if strings.EqualFold(b.DataType, "LINK") {
		b.Refused = "it links other blocks and has no data of its own"
		return
	}
	if _, ok := b.Get("NTUPLES"); ok {
		if err := p.tuples(b); err != nil {
			refuse(err)
		}
		return
	}
	for _, l := range b.Labels {
		var c Curve
		var err error
		switch l.Name {
		case "XYDATA", "RADATA":
			c, err = p.xydata(b, l)
		case "XYPOINTS":
			c, err = p.pairs(b, l, false)
		case "PEAKTABLE", "PEAKASSIGNMENTS":
			c, err = p.pairs(b, l, true)
		default:
			continue
		}
		if err != nil {
			refuse(fmt.Errorf("line %d, ##%s=: %w", l.Line, l.Name, err))
			return
		}
		b.Curves = append(b.Curves, c)
	}
	if len(b.Curves) == 0 {
		refuse(fmt.Errorf("it has none of XYDATA, XYPOINTS, PEAK TABLE, PEAK ASSIGNMENTS, NTUPLES; its data type is %q", b.DataType))
	}
}

// number returns the number of a label, and whether the label is there.
func (b Block) number(name string) (float64, bool, error) {
	text, ok := b.Get(name)
	if !ok || strings.TrimSpace(text) == "" {
		return 0, false, nil
	}
	x, err := parseNumber(text)
	if err != nil {
		return 0, true, fmt.Errorf("##%s= is %q, want a number", name, text)
	}
	return x, true, nil
}

// parseNumber reads a number that some programs print with a blank inside, as
// in "0. 4491087E+01".
func parseNumber(text string) (float64, error) {
	x, err := strconv.ParseFloat(strings.Join(strings.Fields(text), ""), 64)
	if err != nil || x != x || x > 1e300 || x < -1e300 {
		return 0, fmt.Errorf("%q is no number", text)
	}
	return x, nil
}
