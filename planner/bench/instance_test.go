package bench

import (
	"math"
	"testing"
)

// TestBestIsFound climbs to the best of each problem: it is what is known where
// that is published, and nothing is better.
func TestBestIsFound(t *testing.T) {
	t.Parallel()
	for _, p := range problems() {
		in, err := newInstance(p, 1)
		if err != nil {
			t.Fatal(err)
		}
		if p.several() {
			if !(in.whole > 0) {
				t.Errorf("%s: the best front covers %g", p.name, in.whole)
			}
			continue
		}
		if !(in.best > in.typical) || math.IsInf(in.best, 0) {
			t.Errorf("%s: the best is %g, the median %g", p.name, in.best, in.typical)
		}
		_, found := in.climb(func(x []float64) float64 { return in.value(x)[0] }, 8)
		if off := (in.best - found) / (in.best - in.typical); p.optimum != nil && (off > 0.01 || off < -0.001) {
			t.Errorf("%s: the best found is %g, known is %g", p.name, found, in.best)
		}
	}
}

// TestPublishedFrontsAreFound searches for the fronts of two objectives whose
// volume is published.
func TestPublishedFrontsAreFound(t *testing.T) {
	t.Parallel()
	for _, p := range problems() {
		if p.objectives != 2 || p.volume == 0 {
			continue
		}
		want := p.volume
		p.volume = 0
		in, err := newInstance(p, 1)
		if err != nil {
			t.Fatal(err)
		}
		if in.whole < 0.95*want || in.whole > 1.001*want {
			t.Errorf("%s: the front found covers %g, published is %g", p.name, in.whole, want)
		}
	}
}

// TestLossesOfThreeObjectivesAreMissingVolume takes two boxes from a cube.
func TestLossesOfThreeObjectivesAreMissingVolume(t *testing.T) {
	t.Parallel()
	in := &instance{
		problem: problem{objectives: 3, value: func(x []float64) []float64 { return x }},
		corner:  []float64{0, 0, 0}, whole: 8,
	}
	got := in.losses([][]float64{{0, 1, 1}, {2, 1, 1}, {1, 1, 2}, {1, 1, 1}, {2, 2, 2}})
	for i, want := range []float64{1, 0.75, 0.625, 0.625, 0} {
		if math.Abs(got[i]-want) > 1e-12 {
			t.Errorf("loss after %d points = %g, want %g", i+1, got[i], want)
		}
	}
}

// TestLossesFollowTheBest checks a trace of known outcomes with a failure.
func TestLossesFollowTheBest(t *testing.T) {
	t.Parallel()
	in := &instance{
		problem: problem{works: func(x []float64) bool { return x[0] < 9 }, value: func(x []float64) []float64 { return x }},
		best:    8, typical: 4, spread: [][2]float64{{0, 4}},
	}
	got := in.losses([][]float64{{9}, {4}, {2}, {8}})
	for i, want := range []float64{2, 1, 1, 0} {
		if got[i] != want {
			t.Errorf("loss after %d points = %g, want %g", i+1, got[i], want)
		}
	}
}
