package postgres

import (
	"context"

	"github.com/klauspost/compress/zstd"

	"github.com/athanor-lab/athanor/dataset/importer"
	"github.com/athanor-lab/athanor/lab"
)

// EachImported calls yield for the rows of an import: first those of its chunks,
// in order, then those that were corrected. It reads as it goes, a chunk at a
// time, and keeps a connection until it returns. The row is valid during the
// call.
func (db *DB) EachImported(ctx context.Context, id string, yield func(*importer.Row) error) error {
	i, err := db.Import(ctx, id)
	if err != nil {
		return err
	}
	if err := db.eachChunk(ctx, i, yield, `SELECT body FROM import_chunks WHERE import_no = $1 ORDER BY first_row`, i.no); err != nil {
		return err
	}
	rows, err := db.pool.Query(ctx, `SELECT settled FROM import_held WHERE import_no = $1 AND settled IS NOT NULL ORDER BY row`, i.no)
	if err != nil {
		return failed(err, "read import %s", id)
	}
	defer rows.Close()
	for rows.Next() {
		var r importer.Row
		if err := scanJSON(rows, &r); err != nil {
			return failed(err, "read import %s", id)
		}
		if err := yield(&r); err != nil {
			return err // the caller's own
		}
	}
	return failed(rows.Err(), "read import %s", id)
}

// unzstd unpacks chunks.
var unzstd, _ = zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(1<<30)) // fails on wrong options only

func (db *DB) eachChunk(ctx context.Context, i Import, yield func(*importer.Row) error, q string, args ...any) error {
	rows, err := db.pool.Query(ctx, q, args...)
	if err != nil {
		return failed(err, "read import %s", i.ID)
	}
	defer rows.Close()
	var packed, body []byte
	for rows.Next() {
		if err := rows.Scan(&packed); err != nil {
			return failed(err, "read import %s", i.ID)
		}
		if body, err = unzstd.DecodeAll(packed, body[:0]); err != nil {
			return lab.Errorf(lab.Internal, "read import %s: a chunk is damaged: %w", i.ID, err)
		}
		if err := importer.ReadChunk(body, i.ID, i.SHA256, i.Mapping, yield); err != nil {
			return err // the caller's own
		}
	}
	return failed(rows.Err(), "read import %s", i.ID)
}

// Imported returns the row of an import that has the given id, and its import,
// or [lab.NotFound].
func (db *DB) Imported(ctx context.Context, rowID string) (*importer.Row, Import, error) {
	imp, row, err := importer.ParseRowID(rowID)
	if err != nil {
		return nil, Import{}, err
	}
	var id string
	if err := db.pool.QueryRow(ctx, `SELECT id FROM imports WHERE id LIKE $1 || '%'`, imp).Scan(&id); err != nil {
		return nil, Import{}, failed(err, "find the import of row %s", rowID)
	}
	i, err := db.Import(ctx, id)
	if err != nil {
		return nil, i, err
	}
	var found *importer.Row
	err = db.eachChunk(ctx, i, func(r *importer.Row) error {
		if r.Source.Row == row {
			clone := r.Clone()
			found = &clone
		}
		return nil
	}, `SELECT body FROM import_chunks WHERE import_no = $1 AND first_row <= $2 AND last_row >= $2`, i.no, row)
	if err != nil || found != nil {
		return found, i, err
	}
	found = new(importer.Row)
	err = scanJSON(db.pool.QueryRow(ctx, `SELECT settled FROM import_held WHERE import_no = $1 AND row = $2 AND settled IS NOT NULL`, i.no, row), found)
	return found, i, failed(err, "read row %s", rowID)
}

// HeldRow returns a row that is held back and not settled, by the id that it will
// have, and its import, or [lab.NotFound].
func (db *DB) HeldRow(ctx context.Context, rowID string) (importer.Held, Import, error) {
	var h importer.Held
	imp, row, err := importer.ParseRowID(rowID)
	if err != nil {
		return h, Import{}, err
	}
	var id string
	if err := db.pool.QueryRow(ctx, `SELECT id FROM imports WHERE id LIKE $1 || '%'`, imp).Scan(&id); err != nil {
		return h, Import{}, failed(err, "find the import of row %s", rowID)
	}
	i, err := db.Import(ctx, id)
	if err != nil {
		return h, i, err
	}
	err = scanJSON(db.pool.QueryRow(ctx, `SELECT body FROM import_held WHERE import_no = $1 AND row = $2 AND settled_at IS NULL`, i.no, row), &h)
	return h, i, failed(err, "read row %s", rowID)
}

// EachHeld calls yield for the rows of an import that are held back and not
// settled, in order.
func (db *DB) EachHeld(ctx context.Context, id string, yield func(importer.Held) error) error {
	i, err := db.Import(ctx, id)
	if err != nil {
		return err
	}
	rows, err := db.pool.Query(ctx, `SELECT body FROM import_held WHERE import_no = $1 AND settled_at IS NULL ORDER BY row`, i.no)
	if err != nil {
		return failed(err, "read what import %s holds back", id)
	}
	defer rows.Close()
	for rows.Next() {
		var h importer.Held
		if err := scanJSON(rows, &h); err != nil {
			return failed(err, "read what import %s holds back", id)
		}
		if err := yield(h); err != nil {
			return err // the caller's own
		}
	}
	return failed(rows.Err(), "read what import %s holds back", id)
}

// SettleHeld imports a row that was held back and corrected. Again is the same as
// once; a row that is not held is [lab.Conflict].
func (db *DB) SettleHeld(ctx context.Context, id string, r *importer.Row) error {
	i, err := db.Import(ctx, id)
	if err != nil {
		return err
	}
	settled, err := jsonOf(r)
	if err != nil {
		return failed(err, "settle row %d of import %s", r.Source.Row, id)
	}
	const settle = `UPDATE import_held SET settled = coalesce(settled, $3), settled_at = coalesce(settled_at, now()) WHERE import_no = $1 AND row = $2`
	tag, err := db.pool.Exec(ctx, settle, i.no, r.Source.Row, settled)
	if err != nil {
		return failed(err, "settle row %d of import %s", r.Source.Row, id)
	}
	if tag.RowsAffected() == 0 {
		return lab.Errorf(lab.Conflict, "row %d of import %s is not held back", r.Source.Row, id)
	}
	return nil
}
