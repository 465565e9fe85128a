package bench_test

import (
	"bytes"
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

// corners runs campaigns over the protocol that measure one corner again and
// again, and returns the folder of their traces.
func corners(t *testing.T, problem string, corner string, seeds int, change func(*bench.SyntheticTrace)) string {
	t.Helper()
	var lines bytes.Buffer
	for seed := 1; seed <= seeds; seed++ {
		tr := bench.SyntheticTrace{Format: bench.CampaignFormat, Problem: problem, Planner: "corner", Version: "points 1.0", Seed: seed, Starts: 5}
		requests := []string{fmt.Sprintf(`{"do":"open","problem":%q,"seed":%d}`, problem, seed)}
		for range 25 {
			requests = append(requests, fmt.Sprintf(`{"do":"measure","point":%s}`, corner))
		}
		for _, line := range ask(t, requests...) {
			var a struct {
				Points   [][]lab.Value `json:"points"`
				Outcomes [][]float64   `json:"outcomes"`
				Point    []lab.Value   `json:"point"`
				Outcome  []float64     `json:"outcome"`
			}
			if err := json.Unmarshal([]byte(line), &a); err != nil {
				t.Fatal(err)
			}
			tr.Points, tr.Outcomes = append(tr.Points, a.Points...), append(tr.Outcomes, a.Outcomes...)
			if a.Point != nil {
				tr.Points, tr.Outcomes, tr.CPUMS = append(tr.Points, a.Point), append(tr.Outcomes, a.Outcome), append(tr.CPUMS, 7)
			}
		}
		change(&tr)
		body, err := json.Marshal(tr)
		if err != nil {
			t.Fatal(err)
		}
		lines.Write(append(body, '\n'))
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "corner.jsonl"), lines.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestSuitePeersPairByCampaign compares with a planner that finds the optimum
// at once, on a noisy problem: its loss after the starts is none.
func TestSuitePeersPairByCampaign(t *testing.T) {
	t.Parallel()
	traces := corners(t, "branin-noisy", "[9.42478, 2.475]", 6, func(*bench.SyntheticTrace) {})
	r, err := bench.RunSynthetic(context.Background(), planner.New(planner.Options{}), bench.SyntheticOptions{
		Problems: []string{"branin-noisy", "branin"}, Seeds: 8, Batches: []int{1}, Strategy: "random", Traces: traces,
	})
	if err != nil {
		t.Fatal(err)
	}
	p, s := r.Peers["corner"], r.Problems["branin-noisy/1"].Peers["corner"]
	if p.Pairs != 6 || p.Sets != 1 || p.Version != "points 1.0" || s.CPUMS != 7 || len(r.Problems["branin/1"].Peers) > 0 {
		t.Fatalf("overall %+v\non the problem %+v\nwant 6 pairs on one problem", p, s)
	}
	if k := p.Kinds["noisy"]; k.Pairs != 6 || k.Difference != p.Difference {
		t.Errorf("of its kind %+v, want the same as overall", k)
	}
	ours := 0.0
	for _, a := range r.Problems["branin-noisy/1"].Areas[:6] {
		ours += a / 6
	}
	if math.Abs(s.RelativeArea) > 1e-6 || math.Abs(s.Ours-ours) > 1e-9 || math.Abs(s.Difference-ours) > 1e-6 || s.P > 0.05 {
		t.Errorf("against the optimum at once: %+v, want no area beside our %g", s, ours)
	}
}

// TestForeignCampaignsAreRefused gives traces that say something else than the
// campaigns that they claim to be.
func TestForeignCampaignsAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*bench.SyntheticTrace)
		want   string
	}{
		"OtherStarts":  {func(tr *bench.SyntheticTrace) { tr.Points[0], tr.Points[1] = tr.Points[1], tr.Points[0] }, "other starts"},
		"OtherOutcome": {func(tr *bench.SyntheticTrace) { tr.Outcomes[7][0] += 1e-3 }, "experiment 8 has the outcome"},
		"Failed":       {func(tr *bench.SyntheticTrace) { tr.Outcomes[7] = nil }, "experiment 8 has the outcome"},
		"Short":        {func(tr *bench.SyntheticTrace) { tr.Points, tr.Outcomes = tr.Points[:9], tr.Outcomes[:9] }, "9 experiments"},
		"Outside":      {func(tr *bench.SyntheticTrace) { tr.Points[8][0] = lab.Number(99) }, "experiment 9"},
		"Forbidden":    {func(tr *bench.SyntheticTrace) { tr.Points[8] = []lab.Value{lab.Number(8), lab.Number(8)} }, "breaks a constraint"},
		"Format":       {func(tr *bench.SyntheticTrace) { tr.Format = "other/1" }, `format is "other/1"`},
		"Ragged":       {func(tr *bench.SyntheticTrace) { tr.Outcomes = tr.Outcomes[:3] }, "3 outcomes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			traces := corners(t, "branin-constrained", "[0, 0]", 1, c.change)
			_, err := bench.RunSynthetic(context.Background(), planner.New(planner.Options{Feasible: sum}), bench.SyntheticOptions{
				Problems: []string{"branin-constrained"}, Seeds: 1, Batches: []int{1}, Strategy: "random", Traces: traces,
			})
			if lab.KindOf(err) != lab.Invalid || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want invalid and %q", err, c.want)
			}
		})
	}
}

func FuzzReadSyntheticTraces(f *testing.F) {
	f.Add([]byte(`{"format":"athanor-bench-campaign/1","problem":"branin","planner":"p","seed":1,"starts":1,"points":[[3,4]],"outcomes":[null]}` + "\n"))
	f.Add([]byte(`{"format":"athanor-bench-campaign/1"}` + "\n\n{"))
	f.Fuzz(func(t *testing.T, body []byte) {
		traces, err := bench.ReadSyntheticTraces(bytes.NewReader(body))
		if err != nil && lab.KindOf(err) != lab.Invalid {
			t.Errorf("error %v is not of kind invalid", err)
		}
		for _, tr := range traces {
			if tr.Seed < 1 || tr.Starts > len(tr.Points) || len(tr.Outcomes) != len(tr.Points) {
				t.Errorf("read %+v", tr)
			}
		}
	})
}
