package workflows_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/workflow"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/workflows"
)

// TestCampaignUsesItsBudget wants every experiment recorded once, in rounds of
// a batch, none more than may be in flight, and each with an ID of its own.
func TestCampaignUsesItsBudget(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.doc.Plan, w.doc.Budget.Experiments = lab.PlanPolicy{Batch: 2, InFlight: 4}, 7
	if err := w.run(); err != nil {
		t.Fatal(err)
	}
	ids := map[lab.ExperimentID]bool{}
	for n := 1; n <= 7; n++ {
		o := w.outcome(n)
		if o.State != lab.OutcomeSucceeded || len(o.Observed) != 1 {
			t.Errorf("experiment %d ended %s with %d observations, want succeeded with 1", n, o.State, len(o.Observed))
		}
		ids[o.Proposal.ExperimentID] = true
	}
	if len(w.outcomes) != 7 || len(ids) != 7 {
		t.Errorf("got %d outcomes of %d experiments, want 7 of 7", len(w.outcomes), len(ids))
	}
	if w.most != 4 {
		t.Errorf("at most %d experiments ran at once, want 4", w.most)
	}
	w.wantStates("running", "completed: the budget of 7 experiments is used")
}

// TestPendingIsKnown wants a round that is planned while others run to know of
// them as pending, and of nothing twice.
func TestPendingIsKnown(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.doc.Plan, w.doc.Budget.Experiments = lab.PlanPolicy{Batch: 1, InFlight: 3}, 5
	if err := w.run(); err != nil {
		t.Fatal(err)
	}
	for i, b := range w.asks {
		if got := len(b.Known) + len(b.Pending); got != i || b.First != i+1 {
			t.Errorf("round %d began at experiment %d with %d known and %d pending, want %d and %d in all", b.Round, b.First, len(b.Known), len(b.Pending), i+1, i)
		}
	}
	if p := len(w.asks[2].Pending); p != 2 {
		t.Errorf("round 3 knew of %d pending experiments, want 2", p)
	}
}

// TestStopRuleEndsTheCampaign wants no experiment after a rule is met.
func TestStopRuleEndsTheCampaign(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.stop = func(known []lab.Known) string {
		if len(known) >= 4 {
			return "best('yield') >= 1"
		}
		return ""
	}
	if err := w.run(); err != nil {
		t.Fatal(err)
	}
	if len(w.outcomes) != 4 {
		t.Errorf("%d experiments were done, want 4", len(w.outcomes))
	}
	w.wantStates("running", "completed: stop rule met: best('yield') >= 1")
}

// TestPauseLetsRunningExperimentsEnd wants nothing begun between pause and
// resume, and a second pause refused with the reason.
func TestPauseLetsRunningExperimentsEnd(t *testing.T) {
	t.Parallel()
	w := setup(t)
	var again *string
	w.at(30*time.Second, func() { w.say(campaignID.String(), workflows.UpdatePause, workflows.Order{By: "ana"}) })
	w.at(40*time.Second, func() { again = w.say(campaignID.String(), workflows.UpdatePause, workflows.Order{By: "ana"}) })
	w.at(time.Hour, func() {
		if len(w.outcomes) != 2 || len(w.dispatched) != 2 {
			t.Errorf("while paused there were %d outcomes of %d commands, want 2 of 2", len(w.outcomes), len(w.dispatched))
		}
		w.say(campaignID.String(), workflows.UpdateResume, workflows.Order{By: "ana"})
	})
	if err := w.run(); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(*again, "the campaign is paused already") {
		t.Errorf("a second pause was answered %q", *again)
	}
	w.wantStates("running", "paused: paused by ana", "running", "completed: the budget of 6 experiments is used")
}

// TestAbortCancelsWhatRuns wants the running commands cancelled, their devices'
// last words awaited and recorded, and nothing begun after.
func TestAbortCancelsWhatRuns(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.at(30*time.Second, func() {
		w.answer = func(lab.Command) *lab.Result { return nil }
	})
	w.at(90*time.Second, func() {
		w.say(campaignID.String(), workflows.UpdateAbort, workflows.Order{By: "ana", Reason: "wrong solvent"})
	})
	if err := w.run(); err != nil {
		t.Fatal(err)
	}
	if len(w.cancelled) != 2 {
		t.Errorf("%d commands were cancelled, want 2", len(w.cancelled))
	}
	for n := 3; n <= 4; n++ {
		o := w.outcome(n)
		if o.State != lab.OutcomeCancelled || o.Steps[0].State != lab.CommandCancelled || o.Steps[0].Effect != lab.EffectPartial {
			t.Errorf("experiment %d ended %s with step %+v, want cancelled with what the device said", n, o.State, o.Steps[0])
		}
	}
	w.wantStates("running", "stopping: aborted by ana: wrong solvent", "aborted: aborted by ana: wrong solvent")
}

// TestPlanWaitsForApproval wants nothing to move before a person agrees, a
// verdict on another plan refused, and a rejected plan kept as cancelled.
func TestPlanWaitsForApproval(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.doc.Safety.Approve = "first-batch"
	other := lab.PlanID{9}
	var refused *string
	w.at(time.Minute, func() {
		if len(w.dispatched) != 0 {
			t.Errorf("%d commands were sent before approval", len(w.dispatched))
		}
		refused = w.say(campaignID.String(), workflows.UpdateVerdict, workflows.Verdict{PlanID: &other, Approve: true, By: "ana"})
	})
	w.at(2*time.Minute, func() {
		w.say(campaignID.String(), workflows.UpdateVerdict, workflows.Verdict{Approve: false, By: "ana", Reason: "too hot"})
	})
	w.at(time.Hour, func() { w.say(campaignID.String(), workflows.UpdateResume, workflows.Order{By: "ana"}) })
	if err := w.run(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(*refused, "does not wait for approval") {
		t.Errorf("a verdict on another plan was answered %q", *refused)
	}
	if o := w.outcome(1); o.State != lab.OutcomeCancelled || o.Failure.Code != "rejected" {
		t.Errorf("a rejected proposal was recorded as %s %v", o.State, o.Failure)
	}
	if got := len(w.outcomes); got != 8 {
		t.Errorf("%d proposals are on record, want 2 rejected and 6 done", got)
	}
	w.wantStates("running", "awaiting_approval: 2 experiments of round 1 wait for approval",
		"paused: the plan was rejected by ana: too hot; resume for another", "running", "completed: the budget of 6 experiments is used")
}

// TestTimeBudgetEndsTheCampaign wants what runs to end and nothing to follow.
func TestTimeBudgetEndsTheCampaign(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.doc.Budget = lab.Budget{Experiments: 100, Time: &lab.Quantity{Value: 90, Unit: "s"}}
	if err := w.run(); err != nil {
		t.Fatal(err)
	}
	if len(w.outcomes) != 4 {
		t.Errorf("%d experiments were done in 90 s of a minute each, two at a time; want 4", len(w.outcomes))
	}
	w.wantStates("running", "completed: the time of the budget is used")
}

// TestCampaignGoesOnInANewRun wants a campaign whose history grows long to let
// what runs end, to hand over where it is, and to go on from there.
func TestCampaignGoesOnInANewRun(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.at(30*time.Second, func() { w.env.SetContinueAsNewSuggested(true) })
	err := w.run()
	var renewed *workflow.ContinueAsNewError
	if !errors.As(err, &renewed) {
		t.Fatalf("the run ended with %v, want to be continued as new", err)
	}
	var next workflows.CampaignInput
	if err := converter.GetDefaultDataConverter().FromPayloads(renewed.Input, &next); err != nil {
		t.Fatal(err)
	}
	if next.Rounds != 1 || next.Numbered != 2 || next.Begun != 2 || next.Done != 2 || next.Opening == nil {
		t.Errorf("the next run begins with %+v; want one round of two experiments that are done", next)
	}

	second := setup(t)
	second.plans, second.outcomes = w.plans, w.outcomes
	second.env.ExecuteWorkflow(workflows.Campaign, next)
	if err := second.env.GetWorkflowError(); err != nil {
		t.Fatal(err)
	}
	if len(second.outcomes) != 6 || second.asks[0].First != 3 || len(second.asks[0].Known) != 2 {
		t.Errorf("%d outcomes; the new run first asked for experiment %d knowing %d; want 6, 3, 2", len(second.outcomes), second.asks[0].First, len(second.asks[0].Known))
	}
}
