package planner

import (
	"math"
	"slices"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/planner/gp"
)

// response is what was observed of one objective, ready for a model: larger is
// better, replicates are gathered, mean 0 and variance 1.
type response struct {
	objective lab.Objective
	index     int // of the objective in the brief
	trends    []gp.Trend
	scores    []*score // that the trends are, or would be
	preferred float64  // log predictive density with the trends less that without, to a point
	sign      float64
	rows      []int // of task.known: the first experiment at each distinct point
	value     []float64
	data      gp.Data
	warp      warp
	mean, sd  float64
	best      int // row of the best distinct point
}

// sample is one observation, larger is better.
type sample struct {
	row   int
	value float64
	sigma float64 // 0 when unknown
}

// responseOf gathers the observations of objective j, or returns nil when
// there is none.
func (t *task) responseOf(j int) *response {
	o := t.brief.Objectives[j]
	r := &response{objective: o, index: j, sign: 1}
	r.trends, r.scores = t.trendsOf(j)
	if o.Direction == lab.Minimize {
		r.sign = -1
	}
	var samples []sample
	for row, e := range t.known {
		if e.failed {
			continue
		}
		for _, m := range e.observed {
			if m.Name != o.Name {
				continue
			}
			s := sample{row: row, value: r.sign * m.Value}
			if m.Sigma != nil {
				s.sigma = *m.Sigma
			}
			samples = append(samples, s)
		}
	}
	if len(samples) == 0 {
		return nil
	}
	r.gather(t, samples)
	return r
}

// gather groups samples by point and standardises them.
func (r *response) gather(t *task, samples []sample) {
	values := make([]float64, len(samples))
	for i, s := range samples {
		values[i] = s.value
	}
	if t.fidelity == nil && (t.kind() == choices || tiesAtWorst(values) > 0.1) {
		r.warp = newWarp(values)
	}
	groups := make(map[string]int)
	var members [][]sample
	for _, s := range samples {
		g, ok := groups[t.known[s.row].key]
		if !ok {
			g = len(members)
			groups[t.known[s.row].key] = g
			members = append(members, nil)
			r.rows = append(r.rows, s.row)
		}
		members[g] = append(members[g], s)
	}
	n := len(members)
	r.value = make([]float64, n)
	y, square, known := make([]float64, n), make([]float64, n), make([]float64, n)
	reps := make([]float64, n)
	for g, ms := range members {
		reps[g] = float64(len(ms))
		for _, s := range ms {
			r.value[g] += s.value / reps[g]
			y[g] += r.warp.to(s.value) / reps[g]
			known[g] += s.sigma * s.sigma / (reps[g] * reps[g])
		}
		for _, s := range ms {
			d := r.warp.to(s.value) - y[g]
			square[g] += d * d
		}
		// What the instruments' own noise explains is not to be learned again.
		square[g] = math.Max(0, square[g]-(reps[g]-1)*reps[g]*known[g])
	}
	r.best = r.top(t)
	r.mean, r.sd = moments(y)
	d := gp.Data{Y: y, Reps: reps, Squares: square, Known: known}
	for g, row := range r.rows {
		d.X = append(d.X, t.known[row].row)
		d.Y[g] = (y[g] - r.mean) / r.sd
		d.Squares[g] = square[g] / (r.sd * r.sd)
		d.Known[g] = known[g] / (r.sd * r.sd)
	}
	r.data = d
	r.keep(t)
}

// top returns the row of the best value, of those that count for the answer where
// there are any.
func (r *response) top(t *task) int {
	best, judged := 0, false
	for i, row := range r.rows {
		switch j := t.judged(t.known[row].state); {
		case j && !judged:
			best, judged = i, true
		case j == judged && r.value[i] > r.value[best]:
			best = i
		}
	}
	return best
}

// moments returns mean and standard deviation, the latter 1 where all values
// are equal. Values are scaled first, lest the square of a large one overflow.
func moments(y []float64) (mean, sd float64) {
	scale := 0.0
	for _, v := range y {
		scale = math.Max(scale, math.Abs(v))
	}
	if scale == 0 {
		return 0, 1
	}
	for _, v := range y {
		mean += v / scale / float64(len(y))
	}
	for _, v := range y {
		sd += (v/scale - mean) * (v/scale - mean)
	}
	sd = math.Sqrt(sd / math.Max(1, float64(len(y)-1)))
	if sd <= 1e-12 {
		return mean * scale, 1
	}
	return mean * scale, sd * scale
}

// tiesAtWorst returns the share of values equal to the least.
func tiesAtWorst(v []float64) float64 {
	low, n := slices.Min(v), 0
	for _, x := range v {
		if x == low {
			n++
		}
	}
	if n == 1 {
		return 0
	}
	return float64(n) / float64(len(v))
}

// original returns a standardised model value as a number of the objective.
func (r *response) original(z float64) float64 { return r.sign * r.warp.from(r.mean+z*r.sd) }

// most is the largest standard deviation that a prediction is given: what the
// outcomes say of the next one without any model, with Student's t of n-1 degrees
// of freedom. Priors of a large output scale search well, and are less sure than
// that until there are some ten points. Three points or fewer set no bound.
func (r *response) most() float64 {
	n := float64(len(r.rows))
	if n <= 3 {
		return math.Inf(1)
	}
	return math.Sqrt((1 + 1/n) * (n - 1) / (n - 3))
}

// predict turns a latent mean and standard deviation, and the standard
// deviation of an observation, into words of the objective, neither above
// [response.most].
func (r *response) predict(mean, sd, observed float64) lab.Prediction {
	sd, observed = math.Min(sd, r.most()), math.Min(observed, r.most())
	a, b := r.original(mean-1.96*observed), r.original(mean+1.96*observed)
	p := lab.Prediction{
		Objective: r.objective.Name, Unit: r.objective.Unit,
		Mean: r.original(mean), Low: math.Min(a, b), High: math.Max(a, b),
	}
	p.Sigma = math.Abs(r.original(mean+sd)-r.original(mean-sd)) / 2
	return p
}
