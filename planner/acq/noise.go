package acq

import "math"

// LogAugmentation returns ln(1 - n/√(sd² + n²)) for noise of standard deviation
// n: what of an experiment's information is about the function and not about
// its noise. It is 0 without noise, falls without bound where sd is small beside
// n, and grows with sd. Added to an acquisition it keeps a noisy best point from
// being measured over and over (Huang, Allen, Notz & Zeng, Global optimization
// of stochastic black-box systems via sequential kriging meta-models, J. Global
// Optim. 34, 2006).
func LogAugmentation(sd, n float64) float64 {
	if n == 0 {
		return 0
	}
	// 1 - n/h = sd²/(h(h+n)) with h = √(sd²+n²), which does not cancel.
	h := math.Hypot(sd, n)
	return 2*math.Log(sd) - math.Log(h) - math.Log(h+n)
}
