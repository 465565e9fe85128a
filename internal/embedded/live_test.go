package embedded_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/athanor-lab/athanor/internal/embedded"
)

// TestRunningGivesItsBackup asks a laboratory for its backup, whole and with the
// error that it had, and wants the way there closed to others.
func TestRunningGivesItsBackup(t *testing.T) {
	t.Parallel()
	dir, inUse := t.TempDir(), errors.New("in use")
	if _, err := embedded.BackupRunning(t.Context(), dir, io.Discard, inUse); !errors.Is(err, inUse) {
		t.Errorf("one that offers none: %v", err)
	}
	body := bytes.Repeat([]byte("0123456789"), 100_000)
	var broken error
	stop, err := embedded.OfferBackups(dir, func(_ context.Context, w io.Writer) (embedded.Index, error) {
		_, err := w.Write(body)
		return embedded.Index{Files: 7}, errors.Join(err, broken)
	})
	if err != nil {
		t.Fatal(err)
	}
	path, err := os.ReadFile(filepath.Join(dir, "backups"))
	if err != nil {
		t.Fatal(err)
	}
	if st, err := os.Stat(filepath.Dir(strings.TrimSpace(string(path)))); err != nil || st.Mode().Perm() != 0o700 {
		t.Errorf("the socket's folder has the mode %v, want 0700: %v", st.Mode(), err)
	}
	for _, broken = range []error{nil, errors.New("the disk is full")} {
		var got bytes.Buffer
		x, err := embedded.BackupRunning(t.Context(), dir, &got, inUse)
		if x.Files != 7 || !bytes.Equal(got.Bytes(), body) {
			t.Errorf("%d files and %d bytes came, want 7 and %d", x.Files, got.Len(), len(body))
		}
		if (err == nil) != (broken == nil) || broken != nil && err.Error() != broken.Error() {
			t.Errorf("its error is %v, want %v", err, broken)
		}
	}
	stop()
	if _, err := embedded.BackupRunning(t.Context(), dir, io.Discard, inUse); !errors.Is(err, inUse) {
		t.Errorf("after its end: %v", err)
	}
}

// TestFrozenGoOn stops a process that writes without pause, and wants it to write
// nothing until it goes on.
func TestFrozenGoOn(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "f")
	cmd := exec.Command("/bin/sh", "-c", `while :; do echo x >> "$0"; done`, file)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	size := func() int64 {
		st, err := os.Stat(file)
		if err != nil {
			return 0
		}
		return st.Size()
	}
	grows := func(than int64) {
		t.Helper()
		for until := time.Now().Add(20 * time.Second); size() <= than; time.Sleep(time.Millisecond) {
			if time.Now().After(until) {
				t.Fatal("it writes nothing")
			}
		}
	}
	grows(0)
	thaw, err := embedded.Freeze(t.Context(), []int{cmd.Process.Pid})
	if err != nil {
		t.Fatal(err)
	}
	stood := size()
	time.Sleep(50 * time.Millisecond)
	if now := size(); now != stood {
		t.Errorf("it wrote %d bytes while it stood still", now-stood)
	}
	thaw()
	grows(stood)
}
