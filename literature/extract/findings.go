package extract

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/athanor-lab/athanor/literature"
)

// Version names the rules: findings keep which ones found them.
const Version = "rules/1"

// maxText bounds a text, in bytes; what follows is not read.
const maxText = 16 << 20

// quantity is a number with its unit, before it is a finding.
type quantity struct {
	number
	unit unit
}

// Findings returns the quantities of a text in the order in which they stand.
// It costs O(bytes).
func Findings(text string) []literature.Finding {
	text = text[:min(len(text), maxText)]
	var out []literature.Finding
	for _, s := range sentences(text) {
		quantities := scan(text, s)
		ops := operations(text, s)
		first := len(out)
		for _, q := range quantities {
			f := literature.Finding{
				Parameter: q.unit.kind, Value: q.value, High: q.upper, Written: q.unit.span.Of(text), Unit: q.unit.code,
				Number: q.span, HighSpan: q.high, UnitSpan: q.unit.span, Sentence: s, Extractor: Version,
			}
			if o, ok := outcome(text, s, q); ok {
				f.Parameter, f.Outcome = o, true
			} else if conditionKinds[f.Parameter] {
				if o, ok := link(text, q, ops); ok {
					f.Verb, f.Operation = o.span, strings.ToLower(o.span.Of(text))
				}
			}
			out = append(out, f)
		}
		for i := first; i < len(out); i++ {
			if !out[i].Outcome {
				continue
			}
			for j := first; j < len(out); j++ {
				if !out[j].Outcome {
					out[i].Conditions = append(out[i].Conditions, j)
				}
			}
		}
	}
	return out
}

// conditionKinds are what an operation is done at, for or with; the rest is how
// much of a material there was, or what it was like.
var conditionKinds = wordSetOf("temperature", "time", "heating rate", "speed", "pressure", "pH", "repetitions", "voltage", "power", "flow", "current", "current density", "frequency")

// Condition reports whether a finding's parameter is what an operation is done
// at, such as a temperature, and not how much of a material there was.
func Condition(f literature.Finding) bool { return !f.Outcome && conditionKinds[f.Parameter] }

// Amount reports whether a finding says how much of a material there was.
func Amount(f literature.Finding) bool { return !f.Outcome && amountKinds[f.Parameter] }

var amountKinds = wordSetOf("amount", "mass", "volume", "concentration", "fraction", "mass fraction", "mole fraction", "volume fraction", "equivalents", "ratio", "flow", "volume per mass")

func wordSetOf(words ...string) map[string]bool {
	m := map[string]bool{}
	for _, w := range words {
		m[w] = true
	}
	return m
}

// maxSentence is where a sentence, in bytes, is cut at the next space, or at twice
// as many without one: no person wrote it, and linking costs its square.
const maxSentence = 2000

// sentences cuts a text after a full stop that ends one, and at line ends.
func sentences(t string) []literature.Span {
	var out []literature.Span
	start := 0
	cut := func(end int) {
		if strings.TrimSpace(t[start:end]) != "" {
			out = append(out, literature.Span{Start: start, End: end})
		}
		start = end
	}
	for i := range len(t) {
		switch {
		case t[i] == '\n':
			cut(i + 1)
		case i-start >= maxSentence && (t[i] == ' ' || i-start >= 2*maxSentence && utf8.RuneStart(t[i])):
			cut(i)
		case t[i] == '.' && i > start+1 && i+2 < len(t) && (t[i+1] == ' ' && upperOrDigit(t[i+2:]) || t[i+1] >= 'A' && t[i+1] <= 'Z' && t[i-1] >= 'a' && t[i-1] <= 'z') && !abbreviation(t[start:i]):
			cut(i + 1)
		}
	}
	cut(len(t))
	return out
}

func upperOrDigit(s string) bool { return s[0] >= 'A' && s[0] <= 'Z' || s[0] >= 0xc3 }

func abbreviation(s string) bool {
	w := strings.ToLower(s[strings.LastIndexAny(s, " (")+1:])
	switch w {
	case "fig", "figs", "eq", "ref", "refs", "ca", "approx", "vs", "al", "e.g", "i.e", "no", "co", "wt", "vol", "dr", "st", "temp", "conc", "inc", "ltd", "etc":
		return true
	}
	return false
}

// scan finds the quantities of a sentence.
func scan(t string, s literature.Span) []quantity {
	var out []quantity
	var open []number // numbers that still wait for the unit of a series
	var ratios []number
	var ratioWords []unit
	t = t[:s.End]
	for i := s.Start; i < s.End; {
		switch {
		case t[i] >= '0' && t[i] <= '9':
			n, ok := numberAt(t, i)
			if !ok {
				i = digits(t, i)
				open = nil
				continue
			}
			i = max(n.high.End, n.span.End)
			if n.ratio {
				if u, ok := ratioBasis(t, i); ok {
					out = append(out, quantity{n, u})
				} else {
					ratios = append(ratios, n)
				}
				open = nil
				continue
			}
			if reference(t[s.Start:n.span.Start]) {
				open = nil
				continue
			}
			u, ok := unitAfter(t, i)
			if !ok {
				if open = append(open, n); !joined(t, i) {
					open = nil
				}
				continue
			}
			for _, o := range append(open, n) {
				out = append(out, quantity{o, u})
			}
			open = nil
			i = u.span.End
		case letter(t[i]):
			j := i
			for j < s.End && letter(t[j]) {
				j++
			}
			w := t[i:j]
			if n, u, ok := wordNumber(t, i, j); ok {
				out = append(out, quantity{n, u})
				i = u.span.End
				continue
			}
			if u, n, ok := acidity(t, i, j); ok {
				out = append(out, quantity{n, u})
				i = n.high.End
				continue
			}
			if u, ok := ratioWord(t, i, w); ok {
				ratioWords = append(ratioWords, u)
				j = u.span.End
			}
			if !joins[strings.ToLower(w)] {
				open = nil
			}
			i = j
		default:
			i++
		}
	}
	out = append(out, matchRatios(ratios, ratioWords)...)
	slices.SortStableFunc(out, func(a, b quantity) int { return a.span.Start - b.span.Start })
	return out
}

var joins = wordSet("and or to")

// joined reports whether what follows a number without a unit makes it part of
// a series: "5, 10 and 15 M".
func joined(t string, i int) bool {
	rest := strings.TrimLeft(t[i:], " ")
	for _, s := range []string{",", "and ", "or ", "to ", "±", "+-", "/"} {
		if after, ok := strings.CutPrefix(rest, s); ok {
			after = strings.TrimLeft(after, " ")
			for _, w := range []string{"and ", "or ", "~"} {
				after = strings.TrimPrefix(after, w)
			}
			return after != "" && after[0] >= '0' && after[0] <= '9'
		}
	}
	return false
}

// unitAfter reads the unit of a number that ends at i.
func unitAfter(t string, i int) (unit, bool) {
	if i < len(t) && t[i] == '+' { // "99+%"
		i++
	}
	j := skipSpace(t, i)
	if j < len(t) && t[j] == '-' { // "a 100-mg fraction"
		if u, ok := unitAt(t, j+1); ok {
			return u, true
		}
	}
	u, ok := unitAt(t, j)
	if ok && j == i && (u.code == "h" || u.code == "d" || u.code == "s" || u.code == "m") && len(u.span.Of(t)) == 1 && u.code != "h" {
		return unit{}, false // "3d", "2s" are labels
	}
	return u, ok
}

// references stand before numbers that count things and measure nothing.
var references = wordSet("table fig figure figs ref refs scheme eq equation section sample no entry route step steps example part chapter")

func reference(before string) bool {
	f := strings.Fields(before[max(0, len(before)-24):])
	return len(f) > 0 && references[strings.ToLower(strings.Trim(f[len(f)-1], ".("))] || strings.HasSuffix(before, "[")
}

// wordNumber reads "three times" and "one hour"; "twice" alone is its own unit.
func wordNumber(t string, i, j int) (number, unit, bool) {
	w := strings.ToLower(t[i:j])
	v, ok := numberWords[w]
	if !ok || i > 0 && (letter(t[i-1]) || t[i-1] == '-') {
		return number{}, unit{}, false
	}
	u, ok := unitAt(t, skipSpace(t, j))
	if !ok || u.kind != "time" && u.kind != "repetitions" || len(u.span.Of(t)) < 3 {
		return number{}, unit{}, false
	}
	s := literature.Span{Start: i, End: j}
	return number{span: s, high: s, value: v, upper: v}, u, true
}

// acidity reads "pH 7", "pH of 9", "pH = 4-5", "pH of the mixture was adjusted
// to 10": a few words of the same clause may stand between, and the last leads to
// a number.
func acidity(t string, i, j int) (unit, number, bool) {
	if w := t[i:j]; w != "pH" && w != "PH" {
		return unit{}, number{}, false
	}
	k, leads := j, true
	for range 12 {
		for k < len(t) && strings.IndexByte(" =:~<>", t[k]) >= 0 {
			leads = leads || t[k] != ' '
			k++
		}
		if k < len(t) && t[k] >= '0' && t[k] <= '9' {
			n, ok := numberAt(t, k)
			if !ok || !leads || n.ratio || n.value > 15 {
				return unit{}, number{}, false
			}
			if _, has := unitAfter(t, max(n.high.End, n.span.End)); has {
				return unit{}, number{}, false
			}
			return unit{span: literature.Span{Start: i, End: j}, code: "[pH]", kind: "pH"}, n, true
		}
		m := k
		for m < len(t) && letter(t[m]) {
			m++
		}
		if m == k {
			break
		}
		leads, k = leadsToNumber[strings.ToLower(t[k:m])], m
	}
	return unit{}, number{}, false
}

var leadsToNumber = wordSet("of value values to at about around approximately be is was were became becomes reached near between equal equals ca in")

// ratioWord reads "molar ratio" and its like.
func ratioWord(t string, i int, w string) (unit, bool) {
	switch strings.ToLower(w) {
	case "molar", "mole", "mol", "m", "weight", "mass", "volume", "atomic", "cationic", "stoichiometric":
	default:
		return unit{}, false
	}
	j := skipSpace(t, i+len(w))
	for _, r := range []string{"ratios", "ratio", "composition"} {
		if strings.HasPrefix(t[j:], r) {
			return unit{span: literature.Span{Start: i, End: j + len(r)}, code: "1", kind: "ratio"}, true
		}
	}
	return unit{}, false
}

// ratioBasis reads what a ratio that ends at i is one of: "1:1 v/v".
func ratioBasis(t string, i int) (unit, bool) {
	i = skipSpace(t, i)
	if i < len(t) && t[i] == ',' {
		i = skipSpace(t, i+1)
	}
	for _, w := range []string{"v/v ratio", "w/w ratio", "v/v", "V/V", "v:v", "w/w", "by volume", "by weight"} {
		if strings.HasPrefix(t[i:], w) {
			return unit{span: literature.Span{Start: i, End: i + len(w)}, code: "1", kind: "ratio"}, true
		}
	}
	return unit{}, false
}

// matchRatios gives the parts of a sentence the nearest word for a ratio. The
// value is the first part over the second.
func matchRatios(ratios []number, words []unit) []quantity {
	var out []quantity
	for _, r := range ratios {
		if len(words) == 0 {
			break
		}
		best := slices.MinFunc(words, func(a, b unit) int { return gap(a.span, r.span) - gap(b.span, r.span) })
		out = append(out, quantity{r, best})
	}
	return out
}

func gap(a, b literature.Span) int {
	if a.End <= b.Start {
		return b.Start - a.End
	}
	return a.Start - b.End + 1 // on a tie, what stands before
}
