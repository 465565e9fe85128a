package e2e_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/athanor-lab/athanor/lab"
)

// write makes a file of a test and returns its path.
func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestPlannerAnswersWithoutALaboratory asks for suggestions from a document and
// a spreadsheet, twice, and wants one answer; and a mistake told by its place.
func TestPlannerAnswersWithoutALaboratory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	doc := "../../examples/campaigns/01-reaction-yield.yaml"
	data := write(t, dir, "so-far.csv", "base,temperature [Cel],concentration,cosolvent,yield\nKOAc,90,0.1,0.5,22\nCsOPiv,105,0.2,0.4,61\nKOPiv,120,0.3,0.1,35\n")
	first := mustCommand(t, "", "plan", "suggest", doc, "--data", data, "-n", "3", "--json")
	if again := mustCommand(t, "", "plan", "suggest", doc, "--data", data, "-n", "3", "--json"); again != first {
		t.Error("the same question was answered twice in two ways")
	}
	var plan lab.Plan
	if err := json.Unmarshal([]byte(first), &plan); err != nil || len(plan.Proposals) != 3 || plan.Proposals[0].Number != 4 || plan.Proposals[0].Reason == "" {
		t.Errorf("the plan is %+v (%v), want three proposals from number 4 on, with reasons", plan, err)
	}
	wrong := write(t, dir, "wrong.csv", "base,temperature,concentration,cosolvent,yield\nKOAc,hot,0.1,0.5,22\n")
	if _, errs, status := command(t, "", "plan", "suggest", doc, "--data", wrong); status != 3 || !strings.Contains(errs, "wrong.csv") || !strings.Contains(errs, "temperature") {
		t.Errorf("a mistake ended with status %d: %s", status, errs)
	}
}

// TestTableBecomesASnapshot imports a table, whose every cell has a fate, and
// takes it to a verified Parquet export, twice to the same bytes; a byte changed
// is found.
func TestTableBecomesASnapshot(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	table := write(t, dir, "yields.csv", "temperature [Cel],time [h],yield [g]\n90,1,2.2\n100,2,3.1\n110,1,4.9\n120,3,4.1\n")
	var report struct {
		Dir   string
		Cells map[string]int
		Rows  struct{ All, Imported, Quarantined int }
	}
	out := mustCommand(t, "", "dataset", "import", table, "-o", filepath.Join(dir, "imports"), "--json")
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	if report.Rows.Imported != 4 || report.Rows.Quarantined != 0 {
		t.Errorf("%d rows were imported and %d held back, want 4 and none:\n%s", report.Rows.Imported, report.Rows.Quarantined, out)
	}
	snap := mustCommand(t, "", "dataset", "snapshot", report.Dir, "-o", filepath.Join(dir, "snapshots"))
	if again := mustCommand(t, "", "dataset", "snapshot", report.Dir, "-o", filepath.Join(dir, "snapshots")); again != snap {
		t.Errorf("the same rows are snapshot %s and %s", snap, again)
	}
	one, two := filepath.Join(dir, "one"), filepath.Join(dir, "two")
	for _, to := range []string{one, two} {
		mustCommand(t, "", "dataset", "export", snap, "--format", "parquet", "-o", to)
		mustCommand(t, "", "dataset", "verify", to)
	}
	a, err := os.ReadFile(filepath.Join(one, "campaigns", "rows.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(two, "campaigns", "rows.parquet"))
	if err != nil || string(a) != string(b) {
		t.Errorf("two exports of one snapshot differ (%v)", err)
	}
	a[len(a)/2] ^= 1
	if err := os.WriteFile(filepath.Join(one, "campaigns", "rows.parquet"), a, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, errs, status := command(t, "", "dataset", "verify", one); status == 0 || !strings.Contains(errs, "rows.parquet") {
		t.Errorf("a changed byte ended with status %d: %s", status, errs)
	}
}

// TestPapersAreRanked ranks papers of two files for a question.
func TestPapersAreRanked(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	bib := write(t, dir, "a.bib", "@article{x, title={Ligand effects in palladium catalysed direct arylation}, author={Doe, Jane}, year={2020}, abstract={Yields of direct arylation of imidazoles depend on base and ligand.}}\n@article{y, title={Sleep in honey bees}, author={Roe, Richard}, year={2019}, abstract={Bees sleep at night.}}\n")
	ris := write(t, dir, "b.ris", "TY  - JOUR\nTI  - Carboxylate bases in C-H arylation\nAB  - Pivalate accelerates palladium catalysed arylation.\nPY  - 2018\nER  -\n")
	out := mustCommand(t, "", "literature", "rank", "palladium direct arylation base", bib, ris, "--json")
	var list []struct{ Title string }
	if err := json.Unmarshal([]byte(out), &list); err != nil || len(list) < 2 || !strings.HasPrefix(list[0].Title, "Ligand effects") || strings.Contains(list[1].Title, "bees") {
		t.Errorf("the ranking is %s (%v)", out, err)
	}
}
