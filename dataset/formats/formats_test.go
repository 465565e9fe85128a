package formats_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/athanor-lab/athanor/dataset/formats"
	"github.com/athanor-lab/athanor/dataset/importer"
	"github.com/athanor-lab/athanor/dataset/tabular"
	"github.com/athanor-lab/athanor/lab"
)

// TestRealFiles imports every published file of every format, each of its
// tables, confirmed or not, and wants the ledger to account for every cell, or
// a refusal that says why.
func TestRealFiles(t *testing.T) {
	t.Parallel()
	data := os.Getenv("ATHANOR_DATA")
	if data == "" {
		t.Skip("not run: ATHANOR_DATA is not set")
	}
	files, err := filepath.Glob(filepath.Join(data, "import", "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	read, refused := 0, 0
	var cells, held int64
	for _, file := range files {
		if base := filepath.Base(file); base == "README.md" || strings.HasSuffix(base, ".proto") || strings.HasSuffix(base, "description.txt") || base == "DX-DIR.TXT" {
			continue
		}
		s, err := formats.Open(file, tabular.Options{})
		if err != nil {
			refused++
			if lab.KindOf(err) != lab.Invalid {
				t.Errorf("%s: %v, want an invalid one", filepath.Base(file), err)
			}
			t.Logf("%s is refused: %v", filepath.Base(file), err)
			continue
		}
		read++
		for i, table := range s.Tables {
			if table.Layout.Width == 0 || i > 8 {
				continue
			}
			report, err := importer.File(importer.Job{Path: file, Open: formats.Open, Sheet: table.Name, Dir: t.TempDir()})
			if err == nil {
				_, err = importer.Verify(report.Dir, formats.Open)
			}
			if err != nil {
				t.Errorf("%s, table %q: %v", filepath.Base(file), table.Name, err)
				continue
			}
			cells, held = cells+report.Cells.All, held+report.Cells.Quarantined
			t.Logf("%-40.40s %-24.24q rows %5d held %5d; %s", filepath.Base(file), table.Name, report.Rows.Imported, report.Rows.Quarantined, report.Summary)
			for k, f := range report.Faults {
				if k < 3 && testing.Verbose() {
					t.Logf("    %d× %s column %d (%s) %.60q: %s", f.Alike, f.Code, f.Column, f.Header, f.Text, f.Why)
				}
			}
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	t.Logf("%d files read, %d refused; %d cells, %d of them held back", read, refused, cells, held)
	if read < 85 || refused > 2 {
		t.Errorf("%d files were read and %d refused", read, refused)
	}
}
