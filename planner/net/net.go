package net

import (
	"math"
	"math/rand/v2"
)

// layer is y = W·x + b, W by rows.
type layer struct {
	In  int       `json:"in"`
	Out int       `json:"out"`
	W   []float64 `json:"w"`
	B   []float64 `json:"b"`
}

// network is layers with SiLU between them.
type network []layer

// newNetwork draws weights with variance 2/inputs, after He, Zhang, Ren & Sun,
// Delving deep into rectifiers (2015), https://arxiv.org/abs/1502.01852.
func newNetwork(sizes []int, rng *rand.Rand) network {
	var n network
	for i := range len(sizes) - 1 {
		l := layer{In: sizes[i], Out: sizes[i+1], W: make([]float64, sizes[i]*sizes[i+1]), B: make([]float64, sizes[i+1])}
		sd := math.Sqrt(2 / float64(l.In))
		for k := range l.W {
			l.W[k] = sd * rng.NormFloat64()
		}
		n = append(n, l)
	}
	return n
}

// pass is the memory of one evaluation: what every layer sums to and puts out.
type pass struct {
	sum, out, slope [][]float64 // slope is ∂loss/∂sum
}

func (n network) pass() *pass {
	p := &pass{}
	for _, l := range n {
		p.sum = append(p.sum, make([]float64, l.Out))
		p.out = append(p.out, make([]float64, l.Out))
		p.slope = append(p.slope, make([]float64, l.Out))
	}
	return p
}

// forward evaluates the network at x.
func (n network) forward(x []float64, p *pass) float64 {
	for i := range n {
		l := &n[i]
		for o := range l.Out {
			p.sum[i][o] = l.B[o] + dot(l.W[o*l.In:(o+1)*l.In], x)
		}
		if i == len(n)-1 {
			return p.sum[i][0]
		}
		for o, s := range p.sum[i] {
			p.out[i][o] = s / (1 + math.Exp(-s))
		}
		x = p.out[i]
	}
	return 0
}

// backward adds the gradient of a loss whose derivative by the output is d to
// grad, which has the shape of n. forward was last called at x.
func (n network) backward(x []float64, d float64, p *pass, grad network) {
	last := len(n) - 1
	p.slope[last][0] = d
	for i := last; i >= 0; i-- {
		l, g := &n[i], &grad[i]
		in := x
		if i > 0 {
			in = p.out[i-1]
		}
		for o, s := range p.slope[i] {
			g.B[o] += s
			axpy(s, in, g.W[o*l.In:(o+1)*l.In])
		}
		if i == 0 {
			return
		}
		below := p.slope[i-1]
		for k := range below {
			below[k] = 0
		}
		for o, s := range p.slope[i] {
			axpy(s, l.W[o*l.In:(o+1)*l.In], below)
		}
		for k, s := range p.sum[i-1] {
			e := 1 / (1 + math.Exp(-s))
			below[k] *= e * (1 + s*(1-e))
		}
	}
}

// zero is a network of the same shape without any weight.
func (n network) zero() network {
	out := make(network, len(n))
	for i, l := range n {
		out[i] = layer{In: l.In, Out: l.Out, W: make([]float64, len(l.W)), B: make([]float64, len(l.B))}
	}
	return out
}

// adam is the state of Kingma & Ba, Adam: a method for stochastic optimization
// (2015), https://arxiv.org/abs/1412.6980, with the decay of weights apart from
// the gradient (Loshchilov & Hutter 2019, https://arxiv.org/abs/1711.05101).
type adam struct {
	first, second network
	steps         int
}

const (
	beta1   = 0.9
	beta2   = 0.999
	epsilon = 1e-8
)

// step moves n against grad, which it clears.
func (a *adam) step(n, grad network, rate, decay float64) {
	a.steps++
	c1 := 1 / (1 - math.Pow(beta1, float64(a.steps)))
	c2 := 1 / (1 - math.Pow(beta2, float64(a.steps)))
	move := func(w, g, m, v []float64, decay float64) {
		for k := range w {
			m[k] = beta1*m[k] + (1-beta1)*g[k]
			v[k] = beta2*v[k] + (1-beta2)*g[k]*g[k]
			w[k] -= rate * (c1*m[k]/(math.Sqrt(c2*v[k])+epsilon) + decay*w[k])
			g[k] = 0
		}
	}
	for i := range n {
		move(n[i].W, grad[i].W, a.first[i].W, a.second[i].W, decay)
		move(n[i].B, grad[i].B, a.first[i].B, a.second[i].B, 0)
	}
}

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

// axpy adds s·x to y.
func axpy(s float64, x, y []float64) {
	y = y[:len(x)]
	for i, v := range x {
		y[i] += s * v
	}
}
