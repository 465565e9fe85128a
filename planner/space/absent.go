package space

import (
	"math"

	"github.com/athanor-lab/athanor/lab"
)

// AbsentFeature is the feature of a number that is absent. Those of numbers that
// may be absent are from leastPresent to mostPresent where they are there.
const (
	AbsentFeature = -1.0
	leastPresent  = -0.5
	mostPresent   = 1.5
)

// absent reports whether a state has the parameter not.
func (q *param) absent(state []float64) bool {
	if !q.optional {
		return false
	}
	if q.Type == lab.Categorical {
		return int(state[q.column]) == len(q.Levels)
	}
	return math.IsInf(state[q.column], -1)
}

// Absent reports whether the parameter of column c is absent from a state.
func (s *Space) Absent(state []float64, c int) bool {
	for i := range s.params {
		if p := &s.params[i]; c < p.column+p.width {
			return p.absent(state)
		}
	}
	return false
}

// clear makes the parameter absent: one state stands for all that it might be.
func (q *param) clear(state []float64) {
	for c := q.column; c < q.column+q.width; c++ {
		state[c] = math.Inf(-1)
		if q.Type == lab.Categorical {
			state[c] = float64(len(q.Levels))
		}
	}
}

// middle gives the parameter a value in the middle of what it can be, for where
// it comes to be there.
func (q *param) middle(state []float64) {
	switch q.Type {
	case lab.Categorical:
		state[q.column] = 0
	case lab.Discrete:
		state[q.column] = q.values[len(q.values)/2]
	case lab.Composition:
		x := state[q.column : q.column+q.width]
		for i := range x {
			x[i] = 1
		}
		for i, n := range q.counts(x) {
			x[i] = q.fraction(n)
		}
	default:
		state[q.column] = q.natural(0.5)
	}
}

// Settle makes absent in a state what is not there by the conditions of the space,
// and gives what is there and has no value one in the middle.
func (s *Space) Settle(state []float64) {
	if s.active == nil {
		return
	}
	for i := range s.params {
		if p := &s.params[i]; p.absent(state) {
			p.middle(state)
		}
	}
	for i, there := range s.active(s.Settings(state)) {
		if p := &s.params[i]; p.optional && !there {
			p.clear(state)
		}
	}
}

// check refuses a state in which a parameter is there that should be absent, or
// absent that should be there.
func (s *Space) check(state []float64) error {
	if s.active == nil {
		return nil
	}
	settled := append([]float64(nil), state...)
	s.Settle(settled)
	for i := range s.params {
		switch p := &s.params[i]; {
		case p.absent(state) && !p.absent(settled):
			return lab.Errorf(lab.Invalid, "no setting for parameter %q, which is there where %s", p.Name, p.When)
		case !p.absent(state) && p.absent(settled):
			return lab.Errorf(lab.Invalid, "setting %q is given, and the parameter is there only where %s; leave it out", p.Name, p.When)
		}
	}
	return nil
}

// withAbsent adds a row and a column for absent to the squares of distances of n
// levels. It lies off the plane of the levels, half the largest square above their
// centroid, so that the distances stay those of points in space (Gower, Some
// distance properties of latent root and vector methods used in multivariate
// analysis, Biometrika 53, 1966).
func withAbsent(d []float64, n int) []float64 {
	whole := 0.0
	for _, v := range d {
		whole += v / float64(n*n)
	}
	out := make([]float64, (n+1)*(n+1))
	for i := range n {
		mean := 0.0
		for j := range n {
			out[i*(n+1)+j] = d[i*n+j]
			mean += d[i*n+j] / float64(n)
		}
		out[i*(n+1)+n] = 0.5 + math.Max(0, mean-whole/2)
		out[n*(n+1)+i] = out[i*(n+1)+n]
	}
	return out
}
