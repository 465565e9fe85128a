package gp

import (
	"math"
	"testing"
)

// TestExponentialOfRows compares with math over all magnitudes.
func TestExponentialOfRows(t *testing.T) {
	t.Parallel()
	var x []float64
	for i := range 200_000 {
		x = append(x, 708*math.Pow(float64(i)/200_000, 3))
	}
	x = append(x, 0, 1e-300, 707.999, 708, 1e300, math.Inf(1))
	got := append([]float64(nil), x...)
	expNegative(got)
	for i, v := range x {
		want := math.Exp(-v)
		if v >= 708 {
			want = 0
		}
		if math.Abs(got[i]-want) > 4e-16*want {
			t.Fatalf("e^-%g = %g, want %g", v, got[i], want)
		}
	}
}
