package gp

import "math"

// cholesky writes the lower factor of the symmetric a into l, which may be a
// itself: n rows, stride apart, of which only the lower triangle counts. It
// reports whether a is positive definite. Four columns are summed side by side: a sum of one column
// waits for the one before it, four do not.
func cholesky(a, l []float64, n, stride int) bool {
	for i := range n {
		li := l[i*stride : i*stride+i+1]
		ai := a[i*stride : i*stride+i+1]
		j := 0
		for ; j+4 <= i; j += 4 {
			l0 := l[j*stride : j*stride+j+1]
			l1 := l[(j+1)*stride : (j+1)*stride+j+2]
			l2 := l[(j+2)*stride : (j+2)*stride+j+3]
			l3 := l[(j+3)*stride : (j+3)*stride+j+4]
			s0, s1, s2, s3 := ai[j], ai[j+1], ai[j+2], ai[j+3]
			k0, k1, k2, k3 := l0[:j], l1[:j], l2[:j], l3[:j]
			for k, v := range li[:j] {
				s0 -= v * k0[k]
				s1 -= v * k1[k]
				s2 -= v * k2[k]
				s3 -= v * k3[k]
			}
			s0 /= l0[j]
			s1 = (s1 - s0*l1[j]) / l1[j+1]
			s2 = (s2 - s0*l2[j] - s1*l2[j+1]) / l2[j+2]
			s3 = (s3 - s0*l3[j] - s1*l3[j+1] - s2*l3[j+2]) / l3[j+3]
			li[j], li[j+1], li[j+2], li[j+3] = s0, s1, s2, s3
		}
		for ; j < i; j++ {
			lj := l[j*stride : j*stride+j+1]
			s := ai[j]
			for k, v := range lj[:j] {
				s -= v * li[k]
			}
			li[j] = s / lj[j]
		}
		s := ai[i]
		for _, v := range li[:i] {
			s -= v * v
		}
		if !(s > 0) || math.IsInf(s, 1) {
			return false
		}
		li[i] = math.Sqrt(s)
	}
	return true
}

// invert writes the lower triangle of (l·lᵀ)⁻¹ into inv, with w, n×n, as
// scratch for l⁻¹ transposed: row i of w holds column i of l⁻¹ from i on.
func invert(l, w, inv []float64, n int) {
	for j := range n {
		wj := w[j*n : j*n+n]
		wj[j] = 1 / l[j*n+j]
		i := j + 1
		for ; i+4 <= n; i += 4 {
			l0, l1 := l[i*n+j:i*n+i+1], l[(i+1)*n+j:(i+1)*n+i+2]
			l2, l3 := l[(i+2)*n+j:(i+2)*n+i+3], l[(i+3)*n+j:(i+3)*n+i+4]
			m := i - j
			var s0, s1, s2, s3 float64
			k0, k1, k2, k3 := l0[:m], l1[:m], l2[:m], l3[:m]
			for k, v := range wj[j:i] {
				s0 += k0[k] * v
				s1 += k1[k] * v
				s2 += k2[k] * v
				s3 += k3[k] * v
			}
			s0 = -s0 / l0[m]
			s1 = -(s1 + l1[m]*s0) / l1[m+1]
			s2 = -(s2 + l2[m]*s0 + l2[m+1]*s1) / l2[m+2]
			s3 = -(s3 + l3[m]*s0 + l3[m+1]*s1 + l3[m+2]*s2) / l3[m+3]
			wj[i], wj[i+1], wj[i+2], wj[i+3] = s0, s1, s2, s3
		}
		for ; i < n; i++ {
			s := 0.0
			li := l[i*n+j : i*n+i]
			for k, v := range wj[j:i] {
				s += li[k] * v
			}
			wj[i] = -s / l[i*n+i]
		}
	}
	// inv[i][j] = Σ_{k≥i} w[i][k]·w[j][k] for j ≤ i.
	for i := range n {
		wi := w[i*n+i : i*n+n]
		j := 0
		for ; j+4 <= i+1; j += 4 {
			w0, w1 := w[j*n+i:j*n+n], w[(j+1)*n+i:(j+1)*n+n]
			w2, w3 := w[(j+2)*n+i:(j+2)*n+n], w[(j+3)*n+i:(j+3)*n+n]
			w0, w1, w2, w3 = w0[:len(wi)], w1[:len(wi)], w2[:len(wi)], w3[:len(wi)]
			var s0, s1, s2, s3 float64
			for k, v := range wi {
				s0 += v * w0[k]
				s1 += v * w1[k]
				s2 += v * w2[k]
				s3 += v * w3[k]
			}
			inv[i*n+j], inv[i*n+j+1], inv[i*n+j+2], inv[i*n+j+3] = s0, s1, s2, s3
		}
		for ; j <= i; j++ {
			wj := w[j*n+i : j*n+n]
			s := 0.0
			for k, v := range wi {
				s += v * wj[k]
			}
			inv[i*n+j] = s
		}
	}
}

// solve overwrites b with (l·lᵀ)⁻¹·b, where l has rows of the given stride.
func solve(l []float64, stride int, b []float64) {
	forward(l, stride, b)
	for i := len(b) - 1; i >= 0; i-- {
		row := l[i*stride : i*stride+i+1]
		b[i] /= row[i]
		v := b[i]
		for k, x := range row[:i] {
			b[k] -= x * v
		}
	}
}

// forward overwrites b with l⁻¹·b.
func forward(l []float64, stride int, b []float64) {
	for i := range b {
		row := l[i*stride : i*stride+i+1]
		b[i] = (b[i] - dot(row[:i], b)) / row[i]
	}
}

// dot returns Σ a_i·b_i over the length of a, four sums side by side.
func dot(a, b []float64) float64 {
	b = b[:len(a)]
	var s0, s1, s2, s3 float64
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
	return (s0 + s1) + (s2 + s3)
}
