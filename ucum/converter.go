package ucum

import (
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/athanor-lab/athanor/internal/memo"
)

// Converter is [Convert] from one unit to another for who converts many numbers: it gives the same results, most of them without
// arithmetic of big numbers.
//
// A conversion on a straight scale is (x·mul·10^power + add) / div with whole numbers, and x is a whole number times a power of ten.
// Where what stands above and below the line is less than 2^53, both are exact in a float64, and their quotient is rounded once by the
// processor (IEEE 754-2019, section 5.4.1). Where nothing is to be added or divided, as from mol to particles, the result is a decimal,
// which strconv rounds once.
type Converter struct {
	from, to      Unit
	mul, add, div int64 // div is 0 where they do not fit, the scale is curved or nothing is to be done
	power         int   // 0 where something is added
}

// NewConverter prepares the conversion. It is an error when the units measure different things.
func NewConverter(from, to Unit) (*Converter, error) {
	if err := convertible(0, from, to); err != nil {
		return nil, err
	}
	c := &Converter{from: from, to: to}
	if from.curved() || to.curved() || from.Equal(to) {
		return c, nil
	}
	slope, intercept := ratio(from, to), new(big.Rat)
	if from.special != nil {
		intercept.Mul(from.special.offset, from.size())
		intercept.Quo(intercept, to.size())
	}
	if to.special != nil {
		intercept.Sub(intercept, to.special.offset)
		intercept.Quo(intercept, to.scale)
	}
	div := new(big.Int).Mul(slope.Denom(), intercept.Denom())
	mul := new(big.Int).Mul(slope.Num(), intercept.Denom())
	add := new(big.Int).Mul(intercept.Num(), slope.Denom())
	if add.Sign() == 0 {
		c.power = withoutTens(mul) - withoutTens(div)
	}
	common := new(big.Int).GCD(nil, nil, new(big.Int).GCD(nil, nil, mul, new(big.Int).Abs(add)), div)
	for _, n := range []*big.Int{mul, add, div} {
		if n.Quo(n, common); !n.IsInt64() {
			return c, nil
		}
	}
	c.mul, c.add, c.div = mul.Int64(), add.Int64(), div.Int64()
	return c, nil
}

// Convert is [Convert] with the units of c.
func (c *Converter) Convert(x float64) (float64, error) {
	if y, ok := c.quotient(x); ok {
		return y, nil
	}
	return Convert(x, c.from, c.to)
}

// converters are those of pairs of codes that were asked for.
var converters memo.Table[[2]string, *Converter]

// ConvertCodes is [Convert] with units by their codes. What it made of a pair of codes is kept for the next number.
func ConvertCodes(x float64, from, to string) (float64, error) {
	if known, ok := converters.Load([2]string{from, to}); ok {
		return known.Convert(x)
	}
	u, err := Parse(from)
	if err != nil {
		return 0, err
	}
	v, err := Parse(to)
	if err != nil {
		return 0, err
	}
	c, err := NewConverter(u, v)
	if err != nil {
		return 0, err
	}
	converters.Store([2]string{strings.Clone(from), strings.Clone(to)}, c)
	return c.Convert(x)
}

// exactBelow is where whole numbers stop to be exact in a float64.
const exactBelow = 1 << 53

// quotient is false where the numbers are too large for it.
func (c *Converter) quotient(x float64) (float64, bool) {
	digits, exponent, ok := decimal(x)
	if c.div == 0 || !ok {
		return 0, false
	}
	above, ok := times(digits, c.mul)
	exponent += c.power
	if ok && c.add == 0 && c.div == 1 {
		var buffer [48]byte
		text := strconv.AppendInt(append(strconv.AppendInt(buffer[:0], above, 10), 'e'), int64(exponent), 10)
		y, err := strconv.ParseFloat(string(text), 64)
		return y, err == nil
	}
	add, div := c.add, c.div
	for ; ok && exponent > 0; exponent-- {
		above, ok = times(above, 10)
	}
	for ; ok && exponent < 0; exponent++ {
		if add, ok = times(add, 10); ok {
			div, ok = times(div, 10)
		}
	}
	above += add // both are less than 2^53 away from zero
	if !ok || above <= -exactBelow || above >= exactBelow || div >= exactBelow {
		return 0, false
	}
	return float64(above) / float64(div), true
}

// withoutTens divides n, which is not 0, by ten as often as nothing remains, and returns how often that was.
func withoutTens(n *big.Int) (times int) {
	ten, rest := big.NewInt(10), new(big.Int)
	for {
		q, r := new(big.Int).QuoRem(n, ten, rest)
		if r.Sign() != 0 {
			return times
		}
		n.Set(q)
		times++
	}
}

// times returns a·b where it is exact in a float64.
func times(a, b int64) (int64, bool) {
	m, n := magnitude(a), magnitude(b)
	if m != 0 && n > (exactBelow-1)/m {
		return 0, false
	}
	if (a < 0) != (b < 0) {
		return -int64(m * n), true
	}
	return int64(m * n), true
}

func magnitude(a int64) uint64 {
	if a < 0 {
		return -uint64(a)
	}
	return uint64(a)
}

// decimal returns the shortest decimal that denotes x, which is digits·10^exponent. It is false for what is no number and for digits
// that are not exact in a float64.
func decimal(x float64) (digits int64, exponent int, ok bool) {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return 0, 0, false
	}
	var buffer [32]byte
	text := strconv.AppendFloat(buffer[:0], x, 'e', -1, 64) // as in -1.25e+03
	i := 0
	if text[0] == '-' {
		i++
	}
	for point := false; text[i] != 'e'; i++ {
		if text[i] == '.' {
			point = true
			continue
		}
		digits = 10*digits + int64(text[i]-'0') // 17 of them at most
		if point {
			exponent--
		}
	}
	power, sign := 0, 1
	for _, c := range text[i+1:] {
		switch c {
		case '+':
		case '-':
			sign = -1
		default:
			power = 10*power + int(c-'0')
		}
	}
	if text[0] == '-' {
		digits = -digits
	}
	return digits, exponent + sign*power, digits > -exactBelow && digits < exactBelow
}
