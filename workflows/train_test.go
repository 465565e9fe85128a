package workflows_test

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/workflows"
)

// Consult implements [workflows.Models]: a model says how often it was trained.
func (w *world) Consult(_ context.Context, b lab.Brief) ([]lab.Source, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return []lab.Source{{Name: b.Policy.Model, Kind: lab.SourcePredictions, Version: strconv.Itoa(len(w.trainings))}}, nil
}

// Train implements [workflows.Models].
func (w *world) Train(_ context.Context, in workflows.TrainInput) (workflows.Trained, error) {
	w.mu.Lock()
	w.trainings = append(w.trainings, in)
	w.mu.Unlock()
	if w.train != nil {
		return w.train(in)
	}
	return workflows.Trained{Model: in.Model, Version: "1"}, nil
}

// TestModelIsTrainedAnewByRule wants a training after every second outcome, and
// the version that it made in the brief that follows.
func TestModelIsTrainedAnewByRule(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.doc.Plan.Model, w.doc.Plan.RetrainEvery = "m", 2
	if err := w.run(); err != nil {
		t.Fatal(err)
	}
	want := []workflows.TrainInput{{Model: "m", Campaign: campaignID, Outcomes: 2}, {Model: "m", Campaign: campaignID, Outcomes: 4}}
	if d := cmp.Diff(want, w.trainings); d != "" {
		t.Errorf("trainings (-want +got):\n%s", d)
	}
	for i, b := range w.asks {
		if len(b.Sources) != 1 || b.Sources[0].Version != strconv.Itoa(i) {
			t.Errorf("brief %d has sources %+v, want version %d of the model", i+1, b.Sources, i)
		}
	}
	if len(w.asks) != 3 {
		t.Errorf("%d briefs, want 3", len(w.asks))
	}
}

// TestFailedTrainingStopsNothing lets every training fail for good.
func TestFailedTrainingStopsNothing(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.doc.Plan.Model, w.doc.Plan.RetrainEvery = "m", 2
	w.train = func(workflows.TrainInput) (workflows.Trained, error) {
		return workflows.Trained{}, lab.Errorf(lab.Invalid, "too few rows")
	}
	if err := w.run(); err != nil {
		t.Fatal(err)
	}
	if len(w.outcomes) != 6 || len(w.trainings) != 2 {
		t.Errorf("%d outcomes after %d trainings that failed, want 6 and 2", len(w.outcomes), len(w.trainings))
	}
}

// TestNoModelIsAskedUnlessNamed wants briefs as they were before there were
// models.
func TestNoModelIsAskedUnlessNamed(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.doc.Plan.Model = "auto"
	if err := w.run(); err != nil {
		t.Fatal(err)
	}
	for i, b := range w.asks {
		if b.Sources != nil {
			t.Errorf("brief %d has sources %+v, want none", i+1, b.Sources)
		}
	}
}

// TestCampaignEndsWhenTheMoneyIsUsed lets experiments cost 2 of 8, two at a time.
func TestCampaignEndsWhenTheMoneyIsUsed(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.doc.Budget.Cost = &lab.Spending{Value: 8, Currency: "EUR", Each: "2.0"}
	if err := w.run(); err != nil {
		t.Fatal(err)
	}
	if len(w.outcomes) != 4 {
		t.Errorf("%d experiments, want 4", len(w.outcomes))
	}
	if last := w.states[len(w.states)-1]; !strings.Contains(last, "the budget of 8 EUR is used") {
		t.Errorf("the campaign ends with %q", last)
	}
	for i, b := range w.asks {
		if left := 8 - 4*float64(i); b.Cost == nil || b.Cost.Left != left {
			t.Errorf("brief %d has the cost %+v, want %g left", i+1, b.Cost, left)
		}
	}
}
