package postgres_test

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/athanor-lab/athanor/dataset/datasettest"
	"github.com/athanor-lab/athanor/internal/pgtest"
	"github.com/athanor-lab/athanor/internal/postgres"
	"github.com/athanor-lab/athanor/lab"
)

// TestFirstReviewStays wants one review to a campaign, whoever asks, and what
// outcomes say of its papers by round, which never changes.
func TestFirstReviewStays(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	c := insert(t, db, datasettest.Campaign(1), "").Campaign.ID
	if _, err := db.Review(t.Context(), c); lab.KindOf(err) != lab.NotFound {
		t.Errorf("a review that was never made: %v, want not_found", err)
	}
	for _, body := range []string{`{"n": 1}`, `{"n": 2}`} {
		got, err := db.PutReview(t.Context(), c, "default", "v", json.RawMessage(body))
		if err != nil || string(got) != `{"n": 1}` {
			t.Errorf("put %s: kept %s (%v), want the first", body, got, err)
		}
	}
	said := func(round int, p float64) postgres.Credibility {
		return postgres.Credibility{Round: round, Paper: "a", Probability: p, Correlation: 0.1, Near: 2, Outcomes: round}
	}
	for _, s := range []postgres.Credibility{said(1, 0.5), said(2, 0.9), said(2, 0.1)} {
		if err := db.PutCredibilities(t.Context(), c, []postgres.Credibility{s}); err != nil {
			t.Fatal(err)
		}
	}
	all, err := db.Credibilities(t.Context(), c)
	if err != nil || len(all) != 2 || all[1] != said(2, 0.9) {
		t.Errorf("said of the papers: %v (%v), want two rounds, the first word of each", all, err)
	}
	past, err := db.PastCredibility(t.Context(), "default")
	if err != nil || math.Abs(past["a"]-0.9) > 1e-12 {
		t.Errorf("earlier campaigns say %v (%v), want the last word: 0.9", past, err)
	}
	if past, err := db.PastCredibility(t.Context(), "other"); err != nil || len(past) != 0 {
		t.Errorf("of another corpus they say %v (%v)", past, err)
	}
}
