package planner_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/planner"
)

// pooled is a brief with n known experiments out of a pool of random points in
// d dimensions; with no pool the experiments lie anywhere.
func pooled(n, pool, d int) lab.Brief {
	rng := rand.New(rand.NewPCG(1, 2))
	b := lab.Brief{Round: 2, First: n + 1, Want: 1, Budget: 2000, Objectives: []lab.Objective{{Name: "y", Direction: lab.Maximize, Unit: "1"}}}
	for i := range d {
		b.Space.Parameters = append(b.Space.Parameters, lab.Parameter{Name: fmt.Sprint("p", i), Type: lab.Continuous, Min: new(0.0), Max: new(1.0)})
	}
	point := func() []lab.Value {
		row := make([]lab.Value, d)
		for k := range row {
			row[k] = lab.Number(rng.Float64())
		}
		return row
	}
	for range pool {
		b.Space.Pool = append(b.Space.Pool, point())
	}
	for i := range n {
		row := point()
		if pool > 0 {
			row = b.Space.Pool[i]
		}
		y := 0.05 * rng.NormFloat64()
		for _, v := range row {
			y -= (v.Number() - 0.3) * (v.Number() - 0.3)
		}
		b.Known = append(b.Known, lab.Known{Number: i + 1, Settings: named(b.Space, row), Observed: []lab.Measured{{Name: "y", Value: y, Unit: "1"}}})
	}
	return b
}

// BenchmarkPropose measures a suggestion on one core with GOMAXPROCS=1.
func BenchmarkPropose(b *testing.B) {
	for _, c := range []struct{ known, pool, d int }{
		{20, 2000, 6}, {100, 2000, 6}, {100, 2000, 30}, {300, 2000, 10}, {1000, 2000, 10}, {20, 0, 6}, {100, 0, 6}, {100, 0, 20},
	} {
		for _, strategy := range []string{"bayes", "sobol", "random"} {
			b.Run(fmt.Sprintf("%s/known=%d/pool=%d/d=%d", strategy, c.known, c.pool, c.d), func(b *testing.B) {
				brief := pooled(c.known, c.pool, c.d)
				brief.Policy.Planner = strategy
				p := planner.New(planner.Options{})
				b.ReportAllocs()
				for b.Loop() {
					if _, err := p.Propose(context.Background(), brief); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// TestEqualBriefsGiveEqualBytes asks one planner from many goroutines, between
// other briefs, and a fresh one.
func TestEqualBriefsGiveEqualBytes(t *testing.T) {
	t.Parallel()
	b := pooled(30, 300, 5)
	b.Want = 3
	want, err := json.Marshal(propose(t, b))
	if err != nil {
		t.Fatal(err)
	}
	p := planner.New(planner.Options{})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			if i%2 == 1 {
				if _, err := p.Propose(context.Background(), arylation()); err != nil {
					t.Error(err)
				}
			}
			plan, err := p.Propose(context.Background(), b)
			if err != nil {
				t.Error(err)
				return
			}
			got, err := json.Marshal(plan)
			if err != nil || string(got) != string(want) {
				t.Errorf("another answer to the same brief (%v):\n%s\nwant\n%s", err, got, want)
			}
		})
	}
	wg.Wait()
}

// TestBriefHashIsThatOfItsJSON holds that anyone can recompute it.
func TestBriefHashIsThatOfItsJSON(t *testing.T) {
	t.Parallel()
	briefs := []lab.Brief{{}, arylation(), pooled(3, 20, 2)}
	odd := pooled(1, 4, 1)
	odd.Space.Pool = [][]lab.Value{
		{lab.Number(1e-9)},
		{lab.Number(-1e21)},
		{lab.Number(0.1)},
		{lab.Number(math.Copysign(0, -1))},
		{lab.Number(5e-324)},
		{lab.Number(1e-7)},
		{lab.Number(123456789012)},
		{lab.Label("<b> & \u2028 \"quoted\" \xff ü")},
		{lab.Parts([]float64{0.5, 1e-8})},
		{lab.Parts([]float64{})},
		{lab.Value{}},
		{},
	}
	rng := rand.New(rand.NewPCG(4, 4))
	for range 200 {
		odd.Space.Pool = append(odd.Space.Pool, []lab.Value{lab.Number(math.Ldexp(rng.NormFloat64(), rng.IntN(200)-100))})
	}
	sigma := 2.5e-7
	odd.Known = append(odd.Known,
		lab.Known{Number: 7, Observed: []lab.Measured{{Name: "<é>", Value: -1e-9, Sigma: &sigma, Unit: "mol/L"}, {}}, Failed: true},
		lab.Known{Settings: []lab.Setting{{Name: "a\"b", Value: lab.Label("\u2029"), Unit: "Cel"}, {Value: lab.Parts(nil)}, {Value: lab.Parts([]float64{1, 0})}}, Observed: []lab.Measured{}},
	)
	odd.Pending = []lab.Pending{{Number: -1}, {Number: 12, Settings: []lab.Setting{{Name: "x", Value: lab.Number(1e22)}}}}
	unlisted := odd
	unlisted.Space.Pool, unlisted.Known = nil, nil
	for i, b := range append(briefs, odd, unlisted) {
		body, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(body)
		got, err := planner.HashBrief(b)
		if want := hex.EncodeToString(sum[:]); got != want || err != nil {
			t.Errorf("brief %d: hash %s (%v), want %s", i, got, err, want)
		}
	}
	bad := pooled(1, 4, 1)
	bad.Space.Pool[2][0] = lab.Number(math.NaN())
	if _, err := planner.HashBrief(bad); lab.KindOf(err) != lab.Invalid {
		t.Errorf("a pool with NaN: error %v of kind %q, want invalid", err, lab.KindOf(err))
	}
	bad = pooled(1, 4, 1)
	bad.Known[0].Observed[0].Value = math.Inf(1)
	if _, err := planner.HashBrief(bad); lab.KindOf(err) != lab.Invalid {
		t.Errorf("an infinite observation: error %v of kind %q, want invalid", err, lab.KindOf(err))
	}
}

// TestPlanNamesItsBrief checks what every plan carries.
func TestPlanNamesItsBrief(t *testing.T) {
	t.Parallel()
	b := arylation()
	b.CampaignID[0] = 9
	b.PlanID = lab.PlanIDOf(b.CampaignID, 1)
	plan := propose(t, b)
	hash, err := planner.HashBrief(b)
	if err != nil {
		t.Fatal(err)
	}
	if plan.ID != b.PlanID || plan.CampaignID != b.CampaignID || plan.BriefHash != hash || plan.Planner != "bayes/"+planner.Version {
		t.Errorf("plan %s of %s by %s, hash %s; want %s of %s, hash %s", plan.ID, plan.CampaignID, plan.Planner, plan.BriefHash, b.PlanID, b.CampaignID, hash)
	}
	for i, p := range plan.Proposals {
		if p.ExperimentID != lab.ExperimentIDOf(b.CampaignID, i+1) || p.PlanID != b.PlanID || p.CampaignID != b.CampaignID {
			t.Errorf("proposal %d is %s of plan %s of %s", i, p.ExperimentID, p.PlanID, p.CampaignID)
		}
	}
}

// TestBadBriefsAreRefused wants the place and the fault in every complaint.
func TestBadBriefsAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(*lab.Brief)
		want  string
	}{
		"WantsNothing":     {func(b *lab.Brief) { b.Want = 0 }, "brief.want is 0"},
		"NoNumber":         {func(b *lab.Brief) { b.First = 0 }, "brief.first is 0"},
		"NoObjective":      {func(b *lab.Brief) { b.Objectives, b.Known = nil, nil }, "brief.objectives is empty"},
		"ObjectiveTwice":   {func(b *lab.Brief) { b.Objectives = append(b.Objectives, b.Objectives[0]) }, "used twice"},
		"NoDirection":      {func(b *lab.Brief) { b.Objectives[0].Direction = "up" }, `direction is "up"`},
		"NoSuchStrategy":   {func(b *lab.Brief) { b.Policy.Planner = "simplex" }, `brief.policy.planner is "simplex"`},
		"NotANumber":       {func(b *lab.Brief) { b.Known[0].Observed[0].Value = math.NaN() }, "number"},
		"Infinite":         {func(b *lab.Brief) { b.Known[0].Observed[0].Value = math.Inf(1) }, "number"},
		"NegativeSigma":    {func(b *lab.Brief) { b.Known[0].Observed[0].Sigma = new(-1.0) }, "standard deviation -1"},
		"UnknownObjective": {func(b *lab.Brief) { b.Known[0].Observed[0].Name = "price" }, `observes "price"`},
		"UnknownParameter": {func(b *lab.Brief) { b.Known[0].Settings[0].Name = "acid" }, `brief.known[0], experiment #1: setting "acid"`},
		"UnknownLevel":     {func(b *lab.Brief) { b.Known[0].Settings[0].Value = lab.Label("NaOH") }, `base has no level "NaOH"`},
		"MissingSetting":   {func(b *lab.Brief) { b.Known[0].Settings = b.Known[0].Settings[1:] }, `no setting for parameter "base"`},
		"WrongKind":        {func(b *lab.Brief) { b.Known[0].Settings[2].Value = lab.Label("hot") }, "temperature is hot; it is a finite number"},
		"WrongUnit":        {func(b *lab.Brief) { b.Known[0].Settings[2].Unit = "K" }, "is in K"},
		"BadPending":       {func(b *lab.Brief) { b.Pending = []lab.Pending{{Number: 9}} }, "brief.pending[0], experiment #9"},
		"BadSpace":         {func(b *lab.Brief) { b.Space.Parameters[0].Levels = nil }, "space.parameters[0].levels is empty"},
		"UncheckedConstraint": {func(b *lab.Brief) {
			b.Space.Constraints = []lab.Constraint{{Expr: "true"}}
		}, "without a way to check"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := arylation()
			run(&b, propose(t, b), observeYield)
			c.spoil(&b)
			_, err := planner.New(planner.Options{}).Propose(context.Background(), b)
			if lab.KindOf(err) != lab.Invalid || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v of kind %q, want one of kind invalid with %q", err, lab.KindOf(err), c.want)
			}
		})
	}
}

// TestConstraintErrorsArePassedOn holds that a constraint that cannot be
// evaluated stops the planning and keeps its cause.
func TestConstraintErrorsArePassedOn(t *testing.T) {
	t.Parallel()
	cause := errors.New("no such overload")
	p := planner.New(planner.Options{Feasible: func(lab.Space) (func([]lab.Setting) (bool, error), error) {
		return func([]lab.Setting) (bool, error) { return false, cause }, nil
	}})
	b := arylation()
	b.Space.Constraints = []lab.Constraint{{Expr: "base > 3"}}
	if _, err := p.Propose(context.Background(), b); !errors.Is(err, cause) {
		t.Errorf("error %v, want one that wraps %v", err, cause)
	}
}

// TestCancelledContextStops holds for batches, which take longest.
func TestCancelledContextStops(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := planner.New(planner.Options{}).Propose(ctx, pooled(20, 100, 3)); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
}

// TestDataOutsideTheSpaceIsData gives hand-made experiments beyond the bounds
// and between the values.
func TestDataOutsideTheSpaceIsData(t *testing.T) {
	t.Parallel()
	b := arylation()
	for range 3 {
		run(&b, propose(t, b), observeYield)
	}
	b.Known[0].Settings[2].Value = lab.Number(140)
	b.Known[1].Settings[3].Value = lab.Number(0.08)
	b.Known[2].Settings[0], b.Known[2].Settings[2] = b.Known[2].Settings[2], b.Known[2].Settings[0]
	plan := propose(t, b)
	if len(plan.Proposals) != b.Want || len(plan.Proposals[0].Predictions) != 1 || len(plan.Proposals[2].Predictions) != 1 {
		t.Errorf("%d proposals, predictions %v; want %d with a prediction each", len(plan.Proposals), plan.Proposals, b.Want)
	}
}

// TestInfeasibleSpaceIsExhausted wants an empty plan with the reason.
func TestInfeasibleSpaceIsExhausted(t *testing.T) {
	t.Parallel()
	never := planner.New(planner.Options{Feasible: func(lab.Space) (func([]lab.Setting) (bool, error), error) {
		return func([]lab.Setting) (bool, error) { return false, nil }, nil
	}})
	for _, strategy := range []string{"auto", "sobol", "random"} {
		for listed, b := range map[bool]lab.Brief{true: arylation(), false: arylation()} {
			b.Policy.Planner = strategy
			b.Space.Constraints = []lab.Constraint{{Expr: "false"}}
			if listed {
				b.Space.Parameters = b.Space.Parameters[:2]
			}
			plan, err := never.Propose(context.Background(), b)
			if err != nil || !plan.Exhausted || len(plan.Proposals) != 0 || len(plan.Notes) == 0 {
				t.Errorf("%s, listed %t: %+v, %v; want no proposals, exhausted and a note", strategy, listed, plan, err)
			}
		}
	}
}

// TestPendingExperimentsKeepTheirDistance wants a proposal elsewhere than the
// one that the same brief would make without the pending experiment.
func TestPendingExperimentsKeepTheirDistance(t *testing.T) {
	t.Parallel()
	b := pooled(20, 0, 2)
	first := propose(t, b).Proposals[0]
	b.Pending = []lab.Pending{{Number: b.First, Settings: first.Settings}}
	b.First++
	second := propose(t, b).Proposals[0]
	d := 0.0
	for k := range first.Settings {
		d = math.Max(d, math.Abs(first.Settings[k].Value.Number()-second.Settings[k].Value.Number()))
	}
	if d < 0.02 {
		t.Errorf("%v is proposed beside the pending %v", second.Settings, first.Settings)
	}
}

// TestFailuresAreKeptAwayFrom fails everything beyond 0.55 of the first number
// and counts how often that is proposed, with the best well inside.
func TestFailuresAreKeptAwayFrom(t *testing.T) {
	t.Parallel()
	failed, best := 0, math.Inf(-1)
	for seed := range uint64(5) {
		b := pooled(0, 0, 2)
		b.First, b.Seed = 1, seed
		for len(b.Known) < 25 {
			run(&b, propose(t, b), func(s []lab.Setting) []lab.Measured {
				x, y := s[0].Value.Number(), s[1].Value.Number()
				if x > 0.55 {
					return nil
				}
				v := -(x-0.3)*(x-0.3) - (y-0.4)*(y-0.4)
				best = math.Max(best, v)
				return []lab.Measured{{Name: "y", Value: v, Unit: "1"}}
			})
		}
		for _, k := range b.Known[5:] {
			if k.Failed {
				failed++
			}
		}
	}
	t.Logf("%d of 100 modelled proposals failed, best %g", failed, best)
	if failed > 15 || best < -0.001 {
		t.Errorf("%d of 100 proposals failed where 45 random ones would, best %g; want at most 15, and 0 within 0.001", failed, best)
	}
}

// TestManyObjectives plans for five, which are weighed at random.
func TestManyObjectives(t *testing.T) {
	t.Parallel()
	b := pooled(0, 0, 3)
	b.First, b.Want, b.Objectives = 1, 4, nil
	for i := range 5 {
		b.Objectives = append(b.Objectives, lab.Objective{Name: fmt.Sprint("y", i), Direction: lab.Maximize, Unit: "1"})
	}
	for range 4 {
		run(&b, propose(t, b), func(s []lab.Setting) (out []lab.Measured) {
			for i, o := range b.Objectives {
				out = append(out, lab.Measured{Name: o.Name, Value: -math.Abs(s[i%3].Value.Number() - float64(i)/5), Unit: "1"})
			}
			return out
		})
	}
	plan := propose(t, b)
	if len(plan.Proposals) != 4 || len(plan.Proposals[3].Predictions) != 5 {
		t.Errorf("%d proposals with %d predictions, want 4 with 5", len(plan.Proposals), len(plan.Proposals[0].Predictions))
	}
}

// TestKnownNoiseWidensPredictions gives the same outcomes with and without a
// large standard deviation.
func TestKnownNoiseWidensPredictions(t *testing.T) {
	t.Parallel()
	b := pooled(15, 60, 2)
	// Of all candidates that a plan tells of: the one chosen is where least is known.
	sum := func() (sd float64) {
		for _, q := range propose(t, b).Proposals {
			sd += q.Predictions[0].Sigma
			for _, l := range q.Losers {
				sd += l.Predictions[0].Sigma
			}
		}
		return sd
	}
	sharp := sum()
	for i := range b.Known {
		b.Known[i].Observed[0].Sigma = new(1.0)
	}
	if blurred := sum(); !(blurred > 1.2*sharp) {
		t.Errorf("sd %g with known noise, %g without; want more by a fifth", blurred, sharp)
	}
}

// TestStrategiesHaveNoModel holds that sobol and random say what they are.
func TestStrategiesHaveNoModel(t *testing.T) {
	t.Parallel()
	for _, strategy := range []string{"sobol", "random"} {
		b := pooled(20, 50, 2)
		b.Policy.Planner = strategy
		plan := propose(t, b)
		got := []any{plan.Planner, len(plan.Proposals[0].Predictions), plan.Proposals[0].Acquisition == nil}
		if diff := cmp.Diff([]any{strategy + "/" + planner.Version, 0, true}, got); diff != "" {
			t.Errorf("%s differs (-want +got):\n%s", strategy, diff)
		}
	}
}

// TestTiesAreDrawnByLot wants levels that nothing tells apart to be tried in an order
// of the seed's, not in that in which they are written: the best would be found early
// where somebody wrote it first, and late elsewhere.
func TestTiesAreDrawnByLot(t *testing.T) {
	t.Parallel()
	levels := make([]string, 24)
	for i := range levels {
		levels[i] = fmt.Sprintf("l%02d", i)
	}
	first := make(map[string]bool)
	for seed := range uint64(12) {
		b := lab.Brief{
			Space:      lab.Space{Parameters: []lab.Parameter{{Name: "additive", Type: lab.Categorical, Levels: levels}}},
			Objectives: []lab.Objective{{Name: "y", Direction: lab.Maximize, Unit: "1"}}, Seed: seed, First: 7, Want: 1, Budget: 24, Round: 7,
		}
		for i := range 6 {
			b.Known = append(b.Known, lab.Known{
				Number: i + 1, Settings: []lab.Setting{{Name: "additive", Value: lab.Label(levels[4*i+3])}},
				Observed: []lab.Measured{{Name: "y", Value: float64(i % 2), Unit: "1"}},
			})
		}
		first[propose(t, b).Proposals[0].Settings[0].Value.Label()] = true
	}
	if len(first) < 6 {
		t.Errorf("of 18 levels alike the first to be tried is one of %d with twelve seeds, want six or more", len(first))
	}
}
