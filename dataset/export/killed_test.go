package export_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/athanor-lab/athanor/dataset/export"
	"github.com/athanor-lab/athanor/dataset/snapshot"
	"github.com/athanor-lab/athanor/lab"
)

// TestKilledExportLeavesNone kills a process at an export. Nothing is where the
// export goes, and the next try writes it whole.
func TestKilledExportLeavesNone(t *testing.T) {
	t.Parallel()
	if from := os.Getenv("ATHANOR_TEST_EXPORT"); from != "" { // the process that is killed
		s, err := snapshot.Open(from)
		if err != nil {
			t.Fatal(err)
		}
		_, err = export.Write(s, "csv", os.Getenv("ATHANOR_TEST_EXPORT_TO"), export.Options{Progress: func(int) {
			os.Stdout.WriteString("at it\n")
			select {}
		}})
		t.Fatalf("it ended: %v", err)
	}
	s := freeze(t, archive(t, 2, 501)) // progress is told every thousand
	parent := t.TempDir()
	to := filepath.Join(parent, "out")
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilledExportLeavesNone$")
	child.Env = append(os.Environ(), "ATHANOR_TEST_EXPORT="+s.Dir, "ATHANOR_TEST_EXPORT_TO="+to)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "at it\n" {
		t.Fatalf("the process says %q, %v", line, err)
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := child.Wait(); err == nil {
		t.Fatal("the process was not killed")
	}
	if _, err := os.Stat(to); !os.IsNotExist(err) {
		t.Errorf("a killed export has left a folder: %v", err)
	}
	if left, err := os.ReadDir(parent); err != nil || len(left) != 1 {
		t.Errorf("beside it is %v, %v; want what was being written", left, err)
	}
	if _, err := export.Write(s, "csv", to, export.Options{}); err != nil {
		t.Fatal(err)
	}
	if _, err := snapshot.Verify(to); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(parent); err != nil || len(left) != 1 || left[0].Name() != "out" {
		t.Errorf("after the next export there is %v, %v; want it alone", left, err)
	}
}

// TestExportTakesNobodysPlace wants a file, or a folder of somebody's own, left as
// it is, and an error that names it.
func TestExportTakesNobodysPlace(t *testing.T) {
	t.Parallel()
	s := freeze(t, archive(t, 1, 3))
	dir := t.TempDir()
	for _, name := range []string{"file", "mine.part/letter"} {
		full := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte("mine"), 0o644); err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(dir, map[string]string{"file": "file", "mine.part/letter": "mine"}[name])
		if _, err := export.Write(s, "csv", to, export.Options{}); lab.KindOf(err) != lab.Conflict {
			t.Errorf("an export to %s: %v; want conflict", to, err)
		}
		if b, err := os.ReadFile(full); err != nil || string(b) != "mine" {
			t.Errorf("%s is %q, %v after an export that was refused", full, b, err)
		}
	}
}
