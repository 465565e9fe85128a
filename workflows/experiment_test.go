package workflows_test

import (
	"strings"
	"testing"
	"time"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/workflows"
)

// TestDeliberateRetryHasANewName wants a failed step repeated under another
// command ID, as often as its policy says, and then told as a failure.
func TestDeliberateRetryHasANewName(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.doc.Budget.Experiments, w.doc.Plan = 1, lab.PlanPolicy{Batch: 1, InFlight: 1}
	w.graph.Steps[0].Retry = 1
	w.answer = func(c lab.Command) *lab.Result {
		r := answered(c, lab.CommandFailed, lab.EffectPartial)
		r.Code, r.Error = "device_fault", "the grip slipped"
		return r
	}
	if err := w.run(); err != nil {
		t.Fatal(err)
	}
	o := w.outcome(1)
	if o.State != lab.OutcomeFailed || o.Failure.Code != "device_fault" || len(o.Steps) != 2 {
		t.Fatalf("the experiment ended %s, %v, with %d records; want failed, device_fault, 2", o.State, o.Failure, len(o.Steps))
	}
	if o.Steps[0].CommandID == o.Steps[1].CommandID {
		t.Error("a deliberate repetition has the name of the first try")
	}
	w.wantStates("running", "completed: the budget of 1 experiment is used")
}

// TestDoubtIsNeverRetriedByItself wants a command in doubt to wait for whoever
// settles it, although its step may be repeated.
func TestDoubtIsNeverRetriedByItself(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.doc.Budget.Experiments, w.doc.Plan = 1, lab.PlanPolicy{Batch: 1, InFlight: 1}
	w.graph.Steps[0].Retry = 5
	w.answer = func(c lab.Command) *lab.Result { return answered(c, lab.CommandInDoubt, lab.EffectUnknown) }
	w.at(24*time.Hour, func() {
		if len(w.dispatched) != 1 || len(w.outcomes) != 0 {
			t.Errorf("a day later there were %d commands and %d outcomes, want 1 and 0", len(w.dispatched), len(w.outcomes))
		}
		r := answered(w.dispatched[0], lab.CommandDone, lab.EffectComplete)
		r.By = "ana"
		if err := w.env.SignalWorkflowByID(r.ExperimentID.String(), workflows.SignalSettled, *r); err != nil {
			t.Error(err)
		}
	})
	if err := w.run(); err != nil {
		t.Fatal(err)
	}
	if o := w.outcome(1); o.State != lab.OutcomeSucceeded || len(o.Steps) != 1 {
		t.Errorf("the experiment ended %s with %d records, want succeeded with 1", o.State, len(o.Steps))
	}
}

// TestStepsRunInTheirOrder wants independent steps at once, a step after two
// only when both are done, and devices let go of when no later step needs them.
func TestStepsRunInTheirOrder(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.doc.Budget.Experiments, w.doc.Plan = 1, lab.PlanPolicy{Batch: 1, InFlight: 1}
	node := func(id string, after ...string) workflows.Node {
		return workflows.Node{ID: id, After: after, TimeoutS: 60, Then: workflows.ThenSkip, Releases: []string{id}}
	}
	w.graph.Steps = []workflows.Node{node("a"), node("b"), node("c", "a", "b")}
	if err := w.run(); err != nil {
		t.Fatal(err)
	}
	o := w.outcome(1)
	if len(o.Steps) != 3 || o.Steps[2].Step != "c" || w.most != 2 {
		t.Errorf("%d steps, the last %s, %d at once; want 3, c, 2", len(o.Steps), o.Steps[len(o.Steps)-1].Step, w.most)
	}
	if got := w.released[o.Proposal.ExperimentID]; len(got) != 3 || got[2] != "all" {
		t.Errorf("released %v, want a, b and then all", got)
	}
}

// TestSampleThatWaitedTooLongIsNotUsed wants a step refused that could begin
// only later than its max_lag allows.
func TestSampleThatWaitedTooLongIsNotUsed(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.doc.Budget.Experiments, w.doc.Plan = 1, lab.PlanPolicy{Batch: 1, InFlight: 1}
	w.graph.Steps = []workflows.Node{
		{ID: "mix", TimeoutS: 60, Then: workflows.ThenSkip},
		{ID: "look", After: []string{"mix"}, TimeoutS: 60, MaxLagS: 30, Then: workflows.ThenSkip},
	}
	w.busy = func(r workflows.Place) bool {
		return r.Step == "look" && w.env.Now().Before(w.begun.Add(2*time.Minute))
	}
	if err := w.run(); err != nil {
		t.Fatal(err)
	}
	if o := w.outcome(1); o.State != lab.OutcomeFailed || o.Failure.Code != "max_lag" || o.Failure.Step != "look" {
		t.Errorf("the experiment ended %s, %+v; want failed for max_lag of look", o.State, o.Failure)
	}
}

// TestFailureCanEndTheCampaign wants a step whose policy is to stop to end the
// campaign with the reason.
func TestFailureCanEndTheCampaign(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.doc.Plan = lab.PlanPolicy{Batch: 1, InFlight: 1}
	w.graph.Steps[0].Then = workflows.ThenStop
	w.answer = func(c lab.Command) *lab.Result {
		r := answered(c, lab.CommandFailed, lab.EffectNone)
		r.Error = "no vial left"
		return r
	}
	if err := w.run(); err != nil {
		t.Fatal(err)
	}
	if len(w.outcomes) != 1 {
		t.Errorf("%d experiments were begun, want 1", len(w.outcomes))
	}
	w.wantStates("running", "failed: experiment 1: step look failed on device-of-look: no vial left")
}

// TestPersonDecidesOnAFailedStep wants a step whose policy is to ask repeated
// when a person says so, and advice to a step that does not ask refused.
func TestPersonDecidesOnAFailedStep(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.doc.Budget.Experiments, w.doc.Plan = 1, lab.PlanPolicy{Batch: 1, InFlight: 1}
	w.graph.Steps[0].Then = workflows.ThenAsk
	w.answer = func(c lab.Command) *lab.Result {
		if c.Intent == 1 {
			return answered(c, lab.CommandFailed, lab.EffectNone)
		}
		return answered(c, lab.CommandDone, lab.EffectComplete)
	}
	experiment := lab.ExperimentIDOf(campaignID, 1).String()
	var early *string
	w.at(30*time.Second, func() { early = w.say(experiment, workflows.UpdateAdvice, workflows.Advice{Step: "look", Retry: true}) })
	w.at(time.Hour, func() {
		w.say(experiment, workflows.UpdateAdvice, workflows.Advice{Step: "look", Retry: true, By: "ana"})
	})
	if err := w.run(); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(*early, "no step of the experiment waits for advice") {
		t.Errorf("advice nobody asked for was answered %q", *early)
	}
	if o := w.outcome(1); o.State != lab.OutcomeSucceeded || len(o.Steps) != 2 {
		t.Errorf("the experiment ended %s with %d records, want succeeded with 2", o.State, len(o.Steps))
	}
}
