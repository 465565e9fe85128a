package planner

import (
	"math"
	"slices"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/planner/space"
)

// knowledge is what published work says of one objective, as a score of every
// place of the space: the logarithm of a density of places that were reported to
// be good, plus the effects that were reported of single settings,
//
//	raw(x) = ln(ε + (1-ε)·Σ wᵢKᵢ(x)/Σ wᵢ) + Σ effects(x)
//
// brought to mean 0 and variance 1 over the space. K is a product of Gaussians for
// numbers, normalised within their limits, and of the kernel of Aitchison & Aitken
// (Multivariate binary discrimination by the kernel method, 1976) for choices;
// what a claim leaves open counts as one. The shares of a composition are numbers.
type knowledge struct {
	papers  []string // by index, as the claims and effects name them
	places  []place
	effects []effect
	width   float64 // standard deviation of the Gaussians, in ranges
	mean    float64 // of the raw score over the space
	sd      float64
}

// place is a claim in the features of the space.
type place struct {
	paper   int
	weight  float64
	log     float64 // logarithm of the factors that do not depend on x
	columns []int
	at      []float64
	choice  []int // columns of choices
	level   []float64
	same    []float64 // logarithm of the factor of the level itself
	other   []float64 // and of any other
}

// effect is an effect in the features of the space: met when every column is
// within a hair of its value.
type effect struct {
	paper   int
	columns []int
	at      []float64
	score   float64
}

const (
	// leastUniform is the least share of the uniform density, so that nothing is
	// ever excluded. Little weight raises it: little literature says little.
	leastUniform = 0.15
	// otherLevel is how likely the best level is another one than a claim says.
	otherLevel = 0.25
	// hair is how far, in ranges, a number may lie from that of an effect.
	hair = 1e-6
)

// faded is from how many experiments on nothing that was read is heeded: they say
// all that it could.
const faded = 200

// widths are tried in turn for the Gaussians; the likeliest, each paper by the
// claims of the others, is kept.
var widths = []float64{0.22, 0.08, 0.12, 0.16, 0.3}

// learned returns what the evidence says of objective j, or nil where it says
// nothing.
func (t *task) learned(j int) *knowledge {
	e := t.brief.Evidence
	if e == nil || len(t.known) > faded || j >= len(t.brief.Objectives) {
		return nil
	}
	about := func(objective string) bool {
		return objective == t.brief.Objectives[j].Name || objective == "" && j == 0
	}
	k := &knowledge{width: widths[0]}
	for _, p := range e.Papers {
		k.papers = append(k.papers, p.ID)
	}
	for _, c := range e.Claims {
		if c.Weight > 0 && about(c.Objective) {
			if p, ok := t.place(c); ok {
				p.paper = k.paper(c.Paper)
				k.places = append(k.places, p)
			}
		}
	}
	for _, f := range e.Ratings {
		if about(f.Objective) && f.Score != 0 {
			if g, ok := t.effect(f); ok {
				g.paper = k.paper(f.Paper)
				k.effects = append(k.effects, g)
			}
		}
	}
	if len(k.places)+len(k.effects) == 0 {
		return nil
	}
	k.fit()
	k.standardise(t)
	if k.sd == 0 {
		return nil // it says the same of every place
	}
	return k
}

// read reports whether the evidence says anything of the first objective.
func (t *task) read() bool { return t.learned(0) != nil }

// paper returns the index of a paper, which is entered when it is new.
func (k *knowledge) paper(id string) int {
	if i := slices.Index(k.papers, id); i >= 0 {
		return i
	}
	k.papers = append(k.papers, id)
	return len(k.papers) - 1
}

// encode writes one setting as a column and a value of the features; ok is false
// for what the space has no single column for.
func (t *task) encode(s lab.Setting) (column int, col space.Column, value float64, ok bool) {
	for c, col := range t.space.Columns() {
		p := t.space.Parameter(col.Parameter)
		if p.Name != s.Name || p.Type == lab.Composition || col.Constant {
			continue
		}
		if p.Type == lab.Categorical {
			l := slices.Index(p.Levels, s.Value.Label())
			return c, col, float64(l), l >= 0
		}
		if s.Value.Kind() != lab.IsNumber {
			return 0, col, 0, false
		}
		v := t.space.Unit(col, s.Value.Number())
		return c, col, v, v >= 0 && v <= 1
	}
	return 0, col, 0, false
}

func (t *task) place(c lab.Claim) (place, bool) {
	p := place{weight: c.Weight}
	for _, s := range c.Settings {
		if columns, at := t.shares(s); columns != nil {
			p.columns, p.at = append(p.columns, columns...), append(p.at, at...)
			continue
		}
		column, col, v, ok := t.encode(s)
		switch {
		case !ok:
		case col.Levels > 0:
			n := float64(col.Levels)
			p.choice = append(p.choice, column)
			p.level = append(p.level, v)
			p.same = append(p.same, math.Log(n*(1-otherLevel)))
			p.other = append(p.other, math.Log(n*otherLevel/(n-1)))
		default:
			p.columns = append(p.columns, column)
			p.at = append(p.at, v)
		}
	}
	return p, len(p.columns)+len(p.choice) > 0
}

func (t *task) effect(f lab.Rating) (effect, bool) {
	e := effect{score: f.Score}
	for _, s := range f.Settings {
		column, _, v, ok := t.encode(s)
		if !ok {
			return e, false
		}
		e.columns, e.at = append(e.columns, column), append(e.at, v)
	}
	return e, len(e.columns) > 0
}

// scale works out what of the kernels does not depend on where they are asked.
func (k *knowledge) scale() {
	phi := func(u float64) float64 { return 0.5 * math.Erfc(-u/(k.width*math.Sqrt2)) }
	for i := range k.places {
		p := &k.places[i]
		p.log = 0
		for _, a := range p.at {
			p.log -= math.Log(k.width * math.Sqrt(2*math.Pi) * (phi(1-a) - phi(-a)))
		}
	}
}

// kernel is Kᵢ at features x.
func (k *knowledge) kernel(p *place, x []float64) float64 {
	square := 0.0
	for i, c := range p.columns {
		d := x[c] - p.at[i]
		square += d * d
	}
	v := p.log - square/(2*k.width*k.width)
	for i, c := range p.choice {
		if x[c] == p.level[i] {
			v += p.same[i]
		} else {
			v += p.other[i]
		}
	}
	return math.Exp(v)
}

// fit chooses the width with the highest likelihood of each paper's claims by
// those of the others. It needs claims of at least four papers.
func (k *knowledge) fit() {
	papers := map[int]bool{}
	for _, p := range k.places {
		papers[p.paper] = true
	}
	best, top := widths[0], math.Inf(-1)
	for _, h := range widths {
		k.width = h
		k.scale()
		if len(papers) < 4 {
			return
		}
		sum := 0.0
		for i := range k.places {
			s, w := 0.0, 0.0
			for j := range k.places {
				if k.places[j].paper != k.places[i].paper {
					w += k.places[j].weight
					s += k.places[j].weight * k.between(&k.places[j], &k.places[i])
				}
			}
			sum += k.places[i].weight * math.Log(density(s, w))
		}
		if sum > top+1e-9 {
			best, top = h, sum
		}
	}
	k.width = best
	k.scale()
}

// between is the kernel of p at another claim, over what both speak of.
func (k *knowledge) between(p, q *place) float64 {
	v := 0.0
	phi := func(u float64) float64 { return 0.5 * math.Erfc(-u/(k.width*math.Sqrt2)) }
	for i, c := range p.columns {
		if j := slices.Index(q.columns, c); j >= 0 {
			d := q.at[j] - p.at[i]
			v -= d*d/(2*k.width*k.width) + math.Log(k.width*math.Sqrt(2*math.Pi)*(phi(1-p.at[i])-phi(-p.at[i])))
		}
	}
	for i, c := range p.choice {
		if j := slices.Index(q.choice, c); j >= 0 {
			if q.level[j] == p.level[i] {
				v += p.same[i]
			} else {
				v += p.other[i]
			}
		}
	}
	return math.Exp(v)
}

// density is the density of a weighted sum of kernels whose weights add up to total.
func density(sum, total float64) float64 {
	if total <= 0 {
		return 1
	}
	e := math.Max(leastUniform, 1/(1+total))
	return e + (1-e)*sum/total
}

// raw is the score at x as it is before it is standardised, with every paper but
// one; below 0 with all.
func (k *knowledge) raw(x []float64, without int) float64 {
	return k.claimed(x, without) + k.rated(x, without)
}

// claimed is what the places of the claims add to the raw score.
func (k *knowledge) claimed(x []float64, without int) float64 {
	sum, total := 0.0, 0.0
	for i := range k.places {
		if p := &k.places[i]; p.paper != without {
			total += p.weight
			sum += p.weight * k.kernel(p, x)
		}
	}
	return math.Log(density(sum, total))
}

// rated is what the ratings of settings add to it.
func (k *knowledge) rated(x []float64, without int) float64 {
	v := 0.0
	for i := range k.effects {
		if e := &k.effects[i]; e.paper != without && e.met(x) {
			v += e.score
		}
	}
	return v
}

func (e *effect) met(x []float64) bool {
	for i, c := range e.columns {
		if math.Abs(x[c]-e.at[i]) > hair {
			return false
		}
	}
	return true
}

// overSpace is how many places of a space tell mean and variance of a score.
const overSpace = 1024

// standardise finds mean and deviation of the raw score over the space.
func (k *knowledge) standardise(t *task) {
	var raw []float64
	t.survey(overSpace, func(x, _ []float64) { raw = append(raw, k.raw(x, -1)) })
	var mean, square float64
	for _, v := range raw {
		mean += v / float64(len(raw))
	}
	for _, v := range raw {
		square += (v - mean) * (v - mean) / float64(len(raw))
	}
	k.mean, k.sd = mean, math.Sqrt(square)
	if !(k.sd > 1e-9) {
		k.sd = 0
	}
}

// survey calls yield with features and state of up to n places, evenly through a
// list or over the space.
func (t *task) survey(n int, yield func(x, state []float64)) {
	if t.space.Listed() {
		size := t.space.Len()
		step := max(1, size/n)
		for i := 0; i < size; i += step {
			yield(t.space.Feature(i), t.space.State(i))
		}
		return
	}
	sequence := space.NewSobol(t.space.Width(), space.Mix(t.brief.Seed, streamEvidence, 0))
	u, state, x := make([]float64, t.space.Width()), make([]float64, t.space.Width()), make([]float64, t.space.Width())
	for i := range uint32(n) {
		sequence.At(i, u)
		t.space.FromUnit(u, state)
		t.space.Features(state, x)
		yield(x, state)
	}
}

// score is the standardised score at x without one paper; below 0 with all. The
// scale is that of all papers, so that a paper's share is its own.
func (k *knowledge) score(x []float64, without int) float64 {
	return k.heeded(x, without, 1)
}

// heeded is the score with a share of the ratings.
func (k *knowledge) heeded(x []float64, without int, share float64) float64 {
	return (k.claimed(x, without) + share*k.rated(x, without) - k.mean) / k.sd
}

// streamEvidence is the randomness of the survey, apart from the streams of
// [task.rng].
const streamEvidence uint64 = 1 << 32
