package planner_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/planner"
)

// exotherm has its best where heat and concentration are high, short of where it
// runs away: both together above 1.2. It is invented, for tests alone.
func exotherm(limited bool) lab.Brief {
	b := lab.Brief{
		Round: 1, First: 1, Want: 1, Budget: 30, Seed: 11,
		Space: lab.Space{Parameters: []lab.Parameter{
			{Name: "heat", Type: lab.Continuous, Min: new(0.0), Max: new(1.0)},
			{Name: "concentration", Type: lab.Continuous, Min: new(0.0), Max: new(1.0)},
		}},
		Objectives: []lab.Objective{{Name: "yield", Direction: lab.Maximize, Unit: "%"}},
		Policy:     lab.PlanPolicy{Planner: "auto"},
		Safe: &lab.SafeStart{
			Points: []map[string]lab.Value{{"heat": lab.Number(0.2), "concentration": lab.Number(0.3)}},
			Within: 0.1, Chance: 0.9,
		},
	}
	if limited {
		b.Objectives = append(b.Objectives, lab.Objective{Name: "pressure", Direction: lab.Minimize, Unit: "bar"})
		b.Safe.Limits = []lab.Limit{{Objective: "pressure", Max: new(6.0)}}
	}
	return b
}

// explore runs the campaign and returns its experiments and how many were not safe.
func explore(t *testing.T, b lab.Brief) (lab.Brief, int) {
	t.Helper()
	p := planner.New(planner.Options{})
	unsafe := 0
	for len(b.Known) < b.Budget {
		plan, err := p.Propose(context.Background(), b)
		if err != nil {
			t.Fatal(err)
		}
		if len(plan.Proposals) == 0 {
			break
		}
		s := plan.Proposals[0].Settings
		x, y := s[0].Value.Number(), s[1].Value.Number()
		pressure := 5 * (x + y)
		k := lab.Known{Number: b.First, Settings: s}
		switch {
		case len(b.Objectives) > 1:
			k.Observed = []lab.Measured{{Name: "yield", Value: 50 * (x + y), Unit: "%"}, {Name: "pressure", Value: pressure, Unit: "bar"}}
		case x+y > 1.2:
			k.Failed = true
		default:
			k.Observed = []lab.Measured{{Name: "yield", Value: 50 * (x + y), Unit: "%"}}
		}
		if x+y > 1.2 {
			unsafe++
		}
		b.Known = append(b.Known, k)
		b.First++
		b.Round++
	}
	return b, unsafe
}

// TestSafeStartKeepsNearWhatIsSafe wants the declared point first, the next ones
// within a step of what kept, far fewer experiments beyond the edge than without,
// and a best near the edge all the same.
func TestSafeStartKeepsNearWhatIsSafe(t *testing.T) {
	t.Parallel()
	for name, limited := range map[string]bool{"Failures": false, "Limits": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, unsafe := explore(t, exotherm(limited))
			first := b.Known[0].Settings
			if first[0].Value.Number() != 0.2 || first[1].Value.Number() != 0.3 {
				t.Errorf("the first experiment is %v, want the declared point", first)
			}
			best := 0.0
			for i, k := range b.Known {
				x, y := k.Settings[0].Value.Number(), k.Settings[1].Value.Number()
				if x+y <= 1.2 {
					best = math.Max(best, x+y)
				}
				near := i == 0
				for _, q := range b.Known[:i] {
					near = near || math.Max(math.Abs(x-q.Settings[0].Value.Number()), math.Abs(y-q.Settings[1].Value.Number())) <= 0.1+1e-9
				}
				if i < 8 && !near {
					t.Errorf("#%d at %.3f, %.3f is more than a step from all before it", k.Number, x, y)
				}
			}
			free := exotherm(limited)
			free.Safe = nil
			_, without := explore(t, free)
			if len(b.Known) < b.Budget {
				t.Errorf("nothing safe was left after %d experiments, want %d", len(b.Known), b.Budget)
			}
			if unsafe > 5 || 3*unsafe > without {
				t.Errorf("%d unsafe experiments, %d without a safe start; want at most 5, and a third of that", unsafe, without)
			}
			if best < 1.1 {
				t.Errorf("the best safe one reaches %.3f, want 1.1 of 1.2", best)
			}
		})
	}
}

// TestSafeStartHoldsEveryStrategy wants every strategy to stay within a step of the
// declared point when nothing else is known, and to say so.
func TestSafeStartHoldsEveryStrategy(t *testing.T) {
	t.Parallel()
	for _, name := range planner.Strategies() {
		b := exotherm(false)
		b.Policy.Planner, b.Want = name, 4
		plan, err := planner.New(planner.Options{}).Propose(context.Background(), b)
		if err != nil {
			t.Fatal(err)
		}
		if len(plan.Proposals) != 4 || !strings.Contains(strings.Join(plan.Notes, " "), "Safe start") {
			t.Errorf("%s: %d proposals with notes %q, want 4 and a word on the safe start", name, len(plan.Proposals), plan.Notes)
		}
		for _, q := range plan.Proposals {
			x, y := q.Settings[0].Value.Number(), q.Settings[1].Value.Number()
			if math.Abs(x-0.2) > 0.1+1e-9 || math.Abs(y-0.3) > 0.1+1e-9 {
				t.Errorf("%s proposes %.3f, %.3f, more than 0.1 from 0.2, 0.3", name, x, y)
			}
		}
	}
	b := exotherm(false)
	b.Safe.Points[0]["colour"] = lab.Label("blue")
	if _, err := planner.New(planner.Options{}).Propose(context.Background(), b); lab.KindOf(err) != lab.Invalid {
		t.Errorf("a safe point with a parameter that is none: %v, want a complaint", err)
	}
}
