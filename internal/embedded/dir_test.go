package embedded_test

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"github.com/athanor-lab/athanor/internal/embedded"
)

func TestLockDir(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "made", "when absent")
	release, err := embedded.LockDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	_, err = embedded.LockDir(dir)
	var inUse *embedded.InUseError
	if !errors.As(err, &inUse) || inUse.PID != os.Getpid() || inUse.Dir != dir {
		t.Errorf("second lock: %v, want one that names process %d", err, os.Getpid())
	}
	wantError(t, err, dir, "is in use by process "+strconv.Itoa(os.Getpid()), "choose another directory")
	release()

	other := startParent(t, "lock", dir)
	_, err = embedded.LockDir(dir)
	wantError(t, err, "is in use by process "+strconv.Itoa(other.pid))
	other.kill()
	release, err = embedded.LockDir(dir)
	if err != nil {
		t.Fatalf("the owner was killed: %v", err)
	}
	release()
}

func TestCheckFormat(t *testing.T) {
	t.Parallel()
	t.Run("New", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		release, err := embedded.LockDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer release()
		for range 2 {
			if err := embedded.CheckFormat(dir); err != nil {
				t.Fatal(err)
			}
		}
		if got := read(t, filepath.Join(dir, "format")); got != "1\n" {
			t.Errorf("format file holds %q, want \"1\\n\"", got)
		}
	})
	for name, x := range map[string]struct{ file, body, want string }{
		"Later":     {"format", "2\n", `has format "2", this program knows format "1"`},
		"Empty":     {"format", "", `has format ""`},
		"NotOurs":   {"thesis.tex", "", `holds "thesis.tex" but no "format" file`},
		"NotAFile":  {"format/x", "", "read format of data directory"},
		"OldServer": {"postgres/data/PG_VERSION", "15", `holds "postgres" but no "format" file`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write(t, filepath.Join(dir, x.file), x.body)
			wantError(t, embedded.CheckFormat(dir), x.want)
			if got := read(t, filepath.Join(dir, x.file)); got != x.body {
				t.Errorf("the file holds %q afterwards", got)
			}
		})
	}
}

func TestChoosePort(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, err := embedded.ChoosePort(dir, "broker", 0)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := embedded.ChoosePort(dir, "broker", 0); again != first || err != nil {
		t.Errorf("second choice is %d, %v, want the remembered %d", again, err, first)
	}
	l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(first))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	second, err := embedded.ChoosePort(dir, "broker", first)
	if err != nil || second == first {
		t.Errorf("choice is %d, %v, want another than %d, which is taken", second, err, first)
	}
	if got := read(t, filepath.Join(dir, "ports", "broker")); got != strconv.Itoa(second)+"\n" {
		t.Errorf("remembered %q, want %d", got, second)
	}
	free, err := embedded.ChoosePort(t.TempDir(), "probe", 0)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := embedded.ChoosePort(dir, "http", free); got != free || err != nil {
		t.Errorf("choice is %d, %v, want the preferred %d", got, err, free)
	}
	write(t, filepath.Join(dir, "ports", "http"), "eighty\n")
	_, err = embedded.ChoosePort(dir, "http", 0)
	wantError(t, err, `holds "eighty"`, "correct the file or remove it")
}

// TestLockDirWhileStarting takes and releases a directory while other programs are being started: each has copies of our open files
// between its fork and its exec, and must not keep the directory reserved by them.
func TestLockDirWhileStarting(t *testing.T) {
	t.Parallel()
	done := make(chan struct{})
	var starters sync.WaitGroup
	for range 4 {
		starters.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					_ = exec.Command(os.Args[0], "-test.run=^$").Run()
				}
			}
		})
	}
	defer starters.Wait()
	defer close(done)
	dir := t.TempDir()
	for n := range 2000 {
		release, err := embedded.LockDir(dir)
		if err != nil {
			t.Fatalf("after %d: %v", n, err)
		}
		release()
	}
}
