package planner

import (
	"fmt"
	"math"

	"github.com/athanor-lab/athanor/lab"
)

// purse is what experiments cost and what may still be spent.
type purse struct {
	of    func([]lab.Setting) (float64, error)
	left  float64
	total float64
	// weight is how much the logarithm of the cost counts beside that of the gain:
	// the share of the money that is left. What is dear and promising waits until
	// cheap experiments have said where it is worth it (Lee, Perrone, Archambeau &
	// Seeger, Cost-aware Bayesian optimization, 2020,
	// https://arxiv.org/abs/2003.10870).
	weight float64
	least  float64 // a cost below which no cheaper one counts for more
	dear   bool    // something could not be afforded
}

// leastShare is the share of the budget below which costs are all alike.
const leastShare = 1e-4

// reckon reads the brief's costs.
func (t *task) reckon(compile func(lab.Space, lab.CostRule) (func([]lab.Setting) (float64, error), error)) error {
	r := t.brief.Cost
	if r == nil {
		return nil
	}
	if !(r.Total > 0) || math.IsInf(r.Total, 1) || math.IsNaN(r.Left) || math.IsInf(r.Left, 0) {
		return lab.Errorf(lab.Invalid, "brief.cost has %g left of %g; both are finite numbers, the total above 0", r.Left, r.Total)
	}
	if compile == nil {
		return lab.Errorf(lab.Invalid, "brief.cost says what experiments cost and the planner was made without a way to work it out")
	}
	of, err := compile(t.brief.Space, *r)
	if err != nil {
		return fmt.Errorf("compile brief.cost: %w", err)
	}
	t.purse = &purse{of: of, left: r.Left, total: r.Total, weight: math.Max(0, math.Min(1, r.Left/r.Total)), least: leastShare * r.Total}
	return nil
}

// affordable reports whether a state can be paid for.
func (t *task) affordable(state []float64) (bool, error) {
	if t.purse == nil {
		return true, nil
	}
	cost, err := t.purse.of(t.space.Settings(state))
	if err == nil && cost > t.purse.left {
		t.purse.dear = true
		return false, nil
	}
	return err == nil, err
}

// pay takes the cost of a chosen state.
func (t *task) pay(state []float64) {
	if t.purse == nil {
		return
	}
	// It was asked for before the state was chosen.
	if cost, err := t.purse.of(t.space.Settings(state)); err == nil {
		t.purse.left -= cost
	}
}

// discount is what the cost of a state takes off the logarithm of its gain: all of
// what it costs beside the target of a fidelity, and of what the target costs as
// much as [purse.weight] says.
func (t *task) discount(state []float64) float64 {
	fidelity := 0.0
	if t.fidelity != nil {
		fidelity = math.Log(t.share(state))
		target := make([]float64, len(state))
		t.fidelity.atTarget(state, target)
		state = target
	}
	if t.purse == nil {
		return fidelity
	}
	cost, err := t.purse.of(t.space.Settings(state))
	if err != nil {
		return math.Inf(1)
	}
	return fidelity + t.purse.weight*math.Log(math.Max(cost, t.purse.least))
}

// costNote tells of the money that is left.
func (t *task) costNote() string {
	s := fmt.Sprintf("%s of %s are left to spend after this plan; cheaper candidates count for more while much is.", digits(t.purse.left, 4), digits(t.purse.total, 4))
	if t.purse.dear {
		s += " Candidates that cost more than what is left were passed over."
	}
	return s
}
