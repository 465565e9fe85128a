//go:build unix

package world

import (
	"syscall"
	"testing"
)

// TestClosedWorldIsFree closes a world while a copy of its open file is still
// there, as one is in a program between its fork and its exec.
func TestClosedWorldIsFree(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w, err := Open(dir, 1)
	if err != nil {
		t.Fatal(err)
	}
	copied, err := syscall.Dup(int(w.file.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(copied)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if w, err = Open(dir, 1); err != nil {
		t.Fatalf("open the world that was closed: %v", err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
}
