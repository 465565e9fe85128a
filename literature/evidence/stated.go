package evidence

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/literature"
	"github.com/athanor-lab/athanor/ucum"
)

// after is what may stand between a name and its number, and the number.
var after = regexp.MustCompile(`^\s*(?:\([^()]{0,24}\)\s*)?(?:(?:of|was|is|at|to|set to|equal to|=|:|~|≈)\s*){0,2}([-−+]?\d+(?:[.,]\d+)?(?:[eE][-+]?\d+)?)`)

// equals follows a symbol of one letter: "T = 105 °C", and not "a 5 g sample".
var equals = regexp.MustCompile(`^\s*[=≈]`)

// stated returns the number that a sentence gives a quantity by name, as in "total
// flow of 15 mL/min", "CH4/O2 = 2" or "15 mL/min total flow", in the unit wanted. A
// number without a unit counts only where none is wanted; where the sentence
// gives two that differ, it gives none.
//
// A number that a person has settled is passed over: what is right is in the findings.
func stated(sentence string, base int, findings []literature.Finding, settled func(number int) bool, want lab.Unit, names ...string) (float64, bool) {
	var all []float64
	for _, name := range names {
		name = strings.ReplaceAll(strings.TrimSpace(name), "_", " ")
		for from := 0; name != ""; {
			i := find(sentence[from:], name)
			if i < 0 {
				break
			}
			i += from
			from = i + len(name)
			if !border(sentence, i-1) || !border(sentence, from) || len(name) == 1 && !equals.MatchString(sentence[from:]) {
				continue
			}
			if at := after.FindStringSubmatchIndex(sentence[from:]); at != nil {
				if settled(base + from + at[2]) {
					continue
				}
				if x, ok := valued(sentence, from+at[2], from+at[3], base, findings, want); ok {
					all = append(all, x)
				}
				continue
			}
			for _, f := range findings { // the unit before the name
				if end := f.UnitSpan.End - base; end <= i && end > 0 && strings.TrimSpace(sentence[end:i]) == "" {
					if x, err := ucum.ConvertCodes(f.Value, f.Unit, string(unitOf(want))); err == nil {
						all = append(all, x)
					}
				}
			}
		}
	}
	if len(all) == 0 || slices.Max(all) != slices.Min(all) {
		return 0, false
	}
	return all[0], true
}

// find is strings.Index without regard to case in names longer than a symbol.
func find(text, name string) int {
	if len(name) <= 2 {
		return strings.Index(text, name)
	}
	lower := strings.ToLower(text)
	if len(lower) != len(text) { // a letter whose lower case has another length: places would not fit
		return strings.Index(text, name)
	}
	return strings.Index(lower, strings.ToLower(name))
}

// valued reads the number at [start, end) of a sentence with the unit that a
// finding has for it.
func valued(sentence string, start, end, base int, findings []literature.Finding, want lab.Unit) (float64, bool) {
	for _, f := range findings {
		if f.Number.Start-base == start {
			x, err := ucum.ConvertCodes(f.Value, f.Unit, string(unitOf(want)))
			return x, err == nil
		}
	}
	if unitOf(want) != "1" {
		return 0, false
	}
	x, err := strconv.ParseFloat(strings.NewReplacer("−", "-", ",", ".").Replace(sentence[start:end]), 64)
	return x, err == nil
}

// named adds to a claim what its sentence says of parameters and objectives by
// their names, and returns the values of objectives.
func (m Mapping) named(s Source, span literature.Span, settings []lab.Setting, fixed map[string]bool) ([]lab.Setting, map[string]float64) {
	var here []literature.Finding
	for _, f := range s.Findings {
		if f.Sentence == span && !s.settled(f.Number.Start) {
			here = append(here, f)
		}
	}
	sentence := span.Of(s.Text)
	for _, p := range m.Space.Parameters {
		if p.Type == lab.Categorical || p.Type == lab.Composition {
			continue
		}
		x, ok := stated(sentence, span.Start, here, s.settled, p.Unit, append([]string{p.Name}, m.Synonyms[p.Name]...)...)
		if !ok || fixed[p.Name] || !inside(p, x) {
			continue
		}
		set := lab.Setting{Name: p.Name, Value: lab.Number(x), Unit: p.Unit}
		if i := slices.IndexFunc(settings, func(o lab.Setting) bool { return o.Name == p.Name }); i >= 0 {
			settings[i] = set // a name says more than a unit
		} else {
			settings = append(settings, set)
		}
	}
	found := map[string]float64{}
	for _, o := range m.Objectives {
		if x, ok := stated(sentence, span.Start, here, s.settled, o.Unit, append([]string{o.Name}, m.Synonyms[o.Name]...)...); ok {
			found[o.Name] = x
		}
	}
	return settings, found
}
