package screen

import (
	"cmp"
	"math/rand/v2"
	"slices"

	"github.com/athanor-lab/athanor/lab"
)

// Label is a reader's judgement of a record.
type Label int8

// The labels. Unsure is a record that was read and teaches nothing yet.
const (
	Unread Label = iota
	Relevant
	Irrelevant
	Unsure
)

// Screener holds the records of a review and what was said of them. It is not
// safe for concurrent use. Equal labels, given and asked about in equal order,
// give equal suggestions.
type Screener struct {
	features *features
	labels   []Label
	relevant []bool
	labelled []int // with Relevant or Irrelevant, in order
	model    *svm
	seed     uint64
	rng      *rand.Rand
	start    []int // the order before there is a model
	stale    bool
}

// New returns a Screener. start, where the caller has one, is the order in which
// to show records before there are labels of both kinds, best first; records
// that it leaves out follow. Without it the first are those that
// are most like all others and least like each other.
func New(records []Record, start []int, seed uint64) (*Screener, error) {
	s := &Screener{
		features: newFeatures(records), labels: make([]Label, len(records)), relevant: make([]bool, len(records)), seed: seed,
	}
	seen := make([]bool, len(records))
	for _, i := range start {
		if i < 0 || i >= len(records) || seen[i] {
			return nil, lab.Errorf(lab.Invalid, "start of screening: record %d is not one of %d, or there twice", i, len(records))
		}
		seen[i] = true
		s.start = append(s.start, i)
	}
	for _, i := range s.representative() {
		if !seen[i] {
			s.start = append(s.start, i)
		}
	}
	s.forget()
	return s, nil
}

// clone returns a Screener over the same features with no labels.
func (s *Screener) clone(seed uint64) *Screener {
	c := &Screener{features: s.features, labels: make([]Label, len(s.labels)), relevant: make([]bool, len(s.labels)), start: s.start, seed: seed}
	c.forget()
	return c
}

// forget begins the model anew.
func (s *Screener) forget() {
	s.model, s.stale = newSVM(len(s.features.names), len(s.labels)), true
	s.rng = rand.New(rand.NewPCG(s.seed, 0x73637265656e))
}

// representative orders records by how near they are to the mean of all, each
// discounted by how much it repeats those before it among the first fifty.
func (s *Screener) representative() []int {
	mean := make([]float32, len(s.features.names))
	for _, r := range s.features.rows {
		for j, k := range r.at {
			mean[k] += r.v[j]
		}
	}
	score := make([]float32, len(s.labels))
	order := make([]int, len(s.labels))
	for i, r := range s.features.rows {
		order[i], score[i] = i, r.dot(mean)
	}
	best := func(a, b int) int { return cmp.Or(cmp.Compare(score[b], score[a]), cmp.Compare(a, b)) }
	slices.SortFunc(order, best)
	shown := make([]float32, len(mean))
	for n := 0; n < min(50, len(order)); n++ {
		i := order[n]
		r := s.features.rows[i]
		for j, k := range r.at {
			shown[k] = r.v[j]
		}
		for _, o := range order[n+1:] {
			score[o] *= 1 - s.features.rows[o].dot(shown)
		}
		for _, k := range r.at {
			shown[k] = 0
		}
		slices.SortFunc(order[n+1:], best)
	}
	return order
}

// Len is the number of records.
func (s *Screener) Len() int { return len(s.labels) }

// Label returns what was said of record i.
func (s *Screener) Label(i int) Label { return s.labels[i] }

// Set says what a record is; Unread takes back what was said.
func (s *Screener) Set(i int, l Label) error {
	if i < 0 || i >= len(s.labels) || l < Unread || l > Unsure {
		return lab.Errorf(lab.Invalid, "label record %d as %d: there are %d records and labels 0 to %d", i, l, len(s.labels), Unsure)
	}
	old := s.labels[i]
	if old == l {
		return nil
	}
	if old == Relevant || old == Irrelevant {
		s.labelled = slices.DeleteFunc(s.labelled, func(j int) bool { return j == i })
		s.forget() // a taken label must leave no trace in the model
	}
	s.labels[i], s.relevant[i] = l, l == Relevant
	if l == Relevant || l == Irrelevant {
		s.labelled = append(s.labelled, i)
	}
	s.stale = true
	return nil
}

// trained reports whether there are labels of both kinds, and brings the model up
// to date with them.
func (s *Screener) trained() bool {
	yes := slices.ContainsFunc(s.labelled, func(i int) bool { return s.relevant[i] })
	no := slices.ContainsFunc(s.labelled, func(i int) bool { return !s.relevant[i] })
	if !yes || !no {
		return false
	}
	if s.stale {
		s.model.fit(s.features.rows, s.labelled, s.relevant, s.rng)
		s.stale = false
	}
	return true
}

// startWindow is how many records at most are chosen so, out of twice as many,
// while nothing relevant is known.
const startWindow = 50

// first follows the order of the start, but steps over records that are like
// those already found irrelevant, or already in this answer.
func (s *Screener) first(k int) []int {
	var window []int
	var out []int
	for _, i := range s.start {
		if s.labels[i] == Unread {
			window = append(window, i)
		}
	}
	rest := slices.Clone(window[min(2*startWindow, len(window)):])
	window = window[:len(window)-len(rest)]
	want := min(k, startWindow, len(window))
	likeness := make([]float32, len(window))
	column := make([]float32, len(s.features.names))
	shown := func(i int) {
		r := s.features.rows[i]
		for j, c := range r.at {
			column[c] = r.v[j]
		}
		for n, o := range window {
			likeness[n] = max(likeness[n], s.features.rows[o].dot(column))
		}
		for _, c := range r.at {
			column[c] = 0
		}
	}
	for _, i := range s.labelled {
		if !s.relevant[i] {
			shown(i)
		}
	}
	for len(out) < want {
		best, top := 0, float32(-1)
		for n := range window {
			// Places count as 1, 0.9, 0.82, …; a likeness of a third halves that.
			if v := 10 / float32(10+n) * (1 - 1.5*likeness[n]); v > top {
				best, top = n, v
			}
		}
		i := window[best]
		out = append(out, i)
		window, likeness = slices.Delete(window, best, best+1), slices.Delete(likeness, best, best+1)
		shown(i)
	}
	rest = append(window, rest...)
	return append(out, rest[:min(k-len(out), len(rest))]...)
}

// Next returns the k unread records to show next, the most likely relevant
// first. It trains when there are new labels.
func (s *Screener) Next(k int) []int {
	var out []int
	if !s.trained() {
		return s.first(k)
	}
	score := make([]float32, len(s.labels))
	for i, r := range s.features.rows {
		if s.labels[i] == Unread {
			out = append(out, i)
			score[i] = s.model.score(r)
		}
	}
	better := func(a, b int) int { return cmp.Or(cmp.Compare(score[b], score[a]), cmp.Compare(a, b)) }
	if k > 8 {
		slices.SortFunc(out, better)
		return out[:min(k, len(out))]
	}
	for n := range min(k, len(out)) { // a few need no whole order
		for i := n + 1; i < len(out); i++ {
			if better(out[i], out[n]) < 0 {
				out[i], out[n] = out[n], out[i]
			}
		}
	}
	return out[:min(k, len(out))]
}

// Reason is a term that speaks for a record, or against it.
type Reason struct {
	Term  string  `json:"term"`
	Share float64 `json:"share"` // of the model's score; negative against
}

// Why returns the n terms that moved the score of record i most. It is empty
// before there is a model.
func (s *Screener) Why(i, n int) []Reason {
	if i < 0 || i >= len(s.labels) || !s.trained() {
		return nil
	}
	r := s.features.rows[i]
	out := make([]Reason, len(r.at))
	for j, k := range r.at {
		out[j] = Reason{s.features.names[k], float64(s.model.w[k] * r.v[j])}
	}
	slices.SortFunc(out, func(a, b Reason) int {
		return cmp.Or(cmp.Compare(b.Share*b.Share, a.Share*a.Share), cmp.Compare(a.Term, b.Term))
	})
	return out[:min(n, len(out))]
}
