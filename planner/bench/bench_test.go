package bench_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/planner"
	"github.com/athanor-lab/athanor/planner/bench"
)

// write makes a directory with one table: y = x - 5 |x - 7| plus a bonus of the
// level, each point twice with a spread, smaller is better for the negative.
func write(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	set := filepath.Join(dir, "made")
	if err := os.MkdirAll(filepath.Join(set, "raw"), 0o755); err != nil {
		t.Fatal(err)
	}
	files := map[string]string{
		"space.json": `{"name": "made", "parameters": [
			{"name": "level", "type": "categorical", "levels": ["a", "b", "c"]},
			{"name": "x", "type": "discrete", "low": 0, "high": 19, "levels": [0, 1, 2]}],
			"objectives": [{"name": "loss", "direction": "min"}], "descriptors": {"level": "raw/levels.csv"}}`,
		"raw/levels.csv":   "mass,smiles,name\n1.5,A,x\n2,B,y\n7,C,z\n",
		"level_smiles.csv": "level,smiles\na,A\nb,B\nc,C\n",
	}
	var rows strings.Builder
	rows.WriteString("x,level,loss\n")
	for x := range 20 {
		for k, l := range []string{"a", "b", "c"} {
			y := math.Abs(float64(x)-13) + 3*float64(k)
			fmt.Fprintf(&rows, "%d,%s,%g\n%d,%s,%g\n", x, l, y-0.25, x, l, y+0.25)
		}
	}
	files["table.csv"] = rows.String()
	for name, body := range files {
		if err := os.WriteFile(filepath.Join(set, name), []byte(body), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestLoadAveragesReplicates(t *testing.T) {
	t.Parallel()
	tables, err := bench.Tables(write(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	table := tables[0]
	if len(tables) != 1 || len(table.Value) != 60 || table.Objectives[0].Direction != lab.Minimize {
		t.Fatalf("%d tables, %d points, %s; want 1, 60, minimize", len(tables), len(table.Value), table.Objectives[0].Direction)
	}
	// The 40th row and the one after it are x = 13, level a.
	if got := table.Value[39]; got != 0 {
		t.Errorf("mean at %v = %g, want 0", table.Settings[39], got)
	}
	if got := fmt.Sprint(table.Space.Parameters[0].DescriptorValues); got != "[[1.5] [2] [7]]" {
		t.Errorf("descriptors %s, want the masses", got)
	}
}

// TestRandomSearchScoresOne compares the random strategy with the area that is
// worked out for it.
func TestRandomSearchScoresOne(t *testing.T) {
	t.Parallel()
	r, err := bench.Run(context.Background(), planner.New(planner.Options{}), bench.Options{Data: write(t), Seeds: 300, Strategy: "random"})
	if err != nil {
		t.Fatal(err)
	}
	s := r.Sets["made"]
	if math.Abs(s.RelativeArea-1) > 4*s.StandardError || s.StandardError > 0.1 {
		t.Errorf("relative area of random search = %.3f ± %.3f, want 1", s.RelativeArea, s.StandardError)
	}
	if math.Abs(s.ToTop5-s.RandomToTop5) > 1.5 {
		t.Errorf("random search takes %.2f evaluations to the top 5 %%, expected %.2f", s.ToTop5, s.RandomToTop5)
	}
}

// TestModelBeatsRandom runs the planner itself and reads the keys of its result.
func TestModelBeatsRandom(t *testing.T) {
	t.Parallel()
	r, err := bench.Run(context.Background(), planner.New(planner.Options{}), bench.Options{Data: write(t), Seeds: 5, Sets: []string{"made"}, Batch: 2})
	if err != nil {
		t.Fatal(err)
	}
	if r.MeanRelativeArea > 0.6 || r.Sets["made"].ToTop5 > r.Sets["made"].RandomToTop5 {
		t.Errorf("result %+v, want a relative area under 0.6 and fewer evaluations than random", r)
	}
	body, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{`"mean_relative_area"`, `"relative_area"`, `"evaluations_to_top1pct"`, `"evaluations_to_top5pct"`, `"suggest_ms":{"p50"`, `"p95"`, `"rss_mb"`} {
		if !strings.Contains(string(body), key) {
			t.Errorf("the result's JSON has no %s: %s", key, body)
		}
	}
}

func TestMissingTablesAreNamed(t *testing.T) {
	t.Parallel()
	_, err := bench.Tables(t.TempDir(), nil)
	if lab.KindOf(err) != lab.NotFound {
		t.Errorf("an empty directory: error %v, want not_found", err)
	}
	if _, err := bench.Tables(write(t), []string{"none"}); err == nil || !strings.Contains(err.Error(), "none") {
		t.Errorf("a folder that is not there: error %v, want its name", err)
	}
}

// TestRealTables runs very short campaigns over the tables of a directory that
// is not part of the project.
func TestRealTables(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("ATHANOR_DATA")
	if dir == "" {
		t.Skip("not run: ATHANOR_DATA is not set")
	}
	r, err := bench.Run(context.Background(), planner.New(planner.Options{}), bench.Options{Data: filepath.Join(dir, "optimisation"), Seeds: 2, Budget: 12, Progress: t.Logf})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Sets) == 0 {
		t.Fatal("no sets were run")
	}
	for name, set := range r.Sets {
		if len(set.Areas) != 2 || math.IsNaN(set.RelativeArea) || set.RelativeArea < 0 {
			t.Errorf("%s: areas %v, relative %v; want two and a number", name, set.Areas, set.RelativeArea)
		}
	}
}
