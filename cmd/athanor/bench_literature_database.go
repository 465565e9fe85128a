package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/athanor-lab/athanor/internal/embedded"
	"github.com/athanor-lab/athanor/internal/postgres"
	"github.com/athanor-lab/athanor/literature"
	"github.com/athanor-lab/athanor/literature/index"
)

// benchDatabase starts a PostgreSQL that is thrown away, for the comparison of its
// search with the index.
type benchDatabase struct {
	t   *terminal
	ctx context.Context //nolint:containedctx // a part of one run of the bench
	dir string
	pg  *embedded.Postgres
	db  *postgres.DB
}

func (b *benchDatabase) close() {
	if b.db != nil {
		b.db.Close()
	}
	if b.pg != nil {
		b.pg.Stop(stopping()) //nolint:errcheck // it is thrown away
	}
	if b.dir != "" {
		os.RemoveAll(b.dir)
	}
}

// stored puts papers into the database and returns its search, nil where none can
// be started.
func (b *benchDatabase) stored(papers []literature.Paper) (func(index.Query, int) ([]index.Hit, error), error) {
	dir, err := os.MkdirTemp("", "athanor-bench-")
	if err != nil {
		return nil, err
	}
	b.dir = dir
	if err := os.Chmod(dir, 0o711); err != nil { // root's server has an account of its own
		return nil, err
	}
	if b.pg, err = embedded.StartPostgres(b.ctx, embedded.PostgresOptions{Dir: dir, Fallback: dir, BinDir: b.t.getenv("ATHANOR_PG_BIN"), Logger: b.t.logger}); err != nil {
		fmt.Fprintf(b.t.err, "the comparison with PostgreSQL is left out: %v\n", err)
		return nil, nil
	}
	if b.db, err = postgres.Open(b.ctx, b.pg.URL(), b.t.logger); err != nil {
		return nil, err
	}
	library := b.db.Library()
	batch := literature.Batch{Source: "bench", Digest: "bench", Format: "bench", Papers: papers, At: time.Now().UTC()}
	if _, err := library.Import(b.ctx, "bench", batch); err != nil {
		return nil, err
	}
	return func(q index.Query, k int) ([]index.Hit, error) { return library.SearchPapers(b.ctx, "bench", q, k) }, nil
}
