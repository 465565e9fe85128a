package bench

import (
	"math"

	"github.com/athanor-lab/athanor/lab"
)

// fronts are functions with two or three objectives. Where a reference point
// and the volume of the best front are published, they are taken.
func fronts() []problem {
	several := func(name string, objectives int, ps []lab.Parameter, minimised func(x []float64) []float64) problem {
		p := fixed(name, ps, func(x []float64) []float64 {
			y := minimised(x)
			for j := range y {
				y[j] = -y[j]
			}
			return y
		})
		p.kind, p.objectives = "several", objectives
		return p
	}
	bnh := several("bnh", 2, box(2, 0, 5, 0, 3), binhKorn)
	bnh.conditions = []condition{{
		expr:  "(x1 - 5.0) * (x1 - 5.0) + x2 * x2 <= 25.0",
		meets: func(x []float64) bool { return (x[0]-5)*(x[0]-5)+x[1]*x[1] <= 25 },
	}}
	currin := several("branin-currin", 2, box(2, 0, 1), braninCurrin)
	currin.corner, currin.volume = []float64{-18, -6}, 59.36011874867746
	loud := currin
	loud.name, loud.kind, loud.noise = "branin-currin-noisy", "noisy", 0.05
	two := several("dtlz2", 2, box(6, 0, 1), func(x []float64) []float64 { return dtlz2(x, 2) })
	two.corner, two.volume = []float64{-1.1, -1.1}, 1.1*1.1-math.Pi/4
	three := several("dtlz2-three", 3, box(6, 0, 1), func(x []float64) []float64 { return dtlz2(x, 3) })
	three.corner, three.volume = []float64{-1.1, -1.1, -1.1}, 1.1*1.1*1.1-math.Pi/6
	vehicle := several("vehicle-safety", 3, box(5, 1, 3), vehicleSafety)
	vehicle.corner, vehicle.volume = []float64{-1864.72022, -11.81993945, -0.2903999384}, 246.81607081187002
	// In four numbers one point in twelve works; in twelve, as others have it, one
	// in tens of thousands would, and the starts would teach nothing.
	islands := several("c2-dtlz2", 2, box(4, 0, 1), func(x []float64) []float64 { return dtlz2(x, 2) })
	islands.works = func(x []float64) bool { return onIslands(dtlz2(x, 2)) }
	islands.corner, islands.volume = []float64{-1.1, -1.1}, 0.3996406303723544
	reactor := several("snar", 2, []lab.Parameter{number("minutes", 0.5, 2), number("equivalents", 1, 5), number("molar", 0.1, 0.5), number("celsius", 30, 120)}, snar)
	return []problem{several("zdt1", 2, box(4, 0, 1), zdt1), bnh, currin, loud, two, three, vehicle, islands, reactor}
}

// zdt1 has the front z = 1 - √y (Zitzler, Deb & Thiele, Comparison of
// multiobjective evolutionary algorithms, Evol. Comput. 8, 2000).
func zdt1(x []float64) []float64 {
	g := 1 + 9*total(x[1:])/float64(len(x)-1)
	return []float64{x[0], g * (1 - math.Sqrt(x[0]/g))}
}

// binhKorn is of Binh & Korn, MOBES: a multiobjective evolution strategy for
// constrained optimization problems (1997).
func binhKorn(x []float64) []float64 {
	return []float64{4 * (x[0]*x[0] + x[1]*x[1]), (x[0]-5)*(x[0]-5) + (x[1]-5)*(x[1]-5)}
}

// braninCurrin is the function of Branin beside that of Currin et al., Bayesian
// prediction of deterministic functions, J. Am. Stat. Assoc. 86 (1991), as
// Belakaria, Deshwal & Doppa, Max-value entropy search for multi-objective
// Bayesian optimization (2019), put them together. The reference point and the
// volume, worked out by NSGA-II, are of Daulton, Balandat & Bakshy, Differentiable
// expected hypervolume improvement (2020).
func braninCurrin(x []float64) []float64 {
	up := 1.0 // of Currin's first factor, at x2 = 0
	if x[1] > 0 {
		up = -math.Expm1(-1 / (2 * x[1]))
	}
	a := x[0]
	return []float64{
		branin([]float64{15*a - 5, 15 * x[1]}),
		up * (2300*a*a*a + 1900*a*a + 2092*a + 60) / (100*a*a*a + 500*a*a + 4*a + 20),
	}
}

// dtlz2 has as its front the part of the unit sphere where all are positive
// (Deb, Thiele, Laumanns & Zitzler, Scalable test problems for evolutionary
// multiobjective optimization, 2005).
func dtlz2(x []float64, objectives int) []float64 {
	g := 1.0
	for _, v := range x[objectives-1:] {
		g += (v - 0.5) * (v - 0.5)
	}
	y := make([]float64, objectives)
	for j := range y {
		y[j] = g
		for _, v := range x[:objectives-1-j] {
			y[j] *= math.Cos(v * math.Pi / 2)
		}
		if j > 0 {
			y[j] *= math.Sin(x[objectives-1-j] * math.Pi / 2)
		}
	}
	return y
}

// onIslands is the constraint of C2-DTLZ2, which leaves of the front what is
// near its ends and its middle (Jain & Deb, An evolutionary many-objective
// optimization algorithm using reference-point based nondominated sorting
// approach, part II, IEEE Trans. Evol. Comput. 18, 2014), with the radius of
// Daulton et al. (2020), whose volume is by NSGA-II.
func onIslands(y []float64) bool {
	const radius = 0.2
	middle, ends := 0.0, math.Inf(1)
	for i, v := range y {
		d := v - 1/math.Sqrt(float64(len(y)))
		middle += d*d - radius*radius
		end := (v - 1) * (v - 1)
		for j, w := range y {
			if j != i {
				end += w*w - radius*radius
			}
		}
		ends = math.Min(ends, end)
	}
	return math.Min(middle, ends) <= 0
}

// vehicleSafety is mass, acceleration and intrusion of a car in a crash by the
// thickness of five parts (Liao et al., Multiobjective optimization for
// crash safety design of vehicles using stepwise regression model, Struct.
// Multidiscip. Optim. 35, 2008), as RE3-5-4 of Tanabe & Ishibuchi, An easy-to-use
// real-world multi-objective optimization problem suite (2020). The reference
// point and the volume are of its approximate front.
func vehicleSafety(x []float64) []float64 {
	a, b, c, d, e := x[0], x[1], x[2], x[3], x[4]
	return []float64{
		1640.2823 + 2.3573285*a + 2.3220035*b + 4.5688768*c + 7.7213633*d + 4.4559504*e,
		6.5856 + 1.15*a - 1.0427*b + 0.9738*c + 0.8364*d - 0.3695*a*d + 0.0861*a*e + 0.3628*b*d - 0.1106*a*a - 0.3437*c*c + 0.1764*d*d,
		-0.0551 + 0.0181*a + 0.1024*b + 0.0421*c - 0.0073*a*b + 0.024*b*c - 0.0118*b*d - 0.0204*c*d - 0.008*c*e - 0.0241*b*b + 0.0109*d*d,
	}
}

// snar is a nucleophilic aromatic substitution in a plug-flow reactor: difluoro-
// nitrobenzene and pyrrolidine give the product that is wanted (ortho), its isomer
// (para) and, of either, the twice substituted. The kinetics are those of Hone,
// Holmes, Akien, Bourne & Muller, Rapid multistep kinetic model generation from
// transient flow data, React. Chem. Eng. 2 (2017): rate constants at 90 °C and
// activation energies. The objectives, space-time yield in kg/(m³·h), to be
// maximised and so negative here, and the E-factor with ethanol as the solvent,
// are as Felton, Rittig & Lapkin, Summit: benchmarking machine learning methods
// for reaction optimisation (2021), have them.
func snar(x []float64) []float64 {
	minutes, equivalents, molar, celsius := x[0], x[1], x[2], x[3]
	final := snarReactor(minutes, equivalents, molar, celsius)
	mass := [5]float64{159.09, 71.12, 210.21, 210.21, 261.33} // g/mol
	product := mass[2] * final[2]
	rest := 789.0 // g of ethanol to a litre
	for i, c := range final {
		if i != 2 {
			rest += mass[i] * c
		}
	}
	return []float64{-60 * product / minutes, rest / product}
}

// snarReactor returns the concentrations at the outlet, in mol/L: the aromatic
// halide, the amine, ortho, para, and twice substituted. The classical method of
// Runge and Kutta takes 600 steps; the fastest rate is 250 a minute.
func snarReactor(minutes, equivalents, molar, celsius float64) [5]float64 {
	// From 1e-2 L/(mol·s) at 90 °C to L/(mol·min) here; energies in kJ/mol.
	k := func(at90, energy float64) float64 {
		return 0.6 * at90 * math.Exp(-energy/8.31446261815324e-3*(1/(celsius+273.15)-1/363.15))
	}
	ka, kb, kc, kd := k(57.9, 33.3), k(2.70, 35.3), k(0.865, 38.9), k(1.63, 44.8)
	rates := func(c [5]float64) [5]float64 {
		ortho, para := ka*c[0]*c[1], kb*c[0]*c[1]
		again, also := kc*c[1]*c[2], kd*c[1]*c[3]
		return [5]float64{-ortho - para, -ortho - para - again - also, ortho - again, para - also, again + also}
	}
	along := func(c, r [5]float64, h float64) [5]float64 {
		for i := range c {
			c[i] += h * r[i]
		}
		return c
	}
	c := [5]float64{molar, equivalents * molar}
	const steps = 600
	h := minutes / steps
	for range steps {
		r1 := rates(c)
		r2 := rates(along(c, r1, h/2))
		r3 := rates(along(c, r2, h/2))
		r4 := rates(along(c, r3, h))
		for i := range c {
			c[i] += h / 6 * (r1[i] + 2*r2[i] + 2*r3[i] + r4[i])
		}
	}
	return c
}
