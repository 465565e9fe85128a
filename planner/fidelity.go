package planner

import (
	"fmt"
	"math"
	"slices"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/planner/gp"
)

// fidelity is a parameter that says how well an experiment is done. The answer is
// judged at its target; what is done more cheaply tells something of that.
//
// A candidate at a cheaper setting is worth what the same candidate at the target
// would be, times the correlation of what would be observed with what would be
// learned, over what it costs beside the target:
//
//	ln gain(x at the target) + ln ρ - ln(cost(x)/cost(x at the target))
//
// with ρ = cov(y(x), f(x at the target)) / √(var y · var f), given the data: Huang,
// Allen, Notz & Miller, Sequential kriging optimization using multiple-fidelity
// evaluations, Struct. Multidisc. Optim. 32 (2006). What was measured already tells
// nothing again, since then ρ falls to 0; and where the fidelities differ, the
// length scale of the parameter says so. A bias that is the same everywhere is a
// slope of its own, which is learned.
type fidelity struct {
	rule   lab.FidelityRule
	column int
	choice bool
	state  float64 // the target in a state
	target float64 // and in the features
	of     func([]lab.Setting) (float64, error)
	scale  lab.Parameter
}

// weighFidelity reads the brief's fidelity.
func (t *task) weighFidelity(compile func(lab.Space, lab.CostRule) (func([]lab.Setting) (float64, error), error)) error {
	r := t.brief.Fidelity
	if r == nil {
		return nil
	}
	i := slices.IndexFunc(t.brief.Space.Parameters, func(p lab.Parameter) bool { return p.Name == r.Parameter })
	if i < 0 {
		return lab.Errorf(lab.Invalid, "brief.fidelity.parameter is %q, which is no parameter of the space", r.Parameter)
	}
	p := t.brief.Space.Parameters[i]
	if p.Type == lab.Composition || p.When != "" {
		return lab.Errorf(lab.Invalid, "brief.fidelity.parameter is %q; it is a number or a choice that every experiment has", r.Parameter)
	}
	f := &fidelity{rule: *r, choice: p.Type == lab.Categorical, scale: p}
	column, state, feature, err := t.space.Place(i, r.Target)
	if err != nil {
		return lab.Errorf(lab.Invalid, "brief.fidelity.target: %w", err)
	}
	f.column, f.state, f.target = column, state, feature
	if r.Cost != "" {
		if compile == nil {
			return lab.Errorf(lab.Invalid, "brief.fidelity says what experiments cost and the planner was made without a way to work it out")
		}
		if f.of, err = compile(t.brief.Space, lab.CostRule{Each: r.Cost, Tables: r.Tables}); err != nil {
			return fmt.Errorf("compile brief.fidelity: %w", err)
		}
	}
	t.fidelity = f
	return nil
}

// judged reports whether a state counts for the answer.
func (t *task) judged(state []float64) bool {
	return t.fidelity == nil || state[t.fidelity.column] == t.fidelity.state
}

// atTarget writes a state at the target of the fidelity into out.
func (f *fidelity) atTarget(state, out []float64) {
	copy(out, state)
	out[f.column] = f.state
}

// targeted returns the row of the same experiment at the target. Scores of sources
// stay those of the experiment itself.
func (f *fidelity) targeted(row, out []float64) []float64 {
	out = append(out[:0], row...)
	out[f.column] = f.target
	return out
}

// share returns what an experiment costs beside the same one at the target.
func (t *task) share(state []float64) float64 {
	if t.judged(state) || t.fidelity.of == nil {
		return 1
	}
	target := make([]float64, len(state))
	t.fidelity.atTarget(state, target)
	cheap, err := t.fidelity.of(t.space.Settings(state))
	dear, err2 := t.fidelity.of(t.space.Settings(target))
	if err != nil || err2 != nil || !(cheap > 0) || !(dear > 0) {
		return 1
	}
	return cheap / dear
}

// bias is the trend that tells fidelities apart everywhere alike: a step for
// choices, a slope for numbers, 0 at the target.
func (f *fidelity) bias() gp.Trend {
	return gp.Trend{Column: f.column, SD: 1, Zero: f.target, Step: f.choice}
}

// trended returns the metric of a response with what it follows.
func (s *surrogate) trended(trends []gp.Trend) gp.Metric {
	m := s.metric
	m.Trends = trends
	if s.fidelity != nil {
		m.Trends = append(slices.Clone(trends), s.fidelity.bias())
	}
	return m
}

// told returns the logarithm of how much an observation at row x tells member k of
// f at the target: its correlation, of several objectives the mean.
func (s *surrogate) told(k int, x, target []float64, w *tools) float64 {
	posts := s.members[k].posts
	sum := 0.0
	for j, p := range posts {
		sum += p.Tells(x, target, w.posts[k][j]) / float64(len(posts))
	}
	return math.Log(math.Max(sum, 1e-9))
}

// faithful turns every other state of an even spread into one at the target, where
// that is free: the answer is judged there, and how far the others tell of it is
// learned from both.
func (t *task) faithful(next func() ([]float64, error)) func() ([]float64, error) {
	if t.fidelity == nil {
		return next
	}
	number := t.brief.First
	return func() ([]float64, error) {
		state, err := next()
		if err != nil || state == nil {
			return state, err
		}
		number++
		if number%2 == 1 || t.judged(state) {
			return state, nil
		}
		target := make([]float64, len(state))
		t.fidelity.atTarget(state, target)
		if ok, err := t.available(target); err != nil || !ok {
			return state, err
		}
		return target, nil
	}
}

// available is [task.free] for states that need not be listed.
func (t *task) available(state []float64) (bool, error) {
	if t.space.Listed() && !t.space.Lists(state) {
		return false, nil
	}
	return t.free(state)
}

// cheaply says why a proposal is not done at the target, or "".
func (w *writer) cheaply(x, state []float64) string {
	f := w.t.fidelity
	if f == nil || w.t.judged(state) || len(w.model.members) == 0 {
		return ""
	}
	told := 0.0
	target := f.targeted(x, nil)
	for k := range w.model.members {
		told += w.model.members[k].weight * math.Exp(w.model.told(k, x, target, &w.tools))
	}
	s := fmt.Sprintf("; done at %s %s, which tells of %s %s with a correlation of %.2f", f.rule.Parameter, w.t.valueAt(state, f), f.rule.Parameter, withUnit(f.rule.Target.String(), f.scale.Unit), told)
	if f.of != nil {
		s += " at " + percent(w.t.share(state)) + " of its cost"
	}
	return s
}

func (t *task) valueAt(state []float64, f *fidelity) string {
	for _, s := range t.space.Settings(state) {
		if s.Name == f.rule.Parameter {
			return withUnit(s.Value.String(), s.Unit)
		}
	}
	return ""
}

// fidelityNote tells how many experiments count for the answer.
func (t *task) fidelityNote() string {
	n := 0
	for _, e := range t.known {
		if t.judged(e.state) {
			n++
		}
	}
	f := t.fidelity
	return fmt.Sprintf("%d of %d experiments were done at %s %s, where the answer is judged; the others tell of it as far as the model has learned.",
		n, len(t.known), f.rule.Parameter, withUnit(f.rule.Target.String(), f.scale.Unit))
}
