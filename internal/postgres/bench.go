package postgres

import (
	"context"
	"fmt"
	"io"

	"github.com/jackc/pgx/v5"

	"github.com/athanor-lab/athanor/lab"
)

// CopyCSV creates a table with the columns and loads CSV with a header into it
// by PostgreSQL's own COPY: what our import is measured against.
func CopyCSV(ctx context.Context, url, table string, columns [][2]string, text io.Reader) (rows int64, err error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return 0, failed(err, "connect to the database")
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // all is committed, or the error is told
	create := "CREATE TABLE " + pgx.Identifier{table}.Sanitize() + " ("
	for i, c := range columns {
		if i > 0 {
			create += ", "
		}
		create += pgx.Identifier{c[0]}.Sanitize() + " " + c[1]
	}
	if _, err := conn.Exec(ctx, create+")"); err != nil {
		return 0, failed(err, "create %s", table)
	}
	load := fmt.Sprintf("COPY %s FROM STDIN (FORMAT csv, HEADER, NULL 'NA')", pgx.Identifier{table}.Sanitize())
	tag, err := conn.PgConn().CopyFrom(ctx, text, load)
	return tag.RowsAffected(), failed(err, "copy into %s", table)
}

// CreateDatabase creates an empty database on the server at url.
func CreateDatabase(ctx context.Context, url, name string) error {
	return administer(ctx, url, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize())
}

// Settle ends what the server does by itself, so that it is not counted as
// another's work: nothing is vacuumed from now on, and what was written before
// is on the disk.
func Settle(ctx context.Context, url string) error {
	return administer(ctx, url, "ALTER SYSTEM SET autovacuum = off", "SELECT pg_reload_conf()", "CHECKPOINT")
}

func administer(ctx context.Context, url string, statements ...string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return failed(err, "connect to the database")
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // nothing is lost with it
	for _, s := range statements {
		if _, err := conn.Exec(ctx, s); err != nil {
			return failed(err, "%s", s)
		}
	}
	return nil
}

// LoadOutcomes puts the outcomes of a campaign that has none, by COPY: a
// thousand times as fast as one by one, and without their events.
func (db *DB) LoadOutcomes(ctx context.Context, id lab.CampaignID, n int, outcome func(number int) lab.Outcome) error {
	next := 0
	rows := pgx.CopyFromFunc(func() ([]any, error) {
		if next++; next > n {
			return nil, nil
		}
		o := outcome(next)
		body, err := jsonOf(o)
		return []any{[16]byte(o.Proposal.ExperimentID), [16]byte(id), next, string(o.State), body, o.FinishedAt}, err
	})
	columns := []string{"experiment_id", "campaign_id", "number", "state", "body", "finished_at"}
	_, err := db.pool.CopyFrom(ctx, pgx.Identifier{"outcomes"}, columns, rows)
	return failed(err, "load the outcomes of %s", id)
}
