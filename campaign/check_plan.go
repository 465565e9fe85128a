package campaign

import (
	"regexp"
	"slices"
	"strings"

	"github.com/athanor-lab/athanor/lab"
)

// modelRef is a model's name, or name and version.
var modelRef = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}(@[0-9a-f]{1,64})?$`)

// policies checks the plan, the budget and what follows failures.
func (c *checker) policies() {
	if p := c.doc.Plan; p.InFlight > 0 && p.InFlight < p.Batch {
		c.addf("plan.in_flight", "is %d, fewer than the batch of %d", p.InFlight, p.Batch).right("at least %d: a plan is made when as many places are free", p.Batch)
	}
	switch p := c.doc.Plan; {
	case p.Model != "" && p.Model != "auto" && !modelRef.MatchString(p.Model):
		c.addf("plan.model", "%q is no name of a model", clip(p.Model)).right("auto, or a name as athanor model list shows it: suzuki-yield or suzuki-yield@a2ec423cadbf")
	case p.RetrainEvery > 0 && (p.Model == "" || p.Model == "auto"):
		c.addf("plan.retrain_every", "is %d, and plan.model names no model to train", p.RetrainEvery).right("a name in plan.model, or leave it out")
	case p.RetrainEvery > 0 && strings.Contains(p.Model, "@"):
		c.addf("plan.retrain_every", "trains a new version, and plan.model is the version %s", p.Model).right("the name alone in plan.model, or leave it out")
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
	if m := doc.Budget.Cost; m != nil && m.Each == "" {
		notes = append(notes, "budget.cost: cost is not counted, since budget.cost.each does not say what an experiment costs")
	}
	if p := doc.Plan.Planner; doc.Plan.Fidelity != nil && p != "auto" && p != "bayes" {
		notes = append(notes, "plan.fidelity: the planner "+p+" takes every fidelity alike; auto and bayes choose it by what it tells and costs")
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
