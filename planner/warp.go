package planner

import (
	"math"
	"slices"
)

// warp is an increasing map of outcomes, larger is better. Above the median it
// changes nothing; what lies below is replaced by normal quantiles of its rank,
// so that how bad the bad half is does not bend the model of the good half. The
// zero warp is the identity. (The half-rank warping of Song et al., The Vizier
// Gaussian Process Bandit Algorithm, 2024, https://arxiv.org/abs/2408.11527.)
type warp struct {
	raw, warped []float64 // knots, ascending, up to the median
}

// newWarp learns the warp from outcomes; fewer than three distinct ones, or
// none below the median, give the identity.
func newWarp(values []float64) warp {
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	n := len(sorted)
	median := (sorted[(n-1)/2] + sorted[n/2]) / 2
	distinct := slices.Compact(slices.Clone(sorted))
	below, good, sd := 0, 0, 0.0
	for _, v := range distinct {
		if v < median {
			below++
			continue
		}
		good++
		sd += (v - median) * (v - median)
	}
	if len(distinct) < 3 || below == 0 {
		return warp{}
	}
	sd = math.Sqrt(sd / float64(max(1, good)))
	if sd == 0 {
		return warp{}
	}
	span := float64(below)
	if slices.Contains(distinct, median) {
		span += 0.5
	}
	var w warp
	for i, v := range distinct[:below] {
		p := 0.5 * (float64(i) + 0.5) / span
		w.raw = append(w.raw, v)
		w.warped = append(w.warped, median+sd*math.Sqrt2*math.Erfinv(2*p-1))
	}
	w.raw = append(w.raw, median)
	w.warped = append(w.warped, median)
	return w
}

func (w warp) to(v float64) float64   { return interpolate(w.raw, w.warped, v, false) }
func (w warp) from(v float64) float64 { return interpolate(w.warped, w.raw, v, true) }

// interpolate maps x along the knots; above the last it changes nothing, and
// below the first it goes on with the first slope, or stays where flat is
// wanted: no outcome much worse than the worst seen is claimed.
func interpolate(xs, ys []float64, x float64, flat bool) float64 {
	n := len(xs)
	if n == 0 || x >= xs[n-1] {
		return x
	}
	i, _ := slices.BinarySearch(xs, x)
	if i == 0 {
		if flat {
			return ys[0]
		}
		i = 1
	}
	share := (x - xs[i-1]) / (xs[i] - xs[i-1])
	return ys[i-1] + share*(ys[i]-ys[i-1])
}
