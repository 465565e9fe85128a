package bench

import (
	"math"
	"math/rand/v2"

	"github.com/athanor-lab/athanor/lab"
)

// families are the problems with choices. What levels and numbers do is drawn
// anew for each seed.
func families() []problem {
	kinetics := []lab.Parameter{choice("base", 4), number("temperature", 60, 140), number("concentration", 0.05, 0.5), number("cosolvent", 0, 1)}
	loading := number("loading", 0.001, 0.1)
	loading.Scale = "log"
	tens := lab.Parameter{Name: "temperature", Type: lab.Discrete, Values: []float64{40, 50, 60, 70, 80, 90, 100, 110, 120}}
	eighths := lab.Parameter{Name: "x3", Type: lab.Discrete, Values: []float64{0, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 1}}
	return []problem{
		{name: "coupling", kind: "mixed", budget: 40, parameters: kinetics, draw: coupling},
		{name: "coupling-noisy", kind: "noisy", noise: 0.05, budget: 40, parameters: kinetics, draw: coupling},
		{name: "coupling-cost", kind: "several", objectives: 2, budget: 40, parameters: kinetics, draw: couplingCost},
		{
			name: "catalysis", kind: "mixed", budget: 50, draw: catalysis,
			parameters: []lab.Parameter{choice("ligand", 6), choice("solvent", 4), tens, integer("hours", 1, 24), loading},
		},
		{
			name: "hartmann6-levels", kind: "mixed", budget: 50, draw: hartmannLevels,
			parameters: append([]lab.Parameter{choice("a", 5), choice("b", 3)}, box(4, 0, 1)...),
		},
		{
			name: "ackley-mixed", kind: "mixed", budget: 50, draw: ackleyMixed,
			parameters: append([]lab.Parameter{choice("a", 3), integer("k", -5, 5)}, box(3, -5, 5)...),
		},
		{
			name: "waves", kind: "mixed", budget: 50, draw: waves,
			parameters: append([]lab.Parameter{choice("a", 3), choice("b", 4)}, box(3, 0, 1)...),
		},
		{
			name: "peaks", kind: "mixed", budget: 40, draw: peaks,
			parameters: append(append([]lab.Parameter{choice("a", 5)}, box(2, 0, 1)...), eighths),
		},
		{
			name: "additive", kind: "mixed", budget: 40, draw: additive,
			parameters: append([]lab.Parameter{choice("a", 6), choice("b", 5)}, box(2, 0, 1)...),
		},
	}
}

// arrhenius is the factor of a rate constant between 105 °C and a temperature,
// for an activation energy in J/mol.
func arrhenius(energy, celsius float64) float64 {
	return math.Exp(-energy / 8.31446261815324 * (1/(celsius+273.15) - 1/378.15))
}

// consecutive returns the yield in percent of B in A → B → C, beside A → S,
// after a time: the rate constants k1, k2 and k3 are in its inverse.
func consecutive(k1, k2, k3, time float64) float64 {
	gap := k2 - k1 - k3
	if math.Abs(gap)*time < 1e-9 {
		return 100 * k1 * time * math.Exp(-k2*time)
	}
	return 100 * k1 * (math.Exp(-(k1+k3)*time) - math.Exp(-k2*time)) / gap
}

// coupling is a reaction whose base has its own rate, saturation and best
// solvent; heat speeds the decomposition of the product most.
func coupling(rng *rand.Rand) func([]float64) []float64 {
	var rate, half, solvent, attack [4]float64
	for i := range rate {
		rate[i] = 7e-4 * math.Exp(0.6*rng.NormFloat64())
		half[i] = 0.05 + 0.2*rng.Float64()
		solvent[i] = 0.1 + 0.8*rng.Float64()
		attack[i] = 0.6 + 1.6*rng.Float64()
	}
	e1, e2 := 7e4+2e4*rng.Float64(), 1.2e5+3e4*rng.Float64()
	width := 0.35 + 0.4*rng.Float64()
	return func(x []float64) []float64 {
		i, celsius, molar, part := int(x[0]), x[1], x[2], x[3]
		window := (part - solvent[i]) / width
		k1 := rate[i] * math.Exp(-window*window) * molar / (molar + half[i]) * arrhenius(e1, celsius)
		k2 := 1.2e-5 * attack[i] * molar / 0.1 * arrhenius(e2, celsius)
		k3 := 3.5e-5 * (1 + part) * arrhenius(4.5e4, celsius)
		return []float64{consecutive(k1, k2, k3, 3600)}
	}
}

// couplingCost is coupling with the price of a batch as a second objective.
func couplingCost(rng *rand.Rand) func([]float64) []float64 {
	yield := coupling(rng)
	var price [4]float64
	for i := range price {
		price[i] = 5 + 40*rng.Float64()
	}
	return func(x []float64) []float64 {
		cost := 2 + price[int(x[0])]*x[2] + 0.05*(x[1]-60) + 3*x[3]
		return append(yield(x), -cost)
	}
}

// catalysis is a reaction with a ligand and a solvent, whose effects on the rate
// multiply but for some pairs, and whose catalyst dies of heat.
func catalysis(rng *rand.Rand) func([]float64) []float64 {
	var ligand, stable [6]float64
	var solvent, harm [4]float64
	var pair [6][4]float64
	for i := range ligand {
		ligand[i], stable[i] = rng.NormFloat64(), 0.5*rng.NormFloat64()
		for j := range solvent {
			pair[i][j] = 0.4 * rng.NormFloat64()
		}
	}
	for j := range solvent {
		solvent[j], harm[j] = 0.8*rng.NormFloat64(), 0.6*rng.NormFloat64()
	}
	e1, e2, e3 := 5e4+2e4*rng.Float64(), 9e4+3e4*rng.Float64(), 1e5+3e4*rng.Float64()
	return func(x []float64) []float64 {
		i, j, celsius, hours, loading := int(x[0]), int(x[1]), x[2], x[3], x[4]
		k1 := 0.3 * math.Exp(ligand[i]+solvent[j]+pair[i][j]) * math.Pow(loading/0.01, 0.7) * arrhenius(e1, celsius)
		death := 0.05 * math.Exp(stable[i]) * arrhenius(e3, celsius)
		k1 *= -math.Expm1(-death*hours) / (death * hours)
		k2 := 0.02 * math.Exp(harm[j]) * arrhenius(e2, celsius)
		return []float64{consecutive(k1, k2, 0.01, hours)}
	}
}

// hartmannLevels turns two coordinates of Hartmann's function into choices
// whose levels have no order.
func hartmannLevels(rng *rand.Rand) func([]float64) []float64 {
	a, b := rng.Perm(5), rng.Perm(3)
	order := rng.Perm(6)
	z := make([]float64, 6)
	return func(x []float64) []float64 {
		z[order[0]] = (float64(a[int(x[0])]) + 0.5) / 5
		z[order[1]] = (float64(b[int(x[1])]) + 0.5) / 3
		for k := range 4 {
			z[order[2+k]] = x[2+k]
		}
		return []float64{hartmann6(z)}
	}
}

// ackleyMixed moves Ackley's minimum by a choice, which also lifts it.
func ackleyMixed(rng *rand.Rand) func([]float64) []float64 {
	var lift [3]float64
	var shift [3][4]float64
	for i := range lift {
		lift[i] = 2 * rng.Float64()
		for k := range shift[i] {
			shift[i][k] = -3 + 6*rng.Float64()
			if i > 0 {
				shift[i][k] = 0.7*shift[0][k] + 0.3*shift[i][k]
			}
		}
		shift[i][0] = math.Round(shift[i][0])
	}
	return func(x []float64) []float64 {
		i := int(x[0])
		z := make([]float64, 4)
		for k := range z {
			z[k] = (x[1+k] - shift[i][k]) / 2
		}
		return []float64{-ackley(z) - lift[i]}
	}
}

// waves is a smooth random function: a sum of cosines whose phases the levels
// shift.
func waves(rng *rand.Rand) func([]float64) []float64 {
	const terms = 64
	var frequency [terms][3]float64
	var phase, height [terms]float64
	var a [terms][3]float64
	var b [terms][4]float64
	for m := range terms {
		for k := range frequency[m] {
			frequency[m][k] = rng.NormFloat64() / 0.45
		}
		phase[m], height[m] = 2*math.Pi*rng.Float64(), rng.NormFloat64()/math.Sqrt(terms)
		for k := range a[m] {
			a[m][k] = 0.6 * rng.NormFloat64()
		}
		for k := range b[m] {
			b[m][k] = 0.6 * rng.NormFloat64()
		}
	}
	return func(x []float64) []float64 {
		sum := 0.0
		for m := range terms {
			w := frequency[m]
			sum += height[m] * math.Cos(w[0]*x[2]+w[1]*x[3]+w[2]*x[4]+phase[m]+a[m][int(x[0])]+b[m][int(x[1])])
		}
		return []float64{sum}
	}
}

// peaks has one narrow hill to a level, near that of the others.
func peaks(rng *rand.Rand) func([]float64) []float64 {
	var height [5]float64
	var top [5][3]float64
	common := [3]float64{rng.Float64(), rng.Float64(), rng.Float64()}
	for i := range height {
		height[i] = 0.4 + 0.6*rng.Float64()
		for k := range common {
			top[i][k] = math.Min(1, math.Max(0, common[k]+0.15*rng.NormFloat64()))
		}
	}
	return func(x []float64) []float64 {
		i, d := int(x[0]), 0.0
		for k := range 3 {
			d += (x[1+k] - top[i][k]) * (x[1+k] - top[i][k])
		}
		return []float64{height[i] * math.Exp(-d/(2*0.25*0.25))}
	}
}

// additive is what tables of reactions often look like: levels that add up,
// numbers with a flat optimum, a little interaction.
func additive(rng *rand.Rand) func([]float64) []float64 {
	var a [6]float64
	var b [5]float64
	var pair [6][5]float64
	for i := range a {
		a[i] = rng.NormFloat64()
		for j := range b {
			pair[i][j] = 0.3 * rng.NormFloat64()
		}
	}
	for j := range b {
		b[j] = rng.NormFloat64()
	}
	top := [2]float64{rng.Float64(), rng.Float64()}
	return func(x []float64) []float64 {
		i, j := int(x[0]), int(x[1])
		u, v := x[2]-top[0], x[3]-top[1]
		return []float64{a[i] + b[j] + pair[i][j] - 3*u*u - 2*v*v + u*v}
	}
}
