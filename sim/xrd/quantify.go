package xrd

import (
	"fmt"
	"math"
)

// Quantify returns the share of each phase in the mass of what diffracts, from
// counts of a scan: the pattern is a sum of the phases' patterns and of a
// background, with coefficients that are not negative, by least squares weighted
// with the counts' variance. That is what Rietveld's scale factors say of a
// mixture of known phases (Hill & Howard, J. Appl. Cryst. 20, 467, 1987). The
// residual is Rwp, from 0 to 1. Cost: O(points · phases²).
func (in Instrument) Quantify(counts []float64, phases []Phase) (shares []float64, residual float64, err error) {
	if len(counts) != in.Points() || len(phases) == 0 {
		return nil, 0, fmt.Errorf("quantify %d counts and %d phases: want %d counts and a phase at least", len(counts), len(phases), in.Points())
	}
	n := len(phases) + 2
	basis := make([][]float64, n)
	for i := range basis {
		basis[i] = make([]float64, len(counts))
	}
	for i, p := range phases {
		p.Grams = 1
		in.Expected(basis[i], []Phase{p}, 1)
	}
	flat, hump := in, in
	flat.Background, flat.Hump = 1, 0
	hump.Background, hump.Hump = 0, 1
	flat.AddBackground(basis[n-2], 1)
	hump.AddBackground(basis[n-1], 1)
	ata, atb := make([][]float64, n), make([]float64, n)
	for i := range ata {
		ata[i] = make([]float64, n)
	}
	for x, y := range counts {
		w := 1 / max(1, y)
		for i := range basis {
			atb[i] += w * basis[i][x] * y
			for j := range i + 1 {
				ata[i][j] += w * basis[i][x] * basis[j][x]
			}
		}
	}
	for i := range ata {
		for j := range i {
			ata[j][i] = ata[i][j]
		}
	}
	c := nonNegative(ata, atb)
	sum := 0.0
	for i := range phases {
		sum += c[i]
	}
	shares = make([]float64, len(phases))
	for i := range phases {
		if sum > 0 {
			shares[i] = c[i] / sum
		}
	}
	over, under := 0.0, 0.0
	for x, y := range counts {
		fit := 0.0
		for i := range basis {
			fit += c[i] * basis[i][x]
		}
		w := 1 / max(1, y)
		over += w * (y - fit) * (y - fit)
		under += w * y * y
	}
	return shares, math.Sqrt(over / max(under, math.SmallestNonzeroFloat64)), nil
}

// nonNegative minimises ½cᵀAc − bᵀc over c ≥ 0 by coordinate descent, which
// converges for a positive definite A (Franc, Hlaváč & Navara, Sequential
// coordinate-wise algorithm for the non-negative least squares problem, CAIP
// 2005).
func nonNegative(a [][]float64, b []float64) []float64 {
	c := make([]float64, len(b))
	for range 10_000 {
		change, size := 0.0, 0.0
		for i := range c {
			if a[i][i] <= 0 {
				continue
			}
			g := -b[i]
			for j := range c {
				g += a[i][j] * c[j]
			}
			next := max(0, c[i]-g/a[i][i])
			change = max(change, math.Abs(next-c[i])*math.Sqrt(a[i][i]))
			size = max(size, next*math.Sqrt(a[i][i]))
			c[i] = next
		}
		if change <= 1e-9*size {
			break
		}
	}
	return c
}
