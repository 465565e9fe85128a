package planner

import (
	"cmp"
	"math"
	"slices"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/planner/acq"
	"github.com/athanor-lab/athanor/planner/gp"
	"github.com/athanor-lab/athanor/planner/space"
)

// search finds the candidates of highest acquisition, one after another.
//
// Candidates wait in a heap under a bound that their acquisition does not
// exceed: the exact mean with the variance given only the first rows of the
// data. Only the one on top is worked out, so that most never are. Choosing one
// and believing its outcome lowers every acquisition, so that bounds stay bounds
// for the next of the batch. This is the lazy greedy algorithm of Minoux,
// Accelerated greedy algorithms for maximizing submodular set functions (1978).
type search struct {
	t     *task
	model *surrogate
	heap  []candidate
	turn  int // how many outcomes have been believed
	tools tools
	// states of candidates that the space does not list, and the rows of these
	// and, where there are scores, of those that it does.
	states, features [][]float64
	crowdedOut       bool // some feasible one was too close to what is taken
}

// candidate is a point with its acquisition, or a bound of it.
type candidate struct {
	id    int
	value float64
	turn  int // the turn for which value is exact; -1 for a bound
}

// tools is the scratch of one worker.
type tools struct {
	posts    [][]*gp.Scratch
	success  *gp.Scratch
	mean, sd []float64
	members  []float64
	target   []float64     // a row at the target of the fidelity
	local    [][]*gp.Local // where [exact] and rows are not asked for
}

func (s *surrogate) tools() tools {
	w := tools{mean: make([]float64, len(s.responses)), sd: make([]float64, len(s.responses)), members: make([]float64, len(s.members))}
	for _, m := range s.members {
		var row []*gp.Scratch
		for _, p := range m.posts {
			row = append(row, p.NewScratch())
		}
		w.posts = append(w.posts, row)
	}
	if s.success != nil {
		w.success = s.success.NewScratch()
	}
	return w
}

// precision is how well an acquisition is worked out.
type precision uint8

const (
	exact    precision = iota
	screened           // a bound of it: variances given the first [screenRows] rows
	nearby             // a closer bound near [tools.look]
)

const (
	// screenRows is how much of the data bounds the variance of a candidate.
	screenRows = 24
	// localRows is the same around the start of a local search.
	localRows = 20
)

// look makes the bounds of [nearby] those of the surroundings of x.
func (s *surrogate) look(x []float64, w *tools) {
	w.local = w.local[:0]
	if s.fidelity != nil {
		w.target = s.fidelity.targeted(x, w.target)
		x = w.target
	}
	for k, m := range s.members {
		var row []*gp.Local
		for j, p := range m.posts {
			row = append(row, p.Around(x, localRows, w.posts[k][j]))
		}
		w.local = append(w.local, row)
	}
}

// worth returns the acquisition at features x, or a bound of it: the mean of
// the members' gains times the probability of success to the power of the
// caution. Before anything has succeeded it is that times how little is known
// of it.
func (s *surrogate) worth(x []float64, how precision, w *tools) float64 {
	value := 0.0
	if len(s.members) > 0 {
		at, cheap := x, false
		if s.fidelity != nil && x[s.fidelity.column] != s.fidelity.target {
			w.target = s.fidelity.targeted(x, w.target)
			at, cheap = w.target, true
		}
		for k := range s.members {
			m := &s.members[k]
			for j, p := range m.posts {
				var variance float64
				switch how {
				case exact:
					w.mean[j], variance = p.Predict(at, w.posts[k][j])
				case screened:
					w.mean[j], variance = p.Screen(at, screenRows, w.posts[k][j])
				case nearby:
					w.mean[j], variance = p.Bound(at, w.local[k][j], w.posts[k][j])
				}
				w.sd[j] = math.Sqrt(variance)
			}
			w.members[k] = math.Log(m.weight) + m.gain.value(w.mean, w.sd)
			if cheap && how == exact { // else it is a bound, since it can only fall
				w.members[k] += s.told(k, x, at, w)
			}
		}
		value = acq.LogSumExp(w.members)
	}
	if s.success != nil {
		p, sd := s.success.Predict(x, w.success)
		value += s.caution * math.Log(math.Max(p, 1e-300))
		if len(s.members) == 0 {
			value += math.Log(sd)
		}
	}
	if math.IsNaN(value) {
		return math.Inf(-1)
	}
	return value
}

// believe takes the point at x as done with the outcome that each member
// expects.
func (s *surrogate) believe(x []float64, w *tools) {
	for k := range s.members {
		m := &s.members[k]
		for j, p := range m.posts {
			w.mean[j] = p.Append(x, w.posts[k][j])
		}
		if s.fidelity == nil || x[s.fidelity.column] == s.fidelity.target {
			m.gain.believe(w.mean)
		}
	}
}

// newSearch screens the candidates: all free ones of a listed space, otherwise
// an even spread and the surroundings of the best.
func (t *task) newSearch(model *surrogate) (*search, error) {
	s := &search{t: t, model: model, tools: model.tools()}
	if t.space.Listed() {
		for i := range t.space.Len() {
			if t.listedFree(i) {
				s.heap = append(s.heap, candidate{id: i, turn: -1})
			}
		}
		s.screen()
		return s, nil
	}
	return s, s.resample()
}

// resample finds candidates of a space that is not listed, closer to what is
// taken where there are none farther away.
func (s *search) resample() error {
	for {
		if err := s.sample(); err != nil {
			return err
		}
		if len(s.heap) > 0 || !s.crowdedOut || !s.t.shrink() {
			s.screen()
			return nil
		}
	}
}

// screen bounds the acquisition of every candidate of the heap.
func (s *search) screen() {
	for i := range s.heap {
		s.heap[i].value, s.heap[i].turn = s.model.worth(s.feature(s.heap[i].id), screened, &s.tools)-s.t.discount(s.state(s.heap[i].id)), -1
	}
	slices.SortFunc(s.heap, s.order)
}

// order puts the higher value first, and equal ones by a lot drawn with the
// campaign's seed: settings that nothing tells apart must not be tried in the order
// in which somebody wrote their levels down.
func (s *search) order(a, b candidate) int {
	switch {
	case a.value > b.value:
		return -1
	case a.value < b.value:
		return 1
	default:
		return cmp.Or(cmp.Compare(s.lot(a.id), s.lot(b.id)), a.id-b.id)
	}
}

func (s *search) lot(id int) uint64 { return space.Mix(s.t.brief.Seed, streamLots, uint64(id)) }

func (s *search) state(id int) []float64 {
	if s.t.space.Listed() {
		return s.t.space.State(id)
	}
	return s.states[id]
}

func (s *search) feature(id int) []float64 {
	if !s.t.space.Listed() {
		return s.features[id]
	}
	if len(s.t.scores) == 0 {
		return s.t.space.Feature(id)
	}
	if s.features == nil {
		s.features = make([][]float64, s.t.space.Len())
	}
	if s.features[id] == nil {
		s.features[id] = s.t.row(s.t.space.State(id), s.t.space.Feature(id))
	}
	return s.features[id]
}

// best takes up to n candidates off the heap, best first, all worked out.
func (s *search) best(n int) []candidate {
	var out []candidate
	for len(s.heap) > 0 && len(out) < n {
		top := &s.heap[0]
		if top.turn == s.turn {
			out = append(out, *top)
			s.pop()
			continue
		}
		// What was chosen before it may have used the money up.
		if ok, err := s.t.affordable(s.state(top.id)); err != nil || !ok {
			s.pop()
			continue
		}
		top.value = s.model.worth(s.feature(top.id), exact, &s.tools) - s.t.discount(s.state(top.id))
		top.turn = s.turn
		s.sink(0)
	}
	return out
}

// push returns a candidate to the heap.
func (s *search) push(c candidate) {
	s.heap = append(s.heap, c)
	i := len(s.heap) - 1
	for i > 0 {
		up := (i - 1) / 2
		if s.order(s.heap[i], s.heap[up]) >= 0 {
			return
		}
		s.heap[i], s.heap[up] = s.heap[up], s.heap[i]
		i = up
	}
}

func (s *search) pop() {
	last := len(s.heap) - 1
	s.heap[0] = s.heap[last]
	s.heap = s.heap[:last]
	s.sink(0)
}

func (s *search) sink(i int) {
	for {
		c := 2*i + 1
		if c >= len(s.heap) {
			return
		}
		if c+1 < len(s.heap) && s.order(s.heap[c+1], s.heap[c]) < 0 {
			c++
		}
		if s.order(s.heap[i], s.heap[c]) <= 0 {
			return
		}
		s.heap[i], s.heap[c] = s.heap[c], s.heap[i]
		i = c
	}
}

// losers is how many candidates that were not chosen a proposal shows.
const losers = 5

// next chooses the best free candidate, with those that came after it. It
// returns nil when there is none.
func (s *search) next() (chosen *candidate, others []candidate, err error) {
	if s.t.space.Listed() {
		top := s.best(losers + 1)
		if len(top) == 0 {
			return nil, nil, nil
		}
		for _, c := range top[1:] {
			s.push(c)
		}
		s.t.take(s.state(top[0].id))
		return &top[0], top[1:], nil
	}
	top := s.uncrowded()
	for len(top) == 0 && s.crowdedOut && s.t.shrink() {
		if err := s.resample(); err != nil {
			return nil, nil, err
		}
		top = s.uncrowded()
	}
	top, err = s.refine(top)
	if err != nil || len(top) == 0 {
		return nil, nil, err
	}
	for _, c := range top[1:] {
		s.push(c)
	}
	others = s.distinct(top, 1+losers, 20*spacing)[1:]
	s.t.take(s.state(top[0].id))
	return &top[0], others, nil
}

// settle believes the outcome of a chosen candidate.
func (s *search) settle(c *candidate) {
	s.model.believe(s.feature(c.id), &s.tools)
	s.turn++
}

// settings returns the candidate as settings.
func (s *search) settings(c candidate) []lab.Setting { return s.t.space.Settings(s.state(c.id)) }
