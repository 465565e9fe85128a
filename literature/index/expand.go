package index

import (
	"cmp"
	"slices"
)

// Feedback is a document that a query has found, as it reads, and its score.
type Feedback struct {
	Text  string
	Score float64
}

// Expand adds to a query the words that documents found by it have in common, after
// the relevance model RM3 (Abdul-Jaleel et al., "UMass at TREC 2004"): share of the
// weight goes to the words with the highest Σ score · P(word | document), at most
// terms of them. It helps questions of a few words. A query that demands, forbids or
// names a field stays as it is: who writes one knows what is wanted.
func (x *Index) Expand(q Query, found []Feedback, terms int, share float64) Query {
	if len(q.clauses) == 0 || q.restricted() || !(share > 0 && share < 1) || terms < 1 {
		return q
	}
	asked := map[string]bool{}
	for _, c := range q.clauses {
		asked[c.words[0].word] = true
	}
	model := map[string]float64{}
	for _, f := range found {
		words := stems(f.Text)
		for _, w := range words {
			model[w.word] += f.Score / float64(len(words))
		}
	}
	type weighed struct {
		word string
		p    float64
	}
	var best []weighed
	var all float64
	for w, p := range model {
		if l := x.list(w); l == nil || len(l.docs) < 2 || len(l.docs) > x.total/4 || len(w) < 3 {
			continue // a word of one document finds that document, and one of many finds anything
		}
		best = append(best, weighed{w, p})
	}
	slices.SortFunc(best, func(a, b weighed) int { return cmp.Or(cmp.Compare(b.p, a.p), cmp.Compare(a.word, b.word)) })
	best = best[:min(terms, len(best))]
	for _, w := range best {
		all += w.p
	}
	out := Query{clauses: slices.Clone(q.clauses), near: q.near}
	for _, w := range best {
		if asked[w.word] {
			continue
		}
		c := clause{field: -1, words: []token{{word: w.word}}, expanded: float32(share / (1 - share) * float64(len(q.clauses)) * w.p / all)}
		out.clauses = append(out.clauses, c)
	}
	return out
}
