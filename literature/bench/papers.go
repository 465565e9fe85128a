package bench

import (
	"cmp"
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/literature/evidence"
	"github.com/athanor-lab/athanor/literature/index"
)

// The literature of a material is what others would have published of the other
// materials: each paper tried some conditions and reports its best ones, with an
// error here and there. That is more consistent than real literature is; the
// prior of temperatures is measured on real texts.
const (
	reads    = 8    // papers that are read
	strays   = 24   // papers on something else that are added
	tried    = 30   // conditions that a paper tried
	reported = 3    // of them reported
	misread  = 0.1  // probability that a claim has a wrong value
	sure     = 0.85 // confidence of a claim
)

// paper is a paper of the bench.
type paper struct {
	id        string
	title     string
	relevance float64
	claims    []claim
}

// claim is a place that a paper reports, and how good it was there.
type claim struct {
	at    []lab.Value
	value float64
}

// report writes the paper of a group: its best conditions, or its worst.
func (l *Lookup) report(g *Group, rng *rand.Rand, worst bool) []claim {
	rows := rng.Perm(len(g.Value))[:min(tried, len(g.Value))]
	slices.SortFunc(rows, func(a, b int) int {
		if worst {
			a, b = b, a
		}
		if l.Objective.Direction == lab.Minimize {
			return cmp.Compare(g.Value[a], g.Value[b])
		}
		return cmp.Compare(g.Value[b], g.Value[a])
	})
	var out []claim
	for _, r := range rows[:min(reported, len(rows))] {
		x := slices.Clone(g.Settings[r])
		if rng.Float64() < misread {
			k := rng.IntN(len(x))
			x[k] = g.Settings[rng.IntN(len(g.Settings))][k]
		}
		out = append(out, claim{x, g.Value[r]})
	}
	return out
}

// query is what a scientist would ask for a group.
func (l *Lookup) query(g *Group) string { return l.subject() + " " + g.Name }

func (l *Lookup) subject() string {
	var words []string
	for _, p := range l.Parameters {
		words = append(words, p.Name)
	}
	return strings.ReplaceAll("effect of "+strings.Join(words, " ")+" on "+l.Objective.Name, "_", " ")
}

// ranking is what the ranker makes of the papers of all groups, and of those on
// something else, for one group.
type ranking struct {
	order     []int // of the other groups, best first
	relevance []float64
	strays    []float64
}

// rank ranks the other groups' papers for each group, by their titles, with papers
// on other subjects among them.
func (l *Lookup) rank(off []index.Document) []ranking {
	b := index.NewBuilder(index.BM25{})
	for i := range l.Groups {
		b.Add(index.Document{ID: "g", Title: l.Groups[i].Name, Text: l.subject() + " " + pieces(l.Groups[i].Name)})
	}
	for _, d := range off {
		b.Add(d)
	}
	x := b.Build()
	r := index.Ranker{Index: x, LSA: index.NewLSA(x, index.LSAOptions{Dim: 100}), Weights: index.DefaultWeights, Depth: x.Len()}
	out := make([]ranking, len(l.Groups))
	for g := range l.Groups {
		k := ranking{relevance: make([]float64, len(l.Groups)), strays: make([]float64, len(off))}
		hits := r.Rank(index.Text(l.query(&l.Groups[g])+" "+pieces(l.Groups[g].Name)), x.Len())
		for _, h := range hits {
			rel := evidence.Relevance(h.Score, hits[0].Score)
			switch {
			case h.Doc >= len(l.Groups):
				k.strays[h.Doc-len(l.Groups)] = rel
			case h.Doc != g:
				k.order = append(k.order, h.Doc)
				k.relevance[h.Doc] = rel
			}
		}
		out[g] = k
	}
	return out
}

// atom is a token of SMILES, the notation of D. Weininger (J. Chem. Inf. Comput. Sci. 28,
// 31, 1988): a bracketed atom, an element of the organic subset, or an aromatic atom.
var atom = regexp.MustCompile(`\[[^\]]+\]|Br|Cl|[BCNOPSFI]|[bcnops]|[=#]|[()\d%/\\@.+-]`)

// notation reports whether a word is SMILES of a molecule with a ring or a branch.
func notation(word string) bool {
	return strings.ContainsAny(word, "()=#1") && strings.Join(atom.FindAllString(word, -1), "") == word
}

// pieces are the parts of a name as words: the atoms and double bonds of SMILES, elements
// with their numbers, or the parts of a formula.
func pieces(name string) string {
	var words []string
	for w := range strings.FieldsSeq(name) {
		if !notation(w) {
			words = append(words, parts(w))
			continue
		}
		for _, a := range atom.FindAllString(w, -1) {
			if strings.ContainsAny(a, "=#") {
				a = "bond" // signs are no words of an index
			}
			if a[0] == '[' || a[0] >= 'A' {
				words = append(words, "atom"+strings.Trim(a, "[]"))
			}
		}
	}
	return strings.Join(words, " ")
}

func parts(name string) string {
	var b strings.Builder
	var last rune
	for _, c := range name {
		upper, digit := c >= 'A' && c <= 'Z', c >= '0' && c <= '9'
		letter := upper || c >= 'a' && c <= 'z' || digit
		if !letter || upper || digit != (last >= '0' && last <= '9') {
			b.WriteByte(' ')
		}
		if letter {
			b.WriteRune(c)
		}
		last = c
	}
	return b.String()
}

// space returns the conditions of a group as the only ones that exist.
func (l *Lookup) space(g *Group) lab.Space {
	return lab.Space{Parameters: l.Parameters, Pool: g.Settings}
}

// best returns which conditions of a group are among its best 5 %.
func (l *Lookup) best(g *Group) []bool {
	order := make([]int, len(g.Value))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		if l.Objective.Direction == lab.Minimize {
			a, b = b, a
		}
		return cmp.Compare(g.Value[b], g.Value[a])
	})
	top := make([]bool, len(order))
	for _, i := range order[:max(1, int(math.Round(0.05*float64(len(order)))))] {
		top[i] = true
	}
	return top
}
