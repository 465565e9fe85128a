package xrd

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Copper's K-alpha lines, in Å, and the share of the second (Hölzer et al.,
// Phys. Rev. A 56, 4554, 1997).
const (
	CuKa1 = 1.540593
	CuKa2 = 1.544427
	ratio = 0.5
)

// Line is a reflection of a powder: all planes of one spacing together.
type Line struct {
	H, K, L      int     // of one of its planes
	D            float64 // spacing in Å
	Multiplicity int
	// Strength is the integrated intensity that a gram of the phase gives,
	// without the Lorentz and polarization factors, in units common to all
	// phases: Σ|F|²·exp(−2B·s²)/(ρ·V²).
	Strength float64
}

// TwoTheta returns where the line is for a wavelength in Å, in degrees: Bragg's
// law, λ = 2d·sin θ. It is NaN where the wavelength is too long for the spacing.
func (l Line) TwoTheta(wavelength float64) float64 {
	return 2 * math.Asin(wavelength/2/l.D) * 180 / math.Pi
}

// Lines returns the reflections of a structure with spacings of dMin Å and more,
// the largest first. Those that its symmetry forbids are not among them. Cost:
// O(planes · atoms).
func (s Structure) Lines(dMin float64) ([]Line, error) {
	atoms, err := s.atoms()
	if err != nil {
		return nil, err
	}
	if !(dMin > 0.2) { // a sphere of a million planes
		return nil, fmt.Errorf("lines of %s: the least spacing is %g Å, want more than 0.2", s.Name, dMin)
	}
	rho, err := s.Density()
	if err != nil {
		return nil, err
	}
	reciprocal, v := inverse(s.metric()), s.Volume()
	var most [3]int
	for i, axis := range []float64{s.A, s.B, s.C} {
		most[i] = int(axis/dMin) + 1
	}
	lines := map[int]*Line{}
	for h := -most[0]; h <= most[0]; h++ {
		for k := -most[1]; k <= most[1]; k++ {
			for l := -most[2]; l <= most[2]; l++ {
				q := quadratic(reciprocal, h, k, l) // 1/d²
				if q == 0 || q > 1/(dMin*dMin) {
					continue
				}
				i := intensity(atoms, h, k, l, q/4)
				if i < forbidden {
					continue
				}
				d := 1 / math.Sqrt(q)
				key := int(math.Round(d * 1e6))
				line := lines[key]
				if line == nil {
					line = &Line{D: d}
					lines[key] = line
				}
				if better(h, k, l, *line) {
					line.H, line.K, line.L = h, k, l
				}
				line.Multiplicity++
				line.Strength += i / (rho * v * v)
			}
		}
	}
	all := make([]Line, 0, len(lines))
	for _, l := range lines {
		all = append(all, *l)
	}
	slices.SortFunc(all, func(a, b Line) int { return cmp.Compare(b.D, a.D) })
	return all, nil
}

// forbidden is the |F|², in electrons², below which a reflection is none.
const forbidden = 1e-3

// better prefers the names of planes that people use: few and positive indices,
// the larger first.
func better(h, k, l int, than Line) bool {
	rank := func(h, k, l int) int { return (h*100+k)*100 + l }
	return than.Multiplicity == 0 || rank(h, k, l) > rank(than.H, than.K, than.L)
}

func quadratic(g [3][3]float64, h, k, l int) float64 {
	v, q := [3]float64{float64(h), float64(k), float64(l)}, 0.0
	for i := range v {
		for j := range v {
			q += v[i] * g[i][j] * v[j]
		}
	}
	return q
}

// intensity returns |F(hkl)|² with the displacement of the atoms, at s² =
// (sin θ/λ)².
func intensity(atoms []atom, h, k, l int, s2 float64) float64 {
	re, im := 0.0, 0.0
	f := map[string]float64{}
	for _, a := range atoms {
		if _, ok := f[a.element]; !ok {
			f[a.element] = elements[a.element].form(s2) * math.Exp(-biso*s2)
		}
		sin, cos := math.Sincos(2 * math.Pi * (float64(h)*a.at[0] + float64(k)*a.at[1] + float64(l)*a.at[2]))
		re, im = re+f[a.element]*cos, im+f[a.element]*sin
	}
	return re*re + im*im
}
