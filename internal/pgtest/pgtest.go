// Package pgtest gives tests a real PostgreSQL: the server that
// TEST_POSTGRES_URL names, or one of our own, started from the machine's
// binaries for the time of the test program. A machine without either fails the
// test; nothing is skipped.
//
// A package that uses it hands its tests to [Main]:
//
//	func TestMain(m *testing.M) { pgtest.Main(m) }
package pgtest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/athanor-lab/athanor/internal/embedded"
	"github.com/athanor-lab/athanor/internal/postgres"
)

// server is the one of this test program, started by the first test that asks.
var server struct {
	sync.Mutex
	managed bool // Main runs, and stops it
	url     string
	stop    func()
	err     error
}

// Main runs the tests of a package, and stops the server that they started.
func Main(m *testing.M) {
	server.managed = true
	code := m.Run()
	if server.stop != nil {
		server.stop()
	}
	os.Exit(code) //nolint:forbidigo // it is the TestMain of those who call it
}

// URL returns how to connect to a new, empty database, which is gone after the
// test program.
func URL(t testing.TB) string {
	t.Helper()
	base, err := serverURL()
	if err != nil {
		t.Fatalf("a PostgreSQL server is needed for this test: %v", err)
	}
	b := make([]byte, 6)
	rand.Read(b)
	name := "athanor_test_" + hex.EncodeToString(b)
	if err := administer(base, "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	if base != server.url { // ours is thrown away whole; a drop costs a checkpoint
		t.Cleanup(func() {
			if err := administer(base, "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
				t.Error(err)
			}
		})
	}
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return u.String()
}

// Open returns a new database with today's schema, closed after the test.
func Open(t testing.TB) *postgres.DB {
	t.Helper()
	db, err := postgres.Open(t.Context(), URL(t), Logger(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}

// Logger returns a logger that writes to the test's log.
func Logger(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
}

func serverURL() (string, error) {
	if u := os.Getenv("TEST_POSTGRES_URL"); u != "" { //nolint:forbidigo // as Main
		return u, nil
	}
	server.Lock()
	defer server.Unlock()
	switch {
	case !server.managed:
		return "", errors.New("the package's TestMain does not call pgtest.Main, which would stop the server")
	case server.url == "" && server.err == nil:
		server.url, server.stop, server.err = start()
	}
	return server.url, server.err
}

func start() (string, func(), error) {
	dir, err := os.MkdirTemp("", "athanor-pgtest-")
	if err != nil {
		return "", nil, fmt.Errorf("start a server for tests: %w", err)
	}
	if err := os.Chmod(dir, 0o755); err != nil { // the server's account must reach its data
		return "", nil, fmt.Errorf("start a server for tests: %w", err)
	}
	p, err := embedded.StartPostgres(context.Background(), embedded.PostgresOptions{Dir: dir})
	if err != nil {
		return "", nil, err
	}
	if f := flag.Lookup("test.bench"); f == nil || f.Value.String() == "" {
		// What the tests write is thrown away; what a benchmark measures is not
		// to be flattered.
		for _, sql := range []string{"ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()"} {
			if err := administer(p.URL(), sql); err != nil {
				return "", nil, errors.Join(err, p.Stop(context.Background()))
			}
		}
	}
	stop := func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := p.Stop(ctx); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		if err := os.RemoveAll(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
	return p.URL(), stop, nil
}

// administer runs a statement that cannot be in a transaction.
func administer(base, sql string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, base)
	if err != nil {
		return fmt.Errorf("connect to the test server: %w", err)
	}
	defer conn.Close(ctx) //nolint:errcheck // nothing is lost with it
	if _, err := conn.Exec(ctx, sql); err != nil {
		return fmt.Errorf("%s: %w", sql, err)
	}
	return nil
}
