package acq_test

import (
	"math"
	"testing"

	"github.com/athanor-lab/athanor/planner/acq"
)

// TestLogEIAgreesWithHighPrecision compares with ln(φ(z) + z·Φ(z)) worked out
// by mpmath 1.3.0 with 80 digits from the definition.
func TestLogEIAgreesWithHighPrecision(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ z, want float64 }{
		{5, 1.6094379231264313851},
		{1, 0.080026218849306940029},
		{0, -0.91893853320467274178},
		{-0.5, -1.6205162643873199193},
		{-0.999999, -2.4851191214417689959},
		{-1, -2.4851210257126413368},
		{-1.5, -3.5299359208057098515},
		{-3, -7.8696860596030285171},
		{-3.999, -11.844629552292603298},
		{-4, -11.849061577550663111},
		{-4.001, -11.8534945197858763},
		{-8, -37.122364261692633},
		{-20, -206.91783850942509785},
		{-38.5, -749.3472742078229216},
		{-100, -5010.1295788002497923},
		{-1e4, -50000019.339619307157},
		{-1e6, -500000000028.54995965},
	} {
		if got := acq.LogEI(c.z, 1, 0); math.Abs(got-c.want) > 1e-12*math.Max(1, math.Abs(c.want)) {
			t.Errorf("LogEI(%g, 1, 0) = %.17g, want %.17g", c.z, got, c.want)
		}
		// Units do not matter: sd·h((mean-best)/sd).
		if got, want := acq.LogEI(7+3*c.z, 3, 7), c.want+math.Log(3); math.Abs(got-want) > 1e-11*math.Max(1, math.Abs(want)) {
			t.Errorf("LogEI(%g, 3, 7) = %.17g, want %.17g", 7+3*c.z, got, want)
		}
	}
}

// TestLogEIGrowsWithMeanAndSD holds what the lazy search of the planner rests on.
func TestLogEIGrowsWithMeanAndSD(t *testing.T) {
	t.Parallel()
	for z := -60.0; z < 6; z += 0.01 {
		if a, b := acq.LogEI(z, 1, 0), acq.LogEI(z+0.01, 1, 0); !(b > a) {
			t.Fatalf("LogEI falls from %g to %g between means %g and %g", a, b, z, z+0.01)
		}
		if a, b := acq.LogEI(z, 1, 0), acq.LogEI(z, 1.01, 0); !(b > a) {
			t.Fatalf("LogEI falls from %g to %g as sd grows at mean %g", a, b, z)
		}
	}
}

func TestLogSumExp(t *testing.T) {
	t.Parallel()
	if got, want := acq.LogSumExp([]float64{math.Log(1), math.Log(3)}), math.Log(4); math.Abs(got-want) > 1e-15 {
		t.Errorf("LogSumExp(ln 1, ln 3) = %g, want ln 4 = %g", got, want)
	}
	if got, want := acq.LogSumExp([]float64{-5000, -5000}), -5000+math.Ln2; got != want {
		t.Errorf("LogSumExp(-5000, -5000) = %g, want %g", got, want)
	}
	if got := acq.LogSumExp([]float64{math.Inf(-1)}); !math.IsInf(got, -1) {
		t.Errorf("LogSumExp(-Inf) = %g, want -Inf", got)
	}
}
