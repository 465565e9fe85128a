package importer

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/athanor-lab/athanor/dataset/smiles"
	"github.com/athanor-lab/athanor/dataset/tabular"
	"github.com/athanor-lab/athanor/lab"
)

// Hint is what a sidecar says of a column.
type Hint struct {
	Name     string
	Role     Role
	Type     Type
	Unit     Reading
	Min, Max *float64
}

// Hints are what stands beside a table: one to a column, in order, or none.
type Hints []Hint

// ReadHints reads a JSON description with "parameters" and "measurements" (or
// "objectives"), each with a name, and a text that may say their units in
// brackets; either may be nil.
func ReadHints(description io.Reader, prose string) (Hints, error) {
	var d struct {
		Parameters, Measurements, Objectives []struct {
			Name      string   `json:"name"`
			Type      string   `json:"type"`
			Unit      string   `json:"unit"`
			Low, High *float64 // low, high
			Min, Max  *float64
		}
	}
	if err := json.NewDecoder(io.LimitReader(description, 16<<20)).Decode(&d); err != nil {
		return nil, lab.Errorf(lab.Invalid, "read the description of the columns: %w", err)
	}
	var hints Hints
	for i, c := range slices.Concat(d.Parameters, d.Measurements, d.Objectives) {
		h := Hint{Name: c.Name, Role: Objective, Type: NumberType, Min: c.Min, Max: c.Max}
		if i < len(d.Parameters) {
			h.Role = Parameter
			if c.Low != nil {
				h.Min = c.Low
			}
			if c.High != nil {
				h.Max = c.High
			}
		}
		if c.Type == "categorical" {
			h.Type = TextType
		}
		h.Unit = ReadUnit(c.Unit)
		if c.Unit == "" {
			h.Unit = unitsInProse(prose, c.Name)
		}
		if c.Name == "" {
			return nil, lab.Errorf(lab.Invalid, "read the description of the columns: the %d. has no name", i+1)
		}
		hints = append(hints, h)
	}
	return hints, nil
}

var (
	objectiveWords = regexp.MustCompile(`(?i)(^|[^a-z])(yield|conversion|selectivity|toughness|conductivity|outcome|target|score|purity|peak ?area|response|efficiency|activity|band ?gap|e-?factor|enantiomeric|ee)([^a-z]|$)`)
	parameterWords = regexp.MustCompile(`(?i)(temp|time|conc|molarity|volume|flow|pressure|speed|stir|equiv|amount|mmol|ratio|content|dose|voltage|power|loading|thickness|solvent|catalyst|ligand|base|reagent|reactant|additive|halide|acid|_eq$)`)
	identifier     = regexp.MustCompile(`(?i)(^|[^a-z])(id|no|nr|number|index|entry|name|date|time ?stamp|inchi|inchikey|barcode|file|user|comment|well|position)([^a-z]|$)`)
)

// A table is looked at row by row up to profiledWhole rows, and then at every
// profiledEvery-th: what is proposed is held to every cell by [Run] in any case.
const (
	profiledWhole = 20_000
	profiledEvery = 32
)

// Propose reads the table once and says what its columns seem to be.
// hints may be nil; if not, there is one to a column.
func Propose(t *tabular.Table, hints Hints) (Mapping, error) {
	m := Mapping{Athanor: MappingVersion, Table: t.Name, Dialect: t.Dialect, Layout: t.Layout}
	if hints != nil && len(hints) != t.Layout.Width {
		return m, lab.Errorf(lab.Invalid, "the description names %d columns and the table has %d", len(hints), t.Layout.Width)
	}
	profiles := make([]*profile, t.Layout.Width)
	for i := range profiles {
		profiles[i] = newProfile()
	}
	skip := func(number int) bool { return number > t.Layout.DataFrom+profiledWhole && number%profiledEvery != 0 }
	err := t.Skim(skip, func(r tabular.Record) error {
		if r.Role != tabular.Data || len(r.Cells) != t.Layout.Width || skip(r.Number) {
			return nil
		}
		for i := range r.Cells {
			profiles[i].add(&r.Cells[i], t.Dialect.Decimal)
		}
		return nil
	})
	if err != nil {
		return m, fmt.Errorf("propose a mapping: %w", err)
	}
	names := map[string]bool{}
	for i, p := range profiles {
		c := Column{At: i + 1, Header: t.Layout.Names[i], UnitSource: FromNowhere}
		if hints != nil {
			hinted(&c, hints[i], p)
		} else {
			guess(&c, p, t, profiles)
		}
		c.Name = unique(slug(c.Name, i+1), names)
		m.Columns = append(m.Columns, c)
	}
	return m, m.Check()
}

func hinted(c *Column, h Hint, p *profile) {
	c.Name, c.Role, c.Min, c.Max = h.Name, h.Role, h.Min, h.Max
	c.Type, c.Confidence = h.Type, 0.95
	c.Why = "the description beside the table says so"
	if c.numeric() {
		c.FarBelow, c.FarAbove = p.believable()
		c.take(h.Unit, FromSidecar)
	}
	c.settle()
}

// take gives the column a unit, or the question that stands in its way.
func (c *Column) take(r Reading, from UnitSource) {
	if r.Unit == "" && r.Question == "" {
		return
	}
	c.UnitSource, c.Candidates, c.Question = from, r.Candidates, r.Question
	if i := slices.Index(c.Candidates, "%"); i > 0 && c.Role == Objective {
		// A yield in percent is one, whatever it is a part of: said first, since it is asked most.
		c.Candidates = append([]string{"%"}, slices.Delete(slices.Clone(c.Candidates), i, i+1)...)
	}
	if r.Question == "" {
		c.Unit = r.Unit
	}
	c.Confidence = min(c.Confidence, r.Confidence)
}

// settle decides whether the column can be imported without asking.
func (c *Column) settle() {
	if c.needsUnit() && c.Unit == "" && c.Question == "" {
		c.Confidence = min(c.Confidence, 0.3)
		c.Question = "its unit is said nowhere; which is it (\"1\" when it has none)?"
	}
	c.Confirmed = c.Question == "" && c.Confidence >= 0.85
	if !c.Confirmed && c.Question == "" {
		c.Question = "is it right that this column is " + article(c.Role) + "?"
	}
}

func article(r Role) string {
	if r == Parameter {
		return "a parameter"
	}
	return "an " + string(r)
}

// guess finds out what a column is from its header and its cells.
func guess(c *Column, p *profile, t *tabular.Table, all []*profile) {
	name, unit, source := unitOfHeader(strings.TrimSuffix(c.Header, ".value"))
	c.Name, c.Confidence = name, 1
	c.Type = typeOf(p)
	c.molecules(p)
	if u := t.Layout.Units; len(u) > 0 && u[c.At-1] != "" {
		row := ReadUnit(strings.Trim(u[c.At-1], "[]()"))
		if unit.Unit != "" && row.Unit != "" && unit.Unit != row.Unit {
			row = Reading{Confidence: 0.2, Candidates: []string{string(unit.Unit), string(row.Unit)}, Question: "the header and the row of units do not agree; which is right?"}
		}
		unit, source = row, FromUnitsRow
		if t.Layout.UnitsRow == 0 { // the format says it
			source = FromFormat
		}
	}
	if at := unitColumn(c, t.Layout.Names, all); c.numeric() && unit.Unit == "" && at > 0 {
		unit, source = unitOfColumn(all[at-1]), FromUnitColumn
		c.UnitColumn = at
	}
	if c.numeric() && unit.Unit == "" && unit.Question == "" && p.withUnit > 0 {
		source = FromCells
		unit = ReadUnit(commonest(p.suffix))
	}
	if c.numeric() && p.percents > 0 {
		source, unit = FromFormat, Reading{Unit: "1", Confidence: 0.95}
		if p.percents < p.numbers {
			unit = Reading{Confidence: 0.4, Candidates: []string{"1", "%"}, Question: fmt.Sprintf("%d of %d numbers are shown as percentages and the others not; which unit is it?", p.percents, p.numbers)}
		}
	}
	switch known := t.Known[c.Header]; {
	case known == tabular.Chosen:
		c.Role, c.Confidence, c.Why = Parameter, 0.95, "the format says that it was chosen"
	case known == tabular.Seen && c.numeric():
		c.Role, c.Confidence, c.Why = Objective, 0.95, "the format says that it was seen"
	case known != "":
		c.Role, c.Why = Kept, "the format says that it names or describes"
	default:
		c.role(p)
	}
	if c.numeric() {
		if c.Role != Kept {
			c.FarBelow, c.FarAbove = p.believable()
			c.take(unit, source)
		} else if unit.Sure() {
			c.Unit, c.UnitSource = unit.Unit, source
		}
	}
	c.settle()
}

// role says what the words of the header make of the column. A column that they
// say nothing about is kept as an attribute: nothing is lost, nothing claimed.
func (c *Column) role(p *profile) {
	c.Role = Kept
	// "Reactant_1_mmol", "peakArea": words for the expressions.
	words := strings.ReplaceAll(c.Header, "_", " ")
	switch {
	case c.Type == SMILESType && !strings.Contains(strings.ToLower(words), "product"):
		c.Role, c.Confidence = Parameter, 0.9
		c.Why = "its header says SMILES, and its texts are some"
	case c.Type == TimeType || identifier.MatchString(words) && (c.Type != NumberType || p.whole == p.numbers) && !strings.Contains(strings.ToLower(words), "short hand"):
		c.Why = "it names or dates the row"
	case objectiveWords.MatchString(words) && c.numeric():
		c.Role, c.Confidence = Objective, 0.9
		c.Why = "its header is a word for results"
	case parameterWords.MatchString(c.Header) && (c.numeric() || c.Type == TextType && len(p.levels) < maxLevels && len(p.levels)*4 <= p.there+3):
		c.Role, c.Confidence = Parameter, 0.9
		c.Why = "its header is a word for conditions"
	default:
		c.Why = "its header says neither condition nor result"
	}
}

// molecules makes SMILES of a text column whose header says so, when most of its
// texts are: the others are mistakes then. A header alone may mean anything.
func (c *Column) molecules(p *profile) {
	if c.Type != TextType || !strings.Contains(strings.ToLower(c.Header), "smiles") {
		return
	}
	right, all := 0, 0
	for text, n := range p.levels {
		all += n
		if smiles.Check(text) == nil {
			right += n
		}
	}
	if all > 0 && right*2 > all {
		c.Type = SMILESType
	}
}

func typeOf(p *profile) Type {
	switch {
	case p.there == 0 || p.zeros > 0:
		return TextType
	case p.times*2 > p.there:
		return TimeType
	case p.numbers*20 >= p.there*19 || p.numbers*5 >= p.there*4 && p.there-p.numbers <= 3:
		if p.whole == p.numbers {
			return IntegerType
		}
		return NumberType
	default:
		return TextType
	}
}

// unitColumn returns the column that has the units of c, or 0: the next one when
// it is called so, or that of "x" or "x.value" which is called "x.unit".
func unitColumn(c *Column, names []string, all []*profile) int {
	if next := c.At; next < len(names) {
		if h := strings.ToLower(strings.TrimSpace(names[next])); (h == "unit" || h == "units") && all[next].there > 0 {
			return next + 1
		}
	}
	for _, ending := range []string{".unit", ".units", ".unitText"} {
		if i := slices.Index(names, strings.TrimSuffix(c.Header, ".value")+ending); i >= 0 && i != c.At-1 && all[i].there > 0 {
			return i + 1
		}
	}
	return 0
}

// unitOfColumn returns the commonest unit of a column of units. Every one of
// its texts must be a unit.
func unitOfColumn(p *profile) Reading {
	for text := range p.levels {
		if r := ReadUnit(text); !r.Sure() {
			if r.Question == "" {
				r = Reading{Confidence: 0.2, Question: fmt.Sprintf("%q in the column of units is no unit; which is it?", text)}
			}
			return r
		}
	}
	return ReadUnit(commonest(p.levels))
}

func commonest(n map[string]int) string {
	best := ""
	for text, count := range n {
		if best == "" || count > n[best] || count == n[best] && text < best {
			best = text
		}
	}
	return best
}

// slug makes a name of a header: lower case, words joined by "_".
func slug(header string, at int) string {
	var b strings.Builder
	gap := false
	for _, r := range strings.ToLower(header) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			if gap && b.Len() > 0 {
				b.WriteByte('_')
			}
			b.WriteRune(r)
			gap = false
		case r == 'µ' || r == 'μ':
			b.WriteByte('u')
		default:
			gap = true
		}
	}
	s := b.String()
	if s == "" {
		return fmt.Sprintf("column_%d", at)
	}
	if s[0] >= '0' && s[0] <= '9' {
		s = "c_" + s
	}
	return s[:min(len(s), 63)]
}

func unique(name string, taken map[string]bool) string {
	u := name
	for n := 2; taken[u]; n++ {
		u = fmt.Sprintf("%s_%d", name, n)
	}
	taken[u] = true
	return u
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
