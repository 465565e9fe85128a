package gp_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/athanor-lab/athanor/planner/gp"
)

// TestAbsentNumbersAreFarFromAll wants two points without a number to be one, a
// point with it to be as far from one without wherever it is, and numbers near each
// other to be hardly farther apart than on a line.
func TestAbsentNumbersAreFarFromAll(t *testing.T) {
	t.Parallel()
	m := gp.Metric{Columns: []gp.Column{{Group: 0, Optional: true}}, Groups: 1}
	if d := m.Squared([]float64{gp.None}, []float64{gp.None}); d != 0 {
		t.Errorf("two without: %g, want 0", d)
	}
	if d := m.Squared([]float64{0}, []float64{1}); math.Abs(d-1) > 1e-12 {
		t.Errorf("0 and 1: %g, want 1", d)
	}
	for _, x := range []float64{0, 0.3, 1} {
		if d := m.Squared([]float64{gp.None}, []float64{x}); math.Abs(math.Sqrt(d)-1.043) > 0.001 {
			t.Errorf("none and %g: %g, want the square of 1.043", x, d)
		}
		if d := math.Sqrt(m.Squared([]float64{x}, []float64{x + 0.01})); d < 0.01 || d > 0.0105 {
			t.Errorf("%g and a hundredth more: %g, want that and at most 5 %% more", x, d)
		}
	}
}

// TestKernelOfAbsentNumbersIsOne draws points with and without numbers and wants a
// posterior for all of them with hardly any noise, and predictions that are the data.
func TestKernelOfAbsentNumbersIsOne(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(4, 4))
	m := gp.Metric{Columns: []gp.Column{{Group: 0}, {Group: 1, Optional: true}, {Group: -1, Tables: []gp.Table{gp.Hamming(2, 3)}}, {Group: 3, Optional: true}}, Groups: 4}
	var x [][]float64
	var y []float64
	for range 60 {
		p := []float64{rng.Float64(), rng.Float64(), float64(rng.IntN(3)), rng.Float64()}
		for _, c := range []int{1, 3} {
			if rng.IntN(2) == 0 {
				p[c] = gp.None
			}
		}
		x, y = append(x, p), append(y, math.Sin(3*p[0])+p[2]+m.Squared(p, []float64{0, 0.5, 0, gp.None}))
	}
	for _, scale := range []float64{0.1, 0.5, 3} {
		h := gp.Params{Scales: []float64{scale, scale, scale, scale}, Noise: 1e-6, Output: 1}
		post, err := gp.NewProblem(m, gp.Observations(x, y)).Posterior(gp.Matern52, h, 0)
		if err != nil {
			t.Fatalf("scale %g: %v", scale, err)
		}
		s := post.NewScratch()
		for i := range x {
			mean, v := post.Predict(x[i], s)
			if math.Abs(mean-y[i]) > 0.01 || v > 1e-3 {
				t.Fatalf("scale %g, at point %d: %g with variance %g, want %g", scale, i, mean, v, y[i])
			}
		}
	}
}
