package net_test

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/athanor-lab/athanor/planner/net"
)

// wave is a smooth function of four numbers, of which one does not matter.
func wave(x []float64) float64 {
	return math.Sin(4*x[0]) + 2*x[1]*x[1] - x[0]*x[2]
}

func drawn(n int, noise float64, seed uint64) (x [][]float64, y []float64) {
	rng := rand.New(rand.NewPCG(seed, 2))
	for range n {
		r := []float64{rng.Float64(), rng.Float64(), rng.Float64(), rng.Float64()}
		x, y = append(x, r), append(y, 50+10*(wave(r)+noise*rng.NormFloat64()))
	}
	return x, y
}

// TestEnsembleLearnsAndKnowsHowWell trains on noisy points and wants nearly all
// of the rest explained, and intervals that hold what they say.
func TestEnsembleLearnsAndKnowsHowWell(t *testing.T) {
	t.Parallel()
	x, y := drawn(1200, 0.1, 1)
	e := net.Fit(x, y, net.Config{Visits: 30_000, Seed: 5})
	cx, cy := drawn(200, 0.1, 2)
	e.Calibrate(cx, cy)
	q := e.Judge(drawn(600, 0.1, 3))
	if q.Explained < 0.95 {
		t.Errorf("explains %.3f of the variance, want at least 0.95", q.Explained)
	}
	for name, c := range map[string][2]float64{"50": {q.Covered50, 0.5}, "80": {q.Covered80, 0.8}, "95": {q.Covered95, 0.95}} {
		if math.Abs(c[0]-c[1]) > 0.08 {
			t.Errorf("%s %% intervals hold %.3f of the outcomes", name, c[0])
		}
	}
	if e.Noise*e.SD < 0.5 || e.Noise*e.SD > 2 {
		t.Errorf("noise %.2f, want about 1", e.Noise*e.SD)
	}
	// Members agree where they were shown points and less where there were none.
	p := e.Predictor()
	_, inside, _ := p.At([]float64{0.5, 0.5, 0.5, 0.5})
	_, outside, _ := p.At([]float64{3, -2, 3, 0.5})
	if outside < 3*inside {
		t.Errorf("spread far from all points %.2f, among them %.2f; want three times as much", outside, inside)
	}
}

// TestEqualSeedsGiveEqualBits trains twice, and reads an ensemble back.
func TestEqualSeedsGiveEqualBits(t *testing.T) {
	t.Parallel()
	x, y := drawn(60, 0.1, 4)
	c := net.Config{Visits: 2000, Seed: 9}
	a, b := net.Fit(x, y, c), net.Fit(x, y, c)
	if d := cmp.Diff(a, b); d != "" {
		t.Fatalf("two trainings differ:\n%s", d)
	}
	body, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	var back net.Ensemble
	if err := json.Unmarshal(body, &back); err != nil {
		t.Fatal(err)
	}
	for _, r := range x {
		m1, s1, o1 := a.Predictor().At(r)
		m2, s2, o2 := back.Predictor().At(r)
		if m1 != m2 || s1 != s2 || o1 != o2 {
			t.Fatalf("read back it predicts %g, %g, %g at %v, before %g, %g, %g", m2, s2, o2, r, m1, s1, o1)
		}
	}
	c.Seed++
	if cmp.Equal(a, net.Fit(x, y, c)) {
		t.Error("another seed gives the same ensemble")
	}
}

// TestOutOfBagIsHonest wants the error on points as if they had not been shown:
// of pure noise, no better than its spread.
func TestOutOfBagIsHonest(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(8, 8))
	var x [][]float64
	var y []float64
	for range 80 {
		x, y = append(x, []float64{rng.Float64(), rng.Float64()}), append(y, rng.NormFloat64())
	}
	c := net.Config{Visits: 20_000, Members: 8, Seed: 1}
	e := net.Fit(x, y, c)
	p := e.Predictor()
	in, out := 0.0, 0.0
	for i, v := range e.OutOfBag(x, c) {
		m, _, _ := p.At(x[i])
		in += (m - y[i]) * (m - y[i]) / 80
		out += (v - y[i]) * (v - y[i]) / 80
	}
	if out < 0.9 || in > 0.8*out {
		t.Errorf("mean squared error %.2f in sample, %.2f out of bag; want at least 0.9 out of bag and clearly less in sample", in, out)
	}
}

// TestConstantOutcomes must not divide by their spread.
func TestConstantOutcomes(t *testing.T) {
	t.Parallel()
	e := net.Fit([][]float64{{1, 2}, {1, 2}, {1, 2}}, []float64{4, 4, 4}, net.Config{Visits: 100})
	if m, sd, o := e.Predictor().At([]float64{1, 2}); math.IsNaN(m + sd + o) {
		t.Errorf("prediction %g ± %g (%g) of constant outcomes", m, sd, o)
	}
}
