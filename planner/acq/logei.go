package acq

import "math"

const (
	logSqrt2Pi = 0.918938533204672741780329736405617639861
	invSqrt2Pi = 0.398942280401432677939946059934381868476
)

// LogEI returns the logarithm of the expected improvement over best of an
// outcome with the given mean and standard deviation sd > 0:
//
//	ln E[max(0, Y - best)] = ln sd + ln h(z),  z = (mean - best)/sd
//	h(z) = φ(z) + z·Φ(z)
//
// after Ament, Daulton, Eriksson, Balandat & Bakshy, Unexpected Improvements to
// Expected Improvement for Bayesian Optimization (2023),
// https://arxiv.org/abs/2310.20708. It grows with mean and with sd, and is finite
// for every finite z.
func LogEI(mean, sd, best float64) float64 { return math.Log(sd) + logH((mean-best)/sd) }

// logH returns ln(φ(z) + z·Φ(z)), with a relative error of the order of 1e-10.
func logH(z float64) float64 {
	switch {
	case z > -1:
		return math.Log(invSqrt2Pi*math.Exp(-0.5*z*z) + z*0.5*math.Erfc(-z/math.Sqrt2))
	case z > -1e4:
		return -0.5*z*z - logSqrt2Pi + math.Log(tail(-z))
	default:
		return -0.5*z*z - logSqrt2Pi - 2*math.Log(-z)
	}
}

// tail returns 1 - a·M(a) for a ≥ 1, where M(a) = Φ(-a)/φ(a) is Mills' ratio.
//
// The difference cancels for large a, so that there the ratio's continued
// fraction M(a) = 1/(a + 1/(a + 2/(a + 3/(a + …)))) is rearranged: with the part
// t = 1/(a + 2/(a + …)), 1 - a·M(a) = t/(a + t).
func tail(a float64) float64 {
	if a < 4 {
		return 1 - a*0.5*math.Erfc(a/math.Sqrt2)/(invSqrt2Pi*math.Exp(-0.5*a*a))
	}
	f := 0.0
	for k := 14 + int(200/a); k >= 2; k-- {
		f = float64(k) / (a + f)
	}
	t := 1 / (a + f)
	return t / (a + t)
}

// LogSumExp returns ln of the sum of exp(v): the logarithm of the sum of values
// given by their logarithms.
func LogSumExp(v []float64) float64 {
	top := math.Inf(-1)
	for _, x := range v {
		top = math.Max(top, x)
	}
	if math.IsInf(top, 0) {
		return top
	}
	s := 0.0
	for _, x := range v {
		s += math.Exp(x - top)
	}
	return top + math.Log(s)
}

// Phi returns the standard normal distribution function at z.
func Phi(z float64) float64 { return 0.5 * math.Erfc(-z/math.Sqrt2) }
