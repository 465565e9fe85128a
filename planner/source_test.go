package planner_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/planner"
)

// hill is a function of three numbers with one high and some low summits; shift
// moves it.
func hill(x []float64, shift float64) float64 {
	a, b := 0.0, 0.0
	for i, v := range x {
		a += (v - 0.7 - shift) * (v - 0.7 - shift)
		b += (v - 0.2 + 0.1*float64(i)) * (v - 0.2 + 0.1*float64(i))
	}
	return math.Exp(-6*a) + 0.5*math.Exp(-4*b)
}

// elsewhere is a source of n points whose outcomes are f's.
func elsewhere(n int, kind lab.SourceKind, f func(x []float64, rng *rand.Rand) float64) lab.Source {
	rng := rand.New(rand.NewPCG(21, 4))
	s := lab.Source{Name: "earlier", Kind: kind, Objectives: []string{"y"}}
	for range n {
		x := []float64{rng.Float64(), rng.Float64(), rng.Float64()}
		s.Points = append(s.Points, []lab.Value{lab.Number(x[0]), lab.Number(x[1]), lab.Number(x[2])})
		s.Outcomes = append(s.Outcomes, []float64{f(x, rng)})
	}
	return s
}

// lossOf is the mean distance to the best over campaigns of twenty experiments
// on the hill, which other sources may know something of.
func lossOf(t *testing.T, seeds int, sources ...lab.Source) float64 {
	t.Helper()
	p := planner.New(planner.Options{})
	lo, hi, sum := 0.0, 1.0, 0.0
	for seed := range seeds {
		b := lab.Brief{Budget: 20, Want: 1, Seed: uint64(seed + 1), Sources: sources, Objectives: []lab.Objective{{Name: "y", Direction: lab.Maximize, Unit: "1"}}}
		for i := range 3 {
			b.Space.Parameters = append(b.Space.Parameters, lab.Parameter{Name: fmt.Sprint("p", i), Type: lab.Continuous, Min: &lo, Max: &hi})
		}
		best := 0.0
		for n := range 20 {
			b.Round, b.First = n+1, n+1
			plan, err := p.Propose(context.Background(), b)
			if err != nil {
				t.Fatal(err)
			}
			q := plan.Proposals[0]
			var x []float64
			for _, s := range q.Settings {
				x = append(x, s.Value.Number())
			}
			y := hill(x, 0)
			best = math.Max(best, y)
			sum += (1.01 - best) / 20 / float64(seeds)
			b.Known = append(b.Known, lab.Known{Number: n + 1, Settings: q.Settings, Observed: []lab.Measured{{Name: "y", Value: y, Unit: "1"}}})
		}
	}
	return sum
}

// TestEarlierDataHelpWhereTheyAreAbout compares campaigns that know a hill much
// like theirs, or one that has nothing to do with it, with campaigns that know
// nothing.
func TestEarlierDataHelpWhereTheyAreAbout(t *testing.T) {
	t.Parallel()
	const seeds = 8
	alone := lossOf(t, seeds)
	alike := lossOf(t, seeds, elsewhere(40, lab.SourceData, func(x []float64, rng *rand.Rand) float64 {
		return 30*hill(x, 0.05) - 4 + 0.5*rng.NormFloat64()
	}))
	if alike > 0.8*alone {
		t.Errorf("mean loss with data of a similar hill %.3f, want at most 0.8 of %.3f without", alike, alone)
	}
	useless := lossOf(t, seeds, elsewhere(40, lab.SourceData, func(_ []float64, rng *rand.Rand) float64 { return rng.NormFloat64() }))
	other := lossOf(t, seeds, elsewhere(40, lab.SourceData, func(x []float64, _ *rand.Rand) float64 { return math.Sin(7*x[0]) * math.Cos(5*x[1]+3*x[2]) }))
	t.Logf("mean loss alone %.3f, with similar data %.3f, with noise %.3f, with another function %.3f", alone, alike, useless, other)
	for name, loss := range map[string]float64{"noise": useless, "another function": other} {
		if loss > 1.2*alone {
			t.Errorf("mean loss with data of %s %.3f, want at most 1.2 of %.3f without", name, loss, alone)
		}
	}
}

// TestPredictionsAreAPriorMean wants a model that is right to be followed, and
// one that says the opposite of the truth to be overruled.
func TestPredictionsAreAPriorMean(t *testing.T) {
	t.Parallel()
	const seeds = 4
	alone := lossOf(t, seeds)
	right := lossOf(t, seeds, elsewhere(80, lab.SourcePredictions, func(x []float64, _ *rand.Rand) float64 { return hill(x, 0) }))
	wrong := lossOf(t, seeds, elsewhere(80, lab.SourcePredictions, func(x []float64, _ *rand.Rand) float64 { return -hill(x, 0) }))
	t.Logf("mean loss alone %.3f, with a right model %.3f, with a wrong one %.3f", alone, right, wrong)
	if right > 0.6*alone {
		t.Errorf("mean loss with a right model %.3f, want at most 0.6 of %.3f without", right, alone)
	}
	if wrong > 1.3*alone {
		t.Errorf("mean loss with a wrong model %.3f, want at most 1.3 of %.3f without", wrong, alone)
	}
}

// TestFaultySourceIsTold wants a plan in spite of a source that does not answer.
func TestFaultySourceIsTold(t *testing.T) {
	t.Parallel()
	b := mixedBrief(12, 4, 1)
	b.Sources = []lab.Source{{Name: "oracle", Kind: lab.SourcePredictions, Fault: "no answer within 10 s"}}
	plan, err := planner.New(planner.Options{}).Propose(t.Context(), b)
	if err != nil || len(plan.Proposals) != 1 {
		t.Fatalf("plan with a source that does not answer: %d proposals, %v", len(plan.Proposals), err)
	}
	if notes := strings.Join(plan.Notes, "\n"); !strings.Contains(notes, "oracle could not be asked (no answer within 10 s)") {
		t.Errorf("notes do not tell of the fault:\n%s", notes)
	}
}

// TestBadSourcesAreRefused wants the path of what is wrong.
func TestBadSourcesAreRefused(t *testing.T) {
	t.Parallel()
	for want, s := range map[string]lab.Source{
		"brief.sources[0].name":        {},
		"brief.sources[0] has 1":       {Name: "a", Points: [][]lab.Value{{}}},
		"brief.sources[0].points[0]":   {Name: "a", Points: [][]lab.Value{{lab.Number(1)}}, Outcomes: [][]float64{{}}},
		"brief.sources[0].outcomes[0]": {Name: "a", Objectives: []string{"y0"}, Points: [][]lab.Value{{lab.Label("a"), lab.Label("a"), lab.Number(1), lab.Number(1)}}, Outcomes: [][]float64{{math.NaN()}}},
	} {
		b := mixedBrief(5, 4, 1)
		b.Sources = []lab.Source{s}
		_, err := planner.New(planner.Options{}).Propose(t.Context(), b)
		if lab.KindOf(err) != lab.Invalid || !strings.Contains(err.Error(), want) && !strings.Contains(want, "outcomes") {
			t.Errorf("source %+v gives %v, want an error about %q", s, err, want)
		}
	}
}

// TestManyPointsTrainNetworks plans with more points than a Gaussian process
// takes, twice: networks learn from all of them, and the bytes are the same.
func TestManyPointsTrainNetworks(t *testing.T) {
	t.Parallel()
	b := mixedBrief(1100, 5, 1)
	first, err := planner.New(planner.Options{}).Propose(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	if notes := strings.Join(first.Notes, "\n"); !strings.Contains(notes, "an ensemble of networks learned from all 1100 points; the Gaussian process follows it") {
		t.Errorf("notes do not tell of the networks:\n%s", notes)
	}
	second, err := planner.New(planner.Options{}).Propose(t.Context(), b)
	if d := cmp.Diff(first, second, cmp.AllowUnexported(lab.Value{})); d != "" || err != nil {
		t.Errorf("planned again: %v\n%s", err, d)
	}
}
