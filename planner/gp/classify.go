package gp

import "math"

// Classifier is the probability that an experiment succeeds, learned from those
// that did and those that failed: a Gaussian process through a probit link in
// Laplace's approximation (Rasmussen & Williams 2006, algorithms 3.1 and 3.2).
// Predicting is safe for concurrent use with a [Scratch] each.
type Classifier struct {
	p      *Posterior // places points and gives covariances
	offset float64
	slope  []float64 // ∇ log p(labels | f) at the mode
	root   []float64 // √W
	// Evidence is the approximate log marginal likelihood.
	Evidence float64
}

// Classify learns from points x, which succeeded where ok says so, and leaves
// room for predictions with the posterior's scratch. Scale and output variance
// are those of highest evidence on a small grid; before the data speaks, success
// is as likely as (½ + successes) in (1 + all). O(grid·n³).
func Classify(m Metric, x [][]float64, ok []bool) *Classifier {
	good := 0.5
	for _, v := range ok {
		if v {
			good++
		}
	}
	rate := good / float64(len(ok)+1)
	prob := NewProblem(m, Observations(x, make([]float64, len(x))))
	var best *Classifier
	for _, scale := range []float64{0.15, 0.3, 0.6, 1.2} {
		for _, output := range []float64{1, 4, 16} {
			h := Params{Scales: make([]float64, m.Groups), Output: output, Noise: 1}
			for g := range h.Scales {
				h.Scales[g] = scale * math.Sqrt(float64(m.Groups))
			}
			c := prob.laplace(h, ok, math.Sqrt2*math.Erfinv(2*rate-1)*math.Sqrt(1+output))
			if best == nil || c.Evidence > best.Evidence {
				best = c
			}
		}
	}
	return best
}

// laplace finds the mode of the latent function by Newton steps and the
// Gaussian around it.
func (p *Problem) laplace(h Params, ok []bool, offset float64) *Classifier {
	n := p.Len()
	ws := p.scratch()
	p.factor(Matern52, h, ws) // for the covariances alone; noise 1 always has a factor
	k := make([]float64, n*n)
	pair := 0
	for i := range n {
		for j := range i {
			k[i*n+j], k[j*n+i] = ws.kb[pair], ws.kb[pair]
			pair++
		}
		k[i*n+i] = h.Output
	}
	c := &Classifier{offset: offset, slope: make([]float64, n), root: make([]float64, n)}
	f, a, b := make([]float64, n), make([]float64, n), make([]float64, n)
	lower := make([]float64, n*n)
	last := math.Inf(-1)
	for range 50 {
		logp := 0.0
		for i := range f {
			s := -1.0
			if ok[i] {
				s = 1
			}
			z := s * (f[i] + offset)
			lp, ratio := logPhi(z)
			logp += lp
			c.slope[i] = s * ratio
			w := math.Max(1e-12, ratio*ratio+z*ratio)
			c.root[i] = math.Sqrt(w)
			b[i] = w*f[i] + c.slope[i]
		}
		c.Evidence = logp - 0.5*dot(a, f)
		p.whiten(k, c.root, lower)
		for i := range n {
			c.Evidence -= math.Log(lower[i*n+i])
		}
		if math.Abs(c.Evidence-last) < 1e-6 {
			break
		}
		last = c.Evidence
		// a = b - W½ (L Lᵀ)⁻¹ W½ K b, f = K a.
		for i := range n {
			a[i] = c.root[i] * dot(k[i*n:i*n+n], b)
		}
		solve(lower, n, a)
		for i := range n {
			a[i] = b[i] - c.root[i]*a[i]
		}
		for i := range n {
			f[i] = dot(k[i*n:i*n+n], a)
		}
	}
	c.p = &Posterior{Params: h, kernel: Matern52, metric: p.metric, n: n, stride: n, l: lower}
	c.p.lay(h)
	for _, x := range p.data.X {
		c.p.place(x)
	}
	return c
}

// whiten writes the Cholesky factor of I + W½ K W½ into lower.
func (p *Problem) whiten(k, root, lower []float64) {
	n := p.Len()
	b := p.scratch().k
	for i := range n {
		for j := range i + 1 {
			b[i*n+j] = root[i] * k[i*n+j] * root[j]
		}
		b[i*n+i]++
	}
	cholesky(b, lower, n, n)
}

// logPhi returns ln Φ(z) and φ(z)/Φ(z).
func logPhi(z float64) (value, ratio float64) {
	const logSqrt2Pi = 0.918938533204672741780329736405617639861
	if z > -6 {
		v := 0.5 * math.Erfc(-z/math.Sqrt2)
		return math.Log(v), math.Exp(-0.5*z*z-logSqrt2Pi) / v
	}
	// Mills' ratio by its continued fraction.
	f := 0.0
	for k := 40; k >= 1; k-- {
		f = float64(k) / (-z + f)
	}
	mills := 1 / (-z + f)
	return -0.5*z*z - logSqrt2Pi + math.Log(mills), 1 / mills
}

// NewScratch returns scratch for [Classifier.Predict].
func (c *Classifier) NewScratch() *Scratch { return c.p.NewScratch() }

// Predict returns the probability of success at x and the standard deviation
// of the latent function there: O(n²).
func (c *Classifier) Predict(x []float64, s *Scratch) (probability, sd float64) {
	k := c.p.covariances(x, s)
	mean := c.offset + dot(c.slope, k)
	for i := range k {
		k[i] *= c.root[i]
	}
	forward(c.p.l, c.p.stride, k)
	v := math.Max(floor, c.p.Params.Output-dot(k, k))
	return 0.5 * math.Erfc(-mean/math.Sqrt(1+v)/math.Sqrt2), math.Sqrt(v)
}
