package acq_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/athanor-lab/athanor/planner/acq"
)

// covered returns the volume that points dominate above ref, by inclusion and
// exclusion of their boxes: slow and plain.
func covered(points [][]float64, ref []float64) float64 {
	sum := 0.0
	for set := 1; set < 1<<len(points); set++ {
		volume, sign := 1.0, -1.0
		for j := range ref {
			low := math.Inf(1)
			for i, p := range points {
				if set>>i&1 == 1 {
					low = math.Min(low, p[j])
				}
			}
			volume *= math.Max(0, low-ref[j])
		}
		for i := range points {
			if set>>i&1 == 1 {
				sign = -sign
			}
		}
		sum += sign * volume
	}
	return sum
}

func cloud(rng *rand.Rand, n, m int) [][]float64 {
	out := make([][]float64, n)
	for i := range out {
		for range m {
			out[i] = append(out[i], rng.NormFloat64())
		}
	}
	return out
}

func TestHypervolumeAgreesWithInclusionExclusion(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 1))
	for trial := range 300 {
		m := 2 + trial%2
		points := cloud(rng, 1+rng.IntN(8), m)
		ref := []float64{-1, -0.5, -2}[:m]
		got, want := acq.NewFront(points, ref).Hypervolume(), covered(points, ref)
		if math.Abs(got-want) > 1e-9 {
			t.Fatalf("trial %d: hypervolume of %v above %v = %g, want %g", trial, points, ref, got, want)
		}
	}
}

// TestLogEHVIAgreesWithSampling averages the growth of the hypervolume over
// 20,000 outcomes.
func TestLogEHVIAgreesWithSampling(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(2, 1))
	for trial := range 6 {
		m := 2 + trial%2
		ref := []float64{-2, -2, -2}[:m]
		front := acq.NewFront(cloud(rng, 6, m), ref)
		points := front.Best()
		mean, sd := cloud(rng, 1, m)[0], []float64{0.5, 1, 0.7}[:m]
		const draws = 20_000
		sum, square := 0.0, 0.0
		for range draws {
			y := make([]float64, m)
			for j := range y {
				y[j] = mean[j] + sd[j]*rng.NormFloat64()
			}
			gain := covered(append(slices.Clip(points), y), ref) - covered(points, ref)
			sum += gain / draws
			square += gain * gain / draws
		}
		spread := math.Sqrt((square - sum*sum) / draws)
		if got := math.Exp(front.LogEHVI(mean, sd)); math.Abs(got-sum) > 4.5*spread+1e-9 {
			t.Errorf("trial %d: EHVI of %v ± %v over %v = %g, want %g ± %g", trial, mean, sd, points, got, sum, spread)
		}
	}
}

// TestLogEHVIGrowsWithSD holds what the lazy search of the planner rests on.
func TestLogEHVIGrowsWithSD(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 1))
	for trial := range 300 {
		m := 2 + trial%2
		front := acq.NewFront(cloud(rng, 6, m), []float64{-2, -2, -2}[:m])
		mean, sd := cloud(rng, 1, m)[0], []float64{0.1, 0.2, 0.3}[:m]
		before := front.LogEHVI(mean, sd)
		sd[rng.IntN(m)] += 0.05
		if after := front.LogEHVI(mean, sd); after < before-1e-12*math.Abs(before) {
			t.Fatalf("trial %d: LogEHVI falls from %g to %g as an sd grows", trial, before, after)
		}
	}
}

// TestLogEHVIFarFromTheFrontIsFinite holds that hopeless candidates can still
// be told apart.
func TestLogEHVIFarFromTheFrontIsFinite(t *testing.T) {
	t.Parallel()
	front := acq.NewFront([][]float64{{0, 1}, {1, 0}}, []float64{-1, -1})
	far, near := front.LogEHVI([]float64{-50, -50}, []float64{0.1, 0.1}), front.LogEHVI([]float64{-40, -40}, []float64{0.1, 0.1})
	if math.IsInf(far, 0) || math.IsNaN(far) || far >= near {
		t.Errorf("LogEHVI = %g far away and %g less far, want finite and growing", far, near)
	}
}

func TestNondominated(t *testing.T) {
	t.Parallel()
	got := acq.Nondominated([][]float64{{1, 1}, {2, 0}, {1, 1}, {0, 0}, {0, 3}})
	if diff := cmp.Diff([]int{0, 1, 4}, got); diff != "" {
		t.Errorf("nondominated rows differ (-want +got):\n%s", diff)
	}
}
