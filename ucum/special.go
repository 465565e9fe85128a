package ucum

import (
	"fmt"
	"math"
	"math/big"
)

// special is a scale that is no ratio scale: its numbers are the values of a
// function of a number of ordinary units (UCUM section 21 and 22).
type special struct {
	code string // of the atom in the table

	// offset makes an affine scale, exactly: x points are x + offset units.
	offset *big.Rat

	// to gives the point for a number of units, from the number of units for
	// a point. Both nil on an affine scale.
	to, from func(float64) float64
}

func (s *special) name() string {
	if s == nil {
		return ""
	}
	return s.code
}

// specialize makes u the special unit which the table's row describes; u is
// until then the unit of the function's argument.
func (u *Unit) specialize(a *atom) error {
	s := &special{code: a.code}
	switch a.function {
	case "Cel":
		s.offset = big.NewRat(27315, 100)
	case "degF":
		s.offset = big.NewRat(45967, 100)
	case "degRe":
		s.offset = big.NewRat(21852, 100) // 273.15 K in units of 5/4 K
	case "pH":
		s.to = func(x float64) float64 { return -math.Log10(x) }
		s.from = func(y float64) float64 { return pow10(-y) }
	case "ln":
		s.to, s.from = math.Log, math.Exp
	case "lg":
		s.to, s.from = math.Log10, pow10
	case "ld":
		s.to, s.from = math.Log2, math.Exp2
	case "lgTimes2":
		s.to = func(x float64) float64 { return 2 * math.Log10(x) }
		s.from = func(y float64) float64 { return pow10(y / 2) }
	case "sqrt":
		s.to = math.Sqrt
		s.from = func(y float64) float64 { return y * y }
	case "100tan", "tanTimes100":
		s.to = func(x float64) float64 { return 100 * math.Tan(x) }
		s.from = func(y float64) float64 { return math.Atan(y / 100) }
		// The table takes the argument of %[slope] in degrees and that of
		// [p'diop] in radians. A tangent is that of an angle, whatever the
		// angle is written in, and ours takes radians: 100 % is 45 deg.
		u.factor = one
	case "hpX", "hpC", "hpM", "hpQ":
		// Dilutions by powers of 10, 100, 1000 and 50000 (UCUM table 14).
		base := map[string]float64{"hpX": 10, "hpC": 100, "hpM": 1000, "hpQ": 50000}[a.function]
		s.to = func(x float64) float64 { return -math.Log(x) / math.Log(base) }
		s.from = func(y float64) float64 { return math.Pow(base, -y) }
	default:
		return fmt.Errorf("unit %q: function %q is unknown", a.code, a.function)
	}
	u.special, u.scale = s, one
	return nil
}

// pow10 is 10^y, exact to the last digit for the whole numbers in between
// which math.Pow may miss by one.
func pow10(y float64) float64 {
	if y == math.Trunc(y) && math.Abs(y) <= 300 {
		return math.Pow10(int(y))
	}
	return math.Pow(10, y)
}
