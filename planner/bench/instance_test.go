package bench

import (
	"math"
	"testing"
)

// TestBestIsFound compares what was found with what was published.
func TestBestIsFound(t *testing.T) {
	t.Parallel()
	published := map[string]float64{
		"branin": -0.397887, "hartmann3": 3.86278, "hartmann6": 3.32237, "ackley5": 0, "rosenbrock4": 0,
		"branin-constrained": -0.397887, "hartmann6-constrained": 3.32237,
	}
	for _, p := range problems() {
		in, err := newInstance(p, 1)
		if err != nil {
			t.Fatal(err)
		}
		if p.objectives == 2 {
			if !(in.whole > 0) {
				t.Errorf("%s: the best front covers %g", p.name, in.whole)
			}
			continue
		}
		if !(in.best > in.typical) || math.IsInf(in.best, 0) {
			t.Errorf("%s: the best is %g, the median %g", p.name, in.best, in.typical)
		}
		want, known := published[p.name]
		if known && math.Abs(in.best-want) > 0.01*math.Abs(want-in.typical) {
			t.Errorf("%s: the best found is %g, published is %g", p.name, in.best, want)
		}
	}
}

// TestVolumeOfAFront adds up rectangles by hand.
func TestVolumeOfAFront(t *testing.T) {
	t.Parallel()
	in := &instance{corner: [2]float64{1, 1}}
	if got := in.volume([][]float64{{2, 4}, {3, 2}, {2, 3}, {0, 9}, {4, 0.5}}); got != 4 {
		t.Errorf("volume = %g, want 2·1 + 1·2 = 4", got)
	}
}

// TestLossesFollowTheBest checks a trace of known outcomes with a failure.
func TestLossesFollowTheBest(t *testing.T) {
	t.Parallel()
	in := &instance{
		problem: problem{works: func(x []float64) bool { return x[0] < 9 }},
		value:   func(x []float64) []float64 { return x }, best: 8, typical: 4,
	}
	in.spread[0] = []float64{0, 4}
	got := in.losses([][]float64{{9}, {4}, {2}, {8}})
	for i, want := range []float64{2, 1, 1, 0} {
		if got[i] != want {
			t.Errorf("loss after %d points = %g, want %g", i+1, got[i], want)
		}
	}
}
