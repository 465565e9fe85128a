package bench_test

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/athanor-lab/athanor/planner/bench"
)

// TestWilcoxonIsTheTabulated compares with values that other programs give.
func TestWilcoxonIsTheTabulated(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		d    []float64
		want float64
	}{
		// Of 2^5 sign patterns two are this extreme.
		{"FivePositive", []float64{1, 2, 3, 4, 5}, 2.0 / 32},
		{"FiveNegative", []float64{-1, -2, -3, -4, -5}, 2.0 / 32},
		// Rank sum 3 of the negative ones: 5 subsets of at most 3, twice, of 2^6.
		{"SixWithTwoBack", []float64{-1, -2, 3, 4, 5, 6}, 10.0 / 64},
		// Charles Darwin's fifteen maize plants, exact p 0.0413 (Fisher 1935's data).
		{"Maize", []float64{6.1, -8.4, 1.0, 2.0, 0.7, 2.9, 3.5, 5.1, 1.8, 3.6, 7.0, 3.0, 9.3, 7.5, -6.0}, 0.0413},
		{"Nothing", nil, 1},
		{"AllEqual", []float64{0, 0, 0}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := bench.Wilcoxon(c.d); math.Abs(got-c.want) > 5e-5 {
				t.Errorf("p = %.6f, want %.4f", got, c.want)
			}
		})
	}
}

// TestExactAndNormalAgree compares both ways of Wilcoxon's test at forty pairs.
func TestExactAndNormalAgree(t *testing.T) {
	t.Parallel()
	var d []float64
	for i := range 40 {
		d = append(d, float64(i+1)*float64(1-2*min(1, i%3%2)))
	}
	exact := bench.Wilcoxon(d)
	d[0] = math.Copysign(d[1], d[0]) // a tie takes the other way
	normal := bench.Wilcoxon(d)
	if math.Abs(exact-normal) > 0.1*exact {
		t.Errorf("exact p = %.4f, normal p with a tie = %.4f", exact, normal)
	}
}

func TestHolmIsMonotone(t *testing.T) {
	t.Parallel()
	got := bench.Holm([]float64{0.04, 0.01, 0.03, 0.9})
	want := []float64{0.09, 0.04, 0.09, 0.9}
	if d := cmp.Diff(want, got, cmpopts.EquateApprox(0, 1e-12)); d != "" {
		t.Errorf("corrected p-values (-want +got):\n%s", d)
	}
}

// TestIntervalCoversTheMean wants an interval of a skewed sample that is longer
// above the mean, as the data are.
func TestIntervalCoversTheMean(t *testing.T) {
	t.Parallel()
	var v []float64
	for i := range 40 {
		v = append(v, math.Exp(float64(i%10)/3))
	}
	mean := 0.0
	for _, x := range v {
		mean += x / 40
	}
	got := bench.IntervalOf(v)
	if !(got[0] < mean && mean < got[1]) || got[1]-mean <= mean-got[0] {
		t.Errorf("interval %v of mean %.3f, want one around it, longer above", got, mean)
	}
	if one := bench.IntervalOf([]float64{3}); one != (bench.Interval{3, 3}) {
		t.Errorf("interval of one number %v, want [3 3]", one)
	}
}
