package postgres_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/athanor-lab/athanor/dataset"
	"github.com/athanor-lab/athanor/dataset/datasettest"
	"github.com/athanor-lab/athanor/dataset/snapshot"
	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/devices/gateway"
	"github.com/athanor-lab/athanor/internal/pgtest"
	"github.com/athanor-lab/athanor/internal/postgres"
	"github.com/athanor-lab/athanor/lab"
)

// live makes n experiments of a campaign: planned, committed to, sent, answered
// and recorded.
func live(t *testing.T, db *postgres.DB, seed byte, n int) lab.CampaignID {
	t.Helper()
	ctx := t.Context()
	c := insert(t, db, datasettest.Campaign(seed), "").Campaign.ID
	for i := 1; i <= n; i++ {
		brief, plan := decision(t, c, i, "bayes")
		if _, err := db.PutPlan(ctx, brief, plan); err != nil {
			t.Fatal(err)
		}
		o := datasettest.Outcome(c, i)
		e := o.Proposal.ExperimentID
		now := time.Now().UTC()
		o.StartedAt, o.FinishedAt = now, now.Add(time.Second)
		cmd := lab.Command{
			ID: lab.CommandIDOf(e, "heat", 1, 0), CampaignID: c, ExperimentID: e, Number: i, Step: "heat", Intent: 1, Device: "heater-1", Name: "hold",
			Params: json.RawMessage(`{}`), Samples: []lab.SampleRef{{ID: e.UUID() + ".vial", Slot: "a"}}, Deadline: now.Add(time.Hour),
		}
		if _, err := db.Put(ctx, gateway.Entry{Command: cmd, Lease: []byte("l"), Body: []byte(`{"id":"` + cmd.ID.UUID() + `"}`), Published: now}); err != nil {
			t.Fatal(err)
		}
		ev := devices.Event{ID: cmd.ID.UUID(), State: lab.CommandDone, Boot: 1, N: int64(i), TS: now, Effect: lab.EffectComplete}
		raw := []byte(`{"id":"` + ev.ID + `","state":"done","blobs":[{"name":"trace.csv","media_type":"text/csv","size":3,"sha256":"` + strings.Repeat("ab", 32) + `"}]}`)
		if _, _, err := db.Fold(ctx, "heater-1", ev, raw); err != nil {
			t.Fatal(err)
		}
		if _, err := db.PutOutcome(ctx, o); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func freeze(t *testing.T, db *postgres.DB, s dataset.Selection) snapshot.Snapshot {
	t.Helper()
	out, err := snapshot.CreateFrom(t.Context(), t.TempDir(), db, s, snapshot.Options{Splits: snapshot.DefaultSplits()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := snapshot.Verify(out.Dir); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestSnapshotOfTheRecord freezes two campaigns twice and wants one name; then
// a later fact must change the name, and as of before it must not.
func TestSnapshotOfTheRecord(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	a, b := live(t, db, 1, 4), live(t, db, 2, 3)
	first, again := freeze(t, db, dataset.Selection{}), freeze(t, db, dataset.Selection{})
	if first.ID != again.ID {
		t.Errorf("two snapshots of one record: %s and %s", first.ID, again.ID)
	}
	want := &snapshot.Facts{
		Selection:   first.Facts.Selection,
		Classes:     map[dataset.Class]int{dataset.Success: 5, dataset.Failed: 2},
		Commitments: map[dataset.Standing]int{dataset.Committed: 7},
		Commands:    7, RawFiles: 7,
	}
	if d := cmp.Diff(want, first.Facts); d != "" {
		t.Errorf("facts (-want +got):\n%s", d)
	}
	x := 12.0
	if err := db.PutCorrection(t.Context(), lab.ExperimentIDOf(a, 1), dataset.Correction{Kind: "observed", By: "ada", Why: "the standard was old", Objective: "yield", Value: &x}); err != nil {
		t.Fatal(err)
	}
	if err := db.PutCorrection(t.Context(), lab.ExperimentIDOf(b, 2), dataset.Correction{Kind: "invalidate", By: "ada", Why: "the vial leaked"}); err != nil {
		t.Fatal(err)
	}
	later := freeze(t, db, dataset.Selection{})
	change, err := snapshot.Diff(first, later)
	if err != nil {
		t.Fatal(err)
	}
	if len(change.Changed) != 2 || change.Same != 5 || len(change.Added)+len(change.Removed) != 0 {
		t.Errorf("two corrections changed %+v", change)
	}
	if later.Facts.Classes[dataset.Invalidated] != 1 || later.Facts.Corrections != 2 {
		t.Errorf("facts after the corrections: %+v", later.Facts)
	}
	if was := freeze(t, db, dataset.Selection{AsOf: first.Facts.Selection.AsOf}); was.ID != first.ID {
		t.Errorf("as of before the corrections it is %s, want %s", was.ID, first.ID)
	}
	if err := db.PutCorrection(t.Context(), lab.ExperimentIDOf(a, 3), dataset.Correction{Kind: "observed", By: "ada", Why: "?", Objective: "yield", Value: &x}); lab.KindOf(err) != lab.Invalid {
		t.Errorf("a correction made up an observation of a failure: %v", err)
	}
}

// TestSnapshotSelects wants the filters to hold, and what cannot go together
// under one licence refused.
func TestSnapshotSelects(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	a, b := live(t, db, 1, 2), live(t, db, 2, 2)
	ctx := t.Context()
	for id, terms := range map[lab.CampaignID]dataset.Terms{
		a: {License: "CC-BY-4.0", Access: "open", By: "ada"},
		b: {License: "CC-BY-NC-4.0", Access: "restricted", By: "ada"},
	} {
		if err := db.PutTerms(ctx, id, terms); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		sel     dataset.Selection
		rows    int
		license string
	}{
		"All":      {dataset.Selection{}, 4, "CC-BY-NC-4.0"},
		"One":      {dataset.Selection{Campaigns: []lab.CampaignID{b}}, 2, "CC-BY-NC-4.0"},
		"Open":     {dataset.Selection{Access: "open"}, 2, "CC-BY-4.0"},
		"Licensed": {dataset.Selection{Licenses: []string{"CC-BY-4.0"}}, 2, "CC-BY-4.0"},
	} {
		s := freeze(t, db, c.sel)
		n := 0
		for _, x := range s.Facts.Classes {
			n += x
		}
		if n != c.rows || s.License != c.license {
			t.Errorf("%s: %d rows under %q, want %d under %q", name, n, s.License, c.rows, c.license)
		}
	}
	if err := db.PutTerms(ctx, a, dataset.Terms{License: "CC-BY-SA-4.0", Access: "open", By: "ada"}); err != nil {
		t.Fatal(err)
	}
	if _, err := snapshot.CreateFrom(ctx, t.TempDir(), db, dataset.Selection{}, snapshot.Options{}); lab.KindOf(err) != lab.Conflict {
		t.Errorf("share-alike beside non-commercial: %v, want a conflict", err)
	}
}

// TestPredictionsCannotBeChanged rewrites a prediction in a snapshot, with all
// hashes of rows and files made right, and wants the commitment to tell.
func TestPredictionsCannotBeChanged(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	live(t, db, 1, 3)
	s := freeze(t, db, dataset.Selection{})
	rows := 0
	forged := func(yield func(snapshot.Item) error) error {
		return s.EachRow(func(line []byte) error {
			var e dataset.Experiment
			if err := json.Unmarshal(line, &e); err != nil {
				return err
			}
			if p := &e.Predicted[0].Value; p.Mean != nil {
				*p.Mean += 1e-9
				rows++
			}
			if _, err := dataset.CheckCommitment(e); (err == nil) != (e.Predicted[0].Value.Mean == nil) {
				t.Errorf("experiment %d: %v", e.Number, err)
			}
			item, err := snapshot.OfExperiment(e)
			if err != nil {
				return err
			}
			return yield(item)
		})
	}
	if err := forged(func(snapshot.Item) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if rows == 0 {
		t.Fatal("no row had a prediction")
	}
	// A link that is left out breaks the chain.
	chain := filepath.Join(s.Dir, "data", "commitments.jsonl")
	b, err := os.ReadFile(chain)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(b), "\n")
	prev := ""
	for i, line := range append(lines[:1:1], lines[2:]...) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		var l dataset.Link
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatal(err)
		}
		if err := l.Follows(prev); (err == nil) != (i == 0) {
			t.Errorf("link %d of a chain without its second: %v", i, err)
		}
		prev = l.Hash
	}
}
