package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/athanor-lab/athanor/lab"
)

// The names of the updates and the query of a [Campaign].
const (
	UpdatePause   = "pause"   // Order: running experiments end, none is begun
	UpdateResume  = "resume"  // Order
	UpdateAbort   = "abort"   // Order: running commands are cancelled
	UpdateVerdict = "verdict" // Verdict: approves or rejects a plan that waits
	QueryProgress = "progress"
)

// Standing is what [QueryProgress] answers.
type Standing struct {
	State   lab.CampaignState `json:"state"`
	Why     string            `json:"why,omitempty"`
	Rounds  int               `json:"rounds"`
	Begun   int               `json:"begun"`
	Done    int               `json:"done"`
	Running []int             `json:"running"`
	Waiting *lab.PlanID       `json:"waiting,omitempty"` // the plan that waits for approval
}

// listen takes what people may say to a campaign. Each is checked before it is
// accepted, so that whoever asked learns at once why it cannot be.
func (c *campaign) listen(ctx workflow.Context) error {
	if err := workflow.SetQueryHandler(ctx, QueryProgress, func() (Standing, error) { return c.standing(), nil }); err != nil {
		return err
	}
	if err := c.on(ctx, UpdatePause, c.pause, func() error {
		if c.Paused {
			return lab.Errorf(lab.Conflict, "the campaign is paused already")
		}
		return nil
	}); err != nil {
		return err
	}
	if err := c.on(ctx, UpdateResume, c.resume, func() error {
		if !c.Paused {
			return lab.Errorf(lab.Conflict, "the campaign is %s, not paused", c.state)
		}
		return nil
	}); err != nil {
		return err
	}
	if err := c.on(ctx, UpdateAbort, c.abort, nil); err != nil {
		return err
	}
	return workflow.SetUpdateHandlerWithOptions(ctx, UpdateVerdict, c.judge, workflow.UpdateHandlerOptions{Validator: c.mayJudge})
}

// on sets a handler of an order, refused when the campaign is ending anyway or
// for a reason that check gives.
func (c *campaign) on(ctx workflow.Context, name string, do func(workflow.Context, Order) error, check func() error) error {
	return workflow.SetUpdateHandlerWithOptions(ctx, name, do, workflow.UpdateHandlerOptions{
		Validator: func(_ workflow.Context, _ Order) error {
			if c.ending != "" && (name != UpdateAbort || c.final == lab.Aborted) {
				return refuse("the campaign is ending: " + c.ending)
			}
			if check == nil {
				return nil
			}
			if err := check(); err != nil {
				return refuse(err.Error())
			}
			return nil
		},
	})
}

func (c *campaign) pause(ctx workflow.Context, o Order) error {
	c.Paused = true
	return c.enter(ctx, lab.Paused, "paused "+o.String())
}

func (c *campaign) resume(ctx workflow.Context, _ Order) error {
	c.Paused = false
	if c.waiting != nil {
		return c.enter(ctx, lab.AwaitingApproval, c.waitingFor())
	}
	return c.enter(ctx, lab.Running, "")
}

func (c *campaign) abort(ctx workflow.Context, o Order) error {
	c.end(lab.Aborted, "aborted "+o.String())
	c.Paused = false
	if err := c.enter(ctx, lab.Stopping, c.ending); err != nil {
		return err
	}
	c.cancel()
	return nil
}

func (c *campaign) standing() Standing {
	s := Standing{State: c.state, Why: c.Why, Rounds: c.Rounds, Begun: c.Begun, Done: c.Done, Running: make([]int, len(c.running))}
	for i, p := range c.running {
		s.Running[i] = p.Number
	}
	if c.waiting != nil {
		s.Waiting = &c.waiting.PlanID
	}
	return s
}

// approved waits for a person where the campaign's safety says so. A rejected
// plan's proposals are recorded as cancelled and do not count; the campaign
// then pauses, so that whoever rejected says what next.
func (c *campaign) approved(ctx workflow.Context, d Decision) (bool, error) {
	needs := c.Opening.Safety.Approve
	if needs != "every-batch" && (needs != "first-batch" || c.Rounds != 1) {
		return true, nil
	}
	c.waiting, c.verdict = &d, nil
	if err := c.enter(ctx, lab.AwaitingApproval, c.waitingFor()); err != nil {
		return false, err
	}
	if err := workflow.Await(ctx, func() bool { return c.verdict != nil || c.ending != "" }); err != nil {
		return false, err
	}
	v := c.verdict
	c.waiting, c.verdict = nil, nil
	switch {
	case v != nil && v.Approve && c.ending == "":
		if c.Paused {
			// Approved while paused: what was approved begins, nothing after it.
			return true, nil
		}
		return true, c.enter(ctx, lab.Running, "")
	case v == nil:
		v = &Verdict{Reason: c.ending}
	}
	rejected := "rejected " + Order{By: v.By, Reason: v.Reason}.String()
	if err := c.drop(ctx, d.Proposals, &lab.Failure{Code: "rejected", Message: rejected}); err != nil || c.ending != "" {
		return false, err
	}
	c.Paused = true
	return false, c.enter(ctx, lab.Paused, "the plan was "+rejected+"; resume for another")
}

func (c *campaign) waitingFor() string {
	return plural(len(c.waiting.Proposals), "experiment") + " of round " + itoa(c.Rounds) + " wait for approval"
}

// drop records proposals that were never begun.
func (c *campaign) drop(ctx workflow.Context, proposals []lab.Proposal, why *lab.Failure) error {
	var a *Activities
	now := workflow.Now(ctx).UTC()
	for _, p := range proposals {
		o := lab.Outcome{
			Proposal: p, State: lab.OutcomeCancelled, Failure: why,
			StartedAt: now, FinishedAt: now, Steps: []lab.StepRecord{}, Observed: []lab.Measured{},
		}
		if err := workflow.ExecuteLocalActivity(quick(ctx), a.Record, o).Get(ctx, nil); err != nil {
			return err
		}
	}
	return nil
}

func (c *campaign) mayJudge(_ workflow.Context, v Verdict) error {
	switch {
	case c.waiting == nil:
		return refuse("no plan waits for approval: the campaign is " + string(c.state))
	case c.verdict != nil:
		return refuse("the plan has been judged already")
	case v.PlanID != nil && *v.PlanID != c.waiting.PlanID:
		return refuse("plan " + v.PlanID.String() + " does not wait for approval; " + c.waiting.PlanID.String() + " does")
	default:
		return nil
	}
}

func (c *campaign) judge(_ workflow.Context, v Verdict) error {
	c.verdict = &v
	return nil
}
