package postgres

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/athanor-lab/athanor/lab"
)

// DB is the laboratory's memory in a PostgreSQL database. It is safe for
// concurrent use.
type DB struct {
	pool   *pgxpool.Pool
	logger *slog.Logger
	bell   chan struct{} // has a place: events were written that listeners do not know of
	done   chan struct{}
	wg     sync.WaitGroup
	close  sync.Once
}

// Open connects to the database at url, brings its schema to today's version
// and returns it. The server's name and the database's must be in url; how many
// connections are kept is pool_max_conns in it, default 16.
func Open(ctx context.Context, url string, logger *slog.Logger) (*DB, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, lab.Errorf(lab.Invalid, "read the database's address: %w; it looks like postgres://user:password@host:5432/name", err)
	}
	if !bytes.Contains([]byte(url), []byte("pool_max_conns")) {
		config.MaxConns = 16
	}
	for name, value := range map[string]string{
		"application_name": "athanor",
		"timezone":         "UTC",
		// A process that hangs inside a transaction must not hold the others.
		"idle_in_transaction_session_timeout": "30s",
	} {
		if _, ok := config.ConnConfig.RuntimeParams[name]; !ok {
			config.ConnConfig.RuntimeParams[name] = value
		}
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, failed(err, "connect to the database")
	}
	if err := migrate(ctx, pool); err != nil {
		pool.Close()
		return nil, err
	}
	db := &DB{pool: pool, logger: logger, bell: make(chan struct{}, 1), done: make(chan struct{})}
	db.wg.Go(db.ringer)
	return db, nil
}

// Close ends all connections. It waits for calls that are under way.
func (db *DB) Close() {
	db.close.Do(func() {
		close(db.done)
		db.wg.Wait()
		db.pool.Close()
	})
}

// Ping reports whether the database answers.
func (db *DB) Ping(ctx context.Context) error { return failed(db.pool.Ping(ctx), "ask the database") }

// SchemaVersion returns the number of the newest migration that was run.
func (db *DB) SchemaVersion(ctx context.Context) (int, error) {
	var v int
	err := db.pool.QueryRow(ctx, `SELECT max(version) FROM schema_versions`).Scan(&v)
	return v, failed(err, "read the version of the database")
}

const (
	// enterEvents goes before any other lock of a transaction that will append
	// events, so that no two wait for each other; see 0006_create_events.sql.
	enterEvents = `SELECT pg_advisory_xact_lock_shared(7021700300103)`

	// lazily has a transaction committed without waiting for the disk: after a
	// loss of power the last half second of these is forgotten, whole.
	lazily = `SELECT set_config('synchronous_commit', 'off', true)`
)

// exchange sends the statements in one round trip; more than one are a
// transaction.
func (db *DB) exchange(ctx context.Context, queue func(b *pgx.Batch)) error {
	b := new(pgx.Batch)
	queue(b)
	return db.pool.SendBatch(ctx, b).Close()
}

// discard takes the rows of a statement that is run for its effect.
func discard(rows pgx.Rows) error {
	rows.Close()
	return rows.Err()
}

// twoTrips runs a transaction in two round trips: first queues what is read,
// and second what is written once that is known. An error undoes both.
func (db *DB) twoTrips(ctx context.Context, first func(b *pgx.Batch), second func(b *pgx.Batch) error) error {
	return db.pool.AcquireFunc(ctx, func(conn *pgxpool.Conn) error {
		defer func() {
			if conn.Conn().PgConn().TxStatus() != 'I' {
				undo, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
				defer cancel()
				_, _ = conn.Exec(undo, `ROLLBACK`) // a connection in a transaction is not used again
			}
		}()
		b := new(pgx.Batch)
		b.Queue(`BEGIN`)
		first(b)
		if err := conn.SendBatch(ctx, b).Close(); err != nil {
			return err
		}
		b = new(pgx.Batch)
		if err := second(b); err != nil {
			return err
		}
		b.Queue(`COMMIT`)
		return conn.SendBatch(ctx, b).Close()
	})
}

// jsonOf returns v as JSON that a jsonb column takes: whole UTF-8 without the
// character U+0000 and without halves of surrogate pairs, which PostgreSQL
// refuses and a device may well send. They become U+FFFD.
func jsonOf(v any) (json.RawMessage, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, lab.Errorf(lab.Invalid, "write JSON: %w", err)
	}
	if !bytes.Contains(b, []byte(`\u`)) {
		return bytes.ToValidUTF8(b, []byte("\ufffd")), nil
	}
	// Decoding replaces half surrogates; U+0000 is replaced in what is decoded.
	var whole any
	d := json.NewDecoder(bytes.NewReader(bytes.ToValidUTF8(b, []byte("\ufffd"))))
	d.UseNumber()
	if err := d.Decode(&whole); err != nil {
		return nil, lab.Errorf(lab.Invalid, "read JSON: %w", err)
	}
	b, err = json.Marshal(withoutNUL(whole))
	if err != nil {
		return nil, lab.Errorf(lab.Invalid, "write JSON: %w", err)
	}
	return b, nil
}

func withoutNUL(v any) any {
	switch v := v.(type) {
	case string:
		return string(bytes.ReplaceAll([]byte(v), []byte{0}, []byte("\ufffd")))
	case []any:
		for i := range v {
			v[i] = withoutNUL(v[i])
		}
		return v
	case map[string]any:
		clean := make(map[string]any, len(v))
		for k, x := range v {
			clean[withoutNUL(k).(string)] = withoutNUL(x)
		}
		return clean
	default:
		return v
	}
}
