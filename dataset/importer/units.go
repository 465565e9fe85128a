package importer

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/ucum"
)

// Reading is what a text was taken for as a unit.
type Reading struct {
	Unit       lab.Unit
	Confidence float64
	Candidates []string // when it may be one of several
	Question   string   // when a person must say
}

// Sure reports whether the unit may be used without asking.
func (r Reading) Sure() bool { return r.Unit != "" && r.Question == "" && r.Confidence >= 0.9 }

// ambiguous are spellings that mean different things in different laboratories.
// They are always asked for.
var ambiguous = map[string][]string{
	"M":      {"mol/L", "m"},
	"C":      {"Cel", "C"},
	"F":      {"[degF]", "F"},
	"eq":     {"{equiv}", "eq"},
	"equiv":  {"{equiv}", "eq"},
	"eqv":    {"{equiv}", "eq"},
	"%":      {"%{wt}", "%{mol}", "%{vol}", "%{yield}", "%"},
	"pct":    {"%{wt}", "%{mol}", "%{vol}", "%{yield}", "%"},
	"ppm":    {"[ppm]{wt}", "[ppm]{mol}", "[ppm]{vol}", "mg/L"},
	"ppb":    {"[ppb]{wt}", "[ppb]{mol}", "[ppb]{vol}", "ug/L"},
	"AU":     {"{AU}", "AU"},
	"mAU":    {"10*-3.{AU}"},
	"charge": {"1", "C"},
	"A":      {"A", "Ao"},
	"a.u.":   {"{a.u.}", "u"},
}

// ReadUnit reads a unit as a laboratory writes it. A UCUM code and a spelling
// with one meaning are sure; one with several is a question, and a text that is
// no unit has no unit and no question.
func ReadUnit(text string) Reading {
	t := strings.TrimSpace(text)
	if t == "" || len(t) > 64 {
		return Reading{}
	}
	if key := strings.TrimSuffix(t, "."); t == "%" || ambiguous[t] != nil || ambiguous[strings.ToLower(key)] != nil && len(key) > 1 {
		candidates := ambiguous[t]
		if candidates == nil {
			candidates = ambiguous[strings.ToLower(key)]
		}
		return Reading{Confidence: 0.3, Candidates: candidates, Question: `"` + t + `" has several meanings; which unit is it?`}
	}
	_, err := ucum.Parse(t)
	if err == nil {
		if why := ucum.Caution(t); why != "" {
			return Reading{Confidence: 0.4, Candidates: []string{t}, Question: why + "; which unit is it?"}
		}
		return Reading{Unit: lab.Unit(t), Confidence: 0.98}
	}
	var problem *ucum.ParseError
	if !errors.As(err, &problem) || problem.Suggestion == "" {
		return Reading{}
	}
	if problem.Advice != "" || ucum.Caution(problem.Suggestion) != "" {
		return Reading{Confidence: 0.5, Candidates: []string{problem.Suggestion}, Question: `"` + t + `" may be "` + problem.Suggestion + `": ` + problem.Advice}
	}
	return Reading{Unit: lab.Unit(problem.Suggestion), Confidence: 0.93}
}

var (
	slashed  = regexp.MustCompile(`^(.*\S)\s+/\s+(\S.*)$`)
	power    = regexp.MustCompile(`^(.*?)\(x ?10\^(\d+)\)\s*([^()]+)$`)
	suffixed = regexp.MustCompile(`^(.+)[_ ]([A-Za-zµμ°%/]+)$`)
)

// suffixes are the endings of headers that are units by themselves; a single
// letter never is.
var suffixes = []string{
	"nm", "um", "mm", "cm", "uL", "ul", "mL", "ml", "L/min", "mg", "ug", "kg", "mmol", "umol", "nmol", "mol", "mM", "uM", "nM", "hrs", "hr", "min", "mins", "sec", "ms",
	"degC", "Cel", "rpm", "psi", "bar", "mbar", "kPa", "MPa", "GPa", "Pa", "eV", "keV", "mV", "kV", "mA", "uA", "Hz", "kHz", "MHz", "mmHg", "sccm", "ppm", "ppb", "pct", "eq", "equiv", "wt%", "mol%", "vol%", "%",
}

// unitOfHeader divides a header into its name and its unit.
func unitOfHeader(header string) (name string, r Reading, source UnitSource) {
	if m := power.FindStringSubmatch(header); m != nil { // "Total (x10^6) cells/mL"
		if r := ReadUnit(strings.TrimSpace(m[3])); r.Unit != "" {
			code := strings.Replace("10*"+m[2]+"."+string(r.Unit), "./", "/", 1)
			if _, err := ucum.Parse(code); err == nil {
				return m[1], Reading{Unit: lab.Unit(code), Confidence: 0.9}, FromHeader
			}
		}
	}
	if before, inside, ok := bracketed(header); ok {
		if r := ReadUnit(inside); r.Unit != "" || r.Question != "" {
			return strings.TrimRight(before, " /"), r, FromHeader
		}
	}
	if m := slashed.FindStringSubmatch(header); m != nil {
		if r := ReadUnit(m[2]); r.Unit != "" || r.Question != "" {
			return m[1], r, FromHeader
		}
	}
	if m := suffixed.FindStringSubmatch(header); m != nil {
		i := slices.IndexFunc(suffixes, func(s string) bool { return s == m[2] || len(s) > 2 && strings.EqualFold(s, m[2]) })
		if i >= 0 {
			r := ReadUnit(suffixes[i])
			r.Confidence *= 0.97
			return m[1], r, FromSuffix
		}
	}
	// "Yield_PCT_Area_UV": the unit is inside the name.
	for _, word := range strings.FieldsFunc(header, func(r rune) bool { return r == '_' || r == ' ' }) {
		if strings.EqualFold(word, "pct") || word == "%" {
			return header, ReadUnit("%"), FromSuffix
		}
	}
	return header, Reading{}, FromNowhere
}

// bracketed divides "temperature (degC)" at the bracket that its last character
// closes.
func bracketed(header string) (before, inside string, ok bool) {
	h := strings.TrimSpace(header)
	if h == "" {
		return "", "", false
	}
	end := h[len(h)-1]
	open := map[byte]byte{')': '(', ']': '[', '}': '{'}[end]
	if open == 0 {
		return "", "", false
	}
	for i, depth := len(h)-1, 0; i >= 0; i-- {
		switch h[i] {
		case end:
			depth++
		case open:
			if depth--; depth == 0 {
				return h[:i], h[i+1 : len(h)-1], true
			}
		}
	}
	return "", "", false
}

// unitsInProse finds the units of named things in a description: the last
// bracket of a line that begins with the name.
func unitsInProse(prose, name string) Reading {
	for line := range strings.Lines(prose) {
		rest, ok := strings.CutPrefix(strings.TrimSpace(line), name)
		if !ok || rest == "" || !strings.ContainsAny(rest[:1], " \t:") {
			continue
		}
		open, end := strings.LastIndexByte(rest, '['), strings.LastIndexByte(rest, ']')
		if open < 0 || end < open || strings.ContainsRune(rest[open:end], ',') {
			return Reading{}
		}
		return ReadUnit(rest[open+1 : end])
	}
	return Reading{}
}
