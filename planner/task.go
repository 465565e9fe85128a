package planner

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/planner/space"
)

// task is one brief with its experiments as rows of the space.
type task struct {
	brief    lab.Brief
	space    *space.Space
	known    []experiment
	pending  []experiment
	taken    map[string]bool // keys of what was done, runs or is proposed
	rows     [][]float64     // and its features
	scratch  []float64
	snapped  []float64    // scratch as well
	spacing  float64      // how far proposals keep from what is taken, see [roomFor]
	running  int          // the first of rows that keeps [batchSpacing]
	purse    *purse       // nil where cost is not counted
	fidelity *fidelity    // nil where all experiments are alike
	guard    *guard       // nil where nothing holds experiments back
	scores   []*score     // of the brief's sources, and of [task.deepen]
	kept     map[int]bool // of known, what Gaussian processes learn from; nil for all
}

// experiment is a known or pending experiment as the models see it.
type experiment struct {
	number   int
	state    []float64
	features []float64
	row      []float64 // the features with the scores behind
	key      string
	observed []lab.Measured
	failed   bool
}

// checkNumbers refuses what no strategy can work with.
func checkNumbers(b lab.Brief) error {
	if b.Want < 1 {
		return lab.Errorf(lab.Invalid, "brief.want is %d; ask for at least one experiment", b.Want)
	}
	if b.First < 1 {
		return lab.Errorf(lab.Invalid, "brief.first is %d; experiments count from 1", b.First)
	}
	names := make(map[string]bool)
	for i, o := range b.Objectives {
		if o.Name == "" {
			return lab.Errorf(lab.Invalid, "brief.objectives[%d].name is empty", i)
		}
		if names[o.Name] {
			return lab.Errorf(lab.Invalid, "brief.objectives[%d].name %q is used twice", i, o.Name)
		}
		names[o.Name] = true
		if o.Direction != lab.Maximize && o.Direction != lab.Minimize {
			return lab.Errorf(lab.Invalid, `brief.objectives[%d].direction is %q; it is "maximize" or "minimize"`, i, o.Direction)
		}
	}
	for i, k := range b.Known {
		for _, m := range k.Observed {
			if !names[m.Name] {
				return lab.Errorf(lab.Invalid, "brief.known[%d] observes %q, which is no objective of the brief", i, m.Name)
			}
			if math.IsNaN(m.Value) || math.IsInf(m.Value, 0) {
				return lab.Errorf(lab.Invalid, "brief.known[%d] observes %s = %g; an observation is a finite number", i, m.Name, m.Value)
			}
			if m.Sigma != nil && (math.IsNaN(*m.Sigma) || math.IsInf(*m.Sigma, 0) || *m.Sigma < 0) {
				return lab.Errorf(lab.Invalid, "brief.known[%d] gives %s the standard deviation %g; it is a finite number from 0", i, m.Name, *m.Sigma)
			}
		}
	}
	return checkSources(b)
}

func newTask(b lab.Brief, sp *space.Space) (*task, error) {
	n := len(b.Known) + len(b.Pending)
	t := &task{brief: b, space: sp, taken: make(map[string]bool, n+b.Want), scratch: make([]float64, sp.Width()), running: math.MaxInt}
	if b.Policy.Planner != "sobol" && b.Policy.Planner != "random" {
		t.readSources()
	}
	t.known, t.rows = make([]experiment, 0, len(b.Known)), make([][]float64, 0, n+b.Want)
	for i, k := range b.Known {
		e, err := t.experiment(k.Number, k.Settings)
		if err != nil {
			return nil, lab.Errorf(lab.Invalid, "brief.known[%d], experiment #%d: %w", i, k.Number, err)
		}
		e.observed = k.Observed
		e.failed = k.Failed || len(k.Observed) == 0
		t.known = append(t.known, e)
	}
	for i, k := range b.Pending {
		e, err := t.experiment(k.Number, k.Settings)
		if err != nil {
			return nil, lab.Errorf(lab.Invalid, "brief.pending[%d], experiment #%d: %w", i, k.Number, err)
		}
		t.pending = append(t.pending, e)
	}
	t.spacing = roomFor(len(t.rows)+b.Want, sp.Columns())
	return t, nil
}

func (t *task) experiment(number int, settings []lab.Setting) (experiment, error) {
	state, err := t.space.Read(settings)
	if err != nil {
		return experiment{}, err
	}
	e := experiment{number: number, state: state, features: make([]float64, t.space.Width()), key: t.space.Key(state)}
	t.space.Features(state, e.features)
	e.row = t.row(state, e.features)
	t.taken[e.key] = true
	t.rows = append(t.rows, e.features)
	// A hand-made experiment may lie between the settings of the space. What it
	// would be snapped to may then be close enough to count as done.
	t.snapped = append(t.snapped[:0], state...)
	snapped := t.snapped
	t.space.Snap(snapped)
	if !slices.Equal(snapped, state) {
		t.space.Features(snapped, t.scratch)
		if near(e.features, t.scratch, 1e-4) {
			t.taken[t.space.Key(snapped)] = true
		}
	}
	return e, nil
}

// decide runs the strategy that the policy names.
func (t *task) decide(ctx context.Context, plan *lab.Plan) error {
	switch name := t.brief.Policy.Planner; name {
	case "", "auto", "bayes":
		if len(t.brief.Objectives) == 0 {
			return lab.Errorf(lab.Invalid, "brief.objectives is empty; the planner %q needs at least one", "bayes")
		}
		plan.Planner = "bayes/" + Version
		return t.bayes(ctx, plan)
	default:
		strategy, ok := strategies[name]
		if !ok {
			return unknownStrategy(name)
		}
		plan.Planner = name + "/" + Version
		next, reason := strategy(t)
		ps, err := t.drawn(t.declared(next), reason, t.brief.Want)
		plan.Proposals = ps
		if t.guard != nil {
			plan.Notes = append(plan.Notes, t.guardNote())
		}
		return err
	}
}

func (t *task) exhaustedNote(made int) string {
	switch {
	case t.purse != nil && t.purse.dear:
		return fmt.Sprintf("%d of %d wanted experiments could be found: what is left of the budget of cost, %s, pays for no other.", made, t.brief.Want, digits(t.purse.left, 4))
	case t.guard != nil && t.guard.stopped:
		return fmt.Sprintf("%d of %d wanted experiments could be found that are safe: declare more points in safety.start, or a larger step within.", made, t.brief.Want)
	case t.space.Listed() && t.space.Len() == 0:
		return "No point of the space meets its constraints: loosen a constraint or widen a parameter."
	case t.space.Listed():
		return fmt.Sprintf("The space is exhausted: all %d possible experiments are done, running or proposed; %d of %d wanted could be found.", t.space.Len(), made, t.brief.Want)
	default:
		return fmt.Sprintf("Only %d of %d wanted experiments could be found in %d attempts: the constraints leave almost nothing of the space, or all of it is done already.", made, t.brief.Want, maxAttempts)
	}
}
