package embedded_test

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/athanor-lab/athanor/internal/embedded"
)

func startTemporal(t *testing.T, dir string) *embedded.Temporal {
	t.Helper()
	s, err := embedded.StartTemporal(t.Context(), embedded.TemporalOptions{Binary: temporalBinary(t), Dir: dir, Logger: testLogger(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Stop(context.Background()) })
	return s
}

func answers(addr string) bool {
	conn, err := net.DialTimeout("tcp", addr, time.Second)
	if err == nil {
		_ = conn.Close()
	}
	return err == nil
}

func TestTemporalStartsAgain(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "temporal")
	began := time.Now()
	first := startTemporal(t, dir)
	t.Logf("first start %s", time.Since(began).Round(time.Millisecond))
	if !answers(first.Addr()) || first.Namespace() != "athanor" || first.Version() == "" {
		t.Errorf("nothing listens at %q, namespace %q, version %q", first.Addr(), first.Namespace(), first.Version())
	}
	res, err := http.Get(first.UI())
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("the page at %q answers %v, %v", first.UI(), res, err)
	}
	_ = res.Body.Close()
	pid := first.PID()
	began = time.Now()
	if err := first.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Logf("stop %s", time.Since(began).Round(time.Millisecond))
	if !gone(pid) {
		t.Errorf("process %d runs after Stop", pid)
	}
	second := startTemporal(t, dir)
	if second.Addr() != first.Addr() || second.UI() != first.UI() {
		t.Errorf("second start is at %s and %s, want %s and %s", second.Addr(), second.UI(), first.Addr(), first.UI())
	}
}

func TestTemporalRunsAgainAfterKill(t *testing.T) {
	t.Parallel()
	s := startTemporal(t, t.TempDir())
	addr := s.Addr()
	for n := 1; n <= 2; n++ {
		pid := s.PID()
		began := time.Now()
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		within(t, 60*time.Second, "the program runs again", func() bool { return s.Restarts() == n })
		t.Logf("runs again after %s", time.Since(began).Round(time.Millisecond))
		if s.PID() == pid || s.Addr() != addr || !answers(addr) {
			t.Errorf("process %d at %s, want a new process at %s", s.PID(), s.Addr(), addr)
		}
	}
}

// TestTemporalEndsWithItsParent kills the process that started the program; the program ends by itself, and the next start finds
// its address free.
func TestTemporalEndsWithItsParent(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	before := startParent(t, "temporal", dir)
	before.kill()
	s := startTemporal(t, dir)
	if s.Addr() != before.URL {
		t.Errorf("next start is at %s, want %s", s.Addr(), before.URL)
	}
	within(t, 5*time.Second, "the orphan has ended", func() bool { return gone(before.PID) })
}

func TestTemporalOnPostgres(t *testing.T) {
	t.Parallel()
	p := startPostgres(t, sharedDir(t))
	s, err := embedded.StartTemporal(t.Context(), embedded.TemporalOptions{
		Binary: temporalBinary(t), Dir: t.TempDir(), UIPort: -1, PostgresURL: p.DatabaseURL("temporal"), Logger: testLogger(t),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Stop(context.Background()) }()
	const q = `SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database WHERE datname LIKE 'temporal%'`
	if got, want := mustQuery(t, p.URL(), q), "temporal temporal_visibility"; got != want || s.UI() != "" {
		t.Errorf("databases %q and page %q, want %q and no page", got, s.UI(), want)
	}
}

// TestTemporalIsLookedFor changes the PATH, so it runs alone.
func TestTemporalIsLookedFor(t *testing.T) {
	elsewhere := t.TempDir()
	t.Setenv("PATH", elsewhere)
	_, err := embedded.StartTemporal(t.Context(), embedded.TemporalOptions{Dir: t.TempDir()})
	wantError(t, err, "neither at", "nor on the PATH", "make build")
	if err := os.Symlink(temporalBinary(t), filepath.Join(elsewhere, "athanor-temporal")); err != nil {
		t.Fatal(err)
	}
	s, err := embedded.StartTemporal(t.Context(), embedded.TemporalOptions{Dir: t.TempDir(), UIPort: -1})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestTemporalRefuses(t *testing.T) {
	t.Parallel()
	refuse := func(t *testing.T, opts embedded.TemporalOptions, texts ...string) {
		t.Helper()
		s, err := embedded.StartTemporal(t.Context(), opts)
		if err == nil {
			_ = s.Stop(t.Context())
		}
		wantError(t, err, texts...)
	}
	t.Run("NoProgram", func(t *testing.T) {
		t.Parallel()
		refuse(t, embedded.TemporalOptions{Dir: t.TempDir(), Binary: "/nowhere/athanor-temporal"}, "/nowhere/athanor-temporal", "make build")
	})
	t.Run("OtherProgram", func(t *testing.T) {
		t.Parallel()
		refuse(t, embedded.TemporalOptions{Dir: t.TempDir(), Binary: "/bin/echo"}, "its first line is", "of this version")
	})
	t.Run("ForeignFile", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		write(t, filepath.Join(dir, "temporal.db"), "a diary")
		refuse(t, embedded.TemporalOptions{Dir: dir, Binary: temporalBinary(t)}, "temporal.db", "no description beside it")
		if got := read(t, filepath.Join(dir, "temporal.db")); got != "a diary" {
			t.Errorf("the file holds %q afterwards", got)
		}
	})
	t.Run("PortTaken", func(t *testing.T) {
		t.Parallel()
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close() }()
		port := l.Addr().(*net.TCPAddr).Port
		refuse(t, embedded.TemporalOptions{Dir: t.TempDir(), Binary: temporalBinary(t), Port: port}, "-port "+strconv.Itoa(port)+" cannot be used")
	})
}
