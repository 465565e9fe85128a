//go:build unix

package sdk

import (
	"path/filepath"
	"syscall"
	"testing"
)

// TestClosedJournalIsFree closes a journal while a copy of its open file is
// still there, as one is in a program between its fork and its exec.
func TestClosedJournalIsFree(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	d := written(t, path)
	copied, err := syscall.Dup(int(d.journal.file.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(copied)
	if err := d.journal.rewrite(d.snapshot()); err != nil {
		t.Fatal(err)
	}
	again, err := syscall.Dup(int(d.journal.file.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(again)
	if err := d.journal.close(errShutdown); err != nil {
		t.Fatal(err)
	}
	if next := written(t, path); next.boot != 2 {
		t.Errorf("boot = %d; want 2", next.boot)
	}
}
