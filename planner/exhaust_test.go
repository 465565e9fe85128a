package planner_test

import (
	"testing"

	"github.com/athanor-lab/athanor/lab"
)

// line is a space of one number.
func line(low, high float64) lab.Space {
	return lab.Space{Parameters: []lab.Parameter{{Name: "x", Type: lab.Continuous, Min: &low, Max: &high, Unit: "1"}}}
}

// fill proposes until n experiments are known and returns the brief then.
func fill(t *testing.T, b lab.Brief, n int) lab.Brief {
	t.Helper()
	seen := make(map[string]bool)
	for len(b.Known) < n {
		b.Want = min(b.Want, n-len(b.Known))
		plan := propose(t, b)
		if plan.Exhausted || len(plan.Proposals) != b.Want {
			t.Fatalf("%s after %d experiments: exhausted is %t with %d of %d proposals", b.Policy.Planner, len(b.Known), plan.Exhausted, len(plan.Proposals), b.Want)
		}
		for _, q := range plan.Proposals {
			if why := outside(b.Space, q.Settings); why != "" || seen[text(q.Settings)] {
				t.Fatalf("%s after %d experiments: %s is a repeat or outside: %s", b.Policy.Planner, len(b.Known), text(q.Settings), why)
			}
			seen[text(q.Settings)] = true
		}
		run(&b, plan, func(s []lab.Setting) []lab.Measured {
			x := s[0].Value.Number()
			return []lab.Measured{{Name: "y", Value: x * (3 - x), Unit: "1"}}
		})
	}
	return b
}

// TestContinuousSpaceIsNeverExhausted asks for more experiments than there are
// settings of the usual resolution.
func TestContinuousSpaceIsNeverExhausted(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		n, want int
		space   lab.Space
	}{
		"random": {1200, 10, line(0, 1)},
		"sobol":  {1200, 10, line(0, 1)},
		"bayes":  {260, 20, line(0, 1)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := pooled(0, 0, 1)
			b.Space, b.First, b.Seed, b.Want = c.space, 1, 3, c.want
			b.Policy.Planner = name
			fill(t, b, c.n)
		})
	}
}

// TestRepeatedRandomDrawsGoFinerOnALogScale starts where all settings of the
// usual resolution are taken.
func TestRepeatedRandomDrawsGoFinerOnALogScale(t *testing.T) {
	t.Parallel()
	b := pooled(0, 0, 1)
	b.Space, b.First, b.Seed, b.Want = line(1, 1000), 1, 3, 50
	b.Space.Parameters[0].Scale = "log"
	b.Policy.Planner = "random"
	for k := range 2701 {
		x := 1 + 0.01*float64(k)
		if k > 900 {
			x = 10 + 0.1*float64(k-900)
		}
		if k > 1800 {
			x = 100 + float64(k-1800)
		}
		b.Known = append(b.Known, lab.Known{Number: k + 1, Settings: []lab.Setting{{Name: "x", Value: lab.Number(x)}}, Failed: true})
	}
	b.First = len(b.Known) + 1
	if plan := propose(t, b); plan.Exhausted {
		t.Errorf("%d of %d proposals; a continuous space has as many as anyone wants", len(plan.Proposals), b.Want)
	}
}

// TestFiniteSpacesAreExhausted holds that choices and whole numbers do end,
// however many there are.
func TestFiniteSpacesAreExhausted(t *testing.T) {
	t.Parallel()
	low, high := 1.0, 60_001.0
	b := pooled(0, 0, 1)
	b.Want = 4
	b.Space = lab.Space{Parameters: []lab.Parameter{{Name: "x", Type: lab.Integer, Min: &low, Max: &high, Unit: "1"}}}
	b.Policy.Planner = "random"
	for k := range 60_000 {
		b.Known = append(b.Known, lab.Known{Number: k + 1, Settings: []lab.Setting{{Name: "x", Value: lab.Number(float64(k + 1))}}, Failed: true})
	}
	b.First = len(b.Known) + 1
	plan := propose(t, b)
	if !plan.Exhausted || len(plan.Proposals) > 1 {
		t.Errorf("%d proposals, exhausted is %t; want the one number that is left, at most, and exhausted", len(plan.Proposals), plan.Exhausted)
	}
}
