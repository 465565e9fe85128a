package embedded_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/athanor-lab/athanor/internal/embedded"
)

// TestPostgresBehindShutDoor puts the data directory below one that only its owner may enter, as /root is. For root, whose server
// runs as another account, the database then lives elsewhere; for everybody else nothing changes.
func TestPostgresBehindShutDoor(t *testing.T) {
	t.Parallel()
	shut, fallback := sharedDir(t), filepath.Join(sharedDir(t), "made", "when needed")
	if err := os.Chmod(shut, 0o700); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(shut, "postgres")
	start := func() (*embedded.Postgres, error) {
		return embedded.StartPostgres(t.Context(), embedded.PostgresOptions{Dir: dir, Fallback: fallback, Logger: testLogger(t)})
	}
	p, err := start()
	if err != nil {
		t.Fatal(err)
	}
	putGold(t, p.URL())
	home := p.Home()
	if err := p.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if p, err = start(); err != nil {
		t.Fatal(err)
	}
	if got := mustQuery(t, p.URL(), findGold); got != "gold" || p.Home() != home {
		t.Errorf("second start found %q in %s, want gold in %s", got, p.Home(), home)
	}
	if err := p.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}

	if os.Getuid() != 0 {
		if home != dir {
			t.Errorf("the database is in %s, want it in %s", home, dir)
		}
		return
	}
	if !strings.HasPrefix(home, fallback) {
		t.Errorf("the database is in %s, want it below %s", home, fallback)
	}
	moved := filepath.Join(shut, "moved")
	if err := os.Rename(dir, moved); err != nil {
		t.Fatal(err)
	}
	dir = moved
	_, err = start()
	wantError(t, err, "belongs to", "write its new path into")
	write(t, filepath.Join(home, "origin"), moved+"\n")
	if p, err = start(); err != nil {
		t.Fatal(err)
	}
	if err := p.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(home); err != nil {
		t.Fatal(err)
	}
	_, err = start()
	wantError(t, err, "cannot be read", "to start with an empty database")
}
