package truth

import "math"

// Synthesis is a reaction of powders in a furnace:
//
//	½ Li₂CO₃ + ⅓ Co₃O₄ + 1/12 O₂ → LiCoO₂ + ½ CO₂
//
// and what firing too hot does to its product:
//
//	LiCoO₂ → ⅓ Co₃O₄ + ½ Li₂O(gas) + 1/12 O₂
//
// The conversion follows Avrami's law with a rate constant that follows
// Arrhenius', taken over the temperatures that the powder really had:
//
//	α = 1 − exp(−Kⁿ),  K = ∫ k(T) dt,  k(T) = k₀·exp(−E/R·(1/T − 1/T₀))
//
// which holds where nucleation and growth follow one temperature law (Avrami, J.
// Chem. Phys. 7, 1103, 1939 and 8, 212, 1940; the isokinetic case in J. W.
// Christian, The Theory of Transformations in Metals and Alloys, 3rd ed.,
// Pergamon, 2002, chapter 12). The loss of lithium is of first order in what has
// been formed. The constants are made up so that the best firing lies near that
// of the practice; no measurement stands behind them.
type Synthesis struct {
	N      float64 // Avrami's exponent
	K0, E  float64 // of the conversion: 1/s at ReferenceK, J/mol
	L0, EL float64 // of the loss
}

// ReferenceK is the temperature of the rate constants, in K.
const ReferenceK = 1073.15

// Cobaltate is the synthesis of the simulated laboratory.
var Cobaltate = Synthesis{N: 1.5, K0: 4e-5, E: 230e3, L0: 4.5e-8, EL: 380e3}

// Molar masses in g/mol, of the atomic weights of IUPAC, 2021.
const (
	molarO2      = 31.998
	molarCO2     = 44.009
	molarLi2O    = 29.879
	molarLi2CO3  = 73.888
	molarCo3O4   = 240.795
	molarLiCoO2  = 97.871
	perCarbonate = 2.0 // mol of LiCoO₂ of a mol of Li₂CO₃
	perSpinel    = 3.0 // and of Co₃O₄
)

// Powder is a mixture of powders, in mg, and what it gave to the air.
type Powder struct {
	Li2CO3 float64 `json:"li2co3_mg"`
	Co3O4  float64 `json:"co3o4_mg"`
	LiCoO2 float64 `json:"licoo2_mg"`
	Gas    float64 `json:"gas_mg"`    // given off
	Oxygen float64 `json:"oxygen_mg"` // taken up

	// What the reaction remembers: K, and mmol of LiCoO₂ that can be formed, were
	// formed and were lost.
	K      float64 `json:"k"`
	Most   float64 `json:"most_mmol"`
	Formed float64 `json:"formed_mmol"`
	Lost   float64 `json:"lost_mmol"`
}

// Mass returns the mass of the powder in mg.
func (p Powder) Mass() float64 { return p.Li2CO3 + p.Co3O4 + p.LiCoO2 }

// Add returns the powder with more of the reactants, in mg. What is added to a
// powder that was fired reacts as if it had been there, from now on.
func (p Powder) Add(li2co3, co3o4 float64) Powder {
	p.Li2CO3 += li2co3
	p.Co3O4 += co3o4
	return p
}

// Fire returns the powder after temperatures in °C, stepS seconds apart. Cost:
// O(temperatures).
func (s Synthesis) Fire(p Powder, celsius []float64, stepS float64) Powder {
	// In mmol, since masses are in mg.
	left := min(perCarbonate*p.Li2CO3/molarLi2CO3, perSpinel*p.Co3O4/molarCo3O4)
	if p.Formed == 0 {
		p.Most = left // nothing has reacted: what is there decides
	}
	for _, c := range celsius {
		t := c + zeroCelsiusKelvin
		p.K += s.arrhenius(s.K0, s.E, t) * stepS
		alpha := -math.Expm1(-math.Pow(p.K, s.N))
		left := min(perCarbonate*p.Li2CO3/molarLi2CO3, perSpinel*p.Co3O4/molarCo3O4)
		formed := min(left, max(0, alpha*p.Most-p.Formed))
		p.Formed += formed
		p.Li2CO3 -= formed / perCarbonate * molarLi2CO3
		p.Co3O4 -= formed / perSpinel * molarCo3O4
		p.LiCoO2 += formed * molarLiCoO2
		p.Gas += formed / 2 * molarCO2
		p.Oxygen += formed / 12 * molarO2

		lost := p.LiCoO2 / molarLiCoO2 * -math.Expm1(-s.arrhenius(s.L0, s.EL, t)*stepS)
		p.Lost += lost
		p.LiCoO2 -= lost * molarLiCoO2
		p.Co3O4 += lost / perSpinel * molarCo3O4
		p.Gas += lost * (molarLi2O/2 + molarO2/12)
	}
	return p
}

func (s Synthesis) arrhenius(k0, e, kelvin float64) float64 {
	return k0 * math.Exp(-e/gasConstant*(1/kelvin-1/ReferenceK))
}
