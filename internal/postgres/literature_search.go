package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/athanor-lab/athanor/literature/index"
)

// SearchPapers returns the k best papers of a corpus for a query, as an
// [index.Index] of all its papers would: the postings of the query's terms are
// read and scored by the same code. It costs O(postings of the query's terms).
func (db Library) SearchPapers(ctx context.Context, corpus string, q index.Query, k int) ([]index.Hit, error) {
	part, err := db.literaturePart(ctx, corpus, q)
	if err != nil {
		return nil, failed(err, "search %s", corpus)
	}
	return part.Index(index.BM25{}).Search(q, k), nil
}

// literaturePart reads what one query needs, as of one moment.
func (db Library) literaturePart(ctx context.Context, corpus string, q index.Query) (index.Part, error) {
	p := index.Part{Postings: map[string][]index.PartPosting{}}
	// One statement, so that statistics and postings are of one moment.
	const query = `
		SELECT c.papers, c.body, c.titles, t.term, t.paper, t.places, p.id, p.ends, p.lens
		FROM literature_corpora c
		LEFT JOIN literature_postings t ON t.corpus = c.id AND t.term = ANY($2)
		LEFT JOIN literature_papers p ON p.seq = t.paper
		WHERE c.name = $1
		ORDER BY t.paper`
	rows, err := db.pool.Query(ctx, query, corpus, q.Terms())
	if err != nil {
		return p, err
	}
	var term, id *string
	var paper *int64
	var places, ends, lens []int32
	last := int64(-1)
	_, err = pgx.ForEachRow(rows, []any{&p.Documents, &p.Body, &p.Title, &term, &paper, &places, &id, &ends, &lens}, func() error {
		if paper == nil {
			return nil
		}
		if *paper != last {
			last = *paper
			d := index.PartDocument{ID: *id}
			copy(d.Ends[:], ends)
			copy(d.Lens[:], lens)
			p.Docs = append(p.Docs, d)
		}
		p.Postings[*term] = append(p.Postings[*term], index.PartPosting{Doc: len(p.Docs) - 1, Places: append([]int32(nil), places...)})
		return nil
	})
	return p, err
}
