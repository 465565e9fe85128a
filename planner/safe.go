package planner

import (
	"fmt"
	"math"
	"slices"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/planner/gp"
	"github.com/athanor-lab/athanor/planner/space"
)

// guard holds experiments to what is safe. A candidate is safe by a step from what
// is known to be, or by what was learned:
//
//   - it is within the brief's share of each range of a declared point or of an
//     experiment that kept to the limits, with the same choices, no experiment that
//     did not keep is nearer, and the model, once there is one, expects it to keep; or
//   - every limit is kept two standard deviations to the bad side, and the
//     probability of success is high enough two standard deviations to the bad side
//     of its latent function.
//
// That the safe set grows from a seed by confident predictions is the idea of Sui,
// Gotovos, Burdick & Krause, Safe exploration for optimization with Gaussian
// processes (2015), http://proceedings.mlr.press/v37/sui15.html; the step is a trust
// region, for the time when there is nothing to be confident of.
type guard struct {
	rule    lab.SafeStart
	cols    []space.Column
	anchors []anchor    // safe ones, the declared first
	broke   [][]float64 // features of experiments that did not keep
	kept    []bool      // of task.known
	all     [][]float64 // features of task.known
	model   *surrogate  // nil before there is one
	limits  [][]lab.Limit
	success *gp.Classifier
	tools   tools
	stopped bool // some candidate was not safe
}

// anchor is a point that is known to be safe.
type anchor struct{ state, features []float64 }

// secure reads the brief's safe start and judges the experiments by it.
func (t *task) secure() error {
	s := t.brief.Safe
	if s == nil {
		return nil
	}
	if len(s.Points) == 0 || !(s.Within > 0) || s.Within > 1 || !(s.Chance > 0) || s.Chance >= 1 {
		return lab.Errorf(lab.Invalid, "brief.safe has %d points, within %g and chance %g; give at least one point, a share of the ranges above 0 and a probability below 1", len(s.Points), s.Within, s.Chance)
	}
	g := &guard{rule: *s, cols: t.space.Columns()}
	for i, p := range s.Points {
		var settings []lab.Setting
		for _, q := range t.brief.Space.Parameters {
			if v, ok := p[q.Name]; ok {
				settings = append(settings, lab.Setting{Name: q.Name, Value: v})
			}
		}
		state, err := t.space.Read(settings)
		if err != nil || len(settings) < len(p) {
			return lab.Errorf(lab.Invalid, "brief.safe.points[%d] is no point of the space: %v", i, err)
		}
		g.anchor(t, state)
	}
	for _, e := range t.known {
		kept := !e.failed && g.keeps(e.observed)
		g.kept, g.all = append(g.kept, kept), append(g.all, e.features)
		if kept {
			g.anchor(t, e.state)
		} else {
			g.broke = append(g.broke, e.features)
		}
	}
	t.guard = g
	return nil
}

func (g *guard) anchor(t *task, state []float64) {
	a := anchor{state: slices.Clone(state), features: make([]float64, len(state))}
	t.space.Features(state, a.features)
	g.anchors = append(g.anchors, a)
}

// keeps reports whether outcomes keep to all limits that they tell of.
func (g *guard) keeps(observed []lab.Measured) bool {
	for _, l := range g.rule.Limits {
		for _, m := range observed {
			if m.Name == l.Objective && !l.Kept(m.Value) {
				return false
			}
		}
	}
	return true
}

// steps returns how many steps of the safe start two points are apart, of all
// numbers the most; another choice is no step at all. More than beyond are +Inf.
func (g *guard) steps(a, b []float64, beyond float64) float64 {
	most := 0.0
	for c, col := range g.cols {
		d := math.Abs(a[c] - b[c])
		switch {
		case d == 0:
		case col.Levels > 0 || col.Optional && math.Min(a[c], b[c]) == space.AbsentFeature:
			return math.Inf(1)
		default:
			if most = math.Max(most, d/g.rule.Within); most > beyond {
				return math.Inf(1)
			}
		}
	}
	return most
}

// aside forgives rounding, in steps.
const aside = 1e-9

// safe reports whether a state may be tried.
func (t *task) safe(state []float64) bool {
	g := t.guard
	if g == nil {
		return true
	}
	f := make([]float64, len(state))
	t.space.Features(state, f)
	nearest := math.Inf(1)
	for _, a := range g.anchors {
		nearest = math.Min(nearest, g.steps(f, a.features, math.Min(nearest, 1+aside)))
	}
	ok := nearest <= 1+aside
	for _, b := range g.broke {
		ok = ok && g.steps(f, b, nearest) > nearest
	}
	if ok = ok && g.expects(t.row(state, f), 0) || g.sure(t.row(state, f)); !ok {
		g.stopped = true
	}
	return ok
}

// sure reports whether the model is confident that an experiment keeps.
func (g *guard) sure(x []float64) bool {
	if g.model == nil || g.success == nil {
		return false
	}
	p, sd := g.success.Predict(x, g.tools.success)
	latent := math.Sqrt2 * math.Erfinv(2*math.Min(p, 1-1e-15)-1) * math.Sqrt(1+sd*sd)
	low := 0.5 * math.Erfc(-(latent-2*sd)/math.Sqrt2)
	if len(g.broke) == 0 && len(g.rule.Limits) > 0 {
		low = 1 // nothing broke but what the limits' own models are about
	}
	return low >= g.rule.Chance && g.expects(x, 2)
}

// expects reports whether every limit is kept so many standard deviations to the
// bad side of what each member predicts, and with none of them that success is
// likely where anything has failed. Before there is a model it is.
func (g *guard) expects(x []float64, deviations float64) bool {
	if g.model == nil {
		return deviations == 0
	}
	if len(g.broke) > 0 && deviations == 0 {
		// A step may fail twice as often as what is far away: it is a small one.
		if p, _ := g.success.Predict(x, g.tools.success); p < 2*g.rule.Chance-1 {
			return false
		}
	}
	for j, limits := range g.limits {
		r := g.model.responses[j]
		for _, l := range limits {
			for k := range g.model.members {
				m, v := g.model.members[k].posts[j].Predict(x, g.tools.posts[k][j])
				d := deviations * math.Sqrt(v)
				if !l.Kept(r.original(m-d)) || !l.Kept(r.original(m+d)) {
					return false
				}
			}
		}
	}
	return deviations == 0 || g.judges()
}

// judges reports whether every limit has a model.
func (g *guard) judges() bool {
	n := 0
	for _, limits := range g.limits {
		n += len(limits)
	}
	return n == len(g.rule.Limits)
}

// learnedFrom is from how many experiments on a model is confident of anything.
const learnedFrom = 8

// instruct gives the guard what has been learned.
func (t *task) instruct(m *surrogate) {
	g := t.guard
	if g == nil || len(t.known) < learnedFrom {
		return
	}
	g.model, g.tools = m, m.tools()
	g.limits = make([][]lab.Limit, len(m.responses))
	for j, r := range m.responses {
		for _, l := range g.rule.Limits {
			if l.Objective == r.objective.Name {
				g.limits[j] = append(g.limits[j], l)
			}
		}
	}
	from := max(0, len(g.all)-classifyMax)
	g.success = gp.Classify(m.metric, g.all[from:], g.kept[from:])
	g.tools.success = g.success.NewScratch()
}

// declared puts the declared points before what a strategy draws: those first that
// somebody vouches for.
func (t *task) declared(next func() ([]float64, error)) func() ([]float64, error) {
	if t.guard == nil {
		return next
	}
	at := 0
	return func() ([]float64, error) {
		for ; at < len(t.guard.rule.Points); at++ {
			state := t.guard.anchors[at].state
			if ok, err := t.available(state); err != nil || ok {
				at++
				return state, err
			}
		}
		return next()
	}
}

// around writes states within a step of the safe points, each in turn.
func (g *guard) around(sp *space.Space, i int, u, out []float64) {
	sp.Near(g.anchors[i%len(g.anchors)].state, u, g.rule.Within, out)
}

// guardNote tells what holds the plan.
func (t *task) guardNote() string {
	g := t.guard
	s := fmt.Sprintf("Safe start: experiments stay within %s of each range of %d declared points and of %d experiments that kept", percent(g.rule.Within), len(g.rule.Points), len(g.anchors)-len(g.rule.Points))
	if n := len(g.broke); n > 0 {
		s += fmt.Sprintf(", away from %d that did not", n)
	}
	if g.model == nil {
		return s + fmt.Sprintf("; from %d experiments on also where the model is sure.", learnedFrom)
	}
	return s + fmt.Sprintf(", and go beyond only where success is at least %s likely at two standard deviations to the bad side.", percent(g.rule.Chance))
}

// vouched says of a state that a strategy drew what the safe start made of it.
func (t *task) vouched(state []float64, reason string) string {
	if t.guard == nil {
		return reason
	}
	for _, a := range t.guard.anchors[:len(t.guard.rule.Points)] {
		if slices.Equal(a.state, state) {
			return "a point that is declared safe, done before any other"
		}
	}
	return reason + ", as far as it is safe: within " + percent(t.guard.rule.Within) + " of each range of what is known to be"
}
