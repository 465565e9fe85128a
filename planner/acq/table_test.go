package acq

import (
	"math"
	"testing"
)

// TestGainsOfTheTable compares with the gain itself.
func TestGainsOfTheTable(t *testing.T) {
	t.Parallel()
	last := 0.0
	for i := range 100_000 {
		z := -reach + 2*reach*float64(i)/100_000
		got, want := gainAt(z), math.Exp(logH(z))
		if math.Abs(got-want) > 1e-6*want {
			t.Fatalf("h(%g) = %g, want %g", z, got, want)
		}
		if got < last {
			t.Fatalf("h(%g) = %g, less than before it", z, got)
		}
		last = got
	}
}
