package race_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/planner"
	"github.com/athanor-lab/athanor/planner/race"
)

// teller remembers who was asked for which experiments.
type teller struct {
	planner *planner.Planner
	asked   []string
}

func (p *teller) Propose(ctx context.Context, b lab.Brief) (lab.Plan, error) {
	for i := range b.Want {
		p.asked = append(p.asked, fmt.Sprintf("%d %s", b.First+i, b.Policy.Planner))
	}
	return p.planner.Propose(ctx, b)
}

func start(policy string) lab.Brief {
	b := lab.Brief{
		Round: 1, First: 1, Want: 1, Seed: 3, Policy: lab.PlanPolicy{Planner: policy, Batch: 1, InFlight: 1},
		Objectives: []lab.Objective{{Name: "y", Direction: lab.Maximize, Unit: "1"}},
	}
	for _, name := range []string{"u", "v", "w"} {
		b.Space.Parameters = append(b.Space.Parameters, lab.Parameter{Name: name, Type: lab.Continuous, Min: new(0.0), Max: new(1.0)})
	}
	return b
}

func hill(s []lab.Setting) float64 {
	sum := 0.0
	for i, x := range s {
		d := x.Value.Number() - 0.3 - 0.2*float64(i)
		sum -= d * d
	}
	return sum
}

// TestRaceGivesMoreToTheBetter runs a model against random search: each has a
// first heat, and then the model has most.
func TestRaceGivesMoreToTheBetter(t *testing.T) {
	t.Parallel()
	for _, batch := range []int{1, 4} {
		arms := &teller{planner: planner.New(planner.Options{})}
		r := race.New(arms)
		b := start("race:random,bayes")
		b.Policy.Batch, b.Policy.InFlight, b.Want = batch, batch, batch
		var notes []string
		for len(b.Known) < 48 {
			plan, err := r.Propose(context.Background(), b)
			if err != nil {
				t.Fatal(err)
			}
			notes = append(notes, plan.Notes...)
			if !strings.HasPrefix(plan.Planner, "race/1 of ") || len(plan.Proposals) != b.Want {
				t.Fatalf("planner %q with %d proposals, want a race's with %d", plan.Planner, len(plan.Proposals), b.Want)
			}
			for _, q := range plan.Proposals {
				b.Known = append(b.Known, lab.Known{Number: q.Number, Settings: q.Settings, Observed: []lab.Measured{{Name: "y", Value: hill(q.Settings), Unit: "1"}}})
			}
			b.Round++
			b.First += len(plan.Proposals)
		}
		byModel := 0
		for _, a := range arms.asked {
			if strings.HasSuffix(a, " bayes") {
				byModel++
			}
		}
		if byModel < 30 || byModel > 45 {
			t.Errorf("batch %d: the model had %d of 48 experiments, want most and not all", batch, byModel)
		}
		all := strings.Join(notes, "\n")
		for _, want := range []string{"has its first heat", "and takes over from random", "share of earlier experiments beaten: random 0."} {
			if !strings.Contains(all, want) {
				t.Errorf("batch %d: no note says %q", batch, want)
			}
		}
	}
}

// TestPlansAreRecomputable wants the same plan from the same brief, its hash
// that of the brief, and nothing repeated among heats of one plan.
func TestPlansAreRecomputable(t *testing.T) {
	t.Parallel()
	b := start("race")
	b.Want, b.Policy.InFlight = 10, 10
	b.Known = []lab.Known{{Number: 1, Settings: []lab.Setting{{Name: "u", Value: lab.Number(0.5)}, {Name: "v", Value: lab.Number(0.5)}, {Name: "w", Value: lab.Number(0.5)}}, Failed: true}}
	b.First = 2
	hash, err := planner.HashBrief(b)
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for range 2 {
		plan, err := race.New(planner.New(planner.Options{})).Propose(context.Background(), b)
		if err != nil {
			t.Fatal(err)
		}
		if plan.BriefHash != hash {
			t.Errorf("brief hash %s, want %s", plan.BriefHash, hash)
		}
		var at []string
		for i, q := range plan.Proposals {
			if q.Number != 2+i || q.ExperimentID != lab.ExperimentIDOf(b.CampaignID, q.Number) {
				t.Errorf("proposal %d has number %d", i, q.Number)
			}
			at = append(at, fmt.Sprint(q.Settings))
		}
		if slices.Sort(at); len(slices.Compact(at)) != 10 {
			t.Errorf("the plan repeats settings: %v", at)
		}
		text, err := json.Marshal(plan)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(text))
	}
	if d := cmp.Diff(texts[0], texts[1]); d != "" {
		t.Errorf("two planners answer one brief otherwise:\n%s", d)
	}
}

func TestArmsAreChecked(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"race:":             "lists two planners",
		"race:bayes":        "needs two planners",
		"race:bayes,bayes":  "each once",
		"race:bayes,race":   "lists two planners",
		"race:bayes,simple": `"simple"`,
	} {
		b := start(name)
		b.Want = 7
		_, err := race.New(planner.New(planner.Options{})).Propose(context.Background(), b)
		if lab.KindOf(err) != lab.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want invalid and %q", name, err, want)
		}
	}
}
