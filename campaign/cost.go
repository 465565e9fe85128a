package campaign

import (
	"math"
	"slices"
	"strings"

	"github.com/athanor-lab/athanor/expr"
	"github.com/athanor-lab/athanor/lab"
)

// Cost returns what an experiment costs, in the currency of the budget; counted
// is false where the document does not say.
func (p *Program) Cost(settings []lab.Setting) (cost float64, counted bool, err error) {
	if p.cost == nil {
		return 0, false, nil
	}
	vars, _, err := p.scope(settings, nil)
	if err != nil {
		return 0, true, err
	}
	cost, err = p.cost.Number(vars)
	switch {
	case err != nil:
		return 0, true, err
	case !(cost >= 0) || math.IsInf(cost, 1):
		return 0, true, lab.Errorf(lab.Invalid, "an experiment costs %s; a cost is a number from 0", figure(cost))
	}
	return cost, true, nil
}

// Costs compiles what experiments cost by a rule in a space. The function is safe
// for concurrent use.
func Costs(s lab.Space, r lab.CostRule) (func([]lab.Setting) (float64, error), error) {
	p, problems := Compile(lab.Document{
		Space: s, Protocol: lab.Protocol{Tables: r.Tables}, Budget: lab.Budget{Cost: &lab.Spending{Each: r.Each}},
	})
	if len(problems) > 0 {
		return nil, lab.Errorf(lab.Invalid, "compile the costs: %s", problems[0])
	}
	return func(settings []lab.Setting) (float64, error) {
		cost, _, err := p.Cost(settings)
		return cost, err
	}, nil
}

// fidelity checks that the fidelity is a parameter with that value and that there
// is something cheaper than the target.
func (c *checker) fidelity() {
	f := c.doc.Plan.Fidelity
	if f == nil || f.Parameter == "" || c.unsure["space.parameters"] {
		return
	}
	names := namesOf(c.doc.Space.Parameters, func(p lab.Parameter) string { return p.Name })
	i := slices.Index(names, f.Parameter)
	if i < 0 {
		c.addf("plan.fidelity.parameter", "there is no parameter %q", clip(f.Parameter)).right("%s", known(f.Parameter, names, "parameters"))
		return
	}
	p := c.doc.Space.Parameters[i]
	switch wrong := misfit(p, f.Target); {
	case p.Type == lab.Composition:
		c.addf("plan.fidelity.parameter", "%s is a composition", p.Name).right("a number or a choice")
		return
	case p.When != "":
		c.addf("plan.fidelity.parameter", "%s may be absent", p.Name).right("a parameter without a condition: every experiment has a fidelity")
		return
	case f.Target.Kind() == lab.Absent:
		c.addf("plan.fidelity.target", "is missing").right("the value of %s at which the answer is judged", p.Name)
		return
	case wrong != "":
		c.addf("plan.fidelity.target", "%s", wrong).right("a value of %s", p.Name)
		return
	}
	for j, x := range c.program.conditions {
		if x != nil && slices.ContainsFunc(x.Names(), func(n string) bool { return n == p.Name || strings.HasPrefix(n, p.Name+".") }) {
			c.addf(at(atIndex("space.parameters", j), "when"), "needs %s, which is the fidelity", p.Name).right("a condition over what the experiment is about; its fidelity says only how well it is done")
		}
	}
	cost := c.program.fidelity
	if f.Cost == "" {
		cost = c.program.cost
	}
	if cost == nil {
		if !c.has("plan.fidelity.cost") && !c.has("budget.cost") {
			c.addf("plan.fidelity.cost", "is missing").right("what an experiment costs, such as %q, or budget.cost.each", p.Name)
		}
		return
	}
	if !c.has("plan.fidelity.cost") && !c.has("budget.cost") {
		c.cheaper(p, cost)
	}
}

// cheaper complains where no experiment costs less than at the target.
func (c *checker) cheaper(p lab.Parameter, cost *expr.Program) {
	f := c.doc.Plan.Fidelity
	least := math.Inf(1) // cost beside the target's
	for _, settings := range c.samplePoints() {
		k := slices.IndexFunc(settings, func(s lab.Setting) bool { return s.Name == p.Name })
		both := [2][]lab.Setting{settings, slices.Clone(settings)}
		both[1][k].Value = f.Target
		var costs [2]float64
		for i, s := range both {
			vars, _, err := c.program.scope(s, nil)
			if err != nil {
				return
			}
			x, err := cost.Number(vars)
			if err == nil && !(x > 0) {
				err = lab.Errorf(lab.Invalid, "an experiment costs %s", figure(x))
			}
			if err != nil {
				c.addf("plan.fidelity.cost", "%v%s", cause(err), where(cost, s)).right("a number above 0 of settings and tables alone")
				return
			}
			costs[i] = x
		}
		least = math.Min(least, costs[0]/costs[1])
	}
	if least >= 1 && !math.IsInf(least, 1) {
		c.addf("plan.fidelity.cost", "is nowhere less than at %s = %s", p.Name, f.Target).right("a cost that a lower fidelity makes smaller, or no plan.fidelity")
	}
}

// spending checks what experiments cost: at every point that can be tried it is a
// number from 0, it needs no result, and the budget pays for one at least.
func (c *checker) spending() {
	m := c.doc.Budget.Cost
	if m == nil || m.Each == "" || c.program.cost == nil {
		return
	}
	cheapest := math.Inf(1)
	for _, settings := range c.samplePoints() {
		cost, _, err := c.program.Cost(settings)
		if err != nil {
			c.addf("budget.cost.each", "%v%s", err, where(c.program.cost, settings)).right("a number from 0 of settings and tables alone; no experiment has results before it is chosen")
			return
		}
		cheapest = math.Min(cheapest, cost)
	}
	if cheapest > m.Value && !math.IsInf(cheapest, 1) {
		c.addf("budget.cost.value", "is %s, and the cheapest experiment costs %s", figure(m.Value), figure(cheapest)).right("enough for one experiment")
	}
}
