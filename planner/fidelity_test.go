package planner_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/planner"
)

// held is branin over two parameters, held for 1 to 24 hours: short holds cost less
// and are off by what falls to nothing at 24. It is invented, for tests alone.
func held(seed uint64) lab.Brief {
	b := lab.Brief{
		Round: 1, First: 1, Want: 1, Budget: 200, Seed: seed,
		Space: lab.Space{Parameters: []lab.Parameter{
			{Name: "x", Type: lab.Continuous, Min: new(0.0), Max: new(1.0)},
			{Name: "hours", Type: lab.Discrete, Values: []float64{1, 6, 24}, Unit: "h"},
			{Name: "y", Type: lab.Continuous, Min: new(0.0), Max: new(1.0)},
		}},
		Objectives: []lab.Objective{{Name: "f", Direction: lab.Maximize, Unit: "1"}},
		Policy:     lab.PlanPolicy{Planner: "auto"},
		Fidelity:   &lab.FidelityRule{Fidelity: lab.Fidelity{Parameter: "hours", Target: lab.Number(24), Cost: "hours"}},
	}
	return b
}

func hold(s []lab.Setting) float64 {
	x, h, y := s[0].Value.Number(), s[1].Value.Number(), s[2].Value.Number()
	short := 1 - math.Log(h)/math.Log(24)
	return branin([]float64{x, y}) - 20*short + 4*short*math.Sin(5*x+y)
}

// hours prices an experiment by how long it is held.
func hours(lab.Space, lab.CostRule) (func([]lab.Setting) (float64, error), error) {
	return func(s []lab.Setting) (float64, error) { return s[1].Value.Number(), nil }, nil
}

// spend runs a campaign until so many hours are used and returns the best at the
// target and how many experiments were at each number of hours.
func spend(t *testing.T, b lab.Brief, most float64) (best float64, counts map[float64]int, last lab.Plan) {
	t.Helper()
	p := planner.New(planner.Options{Costs: hours})
	best, counts = math.Inf(-1), map[float64]int{}
	for spent := 0.0; spent < most; {
		plan, err := p.Propose(context.Background(), b)
		if err != nil {
			t.Fatal(err)
		}
		last = plan
		run(&b, plan, func(s []lab.Setting) []lab.Measured {
			h := s[1].Value.Number()
			spent += h
			counts[h]++
			if h == 24 {
				best = math.Max(best, hold(s))
			}
			return []lab.Measured{{Name: "f", Value: hold(s), Unit: "1"}}
		})
	}
	return best, counts, last
}

// TestCheapExperimentsPay compares campaigns of equal cost: with a fidelity, and all
// at the target. It wants less regret at the target with it, over some seeds.
func TestCheapExperimentsPay(t *testing.T) {
	t.Parallel()
	const seeds, most = 8, 24 * 12
	var with, without float64
	for seed := range uint64(seeds) {
		best, counts, plan := spend(t, held(seed), most)
		with += (-0.397887 - best) / seeds
		if counts[24] == 0 || counts[1]+counts[6] == 0 {
			t.Errorf("seed %d: %v experiments by hours, want some at the target and some cheaper", seed, counts)
		}
		if notes := strings.Join(plan.Notes, " "); !strings.Contains(notes, "where the answer is judged") {
			t.Errorf("seed %d: the notes do not tell of the fidelity: %s", seed, notes)
		}
		b := held(seed)
		b.Fidelity = nil
		b.Space.Parameters[1] = lab.Parameter{Name: "hours", Type: lab.Discrete, Values: []float64{24}, Unit: "h"}
		best, _, _ = spend(t, b, most)
		without += (-0.397887 - best) / seeds
	}
	t.Logf("mean regret %.3f with, %.3f without", with, without)
	if with > 0.7*without {
		t.Errorf("mean regret %.3f with cheap experiments, %.3f without, want at most 0.7 of it", with, without)
	}
}
