package space

import (
	"math"
	"math/rand/v2"

	"github.com/athanor-lab/athanor/lab"
)

// FromUnit writes the state that a point u of the unit cube, with Width
// coordinates, stands for. Evenly spread points give evenly spread settings.
func (s *Space) FromUnit(u, state []float64) {
	s.Fill(u, state)
	s.Settle(state)
}

// Fill is [Space.FromUnit] as if every parameter were there.
func (s *Space) Fill(u, state []float64) {
	for i := range s.params {
		p := &s.params[i]
		c := p.column
		switch p.Type {
		case lab.Composition:
			p.spread(u[c:c+p.width], state[c:c+p.width])
		case lab.Categorical:
			state[c] = math.Floor(u[c] * float64(len(p.Levels)))
		case lab.Discrete:
			state[c] = p.values[int(u[c]*float64(len(p.values)))]
		case lab.Integer:
			state[c] = math.Min(p.max, p.min+math.Floor(u[c]*(p.max-p.min+1)))
		default:
			state[c] = p.natural(u[c])
		}
	}
}

// Moves calls yield with states that differ from state in one parameter, by
// about h of its range where it has one: both ways for a number, every other
// level of a choice, and from each part to each other for a composition. yield
// must not keep the row.
func (s *Space) Moves(state []float64, h float64, yield func([]float64)) {
	if s.active != nil {
		inner, settled := yield, make([]float64, s.width)
		yield = func(x []float64) {
			copy(settled, x)
			s.Settle(settled)
			inner(settled)
		}
	}
	next := make([]float64, s.width)
	for i := range s.params {
		p := &s.params[i]
		if p.absent(state) {
			continue
		}
		c := p.column
		copy(next, state)
		try := func(v float64) {
			if v != state[c] {
				next[c] = v
				yield(next)
				copy(next, state)
			}
		}
		switch p.Type {
		case lab.Composition:
			p.transfers(state, next, h, yield)
		case lab.Categorical:
			for l := range p.Levels {
				try(float64(l))
			}
		case lab.Discrete:
			if len(p.values) <= 16 {
				for _, v := range p.values {
					try(v)
				}
				continue
			}
			k, d := p.nearest(state[c]), max(1, int(h*float64(len(p.values))))
			try(p.values[max(0, k-d)])
			try(p.values[min(len(p.values)-1, k+d)])
		case lab.Integer:
			d := math.Max(1, math.Round(h*(p.max-p.min)))
			try(math.Max(p.min, state[c]-d))
			try(math.Min(p.max, state[c]+d))
		default:
			u := p.unit(state[c])
			try(p.natural(math.Max(0, u-h)))
			try(p.natural(math.Min(1, u+h)))
		}
	}
}

// transfers yields compositions that move h of the sum, or all that there is,
// from one part to another.
func (q *param) transfers(state, next []float64, h float64, yield func([]float64)) {
	have := q.counts(state[q.column : q.column+q.width])
	nonzero := 0
	for _, c := range have {
		if c > 0 {
			nonzero++
		}
	}
	d := max(1, int(math.Round(h*float64(q.steps))))
	for from, c := range have {
		if c == 0 {
			continue
		}
		for to := range have {
			if to == from {
				continue
			}
			amounts := [2]int{min(d, c), c}
			for k, move := range amounts {
				if k == 1 && move == amounts[0] {
					break
				}
				if have[to] == 0 && nonzero == q.nonzero && move < c {
					continue
				}
				for j := range have {
					next[q.column+j] = q.fraction(have[j])
				}
				next[q.column+from] = q.fraction(c - move)
				next[q.column+to] = q.fraction(have[to] + move)
				yield(next)
			}
		}
	}
}

// Jitter writes a state near state: about one parameter in three, and at least
// one, is moved by a normal step of standard deviation h of its range or, for a
// choice, drawn anew.
func (s *Space) Jitter(rng *rand.Rand, state []float64, h float64, out []float64) {
	copy(out, state)
	sure := rng.IntN(len(s.params))
	for i := range s.params {
		p := &s.params[i]
		if i != sure && rng.Float64() > 1.0/3 || p.absent(state) {
			continue
		}
		c := p.column
		switch p.Type {
		case lab.Composition:
			x := make([]float64, p.width)
			for k := range x {
				x[k] = math.Max(0, state[c+k]/p.sum+h*rng.NormFloat64())
			}
			for k, n := range p.counts(x) {
				out[c+k] = p.fraction(n)
			}
		case lab.Categorical:
			out[c] = float64(rng.IntN(len(p.Levels)))
		case lab.Discrete:
			k := p.nearest(state[c]) + int(math.Round((1+h*float64(len(p.values)))*rng.NormFloat64()))
			out[c] = p.values[min(len(p.values)-1, max(0, k))]
		case lab.Integer:
			out[c] = p.snap(state[c] + (1+h*(p.max-p.min))*rng.NormFloat64())
		default:
			out[c] = p.natural(math.Min(1, math.Max(0, p.unit(state[c])+h*rng.NormFloat64())))
		}
	}
	s.Settle(out)
}

// Snap moves state onto what the parameters can be set to.
func (s *Space) Snap(state []float64) {
	for i := range s.params {
		p := &s.params[i]
		if p.absent(state) {
			continue
		}
		switch p.Type {
		case lab.Composition:
			for k, n := range p.counts(state[p.column : p.column+p.width]) {
				state[p.column+k] = p.fraction(n)
			}
		case lab.Categorical:
		default:
			state[p.column] = p.snap(state[p.column])
		}
	}
	s.Settle(state)
}

// Near writes the state that a point u of the unit cube, with Width coordinates,
// stands for within h of the range of each number around state, or less far where a
// bound is closer. Choices stay.
func (s *Space) Near(state, u []float64, h float64, out []float64) {
	copy(out, state)
	for i := range s.params {
		p := &s.params[i]
		if p.absent(state) {
			continue
		}
		c := p.column
		switch p.Type {
		case lab.Composition:
			x := make([]float64, p.width)
			for k := range x {
				x[k] = math.Max(0, state[c+k]/p.sum+h*(2*u[c+k]-1))
			}
			for k, n := range p.counts(x) {
				out[c+k] = p.fraction(n)
			}
		case lab.Categorical:
		default:
			out[c] = p.natural(math.Min(1, math.Max(0, p.unit(state[c])+h*(2*u[c]-1))))
		}
	}
	s.Settle(out)
}
