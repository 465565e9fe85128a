package planner

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/planner/space"
)

// evolvedStates draws from a normal distribution that the outcomes so far have
// moved, stretched and turned: CMA-ES (Hansen, The CMA evolution strategy: a
// tutorial, arXiv 1604.00772, 2016), with Cholesky factors as gonum's optimize
// has it. The brief holds no state: every plan replays the experiments that
// ended, by number, a generation after another. Experiments that the strategy
// did not draw (imported, or another planner's) move it no farther than its own
// could (Hansen, Injecting external solutions into CMA-ES, 2011). What failed
// ranks last. A column of few settings keeps half a setting of deviation, lest
// it settle for good (after Hamano et al., CMA-ES with margin, 2022).
func (t *task) evolvedStates() (next func() ([]float64, error), reason string) {
	e := t.newEvolution()
	if len(e.columns) == 0 {
		return t.randomStates(), "drawn uniformly at random: no parameter has more than one setting"
	}
	done := slices.Clone(t.known)
	slices.SortStableFunc(done, func(a, b experiment) int { return cmp.Compare(a.number, b.number) })
	generations := len(done) / e.lambda
	for g := range generations {
		e.learn(t.ranked(done[g*e.lambda : (g+1)*e.lambda]))
	}
	number := t.brief.First
	random := t.randomStates()
	state := make([]float64, t.space.Width())
	return func() ([]float64, error) {
			rng := rand.New(rand.NewPCG(t.brief.Seed, space.Mix(streamEvolution, uint64(number), uint64(generations))))
			number++
			for range spreadTries {
				u := e.draw(rng)
				if len(t.brief.Space.Pool) > 0 {
					return t.nearestFree(u), nil
				}
				e.decode(u, state)
				if ok, err := t.free(state); err != nil || ok {
					return state, err
				}
			}
			return random()
		}, fmt.Sprintf("drawn by an evolution strategy (CMA-ES) in generation %d of %d each, with a step of %.2g of a range",
			generations+1, e.lambda, e.step)
}

// evolution is the distribution of the next generation, over the columns that
// can be set, each scaled to [0, 1].
type evolution struct {
	t       *task
	columns []int
	scale   []scale // by column of the space
	lambda  int
	weights []float64 // of the better half of a generation, best first
	mass    float64   // of the weights: 1/Σw²

	mean         []float64
	step         float64
	cov          *mat.SymDense
	chol         mat.Cholesky
	path, stride []float64 // evolution paths of the covariance and of the step
	floor        []float64 // least deviation
}

// scale maps a column to [0, 1] and back.
type scale struct {
	settings []float64 // of a column of few, ascending; nil for a feature
}

func (t *task) newEvolution() *evolution {
	e := &evolution{t: t, step: 0.3, scale: make([]scale, t.space.Width())}
	width := t.space.Width()
	u, state := make([]float64, width), make([]float64, width)
	for c, col := range t.space.Columns() {
		kind := t.space.Parameter(col.Parameter).Type
		if kind != lab.Composition && col.Settings <= 1000 {
			for k := range col.Settings {
				u[c] = (float64(k) + 0.5) / float64(col.Settings)
				t.space.Fill(u, state)
				e.scale[c].settings = append(e.scale[c].settings, state[c])
			}
			u[c] = 0
		}
		if col.Constant {
			continue
		}
		e.columns = append(e.columns, c)
		least := 0.0
		if n := len(e.scale[c].settings); n > 0 {
			least = 0.5 / float64(n)
		}
		e.floor = append(e.floor, least)
	}
	d := len(e.columns)
	if d == 0 {
		return e
	}
	e.lambda = 4 + int(3*math.Log(float64(d)))
	square, sum := 0.0, 0.0
	for k := range e.lambda / 2 {
		e.weights = append(e.weights, math.Log(float64(e.lambda+1)/2)-math.Log(float64(k+1)))
		sum += e.weights[k]
	}
	for k := range e.weights {
		e.weights[k] /= sum
		square += e.weights[k] * e.weights[k]
	}
	e.mass = 1 / square
	e.mean, e.path, e.stride = make([]float64, d), make([]float64, d), make([]float64, d)
	e.cov = mat.NewSymDense(d, nil)
	for k, c := range e.columns {
		e.mean[k] = 0.5
		if col := t.space.Columns()[c]; t.space.Parameter(col.Parameter).Type == lab.Composition {
			e.mean[k] = 1 / float64(len(t.space.Parameter(col.Parameter).Parts))
		}
		e.cov.SetSym(k, k, 1)
	}
	e.factorise()
	return e
}

// ranked returns experiments as points of the distribution, best first.
func (t *task) ranked(es []experiment) [][]float64 {
	losses := make([][]float64, len(es)) // nil where nothing was seen
	for i, x := range es {
		for _, o := range t.brief.Objectives {
			k := slices.IndexFunc(x.observed, func(m lab.Measured) bool { return m.Name == o.Name })
			if x.failed || k < 0 {
				losses[i] = nil
				break
			}
			y := x.observed[k].Value
			if o.Direction == lab.Maximize {
				y = -y
			}
			losses[i] = append(losses[i], y)
		}
	}
	order := make([]int, len(es))
	beaten := make([]int, len(es)) // by how many a result is dominated
	for i := range es {
		order[i] = i
		for k := range es {
			if dominated(losses[i], losses[k]) {
				beaten[i]++
			}
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(beaten[a], beaten[b]) })
	out := make([][]float64, len(es))
	for k, i := range order {
		out[k] = es[i].state
	}
	return out
}

// dominated reports whether losses a are no better anywhere than b and worse
// somewhere. Nothing seen is worse than anything.
func dominated(a, b []float64) bool {
	if a == nil || b == nil {
		return a == nil && b != nil
	}
	worse := false
	for j := range a {
		if a[j] < b[j] {
			return false
		}
		worse = worse || a[j] > b[j]
	}
	return worse
}

// encode returns the point of a state.
func (e *evolution) encode(state []float64) []float64 {
	f := make([]float64, len(state))
	e.t.space.Features(state, f)
	out := make([]float64, len(e.columns))
	for k, c := range e.columns {
		if out[k] = f[c]; e.t.space.Absent(state, c) {
			out[k] = e.mean[k] // it says nothing of where it would be
			continue
		}
		if s := e.scale[c].settings; s != nil {
			at, _ := slices.BinarySearch(s, state[c])
			out[k] = (float64(at) + 0.5) / float64(len(s))
		}
	}
	return out
}

// decode writes the state nearest to a point u of the features.
func (e *evolution) decode(u, state []float64) {
	e.t.space.Fill(u, state)
	for c, col := range e.t.space.Columns() {
		if p := e.t.space.Parameter(col.Parameter); p.Type == lab.Composition {
			state[c] = u[c]
			if p.Sum != nil {
				state[c] *= *p.Sum
			}
		}
	}
	e.t.space.Snap(state)
}

// draw returns a point in [0, 1) to every column of the space; in a pool,
// columns of settings become features again.
func (e *evolution) draw(rng *rand.Rand) []float64 {
	d := len(e.columns)
	z, y := mat.NewVecDense(d, nil), mat.NewVecDense(d, nil)
	for k := range d {
		z.SetVec(k, rng.NormFloat64())
	}
	var l mat.TriDense
	e.chol.LTo(&l)
	y.MulVec(&l, z)
	u := make([]float64, e.t.space.Width())
	for k, c := range e.columns {
		u[c] = inside(e.mean[k] + e.step*y.AtVec(k))
	}
	if len(e.t.brief.Space.Pool) > 0 {
		state, f := make([]float64, len(u)), make([]float64, len(u))
		e.t.space.Fill(u, state)
		e.t.space.Features(state, f)
		for c, col := range e.t.space.Columns() {
			if e.scale[c].settings != nil && col.Levels == 0 {
				u[c] = f[c]
			}
		}
	}
	return u
}

// inside reflects a number into [0, 1).
func inside(v float64) float64 {
	v = math.Abs(math.Mod(v, 2))
	if v >= 1 {
		v = 2 - v
	}
	return math.Min(math.Max(v, 0), 1-1e-12)
}

// learn takes a generation of states, best first.
func (e *evolution) learn(states [][]float64) {
	d := float64(len(e.columns))
	cs := (e.mass + 2) / (d + e.mass + 5)
	ds := 1 + 2*math.Max(0, math.Sqrt((e.mass-1)/(d+1))-1) + cs
	cc := (4 + e.mass/d) / (d + 4 + 2*e.mass/d)
	c1 := 2 / ((d+1.3)*(d+1.3) + e.mass)
	cm := math.Min(1-c1, 2*(e.mass-2+1/e.mass)/((d+2)*(d+2)+e.mass))
	expected := math.Sqrt(d) * (1 - 1/(4*d) + 1/(21*d*d))

	steps := make([]*mat.VecDense, len(e.weights))
	shift := mat.NewVecDense(len(e.columns), nil)
	for k, w := range e.weights {
		x := e.encode(states[k])
		for i := range x {
			x[i] = (x[i] - e.mean[i]) / e.step
		}
		steps[k] = mat.NewVecDense(len(x), x)
		if far, most := mat.Norm(e.whiten(steps[k]), 2), math.Sqrt(d)+2*d/(d+2); far > most {
			steps[k].ScaleVec(most/far, steps[k])
		}
		shift.AddScaledVec(shift, w, steps[k])
	}
	white := e.whiten(shift)
	norm := 0.0
	for i := range e.mean {
		e.mean[i] = math.Min(1, math.Max(0, e.mean[i]+e.step*shift.AtVec(i)))
		e.stride[i] = (1-cs)*e.stride[i] + math.Sqrt(cs*(2-cs)*e.mass)*white.AtVec(i)
		norm += e.stride[i] * e.stride[i]
	}
	norm = math.Sqrt(norm)
	moving := 0.0
	if norm/expected < 1.4+2/(d+1) {
		moving = 1
	}
	for i := range e.path {
		e.path[i] = (1-cc)*e.path[i] + moving*math.Sqrt(cc*(2-cc)*e.mass)*shift.AtVec(i)
	}
	e.cov.ScaleSym(1-c1-cm+(1-moving)*c1*cc*(2-cc), e.cov)
	e.cov.SymRankOne(e.cov, c1, mat.NewVecDense(len(e.path), e.path))
	for k, w := range e.weights {
		e.cov.SymRankOne(e.cov, cm*w, steps[k])
	}
	e.step = math.Min(0.5, math.Max(1e-4, e.step*math.Exp(cs/ds*(norm/expected-1))))
	e.factorise()
}

// whiten returns the vector whose picture under the factor is v.
func (e *evolution) whiten(v *mat.VecDense) *mat.VecDense {
	var l mat.TriDense
	e.chol.LTo(&l)
	var out mat.VecDense
	if out.SolveVec(&l, v) != nil {
		out.CloneFromVec(v)
	}
	return &out
}

// factorise keeps the least deviations and the factor; a covariance that has
// none is forgotten.
func (e *evolution) factorise() {
	for k, least := range e.floor {
		if v := least / e.step; e.cov.At(k, k) < v*v {
			e.cov.SetSym(k, k, v*v)
		}
	}
	if e.chol.Factorize(e.cov) && e.chol.Cond() < 1e12 {
		return
	}
	d := len(e.columns)
	e.cov = mat.NewSymDense(d, nil)
	for k := range d {
		v := math.Max(1, e.floor[k]/e.step)
		e.cov.SetSym(k, k, v*v)
	}
	e.chol.Factorize(e.cov)
}
