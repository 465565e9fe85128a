package planner_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/planner"
)

// mixedBrief has two choices beside d-2 numbers and n experiments with the
// given number of objectives.
func mixedBrief(n, d, objectives int) lab.Brief {
	rng := rand.New(rand.NewPCG(7, uint64(n)))
	b := lab.Brief{First: n + 1, Want: 1, Budget: 2 * n, Round: 1, Seed: 3}
	lo, hi := 0.0, 1.0
	for i := range d {
		p := lab.Parameter{Name: fmt.Sprintf("p%d", i), Type: lab.Continuous, Min: &lo, Max: &hi}
		if i < 2 {
			p = lab.Parameter{Name: fmt.Sprintf("p%d", i), Type: lab.Categorical, Levels: []string{"a", "b", "c", "d"}}
		}
		b.Space.Parameters = append(b.Space.Parameters, p)
	}
	for j := range objectives {
		b.Objectives = append(b.Objectives, lab.Objective{Name: fmt.Sprintf("y%d", j), Direction: lab.Maximize, Unit: "1"})
	}
	for i := range n {
		k := lab.Known{Number: i + 1}
		x := make([]float64, d)
		for c, p := range b.Space.Parameters {
			v := lab.Value{}
			if p.Type == lab.Categorical {
				l := rng.IntN(len(p.Levels))
				x[c], v = float64(l)/4, lab.Label(p.Levels[l])
			} else {
				x[c] = math.Round(1000*rng.Float64()) / 1000
				v = lab.Number(x[c])
			}
			k.Settings = append(k.Settings, lab.Setting{Name: p.Name, Value: v})
		}
		for j := range objectives {
			y := 0.05 * rng.NormFloat64()
			for c, v := range x {
				y -= (v - float64((c+j)%3)/2) * (v - float64((c+j)%3)/2)
			}
			k.Observed = append(k.Observed, lab.Measured{Name: b.Objectives[j].Name, Value: y, Unit: "1"})
		}
		b.Known = append(b.Known, k)
	}
	return b
}

// BenchmarkSeveral is the time of a plan of one experiment on a space of
// numbers beside choices, by objectives and experiments done.
func BenchmarkSeveral(b *testing.B) {
	for _, objectives := range []int{1, 2, 3} {
		for _, n := range []int{100, 1000} {
			b.Run(fmt.Sprintf("Objectives%d/N%d", objectives, n), func(b *testing.B) {
				brief := mixedBrief(n, 8, objectives)
				p := planner.New(planner.Options{})
				for b.Loop() {
					if _, err := p.Propose(b.Context(), brief); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
