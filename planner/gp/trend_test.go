package gp_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/athanor-lab/athanor/planner/gp"
)

// trended is data along one number with the value of a trend behind it.
func trended(n int, slope float64, seed uint64) (gp.Metric, gp.Data) {
	rng := rand.New(rand.NewPCG(seed, 9))
	m := gp.Metric{Columns: []gp.Column{{Group: 0}}, Groups: 1, Trends: []gp.Trend{{Column: 1, Mean: 0.6, SD: 0.5}}}
	var x [][]float64
	var y []float64
	for range n {
		u := rng.Float64()
		s := math.Sin(9*u) / 0.7
		x, y = append(x, []float64{u, s}), append(y, slope*s+0.05*rng.NormFloat64())
	}
	return m, gp.Observations(x, y)
}

// TestTrendIsLearned wants the slope that the data have, whatever was expected,
// and a prediction far from all of them that follows it.
func TestTrendIsLearned(t *testing.T) {
	t.Parallel()
	prior := gp.Scaled(1)
	for _, slope := range []float64{1, 0, -0.8} {
		m, d := trended(25, slope, 3)
		p := gp.NewProblem(m, d)
		h, _ := p.Fit(prior, prior.Start(1), 40)
		post, err := p.Posterior(prior.Kernel, h, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := post.Slope(0); math.Abs(got-slope) > 0.25 {
			t.Errorf("slope %.2f, want %.2f", got, slope)
		}
		f, err := p.LeaveOneOut(prior.Kernel, h)
		if err != nil {
			t.Fatal(err)
		}
		for i, mean := range f.Mean {
			if math.Abs(mean-d.Y[i]) > 0.5 {
				t.Errorf("slope %g: outcome %d left out is predicted as %.2f, want %.2f", slope, i, mean, d.Y[i])
			}
		}
	}
}

// TestTrendGradientsAreExact compares the analytic gradient with differences.
func TestTrendGradientsAreExact(t *testing.T) {
	t.Parallel()
	m, d := trended(12, 0.5, 4)
	p := gp.NewProblem(m, d)
	prior := gp.Short()
	z := []float64{-0.7, -2, 0.3}
	grad, scratch := make([]float64, 3), make([]float64, 3)
	p.Objective(prior, z, grad)
	for i := range z {
		const step = 1e-5
		up, down := append([]float64(nil), z...), append([]float64(nil), z...)
		up[i] += step
		down[i] -= step
		want := (p.Objective(prior, up, scratch) - p.Objective(prior, down, scratch)) / (2 * step)
		if math.Abs(grad[i]-want) > 1e-4*(1+math.Abs(want)) {
			t.Errorf("derivative %d is %g, want %g", i, grad[i], want)
		}
	}
}
