package plugin

import (
	"fmt"
	"math"
	"slices"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/planner/space"
)

// checker says what is wrong with a plan for a brief.
type checker struct {
	brief    lab.Brief
	space    *space.Space
	feasible func([]lab.Setting) (bool, error)
	taken    map[string]string // key of the settings, and what has them
	listed   map[string]bool   // keys of the pool
}

func (c *checker) take(b lab.Brief) error {
	for _, k := range b.Known {
		if err := c.mark(k.Settings, k.Number); err != nil {
			return err
		}
	}
	for _, k := range b.Pending {
		if err := c.mark(k.Settings, k.Number); err != nil {
			return err
		}
	}
	if len(b.Space.Pool) > 0 {
		c.listed = make(map[string]bool)
		for i := range c.space.Len() {
			c.listed[c.space.KeyAt(i)] = true
		}
	}
	return nil
}

func (c *checker) mark(settings []lab.Setting, number int) error {
	state, err := c.space.Read(settings)
	if err != nil {
		return lab.Errorf(lab.Invalid, "experiment #%d of the brief: %w", number, err)
	}
	c.taken[c.space.Key(state)] = fmt.Sprintf("experiment #%d", number)
	return nil
}

// plan returns why a plan is refused, or nil with its settings written in the
// order and units of the space and its empty fields filled in.
func (c *checker) plan(p *lab.Plan) error {
	switch n := len(p.Proposals); {
	case n > c.brief.Want:
		return lab.Errorf(lab.Invalid, "it proposed %d experiments, %d were wanted", n, c.brief.Want)
	case n == 0 && !p.Exhausted:
		return lab.Errorf(lab.Invalid, "it proposed nothing and did not say that the space is exhausted")
	case n < c.brief.Want && !p.Exhausted:
		return lab.Errorf(lab.Invalid, "it proposed %d experiments of %d without saying that the space is exhausted", n, c.brief.Want)
	}
	for i := range p.Proposals {
		if err := c.proposal(&p.Proposals[i], i); err != nil {
			return lab.Errorf(lab.Invalid, "its proposals[%d]: %w", i, err)
		}
	}
	return nil
}

func (c *checker) proposal(q *lab.Proposal, i int) error {
	state, err := c.space.Read(q.Settings)
	if err != nil {
		return err
	}
	if c.listed == nil { // a pool may hold what its parameters alone would not allow
		if err := c.inside(state); err != nil {
			return err
		}
	}
	if c.feasible != nil {
		ok, err := c.feasible(c.space.Settings(state))
		if err != nil {
			return fmt.Errorf("check the constraints: %w", err)
		}
		if !ok {
			return lab.Errorf(lab.Invalid, "%s breaks a constraint of the space", space.Describe(c.space.Settings(state)))
		}
	}
	key := c.space.Key(state)
	if by, ok := c.taken[key]; ok {
		return lab.Errorf(lab.Invalid, "%s repeats %s", space.Describe(c.space.Settings(state)), by)
	}
	if c.listed != nil && !c.listed[key] {
		return lab.Errorf(lab.Invalid, "%s is not among the %d candidates", space.Describe(c.space.Settings(state)), len(c.listed))
	}
	c.taken[key] = fmt.Sprintf("proposals[%d]", i)
	q.Settings = c.space.Settings(state)
	if q.Reason == "" {
		q.Reason = "The plug-in gave no reason."
	}
	if q.Acquisition != nil && !finite(q.Acquisition.Value) {
		return lab.Errorf(lab.Invalid, "acquisition.value is %g", q.Acquisition.Value)
	}
	if q.Predictions == nil {
		q.Predictions = []lab.Prediction{}
	}
	for k, pr := range q.Predictions {
		o := slices.IndexFunc(c.brief.Objectives, func(o lab.Objective) bool { return o.Name == pr.Objective })
		switch {
		case o < 0:
			return lab.Errorf(lab.Invalid, "predictions[%d] is of %q, which is no objective", k, pr.Objective)
		case !finite(pr.Mean) || !finite(pr.Sigma) || !finite(pr.Low) || !finite(pr.High) || pr.Sigma < 0 || pr.Low > pr.High:
			return lab.Errorf(lab.Invalid, "predictions[%d] has mean %g, sigma %g and interval [%g, %g]", k, pr.Mean, pr.Sigma, pr.Low, pr.High)
		case pr.Unit != "" && pr.Unit != c.brief.Objectives[o].Unit:
			return lab.Errorf(lab.Invalid, "predictions[%d] is in %q; the objective is in %q", k, pr.Unit, c.brief.Objectives[o].Unit)
		}
		q.Predictions[k].Unit = c.brief.Objectives[o].Unit
	}
	return nil
}

// inside refuses what the parameters cannot be set to: numbers beyond their
// bounds, between the values of a list or the steps of a grid, and compositions
// that do not add up.
func (c *checker) inside(state []float64) error {
	snapped := slices.Clone(state)
	c.space.Snap(snapped)
	for k, col := range c.space.Columns() {
		p := c.space.Parameter(col.Parameter)
		span := 1.0
		switch {
		case p.Type == lab.Continuous && p.Min != nil && p.Max != nil:
			// Continuous settings may be finer than we would make them.
			if x := state[k]; x < *p.Min || x > *p.Max {
				return lab.Errorf(lab.Invalid, "%s is %g, outside [%g, %g]", p.Name, x, *p.Min, *p.Max)
			}
			continue
		case p.Type == lab.Composition:
			if p.Sum != nil {
				span = *p.Sum
			}
			if p.Step == nil { // as fine as it likes, if it adds up
				span *= 1e3
			}
		default:
			span = math.Max(1, math.Abs(snapped[k]))
		}
		if math.Abs(snapped[k]-state[k]) > 1e-6*span {
			name := p.Name
			if p.Type == lab.Composition {
				name += "." + p.Parts[col.Part]
			}
			return lab.Errorf(lab.Invalid, "%s is %g, which it cannot be set to; the nearest is %g", name, state[k], snapped[k])
		}
		if p.Step != nil || p.Type != lab.Composition {
			state[k] = snapped[k]
		}
	}
	return c.sums(state)
}

// sums refuses compositions that do not add up or have too many parts.
func (c *checker) sums(state []float64) error {
	columns := c.space.Columns()
	for k := range columns {
		p := c.space.Parameter(columns[k].Parameter)
		if p.Type != lab.Composition || columns[k].Part != 0 {
			continue
		}
		want, sum, nonzero := 1.0, 0.0, 0
		if p.Sum != nil {
			want = *p.Sum
		}
		for _, x := range state[k : k+len(p.Parts)] {
			sum += x
			if x > 0 {
				nonzero++
			}
		}
		if math.Abs(sum-want) > 1e-6*want {
			return lab.Errorf(lab.Invalid, "%s adds up to %g, not to %g", p.Name, sum, want)
		}
		if p.MaxNonzero != nil && nonzero > *p.MaxNonzero {
			return lab.Errorf(lab.Invalid, "%s has %d parts, at most %d may be there", p.Name, nonzero, *p.MaxNonzero)
		}
	}
	return nil
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
