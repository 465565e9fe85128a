package planner

import (
	"math"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/planner/space"
)

// gridStates walks a full grid: every level of a choice, as many evenly spaced
// settings of each number as make the grid at least as large as the campaign.
// It does so in steps of the golden ratio of its length, so that a walk that
// ends early has met all of the grid alike, and no point twice. Then the grid is
// made finer. Of listed spaces the candidates are the grid.
func (t *task) gridStates() (next func() ([]float64, error), reason string) {
	const why = "the next point of a grid over the space, in an order that meets all of it alike"
	if t.space.Listed() {
		return t.gridListed(), why
	}
	fine := 2
	g := t.newGrid(fine)
	for g.size < float64(t.planned()) && fine < 1000 && t.newGrid(fine+1).size > g.size {
		fine++
		g = t.newGrid(fine)
	}
	random := t.randomStates()
	state := make([]float64, t.space.Width())
	at, tries := uint64(t.brief.First-1), 0
	return func() ([]float64, error) {
		for tries < maxAttempts/10 {
			if float64(at) >= g.size {
				finer := t.newGrid(fine + 1)
				if finer.size <= g.size {
					break
				}
				fine, g, at = fine+1, finer, 0
			}
			g.point(at, t.brief.Seed, state)
			at++
			tries++
			t.space.Snap(state)
			if ok, err := t.free(state); err != nil || ok {
				return state, err
			}
		}
		return random()
	}, why
}

// gridListed walks the listed candidates.
func (t *task) gridListed() func() ([]float64, error) {
	n := uint64(t.space.Len())
	step, at := coprime(n), uint64(t.brief.First-1)
	left := n
	return func() ([]float64, error) {
		for ; left > 0; left-- {
			i := int(at % n * step % n)
			at++
			if !t.taken[t.space.KeyAt(i)] && t.safe(t.space.State(i)) {
				left--
				return t.space.State(i), nil
			}
		}
		return nil, nil
	}
}

// coprime returns the number nearest below n over the golden ratio that has no
// factor in common with n, so that its multiples meet all of 0 … n-1.
func coprime(n uint64) uint64 {
	for k := uint64(float64(n) / math.Phi); k > 1; k-- {
		a, b := n, k
		for b > 0 {
			a, b = b, a%b
		}
		if a == 1 {
			return k
		}
	}
	return 1
}

// grid is a product of rows of settings.
type grid struct {
	axes  []axis
	size  float64
	steps uint64
}

// axis is what one parameter is set to, a row of states to a place.
type axis struct {
	column int
	places [][]float64
}

// wholeGrid is up to which size a grid is walked in steps; of a larger one
// points are drawn.
const wholeGrid = 1 << 31

// newGrid returns the grid with fine settings to a number.
func (t *task) newGrid(fine int) grid {
	g := grid{size: 1}
	u, state := make([]float64, t.space.Width()), make([]float64, t.space.Width())
	columns := t.space.Columns()
	for c := 0; c < len(columns); {
		p := t.space.Parameter(columns[c].Parameter)
		a, width := axis{column: c}, 1
		switch n := columns[c].Settings; p.Type {
		case lab.Composition:
			width = len(p.Parts)
			a.places = lattice(p, fine)
		case lab.Categorical:
			a.places = t.places(c, n, true, u, state)
		case lab.Discrete:
			a.places = t.places(c, min(n, max(fine, 2)), true, u, state)
		default:
			a.places = t.places(c, min(n, fine), false, u, state)
		}
		g.axes = append(g.axes, a)
		g.size *= float64(len(a.places))
		c += width
	}
	if g.size <= wholeGrid {
		g.steps = coprime(uint64(g.size))
	}
	return g
}

// places returns n settings of column c: the middles of n parts of its range, or
// evenly from its least to its largest.
func (t *task) places(c, n int, middles bool, u, state []float64) [][]float64 {
	var out [][]float64
	for k := range n {
		u[c] = (float64(k) + 0.5) / float64(n)
		if !middles && n > 1 {
			u[c] = math.Min(float64(k)/float64(n-1), 1-1e-12)
		}
		t.space.Fill(u, state)
		out = append(out, []float64{state[c]})
	}
	u[c] = 0
	return out
}

// lattice returns the compositions with parts of n-ths of the sum, at most as
// many of them above 0 as the parameter allows.
func lattice(p lab.Parameter, n int) [][]float64 {
	sum, most := 1.0, len(p.Parts)
	if p.Sum != nil {
		sum = *p.Sum
	}
	if p.MaxNonzero != nil {
		most = min(most, *p.MaxNonzero)
	}
	var out [][]float64
	row := make([]float64, len(p.Parts))
	var walk func(part, left, nonzero int)
	walk = func(part, left, nonzero int) {
		if len(out) >= maxAttempts {
			return
		}
		if part == len(row)-1 {
			if left == 0 || nonzero < most {
				row[part] = float64(left) * sum / float64(n)
				out = append(out, append([]float64(nil), row...))
			}
			return
		}
		for k := 0; k <= left && (k == 0 || nonzero < most); k++ {
			row[part] = float64(k) * sum / float64(n)
			walk(part+1, left-k, nonzero+min(k, 1))
		}
	}
	walk(0, n, 0)
	return out
}

// point writes point i of the walk.
func (g grid) point(i, seed uint64, state []float64) {
	place := i
	if g.steps > 0 {
		place = i % uint64(g.size) * g.steps % uint64(g.size)
	}
	for k, a := range g.axes {
		n := uint64(len(a.places))
		at := place % n
		if g.steps == 0 {
			at = space.Mix(seed, streamGrid<<32+i, uint64(k)) % n
		}
		place /= n
		copy(state[a.column:], a.places[at])
	}
}
