package planner

import (
	"cmp"
	"math"
	"slices"

	"github.com/athanor-lab/athanor/planner/space"
)

const (
	// sampled is how many evenly spread candidates a large space is screened at.
	sampled = 1024
	// around is how many candidates surround each of the best experiments.
	around = 48
	// climbs is how many candidates a local search starts from.
	climbs = 3
	// climbsApart is how far, in some feature, these are from each other: from
	// closer ones the same summit would be reached.
	climbsApart = 0.1
	// climbSteps bounds the evaluations of one local search.
	climbSteps = 500
)

// add takes a free state as a candidate and returns its id, or -1.
func (s *search) add(state []float64) (int, error) {
	if s.t.used(state) {
		s.crowdedOut = true
		return -1, nil
	}
	if ok, err := s.t.space.Feasible(state); err != nil || !ok {
		return -1, err
	}
	if !s.t.safe(state) {
		return -1, nil
	}
	if ok, err := s.t.affordable(state); err != nil || !ok {
		return -1, err
	}
	f := make([]float64, len(state))
	s.t.space.Features(state, f)
	s.states = append(s.states, slices.Clone(state))
	s.features = append(s.features, s.t.row(state, f))
	return len(s.states) - 1, nil
}

// sample fills the candidates of a space that is not listed.
func (s *search) sample() error {
	sp := s.t.space
	seen := make(map[string]bool)
	try := func(state []float64) error {
		key := sp.Key(state)
		if seen[key] {
			return nil
		}
		seen[key] = true
		id, err := s.add(state)
		if id >= 0 {
			s.heap = append(s.heap, candidate{id: id, turn: -1})
		}
		return err
	}
	every := 0
	if f := s.t.fidelity; f != nil { // every other one at the target
		plain := try
		try = func(state []float64) error {
			if every++; every%2 == 0 {
				f.atTarget(state, state)
			}
			return plain(state)
		}
	}
	sequence := space.NewSobol(sp.Width(), space.Mix(s.t.brief.Seed, streamCandidates, uint64(len(s.t.known))))
	u, state := make([]float64, sp.Width()), make([]float64, sp.Width())
	for i := uint32(0); len(s.heap) < sampled && i < maxAttempts; i++ {
		sequence.At(i, u)
		sp.FromUnit(u, state)
		if err := try(state); err != nil {
			return err
		}
		if s.t.guard != nil && i >= 2*sampled {
			break
		}
		if i > 20*sampled && (len(s.heap) > 0 || s.crowdedOut) {
			break // little is free; the surroundings of the best or less spacing add more
		}
	}
	if g := s.t.guard; g != nil { // little of the space is safe at first
		for i := range uint32(sampled) {
			sequence.At(i, u)
			g.around(sp, int(i), u, state)
			if err := try(state); err != nil {
				return err
			}
		}
	}
	rng := s.t.rng(streamJitter)
	for _, e := range s.t.leaders(s.model) {
		centre := slices.Clone(e.state)
		sp.Snap(centre)
		for k := range around {
			sp.Jitter(rng, centre, [2]float64{0.1, 0.02}[k%2], state)
			if err := try(state); err != nil {
				return err
			}
		}
	}
	return nil
}

// leaders returns the experiments around which to look: the best five of a
// single objective, or the front of several.
func (t *task) leaders(m *surrogate) []experiment {
	var out []experiment
	worth := func(r *response, i int) float64 {
		if t.judged(t.known[r.rows[i]].state) {
			return r.value[i]
		}
		return -math.MaxFloat64
	}
	for _, r := range m.responses {
		order := make([]int, len(r.rows))
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(a, b int) int {
			return cmp.Or(cmp.Compare(worth(r, b), worth(r, a)), cmp.Compare(r.value[b], r.value[a]))
		})
		share := max(2, 5/len(m.responses))
		for _, i := range order[:min(share, len(order))] {
			out = append(out, t.known[r.rows[i]])
		}
	}
	return out
}

// refine climbs from the best candidates and returns them with the summits,
// best first and no state twice.
func (s *search) refine(top []candidate) ([]candidate, error) {
	found := make(map[string]bool)
	for _, c := range top {
		found[s.t.space.Key(s.state(c.id))] = true
	}
	all := slices.Clone(top)
	for _, c := range s.distinct(top, climbs, climbsApart) {
		summit, value, err := s.climb(s.state(c.id), c.value)
		if err != nil {
			return nil, err
		}
		if key := s.t.space.Key(summit); !found[key] {
			found[key] = true
			id, err := s.add(summit)
			if err != nil {
				return nil, err
			}
			if id >= 0 {
				all = append(all, candidate{id: id, value: value, turn: s.turn})
			}
		}
	}
	slices.SortFunc(all, s.order)
	return all, nil
}

// uncrowded takes the best candidates off the heap and drops those that what
// was chosen since they were sampled has crowded out.
func (s *search) uncrowded() []candidate {
	var out []candidate
	for len(s.heap) > 0 && len(out) < shown {
		for _, c := range s.best(1) {
			if s.t.crowded(s.state(c.id)) {
				s.crowdedOut = true
				continue
			}
			out = append(out, c)
		}
	}
	return out
}

// shown is how many candidates of a large space are worked out, so that among
// them are some that differ enough to be worth showing.
const shown = 24

// distinct returns the best n candidates of top, best first, that differ from
// each other by no less than by in some feature.
func (s *search) distinct(top []candidate, n int, by float64) []candidate {
	var kept []candidate
	for _, c := range top {
		alike := slices.ContainsFunc(kept, func(k candidate) bool {
			return near(s.feature(k.id), s.feature(c.id), by)
		})
		if !alike && len(kept) < n {
			kept = append(kept, c)
		}
	}
	return kept
}

// move is a neighbour of a state in a local search.
type move struct {
	state  []float64
	column int // the only one that it changes, or -1
	bound  float64
}

// climb walks uphill from a state: in each sweep it weighs all moves, takes the
// best of each parameter together where that is better still, and shortens the
// moves when none helps. Moves are worked out in the order of a bound, and only
// while one could be the best of all or of its column.
func (s *search) climb(state []float64, value float64) ([]float64, float64, error) {
	if math.IsInf(value, -1) {
		return state, value, nil
	}
	sp := s.t.space
	f := make([]float64, len(state))
	spent := 0
	worth := func(x []float64, how precision) float64 {
		sp.Features(x, f)
		return s.model.worth(s.t.row(x, f), how, &s.tools) - s.t.discount(x)
	}
	at := slices.Clone(state)
	columnBest := make([]float64, len(at))
	for _, h := range []float64{0.1, 0.03, 0.01, 0.003, 0.001} {
		for spent < climbSteps {
			sp.Features(at, f)
			s.model.look(s.t.row(at, f), &s.tools)
			moves := s.moves(at, h, value+climbGain, worth)
			spent += len(moves)
			best, bestValue := []float64(nil), value
			joint := slices.Clone(at)
			for i := range columnBest {
				columnBest[i] = value
			}
			for _, m := range moves {
				bar := bestValue
				if m.column >= 0 {
					bar = columnBest[m.column]
				}
				if m.bound <= math.Max(bar, value+climbGain) {
					continue
				}
				spent++
				v := worth(m.state, exact)
				if v <= math.Max(bar, value+climbGain) {
					continue
				}
				if ok, err := s.t.free(m.state); err != nil {
					return nil, 0, err
				} else if !ok {
					continue
				}
				if v > bestValue {
					best, bestValue = m.state, v
				}
				if m.column >= 0 {
					columnBest[m.column] = v
					joint[m.column] = m.state[m.column]
				}
			}
			if best == nil {
				break
			}
			if !slices.Equal(joint, best) && !slices.Equal(joint, at) {
				spent++
				sp.Settle(joint)
				v := worth(joint, exact)
				ok, err := s.t.free(joint)
				if err != nil {
					return nil, 0, err
				}
				if ok && v > bestValue {
					best, bestValue = joint, v
				}
			}
			at, value = best, bestValue
		}
	}
	return at, value, nil
}

// climbGain is by how much a step must raise the acquisition.
const climbGain = 1e-9

// moves returns the moves from a state whose bound is above a bar, highest
// first, and of equal ones as the space lists them.
func (s *search) moves(at []float64, h, bar float64, worth func([]float64, precision) float64) []move {
	var out []move
	s.t.space.Moves(at, h, func(x []float64) {
		bound := worth(x, nearby)
		if !(bound > bar) {
			return
		}
		m := move{state: slices.Clone(x), bound: bound, column: -1}
		changed := 0
		for c := range x {
			if x[c] != at[c] {
				m.column = c
				changed++
			}
		}
		if changed > 1 {
			m.column = -1
		}
		out = append(out, m)
	})
	slices.SortStableFunc(out, func(a, b move) int { return cmp.Compare(b.bound, a.bound) })
	return out
}
