package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/athanor-lab/athanor/dataset/importer"
	"github.com/athanor-lab/athanor/lab"
)

// PutImport implements [importer.Store]. A file that is being forgotten at the same
// instant is kept, or it was forgotten before.
func (db *DB) PutImport(ctx context.Context, s importer.Standing) error {
	mapping, err := jsonOf(s.Mapping)
	if err != nil {
		return failed(err, "begin import %s", s.ID)
	}
	err = pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE import_files SET at = now() WHERE sha256 = $1 AND part = 0`, s.SHA256)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return lab.Errorf(lab.NotFound, "file %s is not kept any more: upload it again", s.SHA256)
		}
		_, err = tx.Exec(ctx, beginImport, s.ID, s.SHA256, s.Source, mapping)
		return err
	})
	return failed(err, "begin import %s", s.ID)
}

// standing selects imports with what was held back of them, and what corrections
// have made of it: the cells of settled rows, by what they are now.
const standing = `
	SELECT i.id, i.file_sha256, i.source, i.mapping, i.last_row, i.summary, coalesce(i.failure, ''), i.started_at,
		coalesce(h.held, 0), coalesce(h.settled, 0), coalesce(h.mapped, 0), coalesce(h.attributes, 0), coalesce(h.original, 0), coalesce(h.surplus, 0), coalesce(h.added, 0)
	FROM imports i
	LEFT JOIN LATERAL (
		SELECT count(*) FILTER (WHERE settled IS NULL) AS held,
			count(settled) AS settled,
			sum(jsonb_array_length(settled->'settings') + jsonb_array_length(settled->'observed')) AS mapped,
			sum(jsonb_array_length(settled->'attributes')) AS attributes,
			sum(jsonb_array_length(body->'original')) FILTER (WHERE settled IS NOT NULL) AS original,
			sum(greatest(jsonb_array_length(body->'original') - jsonb_array_length(i.mapping->'columns'), 0)) FILTER (WHERE settled IS NOT NULL) AS surplus,
			sum(greatest(jsonb_array_length(i.mapping->'columns') - jsonb_array_length(body->'original'), 0)) FILTER (WHERE settled IS NOT NULL) AS added
		FROM import_held
		WHERE import_no = i.no
	) h ON true`

func scanStanding(r pgx.CollectableRow) (importer.Standing, error) {
	var s importer.Standing
	var n importer.Settled
	err := r.Scan(&s.ID, &s.SHA256, &s.Source, &s.Mapping, &s.LastRow, &s.Summary, &s.Failure, &s.BegunAt,
		&s.Held, &n.Rows, &n.Mapped, &n.Attributes, &n.Original, &n.Surplus, &n.Added)
	s.Settled, s.BegunAt = int(n.Rows), s.BegunAt.UTC()
	if s.Summary != nil {
		s.Cells = s.Summary.Cells.Settle(s.Mapping, n)
	}
	return s, err
}

// Standing implements [importer.Store].
func (db *DB) Standing(ctx context.Context, id string) (importer.Standing, error) {
	rows, err := db.pool.Query(ctx, standing+` WHERE i.id = $1`, id)
	if err != nil {
		return importer.Standing{}, failed(err, "read import %s", id)
	}
	s, err := pgx.CollectExactlyOneRow(rows, scanStanding)
	return s, failed(err, "read import %s", id)
}

// Standings implements [importer.Store].
func (db *DB) Standings(ctx context.Context, limit int) ([]importer.Standing, error) {
	rows, err := db.pool.Query(ctx, standing+` ORDER BY i.no DESC LIMIT $1`, min(max(limit, 1), 1000))
	if err != nil {
		return nil, failed(err, "list imports")
	}
	all, err := pgx.CollectRows(rows, scanStanding)
	return all, failed(err, "list imports")
}

// HeldRows implements [importer.Store].
func (db *DB) HeldRows(ctx context.Context, id string, after, limit int) ([]importer.Held, error) {
	i, err := db.Import(ctx, id)
	if err != nil {
		return nil, err
	}
	const q = `SELECT body FROM import_held WHERE import_no = $1 AND settled_at IS NULL AND row > $2 ORDER BY row LIMIT $3`
	rows, err := db.pool.Query(ctx, q, i.no, after, min(max(limit, 1), 1001))
	if err != nil {
		return nil, failed(err, "read what import %s holds back", id)
	}
	all, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (h importer.Held, err error) {
		return h, scanJSON(r, &h)
	})
	return all, failed(err, "read what import %s holds back", id)
}

var _ importer.Store = (*DB)(nil)
