package embedded_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/athanor-lab/athanor/internal/embedded"
)

func startPostgres(t *testing.T, dir string) *embedded.Postgres {
	t.Helper()
	p, err := embedded.StartPostgres(t.Context(), embedded.PostgresOptions{Dir: dir, Logger: testLogger(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Stop(context.Background()) })
	return p
}

// query runs one statement and returns its one value as text.
func query(ctx context.Context, url, sql string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close(ctx) }()
	var text string
	err = conn.QueryRow(ctx, sql).Scan(&text)
	return text, err
}

func mustQuery(t *testing.T, url, sql string) string {
	t.Helper()
	text, err := query(t.Context(), url, sql)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return text
}

const (
	makeGold = `DO $$ BEGIN CREATE TABLE kept AS SELECT 'gold' AS what; END $$`
	findGold = `SELECT what FROM kept`
)

func putGold(t *testing.T, url string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	if _, err := conn.Exec(t.Context(), makeGold); err != nil {
		t.Fatal(err)
	}
}

func TestPostgresStartsAgain(t *testing.T) {
	t.Parallel()
	dir := sharedDir(t)
	write(t, filepath.Join(dir, "data.new", "half"), "made by a start that was killed")
	began := time.Now()
	first := startPostgres(t, dir)
	t.Logf("first start %s", time.Since(began).Round(time.Millisecond))
	putGold(t, first.URL())
	for setting, want := range map[string]string{
		"max_connections": "200", "synchronous_commit": "on", "fsync": "on", "full_page_writes": "on", "data_checksums": "on",
		"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "shared_buffers": "128MB",
	} {
		if got := mustQuery(t, first.URL(), "SHOW "+setting); got != want {
			t.Errorf("%s is %q, want %q", setting, got, want)
		}
	}
	if st, err := os.Stat(filepath.Join(dir, "password")); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("password file: %v, %v, want mode 0600", st, err)
	}
	if _, err := query(t.Context(), strings.Replace(first.URL(), "athanor:", "athanor:not", 1), "SELECT 'in'"); err == nil {
		t.Error("a wrong password is accepted")
	}
	pid, url := first.PID(), first.URL()
	if err := first.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !gone(pid) {
		t.Errorf("process %d runs after Stop", pid)
	}

	began = time.Now()
	second := startPostgres(t, dir)
	t.Logf("second start %s", time.Since(began).Round(time.Millisecond))
	if second.URL() != url {
		t.Errorf("second start has another URL than the first: %s", second.Addr())
	}
	if got := mustQuery(t, second.URL(), findGold); got != "gold" {
		t.Errorf("found %q, want gold", got)
	}
}

// TestPostgresIsAdopted kills the process that started a server; the server goes on, the next process takes it over, and starts it
// again when it dies in turn.
func TestPostgresIsAdopted(t *testing.T) {
	t.Parallel()
	dir := sharedDir(t)
	before := startParent(t, "postgres", dir)
	putGold(t, before.URL)
	before.kill()
	if got := mustQuery(t, before.URL, findGold); got != "gold" {
		t.Fatalf("the orphan has %q, want gold", got)
	}

	began := time.Now()
	p := startPostgres(t, dir)
	t.Logf("adopted in %s", time.Since(began).Round(time.Millisecond))
	if p.PID() != before.PID || p.URL() != before.URL {
		t.Fatalf("process %d at %s, want the running one, %d at %s", p.PID(), p.URL(), before.PID, before.URL)
	}

	if err := syscall.Kill(p.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	within(t, 30*time.Second, "the adopted server runs again", func() bool { return p.Restarts() == 1 })
	if got := mustQuery(t, before.URL, findGold); got != "gold" {
		t.Errorf("found %q, want gold", got)
	}
}

func TestPostgresRunsAgainAfterKill(t *testing.T) {
	t.Parallel()
	p := startPostgres(t, sharedDir(t))
	putGold(t, p.URL())
	for n := 1; n <= 3; n++ {
		pid, url := p.PID(), p.URL()
		began := time.Now()
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		within(t, 30*time.Second, "the server runs again", func() bool { return p.Restarts() == n })
		t.Logf("runs again after %s", time.Since(began).Round(time.Millisecond))
		if p.PID() == pid || p.URL() != url {
			t.Errorf("process %d at %s, want a new process at %s", p.PID(), p.URL(), url)
		}
		if got := mustQuery(t, url, findGold); got != "gold" {
			t.Errorf("found %q, want gold", got)
		}
	}
}

// TestPostgresStaleNote leaves the note of a killed server behind whose process id now belongs to something else: this test.
func TestPostgresStaleNote(t *testing.T) {
	t.Parallel()
	for name, note := range map[string]string{
		"ProcessIdTaken": strconv.Itoa(os.Getpid()) + "\n%DATA%\n1700000000\n5432\n\n127.0.0.1\n",
		"NoSuchProcess":  "4194304\n%DATA%\n1700000000\n5432\n\n127.0.0.1\n",
		"Empty":          "",
		"Nonsense":       "nonsense",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := sharedDir(t)
			if err := startPostgres(t, dir).Stop(t.Context()); err != nil {
				t.Fatal(err)
			}
			data := filepath.Join(dir, "data")
			write(t, filepath.Join(data, "postmaster.pid"), strings.ReplaceAll(note, "%DATA%", data))
			if st, err := os.Stat(data); err == nil { // as the server itself would have left it
				_ = os.Chown(filepath.Join(data, "postmaster.pid"), int(st.Sys().(*syscall.Stat_t).Uid), -1)
			}
			startPostgres(t, dir)
		})
	}
}

func TestPostgresRefuses(t *testing.T) {
	t.Parallel()
	refuse := func(t *testing.T, opts embedded.PostgresOptions, texts ...string) {
		t.Helper()
		p, err := embedded.StartPostgres(t.Context(), opts)
		if err == nil {
			_ = p.Stop(t.Context())
		}
		wantError(t, err, texts...)
	}
	t.Run("OtherVersion", func(t *testing.T) {
		t.Parallel()
		dir := sharedDir(t)
		if err := startPostgres(t, dir).Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		version := filepath.Join(dir, "data", "PG_VERSION")
		write(t, version, "11\n")
		refuse(t, embedded.PostgresOptions{Dir: dir}, "written by PostgreSQL 11", "postgresql-11", "ATHANOR_PG_BIN", "nothing was changed")
		if got := read(t, version); got != "11\n" {
			t.Errorf("PG_VERSION is %q afterwards", got)
		}
	})
	t.Run("DamagedVersion", func(t *testing.T) {
		t.Parallel()
		dir := sharedDir(t)
		write(t, filepath.Join(dir, "data", "PG_VERSION"), "fifteen\n")
		refuse(t, embedded.PostgresOptions{Dir: dir}, `holds "fifteen"`, "backup")
	})
	t.Run("NoDatabase", func(t *testing.T) {
		t.Parallel()
		dir := sharedDir(t)
		write(t, filepath.Join(dir, "data", "diary.txt"), "mine")
		refuse(t, embedded.PostgresOptions{Dir: dir}, "holds no PostgreSQL database")
		if got := read(t, filepath.Join(dir, "data", "diary.txt")); got != "mine" {
			t.Errorf("the file holds %q afterwards", got)
		}
	})
	t.Run("LostPassword", func(t *testing.T) {
		t.Parallel()
		dir := sharedDir(t)
		if err := startPostgres(t, dir).Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, "password"), "guess")
		refuse(t, embedded.PostgresOptions{Dir: dir}, "the password in", "is refused")
		if err := os.Remove(filepath.Join(dir, "password")); err != nil {
			t.Fatal(err)
		}
		refuse(t, embedded.PostgresOptions{Dir: dir}, "has lost its password file")
	})
	t.Run("TwoProcesses", func(t *testing.T) {
		t.Parallel()
		dir := sharedDir(t)
		other := startParent(t, "postgres", dir)
		t.Cleanup(func() { _ = syscall.Kill(other.PID, syscall.SIGQUIT) })
		_, err := embedded.StartPostgres(t.Context(), embedded.PostgresOptions{Dir: dir})
		var inUse *embedded.InUseError
		if !errors.As(err, &inUse) || inUse.PID != other.pid {
			t.Errorf("error is %v, want one that names process %d", err, other.pid)
		}
	})
	t.Run("NotADirectory", func(t *testing.T) {
		t.Parallel()
		file := filepath.Join(sharedDir(t), "file")
		write(t, file, "")
		refuse(t, embedded.PostgresOptions{Dir: filepath.Join(file, "postgres")}, "make data directory", "not a directory")
	})
	t.Run("PortTaken", func(t *testing.T) {
		t.Parallel()
		b, err := embedded.StartBroker(embedded.BrokerOptions{Addr: "127.0.0.1:0"})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = b.Stop() }()
		port, _ := strconv.Atoi(b.Addr()[strings.LastIndexByte(b.Addr(), ':')+1:])
		refuse(t, embedded.PostgresOptions{Dir: sharedDir(t), Port: port}, "could not create any TCP/IP sockets")
	})
	t.Run("NoBinaries", func(t *testing.T) {
		t.Parallel()
		refuse(t, embedded.PostgresOptions{Dir: sharedDir(t), BinDir: "/nowhere"}, "/nowhere", "ATHANOR_PG_BIN")
	})
	t.Run("TooOld", func(t *testing.T) {
		t.Parallel()
		refuse(t, embedded.PostgresOptions{Dir: sharedDir(t), BinDir: fakePostgres(t, "9.6.1", "exit 0")}, "too old", "apt-get install postgresql")
	})
	t.Run("DiskFull", func(t *testing.T) {
		t.Parallel()
		dir := sharedDir(t)
		bin := fakePostgres(t, "15.4", `echo "initdb: error: could not write file: No space left on device" >&2; exit 1`)
		refuse(t, embedded.PostgresOptions{Dir: dir, BinDir: bin}, "initdb", "No space left on device")
		for _, name := range []string{"data", "data.new"} {
			if _, err := os.Stat(filepath.Join(dir, name)); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%s is left behind: %v", name, err)
			}
		}
		startPostgres(t, dir) // when there is space again
	})
	t.Run("NeverAnswers", func(t *testing.T) {
		t.Parallel()
		dir := sharedDir(t)
		if err := startPostgres(t, dir).Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		major := strings.TrimSpace(read(t, filepath.Join(dir, "data", "PG_VERSION")))
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		_, err := embedded.StartPostgres(ctx, embedded.PostgresOptions{Dir: dir, BinDir: fakePostgres(t, major+".0", "")})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error is %v, want that the time is over", err)
		}
	})
}

// fakePostgres makes a directory of programs that say they are a version of PostgreSQL; initdb does what the script says, and the
// server never answers.
func fakePostgres(t *testing.T, version, initdb string) string {
	t.Helper()
	dir := sharedDir(t)
	write(t, filepath.Join(dir, "initdb"), "#!/bin/sh\n"+initdb+"\n")
	write(t, filepath.Join(dir, "postgres"), "#!/bin/sh\n[ \"$1\" = --version ] && echo 'postgres (PostgreSQL) "+version+"' && exit\nexec sleep 60\n")
	return dir
}
