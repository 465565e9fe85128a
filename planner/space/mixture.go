package space

import (
	"cmp"
	"math"
	"slices"
)

// countMixtures returns the number of compositions on the grid, or limit+1
// when there are more: Σ_j C(parts, j)·C(steps-1, j-1) over j nonzero parts.
func (q *param) countMixtures(limit int) int {
	total := 0.0
	for j := 1; j <= min(q.nonzero, q.steps); j++ {
		total += choose(q.width, j) * choose(q.steps-1, j-1)
		if total > float64(limit) {
			return limit + 1
		}
	}
	return int(total)
}

func choose(n, k int) float64 {
	c := 1.0
	for i := range k {
		c = c * float64(n-i) / float64(i+1)
	}
	return math.Round(c)
}

// fraction returns the amount of a part that has count of the grid's steps.
func (q *param) fraction(count int) float64 {
	return float64(count) * q.sum / float64(q.steps)
}

// counts returns a composition in steps of the grid, by largest remainder, so
// that they add up exactly; no more parts than allowed stay above 0.
func (q *param) counts(x []float64) []int {
	out := make([]int, len(x))
	order := make([]int, len(x))
	total := 0.0
	for i := range x {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(x[b], x[a]) })
	for _, i := range order[:q.nonzero] {
		total += math.Max(0, x[i])
	}
	if !(total > 0) {
		out[order[0]] = q.steps
		return out
	}
	left := q.steps
	rest := make([]float64, len(x))
	for _, i := range order[:q.nonzero] {
		share := math.Max(0, x[i]) / total * float64(q.steps)
		out[i] = int(share + 1e-9)
		rest[i] = share - float64(out[i])
		left -= out[i]
	}
	kept := slices.Clone(order[:q.nonzero])
	slices.SortStableFunc(kept, func(a, b int) int { return cmp.Compare(rest[b], rest[a]) })
	for k := 0; left > 0; k = (k + 1) % len(kept) {
		out[kept[k]]++
		left--
	}
	return out
}

// spread writes the composition that coordinates of the unit cube stand for:
// uniform over the simplex (exponential spacings), the smallest parts dropped
// when too many.
func (q *param) spread(u, state []float64) {
	e := make([]float64, q.width)
	for i := range e {
		e[i] = -math.Log1p(-math.Min(u[i], 1-1e-12)) + 1e-300
	}
	for i, c := range q.counts(e) {
		state[i] = q.fraction(c)
	}
}

// mixtures calls yield with each composition on the grid, in a fixed order.
func (q *param) mixtures(yield func([]float64)) {
	state := make([]float64, q.width)
	var walk func(part, left, nonzero int)
	walk = func(part, left, nonzero int) {
		if part == q.width-1 {
			if left > 0 && nonzero == q.nonzero {
				return
			}
			state[part] = q.fraction(left)
			yield(state)
			return
		}
		most := left
		if nonzero == q.nonzero {
			most = 0
		}
		for c := 0; c <= most; c++ {
			next := nonzero
			if c > 0 {
				next++
			}
			state[part] = q.fraction(c)
			walk(part+1, left-c, next)
		}
	}
	walk(0, q.steps, 0)
}
