package index

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"
)

// LSA holds a dense vector for each document of an index, by latent semantic
// analysis: the truncated singular value decomposition of the matrix of term
// weights (Deerwester et al., "Indexing by latent semantic analysis", 1990),
// found by randomised subspace iteration (Halko, Martinsson and Tropp, "Finding
// structure with randomness", 2011, algorithms 4.4 and 5.1).
type LSA struct {
	x     *Index
	dim   int
	terms [][]float32 // by term; nil for one in too few documents
	docs  []float32   // unit rows of dim numbers
}

// LSAOptions say how large a decomposition is.
type LSAOptions struct {
	Dim   int    // numbers to a document, default 300; at most a third of the documents
	Seed  uint64 // of the random start
	Power int    // subspace iterations, default 2
	// Fit is how many documents, evenly spaced, the decomposition is found from;
	// the others are projected. Default 20,000.
	Fit int
}

// oversample is how many more directions are followed than kept.
const oversample = 10

// NewLSA decomposes an index. It returns nil when the index has fewer than ten
// documents, too few to have directions in common.
func NewLSA(x *Index, o LSAOptions) *LSA {
	if x.Len() < 10 {
		return nil
	}
	if o.Dim <= 0 {
		o.Dim = 300
	}
	if o.Power <= 0 {
		o.Power = 2
	}
	if o.Fit <= 0 {
		o.Fit = 20_000
	}
	rows, ids := x.weights()
	sample := rows
	if len(rows) > o.Fit {
		sample = make([]sparse, o.Fit)
		for i := range sample {
			sample[i] = rows[i*len(rows)/o.Fit]
		}
	}
	o.Dim = max(min(o.Dim, len(sample)/3, len(ids)/3), 1)
	width := min(o.Dim+oversample, len(sample), max(len(ids), 1))
	rng := rand.New(rand.NewPCG(o.Seed, 0x4c5341))
	w := mat.NewDense(max(len(ids), 1), width, nil)
	for i := range w.RawMatrix().Data {
		w.RawMatrix().Data[i] = rng.NormFloat64()
	}
	q := times(sample, w)
	orthonormal(q)
	for range o.Power {
		w = transposedTimes(sample, q, max(len(ids), 1))
		orthonormal(w)
		q = times(sample, w)
		orthonormal(q)
	}
	v := rightVectors(transposedTimes(sample, q, max(len(ids), 1)), o.Dim)

	l := &LSA{x: x, dim: o.Dim, terms: make([][]float32, len(x.lists)), docs: make([]float32, len(rows)*o.Dim)}
	for row, t := range ids {
		vec := make([]float32, o.Dim)
		for j := range vec {
			vec[j] = float32(v.At(row, j))
		}
		l.terms[t] = vec
	}
	for i, r := range rows {
		vec := l.docs[i*o.Dim : (i+1)*o.Dim]
		for k, row := range r.at {
			axpy(vec, l.terms[ids[row]], float32(r.v[k]))
		}
		unit(vec)
	}
	return l
}

// sparse is a row of a sparse matrix.
type sparse struct {
	at []int32
	v  []float64
}

// weights returns the term weights of all documents as unit rows, over the terms
// that stand in at least two documents, and which terms those are.
func (x *Index) weights() (rows []sparse, ids []int32) {
	rows = make([]sparse, x.Len())
	for t := range x.lists {
		l := &x.lists[t]
		if len(l.docs) < 2 {
			continue
		}
		row, idf := int32(len(ids)), float64(x.idf(len(l.docs)))
		ids = append(ids, int32(t))
		for i, d := range l.docs {
			n := float64(x.body(l.at(i), d))
			if n == 0 {
				continue
			}
			rows[d].at = append(rows[d].at, row)
			rows[d].v = append(rows[d].v, idf*n/(n+float64(x.norm[d])))
		}
	}
	for _, r := range rows {
		var s float64
		for _, v := range r.v {
			s += v * v
		}
		if s > 0 {
			s = 1 / math.Sqrt(s)
		}
		for i := range r.v {
			r.v[i] *= s
		}
	}
	return rows, ids
}

// times returns rows·w, in O(nonzeros · columns).
func times(rows []sparse, w *mat.Dense) *mat.Dense {
	_, k := w.Dims()
	out := mat.NewDense(len(rows), k, nil)
	for i, r := range rows {
		to := out.RawRowView(i)
		for j, at := range r.at {
			add(to, w.RawRowView(int(at)), r.v[j])
		}
	}
	return out
}

// transposedTimes returns rowsᵀ·q, which has n rows.
func transposedTimes(rows []sparse, q *mat.Dense, n int) *mat.Dense {
	_, k := q.Dims()
	out := mat.NewDense(n, k, nil)
	for i, r := range rows {
		from := q.RawRowView(i)
		for j, at := range r.at {
			add(out.RawRowView(int(at)), from, r.v[j])
		}
	}
	return out
}

func add(to, from []float64, a float64) {
	from = from[:len(to)]
	for i := range to {
		to[i] += a * from[i]
	}
}

// orthonormal replaces the columns of q by an orthonormal basis of their span,
// by the Cholesky factor of their Gram matrix. Columns that depend on others
// become small instead of orthogonal, which only costs directions without data.
func orthonormal(q *mat.Dense) {
	_, k := q.Dims()
	for range 2 { // the second pass restores what rounding took from the first
		var gram mat.SymDense
		gram.SymOuterK(1, q.T())
		var trace float64
		for i := range k {
			trace += gram.At(i, i)
		}
		for i := range k {
			gram.SetSym(i, i, gram.At(i, i)+1e-12*trace/float64(k)+1e-300)
		}
		var chol mat.Cholesky
		if !chol.Factorize(&gram) {
			return // all columns are equal to rounding; they span what they span
		}
		var u, inverse mat.TriDense
		chol.UTo(&u)
		if inverse.InverseTri(&u) != nil {
			return
		}
		var out mat.Dense
		out.Mul(q, &inverse)
		q.Copy(&out)
	}
}

// rightVectors returns the first dim right singular vectors, as columns, of the
// matrix whose product with an orthonormal basis from the left is bᵀ.
func rightVectors(bt *mat.Dense, dim int) *mat.Dense {
	var gram mat.SymDense
	gram.SymOuterK(1, bt.T())
	var eig mat.EigenSym
	n, k := bt.Dims()
	if !eig.Factorize(&gram, true) {
		return mat.NewDense(n, dim, nil) // a matrix without a decomposition has no meaning to add
	}
	values := eig.Values(nil) // ascending
	var vectors mat.Dense
	eig.VectorsTo(&vectors)
	pick := mat.NewDense(k, dim, nil)
	for j := range min(dim, k) {
		from := k - 1 - j
		if values[from] <= 1e-12*values[k-1] {
			continue
		}
		scale := 1 / math.Sqrt(values[from])
		for i := range k {
			pick.Set(i, j, scale*vectors.At(i, from))
		}
	}
	var v mat.Dense
	v.Mul(bt, pick)
	return &v
}

func axpy(to, from []float32, a float32) {
	from = from[:len(to)]
	for i := range to {
		to[i] += a * from[i]
	}
}

func unit(v []float32) {
	var s float32
	for _, x := range v {
		s += x * x
	}
	if s == 0 {
		return
	}
	s = float32(1 / math.Sqrt(float64(s)))
	for i := range v {
		v[i] *= s
	}
}

// Dim is the number of numbers to a vector.
func (l *LSA) Dim() int { return l.dim }

// Document returns the unit vector of document i. The caller must not change it.
func (l *LSA) Document(i int) []float32 { return l.docs[i*l.dim : (i+1)*l.dim] }

// Vector returns the unit vector of a query, all zero when the index has none of
// its words.
func (l *LSA) Vector(q Query) []float32 {
	vec := make([]float32, l.dim)
	for _, c := range q.clauses {
		if c.forbid || c.field == fieldAuthors {
			continue
		}
		for _, w := range c.words {
			t, ok := l.x.terms[w.word]
			if ok && l.terms[t] != nil {
				axpy(vec, l.terms[t], l.x.idf(len(l.x.lists[t].docs)))
			}
		}
	}
	unit(vec)
	return vec
}

// Dot is the inner product, four sums at a time for speed.
func Dot(a, b []float32) float32 {
	b = b[:len(a)]
	var s0, s1, s2, s3 float32
	i := 0
	for ; i+4 <= len(a); i += 4 {
		s0 += a[i] * b[i]
		s1 += a[i+1] * b[i+1]
		s2 += a[i+2] * b[i+2]
		s3 += a[i+3] * b[i+3]
	}
	for ; i < len(a); i++ {
		s0 += a[i] * b[i]
	}
	return s0 + s1 + s2 + s3
}
