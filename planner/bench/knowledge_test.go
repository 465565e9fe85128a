package bench_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/planner/bench"
)

// follower does what the ratings say is best, and without any goes through the
// candidates from the first, which is the worst.
type follower struct{}

// Propose implements [bench.Proposer].
func (follower) Propose(_ context.Context, b lab.Brief) (lab.Plan, error) {
	done := map[string]bool{}
	for _, k := range b.Known {
		done[fmt.Sprint(k.Settings)] = true
	}
	rated := map[string]float64{}
	if b.Evidence != nil {
		for _, r := range b.Evidence.Ratings {
			rated[r.Settings[0].Name+" "+r.Settings[0].Value.String()] = r.Score
		}
	}
	var best []lab.Setting
	top := 0.0
	for _, values := range b.Space.Pool {
		var row []lab.Setting
		for i, v := range values {
			row = append(row, lab.Setting{Name: b.Space.Parameters[i].Name, Value: v})
		}
		if done[fmt.Sprint(row)] {
			continue
		}
		score := 0.0
		for _, s := range row {
			score += rated[s.Name+" "+s.Value.String()]
		}
		if best == nil || score > top {
			best, top = row, score
		}
	}
	return lab.Plan{Proposals: []lab.Proposal{{Settings: best}}}, nil
}

// TestKnowledgeIsMeasured wants a ranking to be worth the more to who follows it
// the truer it is, and tables with many levels left out.
func TestKnowledgeIsMeasured(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var few, many strings.Builder
	few.WriteString("a,b,y\n")
	many.WriteString("a,b,y\n")
	for i := range 144 {
		a, b := i/12, i%12
		y := a*a + b*b
		fmt.Fprintf(&few, "%d,l%d,%d\n", a, b, y)
		fmt.Fprintf(&many, "%d,l%d,%d\n", i, b, y)
	}
	for name, rows := range map[string]string{"few": few.String(), "many": many.String()} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
		space := `{"parameters": [{"name": "a", "type": "discrete"}, {"name": "b", "type": "categorical"}], "objectives": [{"name": "y", "direction": "maximize"}]}`
		for file, body := range map[string]string{"space.json": space, "table.csv": rows} {
			if err := os.WriteFile(filepath.Join(dir, name, file), []byte(body), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	k, err := bench.RunKnowledge(t.Context(), follower{}, bench.Options{Data: dir, Seeds: 4, Progress: t.Logf})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := k.Sets["few"]; !ok || len(k.Sets) != 1 {
		t.Fatalf("measured %v; want the table with few levels alone", k.Sets)
	}
	r := k.Relative
	if !(r["0.6"] < r["0.3"] && r["0.3"] < r["-0.3"] && r["0.6"] < 0.6) {
		t.Errorf("area over that without a ranking %v; want it to fall with the correlation, and below 0.6 at 0.6", r)
	}
	for n, i := range k.Interval {
		if !(i[0] <= r[n] && r[n] <= i[1]) || len(k.Interval) != len(r) {
			t.Errorf("the interval of %s is %v, which leaves out %.2f", n, i, r[n])
		}
	}
}
