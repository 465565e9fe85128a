package ucum

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
)

// Convert returns the number in to that denotes the same as x in from.
//
// x is taken as the shortest decimal that denotes it and the result is rounded
// once, so that 6.3 mm is 0.0063 m and not its neighbour. Numbers on special
// scales are points: 25 "Cel" is 298.15 "K", 7 "[pH]" is 1e-7 "mol/L". Scales
// of logarithms are computed in float64.
//
// It is an error when the units measure different things, when x is NaN or
// infinite, when the result does not fit a float64, and when x is not on the
// scale, as a negative concentration has no pH.
func Convert(x float64, from, to Unit) (float64, error) {
	if err := convertible(x, from, to); err != nil {
		return 0, err
	}
	if from.Equal(to) {
		return x, nil
	}
	if from.curved() || to.curved() {
		return convertCurved(x, from, to)
	}
	r := exact(x)
	if from.special != nil {
		r.Mul(r, from.scale)
		r.Add(r, from.special.offset)
	}
	r.Mul(r, from.size())
	r.Quo(r, to.size())
	if to.special != nil {
		r.Sub(r, to.special.offset)
		r.Quo(r, to.scale)
	}
	y, _ := r.Float64()
	return finite(y, x, from, to)
}

// ConvertDifference is [Convert] for the difference of two numbers, such as a
// standard deviation or a step: a difference of 25 "Cel" is 25 "K". It is an
// error on a scale of logarithms, where differences are not lengths.
func ConvertDifference(x float64, from, to Unit) (float64, error) {
	if err := convertible(x, from, to); err != nil {
		return 0, err
	}
	for _, u := range []Unit{from, to} {
		if u.curved() && !from.Equal(to) {
			return 0, fmt.Errorf("convert a difference from %q to %q: %q is no linear scale", from, to, u)
		}
	}
	r := exact(x)
	r.Mul(r, ratio(from, to))
	y, _ := r.Float64()
	return finite(y, x, from, to)
}

// Factor returns the number of to in one from, for a caller who converts many
// numbers. It is an error when the units measure different things or when one
// of them is special, so that no single factor exists.
func Factor(from, to Unit) (float64, error) {
	if err := convertible(1, from, to); err != nil {
		return 0, err
	}
	for _, u := range []Unit{from, to} {
		if u.special != nil {
			return 0, fmt.Errorf("convert %q to %q by a factor: %q is on no ratio scale", from, to, u)
		}
	}
	y, _ := ratio(from, to).Float64()
	return finite(y, 1, from, to)
}

func convertible(x float64, from, to Unit) error {
	if !from.Comparable(to) {
		return fmt.Errorf("convert %q to %q: they measure different things (%s and %s)", from, to, from.dim, to.dim)
	}
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return fmt.Errorf("convert %q to %q: %v is no finite number", from, to, x)
	}
	return nil
}

// curved says whether the unit is on a scale that is not even affine.
func (u Unit) curved() bool { return u.special != nil && u.special.offset == nil }

// ratio is the size of from in to; on a special scale that of a step.
func ratio(from, to Unit) *big.Rat {
	r := new(big.Rat).Mul(from.size(), from.numeral())
	r.Quo(r, to.size())
	return r.Quo(r, to.numeral())
}

// exact reads x as the shortest decimal that denotes it.
func exact(x float64) *big.Rat {
	r, ok := new(big.Rat).SetString(strconv.FormatFloat(x, 'g', -1, 64))
	if !ok {
		panic(fmt.Sprintf("ucum: %v is no decimal", x))
	}
	return r
}

func convertCurved(x float64, from, to Unit) (float64, error) {
	amount := from.amount(x)
	r := new(big.Rat).Quo(from.size(), to.size())
	factor, _ := r.Float64()
	return finite(to.point(amount*factor), x, from, to)
}

// amount turns a number in u into a number of units of its function's
// argument.
func (u Unit) amount(x float64) float64 {
	if u.special == nil {
		return x
	}
	scale, _ := u.scale.Float64()
	x *= scale
	if u.special.from != nil {
		return u.special.from(x)
	}
	offset, _ := u.special.offset.Float64()
	return x + offset
}

// point undoes amount.
func (u Unit) point(x float64) float64 {
	if u.special == nil {
		return x
	}
	scale, _ := u.scale.Float64()
	if u.special.to != nil {
		return u.special.to(x) / scale
	}
	offset, _ := u.special.offset.Float64()
	return (x - offset) / scale
}

func finite(y, x float64, from, to Unit) (float64, error) {
	if math.IsNaN(y) {
		return 0, fmt.Errorf("convert %v %q to %q: no such point on the scale", x, from, to)
	}
	if math.IsInf(y, 0) {
		return 0, fmt.Errorf("convert %v %q to %q: the result is too large", x, from, to)
	}
	return y, nil
}
