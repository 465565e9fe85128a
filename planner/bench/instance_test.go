package bench

import (
	"math"
	"path/filepath"
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

// TestCommittedCampaignsAreOfTheSuite does the experiments of bench/peers again:
// a function that changed makes its traces worthless.
func TestCommittedCampaignsAreOfTheSuite(t *testing.T) {
	t.Parallel()
	traces, err := SyntheticTraces(filepath.Join("..", "..", "bench", "peers", "traces", "synthetic"))
	if err != nil {
		t.Fatal(err)
	}
	have := make(map[string]map[string]bool)
	for _, p := range problems() {
		drawn := make(map[int]*instance)
		for _, tr := range traces {
			if tr.Problem != p.name {
				continue
			}
			if drawn[tr.Seed] == nil {
				if drawn[tr.Seed], err = drawInstance(p, uint64(tr.Seed)); err != nil {
					t.Fatal(err)
				}
				if p.noise > 0 {
					drawn[tr.Seed].survey()
				}
			}
			if _, err := drawn[tr.Seed].replay(tr); err != nil {
				t.Errorf("%s on %s, seed %d: %v", tr.Planner, tr.Problem, tr.Seed, err)
			}
			if tr.Version == "" || len(tr.CPUMS) != len(tr.Points)-tr.Starts {
				t.Errorf("%s on %s, seed %d: version %q, %d times", tr.Planner, tr.Problem, tr.Seed, tr.Version, len(tr.CPUMS))
			}
			if have[tr.Planner] == nil {
				have[tr.Planner] = make(map[string]bool)
			}
			have[tr.Planner][tr.Problem] = true
		}
	}
	for name, least := range map[string]int{"optuna-tpe": len(problems()), "botorch": 28, "optuna-gp": 24} {
		if len(have[name]) < least {
			t.Errorf("%s has traces on %d problems, want %d", name, len(have[name]), least)
		}
	}
}
