package planner

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/planner/space"
)

// maxAttempts bounds the search for a point that is new and feasible.
const maxAttempts = 100_000

// Streams of randomness, so that no two uses share numbers.
const (
	streamSobol uint64 = iota + 1
	streamRandom
	streamCandidates
	streamJitter
	streamWeights
	streamLots
)

// rng returns a generator for one use of the brief's seed.
func (t *task) rng(stream uint64) *rand.Rand {
	return rand.New(rand.NewPCG(t.brief.Seed, space.Mix(stream, uint64(t.brief.First), uint64(len(t.known)))))
}

// drawn proposes want experiments without a model, from states that next draws;
// nil is the end of them.
func (t *task) drawn(next func() ([]float64, error), reason string, want int) ([]lab.Proposal, error) {
	var out []lab.Proposal
	for len(out) < want {
		state, err := next()
		if err != nil || state == nil {
			return out, err
		}
		t.take(state)
		settings := t.space.Settings(state)
		out = append(out, lab.Proposal{
			Settings: settings, Predictions: []lab.Prediction{},
			Reason:  fmt.Sprintf("Experiment #%d is %s.", t.brief.First+len(out), t.vouched(state, reason)),
			Nearest: t.nearest(state),
		})
	}
	return out, nil
}

// sobolStates walks the Sobol sequence of the campaign from the place of the
// first experiment wanted, past what is taken or infeasible. In a pool the
// candidate nearest to a point of the sequence stands for it.
func (t *task) sobolStates() func() ([]float64, error) {
	sequence := space.NewSobol(t.space.Width(), space.Mix(t.brief.Seed, streamSobol, 0))
	index := uint32(t.brief.First - 1)
	u := make([]float64, t.space.Width())
	if len(t.brief.Space.Pool) > 0 {
		return func() ([]float64, error) {
			sequence.At(index, u)
			index++
			return t.nearestFree(u), nil
		}
	}
	random := t.randomStates()
	state := make([]float64, t.space.Width())
	return func() ([]float64, error) {
		// Where most is taken the sequence would be walked long in vain.
		for range spreadTries {
			sequence.At(index, u)
			index++
			t.space.FromUnit(u, state)
			if ok, err := t.free(state); err != nil || ok {
				return state, err
			}
		}
		return random()
	}
}

// dearTries is how many points that cannot be paid for are drawn before none is
// taken to be left: one that a thousandth of the space holds is missed by one
// search in sixty.
const dearTries = 4096

// spreadTries is how many points are tried before the spacing is halved.
const spreadTries = 256

// free reports whether a state is new and feasible.
func (t *task) free(state []float64) (bool, error) {
	if t.used(state) {
		return false, nil
	}
	if ok, err := t.space.Feasible(state); err != nil || !ok {
		return ok, err
	}
	if !t.safe(state) {
		return false, nil
	}
	return t.affordable(state)
}

// used reports whether a state is taken or as good as one that is.
func (t *task) used(state []float64) bool {
	return t.crowded(state) || t.taken[t.space.Key(state)]
}

// spacing is how far, in some feature, a proposal of a space that is not listed
// keeps from every other experiment: half a percent of a range. Closer ones
// would repeat an experiment in all but name.
const spacing = 0.005

// batchSpacing is how many times farther the model's proposals keep from
// experiments that run or are proposed beside them: their outcomes are unknown,
// and the model would gather them around one point where it is too sure of
// itself.
const batchSpacing = 20

// roomFor returns the spacing at n experiments: less than [spacing] where
// squares of its size around them all would fill half of the space, which they
// do after fifty experiments in one dimension.
func roomFor(n int, cols []space.Column) float64 {
	numbers := 0
	for _, c := range cols {
		if c.Levels == 0 && !c.Constant {
			numbers++
		}
	}
	if numbers == 0 || n == 0 {
		return spacing
	}
	return math.Min(spacing, 0.5*math.Pow(0.5/float64(n), 1/float64(numbers)))
}

// leastSpacing is where settings come to have one key, see [space.Space.Key].
const leastSpacing = 1e-8

// shrink halves the spacing, and reports false where that cannot help: a space
// of numbers is never used up, one of choices is. Below what the settings are
// rounded to, these become finer as well.
func (t *task) shrink() bool {
	if t.space.Listed() || t.spacing < leastSpacing {
		return false
	}
	t.spacing /= 2
	if t.spacing < t.space.Resolution() {
		t.space = t.space.Finer()
	}
	return true
}

// crowded reports whether a state is as good as one that is taken.
func (t *task) crowded(state []float64) bool {
	if t.space.Listed() || t.spacing < leastSpacing {
		return false
	}
	f := t.scratch
	t.space.Features(state, f)
	for i, g := range t.rows {
		by := t.spacing
		if i >= t.running {
			by *= batchSpacing
		}
		if near(f, g, by) {
			return true
		}
	}
	return false
}

// take marks a state as done, running or proposed.
func (t *task) take(state []float64) {
	t.taken[t.space.Key(state)] = true
	t.pay(state)
	f := make([]float64, t.space.Width())
	t.space.Features(state, f)
	t.rows = append(t.rows, f)
}

// near reports whether two rows of features differ nowhere by as much as by.
func near(a, b []float64, by float64) bool {
	for i := range a {
		if math.Abs(a[i]-b[i]) >= by {
			return false
		}
	}
	return true
}

// nearestFree returns the free listed candidate whose features are nearest to
// u, or nil. A level of n sits in the middle of its n-th part of the axis.
func (t *task) nearestFree(u []float64) []float64 {
	cols := t.space.Columns()
	best, at := math.Inf(1), -1
	for i := range t.space.Len() {
		f := t.space.Feature(i)
		d := 0.0
		for c, col := range cols {
			z := f[c] - u[c]
			if col.Levels > 0 {
				z = 0
				if int(f[c]) != int(u[c]*float64(col.Levels)) {
					z = 1
				}
			}
			d += z * z
		}
		if d < best && t.listedFree(i) {
			best, at = d, i
		}
	}
	if at < 0 {
		return nil
	}
	return t.space.State(at)
}

// randomStates draws uniformly from what is free.
func (t *task) randomStates() func() ([]float64, error) {
	rng := t.rng(streamRandom)
	state := make([]float64, t.space.Width())
	if t.space.Listed() {
		return func() ([]float64, error) { return t.randomListed(rng), nil }
	}
	u := make([]float64, t.space.Width())
	return func() ([]float64, error) {
		crowded, dear := 0, 0
		for i := range maxAttempts {
			for k := range u {
				u[k] = rng.Float64()
			}
			if t.space.FromUnit(u, state); t.guard != nil {
				t.guard.around(t.space, i, u, state)
			}
			if ok, err := t.space.Feasible(state); err != nil {
				return nil, err
			} else if !ok || !t.safe(state) {
				continue
			}
			if !t.used(state) {
				if ok, err := t.affordable(state); err != nil || ok {
					return state, err
				}
				if dear++; dear == dearTries {
					return nil, nil
				}
				continue
			}
			if crowded++; crowded%spreadTries == 0 {
				t.shrink()
			}
		}
		return nil, nil
	}
}

// listedFree reports whether a listed candidate is new and can be paid for.
func (t *task) listedFree(i int) bool {
	if t.taken[t.space.KeyAt(i)] || !t.safe(t.space.State(i)) {
		return false
	}
	ok, err := t.affordable(t.space.State(i))
	return ok && err == nil
}

// randomListed returns a free listed candidate, each with equal probability,
// or nil.
func (t *task) randomListed(rng *rand.Rand) []float64 {
	n := t.space.Len()
	for range 32 {
		if n == 0 {
			return nil
		}
		if i := rng.IntN(n); t.listedFree(i) {
			return t.space.State(i)
		}
	}
	var free []int
	for i := range n {
		if t.listedFree(i) {
			free = append(free, i)
		}
	}
	if len(free) == 0 {
		return nil
	}
	return t.space.State(free[rng.IntN(len(free))])
}
