package planner_test

import (
	"context"
	"strings"
	"testing"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/planner"
)

// priced is a planner whose experiments cost 1, and ten times as much with level
// b of p0.
func priced() *planner.Planner {
	return planner.New(planner.Options{Costs: func(lab.Space, lab.CostRule) (func([]lab.Setting) (float64, error), error) {
		return priceOf, nil
	}})
}

func priceOf(s []lab.Setting) (float64, error) {
	if s[0].Value.Label() == "b" {
		return 10, nil
	}
	return 1, nil
}

// TestDearExperimentsWait compares how much of the money the same plans spend
// while much is left, and while little is.
func TestDearExperimentsWait(t *testing.T) {
	t.Parallel()
	spent := func(left float64) float64 {
		sum := 0.0
		for n := 12; n < 24; n++ {
			b := mixedBrief(n, 4, 1)
			// The dear level is a little better than the others.
			for i, k := range b.Known {
				if k.Settings[0].Value.Label() == "b" {
					b.Known[i].Observed[0].Value += 0.5
				}
			}
			b.Cost = &lab.CostRule{Each: "x", Total: 1000, Left: left}
			plan, err := priced().Propose(context.Background(), b)
			if err != nil {
				t.Fatal(err)
			}
			cost, _ := priceOf(plan.Proposals[0].Settings)
			sum += cost
		}
		return sum
	}
	if early, late := spent(1000), spent(20); early >= late {
		t.Errorf("twelve plans spend %g with all of the money and %g with a fiftieth of it; want less while much is left", early, late)
	}
}

// TestNothingIsProposedThatCannotBePaid leaves money for three cheap experiments.
func TestNothingIsProposedThatCannotBePaid(t *testing.T) {
	t.Parallel()
	for _, strategy := range []string{"auto", "sobol", "random"} {
		b := mixedBrief(12, 3, 1)
		lo, hi := 0.0, 4.0
		b.Space.Parameters[2] = lab.Parameter{Name: "p2", Type: lab.Integer, Min: &lo, Max: &hi}
		for i := range b.Known {
			b.Known[i].Settings[2].Value = lab.Number(float64(i % 5))
		}
		b.Want, b.Policy.Planner = 6, strategy
		b.Cost = &lab.CostRule{Each: "x", Total: 100, Left: 3.5}
		plan, err := priced().Propose(context.Background(), b)
		if err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for _, q := range plan.Proposals {
			cost, _ := priceOf(q.Settings)
			sum += cost
		}
		if sum > 3.5 || len(plan.Proposals) != 3 || !plan.Exhausted {
			t.Errorf("%s: %d experiments for %g of 3.5, exhausted %v; want 3", strategy, len(plan.Proposals), sum, plan.Exhausted)
		}
		if notes := strings.Join(plan.Notes, "\n"); !strings.Contains(notes, "pays for no other") {
			t.Errorf("%s: the notes do not say why:\n%s", strategy, notes)
		}
	}
}

// TestCostsMustBeWhole refuses a brief with costs that nobody can work out.
func TestCostsMustBeWhole(t *testing.T) {
	t.Parallel()
	b := mixedBrief(12, 3, 1)
	b.Cost = &lab.CostRule{Each: "x", Total: 100, Left: 50}
	if _, err := planner.New(planner.Options{}).Propose(t.Context(), b); lab.KindOf(err) != lab.Invalid {
		t.Errorf("a planner that cannot work out costs gives %v", err)
	}
	b.Cost.Total = 0
	if _, err := priced().Propose(t.Context(), b); lab.KindOf(err) != lab.Invalid {
		t.Errorf("a total of 0 gives %v", err)
	}
}
