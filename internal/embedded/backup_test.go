package embedded_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/athanor-lab/athanor/internal/embedded"
)

// home makes a data directory with files as a laboratory leaves them.
func home(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	release, err := embedded.LockDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := embedded.CheckFormat(dir); err != nil {
		t.Fatal(err)
	}
	release()
	for name, mode := range map[string]os.FileMode{"postgres/data/base/1": 0o600, "temporal/temporal.db": 0o600, "sim/journals/a": 0o644, "sim/empty": 0o600} {
		full := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte("of "+name), mode); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestBackupComesBack(t *testing.T) {
	t.Parallel()
	dir := home(t)
	var b bytes.Buffer
	x, err := embedded.Backup(t.Context(), dir, &b)
	if err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "restored")
	y, err := embedded.Restore(t.Context(), bytes.NewReader(b.Bytes()), to, "")
	if err != nil {
		t.Fatal(err)
	}
	if was, err := embedded.WasRestored(to); err != nil || !was {
		t.Errorf("a restored directory says that it was: %t, %v", was, err)
	}
	if err := embedded.Reconciled(to); err != nil {
		t.Error(err)
	}
	for _, dir := range []string{dir, to} {
		if was, err := embedded.WasRestored(dir); err != nil || was {
			t.Errorf("%s says that it was restored: %t, %v", dir, was, err)
		}
	}
	if x.Files != 5 || y.Files != x.Files { // the four and the format
		t.Errorf("%d files were backed up and %d restored, want 5", x.Files, y.Files)
	}
	for name := range x.Sums {
		want, err1 := os.ReadFile(filepath.Join(dir, name))
		got, err2 := os.ReadFile(filepath.Join(to, name))
		a, err3 := os.Stat(filepath.Join(dir, name))
		b, err4 := os.Stat(filepath.Join(to, name))
		if err1 != nil || err2 != nil || err3 != nil || err4 != nil || !bytes.Equal(want, got) || a.Mode() != b.Mode() {
			t.Errorf("%s did not come back as it was: %v %v %v %v", name, err1, err2, err3, err4)
		}
	}
	if _, err := embedded.Restore(t.Context(), bytes.NewReader(b.Bytes()), to, ""); err == nil {
		t.Error("a directory that is not empty was restored into")
	}
}

// TestDamagedBackupsLeaveNothing cuts and changes a backup at many places and
// wants every one refused, with no directory left.
func TestDamagedBackupsLeaveNothing(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if _, err := embedded.Backup(t.Context(), home(t), &b); err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	for i := 0; i < b.Len(); i += max(1, b.Len()/40) {
		spoilt := bytes.Clone(b.Bytes())
		spoilt[i] ^= 0x40
		for _, damaged := range [][]byte{b.Bytes()[:i], spoilt} {
			dir := filepath.Join(root, "x")
			if _, err := embedded.Restore(t.Context(), bytes.NewReader(damaged), dir, ""); err == nil {
				// A bit that changes nothing of what is restored may pass, as one of a time.
				if err := os.RemoveAll(dir); err != nil {
					t.Fatal(err)
				}
				if len(damaged) < b.Len() {
					t.Errorf("a backup cut after %d of %d bytes was restored", i, b.Len())
				}
			}
			if left, _ := os.ReadDir(root); len(left) > 0 {
				t.Fatalf("a damaged backup left %v", left)
			}
		}
	}
}

func TestBackupRefusesWhatRuns(t *testing.T) {
	t.Parallel()
	dir := home(t)
	release, err := embedded.LockDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	if _, err := embedded.Backup(t.Context(), dir, &bytes.Buffer{}); err == nil {
		t.Error("a laboratory that runs was backed up")
	}
	if _, err := embedded.Backup(t.Context(), t.TempDir(), &bytes.Buffer{}); err == nil {
		t.Error("a directory that is none of Athanor's was backed up")
	}
}
