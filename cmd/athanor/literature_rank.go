package main

import (
	"bytes"
	"context"
	"fmt"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/literature"
	"github.com/athanor-lab/athanor/literature/corpus"
	"github.com/athanor-lab/athanor/literature/index"
)

type rankCmd struct {
	corpusFlags
	Query string   `arg:"" help:"The question; words, \"phrases\", title:word, +word, -word."`
	Files []string `arg:"" optional:"" help:"Papers to rank instead of the corpus, in any form that import reads but PDF."`
	N     int      `short:"n" default:"10" help:"How many to show."`
	denseFlags
	JSON bool `name:"json" help:"Print JSON."`
}

// ranked is a paper in its place.
type ranked struct {
	Rank    int           `json:"rank"`
	ID      string        `json:"id"`
	Title   string        `json:"title"`
	Year    int           `json:"year,omitempty"`
	Score   float64       `json:"score"`
	Signals index.Signals `json:"signals"`
	// Also are other records of the same work.
	Also      []string `json:"also,omitempty"`
	Retracted bool     `json:"retracted,omitempty"`
}

func (c *rankCmd) Run(ctx context.Context, t *terminal) error {
	if c.N < 1 {
		return lab.Errorf(lab.Invalid, "-n %d: ask for at least one", c.N)
	}
	library, judged, err := c.read(ctx, t)
	if err != nil {
		return err
	}
	list, err := rankWorks(ctx, library, c.Query, judged, c.N, c.denseFlags)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(t.out, list)
	}
	for _, l := range list {
		mark := ""
		if l.Retracted {
			mark = " (retracted)"
		}
		fmt.Fprintf(t.out, "%3d. %s%s\n     %s\n", l.Rank, printable(l.Title), mark, printable(l.ID))
	}
	return nil
}

// newRanker indexes the records of a library.
func newRanker(l *corpus.Library) *index.Ranker {
	b := index.NewBuilder(index.BM25{})
	for _, p := range l.Papers() {
		b.Add(index.Of(p))
	}
	x := b.Build()
	return &index.Ranker{Index: x, LSA: index.NewLSA(x, index.LSAOptions{}), Weights: index.DefaultWeights}
}

// rankWorks returns the n best works for a question, each once, by its best
// record, with weights learned from what was judged.
func rankWorks(ctx context.Context, l *corpus.Library, query string, judged []index.Judged, n int, dense denseFlags) ([]ranked, error) {
	r := newRanker(l)
	r.Weights = r.Learn(judged)
	q, err := dense.prepare(ctx, r, l.Papers(), query)
	if err != nil {
		return nil, err
	}
	depth := n
	if dense.Rerank != "" {
		depth = max(n, dense.RerankDepth)
	}
	groups := map[string]corpus.Group{}
	for _, g := range l.Groups() {
		for _, id := range g.Members {
			groups[id] = g
		}
	}
	list, seen := []ranked{}, map[string]bool{}
	for _, hit := range r.Rank(q, l.Len()) {
		g := groups[hit.ID]
		if seen[g.Best.ID] {
			continue
		}
		seen[g.Best.ID] = true
		item := ranked{Rank: len(list) + 1, ID: g.Best.ID, Title: g.Best.Title, Year: g.Best.Year, Score: hit.Score, Signals: hit.Signals, Retracted: g.Retracted}
		for _, id := range g.Members {
			if id != item.ID {
				item.Also = append(item.Also, id)
			}
		}
		if list = append(list, item); len(list) == depth {
			break
		}
	}
	if err := dense.reorder(ctx, l, query, list); err != nil {
		return nil, err
	}
	return list[:min(n, len(list))], nil
}

// read brings files together, or reads the corpus and what was judged in it.
func (c *rankCmd) read(ctx context.Context, t *terminal) (*corpus.Library, []index.Judged, error) {
	if len(c.Files) > 0 {
		l, err := readFiles(t, c.Files)
		return l, nil, err
	}
	o, err := c.open(ctx, t)
	if err != nil {
		return nil, nil, err
	}
	defer o.close()
	l, err := o.library(ctx)
	if err != nil {
		return nil, nil, err
	}
	judged, err := o.judged(ctx)
	return l, judged, err
}

// judged returns the reviews of a corpus as judged queries: the name of a review
// is its question.
func (o *opened) judged(ctx context.Context) ([]index.Judged, error) {
	reviews, err := o.Reviews(ctx, o.name)
	if err != nil {
		return nil, err
	}
	var out []index.Judged
	for _, review := range reviews {
		js, err := o.Judgements(ctx, o.name, review)
		if err != nil {
			return nil, err
		}
		grade := map[string]float64{}
		for _, j := range js {
			if j.Label == literature.Relevant {
				grade[j.Paper] = 1
			}
		}
		out = append(out, index.Judged{Query: index.Parse(review), Grade: grade})
	}
	return out, nil
}

// readFiles reads papers without keeping them; records that could not be read are
// told.
func readFiles(t *terminal, files []string) (*corpus.Library, error) {
	library := new(corpus.Library)
	for _, file := range files {
		src, err := readBounded(file, maxLiteratureFile)
		if err != nil {
			return nil, err
		}
		in, err := corpus.Read(file, bytes.NewReader(src), corpus.Limits{})
		if err != nil {
			return nil, err
		}
		for _, q := range in.Quarantined {
			fmt.Fprintf(t.err, "%s: held back: %s\n", file, printable(q.Reason))
		}
		library.Add(in.Papers...)
	}
	if library.Len() == 0 {
		return nil, lab.Errorf(lab.Invalid, "the files hold no papers")
	}
	return library, nil
}
