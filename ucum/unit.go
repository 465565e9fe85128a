package ucum

import (
	"fmt"
	"math/big"
	"sort"
	"strconv"
	"strings"
)

// Unit is a parsed unit of measure. The zero Unit is the unity, "1".
//
// A Unit never changes and is safe for concurrent use. Two spellings of one
// unit are [Unit.Equal] but not ==.
type Unit struct {
	code string
	dim  Dimension

	// factor is the size of the unit in base units; for a special unit it is
	// the size of the unit in which its function takes its argument. Nil is 1.
	factor *big.Rat

	// scale is what a number on a special scale is multiplied by before its
	// function is applied: 1/10 for "dB". Nil when special is nil.
	scale   *big.Rat
	special *special
}

// String returns the code as it was given to [Parse].
func (u Unit) String() string {
	if u.code == "" {
		return "1"
	}
	return u.code
}

// Dimension returns what the unit measures, in powers of base dimensions.
func (u Unit) Dimension() Dimension { return u.dim }

// IsSpecial says whether the unit is on a scale that is no ratio scale, such
// as "Cel" or "[pH]", so that its numbers can be neither added nor multiplied.
func (u Unit) IsSpecial() bool { return u.special != nil }

// Comparable says whether a number in u can be converted to v: both have the
// same dimension and the same arbitrary units.
func (u Unit) Comparable(v Unit) bool { return u.dim == v.dim }

// Equal says whether u and v are one unit, however they are spelled: "J" and
// "N.m", "L" and "dm3".
func (u Unit) Equal(v Unit) bool {
	if u.dim != v.dim || u.special.name() != v.special.name() {
		return false
	}
	return u.size().Cmp(v.size()) == 0 && u.numeral().Cmp(v.numeral()) == 0
}

// Canonical returns the one code that all spellings of this unit share: a
// number, then powers of base units in alphabetical order. It is itself a
// valid code and parses to an equal unit: "1000.g.m2.s-2" for "J".
func (u Unit) Canonical() string {
	if u.special != nil {
		return join(number(u.numeral()), u.special.code)
	}
	return join(number(u.size()), u.dim.code())
}

// MarshalText returns the code of the unit.
func (u Unit) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// UnmarshalText parses a code as [Parse] does.
func (u *Unit) UnmarshalText(text []byte) error {
	v, err := Parse(string(text))
	if err != nil {
		return err
	}
	*u = v
	return nil
}

func (u Unit) size() *big.Rat {
	if u.factor == nil {
		return one
	}
	return u.factor
}

func (u Unit) numeral() *big.Rat {
	if u.scale == nil {
		return one
	}
	return u.scale
}

// isNumber says whether the unit is a pure number, which alone may multiply a
// special unit.
func (u Unit) isNumber() bool { return u.special == nil && u.dim == (Dimension{}) }

// one must never be written to.
var one = big.NewRat(1, 1)

// join writes the product of a number and a code, either of which may be 1.
func join(number, code string) string {
	switch {
	case code == "":
		return number
	case number == "1":
		return code
	}
	return number + "." + code
}

// number writes a positive rational number as a code: "1000", "5/9",
// "602214076.10*15".
func number(r *big.Rat) string {
	num, den := tens(r.Num()), tens(r.Denom())
	if den == "1" {
		return num
	}
	// Terms are read from left to right, so that each factor of the
	// denominator needs a stroke of its own.
	return num + "/" + strings.ReplaceAll(den, ".", "/")
}

// tens writes an integer with more than six trailing zeros as a product with
// a power of ten. The powers are kept under the largest exponent of a code.
func tens(n *big.Int) string {
	s := n.String()
	digits := strings.TrimRight(s, "0")
	zeros := len(s) - len(digits)
	if zeros <= 6 {
		return s
	}
	var parts []string
	if digits != "1" {
		parts = append(parts, digits)
	}
	for zeros > 0 {
		k := min(zeros, maxExponent)
		parts = append(parts, "10*"+strconv.Itoa(k))
		zeros -= k
	}
	return strings.Join(parts, ".")
}

// Dimension is what a unit measures. It is comparable with ==; the zero
// Dimension is that of a number.
type Dimension struct {
	base [7]int
	// arbitrary holds the arbitrary units as a code, sorted: "[CFU].[iU]-1".
	arbitrary string
}

// The base units of UCUM in the order of the table, and the letters by which
// the table calls their dimensions: length, time, mass, plane angle,
// temperature, electric charge and luminous intensity.
var (
	baseUnits   = [7]string{"m", "s", "g", "rad", "K", "C", "cd"}
	baseLetters = [7]string{"L", "T", "M", "A", "C", "Q", "F"}
	byCode      = [7]int{5, 4, 6, 2, 0, 3, 1} // baseUnits in alphabetical order, capitals first
)

// String writes the dimension as the UCUM table does: L length, T time,
// M mass, A plane angle, C temperature, Q charge, F luminous intensity. "J"
// has "L2.T-2.M"; a number has "1".
func (d Dimension) String() string {
	var parts []string
	for i, e := range d.base {
		if e != 0 {
			parts = append(parts, power(baseLetters[i], e))
		}
	}
	if d.arbitrary != "" {
		parts = append(parts, d.arbitrary)
	}
	if len(parts) == 0 {
		return "1"
	}
	return strings.Join(parts, ".")
}

// code writes the dimension in base units, "" for a number.
func (d Dimension) code() string {
	var parts []string
	for _, i := range byCode {
		if e := d.base[i]; e != 0 {
			parts = append(parts, power(baseUnits[i], e))
		}
	}
	if d.arbitrary != "" {
		parts = append(parts, d.arbitrary)
	}
	return strings.Join(parts, ".")
}

// withinLimits says whether every exponent can be written in a code.
func (d Dimension) withinLimits() bool {
	for _, e := range d.base {
		if e < -maxExponent || e > maxExponent {
			return false
		}
	}
	for _, a := range splitArbitrary(d.arbitrary) {
		if a.exponent < -maxExponent || a.exponent > maxExponent {
			return false
		}
	}
	return true
}

// times returns d·e^n.
func (d Dimension) times(e Dimension, n int) Dimension {
	for i := range d.base {
		d.base[i] += n * e.base[i]
	}
	if e.arbitrary == "" {
		return d
	}
	exponents := map[string]int{}
	for _, a := range splitArbitrary(d.arbitrary) {
		exponents[a.code] += a.exponent
	}
	for _, a := range splitArbitrary(e.arbitrary) {
		exponents[a.code] += n * a.exponent
	}
	var parts []string
	for code, exponent := range exponents {
		if exponent != 0 {
			parts = append(parts, power(code, exponent))
		}
	}
	sort.Strings(parts)
	d.arbitrary = strings.Join(parts, ".")
	return d
}

type arbitrary struct {
	code     string
	exponent int
}

// splitArbitrary undoes what times wrote: bracketed codes with exponents.
func splitArbitrary(s string) []arbitrary {
	var out []arbitrary
	for s != "" {
		end := strings.IndexByte(s, ']') + 1
		code, rest := s[:end], s[end:]
		digits, after, _ := strings.Cut(rest, ".")
		exponent := 1
		if digits != "" {
			var err error
			if exponent, err = strconv.Atoi(digits); err != nil {
				panic(fmt.Sprintf("ucum: dimension holds %q", s))
			}
		}
		out = append(out, arbitrary{code, exponent})
		s = after
	}
	return out
}

func power(code string, exponent int) string {
	if exponent == 1 {
		return code
	}
	return code + strconv.Itoa(exponent)
}
