package postgres_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/athanor-lab/athanor/dataset/datasettest"
	"github.com/athanor-lab/athanor/internal/pgtest"
	"github.com/athanor-lab/athanor/lab"
)

// decision returns a brief of a campaign and a plan that answers it.
func decision(t *testing.T, c lab.CampaignID, round int, planner string) (lab.Brief, lab.Plan) {
	t.Helper()
	doc := datasettest.Campaign(1).Document
	b := lab.Brief{
		CampaignID: c, PlanID: lab.PlanIDOf(c, round), Round: round, First: round, Want: 1, Budget: 10,
		Space: doc.Space, Objectives: doc.Objectives, Policy: doc.Plan, Seed: 7, Known: []lab.Known{}, Pending: []lab.Pending{},
	}
	raw, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(raw)
	return b, lab.Plan{
		ID: b.PlanID, CampaignID: c, Round: round, Planner: planner, BriefHash: hex.EncodeToString(sum[:]),
		Proposals: []lab.Proposal{datasettest.Outcome(c, round).Proposal},
	}
}

// TestFirstPlanStays has several workers decide one round at once and wants all
// of them to go on with one plan.
func TestFirstPlanStays(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	c := insert(t, db, datasettest.Campaign(1), "").Campaign.ID
	got := make([]lab.Plan, 6)
	var wg sync.WaitGroup
	for i := range got {
		wg.Go(func() {
			brief, plan := decision(t, c, 1, string(rune('a'+i)))
			var err error
			if got[i], err = db.PutPlan(t.Context(), brief, plan); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, p := range got[1:] {
		if diff := cmp.Diff(got[0], p); diff != "" {
			t.Errorf("two workers have two plans:\n%s", diff)
		}
	}
	brief, plan := decision(t, c, 2, "a")
	for range 2 {
		stored, err := db.PutPlan(t.Context(), brief, plan)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(plan, stored, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("plan (-want +got):\n%s", diff)
		}
	}
	plans, err := db.Plans(t.Context(), c, 0, 10)
	if err != nil || len(plans) != 2 || plans[1].Round != 2 {
		t.Errorf("plans: %d, %v; want rounds 1 and 2", len(plans), err)
	}
	back, err := db.Brief(t.Context(), plan.BriefHash)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(brief, back); diff != "" {
		t.Errorf("brief (-want +got):\n%s", diff)
	}
	row, err := db.Campaign(t.Context(), c)
	if err != nil || row.Progress.Rounds != 2 || row.Progress.Planned != 2 {
		t.Errorf("progress: %+v, %v; want 2 rounds with 2 experiments", row.Progress, err)
	}
}

func TestPlanErrors(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	c := insert(t, db, datasettest.Campaign(1), "").Campaign.ID
	brief, plan := decision(t, c, 1, "a")
	brief.Seed++
	if _, err := db.PutPlan(t.Context(), brief, plan); lab.KindOf(err) != lab.Invalid {
		t.Errorf("a plan of another brief: %v, want invalid", err)
	}
	brief, plan = decision(t, datasettest.Campaign(2).ID, 1, "a")
	if _, err := db.PutPlan(t.Context(), brief, plan); lab.KindOf(err) != lab.Conflict {
		t.Errorf("a plan of an unknown campaign: %v, want a conflict", err)
	}
	if _, err := db.Plan(t.Context(), c, 1); lab.KindOf(err) != lab.NotFound {
		t.Errorf("an unknown plan: %v, want not found", err)
	}
	for _, hash := range []string{plan.BriefHash, "abc"} {
		if _, err := db.Brief(t.Context(), hash); lab.KindOf(err) != lab.NotFound && lab.KindOf(err) != lab.Invalid {
			t.Errorf("brief %q: %v", hash, err)
		}
	}
}
