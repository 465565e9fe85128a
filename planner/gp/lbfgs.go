package gp

import "math"

// curvature is the memory of a search: steps, changes of the gradient over them,
// and one over the product of both.
type curvature struct {
	ss, ys [][]float64
	rhos   []float64
}

// scale makes it the curvature of a function that is by times as steep.
func (c *curvature) scale(by float64) {
	for k, y := range c.ys {
		for i := range y {
			y[i] *= by
		}
		c.rhos[k] /= by
	}
}

// minimise lowers f from x0 by limited-memory BFGS with memory 8 and
// backtracking, for at most iterations steps: Nocedal, Updating quasi-Newton
// matrices with limited storage, Math. Comp. 35 (1980). It stops when three
// steps in a row gain less than tol. f returns its value, where +Inf marks a point that
// is not to be taken, and slope writes the gradient where f was asked last.
//
// past is the curvature that an earlier search of nearly the same function has met,
// and is left with that of this one.
//
// A gradient costs four times what a value does beside it: it asks for one only
// where a step was taken and another follows.
func minimise(f func(x []float64) float64, slopes func(grad []float64), x0 []float64, iterations int, tol float64, past *curvature) (x []float64, value float64) {
	const memory = 8
	n := len(x0)
	x = append([]float64(nil), x0...)
	g := make([]float64, n)
	value = f(x)
	if math.IsInf(value, 0) || math.IsNaN(value) {
		return x, math.Inf(1)
	}
	slopes(g)
	ss, ys, rhos := past.ss, past.ys, past.rhos
	defer func() { past.ss, past.ys, past.rhos = ss, ys, rhos }()
	dir, trial, tg := make([]float64, n), make([]float64, n), make([]float64, n)
	alphas := make([]float64, memory)
	small := 0
	for it := 0; it < iterations && small < 3; it++ {
		for i := range dir {
			dir[i] = -g[i]
		}
		for k := len(ss) - 1; k >= 0; k-- {
			alphas[k] = rhos[k] * dot(ss[k], dir)
			for i := range dir {
				dir[i] -= alphas[k] * ys[k][i]
			}
		}
		if k := len(ss) - 1; k >= 0 {
			scale := 1 / (rhos[k] * dot(ys[k], ys[k]))
			for i := range dir {
				dir[i] *= scale
			}
		}
		for k := range ss {
			b := rhos[k] * dot(ys[k], dir)
			for i := range dir {
				dir[i] += (alphas[k] - b) * ss[k][i]
			}
		}
		slope := dot(dir, g)
		if !(slope < -1e-10) {
			if len(ss) == 0 {
				break
			}
			ss, ys, rhos = nil, nil, nil
			continue
		}
		// A step changes no logarithm of a hyperparameter by more than 2.
		step, longest := 1.0, 0.0
		for _, v := range dir {
			longest = math.Max(longest, math.Abs(v))
		}
		limit := 2.0
		if len(ss) == 0 {
			limit = 0.5
		}
		if longest > limit {
			step = limit / longest
		}
		next, ok := 0.0, false
		for range 12 {
			for i := range trial {
				trial[i] = x[i] + step*dir[i]
			}
			next = f(trial)
			if next <= value+1e-4*step*slope {
				ok = true
				break
			}
			shrink := 0.3
			if !math.IsInf(next, 0) && !math.IsNaN(next) {
				// The minimum of the parabola through what is known.
				shrink = math.Min(0.5, math.Max(0.1, -slope*step/(2*(next-value-slope*step))))
			}
			step *= shrink
		}
		if !ok {
			if len(ss) == 0 {
				break
			}
			ss, ys, rhos = nil, nil, nil
			continue
		}
		if value-next < tol {
			small++
		} else {
			small = 0
		}
		if it+1 == iterations || small == 3 {
			return append(x[:0], trial...), next
		}
		slopes(tg)
		s, y := make([]float64, n), make([]float64, n)
		for i := range s {
			s[i] = trial[i] - x[i]
			y[i] = tg[i] - g[i]
		}
		if sy := dot(s, y); sy > 1e-12 {
			if len(ss) == memory {
				ss, ys, rhos = ss[1:], ys[1:], rhos[1:]
			}
			ss, ys, rhos = append(ss, s), append(ys, y), append(rhos, 1/sy)
		}
		copy(x, trial)
		copy(g, tg)
		value = next
	}
	return x, value
}
