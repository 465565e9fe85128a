package bench_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/literature/bench"
	"github.com/athanor-lab/athanor/planner"
)

// catalysts writes a table of materials that all like about the same conditions,
// with columns that are no condition and one that is no outcome, and papers on
// something else.
func catalysts(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	var table, off bytes.Buffer
	table.WriteString("sample,batch,heat,flow,conversion,turnover\n")
	for m := range 7 {
		for h := range 16 {
			for f := range 16 {
				y := 50 - math.Pow(float64(h-11)-0.1*float64(m), 2) - math.Pow(float64(f-4), 2)
				fmt.Fprintf(&table, "Ab%d/SiO2,%d,%d,%d,%.3f,%.4f\n", m, m, 300+50*h, f, 10+float64(m)+math.Mod(7.3*float64(h*f+m), 5), y)
			}
		}
	}
	for i := range 30 {
		fmt.Fprintf(&off, `{"_id":"%d","title":"Wards of hospital %d","text":"Patients of a ward were observed for %d days."}`+"\n", i, i, i+3)
	}
	for name, b := range map[string][]byte{"planner-lookup/made.csv.gz": table.Bytes(), "scifact/corpus.jsonl.gz": off.Bytes()} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		var z bytes.Buffer
		w := gzip.NewWriter(&z)
		if _, err := w.Write(b); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, z.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "planner-lookup", "README.md"), []byte("made.csv.gz: 7 materials, target turnover\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestReadingSavesExperiments counts on a table that it takes apart by its form, and
// wants good papers to save what they should, read from sentences too.
func TestReadingSavesExperiments(t *testing.T) {
	t.Parallel()
	r, err := bench.Count(t.Context(), bench.Options{Data: catalysts(t), Campaigns: 3, Planner: planner.New(planner.Options{})})
	if err != nil {
		t.Fatal(err)
	}
	s, ok := r.Tables["made"]
	if !ok || s.Materials != 7 || s.Campaigns != 21 {
		t.Fatalf("counted %+v; want 21 campaigns on 7 materials", r)
	}
	for name, got := range map[string]*float64{"random": s.RandomPapers, "ranked": s.RankedPapers, "off topic": s.OffTopic, "from prose": s.FromProse} {
		if got == nil || !(*got < 0.7**s.None) {
			t.Errorf("with %s papers %v experiments, without any %g; want less than 0.7 of that", name, deref(got), *s.None)
		}
	}
}

// stubborn proposes what is not in the table.
type stubborn struct{}

// Propose implements [bench.Proposer].
func (stubborn) Propose(_ context.Context, b lab.Brief) (lab.Plan, error) {
	return lab.Plan{Proposals: []lab.Proposal{{Settings: []lab.Setting{{Name: "heat", Value: lab.Number(-1)}}}}}, nil
}

// TestPlannerOutsideTheTableIsTold wants an error, not a count.
func TestPlannerOutsideTheTableIsTold(t *testing.T) {
	t.Parallel()
	if _, err := bench.Count(t.Context(), bench.Options{Data: catalysts(t), Campaigns: 1, Planner: stubborn{}}); err == nil {
		t.Error("a proposal that is not in the table was counted")
	}
}
