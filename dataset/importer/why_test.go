package importer_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/athanor-lab/athanor/dataset/importer"
	"github.com/athanor-lab/athanor/dataset/importtest"
	"github.com/athanor-lab/athanor/lab"
)

// TestWhy walks from rows of a kept import, one imported, one corrected and one
// held back, to the bytes of their file.
func TestWhy(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "runs.csv")
	if err := os.WriteFile(path, []byte(importtest.Runs), 0o600); err != nil {
		t.Fatal(err)
	}
	m := imports(t, importtest.Runs, nil).mapping
	if err := m.Answer(importer.Answers{Units: []string{"yield=%"}}); err != nil {
		t.Fatal(err)
	}
	r, err := importer.File(importer.Job{Path: path, Mapping: &m, Dir: filepath.Join(dir, "imports")})
	if err != nil {
		t.Fatal(err)
	}
	edited := filepath.Join(dir, "edited.jsonl")
	held, err := os.ReadFile(filepath.Join(r.Dir, "quarantine.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(edited, []byte(strings.Replace(string(held), `"texts":["a3","DMF","100","much"`, `"texts":["a3","DMF","100","58.5"`, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if done, err := importer.ReplayDir(r.Dir, edited); err != nil || done.Imported != 1 {
		t.Fatalf("%d rows were corrected, want 1: %v", done.Imported, err)
	}
	for row, want := range map[int][]string{
		2: {`column 4 "yield (%)", byte `, `"41.25" → objective yield = 41.25 % (unit from mapping)`, `"90.5" → parameter temperature = 90.5 Cel (unit from header)`, r.SHA256, r.Import, r.Mapping, "runs.csv, row 2, byte "},
		4: {`"much", corrected to "58.5", → objective yield = 58.5 %`},
		6: {"is held back", "width: "},
	} {
		w, err := importer.ExplainDir(filepath.Join(dir, "imports"), importer.RowID(r.Import, row), nil)
		if err != nil {
			t.Fatalf("row %d: %v", row, err)
		}
		var b strings.Builder
		if err := w.Tell(&b); err != nil {
			t.Fatal(err)
		}
		for _, s := range want {
			if !strings.Contains(b.String(), s) {
				t.Errorf("row %d: %q is not in\n%s", row, s, b.String())
			}
		}
		for _, c := range w.Cells {
			if c.Offset >= 0 && !strings.HasPrefix(importtest.Runs[c.Offset:], c.Text) {
				t.Errorf("row %d, column %d: %q is not at byte %d of the file", row, c.Column, c.Text, c.Offset)
			}
		}
	}
	for _, row := range []int{1, 99} {
		if _, err := importer.ExplainDir(filepath.Join(dir, "imports"), importer.RowID(r.Import, row), nil); lab.KindOf(err) != lab.NotFound {
			t.Errorf("row %d was found: %v", row, err)
		}
	}
	if err := os.WriteFile(filepath.Join(r.Dir, "source.csv"), []byte(strings.Replace(importtest.Runs, "41.25", "41.26", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := importer.ExplainDir(r.Dir, importer.RowID(r.Import, 2), nil); lab.KindOf(err) != lab.Conflict {
		t.Errorf("another file explains the row: %v", err)
	}
}
