package index

import (
	"cmp"
	"container/heap"
	"slices"
)

// Hit is a document and its score.
type Hit struct {
	Doc   int
	ID    string
	Score float64
}

// scores are sums over the clauses of a query, by document.
type scores struct {
	body, title, pairs []float32
	touched            []int32
}

// scratch returns arrays for all documents, those of the title and of pairs only
// when all are asked for.
func (x *Index) scratch(all bool) *scores {
	n := len(x.ids)
	s := &scores{body: make([]float32, n)}
	if all {
		s.title, s.pairs = make([]float32, n), make([]float32, n)
	}
	return s
}

// Search returns the k best documents by BM25, best first, equal scores by
// document. A query that only forbids finds nothing.
func (x *Index) Search(q Query, k int) []Hit {
	s := x.scratch(false)
	x.score(q, s, false)
	return x.top(s.touched, func(d int32) float64 { return float64(s.body[d]) }, k)
}

// score sums up the clauses, then takes out what is forbidden or lacks what is
// demanded. With all it fills title and pairs too.
func (x *Index) score(q Query, s *scores, all bool) {
	var keep, drop map[int32]int
	musts := 0
	for _, c := range q.clauses {
		docs := x.clause(c, s, all)
		switch {
		case c.forbid:
			if drop == nil {
				drop = map[int32]int{}
			}
			for _, d := range docs {
				drop[d]++
			}
		case c.must:
			if keep == nil {
				keep = map[int32]int{}
			}
			musts++
			for _, d := range docs {
				keep[d]++
			}
		}
	}
	if all {
		x.adjacent(q, s)
	}
	s.touched = slices.DeleteFunc(s.touched, func(d int32) bool { return drop[d] > 0 || keep[d] < musts })
}

// clause scores one clause and, where it demands or forbids, returns the
// documents that it matches.
func (x *Index) clause(c clause, s *scores, all bool) []int32 {
	if len(c.words) > 1 {
		return x.phrase(c, s)
	}
	l := x.list(c.words[0].word)
	if l == nil {
		return nil
	}
	var matched []int32
	idf := c.weight() * x.idf(len(l.docs))
	if c.field < 0 && !c.must && !c.forbid {
		x.word(l, idf, s, all)
		return nil
	}
	for i, d := range l.docs {
		n := x.count(l.at(i), d, c.field)
		if n == 0 {
			continue
		}
		if c.must || c.forbid {
			matched = append(matched, d)
		}
		if !c.forbid {
			s.add(d, idf*float32(n)/(float32(n)+x.norm[d]))
		}
	}
	return matched
}

// word scores a word that may be anywhere.
func (x *Index) word(l *list, idf float32, s *scores, all bool) {
	for i, d := range l.docs {
		n := float32(l.body[i])
		if n == 0 {
			continue
		}
		s.add(d, idf*n/(n+x.norm[d]))
		if all && l.title[i] > 0 {
			t := float32(l.title[i])
			s.title[d] += idf * t / (t + x.titleNorm[d])
		}
	}
}

func (x *Index) count(places []int32, d int32, field int) int {
	if field < 0 {
		return x.body(places, d)
	}
	return x.in(places, d, field)
}

func (x *Index) list(stem string) *list {
	t, ok := x.terms[stem]
	if !ok {
		return nil
	}
	return &x.lists[t]
}

func (s *scores) add(d int32, v float32) {
	if s.body[d] == 0 {
		s.touched = append(s.touched, d)
	}
	s.body[d] += v
}

// phrase scores documents where the words stand in order, by the sum of their
// inverse frequencies.
func (x *Index) phrase(c clause, s *scores) []int32 {
	var idf float32
	lists := make([]*list, len(c.words))
	for i, w := range c.words {
		if lists[i] = x.list(w.word); lists[i] == nil {
			return nil
		}
		idf += x.idf(len(lists[i].docs))
	}
	var matched []int32
	for i, d := range lists[0].docs {
		starts := slices.Clone(lists[0].at(i))
		for j := 1; j < len(lists) && len(starts) > 0; j++ {
			k, ok := slices.BinarySearch(lists[j].docs, d)
			if !ok {
				starts = nil
				break
			}
			there := lists[j].at(k)
			starts = slices.DeleteFunc(starts, func(p int32) bool {
				_, found := slices.BinarySearch(there, p+int32(c.words[j].at))
				return !found
			})
		}
		n := x.count(starts, d, c.field)
		if n == 0 {
			continue
		}
		matched = append(matched, d)
		if !c.forbid {
			s.add(d, idf*float32(n)/(float32(n)+x.norm[d]))
		}
	}
	return matched
}

// adjacent scores pairs of words that follow each other in the query and, with
// the same distance, in the document. Pairs are rarer than words and their
// frequency is counted here.
func (x *Index) adjacent(q Query, s *scores) {
	type hit struct {
		d int32
		n float32
	}
	var hits []hit
	for i := 1; i < len(q.clauses); i++ {
		a, b := q.clauses[i-1], q.clauses[i]
		if len(a.words) != 1 || len(b.words) != 1 || a.field >= 0 || b.field >= 0 || a.forbid || b.forbid || b.expanded > 0 {
			continue
		}
		gap := int32(b.words[0].at - a.words[0].at)
		gap = max(gap, 1)
		la, lb := x.list(a.words[0].word), x.list(b.words[0].word)
		if la == nil || lb == nil {
			continue
		}
		hits = hits[:0]
		for j, k := 0, 0; j < len(la.docs) && k < len(lb.docs); {
			switch da, db := la.docs[j], lb.docs[k]; {
			case da < db:
				j++
			case da > db:
				k++
			default:
				if n := pairs(la.at(j), lb.at(k), gap); n > 0 {
					hits = append(hits, hit{da, float32(n)})
				}
				j++
				k++
			}
		}
		idf := x.idf(len(hits))
		for _, h := range hits {
			s.pairs[h.d] += idf * h.n / (h.n + x.norm[h.d])
		}
	}
}

// pairs counts the places of a that have one of b at distance gap.
func pairs(a, b []int32, gap int32) int {
	n := 0
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch want := a[i] + gap; {
		case want < b[j]:
			i++
		case want > b[j]:
			j++
		default:
			n++
			i++
			j++
		}
	}
	return n
}

// top returns the k documents of docs with the highest scores.
func (x *Index) top(docs []int32, score func(int32) float64, k int) []Hit {
	h := make(worst, 0, min(k, len(docs))+1)
	for _, d := range docs {
		v := score(d)
		if len(h) == k && (k == 0 || v < h[0].Score || v == h[0].Score && int(d) > h[0].Doc) {
			continue
		}
		heap.Push(&h, Hit{Doc: int(d), Score: v})
		if len(h) > k {
			heap.Pop(&h)
		}
	}
	slices.SortFunc(h, func(a, b Hit) int { return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Doc, b.Doc)) })
	for i := range h {
		h[i].ID = x.ids[h[i].Doc]
	}
	return h
}

// worst is a heap whose first element is to go first.
type worst []Hit

func (h worst) Len() int { return len(h) }
func (h worst) Less(i, j int) bool {
	return h[i].Score < h[j].Score || h[i].Score == h[j].Score && h[i].Doc > h[j].Doc
}
func (h worst) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

// Push is for package heap.
func (h *worst) Push(v any) { *h = append(*h, v.(Hit)) }

// Pop is for package heap.
func (h *worst) Pop() any {
	old := *h
	v := old[len(old)-1]
	*h = old[:len(old)-1]
	return v
}
