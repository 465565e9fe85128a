package campaign

import (
	"math"

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
