package index

import (
	"math"
	"slices"

	"github.com/athanor-lab/athanor/lab"
)

// Vectors are directions of documents that come from elsewhere, such as a model of
// sentences. A document without one is at right angles to everything.
type Vectors struct {
	dim  int
	docs [][]float32
	zero []float32
}

// NewVectors takes a vector for each document of x that of returns one for. They
// must be of one dimension and of numbers; lengths do not matter. The error is of
// kind [lab.Invalid].
func NewVectors(x *Index, of func(id string) []float32) (*Vectors, error) {
	v := &Vectors{docs: make([][]float32, x.Len())}
	for i, id := range x.ids {
		d := of(id)
		if d == nil {
			continue
		}
		if v.dim == 0 {
			v.dim = len(d)
		}
		if len(d) != v.dim {
			return nil, lab.Errorf(lab.Invalid, "the vector of %s has %d numbers and those before it %d", id, len(d), v.dim)
		}
		unit, ok := Unit(d)
		if !ok {
			return nil, lab.Errorf(lab.Invalid, "the vector of %s has no direction", id)
		}
		v.docs[i] = unit
	}
	v.zero = make([]float32, v.dim)
	return v, nil
}

func (v *Vectors) document(i int) []float32 {
	if v.docs[i] == nil {
		return v.zero
	}
	return v.docs[i]
}

// Unit returns v at length one, and false when it has no direction.
func Unit(v []float32) ([]float32, bool) {
	var sum float64
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	if !(sum > 0) || math.IsInf(sum, 0) {
		return nil, false
	}
	out := slices.Clone(v)
	for i := range out {
		out[i] = float32(float64(out[i]) / math.Sqrt(sum))
	}
	return out, true
}

// Near returns the query with its place in the space of [Ranker.Vectors].
func (q Query) Near(v []float32) Query {
	q.near, _ = Unit(v)
	return q
}
