package workflows_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/workflows"
)

// shelf is a corpus of three papers.
type shelf struct {
	words     []workflows.Judging
	concluded int
	learned   []int // rounds
}

func (s *shelf) Judge(_ context.Context, _ lab.CampaignID, j workflows.Judging) error {
	if j.Paper == "nowhere" {
		return lab.Errorf(lab.NotFound, "paper %s is not in the corpus", j.Paper)
	}
	s.words = append(s.words, j)
	return nil
}

func (s *shelf) Judged(context.Context, lab.CampaignID) (int, error) { return len(s.words), nil }

func (s *shelf) Conclude(context.Context, lab.CampaignID) (workflows.Reviewed, error) {
	s.concluded++
	return workflows.Reviewed{Version: "v", Works: 3, Read: 2, Claims: 4}, nil
}

func (s *shelf) Evidence(context.Context, lab.CampaignID) (*lab.Evidence, error) {
	if s.concluded == 0 {
		return nil, nil
	}
	return &lab.Evidence{Version: "v"}, nil
}

func (s *shelf) Learned(_ context.Context, _ lab.CampaignID, round int, _ []lab.Known) error {
	s.learned = append(s.learned, round)
	return nil
}

// reads gives the world a shelf and the campaign a section on literature.
func (w *world) reads(screen int) *shelf {
	s := &shelf{}
	w.doc.Literature = &lab.Literature{Query: "q", Screen: screen}
	workflows.WithLiterature(w.activities, s)
	return s
}

// TestCampaignReadsFirst wants the evidence in every brief, from the first on, and
// outcomes to be held against it.
func TestCampaignReadsFirst(t *testing.T) {
	t.Parallel()
	w := setup(t)
	s := w.reads(0)
	if err := w.run(); err != nil {
		t.Fatal(err)
	}
	if s.concluded != 1 || len(w.asks) != 3 {
		t.Fatalf("read %d times for %d rounds, want once for 3", s.concluded, len(w.asks))
	}
	for i, b := range w.asks {
		if b.Evidence == nil || b.Evidence.Version != "v" {
			t.Errorf("the brief of round %d has the evidence %v", i+1, b.Evidence)
		}
	}
	if !slices.Contains(s.learned, 3) {
		t.Errorf("outcomes were held against the papers before rounds %v, want 3 among them", s.learned)
	}
}

// TestCampaignWaitsForJudgements wants no plan before people have said enough.
func TestCampaignWaitsForJudgements(t *testing.T) {
	t.Parallel()
	w := setup(t)
	s := w.reads(2)
	id := workflows.ReviewID(campaignID)
	w.at(time.Hour, func() { w.say(id, workflows.UpdateJudge, workflows.Judging{Paper: "a", Label: "relevant"}) })
	w.at(2*time.Hour, func() {
		if len(w.asks) > 0 {
			t.Error("planned before the second paper was judged")
		}
		w.say(id, workflows.UpdateJudge, workflows.Judging{Paper: "b", Label: "irrelevant"})
	})
	if err := w.run(); err != nil {
		t.Fatal(err)
	}
	if len(s.words) != 2 || s.concluded != 1 || len(w.asks) != 3 {
		t.Errorf("%d judgements, read %d times, %d rounds; want 2, 1, 3", len(s.words), s.concluded, len(w.asks))
	}
	if !slices.ContainsFunc(w.states, func(s string) bool { return strings.Contains(s, "2 papers wait for a person") }) {
		t.Errorf("nobody was told to judge: %q", w.states)
	}
}

// TestScreeningEndsWithItsCampaign wants an abort not to wait for judgements, and
// a person's "enough" to end the wait.
func TestScreeningEndsWithItsCampaign(t *testing.T) {
	t.Parallel()
	t.Run("Aborted", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		s := w.reads(2)
		w.at(time.Hour, func() { w.say(campaignID.String(), workflows.UpdateAbort, workflows.Order{By: "ana"}) })
		if err := w.run(); err != nil {
			t.Fatal(err)
		}
		if s.concluded != 0 || len(w.asks) != 0 || !strings.HasPrefix(w.states[len(w.states)-1], "aborted") {
			t.Errorf("read %d times, %d rounds, states %q; want none, none, and aborted", s.concluded, len(w.asks), w.states)
		}
	})
	t.Run("Enough", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		s := w.reads(2)
		w.at(time.Hour, func() { w.say(workflows.ReviewID(campaignID), workflows.UpdateEnough, workflows.Order{By: "ana"}) })
		if err := w.run(); err != nil {
			t.Fatal(err)
		}
		if s.concluded != 1 || len(w.asks) != 3 {
			t.Errorf("read %d times, %d rounds; want 1 and 3", s.concluded, len(w.asks))
		}
	})
}
