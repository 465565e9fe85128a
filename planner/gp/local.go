package gp

import (
	"math"
	"slices"
)

// Local bounds the variance of f near a place by what the rows closest to it
// say, and nothing else: for a point near there the bound is hardly above the
// variance and costs O(n + rows²) instead of O(n²).
type Local struct {
	rows []int
	l    []float64 // factor of the covariance of those rows with their noise
	k    []float64
}

// Around returns the Local of the rows that covary most with x, at most so
// many: O(n·rows²).
func (p *Posterior) Around(x []float64, rows int, s *Scratch) *Local {
	k := p.covariances(x, s)
	order := make([]int, p.n)
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case k[a] > k[b]:
			return -1
		case k[a] < k[b]:
			return 1
		default:
			return a - b
		}
	})
	m := min(rows, p.n)
	q := &Local{rows: order[:m], l: make([]float64, m*m), k: make([]float64, m)}
	slices.Sort(q.rows)
	for a, i := range q.rows {
		for b, j := range q.rows[:a+1] {
			q.l[a*m+b] = dot(p.l[j*p.stride:j*p.stride+j+1], p.l[i*p.stride:i*p.stride+j+1])
		}
		// What the factor of all rows rounded away must not make this one fail.
		q.l[a*m+a] *= 1 + 1e-12
	}
	if !cholesky(q.l, q.l, m, m) {
		q.rows = nil
	}
	return q
}

// Bound returns the mean of f at x and a number that its variance does not
// exceed.
func (p *Posterior) Bound(x []float64, q *Local, s *Scratch) (mean, bound float64) {
	k := p.covariances(x, s)
	mean = p.expects(x, k)
	near := q.k[:len(q.rows)]
	for i, r := range q.rows {
		near[i] = k[r]
	}
	forward(q.l, len(q.k), near)
	return mean, math.Max(floor, p.before(x)-dot(near, near))
}
