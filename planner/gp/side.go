package gp

import "math"

// Side is a quantity that is known exactly wherever it is asked for, as the data's
// points show it: a score that outcomes may follow. What a model with the trend
// b·s(x) says is linear in b,
//
//	mean(x) = mean of the outcomes(x) + b·(s(x) - mean of s(x)),
//
// so that the factor of the covariance serves for any slope (Rasmussen & Williams
// 2006, section 2.7).
type Side struct {
	alpha []float64
	mean0 float64
	// Information is sᵀPs and Cross sᵀPy, with P = K⁻¹ - K⁻¹11ᵀK⁻¹/1ᵀK⁻¹1: what
	// the data say of the slope, which by generalised least squares would be
	// Cross/Information.
	Information, Cross float64
}

// Side conditions on the scores of the first len(s) points, the mean profiled as
// that of the outcomes: O(n²).
func (p *Posterior) Side(s []float64) Side {
	n := len(s)
	ones, ks := make([]float64, n), make([]float64, n)
	for i := range ones {
		ones[i] = 1
	}
	copy(ks, s)
	solve(p.l, p.stride, ones)
	solve(p.l, p.stride, ks)
	s1, s2 := 0.0, 0.0
	for i := range ones {
		s1 += ones[i]
		s2 += ks[i]
	}
	out := Side{alpha: ks, mean0: s2 / s1}
	for i := range ks {
		ks[i] -= out.mean0 * ones[i]
		out.Information += s[i] * ks[i]
		out.Cross += p.alpha[i] * s[i]
	}
	out.Information = math.Max(0, out.Information)
	return out
}

// ScreenBeside is [Posterior.Screen] with the mean that the data's points give
// the side quantity at x.
func (p *Posterior) ScreenBeside(x []float64, rows int, side *Side, s *Scratch) (mean, beside, bound float64) {
	k := p.covariances(x, s)
	mean = p.expects(x, k)
	beside = side.mean0 + dot(side.alpha, k[:len(side.alpha)])
	k = k[:min(rows, p.n)]
	forward(p.l, p.stride, k)
	return mean, beside, math.Max(floor, p.before(x)-dot(k, k))
}
