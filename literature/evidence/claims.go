package evidence

import (
	"cmp"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/literature"
	"github.com/athanor-lab/athanor/literature/index"
	"github.com/athanor-lab/athanor/ucum"
)

// Claim says that a paper worked at a place of the space. A parameter without a
// setting is one that the paper says nothing of.
type Claim struct {
	Paper    string        `json:"paper"`
	Settings []lab.Setting `json:"settings"`
	// Objective is what was seen there, "" when the sentence says nothing of one.
	Objective string `json:"objective,omitempty"`
	// Relevance is the probability that the paper bears on the campaign.
	Relevance float64 `json:"relevance"`
	// Confidence is the probability that the claim is what the paper says.
	Confidence float64 `json:"confidence"`
	// Merit is how good the paper found this place, from 0 for the worst it
	// reports to 1 for the best; negative when it does not say.
	Merit     float64         `json:"merit"`
	Retracted bool            `json:"retracted,omitempty"`
	Span      literature.Span `json:"span"` // what a person reads to check it
	Quote     string          `json:"quote"`
	// Checked are the people who accepted or corrected a finding of it.
	Checked []string `json:"checked,omitempty"`
}

// Outside is a finding that is about a parameter and lies outside its limits:
// perhaps the limits exclude what others use.
type Outside struct {
	Paper     string   `json:"paper"`
	Parameter string   `json:"parameter"`
	Value     float64  `json:"value"`
	Unit      lab.Unit `json:"unit"`
}

// Source is a paper with its text and what was found in it.
type Source struct {
	Paper    string
	Text     string
	Findings []literature.Finding
	// Sentences are further parts of the text to look for names in, where no
	// finding is: "With KOAc in water the reaction went to completion."
	Sentences []literature.Span
	Relevance float64
	Retracted bool
	// Said are people's words on numbers, by where a number begins. Of one that was
	// corrected or rejected only the findings speak, not the words around it.
	Said map[int]literature.Correction
}

// settled reports whether a person has said that a number is not what it seems.
func (s Source) settled(number int) bool {
	c, ok := s.Said[number]
	return ok && c.Verdict != literature.Accepted
}

// Mapping says how the words of papers lead to the parameters and objectives of a
// campaign.
type Mapping struct {
	Space      lab.Space
	Objectives []lab.Objective
	// Synonyms are further names of a parameter, a level or an objective.
	Synonyms map[string][]string
	// Confidence of a claim from the built-in extraction, default 0.85.
	Confidence float64
}

// Claims maps the findings of a paper. The settings of one sentence make one
// claim; sentences about different parameters stay apart, since nothing says that
// they are about the same experiment. It costs O(findings · parameters).
func (m Mapping) Claims(s Source) (claims []Claim, outside []Outside) {
	if m.Confidence <= 0 {
		m.Confidence = 0.85
	}
	type group struct {
		claim   Claim
		merit   map[string]float64
		finding bool            // a finding stands in it
		fixed   map[string]bool // names of what people settled
	}
	var groups []*group
	at := map[literature.Span]*group{}
	sentence := func(span literature.Span) *group {
		g := at[span]
		if g == nil {
			quote := span.Of(s.Text)
			g = &group{claim: Claim{Paper: s.Paper, Relevance: s.Relevance, Confidence: m.Confidence, Merit: -1, Retracted: s.Retracted, Span: span, Quote: quote}, merit: map[string]float64{}, fixed: map[string]bool{}}
			at[span] = g
			groups = append(groups, g)
			g.claim.Settings = append(m.levels(quote), m.compositions(s, span)...)
		}
		return g
	}
	for _, f := range s.settledFirst() {
		g := sentence(f.Sentence)
		g.finding = true
		word, said := s.Said[f.Number.Start]
		check := func(name string) {
			g.fixed[name] = g.fixed[name] || s.settled(f.Number.Start)
			if said && !slices.Contains(g.claim.Checked, word.By) {
				g.claim.Checked = append(g.claim.Checked, word.By)
			}
		}
		if f.Outcome {
			if o, x, ok := m.objective(f); ok && !g.fixed[o] {
				g.merit[o] = x
				check(o)
			}
			continue
		}
		p, x, ok := m.parameter(f)
		if !ok {
			continue
		}
		if !inside(p, x) {
			outside = append(outside, Outside{s.Paper, p.Name, x, p.Unit})
			continue
		}
		set := func(v lab.Setting) bool { return v.Name == p.Name }
		if !slices.ContainsFunc(g.claim.Settings, set) {
			g.claim.Settings = append(g.claim.Settings, lab.Setting{Name: p.Name, Value: lab.Number(x), Unit: p.Unit})
			check(p.Name)
		}
	}
	for _, span := range s.Sentences {
		sentence(span)
	}
	slices.SortStableFunc(groups, func(a, b *group) int { return a.claim.Span.Start - b.claim.Span.Start })
	for _, g := range groups {
		settings, found := m.named(s, g.claim.Span, g.claim.Settings, g.fixed)
		g.claim.Settings = settings
		for o, x := range found {
			if !g.fixed[o] {
				g.merit[o] = x
			}
		}
		if len(g.claim.Checked) > 0 {
			slices.Sort(g.claim.Checked)
			g.claim.Confidence = 1
		}
		if len(g.claim.Settings) > 0 && (g.finding || len(found) > 0) {
			g.claim.Objective, g.claim.Merit = m.first(g.merit)
			claims = append(claims, g.claim)
		}
	}
	m.rank(claims)
	return claims, outside
}

// settledFirst returns the findings, those first that people have settled: a later
// one does not take their place.
func (s Source) settledFirst() []literature.Finding {
	out := slices.Clone(s.Findings)
	slices.SortStableFunc(out, func(a, b literature.Finding) int {
		switch x, y := s.settled(a.Number.Start), s.settled(b.Number.Start); {
		case x == y:
			return 0
		case x:
			return -1
		}
		return 1
	})
	return out
}

// first returns the first objective that was found and what was found of it, and
// NaN for none, until rank turns it into a merit.
func (m Mapping) first(found map[string]float64) (objective string, x float64) {
	for _, o := range m.Objectives {
		if x, ok := found[o.Name]; ok {
			if o.Direction == lab.Minimize {
				x = -x
			}
			return o.Name, x
		}
	}
	return "", math.NaN()
}

// rank turns outcomes into merits among the claims of a paper.
func (m Mapping) rank(claims []Claim) {
	var all []float64
	for _, c := range claims {
		if !math.IsNaN(c.Merit) {
			all = append(all, c.Merit)
		}
	}
	slices.Sort(all)
	for i := range claims {
		x := claims[i].Merit
		switch {
		case math.IsNaN(x) || len(all) < 2: // one outcome alone is neither the best nor the worst
			claims[i].Merit = -1
		default:
			lo, _ := slices.BinarySearch(all, x)
			claims[i].Merit = float64(lo) / float64(len(all)-1)
		}
	}
}

// Means returns the parameter or objective of the campaign that a finding speaks of,
// with its value there, and whether that lies beyond the parameter's limits; ok is
// false where it speaks of none.
func (m Mapping) Means(f literature.Finding) (is lab.Setting, outside, ok bool) {
	if f.Outcome {
		name, x, ok := m.objective(f)
		return lab.Setting{Name: name, Value: lab.Number(x)}, false, ok
	}
	p, x, ok := m.parameter(f)
	return lab.Setting{Name: p.Name, Value: lab.Number(x), Unit: p.Unit}, ok && !inside(p, x), ok
}

// parameter finds the numeric parameter that a finding sets, and its value in the
// parameter's unit.
func (m Mapping) parameter(f literature.Finding) (lab.Parameter, float64, bool) {
	best, score := -1, 0
	var value float64
	for i, p := range m.Space.Parameters {
		if p.Type == lab.Categorical || p.Type == lab.Composition {
			continue
		}
		x, err := ucum.ConvertCodes((f.Value+f.High)/2, f.Unit, string(unitOf(p.Unit)))
		if err != nil {
			continue
		}
		if n := m.match(p.Name, f); n > score {
			best, score, value = i, n, x
		}
	}
	if best < 0 {
		return lab.Parameter{}, 0, false
	}
	return m.Space.Parameters[best], value, true
}

// match scores how well a name fits a finding: its words are the quantity's name
// and, for more, the operation. A name that asks for another operation than the
// finding's does not fit.
func (m Mapping) match(name string, f literature.Finding) int {
	best := 0
	own := len(index.Words(strings.ReplaceAll(name, "_", " ")))
	for i, n := range append([]string{name}, m.Synonyms[name]...) {
		if i > 0 && f.Operation != "" && len(index.Words(n)) < own {
			continue // "temperature" is that of a reaction only where nothing else was done
		}
		score, wrong := 0, false
		for _, w := range index.Words(strings.ReplaceAll(n, "_", " ")) {
			switch stem := index.Stem(w); {
			case slices.ContainsFunc(index.Words(f.Parameter), func(p string) bool { return index.Stem(p) == stem }):
				score++
			case slices.ContainsFunc(index.Words(f.Operation), func(o string) bool { return index.Stem(o) == stem }):
				score += 2
			default:
				wrong = true
			}
		}
		if !wrong {
			best = max(best, score)
		}
	}
	return best
}

func (m Mapping) objective(f literature.Finding) (string, float64, bool) {
	for _, o := range m.Objectives {
		if m.match(o.Name, f) == 0 {
			continue
		}
		if x, err := ucum.ConvertCodes(f.Value, f.Unit, string(unitOf(o.Unit))); err == nil {
			return o.Name, x, true
		}
	}
	return "", 0, false
}

func unitOf(u lab.Unit) lab.Unit { return cmp.Or(u, "1") }

// levels finds the levels of categorical parameters that a sentence names; a
// parameter of which it names two is left open.
func (m Mapping) levels(sentence string) []lab.Setting {
	var out []lab.Setting
	for _, p := range m.Space.Parameters {
		if p.Type != lab.Categorical {
			continue
		}
		found := ""
		for _, l := range p.Levels {
			named := slices.ContainsFunc(append([]string{l}, m.Synonyms[l]...), func(n string) bool { return names(sentence, n) })
			if named && found != "" {
				found = ""
				break
			}
			if named {
				found = l
			}
		}
		if found != "" {
			out = append(out, lab.Setting{Name: p.Name, Value: lab.Label(found)})
		}
	}
	return out
}

// names reports whether a text has name as words of its own. Short names are
// symbols, whose case matters.
func names(text, name string) bool {
	if name == "" {
		return false
	}
	if len(name) > 4 {
		text, name = strings.ToLower(text), strings.ToLower(name)
	}
	for from := 0; ; {
		i := strings.Index(text[from:], name)
		if i < 0 {
			return false
		}
		i += from
		if border(text, i-1) && border(text, i+len(name)) && !bath.MatchString(text[i+len(name):]) {
			return true
		}
		from = i + 1
	}
}

// bath follows what something was heated or cooled in, and not what it was made of.
var bath = regexp.MustCompile(`(?i)^[ -]bath`)

func border(text string, i int) bool {
	if i < 0 || i >= len(text) {
		return true
	}
	c := text[i]
	return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9')
}

func inside(p lab.Parameter, x float64) bool {
	lo, hi := limits(p)
	return x >= lo && x <= hi
}

// limits returns the lowest and highest value of a numeric parameter.
func limits(p lab.Parameter) (lo, hi float64) {
	if p.Type == lab.Discrete && len(p.Values) > 0 {
		return slices.Min(p.Values), slices.Max(p.Values)
	}
	if p.Min != nil && p.Max != nil {
		return *p.Min, *p.Max
	}
	return math.Inf(-1), math.Inf(1)
}

// String tells a claim for a person.
func (c Claim) String() string {
	var b strings.Builder
	for i, s := range c.Settings {
		if i > 0 {
			b.WriteString(", ")
		}
		if s.Value.Kind() == lab.IsNumber {
			fmt.Fprintf(&b, "%s %g", s.Name, s.Value.Number())
		} else {
			fmt.Fprintf(&b, "%s %s", s.Name, s.Value)
		}
	}
	return b.String() + " (" + c.Paper + ")"
}
