package evidence

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/literature"
)

// compositions reads the compositions that a sentence names, as settings of the
// parameters that are compositions. It reads
//
//   - formulas, "Ni0.5Fe0.5Ox" or "NiFe2O4": the amounts of the parts, where every other
//     element is one of [companions];
//   - ratios, "Ni:Fe = 3:1", "Ni/Fe ratio of 3", "Ni-Fe (3:1)";
//   - shares of parts, "10 mol% Fe", "Fe content of 10 at%", "5 wt% Pd/C". What is missing
//     to the whole is the one part that is not told of; shares by mass become shares by
//     amount through atomic masses, so that all parts have to be elements then.
//
// Where a sentence gives two that differ it gives none.
func (m Mapping) compositions(s Source, span literature.Span) []lab.Setting {
	var out []lab.Setting
	sentence := span.Of(s.Text)
	for _, p := range m.Space.Parameters {
		if p.Type != lab.Composition {
			continue
		}
		c := compounds{parts: p.Parts, names: m.partNames(p)}
		found := slices.Concat(c.formulas(sentence), c.ratios(sentence), c.shares(sentence, span.Start, s.settled))
		if len(found) == 0 || slices.ContainsFunc(found, func(x []float64) bool { return !alike(x, found[0]) }) {
			continue
		}
		sum := 1.0
		if p.Sum != nil {
			sum = *p.Sum
		}
		x := slices.Clone(found[0])
		for i := range x {
			x[i] *= sum
		}
		out = append(out, lab.Setting{Name: p.Name, Value: lab.Parts(x), Unit: p.Unit})
	}
	return out
}

// alike reports whether two compositions are the same but for rounding.
func alike(a, b []float64) bool {
	for i := range a {
		if math.Abs(a[i]-b[i]) > 0.02 {
			return false
		}
	}
	return true
}

// compounds reads compositions of some parts.
type compounds struct {
	parts []string
	names [][]string // of each part, its own among them
}

func (m Mapping) partNames(p lab.Parameter) [][]string {
	out := make([][]string, len(p.Parts))
	for i, part := range p.Parts {
		out[i] = append([]string{part}, m.Synonyms[part]...)
	}
	return out
}

// index returns the part of that name, or -1. Symbols are written in one way only.
func (c compounds) index(name string) int {
	for i, names := range c.names {
		for _, n := range names {
			if n == name || len(n) > 3 && strings.EqualFold(n, name) {
				return i
			}
		}
	}
	return -1
}

// normal scales amounts to a sum of 1; nil where they are none.
func normal(x []float64) []float64 {
	sum := 0.0
	for _, v := range x {
		if v < 0 || math.IsNaN(v) {
			return nil
		}
		sum += v
	}
	if !(sum > 0) || math.IsInf(sum, 0) {
		return nil
	}
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = v / sum
	}
	return out
}

// companions are elements that a formula may have beside the parts: those of oxides,
// hydroxides, salts and their water.
var companions = map[string]bool{"O": true, "H": true, "N": true, "C": true, "S": true, "P": true, "F": true, "Cl": true}

var (
	formula = regexp.MustCompile(`(?:[A-Z][a-z]?(?:\d+(?:\.\d+)?|[xyzδ])?){2,}(?:\([A-Z][A-Za-z0-9]*\)(?:\d+(?:\.\d+)?|[xyzδ])?)?`)
	element = regexp.MustCompile(`([A-Z][a-z]?)(\d+(?:\.\d+)?|[xyzδ])?`)
)

// formulas reads formulas of at least one part, of which every part has an amount.
func (c compounds) formulas(sentence string) (out [][]float64) {
	for _, at := range formula.FindAllStringIndex(sentence, -1) {
		if !border(sentence, at[0]-1) || !border(sentence, at[1]) {
			continue
		}
		if x := c.formula(sentence[at[0]:at[1]]); x != nil {
			out = append(out, x)
		}
	}
	return out
}

func (c compounds) formula(text string) []float64 {
	x := make([]float64, len(c.parts))
	parts, figures := 0, false
	for _, e := range element.FindAllStringSubmatch(text, -1) {
		i := c.index(e[1])
		if i < 0 {
			if some := strings.TrimRight(e[1], "xyz"); !companions[some] { // "Ox" is some oxygen
				return nil // of something that the space does not have
			}
			continue
		}
		n, err := strconv.ParseFloat(e[2], 64)
		switch {
		case e[2] == "":
			n = 1
		case err != nil:
			return nil // "NixFe1-x" says nothing
		default:
			figures = true
		}
		if x[i] > 0 {
			return nil // twice: a formula of groups, or a word
		}
		parts++
		x[i] = n
	}
	// One metal alone is a substance and no composition of several; two without figures
	// may be an abbreviation: "NiFe".
	if parts < 2 || !figures {
		return nil
	}
	return normal(x)
}

var (
	// names between colons, slashes or dashes, a few words, and as many numbers.
	ratio  = regexp.MustCompile(`\b([A-Za-z][A-Za-z]*(?:\s?[:/–-]\s?[A-Za-z]+)+)\s*(?:\([^()\d]{0,24}\)\s*)?((?:(?:molar|mole|atomic|weight|mass|metal|cation|cationic|composition|ratios?|of|was|is|at|with|a|the|=|≈|~)\s*){0,6})\(?\s*(\d+(?:\.\d+)?(?:\s?[:/]\s?\d+(?:\.\d+)?)*)`)
	parted = regexp.MustCompile(`\s?[:/–-]\s?`)
)

// ratios reads ratios of parts that are named.
func (c compounds) ratios(sentence string) (out [][]float64) {
	for _, m := range ratio.FindAllStringSubmatch(sentence, -1) {
		names, numbers := parted.Split(m[1], -1), parted.Split(m[3], -1)
		if !strings.ContainsAny(m[2], "=≈~") && !strings.Contains(m[2], "ratio") && len(numbers) == 1 {
			continue // "Ni/Fe 5 g" is no ratio
		}
		if len(numbers) == 1 && len(names) == 2 {
			numbers = append(numbers, "1") // "Ni/Fe = 3"
		}
		if len(names) != len(numbers) || strings.Contains(m[2], "weight") || strings.Contains(m[2], "mass") {
			continue
		}
		x := make([]float64, len(c.parts))
		ok := true
		for k, name := range names {
			i := c.index(name)
			n, err := strconv.ParseFloat(numbers[k], 64)
			if ok = ok && i >= 0 && err == nil; ok {
				x[i] = n
			}
		}
		if x = normal(x); ok && x != nil {
			out = append(out, x)
		}
	}
	return out
}

var (
	shareBefore = regexp.MustCompile(`(\d+(?:\.\d+)?)\s?(mol\.?\s?%|mole\s?%|at\.?\s?%|atomic\s?%|wt\.?\s?%|weight\s?%|mass\s?%|%)\s?(?:of\s)?([A-Za-z]+)(/[A-Za-z0-9]+)?`)
	shareAfter  = regexp.MustCompile(`\b([A-Za-z]+)\s(?:content|fraction|loading|amount|share|doping)?\s?(?:of|was|is|at|=|:)?\s?\(?(\d+(?:\.\d+)?)\s?(mol\.?\s?%|mole\s?%|at\.?\s?%|atomic\s?%|wt\.?\s?%|weight\s?%|mass\s?%)`)
)

// shares reads shares of parts, and gives the rest to the one part that has none.
func (c compounds) shares(sentence string, base int, settled func(number int) bool) [][]float64 {
	x := make([]float64, len(c.parts))
	told := make([]bool, len(c.parts))
	mass, amount, n := false, false, 0
	support := -1
	take := func(name, number, unit string, at int) bool {
		i := c.index(name)
		v, err := strconv.ParseFloat(number, 64)
		if i < 0 || err != nil || settled(base+at) {
			return true
		}
		if told[i] && x[i] != v/100 {
			return false
		}
		byMass := strings.HasPrefix(unit, "w") || strings.HasPrefix(unit, "mass")
		if !told[i] {
			n++
		}
		x[i], told[i] = v/100, true
		mass, amount = mass || byMass, amount || !byMass && unit != "%"
		return true
	}
	for _, m := range shareBefore.FindAllStringSubmatchIndex(sentence, -1) {
		if m[1] < len(sentence) && !border(sentence, m[1]) || m[0] > 0 && !border(sentence, m[0]-1) {
			continue
		}
		unit := sentence[m[4]:m[5]]
		if unit == "%" {
			continue // "80 % yield" is of no part; a share says of what it is one
		}
		if !take(sentence[m[6]:m[7]], sentence[m[2]:m[3]], unit, m[2]) {
			return nil
		}
		if m[8] >= 0 {
			support = c.index(sentence[m[8]+1 : m[9]])
			if support < 0 {
				return nil // on something that the space does not have
			}
		}
	}
	for _, m := range shareAfter.FindAllStringSubmatchIndex(sentence, -1) {
		if !take(sentence[m[2]:m[3]], sentence[m[4]:m[5]], sentence[m[6]:m[7]], m[4]) {
			return nil
		}
	}
	if n == 0 || mass && amount {
		return nil
	}
	return c.whole(x, told, n, support, mass)
}

// whole completes shares to a composition.
func (c compounds) whole(x []float64, told []bool, n, support int, mass bool) [][]float64 {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	switch rest := 1 - sum; {
	case rest < -0.005:
		return nil
	case rest > 0.005:
		if support < 0 && n == len(told)-1 {
			support = slices.Index(told, false)
		}
		if support < 0 || told[support] {
			return nil // of what the rest is, it does not say
		}
		x[support] = rest
	}
	if mass {
		for i, names := range c.names {
			w := 0.0
			for _, name := range names {
				w = max(w, atomicMass[name])
			}
			if x[i] > 0 && w == 0 {
				return nil
			}
			if x[i] > 0 {
				x[i] /= w
			}
		}
	}
	if x = normal(x); x == nil {
		return nil
	}
	return [][]float64{x}
}

// atomicMass of elements in g/mol. Source: IUPAC, Standard Atomic Weights 2021, the
// abridged values.
var atomicMass = map[string]float64{
	"Li": 6.94, "B": 10.81, "C": 12.011, "Na": 22.990, "Mg": 24.305, "Al": 26.982, "Si": 28.085, "P": 30.974, "S": 32.06, "K": 39.098, "Ca": 40.078, "Sc": 44.956, "Ti": 47.867,
	"V": 50.942, "Cr": 51.996, "Mn": 54.938, "Fe": 55.845, "Co": 58.933, "Ni": 58.693, "Cu": 63.546, "Zn": 65.38, "Ga": 69.723, "Ge": 72.630, "Se": 78.971, "Sr": 87.62, "Y": 88.906,
	"Zr": 91.224, "Nb": 92.906, "Mo": 95.95, "Ru": 101.07, "Rh": 102.91, "Pd": 106.42, "Ag": 107.87, "Cd": 112.41, "In": 114.82, "Sn": 118.71, "Sb": 121.76, "Te": 127.60, "Cs": 132.91,
	"Ba": 137.33, "La": 138.91, "Ce": 140.12, "Pr": 140.91, "Nd": 144.24, "Sm": 150.36, "Eu": 151.96, "Gd": 157.25, "Tb": 158.93, "Dy": 162.50, "Ho": 164.93, "Er": 167.26, "Yb": 173.05,
	"Hf": 178.49, "Ta": 180.95, "W": 183.84, "Re": 186.21, "Os": 190.23, "Ir": 192.22, "Pt": 195.08, "Au": 196.97, "Pb": 207.2, "Bi": 208.98,
}
