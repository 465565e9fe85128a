package postgres_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/athanor-lab/athanor/dataset/datasettest"
	"github.com/athanor-lab/athanor/devices/gateway/gatewaytest"
	"github.com/athanor-lab/athanor/internal/pgtest"
	"github.com/athanor-lab/athanor/lab"
)

// TestWhatRunsIsSeen plans three experiments, ends the first, sends a command
// for the second and loses sight of it, and wants all three told apart.
func TestWhatRunsIsSeen(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	c := insert(t, db, datasettest.Campaign(1), "").Campaign
	var plans []lab.Plan
	for round := 1; round <= 3; round++ {
		brief, plan := decision(t, c.ID, round, "a")
		if _, err := db.PutPlan(t.Context(), brief, plan); err != nil {
			t.Fatal(err)
		}
		plans = append(plans, plan)
	}
	if _, err := db.PutOutcome(t.Context(), datasettest.Outcome(c.ID, 1)); err != nil {
		t.Fatal(err)
	}
	e := gatewaytest.NewEntry("furnace-1", 2)
	e.Command.CampaignID, e.Command.ExperimentID = c.ID, lab.ExperimentIDOf(c.ID, 2)
	if _, err := db.Put(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	open, err := db.Unfinished(t.Context(), c.ID, 0, 10)
	if err != nil || len(open) != 2 || open[0].Proposal.Number != 2 || len(open[0].Commands) != 1 || open[1].Proposal.Number != 3 || len(open[1].Commands) != 0 {
		t.Errorf("unfinished: %+v, %v; want 2 with a command and 3 without", open, err)
	}
	if more, err := db.Unfinished(t.Context(), c.ID, 2, 10); err != nil || len(more) != 1 {
		t.Errorf("unfinished after 2: %d, %v; want 1", len(more), err)
	}
	p, err := db.Proposal(t.Context(), plans[2].ID, 3)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(plans[2].Proposals[0], p, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("proposal (-want +got):\n%s", diff)
	}
	if _, err := db.Proposal(t.Context(), plans[2].ID, 4); lab.KindOf(err) != lab.NotFound {
		t.Errorf("an unknown proposal: %v, want not found", err)
	}
	if doubts, err := db.Doubts(t.Context(), lab.CampaignID{}); err != nil || len(doubts) != 0 {
		t.Errorf("doubts: %d, %v; want none yet", len(doubts), err)
	}
	ev, raw := gatewaytest.NewEvent(e, lab.CommandInDoubt, 0, 0)
	if _, taken, err := db.Settle(t.Context(), e.ID(), ev, raw); err != nil || !taken {
		t.Fatal(taken, err)
	}
	for _, id := range []lab.CampaignID{{}, c.ID} {
		doubts, err := db.Doubts(t.Context(), id)
		if err != nil || len(doubts) != 1 || doubts[0].Title != c.Document.Title || doubts[0].Entry.Command.ID != e.Command.ID {
			t.Errorf("doubts of %s: %+v, %v; want the command", id, doubts, err)
		}
	}
	if doubts, err := db.Doubts(t.Context(), datasettest.Campaign(2).ID); err != nil || len(doubts) != 0 {
		t.Errorf("doubts of another campaign: %d, %v; want none", len(doubts), err)
	}
}

// TestEventsAreReadBackwards pages through a campaign's log from its newest.
func TestEventsAreReadBackwards(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	c := insert(t, db, datasettest.Campaign(1), "").Campaign
	insert(t, db, datasettest.Campaign(2), "")
	for n := 1; n <= 2; n++ {
		if _, err := db.PutOutcome(t.Context(), datasettest.Outcome(c.ID, n)); err != nil {
			t.Fatal(err)
		}
	}
	var got []lab.EventKind
	before := int64(0)
	for {
		page, err := db.Before(t.Context(), c.ID, before, 2)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, e := range page {
			got, before = append(got, e.Kind), e.Seq
		}
	}
	want := []lab.EventKind{lab.EventCampaign, lab.EventExperiment, lab.EventCampaign, lab.EventExperiment, lab.EventCampaign}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("kinds, newest first (-want +got):\n%s", diff)
	}
}
