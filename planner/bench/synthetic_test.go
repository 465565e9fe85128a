package bench_test

import (
	"context"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/planner"
	"github.com/athanor-lab/athanor/planner/bench"
)

// sum compiles the constraints of the suite that add up numbers.
func sum(s lab.Space) (func([]lab.Setting) (bool, error), error) {
	limit := 8.0
	if len(s.Parameters) == 6 {
		limit = 2.2
	}
	return func(settings []lab.Setting) (bool, error) {
		total := 0.0
		for _, v := range settings {
			total += v.Value.Number()
		}
		return total <= limit, nil
	}, nil
}

func synthetic(t *testing.T, o bench.SyntheticOptions) bench.SyntheticResult {
	t.Helper()
	r, err := bench.RunSynthetic(context.Background(), planner.New(planner.Options{Feasible: sum}), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestSyntheticRandomScoresOne compares the random strategy with the baseline.
func TestSyntheticRandomScoresOne(t *testing.T) {
	t.Parallel()
	r := synthetic(t, bench.SyntheticOptions{Problems: []string{"branin-constrained", "catalysis", "hartmann3-failing", "coupling-cost"}, Seeds: 30, Batches: []int{5}, Strategy: "random"})
	for name, s := range r.Problems {
		if math.Abs(s.RelativeArea-1) > 4*s.StandardError || s.StandardError > 0.2 {
			t.Errorf("%s: relative area of random search = %.3f ± %.3f, want 1", name, s.RelativeArea, s.StandardError)
		}
	}
}

// TestSyntheticModelBeatsRandom runs one problem of each kind and reads the
// keys of the result.
func TestSyntheticModelBeatsRandom(t *testing.T) {
	t.Parallel()
	o := bench.SyntheticOptions{Problems: []string{"branin", "branin-constrained", "branin-noisy", "coupling", "zdt1"}, Seeds: 3, Batches: []int{4}}
	r := synthetic(t, o)
	for name, s := range r.Problems {
		if s.RelativeArea > 0.9 || s.Regret > s.RandomRegret || s.Regret < 0 || s.Regret > 1 {
			t.Errorf("%s: relative area %.3f, regret %.4f against %.4f of random search; want less of both", name, s.RelativeArea, s.Regret, s.RandomRegret)
		}
	}
	body, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{`"mean_relative_area"`, `"kinds":{`, `"problems":{"branin-constrained/4":`, `"area_relative_to_sobol"`, `"regret"`, `"suggest_ms":{"p50"`} {
		if !strings.Contains(string(body), key) {
			t.Errorf("the result's JSON has no %s: %s", key, body)
		}
	}
	o.Problems = o.Problems[:1]
	if diff := cmp.Diff(r.Problems["branin/4"].Areas, synthetic(t, o).Problems["branin/4"].Areas); diff != "" {
		t.Errorf("a second run measures otherwise:\n%s", diff)
	}
}

// TestFrontsGrowToTheirEnds wants campaigns on a front of two objectives to miss little
// of it. Where volume counted from the ends of what there is of the front so far, which is
// short at first, ten campaigns had 0.133 of the area of random search.
func TestFrontsGrowToTheirEnds(t *testing.T) {
	t.Parallel()
	r := synthetic(t, bench.SyntheticOptions{Problems: []string{"zdt1"}, Seeds: 10, Batches: []int{1}})
	if a := r.Problems["zdt1/1"].RelativeArea; a > 0.11 {
		t.Errorf("relative area %.3f, want less than 0.11", a)
	}
}

func TestUnknownProblemIsNamed(t *testing.T) {
	t.Parallel()
	_, err := bench.RunSynthetic(context.Background(), planner.New(planner.Options{}), bench.SyntheticOptions{Problems: []string{"none"}})
	if lab.KindOf(err) != lab.NotFound || !strings.Contains(err.Error(), "coupling") {
		t.Errorf("error %v, want not_found with the names of the suite", err)
	}
}
