package campaign

import (
	"slices"

	"github.com/athanor-lab/athanor/lab"
)

// policies checks the plan, the budget and what follows failures.
func (c *checker) policies() {
	if p := c.doc.Plan; p.InFlight > 0 && p.InFlight < p.Batch {
		c.addf("plan.in_flight", "is %d, fewer than the batch of %d", p.InFlight, p.Batch).right("at least %d: a plan is made when as many places are free", p.Batch)
	}
	c.time("budget.time", c.doc.Budget.Time)
	if m := c.doc.Budget.Cost; m != nil && currency.matches(m.Currency) && !slices.Contains(currencies, m.Currency) {
		c.addf("budget.cost.currency", "%q is no currency of ISO 4217", m.Currency).right("%s", known(m.Currency, currencies, "usual currencies"))
	}
}

// Notes says what a document asks for that has no effect yet or that may
// surprise its author. They are no problems.
func Notes(doc lab.Document) []string {
	doc = Defaults(doc)
	var notes []string
	if doc.Literature != nil {
		notes = append(notes, "literature: published work is not searched yet; the section is kept with the campaign and has no effect")
	}
	if m := doc.Plan.Model; m != "" && m != "auto" {
		notes = append(notes, "plan.model: models cannot be chosen yet; the planner fits its own")
	}
	if doc.Budget.Cost != nil {
		notes = append(notes, "budget.cost: cost is not counted yet; the limit is kept with the campaign and has no effect")
	}
	if n, finite := pointsOf(doc.Space); finite && n < float64(doc.Budget.Experiments) {
		notes = append(notes, "budget.experiments: the space has "+figure(n)+" points only; the campaign ends when they are used up")
	}
	return append(notes, cautions(doc)...)
}

// pointsOf counts the points of a space without regard to constraints; finite
// is false when there is no end to them.
func pointsOf(s lab.Space) (n float64, finite bool) {
	if len(s.Pool) > 0 {
		return float64(len(s.Pool)), true
	}
	n = 1
	for _, p := range s.Parameters {
		switch {
		case p.Type == lab.Integer && p.Min != nil && p.Max != nil:
			n *= *p.Max - *p.Min + 1
		case p.Type == lab.Discrete:
			n *= float64(len(p.Values))
		case p.Type == lab.Categorical:
			n *= float64(len(p.Levels))
		default:
			return 0, false
		}
	}
	return n, len(s.Parameters) > 0
}
