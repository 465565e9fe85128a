package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/athanor-lab/athanor/literature"
	"github.com/athanor-lab/athanor/literature/corpus"
	"github.com/athanor-lab/athanor/literature/index"
	"github.com/athanor-lab/athanor/literature/screen"
)

// review is one reviewer's reading of a corpus for a question.
type review struct {
	o              *opened
	name, reviewer string
	confidence     float64
	works          []corpus.Group
	byID           map[string]int // of every record, the place of its work
	screener       *screen.Screener
	audit          *screen.Audit // nil while the likeliest come first
	said           []int         // in this session, for going back
}

// auditReason marks judgements of papers that were drawn at random, so that a
// check that was broken off goes on where it was.
const auditReason = "audit"

// auditSeed makes the order of a check the same whenever it goes on.
const auditSeed = 1

var screenLabels = map[literature.Label]screen.Label{literature.Relevant: screen.Relevant, literature.Irrelevant: screen.Irrelevant, literature.Unsure: screen.Unsure, literature.Unread: screen.Unread}

// openReview reads the corpus and what this reviewer said before.
func openReview(ctx context.Context, o *opened, question, reviewer string, confidence float64) (*review, error) {
	l, err := o.library(ctx)
	if err != nil {
		return nil, err
	}
	r := &review{o: o, name: question, reviewer: reviewer, confidence: confidence, works: l.Groups(), byID: map[string]int{}}
	records := make([]screen.Record, len(r.works))
	for i, g := range r.works {
		records[i] = screen.Record{Title: g.Best.Title, Abstract: g.Best.Abstract}
		for _, id := range g.Members {
			r.byID[id] = i
		}
	}
	var start []int
	if question != "" {
		ranker := newRanker(l)
		for _, hit := range ranker.Rank(index.Parse(question), l.Len()) {
			if i := r.byID[hit.ID]; !slices.Contains(start, i) {
				start = append(start, i)
			}
		}
	}
	if r.screener, err = screen.New(records, start, 1); err != nil {
		return nil, err
	}
	return r, r.recall(ctx)
}

// recall gives the screener what this reviewer said, and takes up a check that
// was broken off: what was drawn for it has to be a beginning of its order.
func (r *review) recall(ctx context.Context) error {
	js, err := r.o.Judgements(ctx, r.o.name, r.name)
	if err != nil {
		return err
	}
	drawn := map[int]screen.Label{}
	for _, j := range js {
		i, ok := r.byID[j.Paper]
		if !ok || j.Reviewer != r.reviewer {
			continue
		}
		if j.Reason == auditReason {
			drawn[i] = screenLabels[j.Label]
			continue
		}
		if err := r.screener.Set(i, screenLabels[j.Label]); err != nil {
			return err
		}
	}
	if len(drawn) == 0 {
		return nil
	}
	a, err := r.screener.NewAudit(r.confidence, auditSeed)
	if err != nil {
		return err
	}
	for n := 0; n < len(drawn); n++ {
		i, _ := a.Next()
		l, ok := drawn[i]
		if !ok { // others were read in between; the check begins anew when it is asked for
			a = nil
			break
		}
		a.Answer(l != screen.Irrelevant)
	}
	r.audit = a
	for i, l := range drawn {
		if err := r.screener.Set(i, l); err != nil {
			return err
		}
	}
	return nil
}

// next returns the work to show: the likeliest, or a random one while checking.
func (r *review) next() (int, bool) {
	if r.audit != nil {
		return r.audit.Next()
	}
	next := r.screener.Next(1)
	if len(next) == 0 {
		return 0, false
	}
	return next[0], true
}

// answer keeps what the reader said of the work that was shown.
func (r *review) answer(ctx context.Context, i int, l literature.Label) error {
	reason := ""
	if r.audit != nil {
		reason = auditReason
	}
	if err := r.say(ctx, i, l, reason); err != nil {
		return err
	}
	if r.audit != nil {
		r.audit.Answer(l != literature.Irrelevant)
	}
	r.said = append(r.said, i)
	return nil
}

// say keeps a judgement of a work, by its best record.
func (r *review) say(ctx context.Context, i int, l literature.Label, reason string) error {
	if err := r.o.Judge(ctx, r.o.name, literature.Judgement{
		Review: r.name, Paper: r.works[i].Best.ID, Reviewer: r.reviewer, Label: l, Reason: reason, At: time.Now().UTC(),
	}); err != nil {
		return err
	}
	return r.screener.Set(i, screenLabels[l])
}

// back takes back the last answer of this session. A check ends by it, since its
// draws have to stay as they were.
func (r *review) back(ctx context.Context) bool {
	if len(r.said) == 0 {
		return false
	}
	i := r.said[len(r.said)-1]
	if err := r.say(ctx, i, literature.Unread, ""); err != nil {
		return false
	}
	r.said, r.audit = r.said[:len(r.said)-1], nil
	return true
}

// toggleAudit begins a check of the unread, or ends it.
func (r *review) toggleAudit() error {
	if r.audit != nil {
		r.audit = nil
		return nil
	}
	a, err := r.screener.NewAudit(r.confidence, auditSeed)
	r.audit = a
	return err
}

// reviewStatus is where a review stands.
type reviewStatus struct {
	Review     string           `json:"review"`
	Reviewer   string           `json:"reviewer"`
	Works      int              `json:"works"`
	Relevant   int              `json:"relevant"`
	Irrelevant int              `json:"irrelevant"`
	Unsure     int              `json:"unsure"`
	Unread     int              `json:"unread"`
	Next       []suggestion     `json:"next"`
	Stop       *stopStatus      `json:"stop"` // null where no check was begun
	Agreement  agreementOfNames `json:"agreement"`
}

type suggestion struct {
	ID    string          `json:"id"`
	Title string          `json:"title"`
	Why   []screen.Reason `json:"why"`
}

type stopStatus struct {
	Read       int     `json:"read"`
	LeftAtMost int     `json:"left_at_most"`
	Recall     float64 `json:"recall_at_least"`
	Confidence float64 `json:"confidence"`
	Target     float64 `json:"target"`
	Enough     bool    `json:"enough"`
}

// agreementOfNames is an agreement with the names of reviewers and papers.
type agreementOfNames struct {
	screen.Agreement
	Names     []string `json:"reviewers"`
	Conflicts []string `json:"conflicts"`
}

// status says where the review stands, with up to n suggestions.
func (r *review) status(ctx context.Context, n int, recall float64) (reviewStatus, error) {
	st := reviewStatus{Review: r.name, Reviewer: r.reviewer, Works: len(r.works), Next: []suggestion{}}
	for i := range r.works {
		switch r.screener.Label(i) {
		case screen.Relevant:
			st.Relevant++
		case screen.Irrelevant:
			st.Irrelevant++
		case screen.Unsure:
			st.Unsure++
		default:
			st.Unread++
		}
	}
	for _, i := range r.screener.Next(n) {
		why := r.screener.Why(i, 5)
		if why == nil {
			why = []screen.Reason{}
		}
		st.Next = append(st.Next, suggestion{ID: r.works[i].Best.ID, Title: r.works[i].Best.Title, Why: why})
	}
	if a := r.audit; a != nil {
		st.Stop = &stopStatus{Read: a.Read(), LeftAtMost: a.Left(), Recall: a.Recall(), Confidence: r.confidence, Target: recall, Enough: a.Enough(recall)}
	}
	var err error
	st.Agreement, err = r.agreement(ctx)
	return st, err
}

// agreement compares all reviewers of the review.
func (r *review) agreement(ctx context.Context) (agreementOfNames, error) {
	js, err := r.o.Judgements(ctx, r.o.name, r.name)
	if err != nil {
		return agreementOfNames{}, err
	}
	var names []string
	labels := map[string][]screen.Label{}
	for _, j := range js {
		i, ok := r.byID[j.Paper]
		if !ok {
			continue
		}
		if labels[j.Reviewer] == nil {
			labels[j.Reviewer] = make([]screen.Label, len(r.works))
			names = append(names, j.Reviewer)
		}
		labels[j.Reviewer][i] = screenLabels[j.Label]
	}
	slices.Sort(names)
	table := make([][]screen.Label, len(names))
	for n, name := range names {
		table[n] = labels[name]
	}
	a := agreementOfNames{Agreement: screen.Agree(table), Names: append([]string{}, names...), Conflicts: []string{}}
	for _, i := range a.Agreement.Conflicts {
		a.Conflicts = append(a.Conflicts, r.works[i].Best.ID)
	}
	return a, nil
}

// String tells the status in a line or two.
func (st reviewStatus) String() string {
	s := fmt.Sprintf("%d of %d works read: %d relevant, %d not, %d unsure", st.Works-st.Unread, st.Works, st.Relevant, st.Irrelevant, st.Unsure)
	if x := st.Stop; x != nil {
		s += fmt.Sprintf("; at most %d relevant ones are left, at least %.0f %% were found (%.0f %% confidence, %d checked)", x.LeftAtMost, 100*x.Recall, 100*x.Confidence, x.Read)
	}
	if a := st.Agreement; len(a.Names) > 1 {
		s += fmt.Sprintf("\nreviewers %s both read %d", strings.Join(a.Names, ", "), a.Both)
		if a.Same != nil {
			s += fmt.Sprintf(", agree on %.0f %%", 100**a.Same)
		}
		if a.Alpha != nil {
			s += fmt.Sprintf(" (alpha %.2f)", *a.Alpha)
		}
		s += fmt.Sprintf(", differ on %d", len(a.Conflicts))
	}
	return s
}
