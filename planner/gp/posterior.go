package gp

import (
	"errors"
	"math"
	"slices"
)

// ErrSingular says that the covariance of the data has no Cholesky factor,
// whatever is added to its diagonal.
var ErrSingular = errors.New("covariance of the observations is singular")

// floor is the least variance that a prediction has.
const floor = 1e-10

// Posterior is what the data and fixed hyperparameters say of f. Points can be
// appended to it; predicting is safe for concurrent use with a [Scratch] each.
type Posterior struct {
	Params  Params
	Mean0   float64 // the constant mean
	kernel  Kernel
	metric  Metric
	n       int
	stride  int
	numeric []int     // columns with numbers, an optional one twice
	side    []uint8   // what of such a column is the coordinate
	weight  []float64 // 1/l of those columns
	x       []float64 // their scaled values, column after column, stride apart
	level   []int     // columns with levels
	size    []int     // levels of those columns
	table   [][]float64
	index   []int32   // the levels of the rows, column after column, stride apart
	trend   []float64 // the trends of the rows times their SD, trend after trend, stride apart
	l       []float64
	alpha   []float64
	y       []float64
}

// What of a column's number is a coordinate.
const (
	itself uint8 = iota
	arcCos
	arcSin
)

// coordinate returns the k-th coordinate of x, scaled.
func (p *Posterior) coordinate(k int, x []float64) float64 {
	v := x[p.numeric[k]]
	switch p.side[k] {
	case arcCos:
		v, _ = arc(v)
	case arcSin:
		_, v = arc(v)
	}
	return v * p.weight[k]
}

// Scratch is memory that a prediction works in.
type Scratch struct{ r2, k []float64 }

// NewScratch returns scratch for p and up to spare appended points.
func (p *Posterior) NewScratch() *Scratch {
	return &Scratch{r2: make([]float64, p.stride), k: make([]float64, p.stride)}
}

// Posterior conditions on the data at the given hyperparameters, O(n³/6), and
// leaves room for spare points to [Posterior.Append]. Its error is
// [ErrSingular].
func (p *Problem) Posterior(kernel Kernel, h Params, spare int) (*Posterior, error) {
	n := p.Len()
	q := &Posterior{Params: h, kernel: kernel, metric: p.metric, stride: n + spare}
	q.lay(h)
	q.l = make([]float64, q.stride*q.stride)
	scratch := q.NewScratch()
	for jitter := 0.0; ; jitter = math.Max(1e-8, 10*jitter) {
		if jitter > 2e-2 {
			return nil, ErrSingular
		}
		q.n = 0
		for i, x := range p.data.X {
			copy(q.l[i*q.stride:], q.covariances(x, scratch))
			q.l[i*q.stride+i] = q.before(x) + h.Noise/p.data.Reps[i] + p.data.Known[i] + jitter
			q.place(x)
		}
		if cholesky(q.l, q.l, n, q.stride) {
			break
		}
	}
	// The mean by generalised least squares, from two solutions.
	ones, ky := make([]float64, n, q.stride), slices.Clone(p.y)
	for i := range ones {
		ones[i] = 1
	}
	solve(q.l, q.stride, ones)
	solve(q.l, q.stride, ky)
	s1, s2 := 0.0, 0.0
	for i := range ones {
		s1 += ones[i]
		s2 += ky[i]
	}
	q.Mean0 = s2 / s1
	q.alpha = ones
	for i := range q.alpha {
		q.alpha[i] = ky[i] - q.Mean0*ones[i]
	}
	q.y = append(make([]float64, 0, q.stride), p.data.Y...)
	return q, nil
}

// lay sorts the columns into numbers and levels and works out their weights.
func (p *Posterior) lay(h Params) {
	for c, col := range p.metric.Columns {
		if col.Tables == nil {
			sides := []uint8{itself}
			if col.Optional {
				sides = []uint8{arcCos, arcSin}
			}
			if col.Group < 0 {
				sides = nil
			}
			for _, side := range sides {
				p.numeric, p.side = append(p.numeric, c), append(p.side, side)
				p.weight = append(p.weight, 1/h.Scales[col.Group])
			}
			continue
		}
		n := col.Tables[0].N
		sum := make([]float64, n*n)
		for _, t := range col.Tables {
			w := 1 / (h.Scales[t.Group] * h.Scales[t.Group])
			for i, d := range t.D {
				sum[i] += w * d
			}
		}
		p.level = append(p.level, c)
		p.size = append(p.size, n)
		p.table = append(p.table, sum)
	}
	p.x = make([]float64, len(p.numeric)*p.stride)
	p.index = make([]int32, len(p.level)*p.stride)
	p.trend = make([]float64, len(p.metric.Trends)*p.stride)
	p.n = 0
}

// place writes x as the next row.
func (p *Posterior) place(x []float64) {
	for k := range p.numeric {
		p.x[k*p.stride+p.n] = p.coordinate(k, x)
	}
	for k, c := range p.level {
		p.index[k*p.stride+p.n] = int32(x[c])
	}
	for k, t := range p.metric.Trends {
		p.trend[k*p.stride+p.n] = t.SD * t.at(x)
	}
	p.n++
}

// before returns the variance of f at x before there is data.
func (p *Posterior) before(x []float64) float64 {
	return p.Params.Output + p.metric.together(x, x)
}

// expects returns the mean of f at x, given its covariances with the rows.
func (p *Posterior) expects(x, k []float64) float64 {
	return p.Mean0 + p.metric.trend(x) + dot(p.alpha, k)
}

// Slope returns what the data say of the slope of trend k.
func (p *Posterior) Slope(k int) float64 {
	t := p.metric.Trends[k]
	return t.Mean + t.SD*dot(p.alpha, p.trend[k*p.stride:])
}

// covariances fills s.k with the covariance of f at x and at each row.
func (p *Posterior) covariances(x []float64, s *Scratch) []float64 {
	r2 := s.r2[:p.n]
	for i := range r2 {
		r2[i] = 0
	}
	k := 0
	for ; k+4 <= len(p.numeric); k += 4 {
		v0, v1 := p.coordinate(k, x), p.coordinate(k+1, x)
		v2, v3 := p.coordinate(k+2, x), p.coordinate(k+3, x)
		x0, x1 := p.x[k*p.stride:], p.x[(k+1)*p.stride:]
		x2, x3 := p.x[(k+2)*p.stride:], p.x[(k+3)*p.stride:]
		x0, x1, x2, x3 = x0[:len(r2)], x1[:len(r2)], x2[:len(r2)], x3[:len(r2)]
		for i := range r2 {
			z0, z1, z2, z3 := v0-x0[i], v1-x1[i], v2-x2[i], v3-x3[i]
			r2[i] += (z0*z0 + z1*z1) + (z2*z2 + z3*z3)
		}
	}
	for ; k < len(p.numeric); k++ {
		v := p.coordinate(k, x)
		row := p.x[k*p.stride : k*p.stride+p.n]
		for i, w := range row {
			z := v - w
			r2[i] += z * z
		}
	}
	for k, c := range p.level {
		t := p.table[k][int(x[c])*p.size[k] : (int(x[c])+1)*p.size[k]]
		row := p.index[k*p.stride : k*p.stride+p.n]
		for i, l := range row {
			r2[i] += t[l]
		}
	}
	out := s.k[:p.n]
	p.kernel.values(r2, out, p.Params.Output)
	for k, t := range p.metric.Trends {
		v := t.SD * t.at(x)
		for i, w := range p.trend[k*p.stride : k*p.stride+p.n] {
			out[i] += v * w
		}
	}
	return out
}

// Predict returns mean and variance of f at x: O(n²).
func (p *Posterior) Predict(x []float64, s *Scratch) (mean, variance float64) {
	return p.Screen(x, p.n, s)
}

// Screen returns the mean of f at x and a number that its variance does not
// exceed: the variance given only the first rows rows. It costs O(n + rows²).
func (p *Posterior) Screen(x []float64, rows int, s *Scratch) (mean, bound float64) {
	k := p.covariances(x, s)
	mean = p.expects(x, k)
	k = k[:min(rows, p.n)]
	forward(p.l, p.stride, k)
	return mean, math.Max(floor, p.before(x)-dot(k, k))
}

// Tells returns the correlation of an observation at a with f at b, given the data:
// how much of what is not known of f at b an experiment at a tells. It is from 0 to
// 1 and costs O(n²).
func (p *Posterior) Tells(a, b []float64, s *Scratch) float64 {
	joint := p.covariance(a, b)
	ka := slices.Clone(p.covariances(a, s))
	forward(p.l, p.stride, ka)
	kb := p.covariances(b, s)
	forward(p.l, p.stride, kb)
	va := math.Max(floor, p.before(a)-dot(ka, ka)) + p.Params.Noise
	vb := math.Max(floor, p.before(b)-dot(kb, kb))
	return math.Max(0, math.Min(1, math.Abs(joint-dot(ka, kb))/math.Sqrt(va*vb)))
}

// covariance of f at a and b before there is data.
func (p *Posterior) covariance(a, b []float64) float64 {
	r2 := [1]float64{}
	for k := range p.numeric {
		z := p.coordinate(k, a) - p.coordinate(k, b)
		r2[0] += z * z
	}
	for k, c := range p.level {
		r2[0] += p.table[k][int(a[c])*p.size[k]+int(b[c])]
	}
	var out [1]float64
	p.kernel.values(r2[:], out[:], p.Params.Output)
	return out[0] + p.metric.together(a, b)
}

// Mean returns the mean of f at x: O(n).
func (p *Posterior) Mean(x []float64, s *Scratch) float64 {
	return p.expects(x, p.covariances(x, s))
}

// Append adds a point whose outcome is believed to be what the model expects
// of it (the Kriging believer of Ginsbourger, Le Riche & Carraro, Kriging is
// well-suited to parallelize optimization, 2010). No mean changes; variances
// shrink. It returns the believed outcome and costs O(n²). It panics when the
// spare room of [Problem.Posterior] is used up.
func (p *Posterior) Append(x []float64, s *Scratch) float64 {
	if p.n == p.stride {
		panic("gp: no room for another point")
	}
	k := p.covariances(x, s)
	mean := p.expects(x, k)
	forward(p.l, p.stride, k)
	row := p.l[p.n*p.stride:]
	copy(row, k)
	row[p.n] = math.Sqrt(math.Max(floor, p.before(x)+p.Params.Noise-dot(k, k)))
	// What is believed has no residual: K⁻¹ of the longer vector is 0 there.
	p.alpha = append(p.alpha, 0)
	p.y = append(p.y, mean)
	p.place(x)
	return mean
}

// Fit quality of a model by leaving out one point at a time.
type Fit struct {
	// Mean and SD are the prediction of the outcome Y left out, SD with its noise.
	Y, Mean, SD []float64
	// LogDensity is the average log predictive density.
	LogDensity float64
	// Explained is 1 - the mean squared error over the variance: 1 is perfect,
	// 0 no better than the mean.
	Explained float64
	// Covered is the share of outcomes within their 95 % interval.
	Covered float64
}

// LeaveOneOut predicts every point of p from the others at hyperparameters h
// (Sundararajan & Keerthi 2001; Rasmussen & Williams, equations 5.10–5.12):
// O(n³). Its error is [ErrSingular].
func (p *Problem) LeaveOneOut(kernel Kernel, h Params) (Fit, error) {
	n := p.Len()
	ws := p.scratch()
	if !p.factor(kernel, h, ws) {
		return Fit{}, ErrSingular
	}
	invert(ws.l, ws.w, ws.inv, n)
	p.conditioned(ws)
	f := Fit{Y: p.data.Y, Mean: make([]float64, n), SD: make([]float64, n)}
	mean, sse, sst := 0.0, 0.0, 0.0
	for _, y := range p.data.Y {
		mean += y / float64(n)
	}
	for i, y := range p.data.Y {
		v := 1 / ws.inv[i*n+i]
		e := ws.alpha[i] * v
		f.Mean[i], f.SD[i] = y-e, math.Sqrt(v)
		f.LogDensity += (-0.5*math.Log(2*math.Pi*v) - 0.5*e*e/v) / float64(n)
		if e*e <= 1.96*1.96*v {
			f.Covered += 1 / float64(n)
		}
		sse += e * e
		sst += (y - mean) * (y - mean)
	}
	if sst > 0 {
		f.Explained = 1 - sse/sst
	}
	return f, nil
}
