package postgres

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/athanor-lab/athanor/lab"
)

//go:embed migrations/*.sql
var migrations embed.FS

// The advisory locks of the house, any number that nobody else uses. That of
// the events is written in its migration.
const (
	migrationLock = 7021700300101
	bookLock      = 7021700300102
)

type migration struct {
	version int
	name    string
	sql     string
}

// readMigrations returns the migrations in order; their numbers rise. A gap is
// a number that nobody needed.
func readMigrations() ([]migration, error) {
	names, err := fs.Glob(migrations, "migrations/*.sql") // sorted
	if err != nil {
		return nil, fmt.Errorf("list migrations: %w", err)
	}
	all := make([]migration, len(names))
	for i, name := range names {
		number, _, _ := strings.Cut(path.Base(name), "_")
		version, err := strconv.Atoi(number)
		if err != nil || version < 1 || i > 0 && version <= all[i-1].version {
			return nil, fmt.Errorf("migration %s has number %q, want four digits, above those before", name, number)
		}
		sql, err := migrations.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read migration: %w", err)
		}
		all[i] = migration{version, path.Base(name), string(sql)}
	}
	return all, nil
}

// migrate brings the schema to the version of this program. It fails with
// [lab.Conflict] when the database is of a newer one.
func migrate(ctx context.Context, pool *pgxpool.Pool) error {
	all, err := readMigrations()
	if err != nil {
		return err
	}
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return failed(err, "migrate the database")
	}
	defer conn.Release()
	// Held by the session, so that it spans the transactions of all migrations.
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock($1)`, migrationLock); err != nil {
		return failed(err, "wait for the turn to migrate the database")
	}
	defer func() {
		if _, err := conn.Exec(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock($1)`, migrationLock); err != nil {
			_ = conn.Conn().Close(context.WithoutCancel(ctx)) // ends the session, and with it the lock
		}
	}()
	const prepare = `
		CREATE TABLE IF NOT EXISTS schema_versions (
			version    integer PRIMARY KEY,
			name       text        NOT NULL,
			applied_at timestamptz NOT NULL DEFAULT now()
		)`
	if _, err := conn.Exec(ctx, prepare); err != nil {
		return failed(err, "prepare the database")
	}
	var have int
	var done []int
	if err := conn.QueryRow(ctx, `SELECT coalesce(max(version), 0), coalesce(array_agg(version), '{}') FROM schema_versions`).Scan(&have, &done); err != nil {
		return failed(err, "read the version of the database")
	}
	if newest := all[len(all)-1].version; have > newest {
		return lab.Errorf(lab.Conflict,
			"the database has schema version %d and this program knows up to %d: it was used by a newer Athanor; start that one, or restore the backup made before it was upgraded",
			have, newest)
	}
	for _, m := range all {
		if slices.Contains(done, m.version) {
			continue
		}
		err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, m.sql); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, `INSERT INTO schema_versions (version, name) VALUES ($1, $2)`, m.version, m.name)
			return err
		})
		if err != nil {
			return failed(err, "run migration %s", m.name)
		}
	}
	return nil
}
