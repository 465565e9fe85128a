package planner_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/planner"
)

// doped has an amount where there is a dopant, and a hold where the amount is in
// the upper half of its range; see branches for how the conditions are read.
func doped() lab.Brief {
	return lab.Brief{
		Round: 1, First: 1, Want: 1, Budget: 30, Seed: 5,
		Space: lab.Space{Parameters: []lab.Parameter{
			{Name: "hold", Type: lab.Continuous, Min: new(0.0), Max: new(60.0), Unit: "min", When: "amount"},
			{Name: "dopant", Type: lab.Categorical, Levels: []string{"none", "La", "Ce"}},
			{Name: "amount", Type: lab.Continuous, Min: new(0.0), Max: new(10.0), Unit: "%", When: "dopant"},
			{Name: "temperature", Type: lab.Continuous, Min: new(300.0), Max: new(500.0), Unit: "Cel"},
		}},
		Objectives: []lab.Objective{{Name: "activity", Direction: lab.Maximize, Unit: "1"}},
		Policy:     lab.PlanPolicy{Planner: "bayes"},
	}
}

// activity is best, 4, with 8 % of Ce, held for 20 min, at 400 °C; without a dopant
// 2, and with La 3. It is invented, for tests alone.
func activity(settings []lab.Setting) float64 {
	has := map[string]lab.Value{}
	for _, s := range settings {
		has[s.Name] = s.Value
	}
	square := func(name string, at, width float64) float64 {
		if v, ok := has[name]; ok {
			return math.Pow((v.Number()-at)/width, 2)
		}
		return 0
	}
	y := map[string]float64{"none": 2, "La": 3, "Ce": 3.5}[has["dopant"].Label()] - square("temperature", 400, 60)
	if _, ok := has["hold"]; ok && has["dopant"].Label() == "Ce" {
		return y + 0.5 - square("amount", 8, 4) - square("hold", 20, 40)
	}
	return y - square("amount", 3, 3)
}

// TestBranchesAreSearched runs a campaign over a space with branches and wants it
// to end near the best of the deepest one, with settings only of what is there.
func TestBranchesAreSearched(t *testing.T) {
	t.Parallel()
	p := planner.New(planner.Options{Active: branches})
	b := doped()
	best, lengths := math.Inf(-1), map[int]bool{}
	for len(b.Known) < b.Budget {
		plan, err := p.Propose(context.Background(), b)
		if err != nil {
			t.Fatal(err)
		}
		if why := faults(b, plan); why != "" {
			t.Fatal(why)
		}
		run(&b, plan, func(s []lab.Setting) []lab.Measured {
			lengths[len(s)] = true
			best = math.Max(best, activity(s))
			return []lab.Measured{{Name: "activity", Value: activity(s), Unit: "1"}}
		})
	}
	if best < 3.9 {
		t.Errorf("the best after %d experiments is %.2f, want at least 3.9 of 4", b.Budget, best)
	}
	if !lengths[2] || !lengths[3] || !lengths[4] {
		t.Errorf("experiments with %v settings, want some in every branch", lengths)
	}
}

// TestAbsentParametersHaveNoSetting plans behind experiments that all lack some
// parameters, and wants a complaint about one that claims a value of them.
func TestAbsentParametersHaveNoSetting(t *testing.T) {
	t.Parallel()
	b := doped()
	set := func(dopant string, temperature float64) []lab.Setting {
		return []lab.Setting{{Name: "dopant", Value: lab.Label(dopant)}, {Name: "temperature", Value: lab.Number(temperature)}}
	}
	for i, s := range [][]lab.Setting{set("none", 310), set("none", 350), set("none", 400), set("none", 450), set("none", 499)} {
		b.Known = append(b.Known, lab.Known{Number: i + 1, Settings: s, Observed: []lab.Measured{{Name: "activity", Value: activity(s), Unit: "1"}}})
	}
	b.First = 6
	p := planner.New(planner.Options{Active: branches})
	plan, err := p.Propose(context.Background(), b)
	if err != nil {
		t.Fatal(err)
	}
	if len(plan.Proposals) != 1 || len(plan.Proposals[0].Settings) < 2 {
		t.Fatalf("got %+v, want a proposal", plan.Proposals)
	}
	b.Known[0].Settings = append(set("none", 310), lab.Setting{Name: "amount", Value: lab.Number(3)})
	if _, err := p.Propose(context.Background(), b); lab.KindOf(err) != lab.Invalid || !strings.Contains(err.Error(), "amount") {
		t.Errorf("an experiment without dopant that has an amount: %v, want a complaint", err)
	}
	if _, err := planner.New(planner.Options{}).Propose(context.Background(), doped()); lab.KindOf(err) != lab.Invalid {
		t.Errorf("a planner that cannot work conditions out: %v, want a complaint", err)
	}
}
