package planner_test

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/planner"
)

// branin has its maximum -0.397887 (Dixon & Szegö, 1978).
func branin(x []float64) float64 {
	a, b := 15*x[0]-5, 15*x[1]
	q := b - 5.1/(4*math.Pi*math.Pi)*a*a + 5/math.Pi*a - 6
	return -(q*q + 10*(1-1/(8*math.Pi))*math.Cos(a) + 10)
}

// hartmann3 has its maximum 3.86278 (Dixon & Szegö, 1978).
func hartmann3(x []float64) float64 {
	alpha := []float64{1, 1.2, 3, 3.2}
	a := [][]float64{{3, 10, 30}, {0.1, 10, 35}, {3, 10, 30}, {0.1, 10, 35}}
	p := [][]float64{{0.3689, 0.1170, 0.2673}, {0.4699, 0.4387, 0.7470}, {0.1091, 0.8732, 0.5547}, {0.03815, 0.5743, 0.8828}}
	s := 0.0
	for i := range alpha {
		e := 0.0
		for j := range x {
			e += a[i][j] * (x[j] - p[i][j]) * (x[j] - p[i][j])
		}
		s += alpha[i] * math.Exp(-e)
	}
	return s
}

// choices is an additive score of three levels and a peak of one number, with
// maximum 6.
func choices(x []float64) float64 {
	return []float64{0, 1, 3, 2}[int(x[0])] + []float64{2, 0, 1}[int(x[1])] + 1 - 8*(x[2]-0.7)*(x[2]-0.7)
}

// campaign runs a campaign of n experiments and returns the best.
func campaign(t *testing.T, b lab.Brief, f func([]float64) float64, n int) float64 {
	t.Helper()
	p := planner.New(planner.Options{})
	best := math.Inf(-1)
	for len(b.Known) < n {
		plan, err := p.Propose(context.Background(), b)
		if err != nil {
			t.Fatal(err)
		}
		run(&b, plan, func(s []lab.Setting) []lab.Measured {
			x := make([]float64, len(s))
			for i, v := range s {
				x[i] = v.Value.Number()
				for k, l := range b.Space.Parameters[i].Levels {
					if l == v.Value.Label() {
						x[i] = float64(k)
					}
				}
			}
			y := f(x)
			best = math.Max(best, y)
			return []lab.Measured{{Name: "y", Value: y, Unit: "1"}}
		})
	}
	return best
}

// TestRegretBeatsRandom compares campaigns that start alike, over fixed seeds.
func TestRegretBeatsRandom(t *testing.T) {
	t.Parallel()
	mixed := lab.Space{Parameters: []lab.Parameter{
		{Name: "a", Type: lab.Categorical, Levels: []string{"p", "q", "r", "s"}},
		{Name: "b", Type: lab.Categorical, Levels: []string{"u", "v", "w"}},
		{Name: "c", Type: lab.Continuous, Min: new(0.0), Max: new(1.0)},
	}}
	for name, c := range map[string]struct {
		space  lab.Space
		f      func([]float64) float64
		best   float64
		n      int
		regret float64 // at most, on average
	}{
		"Branin":    {pooled(0, 0, 2).Space, branin, -0.397887, 30, 0.1},
		"Hartmann3": {pooled(0, 0, 3).Space, hartmann3, 3.86278, 30, 0.05},
		"Choices":   {mixed, choices, 6, 20, 0.02},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const seeds = 6
			wins, mean, random := 0, 0.0, 0.0
			for seed := range uint64(seeds) {
				b := pooled(0, 0, 1)
				b.Space, b.Seed, b.First, b.Budget = c.space, seed, 1, c.n
				ours := c.best - campaign(t, b, c.f, c.n)
				b.Policy.Planner = "random"
				theirs := c.best - campaign(t, b, c.f, c.n)
				if ours < theirs {
					wins++
				}
				mean += ours / seeds
				random += theirs / seeds
			}
			report := fmt.Sprintf("regret after %d experiments %.4f, random %.4f, better in %d of %d campaigns", c.n, mean, random, wins, seeds)
			t.Log(report)
			if mean > c.regret || wins < seeds-1 {
				t.Errorf("%s; want at most %g and better in all but one", report, c.regret)
			}
		})
	}
}
