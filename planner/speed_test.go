package planner_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"syscall"
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
			var v lab.Value
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

// pooledBrief is mixedBrief with 2,000 candidates beside what was done.
func pooledBrief(n, d, objectives int) lab.Brief {
	b := mixedBrief(n, d, objectives)
	rng := rand.New(rand.NewPCG(8, uint64(n)))
	for range 2000 {
		var row []lab.Value
		for _, p := range b.Space.Parameters {
			if p.Type == lab.Categorical {
				row = append(row, lab.Label(p.Levels[rng.IntN(len(p.Levels))]))
			} else {
				row = append(row, lab.Number(math.Round(1000*rng.Float64())/1000))
			}
		}
		b.Space.Pool = append(b.Space.Pool, row)
	}
	return b
}

// BenchmarkSeveral is the time of a plan of one experiment on a space of
// numbers beside choices, by objectives and experiments done, with candidates
// drawn from the space and with a pool of 2,000. Seeds differ, so that the fits do.
// cpu-ms is what the process has used for a plan, whatever else runs on the machine.
func BenchmarkSeveral(b *testing.B) {
	for _, pool := range []bool{false, true} {
		for _, objectives := range []int{1, 2, 3} {
			for _, n := range []int{100, 1000} {
				name := fmt.Sprintf("Objectives%d/N%d", objectives, n)
				brief := mixedBrief(n, 8, objectives)
				if pool {
					name = "Pool/" + name
					brief = pooledBrief(n, 8, objectives)
				}
				b.Run(name, func(b *testing.B) {
					p := planner.New(planner.Options{})
					var spent []float64
					for b.Loop() {
						brief.Seed++
						before := spentMS()
						if _, err := p.Propose(b.Context(), brief); err != nil {
							b.Fatal(err)
						}
						spent = append(spent, spentMS()-before)
					}
					slices.Sort(spent)
					b.ReportMetric(spent[len(spent)/2], "cpu-ms-p50")
					b.ReportMetric(spent[len(spent)*19/20], "cpu-ms-p95")
				})
			}
		}
	}
}

// spentMS returns the processor time that the process has used, in milliseconds.
func spentMS() float64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return math.NaN()
	}
	return 1e3*float64(u.Utime.Sec+u.Stime.Sec) + float64(u.Utime.Usec+u.Stime.Usec)/1e3
}
