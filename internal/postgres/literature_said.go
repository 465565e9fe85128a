package postgres

import (
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/literature"
)

const paperSeq = `SELECT p.seq FROM literature_papers p JOIN literature_corpora c ON c.id = p.corpus WHERE c.name = $1 AND p.id = $2 FOR UPDATE OF p`

// Judge implements [literature.Store].
func (db Library) Judge(ctx context.Context, corpus string, js ...literature.Judgement) error {
	for _, j := range js {
		if err := j.Check(); err != nil {
			return err
		}
	}
	err := pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		for _, j := range js {
			const q = `
				INSERT INTO literature_judgements (paper, review, reviewer, label, reason, at)
				SELECT $1, $2, $3, $4, $5, $6
				WHERE NOT EXISTS (
					SELECT FROM (
						SELECT label, reason FROM literature_judgements
						WHERE paper = $1 AND review = $2 AND reviewer = $3
						ORDER BY seq DESC LIMIT 1) last
					WHERE label = $4 AND reason = $5)`
			seq, err := findPaper(ctx, tx, corpus, j.Paper)
			if err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, q, seq, j.Review, j.Reviewer, string(j.Label), j.Reason, j.At); err != nil {
				return err
			}
		}
		return nil
	})
	return failed(err, "judge papers of %s", corpus)
}

// findPaper returns the number of a paper and locks it against others who say
// something of it.
func findPaper(ctx context.Context, tx pgx.Tx, corpus, id string) (int64, error) {
	var seq int64
	err := tx.QueryRow(ctx, paperSeq, corpus, id).Scan(&seq)
	return seq, failed(err, "find paper %s of corpus %s", id, corpus)
}

// Judgements implements [literature.Store].
func (db Library) Judgements(ctx context.Context, corpus, review string) ([]literature.Judgement, error) {
	const q = `
		SELECT id, reviewer, label, reason, at
		FROM (
			SELECT DISTINCT ON (j.paper, j.reviewer) p.id, j.reviewer, j.label, j.reason, j.at, j.seq
			FROM literature_judgements j
			JOIN literature_papers p ON p.seq = j.paper
			JOIN literature_corpora c ON c.id = p.corpus
			WHERE c.name = $1 AND j.review = $2
			ORDER BY j.paper, j.reviewer, j.seq DESC) last
		WHERE label <> 'unread'
		ORDER BY seq`
	rows, err := db.pool.Query(ctx, q, corpus, review)
	if err != nil {
		return nil, failed(err, "list the judgements of %s", corpus)
	}
	js, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (literature.Judgement, error) {
		j := literature.Judgement{Review: review}
		err := r.Scan(&j.Paper, &j.Reviewer, &j.Label, &j.Reason, &j.At)
		j.At = j.At.UTC()
		return j, err
	})
	return js, failed(err, "list the judgements of %s", corpus)
}

// Reviews implements [literature.Store].
func (db Library) Reviews(ctx context.Context, corpus string) ([]string, error) {
	const q = `
		SELECT DISTINCT j.review
		FROM literature_judgements j
		JOIN literature_papers p ON p.seq = j.paper
		JOIN literature_corpora c ON c.id = p.corpus
		WHERE c.name = $1`
	rows, err := db.pool.Query(ctx, q, corpus)
	if err != nil {
		return nil, failed(err, "list the reviews of %s", corpus)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	slices.Sort(names)
	return names, failed(err, "list the reviews of %s", corpus)
}

// PutFindings implements [literature.Store].
func (db Library) PutFindings(ctx context.Context, corpus string, es ...literature.Extraction) error {
	for _, e := range es {
		if err := e.Check(); err != nil {
			return err
		}
	}
	err := pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		b := new(pgx.Batch)
		for _, e := range es {
			seq, err := findPaper(ctx, tx, corpus, e.Paper)
			if err != nil {
				return err
			}
			for _, table := range []string{"literature_findings", "literature_extractions"} { // of other versions too
				b.Queue(`DELETE FROM `+table+` WHERE paper = $1 AND regexp_replace(extractor, '^([a-z]+)/\d+', '\1') = regexp_replace($2, '^([a-z]+)/\d+', '\1')`, seq, e.Extractor)
			}
			const note = `INSERT INTO literature_extractions (paper, extractor, text_hash, findings, dropped, at) VALUES ($1, $2, $3, $4, $5, $6)`
			b.Queue(note, seq, e.Extractor, e.TextHash, len(e.Findings), e.Dropped, e.At)
			for i, f := range e.Findings {
				const q = `INSERT INTO literature_findings (paper, extractor, id, place, body) VALUES ($1, $2, $3, $4, $5)`
				raw, err := jsonOf(f)
				if err != nil {
					return err
				}
				b.Queue(q, seq, e.Extractor, literature.FindingID(f, e.TextHash), i, raw)
			}
		}
		return tx.SendBatch(ctx, b).Close()
	})
	return failed(err, "put findings into %s", corpus)
}

// Extracted implements [literature.Store].
func (db Library) Extracted(ctx context.Context, corpus string) ([]literature.Extracted, error) {
	const q = `
		SELECT p.id, e.extractor, e.text_hash, e.findings, e.dropped, e.at
		FROM literature_extractions e
		JOIN literature_papers p ON p.seq = e.paper
		JOIN literature_corpora c ON c.id = p.corpus
		WHERE c.name = $1
		ORDER BY p.seq, e.extractor COLLATE "C"`
	rows, err := db.pool.Query(ctx, q, corpus)
	if err != nil {
		return nil, failed(err, "list what was extracted from %s", corpus)
	}
	es, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (e literature.Extracted, err error) {
		err = r.Scan(&e.Paper, &e.Extractor, &e.TextHash, &e.Findings, &e.Dropped, &e.At)
		e.At = e.At.UTC()
		return e, err
	})
	return es, failed(err, "list what was extracted from %s", corpus)
}

// Findings implements [literature.Store].
func (db Library) Findings(ctx context.Context, corpus string) ([]literature.Found, error) {
	return db.findings(ctx, corpus, nil)
}

// FindingsOf returns the findings of some papers only.
func (db Library) FindingsOf(ctx context.Context, corpus string, papers ...string) ([]literature.Found, error) {
	return db.findings(ctx, corpus, append([]string{}, papers...))
}

// findings lists those of the papers, nil for all of the corpus.
func (db Library) findings(ctx context.Context, corpus string, papers []string) ([]literature.Found, error) {
	const q = `
		SELECT f.id, e.text_hash, f.body
		FROM literature_findings f
		JOIN literature_extractions e USING (paper, extractor)
		JOIN literature_papers p ON p.seq = f.paper
		JOIN literature_corpora c ON c.id = p.corpus
		WHERE c.name = $1 AND ($2::text[] IS NULL OR p.id = ANY($2))
		ORDER BY p.seq, (f.body->'number'->>'start')::integer, (f.body->'unit_span'->>'start')::integer, f.id`
	rows, err := db.pool.Query(ctx, q, corpus, papers)
	if err != nil {
		return nil, failed(err, "list the findings of %s", corpus)
	}
	found, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (f literature.Found, err error) {
		err = r.Scan(&f.ID, &f.TextHash, &f.Finding)
		return f, err
	})
	if err != nil {
		return nil, failed(err, "list the findings of %s", corpus)
	}
	words, err := db.Corrections(ctx, corpus)
	if papers != nil {
		words = slices.DeleteFunc(words, func(c literature.Correction) bool { return c.Was != nil && !slices.Contains(papers, c.Was.Paper) })
	}
	return literature.Apply(found, words), err
}

// Correct implements [literature.Store].
func (db Library) Correct(ctx context.Context, corpus string, c literature.Correction) error {
	if err := c.Check(); err != nil {
		return err
	}
	const find = `
		SELECT body, text_hash FROM (
			SELECT f.body, e.text_hash, 0 AS rank, 0 AS seq
			FROM literature_findings f
			JOIN literature_extractions e USING (paper, extractor)
			JOIN literature_papers p ON p.seq = f.paper
			JOIN literature_corpora c ON c.id = p.corpus
			WHERE c.name = $1 AND f.id = $2
			UNION ALL
			SELECT k.body->'was', k.body->>'text_hash', 1, k.seq
			FROM literature_corrections k
			JOIN literature_corpora c ON c.id = k.corpus
			WHERE c.name = $1 AND k.finding = $2 AND k.body ? 'was') known
		ORDER BY rank, seq DESC LIMIT 1`
	err := db.pool.QueryRow(ctx, find, corpus, c.Finding).Scan(&c.Was, &c.TextHash)
	if errors.Is(err, pgx.ErrNoRows) {
		return lab.Errorf(lab.NotFound, "corpus %s has no finding %s", corpus, c.Finding)
	}
	if err != nil {
		return failed(err, "correct finding %s", c.Finding)
	}
	const before = `
		SELECT k.body FROM literature_corrections k JOIN literature_corpora c ON c.id = k.corpus
		WHERE c.name = $1 AND k.finding = $2 ORDER BY k.seq DESC LIMIT 1`
	var last literature.Correction
	switch err := db.pool.QueryRow(ctx, before, corpus, c.Finding).Scan(&last); {
	case err == nil && c.Repeats(last):
		return nil
	case err != nil && !errors.Is(err, pgx.ErrNoRows):
		return failed(err, "correct finding %s", c.Finding)
	}
	raw, err := jsonOf(c)
	if err != nil {
		return err
	}
	const q = `
		INSERT INTO literature_corrections (corpus, finding, body, at)
		SELECT c.id, $2, $3, $4 FROM literature_corpora c
		WHERE c.name = $1`
	_, err = db.pool.Exec(ctx, q, corpus, c.Finding, raw, c.At)
	return failed(err, "correct finding %s", c.Finding)
}

// Corrections implements [literature.Store].
func (db Library) Corrections(ctx context.Context, corpus string) ([]literature.Correction, error) {
	const q = `
		SELECT k.body
		FROM literature_corrections k
		JOIN literature_corpora c ON c.id = k.corpus
		WHERE c.name = $1
		ORDER BY k.seq`
	rows, err := db.pool.Query(ctx, q, corpus)
	if err != nil {
		return nil, failed(err, "list what people said of the findings of %s", corpus)
	}
	words, err := pgx.CollectRows(rows, pgx.RowTo[literature.Correction])
	return words, failed(err, "list what people said of the findings of %s", corpus)
}

// PapersOf returns some papers of a corpus, in the order of their arrival.
func (db Library) PapersOf(ctx context.Context, corpus string, ids ...string) ([]literature.Paper, error) {
	const q = `
		SELECT p.body
		FROM literature_papers p
		JOIN literature_corpora c ON c.id = p.corpus
		WHERE c.name = $1 AND p.id = ANY($2)
		ORDER BY p.seq`
	rows, err := db.pool.Query(ctx, q, corpus, ids)
	if err != nil {
		return nil, failed(err, "list papers of %s", corpus)
	}
	papers, err := pgx.CollectRows(rows, pgx.RowTo[literature.Paper])
	return papers, failed(err, "list papers of %s", corpus)
}

// Corpora returns the names of all corpora.
func (db Library) Corpora(ctx context.Context) ([]string, error) {
	rows, err := db.pool.Query(ctx, `SELECT name FROM literature_corpora`)
	if err != nil {
		return nil, failed(err, "list the corpora")
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	slices.Sort(names)
	return names, failed(err, "list the corpora")
}
