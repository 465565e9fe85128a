package truth

import (
	"maps"
	"math"
	"slices"

	"github.com/athanor-lab/athanor/lab"
)

// Reaction is the mechanism behind the demonstration: a base-promoted coupling
// whose substrate A becomes the product P, which decomposes to D, while a side
// reaction takes substrate to S. Every constant follows Arrhenius.
//
//	A ─k1→ P ─k2→ D        k1 = κ·g(φ)·c/(c+K)·a(E1, T)
//	A ─k3→ S               k2 = κ2·δ·(c/c°)·a(E2, T)
//	                       k3 = κ3·(1+φ)·a(E3, T)
//	a(E, T) = exp(−E/R·(1/T − 1/T°)),  g(φ) = exp(−((φ−φ°)/w)²)
//
// c is the concentration of the base (c° = 0.1 mol/L), φ the fraction of
// cosolvent, T° = 378.15 K. κ, K, φ° and δ are the base's own. Since E3 < E1 <
// E2, cold vials lose substrate to S and hot ones product to D: between them
// lies one best temperature; base speeds up both k1, until it saturates, and
// k2, so there is one best concentration as well. The scheme is that of
// consecutive and competing first-order reactions in any textbook of kinetics,
// as O. Levenspiel, Chemical Reaction Engineering, 3rd ed., Wiley, 1999,
// chapter 8. Its constants are made up; no measurement stands behind them.
type Reaction struct {
	Bases          map[string]Base
	E1, E2, E3     float64 // activation energies in J/mol
	Kappa2, Kappa3 float64 // rate constants at T° in 1/s
	Width          float64 // w, of the window of solvent fractions
}

// Base holds what a base does in a [Reaction].
type Base struct {
	Kappa  float64 // rate constant of the coupling at T°, in 1/s
	K      float64 // concentration of half saturation, in mol/L
	Phi    float64 // best fraction of cosolvent
	Attack float64 // δ, how much it decomposes the product
}

const (
	gasConstant            = 8.31446261815324 // J/(mol·K), exact in the SI of 2019
	zeroCelsiusKelvin      = 273.15
	referenceKelvin        = 378.15
	referenceBaseMolar     = 0.1
	demoHoldSeconds        = 3600
	demoMinCelsius         = 60
	demoMaxCelsius         = 140
	demoMinMolar           = 0.05
	demoMaxMolar           = 0.5
	smallestRateDifference = 1e-9 // below it the two exponentials are one
)

// Demo is the reaction of the simulated laboratory's demonstration.
var Demo = Reaction{
	Bases: map[string]Base{
		"KOAc":   {Kappa: 3.2e-4, K: 0.15, Phi: 0.30, Attack: 1.0},
		"KOPiv":  {Kappa: 8.0e-4, K: 0.12, Phi: 0.45, Attack: 1.2},
		"CsOAc":  {Kappa: 6.5e-4, K: 0.10, Phi: 0.40, Attack: 1.5},
		"CsOPiv": {Kappa: 1.5e-3, K: 0.10, Phi: 0.55, Attack: 1.9},
	},
	E1: 80e3, E2: 140e3, E3: 45e3,
	Kappa2: 1.2e-5, Kappa3: 3.5e-5,
	Width: 0.6,
}

// Mixture is what a vial holds, as fractions of the substrate weighed in:
// Substrate + Product + Decomposed + Side = 1.
type Mixture struct {
	Base             string
	BaseMolar        float64 // concentration of the base in mol/L
	CosolventPart    float64 // fraction of the volume
	Substrate        float64
	Product          float64
	Decomposed, Side float64
}

// Fresh returns a vial before any reaction: all of it substrate.
func Fresh(base string, baseMolar, cosolventPart float64) Mixture {
	return Mixture{Base: base, BaseMolar: baseMolar, CosolventPart: cosolventPart, Substrate: 1}
}

// rates returns k1, k2 and k3 in 1/s. A vial without a base of the reaction
// does not couple; the side reaction needs none.
func (r Reaction) rates(m Mixture, celsius float64) (k1, k2, k3 float64) {
	x := 1/(celsius+zeroCelsiusKelvin) - 1/referenceKelvin
	arrhenius := func(e float64) float64 { return math.Exp(-e / gasConstant * x) }
	k3 = r.Kappa3 * (1 + m.CosolventPart) * arrhenius(r.E3)
	b, ok := r.Bases[m.Base]
	if !ok || m.BaseMolar <= 0 {
		return 0, r.Kappa2 * arrhenius(r.E2), k3
	}
	window := (m.CosolventPart - b.Phi) / r.Width
	k1 = b.Kappa * math.Exp(-window*window) * m.BaseMolar / (m.BaseMolar + b.K) * arrhenius(r.E1)
	k2 = r.Kappa2 * b.Attack * m.BaseMolar / referenceBaseMolar * arrhenius(r.E2)
	return k1, k2, k3
}

// Advance returns the mixture after it was at a temperature for a time. It is
// exact at constant temperature, so a hold costs O(1) however long it is:
//
//	A(t) = A0·e^(−κt),  P(t) = P0·e^(−k2·t) + A0·k1·(e^(−κt) − e^(−k2·t))/(k2 − κ),  κ = k1 + k3
func (r Reaction) Advance(m Mixture, celsius, seconds float64) Mixture {
	if !(seconds > 0) {
		return m
	}
	k1, k2, k3 := r.rates(m, celsius)
	kappa := k1 + k3
	left := math.Exp(-kappa * seconds)
	formed := m.Substrate * k1 * left * seconds * expm1Over(-(k2-kappa)*seconds)
	next := m
	next.Substrate = m.Substrate * left
	next.Product = m.Product*math.Exp(-k2*seconds) + formed
	used := m.Substrate - next.Substrate
	if kappa > 0 {
		next.Side = m.Side + used*k3/kappa
	}
	next.Decomposed = 1 - next.Substrate - next.Product - next.Side
	return next
}

// expm1Over returns (e^z − 1)/z, continued to 1 at zero.
func expm1Over(z float64) float64 {
	if math.Abs(z) < smallestRateDifference {
		return 1 + z/2
	}
	return math.Expm1(z) / z
}

// Heat returns the mixture after the part of a heating program between two of
// its times, in seconds. The vial follows the block with the time constant tau:
// T(t) = target + (ambient − target)·e^(−t/tau). The curve is integrated in
// steps of tau/16 over which the temperature is taken as constant; from 12·tau
// on it is the target's. Cost: O(1).
func (r Reaction) Heat(m Mixture, ambientCelsius, targetCelsius, tauSeconds, from, to float64) Mixture {
	const stepsPerTau, flatTaus = 16, 12
	step, flat := tauSeconds/stepsPerTau, flatTaus*tauSeconds
	for t := from; t < min(to, flat); {
		end := min(t+step, to, flat)
		m = r.Advance(m, targetCelsius+(ambientCelsius-targetCelsius)*math.Exp(-(t+end)/2/tauSeconds), end-t)
		t = end
	}
	return r.Advance(m, targetCelsius, to-max(from, flat))
}

// Yield returns the product after an hour at constant temperature, in percent
// of the substrate: the surface that the demonstration explores.
func (r Reaction) Yield(base string, celsius, baseMolar, cosolventPart float64) float64 {
	return 100 * r.Advance(Fresh(base, baseMolar, cosolventPart), celsius, demoHoldSeconds).Product
}

// Space is the search space of the demonstration.
func (r Reaction) Space() lab.Space {
	number := func(name string, lo, hi float64, unit lab.Unit) lab.Parameter {
		return lab.Parameter{Name: name, Type: lab.Continuous, Min: &lo, Max: &hi, Unit: unit}
	}
	return lab.Space{Parameters: []lab.Parameter{
		{Name: "base", Type: lab.Categorical, Levels: slices.Sorted(maps.Keys(r.Bases))},
		number("temperature", demoMinCelsius, demoMaxCelsius, "Cel"),
		number("concentration", demoMinMolar, demoMaxMolar, "mol/L"),
		number("cosolvent", 0, 1, "1"),
	}}
}
