package bench_test

import (
	"context"
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

// bare makes a table whose description leaves out whatever it can, whose second
// objective has gaps and whose names say nothing.
func bare(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "t01"), 0o755); err != nil {
		t.Fatal(err)
	}
	var rows strings.Builder
	rows.WriteString("\ufeffy2,p1,note,p2,p3,y1\n")
	for i := range 60 {
		x := float64(i % 10)
		second := fmt.Sprint(x)
		if i%7 == 0 {
			second = ""
		}
		first := fmt.Sprint(-(x - 3) * (x - 3))
		if i == 59 {
			first = "NaN"
		}
		fmt.Fprintf(&rows, "%s,%g,x,%d.0,%c,%s\n", second, x, i/10, 'a'+rune(i%3), first)
	}
	files := map[string]string{
		"space.json": `{"parameters": [{"name": "p1", "type": "continuous"}, {"name": "p2", "type": "discrete"}, {"name": "p3", "type": "categorical"}],
			"objectives": [{"name": "y1", "direction": "maximize"}, {"name": "y2", "direction": "minimize"}], "descriptors": {"p3": "none.csv"}}`,
		"table.csv": rows.String(),
	}
	for name, body := range files {
		if err := os.WriteFile(filepath.Join(dir, "t01", name), []byte(body), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestBareTablesAreRead wants bounds and levels from the rows themselves.
func TestBareTablesAreRead(t *testing.T) {
	t.Parallel()
	tables, err := bench.Tables(bare(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	table := tables[0]
	p := table.Space.Parameters
	if *p[0].Min != 0 || *p[0].Max != 9 || len(p[1].Values) != 6 || len(p[2].Levels) != 3 || table.Skipped != 1 || len(table.Value) != 59 {
		t.Errorf("parameters %+v, %d points, %d skipped; want [0, 9], 6 values, 3 levels, 59 points, 1 skipped", p, len(table.Value), table.Skipped)
	}
	if !math.IsNaN(table.Outcomes[1][0]) || table.Outcomes[1][1] != 1 {
		t.Errorf("second objective %v …, want a gap and 1", table.Outcomes[1][:2])
	}
}

// TestSeveralObjectivesHaveAVolume runs the same table on both objectives.
func TestSeveralObjectivesHaveAVolume(t *testing.T) {
	t.Parallel()
	r, err := bench.Run(context.Background(), planner.New(planner.Options{}), bench.Options{Data: bare(t), Seeds: 3, Several: true})
	if err != nil {
		t.Fatal(err)
	}
	s := r.Sets["t01"]
	for name, v := range map[string]float64{"ours": s.Hypervolume.Volume, "random search": s.Hypervolume.RandomVolume} {
		if !(v > 0.8 && v <= 1+1e-9) {
			t.Errorf("hypervolume of %s = %g; a third of this table holds most of its front", name, v)
		}
	}
	if len(s.Hypervolume.Areas) != 3 || s.Hypervolume.Interval[0] > s.Hypervolume.RelativeArea {
		t.Errorf("hypervolume %+v, want an area to a campaign", s.Hypervolume)
	}
	if !(s.Coverage >= 0 && s.Coverage <= 1) || s.Enhancement < 1 || s.SuggestCPU.P50 < 0 || s.AllocMB <= 0 {
		t.Errorf("coverage %g, enhancement %g, CPU %+v, %g MB", s.Coverage, s.Enhancement, s.SuggestCPU, s.AllocMB)
	}
}

func TestBadTablesAreNamed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ space, table, want string }{
		"NoColumn":   {`{"parameters":[{"name":"a","type":"continuous"}],"objectives":[{"name":"y"}]}`, "b,y\n1,2\n3,4\n", `no column "a"`},
		"NoTarget":   {`{"parameters":[{"name":"a","type":"continuous"}],"objectives":[{"name":"y"}]}`, "a,z\n1,2\n3,4\n", `no column "y"`},
		"Word":       {`{"parameters":[{"name":"a","type":"continuous"}],"objectives":[{"name":"y"}]}`, "a,y\n1,high\n3,4\n", `row 2: y is "high"`},
		"ShortRow":   {`{"parameters":[{"name":"a","type":"continuous"}],"objectives":[{"name":"y"}]}`, "a,y\n1\n3,4\n", "row 2: 1 fields"},
		"NoOutcomes": {`{"parameters":[{"name":"a","type":"continuous"}],"objectives":[{"name":"y"}]}`, "a,y\n1,\n3,\n", "0 points"},
		"Constant":   {`{"parameters":[{"name":"a","type":"continuous"}],"objectives":[{"name":"y"}]}`, "a,y\n1,5\n3,5\n", "no better than the median"},
		"NotJSON":    {`parameters`, "a,y\n1,5\n", "read the space"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for file, body := range map[string]string{"space.json": c.space, "table.csv": c.table} {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(body), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := bench.Load(dir); lab.KindOf(err) != lab.Invalid || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want invalid and %q", err, c.want)
			}
		})
	}
}
