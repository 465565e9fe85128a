package planner_test

import (
	"math"
	"testing"

	"github.com/athanor-lab/athanor/lab"
)

// TestClaimsOfCompositionsMovePlans wants the first plan near the composition that
// papers found good, named by them, and none moved where a claim has other parts or shares that are none.
func TestClaimsOfCompositionsMovePlans(t *testing.T) {
	t.Parallel()
	sum, step := 100.0, 5.0
	b := lab.Brief{
		Round: 1, First: 1, Want: 1, Budget: 20, Seed: 3, Objectives: []lab.Objective{{Name: "overpotential", Direction: lab.Minimize, Unit: "mV"}},
		Space: lab.Space{Parameters: []lab.Parameter{{Name: "metals", Type: lab.Composition, Parts: []string{"Ni", "Fe", "Co"}, Sum: &sum, Step: &step, Unit: "%"}}},
	}
	claim := func(x ...float64) *lab.Evidence {
		return &lab.Evidence{
			Version: "0123456789abcdef", Papers: []lab.Cited{{ID: "a", Relevance: 1}},
			Claims: []lab.Claim{{Paper: "a", Settings: []lab.Setting{{Name: "metals", Value: lab.Parts(x), Unit: "%"}}, Weight: 0.8}},
		}
	}
	b.Evidence = claim(60, 20, 20)
	p := propose(t, b).Proposals[0]
	for i, want := range []float64{60, 20, 20} {
		if got := p.Settings[0].Value.Parts()[i]; math.Abs(got-want) > 10 {
			t.Errorf("the first proposal is %v, want it near 60, 20, 20", p.Settings[0].Value)
			break
		}
	}
	if len(p.Influences) != 1 || p.Influences[0].Paper != "a" {
		t.Errorf("influences are %+v, want paper a", p.Influences)
	}
	for _, odd := range [][]float64{{0.5, 0.5}, {150, -50, 0}} {
		b.Evidence = claim(odd...)
		if p := propose(t, b).Proposals[0]; len(p.Influences) != 0 {
			t.Errorf("a claim of %v moved the plan: %+v", odd, p.Influences)
		}
	}
}
