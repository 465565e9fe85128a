package planner

import (
	"math"
	"slices"

	"github.com/athanor-lab/athanor/planner/acq"
	"github.com/athanor-lab/athanor/planner/gp"
)

// gain is what an outcome would be worth: the logarithm of its expectation. It
// must not fall when a standard deviation grows.
type gain interface {
	value(mean, sd []float64) float64
	// believe takes the means of a pending or chosen experiment as its outcome.
	believe(mean []float64)
}

// improvement is the gain of a single objective. wide is what the standard
// deviation is multiplied with, 1 for the expected improvement itself.
type improvement struct{ best, noise, wide float64 }

func (g *improvement) value(mean, sd []float64) float64 {
	return acq.LogEI(mean[0], g.wide*sd[0], g.best) + acq.LogAugmentation(sd[0], g.noise)
}

func (g *improvement) believe(mean []float64) { g.best = math.Max(g.best, mean[0]) }

// trade is the gain of two or three objectives.
type trade struct {
	front *acq.Front
	noise []float64
}

func (g *trade) value(mean, sd []float64) float64 {
	news := math.Inf(-1)
	for j, n := range g.noise {
		news = math.Max(news, acq.LogAugmentation(sd[j], n))
	}
	return g.front.LogEHVI(mean, sd) + news
}

func (g *trade) believe(mean []float64) { g.front.Add(mean) }

// noise returns the standard deviation of an observation of objective j that
// augments the gain, or 0. Only where the noise has no prior is it augmented:
// there some of what no length scale explains is taken for noise, and the best
// point would be measured again and again. Elsewhere it costs more than it gives.
func (m *member) noise(j int) float64 {
	if m.prior.Noise != gp.Flat() {
		return 0
	}
	return math.Sqrt(m.posts[j].Params.Noise)
}

// wide returns how far beyond its standard deviation a member's gain reaches:
// by twice the noise of one observation. Where any number of experiments fit
// beside a noisy best one, the expected improvement would gather them there; in
// a list each is another experiment anyway, and to reach farther only costs.
func (t *task) wide(m *member) float64 {
	if t.space.Listed() {
		return 1
	}
	return 1 + 2*math.Sqrt(m.posts[0].Params.Noise)
}

// noisy is the share of noise in the variance of the outcomes above which the
// best posterior mean, not the best observation, is what is to be beaten.
const noisy = 0.05

// aim sets what each member's gain is measured against.
func (t *task) aim(s *surrogate) {
	for k := range s.members {
		m := &s.members[k]
		outcomes := t.beliefs(s, m)
		if len(s.responses) == 1 {
			g := &improvement{best: math.Inf(-1), noise: m.noise(0), wide: t.wide(m)}
			for _, y := range outcomes {
				g.best = math.Max(g.best, y[0])
			}
			m.gain = g
			continue
		}
		g := &trade{front: acq.NewFront(outcomes, reference(outcomes, len(s.responses)))}
		for j := range m.posts {
			g.noise = append(g.noise, m.noise(j))
		}
		m.gain = g
	}
}

// beliefs returns the outcomes at every point where all objectives were
// observed: as observed, or where noise is large as the member believes. Only those
// at the target of the fidelity count, where there are any.
func (t *task) beliefs(s *surrogate, m *member) [][]float64 {
	var out [][]float64
	first := s.responses[0]
	scratch := make([]*gp.Scratch, len(m.posts))
	for j, p := range m.posts {
		scratch[j] = p.NewScratch()
	}
	none := !slices.ContainsFunc(first.rows, func(row int) bool { return t.judged(t.known[row].state) })
	for i, row := range first.rows {
		judged := t.judged(t.known[row].state)
		if !judged && !none {
			continue
		}
		y := make([]float64, 0, len(s.responses))
		for j, r := range s.responses {
			at := i
			if j > 0 {
				at = slices.IndexFunc(r.rows, func(q int) bool { return t.known[q].key == t.known[row].key })
			}
			if at < 0 {
				break
			}
			v := r.data.Y[at]
			if !judged { // what it would be at the target, for want of anything seen there
				v = m.posts[j].Mean(t.fidelity.targeted(r.data.X[at], nil), scratch[j])
			} else if m.posts[j].Params.Noise > noisy {
				v = m.posts[j].Mean(r.data.X[at], scratch[j])
			}
			y = append(y, v)
		}
		if len(y) == len(s.responses) {
			out = append(out, y)
		}
	}
	return out
}

// reference returns the point above which hypervolume counts: in each objective a
// tenth of the front's range below its worst, or what three quarters of the outcomes
// surpass where that is lower. A front that is still short would otherwise make the
// ends of the true one worth nothing. Where no experiment has all objectives it is
// their mean.
func reference(outcomes [][]float64, objectives int) []float64 {
	front := acq.Nondominated(outcomes)
	if len(front) == 0 {
		return make([]float64, objectives)
	}
	var ref []float64
	for j := range objectives {
		low, high := math.Inf(1), math.Inf(-1)
		for _, i := range front {
			low, high = math.Min(low, outcomes[i][j]), math.Max(high, outcomes[i][j])
		}
		span := high - low
		if span == 0 {
			for _, y := range outcomes {
				span = math.Max(span, low-y[j])
			}
		}
		all := make([]float64, 0, len(outcomes))
		for _, y := range outcomes {
			all = append(all, y[j])
		}
		slices.Sort(all)
		ref = append(ref, math.Min(low-0.1*math.Max(span, 0.1), all[(len(all)-1)/4]))
	}
	return ref
}
