package planner_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/athanor-lab/athanor/lab"
)

// TestIntervalsAreUseful checks that predictions among choices are never less sure
// than five outcomes alone would let one be, however few there are.
func TestIntervalsAreUseful(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		b := lab.Brief{
			Round: 1, First: 1, Want: 5, Budget: 40, Seed: seed,
			Space:      lab.Space{},
			Objectives: []lab.Objective{{Name: "yield", Direction: lab.Maximize, Unit: "%"}},
		}
		for _, name := range []string{"base", "solvent", "ligand"} {
			p := lab.Parameter{Name: name, Type: lab.Categorical}
			for l := range 5 {
				p.Levels = append(p.Levels, fmt.Sprintf("%s %d", name, l))
			}
			b.Space.Parameters = append(b.Space.Parameters, p)
		}
		low, high := math.Inf(1), math.Inf(-1)
		observe := func(s []lab.Setting) []lab.Measured {
			y := 0.0
			for i, x := range s {
				label := x.Value.Label()
				y += math.Sin(float64(label[len(label)-1]) * (1.3 + float64(i) + float64(seed)))
			}
			y = math.Round(15*(y+3) + math.Sin(99*y))
			low, high = math.Min(low, y), math.Max(high, y)
			return []lab.Measured{{Name: "yield", Value: y, Unit: "%"}}
		}
		for range 4 {
			run(&b, propose(t, b), observe)
			plan := propose(t, b)
			// 1.96 standard deviations to both sides of a next outcome after five. That
			// of five is at most 0.56 of their range, and the warp may add to it.
			widest := 2 * 1.96 * math.Sqrt(6.0/5*4/2) * 0.6 * (high - low)
			check := func(what string, low, high float64) {
				if !(high-low <= widest) {
					t.Errorf("seed %d, %d outcomes, %s: from %.3g to %.3g is wider than %.3g", seed, len(b.Known), what, low, high, widest)
				}
			}
			for _, p := range plan.Proposals {
				for _, q := range p.Predictions {
					check("a proposal", q.Low, q.High)
				}
				for _, l := range p.Losers {
					for _, q := range l.Predictions {
						check("a loser", q.Low, q.High)
					}
				}
			}
			for _, m := range plan.Diagnostics.Models {
				for _, l := range m.LeftOut {
					check("an experiment left out", l.Low, l.High)
				}
			}
		}
	}
}
