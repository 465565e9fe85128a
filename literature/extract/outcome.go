package extract

import (
	"math"
	"strings"

	"github.com/athanor-lab/athanor/literature"
)

// outcomeNouns name what is measured of a product, and the kinds of quantity that
// each is told in; none for any.
var outcomeNouns = map[string][]string{
	"yield": {"fraction", "mass fraction", "mole fraction", "mass"}, "yields": {"fraction", "mass fraction", "mole fraction", "mass"},
	"conversion": {"fraction", "mole fraction"}, "conversions": {"fraction", "mole fraction"},
	"selectivity": {"fraction", "mole fraction"}, "selectivities": {"fraction", "mole fraction"},
	"ee": {"fraction"}, "efficiency": {"fraction"}, "efficiencies": {"fraction"}, "retention": {"fraction"}, "recovery": {"fraction"},
	"capacity": nil, "capacitance": nil, "conductivity": nil, "overpotential": {"voltage"}, "density": nil, "hardness": nil, "strength": nil,
}

// outcome reports whether a quantity was measured, and of what: the noun that
// stands right behind it, or before it with nothing but a few small words
// between.
func outcome(t string, s literature.Span, q quantity) (string, bool) {
	after := t[q.unit.span.End:min(s.End, q.unit.span.End+40)]
	if i := strings.IndexAny(after, ",.;()"); i >= 0 {
		after = after[:i]
	}
	f := strings.Fields(after)
	for i, w := range f[:min(2, len(f))] {
		if i == 1 && f[0] == "of" || measures(strings.ToLower(w), q.unit.kind) == "" {
			continue
		}
		return measures(strings.ToLower(w), q.unit.kind), true
	}
	f = strings.Fields(strings.NewReplacer("(", " ( ", ")", " ) ", ",", " , ", "=", " = ").Replace(t[max(s.Start, q.span.Start-80):q.span.Start]))
	for i, seen := len(f)-1, 0; i >= 0 && seen < 6; i, seen = i-1, seen+1 {
		w := strings.ToLower(f[i])
		if name := measures(w, q.unit.kind); name != "" {
			if i > 0 && (f[i-1] == "to" || f[i-1] == "and") && q.unit.kind == "mass" { // "to yield 5 g"
				return "", false
			}
			return name, true
		}
		if !between[w] && seen > 1 {
			break
		}
	}
	return "", false
}

// measures returns the singular of an outcome's noun when it is told in kind.
func measures(w, kind string) string {
	kinds, ok := outcomeNouns[w]
	if !ok {
		return ""
	}
	for _, k := range kinds {
		if k == kind {
			kinds = nil
		}
	}
	if kinds != nil {
		return ""
	}
	if strings.HasSuffix(w, "ies") {
		return w[:len(w)-3] + "y"
	}
	return strings.TrimSuffix(w, "s")
}

var between = wordSet(`of was is were are about around approximately ca ca. ~ up to as high reached = ( a an the only reaching and nearly over above below exceeding obtained with achieved`)

// Verify reports whether a finding's numbers and unit are exactly those that its
// spans name in the text. A finding from any source that fails is to be dropped.
func Verify(f literature.Finding, text string) bool {
	value, ok := Parse(f.Number.Of(text))
	high, okHigh := Parse(f.HighSpan.Of(text))
	if !ok || !okHigh || value != f.Value || high != f.High || math.IsNaN(f.Value) {
		return false
	}
	if f.UnitSpan.Of(text) != f.Written || f.Written == "" {
		return false
	}
	in := func(s literature.Span) bool { return s.Start >= f.Sentence.Start && s.End <= f.Sentence.End }
	if !in(f.Number) || !in(f.HighSpan) || !in(f.UnitSpan) || f.Sentence.End > len(text) {
		return false
	}
	return f.Operation == "" || strings.ToLower(f.Verb.Of(text)) == f.Operation
}
