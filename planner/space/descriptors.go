package space

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// descriptorDistances returns the squares of the distances between levels in
// the space of their descriptors, by rows, or nil when no descriptor tells
// levels apart. Columns that are not finite or constant are dropped, the others
// standardised; of two that are correlated beyond 0.95 the first stays; what is
// left is projected on its first principal components, at most five, that hold
// 99 % of the variance. The largest distance is 1.
func descriptorDistances(rows [][]float64) []float64 {
	n := len(rows)
	cols := decorrelated(standardised(rows))
	if n < 2 || len(cols) == 0 {
		return nil
	}
	a := mat.NewDense(n, len(cols), nil)
	for j, c := range cols {
		a.SetCol(j, c)
	}
	var svd mat.SVD
	if !svd.Factorize(a, mat.SVDThin) {
		return nil
	}
	s := svd.Values(nil)
	var u mat.Dense
	svd.UTo(&u)
	total := 0.0
	for _, v := range s {
		total += v * v
	}
	d := make([]float64, n*n)
	held, top := 0.0, 0.0
	for k := 0; k < min(5, len(s), n-1) && held < 0.99*total; k++ {
		held += s[k] * s[k]
		for i := range n {
			for j := range n {
				z := (u.At(i, k) - u.At(j, k)) * s[k]
				d[i*n+j] += z * z
			}
		}
	}
	for _, v := range d {
		top = math.Max(top, v)
	}
	if !(top > 0) {
		return nil
	}
	for i := range d {
		d[i] /= top
	}
	return d
}

// standardised returns the finite, varying columns of rows with mean 0 and
// variance 1.
func standardised(rows [][]float64) [][]float64 {
	var out [][]float64
	n := float64(len(rows))
	for j := range rows[0] {
		mean, square := 0.0, 0.0
		for _, r := range rows {
			mean += r[j] / n
		}
		for _, r := range rows {
			square += (r[j] - mean) * (r[j] - mean) / n
		}
		sd := math.Sqrt(square)
		if math.IsNaN(sd) || math.IsInf(sd, 0) || sd <= 1e-9*(1e-12+math.Abs(mean)) {
			continue
		}
		col := make([]float64, len(rows))
		for i, r := range rows {
			col[i] = (r[j] - mean) / sd
		}
		out = append(out, col)
	}
	return out
}

// decorrelated drops every column that a kept one before it already tells.
func decorrelated(cols [][]float64) [][]float64 {
	var out [][]float64
next:
	for _, c := range cols {
		for _, k := range out {
			r := 0.0
			for i := range c {
				r += c[i] * k[i] / float64(len(c))
			}
			if math.Abs(r) > 0.95 {
				continue next
			}
		}
		out = append(out, c)
	}
	return out
}
