package postgres_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/athanor-lab/athanor/dataset/datasettest"
	"github.com/athanor-lab/athanor/internal/pgtest"
	"github.com/athanor-lab/athanor/internal/postgres"
	"github.com/athanor-lab/athanor/lab"
)

// TestCampaignIsSubmittedOnce repeats a submission as a client that lost the
// answer does, at once and later, and wants one campaign.
func TestCampaignIsSubmittedOnce(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	first, second := datasettest.Campaign(1), datasettest.Campaign(2)
	var wg sync.WaitGroup
	var mu sync.Mutex
	created := 0
	for i := range 8 {
		wg.Go(func() {
			c := first
			c.ID[14] = byte(i) // each try mints an id of its own
			_, isNew, err := db.InsertCampaign(t.Context(), submission(c, "key"))
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			if isNew {
				created++
			}
		})
	}
	wg.Wait()
	all, next, err := db.ListCampaigns(t.Context(), nil, 10)
	if err != nil || created != 1 || len(all) != 1 || next != nil {
		t.Fatalf("%d were new, %d are listed, %v; want one", created, len(all), err)
	}
	got := all[0]
	if diff := cmp.Diff(first.Document, got.Campaign.Document, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("document (-want +got):\n%s", diff)
	}
	if got.Progress.State != lab.Submitted || got.Progress.Best == nil || got.Progress.UpdatedAt.IsZero() {
		t.Errorf("progress is %+v, want submitted, an empty list of best and a time", got.Progress)
	}
	if source, format, err := db.Source(t.Context(), got.Campaign.ID); err != nil || format != "yaml" || string(source) != "# by hand\ntitle: Direct arylation" {
		t.Errorf("source: %q in %q, %v; want the author's bytes", source, format, err)
	}
	other := submission(second, "key")
	other.Source = []byte("title: another")
	if _, _, err := db.InsertCampaign(t.Context(), other); lab.KindOf(err) != lab.Conflict {
		t.Errorf("the key with another document: %v, want a conflict", err)
	}
	if _, _, err := db.InsertCampaign(t.Context(), submission(second, "")); err != nil {
		t.Errorf("without a key: %v", err)
	}
}

func TestCampaignsAreListedInPages(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	for i := range byte(7) {
		insert(t, db, datasettest.Campaign(i+1), "")
	}
	var got []byte
	var cursor *lab.CampaignID
	for pages := 0; pages == 0 || cursor != nil; pages++ {
		page, next, err := db.ListCampaigns(t.Context(), cursor, 3)
		if err != nil || pages > 3 {
			t.Fatal(pages, err)
		}
		for _, row := range page {
			got = append(got, row.Campaign.ID[15])
		}
		if cursor == nil { // one that is submitted now is no part of the older pages
			insert(t, db, datasettest.Campaign(99), "")
		}
		cursor = next
	}
	if diff := cmp.Diff([]byte{7, 6, 5, 4, 3, 2, 1}, got); diff != "" {
		t.Errorf("campaigns, newest first (-want +got):\n%s", diff)
	}
	if _, err := db.SetState(t.Context(), datasettest.Campaign(4).ID, lab.Running, ""); err != nil {
		t.Fatal(err)
	}
	running, _, err := db.ListCampaigns(t.Context(), nil, 10, lab.Running)
	if err != nil || len(running) != 1 || running[0].Campaign.ID != datasettest.Campaign(4).ID {
		t.Errorf("running: %d campaigns, %v; want the fourth", len(running), err)
	}
}

func TestCampaignStates(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	c := insert(t, db, datasettest.Campaign(1), "").Campaign
	for _, s := range []lab.CampaignState{lab.Running, lab.Paused, lab.Paused, lab.Running, lab.Completed, lab.Completed} {
		p, err := db.SetState(t.Context(), c.ID, s, "because \x00 of a test")
		if err != nil || p.State != s || p.Reason != "because \ufffd of a test" {
			t.Errorf("set %s: %+v, %v", s, p, err)
		}
	}
	if p, err := db.SetState(t.Context(), c.ID, lab.Running, ""); lab.KindOf(err) != lab.Conflict || p.State != lab.Completed {
		t.Errorf("a completed campaign runs: %s, %v; want a conflict", p.State, err)
	}
	if _, err := db.SetState(t.Context(), datasettest.Campaign(2).ID, lab.Running, ""); lab.KindOf(err) != lab.NotFound {
		t.Errorf("an unknown campaign: %v, want not found", err)
	}
	if _, err := db.Campaign(t.Context(), datasettest.Campaign(2).ID); lab.KindOf(err) != lab.NotFound {
		t.Errorf("an unknown campaign: %v, want not found", err)
	}
	events, _, err := db.Since(t.Context(), 0, postgres.EventFilter{Campaign: &c.ID, Kinds: []lab.EventKind{lab.EventCampaign}}, 100)
	if err != nil || len(events) != 5 { // submitted and four changes
		t.Errorf("%d events, %v; want 5", len(events), err)
	}
}

// TestProgressFollowsOutcomes records outcomes out of order and repeatedly, and
// wants counters and best values as if each came once, in order.
func TestProgressFollowsOutcomes(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	c := insert(t, db, datasettest.Campaign(1), "").Campaign
	for _, n := range []int{5, 2, 3, 5, 1, 4, 2} {
		if _, err := db.PutOutcome(t.Context(), datasettest.Outcome(c.ID, n)); err != nil {
			t.Fatal(err)
		}
	}
	row, err := db.Campaign(t.Context(), c.ID)
	if err != nil {
		t.Fatal(err)
	}
	want := lab.Progress{State: lab.Submitted, Done: 5, Failures: 1, Best: []lab.Best{
		{Objective: "yield", Value: 52.5, Unit: "%", Experiment: lab.ExperimentIDOf(c.ID, 5), Number: 5},
		{Objective: "cost", Value: 12.5, Unit: "EUR/mol", Experiment: lab.ExperimentIDOf(c.ID, 1), Number: 1}, // all are equal: the first
	}}
	if diff := cmp.Diff(want, row.Progress, cmpopts.IgnoreFields(lab.Progress{}, "UpdatedAt")); diff != "" {
		t.Errorf("progress (-want +got):\n%s", diff)
	}
	unknown := datasettest.Outcome(datasettest.Campaign(2).ID, 1)
	if _, err := db.PutOutcome(t.Context(), unknown); lab.KindOf(err) != lab.NotFound {
		t.Errorf("an outcome of an unknown campaign: %v, want not found", err)
	}
	stop := errors.New("stop")
	if err := db.EachOutcome(t.Context(), c.ID, func(lab.Outcome) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("each: %v, want %v", err, stop)
	}
	page, err := db.Outcomes(t.Context(), c.ID, 2, 2)
	if err != nil || len(page) != 2 || page[0].Proposal.Number != 3 || page[1].Proposal.Number != 4 {
		t.Errorf("two outcomes after 2: %d, %v; want 3 and 4", len(page), err)
	}
}
