package space_test

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/athanor-lab/athanor/planner/space"
)

// TestSobolAgreesWithJoeAndKuo compares with the first ten points in three
// dimensions that Joe and Kuo print on the page of their direction numbers,
// https://web.maths.unsw.edu.au/~fkuo/sobol/.
func TestSobolAgreesWithJoeAndKuo(t *testing.T) {
	t.Parallel()
	want := [][]float64{
		{0, 0, 0},
		{0.5, 0.5, 0.5},
		{0.75, 0.25, 0.25},
		{0.25, 0.75, 0.75},
		{0.375, 0.375, 0.625},
		{0.875, 0.875, 0.125},
		{0.625, 0.125, 0.875},
		{0.125, 0.625, 0.375},
		{0.1875, 0.3125, 0.9375},
		{0.6875, 0.8125, 0.4375},
	}
	s := space.Unscrambled(3)
	for i, w := range want {
		u := make([]float64, 3)
		s.At(uint32(i), u)
		if diff := cmp.Diff(w, u); diff != "" {
			t.Errorf("point %d differs (-want +got):\n%s", i, diff)
		}
	}
}

// TestSobolIsEven wants, of the first 256 points, one in each of 256 equal
// parts of every axis, scrambled or not, and in every elementary rectangle of
// the first two axes.
func TestSobolIsEven(t *testing.T) {
	t.Parallel()
	const n = 256
	for name, s := range map[string]*space.Sobol{
		"Plain": space.Unscrambled(space.SobolDimensions), "Scrambled": space.NewSobol(space.SobolDimensions, 99),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			points := make([][]float64, n)
			for i := range points {
				points[i] = make([]float64, space.SobolDimensions)
				s.At(uint32(i), points[i])
			}
			for d := range space.SobolDimensions {
				hit := make([]bool, n)
				for _, p := range points {
					hit[int(p[d]*n)] = true
				}
				for k, ok := range hit {
					if !ok {
						t.Fatalf("dimension %d has no point in [%d, %d)/%d", d, k, k+1, n)
					}
				}
			}
			for a := 1; a < n; a *= 2 {
				seen := make(map[[2]int]bool)
				for _, p := range points {
					seen[[2]int{int(p[0] * float64(a)), int(p[1] * float64(n/a))}] = true
				}
				if len(seen) != n {
					t.Errorf("%d of %d rectangles 1/%d × 1/%d have a point, want all", len(seen), n, a, n/a)
				}
			}
		})
	}
}

// TestSobolBeyondItsTable fills dimensions that have no direction numbers.
func TestSobolBeyondItsTable(t *testing.T) {
	t.Parallel()
	s := space.NewSobol(space.SobolDimensions+6, 4)
	u := make([]float64, space.SobolDimensions+6)
	mean := 0.0
	for i := range 1000 {
		s.At(uint32(i), u)
		mean += u[space.SobolDimensions+5] / 1000
	}
	if math.Abs(mean-0.5) > 0.05 {
		t.Errorf("the last dimension averages %g, want 0.5", mean)
	}
}
