package bench

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/planner/space"
)

// instance is a problem with its constants drawn, and what is known of it.
type instance struct {
	problem
	space   *space.Space
	value   func(x []float64) []float64
	best    float64      // of a single objective
	typical float64      // its median over the space
	corner  [2]float64   // of two: from where the volume counts
	whole   float64      // the volume of the best front found
	sample  [][]float64  // an even spread of feasible points
	spread  [2][]float64 // least and median of the sample, per objective
}

// sampleSize is how many points tell what is typical and where to climb from.
const sampleSize = 2048

// lab returns the space as a brief has it.
func (p problem) lab() lab.Space {
	s := lab.Space{Parameters: p.parameters}
	if p.constraint != "" {
		s.Constraints = []lab.Constraint{{Expr: p.constraint}}
	}
	return s
}

func (p problem) directions() []lab.Objective {
	out := []lab.Objective{{Name: "y", Direction: lab.Maximize, Unit: "1"}}
	if p.objectives == 2 {
		out = append(out, lab.Objective{Name: "z", Direction: lab.Maximize, Unit: "1"})
	}
	return out
}

// allowed reports whether a point can be tried and gives a result.
func (p problem) allowed(x []float64) bool {
	return (p.meets == nil || p.meets(x)) && (p.works == nil || p.works(x))
}

// newInstance draws the constants of a seed and finds the best that there is.
func newInstance(p problem, seed uint64) (*instance, error) {
	sp, err := space.Compile(p.lab(), space.Rules{})
	if err != nil {
		return nil, err
	}
	in := &instance{problem: p, space: sp, value: p.draw(rand.New(rand.NewPCG(seed, 11)))}
	sequence, u := space.NewSobol(sp.Width(), 12), make([]float64, sp.Width())
	for i := uint32(0); len(in.sample) < sampleSize; i++ {
		sequence.At(i, u)
		x := make([]float64, sp.Width())
		sp.FromUnit(u, x)
		if p.allowed(x) {
			in.sample = append(in.sample, x)
		}
	}
	for j := range max(1, p.objectives) {
		values := make([]float64, len(in.sample))
		for i, x := range in.sample {
			values[i] = in.value(x)[j]
		}
		slices.Sort(values)
		in.spread[j] = []float64{values[0], values[len(values)/2]}
	}
	if p.objectives == 2 {
		in.findFront()
		return in, nil
	}
	_, in.best = in.climb(func(x []float64) float64 { return in.value(x)[0] }, 8)
	in.typical = in.spread[0][1]
	return in, nil
}

// climb maximises f over the space from the best points of the sample.
func (in *instance) climb(f func([]float64) float64, starts int) ([]float64, float64) {
	order := slices.Clone(in.sample)
	slices.SortStableFunc(order, func(a, b []float64) int { return cmp.Compare(f(b), f(a)) })
	best, top := order[0], f(order[0])
	for _, start := range order[:starts] {
		at, value := slices.Clone(start), f(start)
		for _, h := range []float64{0.1, 0.03, 0.01, 0.003, 0.001} {
			for range 200 {
				next, up := []float64(nil), value
				in.space.Moves(at, h, func(x []float64) {
					if v := f(x); v > up && in.allowed(x) {
						next, up = slices.Clone(x), v
					}
				})
				if next == nil {
					break
				}
				at, value = next, up
			}
		}
		if value > top {
			best, top = at, value
		}
	}
	return best, top
}

// findFront climbs by weighted sums and Chebyshev distances of both objectives,
// and takes the volume of all that was found as whole. It counts from the
// medians of the space.
func (in *instance) findFront() {
	in.corner = [2]float64{in.spread[0][1], in.spread[1][1]}
	var points [][]float64
	for _, x := range in.sample {
		points = append(points, in.value(x))
	}
	_, up0 := in.climb(func(x []float64) float64 { return in.value(x)[0] }, 4)
	_, up1 := in.climb(func(x []float64) float64 { return in.value(x)[1] }, 4)
	const weights = 32
	for k := range weights + 1 {
		w := float64(k) / weights
		x, _ := in.climb(func(x []float64) float64 {
			y := in.value(x)
			a, b := w*(y[0]-up0)/(up0-in.corner[0]), (1-w)*(y[1]-up1)/(up1-in.corner[1])
			return math.Min(a, b) + 0.01*(a+b)
		}, 2)
		points = append(points, in.value(x))
	}
	in.whole = in.volume(points)
}

// volume is the area that points dominate above the corner.
func (in *instance) volume(points [][]float64) float64 {
	order := slices.Clone(points)
	slices.SortStableFunc(order, func(a, b []float64) int { return cmp.Compare(b[0], a[0]) })
	sum, floor := 0.0, in.corner[1]
	for _, y := range order {
		if y[0] > in.corner[0] && y[1] > floor {
			sum += (y[0] - in.corner[0]) * (y[1] - floor)
			floor = y[1]
		}
	}
	return sum
}

// losses returns how far from the best a campaign is after each point, 1 where
// it is no better than typical, from the true outcomes. What failed adds
// nothing.
func (in *instance) losses(trace [][]float64) []float64 {
	out := make([]float64, len(trace))
	least, points := math.Inf(1), [][]float64(nil)
	for i, x := range trace {
		if in.allowed(x) {
			y := in.value(x)
			loss := (in.best - y[0]) / (in.best - in.typical)
			if in.objectives == 2 {
				points = append(points, y)
				loss = 1 - in.volume(points)/in.whole
			}
			least = math.Min(least, loss)
		}
		// Before anything worked the campaign has what nothing done would have.
		out[i] = math.Max(0, math.Min(least, in.worst()))
	}
	return out
}

// worst is the loss of the worst point.
func (in *instance) worst() float64 {
	if in.objectives == 2 {
		return 1
	}
	return (in.best - in.spread[0][0]) / (in.best - in.typical)
}

// observe returns what an experiment at x measures, or nothing where it fails.
func (in *instance) observe(x []float64, rng *rand.Rand) []lab.Measured {
	noise := rng.NormFloat64() // drawn even where unused, so that equal rounds have equal noise
	if in.works != nil && !in.works(x) {
		return nil
	}
	var out []lab.Measured
	for j, y := range in.value(x) {
		if in.noise > 0 {
			y += noise * in.noise * (in.best - in.typical)
		}
		out = append(out, lab.Measured{Name: in.directions()[j].Name, Value: y, Unit: "1"})
	}
	return out
}
