package index

import (
	"slices"
)

// Signals are what is known of how well a document answers a query, each
// divided by the best of the query's candidates, so that 1 is the best.
type Signals struct {
	Body  float64 `json:"body"`  // BM25 of title, text and keywords
	Title float64 `json:"title"` // BM25 of the title
	Pairs float64 `json:"pairs"` // BM25 of adjacent words
	Dense float64 `json:"dense"` // cosine in the latent space, at least 0
}

// Weights say how much each signal counts.
type Weights Signals

// DefaultWeights are for a corpus without judgements.
var DefaultWeights = Weights{Body: 0.6, Title: 0.13, Pairs: 0.09, Dense: 0.18}

func (w Weights) of(s Signals) float64 {
	return w.Body*s.Body + w.Title*s.Title + w.Pairs*s.Pairs + w.Dense*s.Dense
}

// Ranked is a hit with what made its score.
type Ranked struct {
	Hit
	Signals Signals
}

// Ranker fuses the signals of an index.
type Ranker struct {
	Index *Index
	LSA   *LSA // nil for none
	// Vectors, where there are any and a query says where it is among them, take the
	// place of the latent space.
	Vectors *Vectors
	Weights Weights
	// Depth is how many documents of each kind of signal are weighed against
	// each other, default 300.
	Depth int
	// DenseLimit is up to how many documents the latent space proposes documents
	// of its own, default 50,000; above, it reorders what words have found.
	DenseLimit int
}

// Rank returns the k best documents. It costs O(postings of the query's words)
// and, where the latent space proposes, O(documents · dimensions).
func (r *Ranker) Rank(q Query, k int) []Ranked {
	out := r.candidates(q)
	for i := range out {
		out[i].Score = r.Weights.of(out[i].Signals)
	}
	slices.SortFunc(out, func(a, b Ranked) int {
		switch {
		case a.Score != b.Score:
			if a.Score > b.Score {
				return -1
			}
			return 1
		default:
			return a.Doc - b.Doc
		}
	})
	return out[:min(k, len(out))]
}

// candidates returns the best documents by words and by meaning, with their
// signals.
func (r *Ranker) candidates(q Query) []Ranked {
	depth, limit := r.Depth, r.DenseLimit
	if depth <= 0 {
		depth = 300
	}
	if limit <= 0 {
		limit = 50_000
	}
	s := r.Index.scratch(true)
	r.Index.score(q, s, true)
	lexical := r.Index.top(s.touched, func(d int32) float64 { return float64(s.body[d]) }, depth)
	docs := make([]int, len(lexical), 2*depth)
	for i, h := range lexical {
		docs[i] = h.Doc
	}
	dense := func(int) float64 { return 0 }
	if v, document := r.space(q); v != nil {
		dense = func(d int) float64 { return max(float64(Dot(v, document(d))), 0) }
		if r.Index.Len() <= limit && !q.restricted() && slices.ContainsFunc(v, func(x float32) bool { return x != 0 }) {
			docs = r.propose(dense, docs, depth)
		}
	}
	out := make([]Ranked, len(docs))
	var best Signals
	for i, d := range docs {
		g := Signals{Body: float64(s.body[d]), Title: float64(s.title[d]), Pairs: float64(s.pairs[d]), Dense: dense(d)}
		best.Body, best.Title, best.Pairs, best.Dense = max(best.Body, g.Body), max(best.Title, g.Title), max(best.Pairs, g.Pairs), max(best.Dense, g.Dense)
		out[i] = Ranked{Hit: Hit{Doc: d, ID: r.Index.ids[d]}, Signals: g}
	}
	share := func(a, b float64) float64 {
		if b == 0 {
			return 0
		}
		return a / b
	}
	for i := range out {
		g := &out[i].Signals
		*g = Signals{Body: share(g.Body, best.Body), Title: share(g.Title, best.Title), Pairs: share(g.Pairs, best.Pairs), Dense: share(g.Dense, best.Dense)}
	}
	return out
}

// space returns the direction of a query and of the documents; nil for none.
func (r *Ranker) space(q Query) (v []float32, document func(int) []float32) {
	switch {
	case r.Vectors != nil && len(q.near) == r.Vectors.dim:
		return q.near, r.Vectors.document
	case r.LSA != nil:
		return r.LSA.Vector(q), r.LSA.Document
	}
	return nil, nil
}

// propose adds the documents nearest in meaning to docs.
func (r *Ranker) propose(dense func(int) float64, docs []int, depth int) []int {
	all := make([]int32, r.Index.Len())
	near := make([]float64, len(all))
	for i := range all {
		all[i], near[i] = int32(i), dense(i)
	}
	have := make(map[int]bool, len(docs))
	for _, d := range docs {
		have[d] = true
	}
	for _, h := range r.Index.top(all, func(d int32) float64 { return near[d] }, depth) {
		if !have[h.Doc] && h.Score > 0 {
			docs = append(docs, h.Doc)
		}
	}
	return docs
}

// restricted reports whether the query demands, forbids or names a field, so
// that a document is not to be found by meaning alone.
func (q Query) restricted() bool {
	return slices.ContainsFunc(q.clauses, func(c clause) bool { return c.must || c.forbid || c.field >= 0 || len(c.words) > 1 })
}
