package bench_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/planner"
	"github.com/athanor-lab/athanor/planner/bench"
)

// task is what an export holds, as far as another planner needs it.
type task struct {
	Table  string    `json:"table"`
	Budget int       `json:"budget"`
	Starts [][]int   `json:"starts"`
	Values []float64 `json:"values"`
}

// inOrder writes traces of a planner that takes the rows as they come, for the
// first of the seeds, and returns their directory.
func inOrder(t *testing.T, data string, seeds int, change func(*bench.Trace)) string {
	t.Helper()
	dir := t.TempDir()
	if err := bench.Export(dir, bench.Options{Data: data, Seeds: seeds}); err != nil {
		t.Fatal(err)
	}
	body, err := os.ReadFile(filepath.Join(dir, "made.task.json"))
	if err != nil {
		t.Fatal(err)
	}
	var k task
	if err := json.Unmarshal(body, &k); err != nil {
		t.Fatal(err)
	}
	var lines bytes.Buffer
	for i, first := range k.Starts {
		tr := bench.Trace{Format: bench.TraceFormat, Dataset: "made", Table: k.Table, Planner: "in-order", Version: "rows 1.0", Seed: i + 1, Starts: len(first)}
		used := make(map[int]bool)
		for _, row := range first {
			tr.Order, used[row] = append(tr.Order, row), true
		}
		for row := range k.Values {
			if !used[row] && len(tr.Order) < k.Budget {
				tr.Order, tr.CPUMS = append(tr.Order, row), append(tr.CPUMS, 5)
			}
		}
		change(&tr)
		body, err := json.Marshal(tr)
		if err != nil {
			t.Fatal(err)
		}
		lines.Write(append(body, '\n'))
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(lines.Bytes()); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	if err := os.WriteFile(filepath.Join(out, "in-order.jsonl.gz"), packed.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestPeersPairByCampaign compares with a planner that takes rows as they come:
// eight campaigns that both have run, the area of the others left out.
func TestPeersPairByCampaign(t *testing.T) {
	t.Parallel()
	data := write(t)
	traces := inOrder(t, data, 8, func(*bench.Trace) {})
	r, err := bench.Run(context.Background(), planner.New(planner.Options{}), bench.Options{Data: data, Seeds: 10, Traces: traces})
	if err != nil {
		t.Fatal(err)
	}
	p, s := r.Peers["in-order"], r.Sets["made"].Peers["in-order"]
	if p.Pairs != 8 || s.Pairs != 8 || p.Version != "rows 1.0" || s.CPUMS != 5 {
		t.Fatalf("overall %+v\non the set %+v\nwant 8 pairs, version and 5 ms", p, s)
	}
	ours := 0.0
	for _, a := range r.Sets["made"].Areas[:8] {
		ours += a / 8
	}
	if got, want := fmt.Sprintf("%.9f", s.Ours), fmt.Sprintf("%.9f", ours); got != want {
		t.Errorf("our area over the pairs = %s, want %s", got, want)
	}
	if s.Difference >= 0 || s.P > 0.05 || s.Interval[1] >= 0 || p.Worse != nil {
		t.Errorf("against rows as they come: %+v, want to be ahead, significantly", s)
	}
}

// TestTracesThatDoNotFitAreRefused gives traces that say something else than
// the campaigns that they claim to be.
func TestTracesThatDoNotFitAreRefused(t *testing.T) {
	t.Parallel()
	data := write(t)
	for name, c := range map[string]struct {
		change func(*bench.Trace)
		want   string
	}{
		"OtherStarts": {func(tr *bench.Trace) { tr.Order[0], tr.Order[1] = tr.Order[1], tr.Order[0] }, "other starts"},
		"Short":       {func(tr *bench.Trace) { tr.Order = tr.Order[:9] }, "9 evaluations"},
		"Repeated":    {func(tr *bench.Trace) { tr.Order[8] = tr.Order[7] }, "again"},
		"Outside":     {func(tr *bench.Trace) { tr.Order[8] = 60 }, "row 60 of 60"},
		"Format":      {func(tr *bench.Trace) { tr.Format = "other/1" }, `format is "other/1"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			traces := inOrder(t, data, 1, c.change)
			_, err := bench.Run(context.Background(), planner.New(planner.Options{}), bench.Options{Data: data, Seeds: 1, Traces: traces, Strategy: "random"})
			if lab.KindOf(err) != lab.Invalid || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want invalid and %q", err, c.want)
			}
		})
	}
}

// TestTracesOfOtherTablesAreLeftOut changes one outcome: rows no longer mean
// the same.
func TestTracesOfOtherTablesAreLeftOut(t *testing.T) {
	t.Parallel()
	data := write(t)
	traces := inOrder(t, data, 1, func(tr *bench.Trace) { tr.Table = "0000000000000000" })
	r, err := bench.Run(context.Background(), planner.New(planner.Options{}), bench.Options{Data: data, Seeds: 1, Traces: traces, Strategy: "random"})
	if err != nil || len(r.Peers) > 0 {
		t.Errorf("peers %v, error %v; want none", r.Peers, err)
	}
}

// TestCommittedTracesAreRead reads what bench/peers has run on the development
// tables, and lays it beside campaigns on them where the tables are at hand.
func TestCommittedTracesAreRead(t *testing.T) {
	t.Parallel()
	dir := filepath.Join("..", "..", "bench", "peers", "traces")
	traces, err := bench.Traces(dir)
	if err != nil {
		t.Fatal(err)
	}
	sets := make(map[string]map[string]bool)
	for _, tr := range traces {
		if tr.Version == "" || len(tr.CPUMS) != len(tr.Order)-tr.Starts {
			t.Errorf("%s on %s, seed %d: version %q, %d times for %d suggestions", tr.Planner, tr.Dataset, tr.Seed, tr.Version, len(tr.CPUMS), len(tr.Order)-tr.Starts)
		}
		if sets[tr.Planner] == nil {
			sets[tr.Planner] = make(map[string]bool)
		}
		sets[tr.Planner][tr.Dataset] = true
	}
	for _, name := range []string{"botorch", "baybe", "optuna-gp"} {
		if len(sets[name]) != 12 {
			t.Errorf("%s has traces on %d of the 12 development tables", name, len(sets[name]))
		}
	}
	data := os.Getenv("ATHANOR_DATA")
	if data == "" {
		t.Skip("not laid beside campaigns: ATHANOR_DATA is not set")
	}
	r, err := bench.Run(context.Background(), planner.New(planner.Options{}), bench.Options{
		Data: filepath.Join(data, "optimisation"), Sets: []string{"agnp", "lnp3"}, Seeds: 1, Strategy: "random", Traces: dir,
	})
	if err != nil {
		t.Fatal(err)
	}
	if p := r.Peers["optuna-gp"]; p.Pairs != 2 || p.Sets != 2 {
		t.Errorf("optuna-gp pairs with %d campaigns on %d sets, want 2 on 2", p.Pairs, p.Sets)
	}
}

func FuzzReadTraces(f *testing.F) {
	f.Add([]byte(`{"format":"athanor-bench-trace/1","table":"ab","planner":"p","seed":1,"starts":1,"order":[3,4]}` + "\n"))
	f.Add([]byte(`{"format":"athanor-bench-trace/1"}` + "\n"))
	f.Add([]byte("\n{"))
	f.Fuzz(func(t *testing.T, body []byte) {
		traces, err := bench.ReadTraces(bytes.NewReader(body))
		if err != nil && lab.KindOf(err) != lab.Invalid {
			t.Errorf("error %v is not of kind invalid", err)
		}
		for _, tr := range traces {
			if tr.Seed < 1 || tr.Starts > len(tr.Order) {
				t.Errorf("read %+v", tr)
			}
		}
	})
}
