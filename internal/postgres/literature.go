package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"github.com/athanor-lab/athanor/literature"
	"github.com/athanor-lab/athanor/literature/index"
)

var _ literature.Store = Library{}

// Library is the part of the database that keeps papers, and what was said of them.
type Library struct{ *DB }

// Library returns the corpora of the database.
func (db *DB) Library() Library { return Library{db} }

// Import implements [literature.Store]. Imports into one corpus take turns; what
// is read of a paper is in the inverted index when the call returns.
func (db Library) Import(ctx context.Context, corpus string, b literature.Batch) (literature.Receipt, error) {
	if err := literature.CheckCorpus(corpus); err != nil {
		return literature.Receipt{}, err
	}
	if err := b.Check(); err != nil {
		return literature.Receipt{}, err
	}
	in := &literatureImport{batch: b}
	err := pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		const enter = `INSERT INTO literature_corpora (name) VALUES ($1) ON CONFLICT DO NOTHING`
		if _, err := tx.Exec(ctx, enter, corpus); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, `SELECT id FROM literature_corpora WHERE name = $1 FOR UPDATE`, corpus).Scan(&in.corpus); err != nil {
			return err
		}
		if err := in.merge(ctx, tx); err != nil {
			return err
		}
		if err := in.write(ctx, tx); err != nil {
			return err
		}
		return in.log(ctx, tx)
	})
	return in.receipt, failed(err, "import %s into %s", b.Source, corpus)
}

// literatureImport is one batch on its way.
type literatureImport struct {
	batch   literature.Batch
	corpus  int
	receipt literature.Receipt
	order   []string // ids of what is to be written, in order of arrival
	papers  map[string]*storedPaper
}

type storedPaper struct {
	paper   literature.Paper
	seq     int64 // 0 for a new one
	old     index.Analysis
	changed bool
}

// merge brings the batch together with what is stored.
func (in *literatureImport) merge(ctx context.Context, tx pgx.Tx) error {
	ids := make([]string, len(in.batch.Papers))
	for i, p := range in.batch.Papers {
		ids[i] = p.ID
	}
	const q = `SELECT seq, body, ends, lens FROM literature_papers WHERE corpus = $1 AND id = ANY($2)`
	rows, err := tx.Query(ctx, q, in.corpus, ids)
	if err != nil {
		return err
	}
	in.papers = map[string]*storedPaper{}
	var body []byte
	var ends, lens []int32
	s := storedPaper{}
	if _, err := pgx.ForEachRow(rows, []any{&s.seq, &body, &ends, &lens}, func() error {
		stored := &storedPaper{seq: s.seq}
		copy(stored.old.Ends[:], ends)
		copy(stored.old.Lens[:], lens)
		if err := json.Unmarshal(body, &stored.paper); err != nil {
			return err
		}
		in.papers[stored.paper.ID] = stored
		return nil
	}); err != nil {
		return err
	}
	for _, p := range in.batch.Papers {
		stored, known := in.papers[p.ID]
		switch {
		case !known:
			in.papers[p.ID] = &storedPaper{paper: p, changed: true}
			in.order = append(in.order, p.ID)
			in.receipt.New++
			continue
		default:
			merged := stored.paper.Merged(p)
			if merged.Same(stored.paper) {
				in.receipt.Unchanged++
				continue
			}
			if !stored.changed {
				in.order = append(in.order, p.ID)
			}
			stored.paper, stored.changed = merged, true
			in.receipt.Updated++
		}
	}
	return nil
}

// write stores papers and their postings.
func (in *literatureImport) write(ctx context.Context, tx pgx.Tx) error {
	const insert = `INSERT INTO literature_papers (corpus, id, body, ends, lens) VALUES ($1, $2, $3, $4, $5) RETURNING seq`
	const update = `UPDATE literature_papers SET body = $2, ends = $3, lens = $4 WHERE seq = $1`
	b := new(pgx.Batch)
	var papers, body, titles int
	analyses := map[string]index.Analysis{}
	for _, id := range in.order {
		s := in.papers[id]
		a := index.Analyze(index.Of(s.paper))
		analyses[id] = a
		raw, err := jsonOf(s.paper)
		if err != nil {
			return err
		}
		body, titles = body+a.Body()-s.old.Body(), titles+a.Title()-s.old.Title()
		if s.seq == 0 {
			papers++
			b.Queue(insert, in.corpus, id, raw, a.Ends[:], a.Lens[:]).QueryRow(func(r pgx.Row) error { return r.Scan(&s.seq) })
			continue
		}
		b.Queue(update, s.seq, raw, a.Ends[:], a.Lens[:])
		b.Queue(`DELETE FROM literature_postings WHERE paper = $1`, s.seq)
	}
	b.Queue(`UPDATE literature_corpora SET papers = papers + $2, body = body + $3, titles = titles + $4 WHERE id = $1`, in.corpus, papers, body, titles)
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return err
	}
	var rows [][]any
	for _, id := range in.order {
		for _, p := range analyses[id].Postings {
			rows = append(rows, []any{in.corpus, p.Term, in.papers[id].seq, p.Places})
		}
	}
	_, err := tx.CopyFrom(ctx, pgx.Identifier{"literature_postings"}, []string{"corpus", "term", "paper", "places"}, pgx.CopyFromRows(rows))
	return err
}

// log stores what was held back, where the source stopped, and that it was read.
func (in *literatureImport) log(ctx context.Context, tx pgx.Tx) error {
	const hold = `INSERT INTO literature_quarantine (corpus, sha256, body) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`
	for _, q := range in.batch.Quarantined {
		if q.Source == "" {
			q.Source = in.batch.Source
		}
		raw, err := jsonOf(q)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(raw)
		tag, err := tx.Exec(ctx, hold, in.corpus, sum[:], raw)
		if err != nil {
			return err
		}
		in.receipt.Quarantined += int(tag.RowsAffected())
	}
	b := new(pgx.Batch)
	if c := in.batch.Checkpoint; c != nil {
		const note = `
			INSERT INTO literature_checkpoints (corpus, source, state, done) VALUES ($1, $2, $3, $4)
			ON CONFLICT (corpus, source) DO UPDATE SET state = excluded.state, done = excluded.done`
		b.Queue(note, in.corpus, c.Source, c.State, c.Done)
	}
	receipt, err := jsonOf(in.receipt)
	if err != nil {
		return err
	}
	const imported = `
		INSERT INTO literature_imports (corpus, source, digest, format, records, receipt, at) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT DO NOTHING`
	b.Queue(imported, in.corpus, in.batch.Source, in.batch.Digest, in.batch.Format, len(in.batch.Papers), receipt, in.batch.At)
	return tx.SendBatch(ctx, b).Close()
}

// Papers implements [literature.Store].
func (db Library) Papers(ctx context.Context, corpus string) ([]literature.Paper, error) {
	const q = `
		SELECT p.body
		FROM literature_papers p JOIN literature_corpora c ON c.id = p.corpus
		WHERE c.name = $1
		ORDER BY p.seq`
	papers, err := bodies[literature.Paper](ctx, db.DB, q, corpus)
	return papers, failed(err, "list the papers of %s", corpus)
}

// Quarantined implements [literature.Store].
func (db Library) Quarantined(ctx context.Context, corpus string) ([]literature.Quarantined, error) {
	const q = `
		SELECT q.body
		FROM literature_quarantine q JOIN literature_corpora c ON c.id = q.corpus
		WHERE c.name = $1
		ORDER BY q.seq`
	held, err := bodies[literature.Quarantined](ctx, db.DB, q, corpus)
	return held, failed(err, "list what %s holds back", corpus)
}

// bodies reads rows of one column of JSON.
func bodies[T any](ctx context.Context, db *DB, q string, args ...any) ([]T, error) {
	rows, err := db.pool.Query(ctx, q, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(r pgx.CollectableRow) (v T, err error) { return v, scanJSON(r, &v) })
}

// Imports implements [literature.Store].
func (db Library) Imports(ctx context.Context, corpus string) ([]literature.Imported, error) {
	const q = `
		SELECT i.source, i.digest, i.format, i.records, i.receipt, i.at
		FROM literature_imports i JOIN literature_corpora c ON c.id = i.corpus
		WHERE c.name = $1
		ORDER BY i.seq`
	rows, err := db.pool.Query(ctx, q, corpus)
	if err != nil {
		return nil, failed(err, "list the imports into %s", corpus)
	}
	log, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (i literature.Imported, err error) {
		var receipt []byte
		if err := r.Scan(&i.Source, &i.Digest, &i.Format, &i.Records, &receipt, &i.At); err != nil {
			return i, err
		}
		i.At = i.At.UTC()
		return i, json.Unmarshal(receipt, &i.Receipt)
	})
	return log, failed(err, "list the imports into %s", corpus)
}

// Checkpoint implements [literature.Store].
func (db Library) Checkpoint(ctx context.Context, corpus, source string) (literature.Checkpoint, bool, error) {
	const q = `
		SELECT k.state, k.done
		FROM literature_checkpoints k JOIN literature_corpora c ON c.id = k.corpus
		WHERE c.name = $1 AND k.source = $2`
	c := literature.Checkpoint{Source: source}
	rows, err := db.pool.Query(ctx, q, corpus, source)
	if err != nil {
		return c, false, failed(err, "read where %s stopped", source)
	}
	found := false
	var state []byte
	_, err = pgx.ForEachRow(rows, []any{&state, &c.Done}, func() error {
		found, c.State = true, append([]byte(nil), state...)
		return nil
	})
	return c, found, failed(err, "read where %s stopped", source)
}
