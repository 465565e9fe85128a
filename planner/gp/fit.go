package gp

import "math"

// Data are outcomes at distinct points. Y is the mean of the Reps observations
// at a point, Squares the sum of their squared deviations from it, and Known a
// variance of Y that is known besides the noise to be learned. All slices have
// one length; Y should have mean 0 and variance 1.
type Data struct {
	X       [][]float64
	Y       []float64
	Reps    []float64
	Squares []float64
	Known   []float64
}

// Observations returns Data of single observations without known noise.
func Observations(x [][]float64, y []float64) Data {
	d := Data{X: x, Y: y, Reps: make([]float64, len(y)), Squares: make([]float64, len(y)), Known: make([]float64, len(y))}
	for i := range d.Reps {
		d.Reps[i] = 1
	}
	return d
}

// Params are the hyperparameters: a length scale to a group, the variance of
// one observation and that of f.
type Params struct {
	Scales []float64
	Noise  float64
	Output float64
}

// Problem is data under a metric, with what the likelihood needs of them
// worked out once. Models of the same data with different priors share it. It
// is not safe for concurrent use.
type Problem struct {
	metric Metric
	data   Data
	y      []float64   // outcomes less what the trends expect
	dist   [][]float64 // squared distances of the pairs i > j, a slice to a group
	linear []float64   // what the trends add to the covariance of those pairs
	work   *workspace
}

// workspace is the scratch of one evaluation: three n×n matrices and what
// belongs to the pairs.
type workspace struct {
	k, l, w, inv []float64
	r2, dk, kb   []float64
	alpha, res   []float64
	ones         []float64
	weight       []float64
}

// NewProblem prepares data for [Problem.Fit] and [Problem.Posterior]. Only the
// first keeps matrices of the distances.
func NewProblem(m Metric, d Data) *Problem {
	p := &Problem{metric: m, data: d, y: d.Y}
	if len(m.Trends) > 0 {
		p.y = make([]float64, len(d.Y))
		for i, y := range d.Y {
			p.y[i] = y - m.trend(d.X[i])
		}
	}
	return p
}

// Len returns the number of distinct points.
func (p *Problem) Len() int { return len(p.data.Y) }

func (p *Problem) scratch() *workspace {
	if p.work == nil {
		p.dist = p.metric.distances(p.data.X)
		n := p.Len()
		pairs := n * (n - 1) / 2
		if len(p.metric.Trends) > 0 {
			for i, a := range p.data.X {
				for _, b := range p.data.X[:i] {
					p.linear = append(p.linear, p.metric.together(a, b))
				}
			}
		}
		p.work = &workspace{
			k: make([]float64, n*n), l: make([]float64, n*n), w: make([]float64, n*n), inv: make([]float64, n*n),
			r2: make([]float64, pairs), dk: make([]float64, pairs), kb: make([]float64, pairs),
			alpha: make([]float64, n), res: make([]float64, n), ones: make([]float64, n), weight: make([]float64, p.metric.Groups),
		}
	}
	return p.work
}

// pack writes hyperparameters as the unbounded vector that is searched: the
// logarithm of what each has above its minimum.
func (pr Prior) pack(h Params) []float64 {
	z := make([]float64, 0, len(h.Scales)+2)
	for _, l := range h.Scales {
		z = append(z, math.Log(math.Max(1e-6, l-pr.ScaleMin)))
	}
	z = append(z, math.Log(math.Max(1e-8, h.Noise-pr.NoiseMin)))
	if pr.OutputStart > 0 {
		z = append(z, math.Log(h.Output))
	}
	return z
}

func (pr Prior) unpack(z []float64, groups int) Params {
	h := Params{Scales: make([]float64, groups), Output: 1}
	for g := range h.Scales {
		h.Scales[g] = pr.ScaleMin + math.Exp(z[g])
	}
	h.Noise = pr.NoiseMin + math.Exp(z[groups])
	if pr.OutputStart > 0 {
		h.Output = math.Exp(z[groups+1])
	}
	return h
}

// Start returns the hyperparameters at which a search under the prior begins.
func (pr Prior) Start(groups int) Params {
	h := Params{Scales: make([]float64, groups), Noise: pr.NoiseStart, Output: 1}
	for g := range h.Scales {
		_, h.Scales[g] = pr.scale(g)
	}
	if pr.OutputStart > 0 {
		h.Output = pr.OutputStart
	}
	return h
}

// Fit returns hyperparameters of high posterior density, and minus its
// logarithm up to a constant. It starts from start and takes at most
// iterations steps of O(n³). Where the likelihood cannot be evaluated at all it
// returns start and +Inf.
func (p *Problem) Fit(pr Prior, start Params, iterations int) (Params, float64) {
	return p.FitOn(pr, start, iterations, &Search{})
}

// Search remembers the curvature that a fit has met, for one of the same prior with
// more of the data.
type Search struct {
	past curvature
	n    int
}

// FitOn is [Problem.Fit] after a search on some of the data: it begins with the
// curvature met there, as steep as there is more data.
func (p *Problem) FitOn(pr Prior, start Params, iterations int, s *Search) (Params, float64) {
	if s.n > 0 {
		s.past.scale(float64(p.Len()) / float64(s.n))
	}
	s.n = p.Len()
	var last point
	f := func(z []float64) float64 {
		value, at := p.objective(pr, z)
		last = at
		return value
	}
	z, value := minimise(f, func(grad []float64) { p.slopes(pr, last, grad) }, pr.pack(start), iterations, 1e-3, &s.past)
	if math.IsInf(value, 1) {
		return start, value
	}
	return pr.unpack(z, p.metric.Groups), value
}

// Objective returns minus the logarithm of the posterior density of the
// hyperparameters that z packs, up to a constant, and writes its gradient:
//
//	J = ½ rᵀK⁻¹r + ½ ln|K| + ½ Σ[(reps-1) ln s2 + squares/s2] - ln p(θ)
//	∂J/∂θ = -½ tr[(ααᵀ - K⁻¹) ∂K/∂θ] + … , α = K⁻¹r, r = y - m
//
// (Rasmussen & Williams 2006, equation 5.9). It is +Inf where K has no
// Cholesky factor even with 1e-2 on its diagonal.
func (p *Problem) Objective(pr Prior, z, grad []float64) float64 {
	f, at := p.objective(pr, z)
	if !math.IsInf(f, 1) {
		p.slopes(pr, at, grad)
	}
	return f
}

// point is where the objective was asked for last: what its gradient needs is in
// the workspace until it is asked for again.
type point struct{ h Params }

// objective returns the value alone, O(n³/6).
func (p *Problem) objective(pr Prior, z []float64) (float64, point) {
	for _, v := range z {
		if v > 25 || v < -40 {
			return math.Inf(1), point{}
		}
	}
	h := pr.unpack(z, p.metric.Groups)
	ws := p.scratch()
	n := p.Len()
	if !p.factor(pr.Kernel, h, ws) {
		return math.Inf(1), point{}
	}
	p.conditioned(ws)
	f := 0.0
	for i := range n {
		f += 0.5*ws.res[i]*ws.alpha[i] + math.Log(ws.l[i*n+i])
		f += 0.5 * ((p.data.Reps[i]-1)*math.Log(h.Noise) + p.data.Squares[i]/h.Noise)
	}
	for g, l := range h.Scales {
		density, _ := pr.scale(g)
		lp, _ := density.Log(l)
		f -= lp
	}
	lp, _ := pr.Noise.Log(h.Noise)
	f -= lp
	if pr.OutputStart > 0 {
		lp, _ := pr.Output.Log(h.Output)
		f -= lp
	}
	if math.IsNaN(f) {
		return math.Inf(1), point{}
	}
	return f, point{h}
}

// slopes writes the gradient at a point, O(n³/3).
func (p *Problem) slopes(pr Prior, at point, grad []float64) {
	h, ws := at.h, p.scratch()
	invert(ws.l, ws.w, ws.inv, p.Len())
	p.gradient(pr, h, ws, grad)

	// The prior, and the chain rule from θ to z.
	groups := p.metric.Groups
	for g, l := range h.Scales {
		density, _ := pr.scale(g)
		_, slope := density.Log(l)
		grad[g] = (grad[g] - slope) * (l - pr.ScaleMin)
	}
	_, slope := pr.Noise.Log(h.Noise)
	grad[groups] = (grad[groups] - slope) * (h.Noise - pr.NoiseMin)
	if pr.OutputStart > 0 {
		_, slope := pr.Output.Log(h.Output)
		grad[groups+1] = (grad[groups+1] - slope) * h.Output
	}
}

// conditioned profiles the constant mean out with two solutions: m = 1ᵀK⁻¹y /
// 1ᵀK⁻¹1, res = y - m and alpha = K⁻¹res.
func (p *Problem) conditioned(ws *workspace) {
	n := p.Len()
	ones := ws.ones
	for i := range ones {
		ones[i] = 1
	}
	copy(ws.alpha, p.y)
	solve(ws.l, n, ones)
	solve(ws.l, n, ws.alpha)
	s1, s2 := 0.0, 0.0
	for i := range ones {
		s1 += ones[i]
		s2 += ws.alpha[i]
	}
	m := s2 / s1
	for i, y := range p.y {
		ws.res[i] = y - m
		ws.alpha[i] -= m * ones[i]
	}
}

// factor fills ws.kb and ws.dk with covariances and their slopes, and ws.l
// with the Cholesky factor of K. A matrix that is not positive definite gets
// 1e-8, 1e-7 … 1e-2 on its diagonal before it is given up.
func (p *Problem) factor(kernel Kernel, h Params, ws *workspace) bool {
	n := p.Len()
	for i := range ws.r2 {
		ws.r2[i] = 0
	}
	for g, l := range h.Scales {
		w := 1 / (l * l)
		d := p.dist[g][:len(ws.r2)]
		for i := range ws.r2 {
			ws.r2[i] += w * d[i]
		}
	}
	kernel.slopes(ws.r2, ws.kb, ws.dk, h.Output)
	pair := 0
	for i := range n {
		row := ws.k[i*n : i*n+i+1]
		copy(row[:i], ws.kb[pair:pair+i])
		if p.linear != nil {
			for j, v := range p.linear[pair : pair+i] {
				row[j] += v
			}
		}
		pair += i
		row[i] = h.Output + h.Noise/p.data.Reps[i] + p.data.Known[i] + p.metric.together(p.data.X[i], p.data.X[i])
	}
	if cholesky(ws.k, ws.l, n, n) {
		return true
	}
	jitter := 0.0
	for add := 1e-8; add < 2e-2; add *= 10 {
		for i := range n {
			ws.k[i*n+i] += add - jitter
		}
		jitter = add
		if cholesky(ws.k, ws.l, n, n) {
			return true
		}
	}
	return false
}

// gradient writes ∂J/∂θ without the prior: length scales, noise, output.
func (p *Problem) gradient(pr Prior, h Params, ws *workspace, grad []float64) {
	n, groups := p.Len(), p.metric.Groups
	noise, output := 0.0, 0.0
	pair := 0
	for i := range n {
		ki := ws.inv[i*n : i*n+i+1]
		ai := ws.alpha[i]
		for j := range i {
			w := ki[j] - ai*ws.alpha[j] // twice ½, for the pair and its mirror
			output += w * ws.kb[pair]
			ws.dk[pair] *= w
			pair++
		}
		w := 0.5 * (ki[i] - ai*ai)
		noise += w / p.data.Reps[i]
		output += w * h.Output
		noise += 0.5 * ((p.data.Reps[i]-1)/h.Noise - p.data.Squares[i]/(h.Noise*h.Noise))
	}
	for g, l := range h.Scales {
		grad[g] = dot(ws.dk, p.dist[g]) * (-2 / (l * l * l))
	}
	grad[groups] = noise
	if pr.OutputStart > 0 {
		grad[groups+1] = output / h.Output
	}
}

// Subset returns the problem of the given rows alone.
func (p *Problem) Subset(rows []int) *Problem {
	d := Data{}
	for _, i := range rows {
		d.X = append(d.X, p.data.X[i])
		d.Y = append(d.Y, p.data.Y[i])
		d.Reps = append(d.Reps, p.data.Reps[i])
		d.Squares = append(d.Squares, p.data.Squares[i])
		d.Known = append(d.Known, p.data.Known[i])
	}
	return NewProblem(p.metric, d)
}
