package planner_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/planner"
)

// square is n numbers from 0 to 10 whose best is at 7, 6, 5 and so on.
func square(n, budget int, strategy string) (lab.Brief, func([]lab.Setting) float64) {
	b := lab.Brief{
		Round: 1, First: 1, Want: 1, Budget: budget, Seed: 11, Policy: lab.PlanPolicy{Planner: strategy},
		Objectives: []lab.Objective{{Name: "y", Direction: lab.Minimize, Unit: "1"}},
	}
	for i := range n {
		b.Space.Parameters = append(b.Space.Parameters, lab.Parameter{Name: fmt.Sprint("x", i), Type: lab.Continuous, Min: new(0.0), Max: new(10.0)})
	}
	return b, func(s []lab.Setting) float64 {
		sum := 0.0
		for i, x := range s {
			d := x.Value.Number() - float64(7-i)
			sum += float64(1+9*(i%2)) * d * d
		}
		return sum
	}
}

// finish plans until the budget is used and returns the least outcome.
func finish(t *testing.T, b lab.Brief, f func([]lab.Setting) float64) (lab.Brief, float64) {
	t.Helper()
	least := math.Inf(1)
	for len(b.Known) < b.Budget {
		b.Want = min(b.Want, b.Budget-len(b.Known))
		run(&b, propose(t, b), func(s []lab.Setting) []lab.Measured {
			y := f(s)
			least = math.Min(least, y)
			return []lab.Measured{{Name: "y", Value: y, Unit: "1"}}
		})
	}
	return b, least
}

// TestEvolutionDescends wants CMA-ES to come far below random search, whatever
// the number of proposals to a plan.
func TestEvolutionDescends(t *testing.T) {
	t.Parallel()
	for _, want := range []int{1, 5} {
		evolved, random := 0.0, 0.0
		for seed := range uint64(5) {
			for _, strategy := range []string{"cma-es", "random"} {
				b, f := square(4, 150, strategy)
				b.Seed, b.Want = seed, want
				_, least := finish(t, b, f)
				if strategy == "random" {
					random += least / 5
				} else {
					evolved += least / 5
				}
			}
		}
		if evolved > random/10 {
			t.Errorf("%d to a plan: CMA-ES comes to %.3f, random search to %.3f; want a tenth of that", want, evolved, random)
		}
	}
}

// TestEvolutionLearnsFromFailures lets the half fail that the outcomes would
// lead to.
func TestEvolutionLearnsFromFailures(t *testing.T) {
	t.Parallel()
	b, _ := square(2, 80, "cma-es")
	failed := 0
	for len(b.Known) < b.Budget {
		late := len(b.Known) >= 60
		run(&b, propose(t, b), func(s []lab.Setting) []lab.Measured {
			if s[0].Value.Number() > 5 {
				if late {
					failed++
				}
				return nil
			}
			return []lab.Measured{{Name: "y", Value: -s[0].Value.Number(), Unit: "1"}}
		})
	}
	if failed > 14 {
		t.Errorf("%d of the last 20 experiments failed; half of them would by chance at the edge", failed)
	}
}

// TestLatinHypercubeUsesEveryPart plans a campaign in uneven rounds.
func TestLatinHypercubeUsesEveryPart(t *testing.T) {
	t.Parallel()
	b, f := square(3, 20, "latin-hypercube")
	b.Want = 3
	b, _ = finish(t, b, f)
	for i := range b.Space.Parameters {
		var parts []int
		for _, k := range b.Known {
			parts = append(parts, int(k.Settings[i].Value.Number()*2))
		}
		slices.Sort(parts)
		if got := len(slices.Compact(parts)); got < 19 { // rounding may move one over an edge
			t.Errorf("parameter %d uses %d of 20 parts", i, got)
		}
	}
}

// TestGridMeetsEveryPoint walks grids of numbers, of choices and of mixtures,
// and past their end.
func TestGridMeetsEveryPoint(t *testing.T) {
	t.Parallel()
	b, f := square(2, 9, "grid")
	b.Want = 2
	b, _ = finish(t, b, f)
	var got []string
	for _, k := range b.Known {
		got = append(got, fmt.Sprint(k.Settings[0].Value, " ", k.Settings[1].Value))
	}
	slices.Sort(got)
	want := []string{"0 0", "0 10", "0 5", "10 0", "10 10", "10 5", "5 0", "5 10", "5 5"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("the grid of nine (-want +got):\n%s", d)
	}
	b.Budget, b.Want = 40, 31
	b, _ = finish(t, b, f)
	if len(b.Known) != 40 {
		t.Errorf("past its end the grid has %d experiments, want 40", len(b.Known))
	}

	choices := lab.Brief{
		Round: 1, First: 1, Want: 6, Seed: 1, Policy: lab.PlanPolicy{Planner: "grid"}, Objectives: b.Objectives,
		Space: lab.Space{Parameters: []lab.Parameter{
			{Name: "a", Type: lab.Categorical, Levels: []string{"p", "q", "r"}},
			{Name: "b", Type: lab.Discrete, Values: []float64{1, 2}},
		}},
	}
	if plan := propose(t, choices); len(plan.Proposals) != 6 || plan.Exhausted {
		t.Errorf("a grid of six has %d, exhausted %t", len(plan.Proposals), plan.Exhausted)
	}
	mixture := choices
	mixture.Want = 12
	mixture.Space = lab.Space{Parameters: []lab.Parameter{
		{Name: "m", Type: lab.Composition, Parts: []string{"u", "v", "w"}, MaxNonzero: new(2)},
		{Name: "x", Type: lab.Continuous, Min: new(0.0), Max: new(1.0)},
	}}
	if plan := propose(t, mixture); len(plan.Proposals) != 12 {
		t.Errorf("a grid with a mixture has %d proposals, want 12", len(plan.Proposals))
	}
}

func TestUnknownStrategiesAreToldWhatThereIs(t *testing.T) {
	t.Parallel()
	b, _ := square(1, 5, "simplex")
	_, err := planner.New(planner.Options{}).Propose(context.Background(), b)
	if lab.KindOf(err) != lab.Invalid || !strings.Contains(err.Error(), strings.Join(planner.Strategies(), ", ")) {
		t.Errorf("error %v, want invalid and the names %v", err, planner.Strategies())
	}
}
