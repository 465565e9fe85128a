package gp_test

import (
	"math/rand/v2"
	"testing"

	"github.com/athanor-lab/athanor/planner/gp"
)

// TestLocalBoundHolds compares the bound that a few near rows give with the
// variance by all of them: never below it, and of all rows equal to it.
func TestLocalBoundHolds(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(5, 5))
	for name, m := range metrics() {
		x := points(rng, m, 40)
		y := make([]float64, len(x))
		for i := range y {
			y[i] = rng.NormFloat64()
		}
		prior := gp.Short()
		p, err := gp.NewProblem(m, gp.Observations(x, y)).Posterior(prior.Kernel, prior.Start(m.Groups), 1)
		if err != nil {
			t.Fatal(err)
		}
		s := p.NewScratch()
		p.Append(points(rng, m, 1)[0], s)
		for _, at := range points(rng, m, 20) {
			mean, variance := p.Predict(at, s)
			few, all := p.Around(at, 8, s), p.Around(at, 100, s)
			if got, bound := p.Bound(at, few, s); got != mean || bound < variance-1e-9 {
				t.Errorf("%s: bound at %v = %g, %g, want %g and at least %g", name, at, got, bound, mean, variance)
			}
			if _, bound := p.Bound(at, all, s); bound < variance-1e-9 || bound > variance+1e-6 {
				t.Errorf("%s: bound by all rows at %v = %g, want %g", name, at, bound, variance)
			}
		}
	}
}
