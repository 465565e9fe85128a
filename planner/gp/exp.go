package gp

import "math"

// Kernels are worked out by rows: most of the time of a plan goes into their
// exponential. That of math takes a call to a number; these loops take none, and
// as one number does not wait for another they are about twice as fast.
//
// e⁻ˣ = 2ᵏ·2^(j/128)·eʳ with |r| ≤ ln2/256: the middle factor from a table, the
// last by its series up to r⁵ (Tang, Table-driven implementation of the exponential
// function in IEEE floating-point arithmetic, ACM Trans. Math. Softw. 15, 1989).
// The relative error is below 4e-16.

const (
	expSteps   = 128
	roundMagic = 3 << 51                    // adding it leaves a whole number in the low bits
	stepHigh   = 0.00541521234663378        // ln2/128, its last bits 0
	stepLow    = 1.49079291349264664064e-12 // what that lacks
	expEnd     = 708.0                      // e⁻ˣ is below the smallest normal number beyond
)

var expTable = func() (t [expSteps]uint64) {
	for j := range t {
		t[j] = math.Float64bits(math.Exp2(float64(j) / expSteps))
	}
	return t
}()

// expNegative replaces every x ≥ 0 by e⁻ˣ.
func expNegative(x []float64) {
	for i, v := range x {
		if !(v < expEnd) {
			x[i] = 0
			continue
		}
		t := -v*(expSteps/math.Ln2) + roundMagic
		n := int64(math.Float64bits(t))
		k := t - roundMagic
		r := -v - k*stepHigh - k*stepLow
		p := r + r*r*(1.0/2+r*(1.0/6+r*(1.0/24+r*(1.0/120))))
		n = n << 13 >> 13 // the low bits, with their sign
		scale := math.Float64frombits(expTable[n&(expSteps-1)] + uint64(n>>7)<<52)
		x[i] = scale + scale*p
	}
}

// values replaces squares of scaled distances by output·k.
func (k Kernel) values(r2 []float64, out []float64, output float64) {
	out = out[:len(r2)]
	if k == SquaredExponential {
		for i, v := range r2 {
			out[i] = 0.5 * v
		}
		expNegative(out)
		for i := range out {
			out[i] *= output
		}
		return
	}
	for i, v := range r2 {
		r2[i] = sqrt5 * math.Sqrt(v)
	}
	copy(out, r2)
	expNegative(out)
	for i, s := range r2 {
		out[i] *= output * (1 + s + s*s*(1.0/3))
	}
}

// slopes replaces squares of scaled distances by output·dk/d(r²), and writes
// output·k.
func (k Kernel) slopes(r2, value, slope []float64, output float64) {
	value, slope = value[:len(r2)], slope[:len(r2)]
	if k == SquaredExponential {
		k.values(r2, value, output)
		for i, v := range value {
			slope[i] = -0.5 * v
		}
		return
	}
	for i, v := range r2 {
		r2[i] = sqrt5 * math.Sqrt(v)
	}
	copy(value, r2)
	expNegative(value)
	for i, s := range r2 {
		e := output * value[i]
		value[i] = e * (1 + s + s*s*(1.0/3))
		slope[i] = e * (-5.0 / 6 * (1 + s))
	}
}
