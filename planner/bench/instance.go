package bench

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/planner/acq"
	"github.com/athanor-lab/athanor/planner/space"
)

// instance is a problem with its constants drawn, and what is known of it.
type instance struct {
	problem
	space   *space.Space
	best    float64      // of a single objective
	typical float64      // its median over the space
	corner  []float64    // of several: from where the volume counts
	whole   float64      // the volume of the best front known
	sample  [][]float64  // an even spread of points that can be tried and work
	spread  [][2]float64 // least and median of the sample, per objective
	noises  []float64    // standard deviation of the noise, per objective
	starts  [][]float64  // what every campaign of the seed begins with
}

// sampleSize is how many points tell what is typical and where to climb from.
const sampleSize = 2048

// lab returns the space as a brief has it.
func (p problem) lab() lab.Space {
	s := lab.Space{Parameters: p.parameters}
	for _, c := range p.conditions {
		s.Constraints = append(s.Constraints, lab.Constraint{Expr: c.expr})
	}
	return s
}

// several reports whether a volume is what counts.
func (p problem) several() bool { return p.objectives > 1 }

func (p problem) directions() []lab.Objective {
	out := make([]lab.Objective, max(1, p.objectives))
	for j := range out {
		out[j] = lab.Objective{Name: [3]string{"y", "z", "w"}[j], Direction: lab.Maximize, Unit: "1"}
	}
	return out
}

// meets reports whether a point may be tried, as far as can be known.
func (p problem) meets(x []float64) bool {
	for _, c := range p.conditions {
		if !c.meets(x) {
			return false
		}
	}
	return true
}

// allowed reports whether a point can be tried and gives a result.
func (p problem) allowed(x []float64) bool {
	return p.meets(x) && (p.works == nil || p.works(x))
}

// newInstance draws the constants and the starts of a seed, and finds the best
// that there is.
func newInstance(p problem, seed uint64) (*instance, error) {
	in, err := drawInstance(p, seed)
	if err == nil {
		in.survey()
	}
	return in, err
}

// drawInstance draws the constants and the starts of a seed: enough to do
// experiments that have no noise.
func drawInstance(p problem, seed uint64) (*instance, error) {
	sp, err := space.Compile(p.lab(), space.Rules{})
	if err != nil {
		return nil, err
	}
	in := &instance{problem: p, space: sp, noises: make([]float64, max(1, p.objectives))}
	if p.draw != nil {
		in.value = p.draw(rand.New(rand.NewPCG(seed, 11)))
	}
	in.starts = in.drawStarts(seed)
	return in, nil
}

// survey finds what is typical, what is best, and by that how much noise there
// is.
func (in *instance) survey() {
	sequence, u := space.NewSobol(in.space.Width(), 12), make([]float64, in.space.Width())
	for i := uint32(0); len(in.sample) < sampleSize; i++ {
		sequence.At(i, u)
		x := make([]float64, len(u))
		in.space.FromUnit(u, x)
		if in.allowed(x) {
			in.sample = append(in.sample, x)
		}
	}
	top := make([]float64, len(in.noises))
	for j := range top {
		values := make([]float64, len(in.sample))
		for i, x := range in.sample {
			values[i] = in.value(x)[j]
		}
		slices.Sort(values)
		in.spread = append(in.spread, [2]float64{values[0], values[len(values)/2]})
		top[j] = values[len(values)-1]
	}
	if in.several() {
		in.findFront()
	} else {
		in.typical = in.spread[0][1]
		if in.optimum != nil {
			in.best = *in.optimum
		} else {
			_, in.best = in.climb(func(x []float64) float64 { return in.value(x)[0] }, 8)
		}
		top[0] = in.best
	}
	for j := range top {
		in.noises[j] = in.noise * (top[j] - in.spread[j][1])
	}
}

// instances draws the constants and the starts of seeds from 1.
func instances(p problem, seeds int) ([]*instance, error) {
	out := make([]*instance, seeds)
	for i := range out {
		seed := uint64(i + 1)
		if i > 0 && p.draw == nil { // only the starts differ
			again := *out[0]
			again.starts = again.drawStarts(seed)
			out[i] = &again
			continue
		}
		in, err := newInstance(p, seed)
		if err != nil {
			return nil, err
		}
		out[i] = in
	}
	return out, nil
}

// climb maximises f over the space from the best points of the sample.
func (in *instance) climb(f func([]float64) float64, starts int) ([]float64, float64) {
	values, order := make([]float64, len(in.sample)), make([]int, len(in.sample))
	for i, x := range in.sample {
		values[i], order[i] = f(x), i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(values[b], values[a]) })
	best, top := in.sample[order[0]], values[order[0]]
	for _, start := range order[:starts] {
		at, value := slices.Clone(in.sample[start]), values[start]
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

// findFront says from where the volume counts, by default from the medians of
// the space, and how much there is: what was published, or what climbing by
// weighted Chebyshev distances of two objectives finds.
func (in *instance) findFront() {
	if in.corner = in.problem.corner; in.corner == nil {
		for _, s := range in.spread {
			in.corner = append(in.corner, s[1])
		}
	}
	if in.whole = in.problem.volume; in.whole > 0 {
		return
	}
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
	in.whole = acq.NewFront(points, in.corner).Hypervolume()
}

// losses returns how far from the best a campaign is after each point, 1 where
// it is no better than typical, from the true outcomes: of several objectives the
// share of the volume that is missing. What failed adds nothing.
func (in *instance) losses(trace [][]float64) []float64 {
	out := make([]float64, len(trace))
	least := in.worst() // before anything worked the campaign has what nothing done would have
	var front *acq.Front
	if in.several() {
		front = acq.NewFront(nil, in.corner)
	}
	for i, x := range trace {
		switch {
		case !in.allowed(x):
		case front == nil:
			least = math.Min(least, (in.best-in.value(x)[0])/(in.best-in.typical))
		default:
			front.Add(in.value(x))
			least = 1 - front.Hypervolume()/in.whole
		}
		out[i] = math.Max(0, least)
	}
	return out
}

// worst is the loss of the worst point.
func (in *instance) worst() float64 {
	if in.several() {
		return 1
	}
	return (in.best - in.spread[0][0]) / (in.best - in.typical)
}

// observe returns what an experiment at x measures, or nothing where it fails.
func (in *instance) observe(x []float64, rng *rand.Rand) []lab.Measured {
	noise := make([]float64, len(in.noises))
	for j := range noise { // drawn even where unused, so that equal rounds have equal noise
		noise[j] = rng.NormFloat64()
	}
	if in.works != nil && !in.works(x) {
		return nil
	}
	objectives := in.directions()
	var out []lab.Measured
	for j, y := range in.value(x) {
		out = append(out, lab.Measured{Name: objectives[j].Name, Value: y + noise[j]*in.noises[j], Unit: objectives[j].Unit})
	}
	return out
}

// noise is what makes the outcomes of a seed uncertain, the same for every
// planner.
func noise(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 15)) }

// drawStarts returns the first experiments of a seed: points that may be tried, drawn
// evenly.
func (in *instance) drawStarts(seed uint64) [][]float64 {
	h := fnv.New64a()
	fmt.Fprint(h, in.name)
	rng := rand.New(rand.NewPCG(seed, h.Sum64()))
	return in.blind(nil, warmUp, func(u []float64) {
		for i := range u {
			u[i] = rng.Float64()
		}
	})
}
