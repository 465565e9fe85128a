package workflows

import (
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/athanor-lab/athanor/lab"
)

// CampaignInput starts a campaign's workflow, or goes on with it in a new run.
type CampaignInput struct {
	ID lab.CampaignID `json:"id"`
	// Carried from run to run, all zero in the first.
	Opening  *Opening `json:"opening,omitempty"`
	Rounds   int      `json:"rounds,omitempty"`
	Numbered int      `json:"numbered,omitempty"` // experiments that have a number
	Begun    int      `json:"begun,omitempty"`    // of these, those that were not rejected
	Done     int      `json:"done,omitempty"`
	// Trainings is how often the campaign's model was trained anew.
	Trainings int    `json:"trainings,omitempty"`
	Paused    bool   `json:"paused,omitempty"`
	Why       string `json:"why,omitempty"`
	Reviewed  bool   `json:"reviewed,omitempty"` // the literature has been read
}

// Campaign repeats rounds until the budget is used, a stop rule is met or a
// person ends it. A round begins as soon as a batch of places is free; the
// experiments still running are then known to the planner as pending.
func Campaign(ctx workflow.Context, in CampaignInput) error {
	c := &campaign{CampaignInput: in, state: lab.Submitted}
	if err := c.open(ctx); err != nil {
		return c.fail(ctx, err)
	}
	if err := c.listen(ctx); err != nil {
		return c.fail(ctx, err)
	}
	if err := c.read(ctx); err != nil {
		return c.fail(ctx, err)
	}
	for !c.over() {
		if c.renew(ctx) {
			return workflow.NewContinueAsNewError(ctx, Campaign, c.CampaignInput)
		}
		if err := c.round(ctx); err != nil {
			return c.fail(ctx, err)
		}
		if err := c.wait(ctx); err != nil {
			return c.fail(ctx, err)
		}
	}
	return c.close(ctx)
}

// campaign is a run of the workflow.
type campaign struct {
	CampaignInput
	state    lab.CampaignState
	running  []lab.Pending // in order of number
	ending   string        // why no further round is begun; "" while rounds go on
	final    lab.CampaignState
	waiting  *Decision // a plan that waits for approval
	verdict  *Verdict
	cancel   func() // ends the running experiments
	children workflow.Context
	timeUp   bool
}

// open reads what the workflow has to know of its document, once.
func (c *campaign) open(ctx workflow.Context) error {
	var a *Activities
	if c.Opening == nil {
		var o Opening
		if err := workflow.ExecuteLocalActivity(quick(ctx), a.Open, c.ID).Get(ctx, &o); err != nil {
			return err
		}
		c.Opening = &o
	}
	c.children, c.cancel = workflow.WithCancel(ctx)
	if s := c.Opening.TimeS; s > 0 {
		left := c.Opening.SubmittedAt.Add(time.Duration(s * float64(time.Second))).Sub(workflow.Now(ctx))
		workflow.Go(ctx, func(ctx workflow.Context) {
			if workflow.Sleep(ctx, left) == nil {
				c.timeUp = true
			}
		})
	}
	if c.Paused {
		return c.enter(ctx, lab.Paused, c.Why)
	}
	return c.enter(ctx, lab.Running, "")
}

// over reports whether nothing is left to do: no round will begin and no
// experiment runs.
func (c *campaign) over() bool { return c.ending != "" && len(c.running) == 0 }

// renew reports whether the workflow should go on in a new run, and lets the
// running experiments end first, since a new run cannot hear of them.
func (c *campaign) renew(ctx workflow.Context) bool {
	if c.ending != "" || !workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
		return false
	}
	_ = workflow.Await(ctx, func() bool {
		return c.ending != "" || len(c.running) == 0 && workflow.AllHandlersFinished(ctx)
	})
	return c.ending == ""
}

// want returns how many proposals the next round asks for, 0 for no round now.
func (c *campaign) want() int {
	p, left := c.Opening.Policy, c.Opening.Budget.Experiments-c.Begun
	free := p.InFlight - len(c.running)
	want := min(p.Batch, left)
	if c.ending != "" || c.Paused || want < 1 || free < want {
		return 0
	}
	return want
}

// round plans and begins experiments, if there is room for a batch.
func (c *campaign) round(ctx workflow.Context) error {
	switch {
	case c.timeUp && c.ending == "":
		c.end(lab.Completed, "the time of the budget is used")
	case c.ending == "" && c.Begun >= c.Opening.Budget.Experiments:
		c.end(lab.Completed, "the budget of "+plural(c.Begun, "experiment")+" is used")
	}
	if c.want() == 0 {
		return nil
	}
	c.retrain(ctx)
	want := c.want() // a person may have paused in the meantime
	if want == 0 {
		return nil
	}
	var a *Activities
	var d Decision
	ask := Ask{CampaignID: c.ID, Round: c.Rounds + 1, First: c.Numbered + 1, Want: want, Running: c.running}
	if err := workflow.ExecuteActivity(thinking(ctx), a.Propose, ask).Get(ctx, &d); err != nil {
		return err
	}
	if d.Stop != "" {
		c.end(lab.Completed, "stop rule met: "+d.Stop)
		return nil
	}
	c.Rounds++
	c.Numbered += len(d.Proposals)
	if approved, err := c.approved(ctx, d); err != nil || !approved {
		return err
	}
	for _, p := range d.Proposals {
		c.begin(p)
	}
	if d.Exhausted {
		c.end(lab.Completed, "every point of the space has been tried")
	}
	return nil
}

// begin starts an experiment, and hears of its end.
func (c *campaign) begin(p lab.Proposal) {
	c.Begun++
	c.running = append(c.running, lab.Pending{Number: p.Number, Settings: p.Settings})
	in := ExperimentInput{Proposal: p, Graph: c.Opening.Graph, OnInDoubt: c.Opening.Safety.OnInDoubt}
	workflow.Go(c.children, func(ctx workflow.Context) {
		ctx = workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
			WorkflowID:            p.ExperimentID.String(),
			WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
			// An experiment in flight is matter in motion: it is never simply dropped.
			ParentClosePolicy:   enumspb.PARENT_CLOSE_POLICY_ABANDON,
			WaitForCancellation: true,
		})
		var r Report
		err := workflow.ExecuteChildWorkflow(ctx, Experiment, in).Get(ctx, &r)
		if temporal.IsCanceledError(err) {
			// Ended before it began: it has an outcome like any other.
			steady, _ := workflow.NewDisconnectedContext(ctx)
			err = c.drop(steady, []lab.Proposal{p}, &lab.Failure{Code: "cancelled", Message: "cancelled before it began: " + c.ending})
		}
		c.ended(p.Number, r, err)
	})
}

// ended takes an experiment off the list of those that run.
func (c *campaign) ended(number int, r Report, err error) {
	for i, p := range c.running {
		if p.Number == number {
			c.running = append(c.running[:i:i], c.running[i+1:]...)
			break
		}
	}
	c.Done++
	switch {
	case err != nil:
		c.end(lab.Failed, fmt.Sprintf("experiment %d could not be carried out: %v", number, err))
	case r.Stop != "":
		c.end(lab.Failed, fmt.Sprintf("experiment %d: %s", number, r.Stop))
	}
}

// end lets no further round begin. The first reason stands, save that a person
// who aborts overrides it.
func (c *campaign) end(final lab.CampaignState, why string) {
	if c.ending == "" || final == lab.Aborted && c.final != lab.Aborted {
		c.ending, c.final = why, final
	}
}

// wait ends when there is something to decide.
func (c *campaign) wait(ctx workflow.Context) error {
	return workflow.Await(ctx, func() bool {
		spent := c.Begun >= c.Opening.Budget.Experiments
		return c.over() || c.want() > 0 || c.ending == "" && (c.timeUp || spent && len(c.running) == 0)
	})
}

// close records how the campaign ended.
func (c *campaign) close(ctx workflow.Context) error {
	if err := workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) }); err != nil {
		return err
	}
	return c.enter(ctx, c.final, c.ending)
}

// fail records that the campaign cannot go on, after what runs has ended.
func (c *campaign) fail(ctx workflow.Context, cause error) error {
	if workflow.IsContinueAsNewError(cause) {
		return cause
	}
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	c.end(lab.Failed, cause.Error())
	if temporal.IsCanceledError(cause) {
		c.end(lab.Aborted, "cancelled in Temporal")
		if c.cancel != nil {
			c.cancel()
		}
	}
	_ = workflow.Await(ctx, func() bool { return len(c.running) == 0 && workflow.AllHandlersFinished(ctx) })
	if err := c.enter(ctx, c.final, c.ending); err != nil {
		return err
	}
	return cause
}

// enter records a state where people and Temporal's own tools look for it.
func (c *campaign) enter(ctx workflow.Context, s lab.CampaignState, why string) error {
	c.state, c.Why = s, why
	var a *Activities
	if err := workflow.ExecuteLocalActivity(quick(ctx), a.SetState, c.ID, s, why).Get(ctx, nil); err != nil {
		return err
	}
	return workflow.UpsertTypedSearchAttributes(ctx, attrState.ValueSet(string(s)), attrTitle.ValueSet(c.Opening.title()), attrExperiments.ValueSet(int64(c.Done)))
}

func (o *Opening) title() string {
	if o == nil {
		return ""
	}
	return o.Title
}
