package xrd

import "math"

// element is what scatters, and what it weighs.
type element struct {
	weight float64    // g/mol, IUPAC abridged standard atomic weights, 2021
	a, b   [4]float64 // see form
	c      float64
}

// elements are those of the shipped structures. The coefficients are the nine
// of each neutral atom in International Tables for Crystallography, volume C,
// table 6.1.1.4 (1992).
var elements = map[string]element{
	"Li": {6.94, [4]float64{1.1282, 0.7508, 0.6175, 0.4653}, [4]float64{3.9546, 1.0524, 85.3905, 168.261}, 0.0377},
	"C":  {12.011, [4]float64{2.31, 1.02, 1.5886, 0.865}, [4]float64{20.8439, 10.2075, 0.5687, 51.6512}, 0.2156},
	"O":  {15.999, [4]float64{3.0485, 2.2868, 1.5463, 0.867}, [4]float64{13.2771, 5.7011, 0.3239, 32.9089}, 0.2508},
	"F":  {18.998, [4]float64{3.5392, 2.6412, 1.517, 1.0243}, [4]float64{10.2825, 4.2944, 0.2615, 26.1476}, 0.2776},
	"Na": {22.990, [4]float64{4.7626, 3.1736, 1.2674, 1.1128}, [4]float64{3.285, 8.8422, 0.3136, 129.424}, 0.676},
	"Mg": {24.305, [4]float64{5.4204, 2.1735, 1.2269, 2.3073}, [4]float64{2.8275, 79.2611, 0.3808, 7.1937}, 0.8584},
	"Al": {26.982, [4]float64{6.4202, 1.9002, 1.5936, 1.9646}, [4]float64{3.0387, 0.7426, 31.5472, 85.0886}, 1.1151},
	"Si": {28.085, [4]float64{6.2915, 3.0353, 1.9891, 1.541}, [4]float64{2.4386, 32.3337, 0.6785, 81.6937}, 1.1407},
	"Cl": {35.45, [4]float64{11.4604, 7.1964, 6.2556, 1.6455}, [4]float64{0.0104, 1.1662, 18.5194, 47.7784}, -9.5574},
	"Ca": {40.078, [4]float64{8.6266, 7.3873, 1.5899, 1.0211}, [4]float64{10.4421, 0.6599, 85.7484, 178.437}, 1.3751},
	"Ti": {47.867, [4]float64{9.7595, 7.3558, 1.6991, 1.9021}, [4]float64{7.8508, 0.5, 35.6338, 116.105}, 1.2807},
	"Co": {58.933, [4]float64{12.2841, 7.3409, 4.0034, 2.3488}, [4]float64{4.2791, 0.2784, 13.5359, 71.1692}, 1.0118},
}

// form returns the atomic form factor f(s) = Σ aᵢ·exp(−bᵢ·s²) + c at s = sin θ/λ
// in 1/Å, in electrons (Cromer & Mann, Acta Cryst. A 24, 321, 1968).
func (e element) form(s2 float64) float64 {
	f := e.c
	for i, a := range e.a {
		f += a * math.Exp(-e.b[i]*s2)
	}
	return f
}
