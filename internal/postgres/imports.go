package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/klauspost/compress/zstd"

	"github.com/athanor-lab/athanor/dataset/importer"
	"github.com/athanor-lab/athanor/lab"
)

// Import is what the laboratory knows of an import.
type Import struct {
	ID      string            `json:"id"`
	SHA256  string            `json:"sha256"` // of the file
	Source  string            `json:"source"` // the name of the file
	Mapping importer.Mapping  `json:"mapping"`
	LastRow int               `json:"last_row"`          // of the last chunk that is on record
	Summary *importer.Summary `json:"summary,omitempty"` // when it is done
	Failure string            `json:"failure,omitempty"` // why it can never be done
	no      int32
}

const beginImport = `INSERT INTO imports (id, file_sha256, source, mapping) VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO NOTHING`

// BeginImport puts an import on record, or finds it there with what has been
// written of it.
func (db *DB) BeginImport(ctx context.Context, i Import) (Import, error) {
	mapping, err := jsonOf(i.Mapping)
	if err != nil {
		return i, failed(err, "begin import %s", i.ID)
	}
	if _, err := db.pool.Exec(ctx, beginImport, i.ID, i.SHA256, i.Source, mapping); err != nil {
		return i, failed(err, "begin import %s", i.ID)
	}
	return db.Import(ctx, i.ID)
}

// Import returns an import, or [lab.NotFound].
func (db *DB) Import(ctx context.Context, id string) (Import, error) {
	const q = `SELECT no, id, file_sha256, source, mapping, last_row, summary, coalesce(failure, '') FROM imports WHERE id = $1`
	var i Import
	err := db.pool.QueryRow(ctx, q, id).Scan(&i.no, &i.ID, &i.SHA256, &i.Source, &i.Mapping, &i.LastRow, &i.Summary, &i.Failure)
	return i, failed(err, "read import %s", id)
}

// Imports lists up to limit imports, the newest first.
func (db *DB) Imports(ctx context.Context, limit int) ([]Import, error) {
	const q = `SELECT no, id, file_sha256, source, mapping, last_row, summary, coalesce(failure, '') FROM imports ORDER BY no DESC LIMIT $1`
	rows, err := db.pool.Query(ctx, q, min(max(limit, 1), 1000))
	if err != nil {
		return nil, failed(err, "list imports")
	}
	all, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (i Import, err error) {
		return i, r.Scan(&i.no, &i.ID, &i.SHA256, &i.Source, &i.Mapping, &i.LastRow, &i.Summary, &i.Failure)
	})
	return all, failed(err, "list imports")
}

// FinishImport closes an import with its summary, after comparing what the
// database holds of it with what the summary counts. Again is the same as once.
func (db *DB) FinishImport(ctx context.Context, id string, s importer.Summary) error {
	i, err := db.Import(ctx, id)
	if err != nil || i.Summary != nil {
		return err
	}
	const count = `
		SELECT coalesce(sum(rows), 0), (SELECT count(*) FROM import_held WHERE import_no = $1), coalesce(sum(last_row - first_row + 1), 0)
		FROM import_chunks
		WHERE import_no = $1`
	var rows, held, ledger int
	if err := db.pool.QueryRow(ctx, count, i.no).Scan(&rows, &held, &ledger); err != nil {
		return failed(err, "finish import %s", id)
	}
	if rows != s.Rows.Imported || held != s.Rows.Quarantined || ledger != s.Rows.All {
		return lab.Errorf(lab.Internal, "finish import %s: the database has %d rows, %d held and a ledger of %d; the summary counts %+v", id, rows, held, ledger, s.Rows)
	}
	summary, err := jsonOf(s)
	if err != nil {
		return failed(err, "finish import %s", id)
	}
	_, err = db.pool.Exec(ctx, `UPDATE imports SET summary = $2, finished_at = now() WHERE no = $1 AND summary IS NULL`, i.no, summary)
	return failed(err, "finish import %s", id)
}

// ImportWriter writes an import chunk by chunk while the next one is read. It is
// for one goroutine.
type ImportWriter struct {
	ctx    context.Context //nolint:containedctx // of the import that it writes
	db     *DB
	imp    Import
	onDone func(row int)

	chunk  *importChunk
	write  chan *importChunk
	free   chan *importChunk
	ended  chan error // has the error of the goroutine that writes, once
	failed error

	body, packed []byte // of the chunk that is written
}

// importChunk is what is written in one transaction.
type importChunk struct {
	number      int // of the chunk: all its rows have one
	rows        *importer.Chunk
	held        [][]any
	entries     []byte
	first, last int
}

// importZstd compresses chunks.
var importZstd, _ = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1)) // fails on wrong options only

// WriteImport returns a writer for what is not yet on record of the import. When
// a chunk is, onDone is told its last row, from another goroutine; it may be nil.
func (db *DB) WriteImport(ctx context.Context, i Import, onDone func(row int)) *ImportWriter {
	w := &ImportWriter{ctx: ctx, db: db, imp: i, onDone: onDone, write: make(chan *importChunk), free: make(chan *importChunk, 2), ended: make(chan error, 1)}
	for range cap(w.free) {
		w.free <- &importChunk{rows: importer.NewChunk(i.Mapping)}
	}
	go w.run()
	return w
}

// Sinks are where [importer.Run] puts what it makes.
func (w *ImportWriter) Sinks() importer.Sinks {
	return importer.Sinks{Row: w.row, Held: w.held, Entry: w.entry}
}

// Close writes the last chunk, unless broken says that the import failed, and
// waits for the others.
func (w *ImportWriter) Close(broken error) error {
	if broken == nil && w.failed == nil {
		w.failed = w.send()
	}
	close(w.write)
	err := <-w.ended
	if errors.Is(w.failed, errBroken) {
		w.failed = nil
	}
	return errors.Join(w.failed, err)
}

var errBroken = errors.New("an earlier chunk could not be written")

// at makes the chunk of a row the current one. It reports false for rows that
// are on record.
func (w *ImportWriter) at(row int) (bool, error) {
	if row <= w.imp.LastRow {
		return false, w.failed
	}
	number := importer.ChunkOf(row)
	if w.chunk != nil && w.chunk.number != number {
		w.failed = errors.Join(w.failed, w.send())
	}
	if w.failed == nil && w.chunk == nil {
		select {
		case w.chunk = <-w.free:
		case err := <-w.ended:
			w.ended <- err
			w.failed = errBroken
			return false, w.failed
		}
		c := w.chunk
		c.rows.Reset()
		c.number, c.held = number, c.held[:0]
		c.entries = c.entries[:0]
	}
	return true, w.failed
}

func (w *ImportWriter) send() error {
	if w.chunk == nil {
		return nil
	}
	c := w.chunk
	w.chunk = nil
	select {
	case w.write <- c:
		return nil
	case err := <-w.ended:
		w.ended <- err
		return errBroken
	}
}

func (w *ImportWriter) held(h importer.Held) error {
	ok, err := w.at(h.Source.Row)
	if !ok || err != nil {
		return err
	}
	body, err := jsonOf(h)
	w.chunk.held = append(w.chunk.held, []any{w.imp.no, h.Source.Row, body})
	return err
}

func (w *ImportWriter) entry(e importer.Entry) error {
	ok, err := w.at(e.Row)
	if !ok || err != nil {
		return err
	}
	c := w.chunk
	if len(c.entries) == 0 {
		c.first = e.Row
	}
	c.last = e.Row + e.Rows - 1
	c.entries = append(importer.AppendEntry(c.entries, &e), '\n')
	return nil
}

func (w *ImportWriter) row(r *importer.Row) error {
	ok, err := w.at(r.Source.Row)
	if ok && err == nil {
		w.chunk.rows.Append(r)
	}
	return err
}

// run writes chunks until there are no more.
func (w *ImportWriter) run() {
	for c := range w.write {
		if err := w.put(c); err != nil {
			w.ended <- failed(err, "write import %s, rows %d to %d", w.imp.ID, c.first, c.last)
			return
		}
		if w.onDone != nil {
			w.onDone(c.last)
		}
		w.free <- c
	}
	w.ended <- nil
}

func (w *ImportWriter) put(c *importChunk) error {
	return w.db.pool.AcquireFunc(w.ctx, func(conn *pgxpool.Conn) error {
		return pgx.BeginFunc(w.ctx, conn, func(tx pgx.Tx) error {
			// The row of the import is the lock: a second writer waits, and finds the chunk there.
			var last int
			if err := tx.QueryRow(w.ctx, `SELECT last_row FROM imports WHERE no = $1 FOR UPDATE`, w.imp.no).Scan(&last); err != nil {
				return err
			}
			if last >= c.first {
				return nil
			}
			if len(c.held) > 0 {
				if _, err := tx.CopyFrom(w.ctx, pgx.Identifier{"import_held"}, []string{"import_no", "row", "body"}, pgx.CopyFromRows(c.held)); err != nil {
					return err
				}
			}
			const chunk = `INSERT INTO import_chunks (import_no, first_row, last_row, rows, body, ledger) VALUES ($1, $2, $3, $4, $5, $6)`
			w.body = c.rows.AppendTo(w.body[:0])
			w.packed = importZstd.EncodeAll(w.body, w.packed[:0])
			if _, err := tx.Exec(w.ctx, chunk, w.imp.no, c.first, c.last, c.rows.Len(), w.packed, importZstd.EncodeAll(c.entries, nil)); err != nil {
				return err
			}
			_, err := tx.Exec(w.ctx, `UPDATE imports SET last_row = $2 WHERE no = $1`, w.imp.no, c.last)
			return err
		})
	})
}
