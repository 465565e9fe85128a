package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"

	"github.com/jackc/pgx/v5"

	"github.com/athanor-lab/athanor/lab"
)

// filePart is how large the parts of a file are.
const filePart = 1 << 20

// PutFile keeps a file for imports by its SHA-256, whole or not at all. A file
// that is there is not written again. Bytes of another hash are [lab.Invalid].
func (db *DB) PutFile(ctx context.Context, sha string, r io.Reader) error {
	// It counts as put now.
	tag, err := db.pool.Exec(ctx, `UPDATE import_files SET at = now() WHERE sha256 = $1 AND part = 0`, sha)
	if err != nil || tag.RowsAffected() > 0 {
		return failed(err, "keep file %s", sha)
	}
	err = pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		h := sha256.New()
		b := make([]byte, filePart)
		for part := 0; ; part++ {
			n, err := io.ReadFull(r, b)
			if n > 0 || part == 0 {
				h.Write(b[:n])
				if _, err := tx.Exec(ctx, `INSERT INTO import_files (sha256, part, body) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, sha, part, b[:n]); err != nil {
					return err
				}
			}
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				break
			}
			if err != nil {
				return err
			}
		}
		if got := hex.EncodeToString(h.Sum(nil)); got != sha {
			return lab.Errorf(lab.Invalid, "its SHA-256 is %s, not %s", got, sha)
		}
		return nil
	})
	return failed(err, "keep file %s", sha)
}

// CopyFile writes a file that was kept to w, or returns [lab.NotFound].
func (db *DB) CopyFile(ctx context.Context, sha string, w io.Writer) error {
	rows, err := db.pool.Query(ctx, `SELECT body FROM import_files WHERE sha256 = $1 ORDER BY part`, sha)
	if err != nil {
		return failed(err, "read file %s", sha)
	}
	defer rows.Close()
	var b []byte
	n := 0
	for ; rows.Next(); n++ {
		if err := rows.Scan(&b); err != nil {
			return failed(err, "read file %s", sha)
		}
		if _, err := w.Write(b); err != nil {
			return err // the caller's own
		}
	}
	if err := rows.Err(); err != nil {
		return failed(err, "read file %s", sha)
	}
	if n == 0 {
		return lab.Errorf(lab.NotFound, "file %s is not kept", sha)
	}
	return nil
}

// OpenImports returns the ids of imports that are neither done nor failed and
// whose file is kept: they wait for a worker, or one is at work on them.
func (db *DB) OpenImports(ctx context.Context) ([]string, error) {
	const q = `
		SELECT id FROM imports
		WHERE summary IS NULL AND failure IS NULL AND EXISTS (SELECT FROM import_files f WHERE f.sha256 = file_sha256)
		ORDER BY no`
	rows, err := db.pool.Query(ctx, q)
	if err != nil {
		return nil, failed(err, "list open imports")
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	return ids, failed(err, "list open imports")
}

// FailImport records why an import can never succeed. One that is done stays so.
func (db *DB) FailImport(ctx context.Context, id, why string) error {
	_, err := db.pool.Exec(ctx, `UPDATE imports SET failure = $2 WHERE id = $1 AND summary IS NULL AND failure IS NULL`, id, why)
	return failed(err, "fail import %s", id)
}
