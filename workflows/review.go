package workflows

import (
	"context"

	"go.temporal.io/sdk/workflow"

	"github.com/athanor-lab/athanor/lab"
)

// The names of the updates and the query of a [Review].
const (
	UpdateJudge  = "judge"  // Judging: a person's word on a paper
	UpdateEnough = "enough" // Order: ends the screening, whatever was wanted
	QueryReading = "reading"
)

// ReviewID names the workflow that reads for a campaign.
func ReviewID(id lab.CampaignID) string { return id.String() + "/review" }

// ReviewInput starts a review.
type ReviewInput struct {
	ID lab.CampaignID `json:"id"`
	// Screen is how many papers a person judges first.
	Screen int `json:"screen,omitempty"`
}

// Judging is a person's word on a paper.
type Judging struct {
	Paper  string `json:"paper"`
	Label  string `json:"label"` // "relevant", "irrelevant", "unsure", "unread"
	By     string `json:"by"`
	Reason string `json:"reason,omitempty"`
}

// Reading is what [QueryReading] answers.
type Reading struct {
	State  string   `json:"state"` // "ranking", "screening", "reading", "done"
	Judged int      `json:"judged"`
	Wanted int      `json:"wanted"` // to be judged by a person
	Made   Reviewed `json:"made"`
}

// Reviewed is what a campaign has to know of its review; the rest is on record.
type Reviewed struct {
	Version string `json:"version,omitempty"` // of the evidence
	Works   int    `json:"works"`             // that were screened
	Read    int    `json:"read"`
	Claims  int    `json:"claims"`
}

// Literature reads for campaigns, and keeps what it read. All of it may be called
// twice.
type Literature interface {
	// Judge keeps a person's word on a paper of the campaign's corpus.
	Judge(ctx context.Context, id lab.CampaignID, j Judging) error
	// Judged counts the papers that people have judged for the campaign.
	Judged(ctx context.Context, id lab.CampaignID) (int, error)
	// Conclude makes the campaign's evidence and keeps it, unless it is on record.
	Conclude(ctx context.Context, id lab.CampaignID) (Reviewed, error)
	// Evidence returns what is on record and to be heeded, nil for none.
	Evidence(ctx context.Context, id lab.CampaignID) (*lab.Evidence, error)
	// Learned keeps what the outcomes before a round say of the papers.
	Learned(ctx context.Context, id lab.CampaignID, round int, known []lab.Known) error
}

// WithLiterature gives the activities what reads; without it a document's section
// on literature has no effect.
func WithLiterature(a *Activities, l Literature) *Activities {
	a.literature = l
	return a
}

// Review reads for a campaign: it waits until people have judged as many papers as
// its document wants, and makes the evidence. Judgements and evidence are on record
// as soon as they are made, so that it may be stopped at any moment.
func Review(ctx workflow.Context, in ReviewInput) (Reviewed, error) {
	r := &Reading{State: "ranking", Wanted: in.Screen}
	var a *Activities
	enough := false
	if err := workflow.SetQueryHandler(ctx, QueryReading, func() (Reading, error) { return *r, nil }); err != nil {
		return r.Made, err
	}
	judge := func(ctx workflow.Context, j Judging) error {
		if err := workflow.ExecuteActivity(brief(ctx), a.JudgePaper, in.ID, j).Get(ctx, nil); err != nil {
			return err
		}
		return workflow.ExecuteActivity(brief(ctx), a.CountJudged, in.ID).Get(ctx, &r.Judged)
	}
	open := func(workflow.Context, Judging) error {
		if r.State == "reading" || r.State == "done" {
			return refuse("the papers have been read already: the evidence is made")
		}
		return nil
	}
	if err := workflow.SetUpdateHandlerWithOptions(ctx, UpdateJudge, judge, workflow.UpdateHandlerOptions{Validator: open}); err != nil {
		return r.Made, err
	}
	if err := workflow.SetUpdateHandler(ctx, UpdateEnough, func(workflow.Context, Order) error { enough = true; return nil }); err != nil {
		return r.Made, err
	}
	if in.Screen > 0 {
		if err := workflow.ExecuteActivity(brief(ctx), a.CountJudged, in.ID).Get(ctx, &r.Judged); err != nil {
			return r.Made, err
		}
		r.State = "screening"
		if err := workflow.Await(ctx, func() bool { return enough || r.Judged >= in.Screen }); err != nil {
			return r.Made, err
		}
	}
	r.State = "reading"
	if err := workflow.ExecuteActivity(thinking(ctx), a.Conclude, in.ID).Get(ctx, &r.Made); err != nil {
		return r.Made, err
	}
	r.State = "done"
	return r.Made, workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) })
}

// read lets the campaign read before its first plan, where its document has
// literature. It is ended with the campaign.
func (c *campaign) read(ctx workflow.Context) error {
	l := c.Opening.Literature
	if l == nil || c.Reviewed {
		return nil
	}
	why := "reading the literature"
	if l.Screen > 0 {
		why += ": " + plural(l.Screen, "paper") + " wait for a person"
	}
	if err := c.enter(ctx, c.state, why); err != nil {
		return err
	}
	child := workflow.WithChildOptions(c.children, workflow.ChildWorkflowOptions{WorkflowID: ReviewID(c.ID), WaitForCancellation: true})
	var made Reviewed
	err := workflow.ExecuteChildWorkflow(child, Review, ReviewInput{ID: c.ID, Screen: l.Screen}).Get(ctx, &made)
	if c.ending != "" {
		return nil // ended by a person meanwhile
	}
	if err != nil {
		return err
	}
	c.Reviewed = true
	return c.enter(ctx, c.state, "")
}

// reads returns the document's section on literature where something reads.
func (a *Activities) reads(d lab.Document) *lab.Literature {
	if a.literature == nil {
		return nil
	}
	return d.Literature
}

// JudgePaper keeps a person's word on a paper.
func (a *Activities) JudgePaper(ctx context.Context, id lab.CampaignID, j Judging) error {
	return forTemporal(a.literature.Judge(ctx, id, j))
}

// CountJudged counts the papers that people have judged for a campaign.
func (a *Activities) CountJudged(ctx context.Context, id lab.CampaignID) (int, error) {
	n, err := a.literature.Judged(ctx, id)
	return n, forTemporal(err)
}

// Conclude makes a campaign's evidence and keeps it.
func (a *Activities) Conclude(ctx context.Context, id lab.CampaignID) (Reviewed, error) {
	defer beat(ctx)()
	made, err := a.literature.Conclude(ctx, id)
	return made, forTemporal(err)
}

// evidence returns what the planner is to heed, after it has kept what the
// outcomes so far say of it.
func (a *Activities) evidence(ctx context.Context, c lab.Campaign, round int, known []lab.Known) (*lab.Evidence, error) {
	if a.literature == nil || c.Document.Literature == nil {
		return nil, nil
	}
	if err := a.literature.Learned(ctx, c.ID, round, known); err != nil {
		return nil, forTemporal(err)
	}
	e, err := a.literature.Evidence(ctx, c.ID)
	return e, forTemporal(err)
}
