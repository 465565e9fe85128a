package evidence

import (
	"cmp"
	"math"
	"slices"

	"github.com/athanor-lab/athanor/lab"
)

// Prior is a density over a space, relative to the uniform one:
//
//	p(x) = ε + (1-ε) Σ wᵢ Π K(x, xᵢ) / Σ wᵢ
//
// with a Gaussian kernel, normalised within the limits, for a number and the
// kernel of Aitchison and Aitken ("Multivariate binary discrimination by the
// kernel method", 1976) for a level. A parameter that a claim leaves open
// contributes a factor of one; compositions are left open always. ε is the larger
// of MinUniform and 1/(1+Σw): little literature says little.
type Prior struct {
	space     lab.Space
	claims    []Claim
	weights   []float64
	total     float64
	bandwidth float64 // of numbers, in units of their range
	papers    []string
}

// MinUniform is the share of the uniform density in any prior, so that nothing is
// ever excluded.
const MinUniform = 0.15

// switchProbability is how likely a level is another one than a claim says.
const switchProbability = 0.25

// bandwidths are tried in turn; the likeliest, each paper by those of the others,
// is kept.
var bandwidths = []float64{0.22, 0.08, 0.12, 0.16, 0.3}

// NewPrior weighs claims. Each weighs its relevance times its confidence times
// what its merit is worth, shared among the claims of its paper; a retracted one
// weighs nothing. It costs O(claims²).
func NewPrior(space lab.Space, claims []Claim) *Prior {
	p := &Prior{space: space, claims: slices.Clone(claims), bandwidth: bandwidths[0]}
	sums := map[string]float64{}
	for _, c := range p.claims {
		w := worth(c)
		p.weights = append(p.weights, w)
		sums[c.Paper] += meritOf(c)
		if !slices.Contains(p.papers, c.Paper) {
			p.papers = append(p.papers, c.Paper)
		}
	}
	for i, c := range p.claims {
		if s := sums[c.Paper]; s > 0 {
			p.weights[i] *= meritOf(c) / s
		}
		p.total += p.weights[i]
	}
	p.fit()
	return p
}

func worth(c Claim) float64 {
	if c.Retracted || !(c.Relevance > 0) || !(c.Confidence > 0) {
		return 0
	}
	return min(c.Relevance, 1) * min(c.Confidence, 1)
}

// meritOf divides a paper's weight among its claims: its best counts five times
// its worst.
func meritOf(c Claim) float64 {
	if c.Merit < 0 || math.IsNaN(c.Merit) {
		return 0.6
	}
	return 0.2 + 0.8*min(c.Merit, 1)
}

// fit chooses the bandwidth with the highest likelihood of each paper's claims by
// those of the others. It needs claims of at least four papers.
func (p *Prior) fit() {
	if len(p.papers) < 4 {
		return
	}
	best, top := p.bandwidth, math.Inf(-1)
	for _, h := range bandwidths {
		p.bandwidth = h
		var sum float64
		for i, c := range p.claims {
			var s, w float64
			for j, o := range p.claims {
				if o.Paper != c.Paper {
					s += p.weights[j] * p.kernel(o, c.Settings)
					w += p.weights[j]
				}
			}
			sum += p.weights[i] * math.Log(mix(s, w))
		}
		if sum > top+1e-9 {
			best, top = h, sum
		}
	}
	p.bandwidth = best
}

// mix is the density from a weighted sum of kernels and the sum of weights.
func mix(sum, total float64) float64 {
	if total <= 0 {
		return 1
	}
	e := max(MinUniform, 1/(1+total))
	return e + (1-e)*sum/total
}

// kernel is the density of claim c at x, relative to uniform.
func (p *Prior) kernel(c Claim, x []lab.Setting) float64 {
	k := 1.0
	for _, at := range c.Settings {
		i := slices.IndexFunc(x, func(s lab.Setting) bool { return s.Name == at.Name })
		j := slices.IndexFunc(p.space.Parameters, func(q lab.Parameter) bool { return q.Name == at.Name })
		if i < 0 || j < 0 {
			continue
		}
		k *= factor(p.space.Parameters[j], at.Value, x[i].Value, p.bandwidth)
	}
	return k
}

// factor is the kernel of one parameter, with a mean of one over its values.
func factor(q lab.Parameter, center, x lab.Value, h float64) float64 {
	switch q.Type {
	case lab.Composition:
		return 1
	case lab.Categorical:
		n := float64(len(q.Levels))
		if n < 2 {
			return 1
		}
		if center.Label() == x.Label() {
			return n * (1 - switchProbability)
		}
		return n * switchProbability / (n - 1)
	}
	a, b := position(q, center.Number()), position(q, x.Number())
	if math.IsNaN(a) || math.IsNaN(b) {
		return 1
	}
	gauss := func(u float64) float64 { return math.Exp(-u * u / (2 * h * h)) }
	if q.Type == lab.Discrete {
		var mean float64
		for _, v := range q.Values {
			mean += gauss(position(q, v)-a) / float64(len(q.Values))
		}
		if mean <= 0 {
			return 1
		}
		return gauss(b-a) / mean
	}
	phi := func(u float64) float64 { return 0.5 * math.Erfc(-u/(h*math.Sqrt2)) }
	return gauss(b-a) / (h * math.Sqrt(2*math.Pi) * (phi(1-a) - phi(-a)))
}

// position maps a number to [0, 1] between its limits, on the parameter's scale.
func position(q lab.Parameter, x float64) float64 {
	lo, hi := limits(q)
	if math.IsInf(lo, 0) || lo >= hi {
		return math.NaN()
	}
	if q.Scale == "log" && lo > 0 && x > 0 {
		return math.Log(x/lo) / math.Log(hi/lo)
	}
	return (x - lo) / (hi - lo)
}

// Density is p(x), 1 where the literature says nothing.
func (p *Prior) Density(x []lab.Setting) float64 {
	var s float64
	for i, c := range p.claims {
		s += p.weights[i] * p.kernel(c, x)
	}
	return mix(s, p.total)
}

// Share is what one paper brings to the density at a point.
type Share struct {
	Paper string `json:"paper"`
	// Part of the density; the parts of all papers and Uniform add up to 1.
	Part float64 `json:"part"`
	// Delta is how much the logarithm of the density would fall without the
	// paper, exactly as if it had never been read.
	Delta float64 `json:"delta"`
}

// Shares returns the share of every paper at x, largest part first, and the part
// of the uniform density. The bandwidth is held, so that a share is the paper's
// own and not that of the choice it took part in.
func (p *Prior) Shares(x []lab.Setting) (shares []Share, uniform float64) {
	sums, weights := make([]float64, len(p.papers)), make([]float64, len(p.papers))
	var sum float64
	for i, c := range p.claims {
		j := slices.Index(p.papers, c.Paper)
		k := p.weights[i] * p.kernel(c, x)
		sums[j] += k
		weights[j] += p.weights[i]
		sum += k
	}
	density := mix(sum, p.total)
	if p.total <= 0 {
		return nil, 1
	}
	e := max(MinUniform, 1/(1+p.total))
	for j, paper := range p.papers {
		without := mix(sum-sums[j], p.total-weights[j])
		if len(p.papers) == 1 || p.total-weights[j] < 1e-12 {
			without = 1
		}
		delta := math.Log(density) - math.Log(without)
		if weights[j] == 0 {
			delta = 0
		}
		shares = append(shares, Share{Paper: paper, Part: (1 - e) * sums[j] / p.total / density, Delta: delta})
	}
	slices.SortStableFunc(shares, func(a, b Share) int { return cmp.Compare(b.Part, a.Part) })
	return shares, e / density
}

// Levels returns the density of each level of a categorical parameter, all else
// left open, in the order of its levels; nil when there is no such parameter.
func (p *Prior) Levels(parameter string) []float64 {
	j := slices.IndexFunc(p.space.Parameters, func(q lab.Parameter) bool { return q.Name == parameter && q.Type == lab.Categorical })
	if j < 0 {
		return nil
	}
	var out []float64
	for _, l := range p.space.Parameters[j].Levels {
		out = append(out, p.Density([]lab.Setting{{Name: parameter, Value: lab.Label(l)}}))
	}
	return out
}

// Seeds picks n of the candidates for first experiments: the densest, then each
// time the densest of what the chosen ones leave. It costs O(n · candidates · claims).
func (p *Prior) Seeds(n int, candidates [][]lab.Setting) []int {
	q := make([]float64, len(candidates))
	for i, x := range candidates {
		q[i] = p.Density(x)
	}
	var out []int
	for len(out) < min(n, len(candidates)) {
		best := -1
		for i := range q {
			if !slices.Contains(out, i) && (best < 0 || q[i] > q[best]) {
				best = i
			}
		}
		out = append(out, best)
		for i, x := range candidates {
			q[i] *= 1 - p.near(candidates[best], x)
		}
	}
	return out
}

// near is 1 for equal settings and falls to 0 with their distance.
func (p *Prior) near(a, b []lab.Setting) float64 {
	var d float64
	for _, s := range a {
		i := slices.IndexFunc(b, func(o lab.Setting) bool { return o.Name == s.Name })
		j := slices.IndexFunc(p.space.Parameters, func(q lab.Parameter) bool { return q.Name == s.Name })
		if i < 0 || j < 0 {
			continue
		}
		switch s.Value.Kind() {
		case lab.IsNumber:
			if u := position(p.space.Parameters[j], s.Value.Number()) - position(p.space.Parameters[j], b[i].Value.Number()); !math.IsNaN(u) {
				d += u * u
			}
		case lab.IsLabel:
			if s.Value.Label() != b[i].Value.Label() {
				d += 0.25
			}
		}
	}
	return math.Exp(-d / (2 * 0.25 * 0.25))
}
