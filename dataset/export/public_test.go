package export_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/athanor-lab/athanor/dataset/datasettest"
	"github.com/athanor-lab/athanor/dataset/export"
)

// TestPublicTools has the tools that people use read every format: datasets,
// pyarrow, polars, mlcroissant and rocrate-validator, each at a pinned version.
// scripts/validators installs them and runs this test.
func TestPublicTools(t *testing.T) {
	t.Parallel()
	python := datasettest.PublicTools(t)
	s := freeze(t, archive(t, 3, 60))
	dir := t.TempDir()
	for _, format := range export.Formats {
		if _, err := export.Write(s, format, filepath.Join(dir, format), export.Options{}); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), python, "testdata/validate.py", dir)
	cmd.Env = append(os.Environ(), "HF_HOME="+t.TempDir(), "HF_HUB_OFFLINE=1", "HF_DATASETS_OFFLINE=1")
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
}
