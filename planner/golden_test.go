package planner_test

import (
	"context"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/planner"
	"github.com/athanor-lab/athanor/planner/space"
)

var update = flag.Bool("update", false, "write the golden files anew")

// arylation is a small campaign like those of a chemistry laboratory.
func arylation() lab.Brief {
	return lab.Brief{
		Round: 1, First: 1, Want: 3, Budget: 40, Seed: 7,
		Space: lab.Space{Parameters: []lab.Parameter{
			{Name: "base", Type: lab.Categorical, Levels: []string{"KOAc", "KOPiv", "CsOAc", "CsOPiv"}},
			{
				Name: "solvent", Type: lab.Categorical, Levels: []string{"DMAc", "BuCN", "BuOAc"},
				DescriptorValues: [][]float64{{37.8, 166}, {20.3, 117}, {5.0, 126}},
			},
			{Name: "temperature", Type: lab.Continuous, Min: new(90.0), Max: new(120.0), Unit: "Cel"},
			{Name: "concentration", Type: lab.Discrete, Values: []float64{0.057, 0.1, 0.153}, Unit: "mol/L"},
		}},
		Objectives: []lab.Objective{{Name: "yield", Direction: lab.Maximize, Unit: "%"}},
	}
}

// yieldOf is an invented response surface, for tests alone.
func yieldOf(s []lab.Setting) float64 {
	y := map[string]float64{"KOAc": 20, "KOPiv": 35, "CsOAc": 55, "CsOPiv": 60}[s[0].Value.Label()]
	y += map[string]float64{"DMAc": 20, "BuCN": 5, "BuOAc": 12}[s[1].Value.Label()]
	t := s[2].Value.Number()
	return y - 0.03*(t-108)*(t-108) + 60*s[3].Value.Number()
}

// run carries out a plan: each proposal becomes a known experiment.
func run(b *lab.Brief, plan lab.Plan, observe func([]lab.Setting) []lab.Measured) {
	for _, p := range plan.Proposals {
		k := lab.Known{Number: p.Number, Settings: p.Settings, Observed: observe(p.Settings)}
		k.Failed = k.Observed == nil
		b.Known = append(b.Known, k)
	}
	b.Round++
	b.First += len(plan.Proposals)
}

func observeYield(s []lab.Setting) []lab.Measured {
	return []lab.Measured{{Name: "yield", Value: math.Round(10*yieldOf(s)) / 10, Unit: "%"}}
}

func propose(t *testing.T, b lab.Brief) lab.Plan {
	t.Helper()
	plan, err := planner.New(planner.Options{Feasible: notHot}).Propose(context.Background(), b)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// notHot is the one constraint of these tests: acetates foam above 110 °C.
func notHot(s lab.Space) (func([]lab.Setting) (bool, error), error) {
	return func(x []lab.Setting) (bool, error) {
		return !strings.HasSuffix(x[0].Value.Label(), "OAc") || x[2].Value.Number() <= 110, nil
	}, nil
}

// TestPlansReadWell keeps plans as a scientist would read them.
func TestPlansReadWell(t *testing.T) {
	t.Parallel()
	t.Run("Start", func(t *testing.T) {
		t.Parallel()
		golden(t, "start", propose(t, arylation()))
	})
	t.Run("Yield", func(t *testing.T) {
		t.Parallel()
		b := arylation()
		for range 4 {
			run(&b, propose(t, b), observeYield)
		}
		b.Want = 2
		golden(t, "yield", propose(t, b))
	})
	t.Run("YieldAndCost", func(t *testing.T) {
		t.Parallel()
		b := arylation()
		b.Objectives = append(b.Objectives, lab.Objective{Name: "cost", Direction: lab.Minimize, Unit: "EUR/mol"})
		b.Space.Constraints = []lab.Constraint{{Expr: "temperature <= 110.0 || !base.endsWith('OAc')", Why: "acetate foams above 110 °C"}}
		cost := map[string]float64{"KOAc": 1.2, "KOPiv": 9, "CsOAc": 14, "CsOPiv": 31}
		for range 4 {
			run(&b, propose(t, b), func(s []lab.Setting) []lab.Measured {
				return append(observeYield(s), lab.Measured{Name: "cost", Value: cost[s[0].Value.Label()] / (s[3].Value.Number() * 10), Unit: "EUR/mol"})
			})
		}
		b.Want, b.Pending = 2, []lab.Pending{{Number: b.First, Settings: b.Known[0].Settings}}
		b.First++
		golden(t, "yield-and-cost", propose(t, b))
	})
	t.Run("Failures", func(t *testing.T) {
		t.Parallel()
		b := lab.Brief{
			Round: 1, First: 1, Want: 4, Budget: 30, Seed: 3,
			Space: lab.Space{Parameters: []lab.Parameter{
				{Name: "flow", Type: lab.Continuous, Min: new(0.5), Max: new(2.5), Unit: "mL/min"},
				{Name: "wait", Type: lab.Continuous, Min: new(0.5), Max: new(50.0), Scale: "log", Unit: "s"},
			}},
			Objectives: []lab.Objective{{Name: "error", Direction: lab.Minimize, Unit: "uL"}},
		}
		for range 3 {
			run(&b, propose(t, b), func(s []lab.Setting) []lab.Measured {
				if s[0].Value.Number() > 1.8 {
					return nil
				}
				v := math.Abs(s[0].Value.Number()-1.2) + math.Abs(math.Log(s[1].Value.Number()/8))
				return []lab.Measured{{Name: "error", Value: math.Round(v*1000) / 1000, Unit: "uL"}}
			})
		}
		b.Want = 1
		golden(t, "failures", propose(t, b))
	})
	t.Run("Exhausted", func(t *testing.T) {
		t.Parallel()
		b := arylation()
		b.Space.Parameters = b.Space.Parameters[:2]
		for range 3 {
			run(&b, propose(t, b), func(s []lab.Setting) []lab.Measured {
				return []lab.Measured{{Name: "yield", Value: float64(len(s[0].Value.Label())), Unit: "%"}}
			})
		}
		b.Want = 5
		golden(t, "exhausted", propose(t, b))
	})
}

// golden compares a plan with testdata/name.golden.
func golden(t *testing.T, name string, plan lab.Plan) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	got := page(plan)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", path, diff)
	}
}

// page writes a plan as text, numbers rounded lest the last bit matter.
func page(plan lab.Plan) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Round %d, by %s\n", plan.Round, plan.Planner)
	for _, n := range plan.Notes {
		fmt.Fprintf(&b, "  · %s\n", n)
	}
	for _, p := range plan.Proposals {
		fmt.Fprintf(&b, "\n#%d  %s\n    %s\n", p.Number, space.Describe(p.Settings), p.Reason)
		for _, q := range p.Predictions {
			fmt.Fprintf(&b, "    %s %.3g, sd %.2g, a measurement from %.3g to %.3g %s\n", q.Objective, q.Mean, q.Sigma, q.Low, q.High, q.Unit)
		}
		if p.Acquisition != nil {
			fmt.Fprintf(&b, "    %s %.3f\n", p.Acquisition.Name, p.Acquisition.Value)
		}
		for _, n := range p.Nearest {
			fmt.Fprintf(&b, "    near #%d (%.3f)\n", n.Number, n.Distance)
		}
		for _, c := range p.Losers {
			fmt.Fprintf(&b, "    rather than %s (%.3f)\n", space.Describe(c.Settings), c.Acquisition)
		}
	}
	return b.String()
}
