package truth

import (
	"fmt"
	"math"
)

// Branin is the Branin function, with three minima of equal depth.
//
//	f(x) = (x2 − b·x1² + c·x1 − r)² + s(1−t)·cos x1 + s
//	b = 5.1/4π², c = 5/π, r = 6, s = 10, t = 1/8π
var Branin = Function{
	Title:  "branin",
	Source: "L. C. W. Dixon, G. P. Szegö, The global optimization problem: an introduction, in Towards Global Optimisation 2, North-Holland, 1978, pp. 1–15",
	Axes:   []Axis{{"x1", -5, 10}, {"x2", 0, 15}},
	Best:   0.39788735772973816, // s·t = 10/8π
	Optima: [][]float64{{-math.Pi, 12.275}, {math.Pi, 2.275}, {3 * math.Pi, 2.475}},
	at: func(x []float64) float64 {
		const b, c, r, s, t = 5.1 / (4 * math.Pi * math.Pi), 5 / math.Pi, 6, 10, 1 / (8 * math.Pi)
		q := x[1] - b*x[0]*x[0] + c*x[0] - r
		return q*q + s*(1-t)*math.Cos(x[0]) + s
	},
}

// Hartmann3 is Hartmann's family in three dimensions: four Gaussian wells.
//
//	f(x) = −Σi αi·exp(−Σj Aij(xj−Pij)²)
var Hartmann3 = Function{
	Title:  "hartmann3",
	Source: hartmannSource,
	Axes:   unitCube(3),
	Best:   -3.86278214782076,
	Optima: [][]float64{{0.114614, 0.555649, 0.852547}},
	at: hartmann(
		[4][]float64{{3, 10, 30}, {0.1, 10, 35}, {3, 10, 30}, {0.1, 10, 35}},
		[4][]float64{{0.3689, 0.1170, 0.2673}, {0.4699, 0.4387, 0.7470}, {0.1091, 0.8732, 0.5547}, {0.0381, 0.5743, 0.8828}}),
}

// Hartmann6 is Hartmann's family in six dimensions; the formula is that of
// [Hartmann3]. It has six local minima.
var Hartmann6 = Function{
	Title:  "hartmann6",
	Source: hartmannSource,
	Axes:   unitCube(6),
	Best:   -3.32236801141551,
	Optima: [][]float64{{0.20169, 0.150011, 0.476874, 0.275332, 0.311652, 0.6573}},
	at: hartmann(
		[4][]float64{{10, 3, 17, 3.5, 1.7, 8}, {0.05, 10, 17, 0.1, 8, 14}, {3, 3.5, 1.7, 10, 17, 8}, {17, 8, 0.05, 10, 0.1, 14}},
		[4][]float64{
			{0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886},
			{0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991},
			{0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650},
			{0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381},
		}),
}

const hartmannSource = "L. C. W. Dixon, G. P. Szegö, The global optimization problem: an introduction, in Towards Global Optimisation 2, North-Holland, 1978, pp. 1–15, family of J. K. Hartman, Some experiments in global optimization, Naval Research Logistics Quarterly 20, 569–576, 1973"

func hartmann(a, p [4][]float64) func([]float64) float64 {
	alpha := [4]float64{1, 1.2, 3, 3.2}
	return func(x []float64) float64 {
		sum := 0.0
		for i := range alpha {
			e := 0.0
			for j, xj := range x {
				d := xj - p[i][j]
				e += a[i][j] * d * d
			}
			sum -= alpha[i] * math.Exp(-e)
		}
		return sum
	}
}

// Ackley returns Ackley's function in d dimensions: one deep minimum in a field
// of regular shallow ones. It panics when d is not positive.
//
//	f(x) = −20·exp(−0.2·√(Σxj²/d)) − exp(Σcos(2πxj)/d) + 20 + e
func Ackley(d int) Function {
	if d < 1 {
		panic("truth: Ackley's function has at least one dimension")
	}
	f := Function{
		Title:  fmt.Sprintf("ackley%d", d),
		Source: "D. H. Ackley, A Connectionist Machine for Genetic Hillclimbing, Kluwer, 1987, generalised by T. Bäck, H.-P. Schwefel, Evolutionary Computation 1, 1–23, 1993",
		Optima: [][]float64{make([]float64, d)},
		at: func(x []float64) float64 {
			squares, waves := 0.0, 0.0
			for _, v := range x {
				squares += v * v
				waves += math.Cos(2 * math.Pi * v)
			}
			n := float64(len(x))
			return -20*math.Exp(-0.2*math.Sqrt(squares/n)) - math.Exp(waves/n) + 20 + math.E
		},
	}
	for j := range d {
		f.Axes = append(f.Axes, Axis{fmt.Sprintf("x%d", j+1), -32.768, 32.768})
	}
	return f
}

// Alloy is a surface over the fractions of nickel, iron and cobalt: a made-up
// overpotential, in units of 1 V, with one minimum inside the simplex. It is
// ours, for examples; no measurement stands behind it.
//
//	f(x) = 0.30 + 0.8·Σ (xi − oi)²,  o = (0.55, 0.30, 0.15)
var Alloy = Function{
	Title:   "alloy",
	Source:  "this package",
	Axes:    []Axis{{"Ni", 0, 1}, {"Fe", 0, 1}, {"Co", 0, 1}},
	Simplex: true,
	Best:    0.30,
	Optima:  [][]float64{{0.55, 0.30, 0.15}},
	at: func(x []float64) float64 {
		sum := 0.30
		for i, o := range [3]float64{0.55, 0.30, 0.15} {
			sum += 0.8 * (x[i] - o) * (x[i] - o)
		}
		return sum
	},
}

func unitCube(d int) []Axis {
	axes := make([]Axis, d)
	for j := range axes {
		axes[j] = Axis{fmt.Sprintf("x%d", j+1), 0, 1}
	}
	return axes
}
