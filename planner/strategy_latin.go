package planner

import (
	"math/rand/v2"

	"github.com/athanor-lab/athanor/planner/space"
)

// sameCell is how many points of a cell are tried before another is drawn at
// random.
const sameCell = 16

// latinStates walks a Latin hypercube of as many points as the campaign has
// experiments: every parameter is cut into that many equal parts, and each part
// is used once (McKay, Beckman & Conover, A comparison of three methods for
// selecting values of input variables, Technometrics 21, 1979). Experiments
// beyond the budget begin another. In a pool the candidate nearest to a point
// stands for it; where a point is taken or infeasible one drawn at random does.
func (t *task) latinStates() (next func() ([]float64, error), reason string) {
	size, number := t.planned(), t.brief.First-1
	width := t.space.Width()
	u, state := make([]float64, width), make([]float64, width)
	random := t.randomStates()
	var places [][]int // by column, the part of each point
	block := -1
	point := func(rng *rand.Rand) {
		if number/size != block {
			block, places = number/size, nil
			for c := range width {
				order := rand.New(rand.NewPCG(t.brief.Seed, space.Mix(streamLatin, uint64(block), uint64(c))))
				places = append(places, order.Perm(size))
			}
		}
		for c := range u {
			u[c] = (float64(places[c][number%size]) + rng.Float64()) / float64(size)
		}
	}
	return func() ([]float64, error) {
		rng := rand.New(rand.NewPCG(t.brief.Seed, space.Mix(streamLatin, 1<<32, uint64(number))))
		for range sameCell {
			point(rng)
			if len(t.brief.Space.Pool) > 0 {
				number++
				return t.nearestFree(u), nil
			}
			t.space.FromUnit(u, state)
			if ok, err := t.free(state); err != nil || ok {
				number++
				return state, err
			}
		}
		number++
		return random()
	}, "the next of a Latin hypercube: every part of each parameter's range is used once in the campaign"
}

// planned is how many experiments a design is made for: the budget, or as many
// as there are with those that are wanted now.
func (t *task) planned() int {
	return max(t.brief.Budget, t.brief.First-1+t.brief.Want)
}
