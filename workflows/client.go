package workflows

import (
	"context"
	"errors"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/athanor-lab/athanor/lab"
)

// Control starts campaigns and carries what people say to them.
type Control struct {
	Temporal client.Client
}

// Start begins a campaign's workflow. Starting it twice is the same as once.
func (c *Control) Start(ctx context.Context, id lab.CampaignID) error {
	_, err := c.Temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID:                       id.String(),
		TaskQueue:                TaskQueue,
		WorkflowIDReusePolicy:    enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		EnableEagerStart:         true,
	}, Campaign, CampaignInput{ID: id})
	if started := (*serviceerror.WorkflowExecutionAlreadyStarted)(nil); errors.As(err, &started) {
		return nil
	}
	if err != nil {
		return lab.Errorf(lab.Unavailable, "start the workflow of %s: %w", id, err)
	}
	return nil
}

// Pause lets running experiments end and begins no other.
func (c *Control) Pause(ctx context.Context, id lab.CampaignID, o Order) error {
	return c.update(ctx, id.String(), UpdatePause, o)
}

// Resume goes on with a paused campaign.
func (c *Control) Resume(ctx context.Context, id lab.CampaignID, o Order) error {
	return c.update(ctx, id.String(), UpdateResume, o)
}

// Abort ends a campaign and cancels what it has running.
func (c *Control) Abort(ctx context.Context, id lab.CampaignID, o Order) error {
	return c.update(ctx, id.String(), UpdateAbort, o)
}

// Judge approves or rejects the plan that waits.
func (c *Control) Judge(ctx context.Context, id lab.CampaignID, v Verdict) error {
	return c.update(ctx, id.String(), UpdateVerdict, v)
}

// adviceEarly is how long advice is offered to an experiment that does not ask
// yet: people read the question from the ledger, which hears of a failure a
// moment before the workflow does.
const adviceEarly = 3 * time.Second

// Advise answers an experiment's step whose policy is to ask.
func (c *Control) Advise(ctx context.Context, id lab.ExperimentID, a Advice) error {
	for until := time.Now().Add(adviceEarly); ; {
		err := c.update(ctx, id.String(), UpdateAdvice, a)
		if err == nil || !strings.Contains(err.Error(), nobodyAsks) || time.Now().After(until) {
			return err
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return err
		}
	}
}

// JudgePaper takes a person's word on a paper to the campaign that reads.
func (c *Control) JudgePaper(ctx context.Context, id lab.CampaignID, j Judging) error {
	return c.update(ctx, ReviewID(id), UpdateJudge, j)
}

// EnoughRead ends the screening of a campaign's papers.
func (c *Control) EnoughRead(ctx context.Context, id lab.CampaignID, o Order) error {
	return c.update(ctx, ReviewID(id), UpdateEnough, o)
}

// updateTimeout bounds how long a person waits for a campaign to answer: it
// only passes when no worker runs.
const updateTimeout = 10 * time.Second

func (c *Control) update(ctx context.Context, workflowID, name string, arg any) error {
	ctx, cancel := context.WithTimeout(ctx, updateTimeout)
	defer cancel()
	h, err := c.Temporal.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID: workflowID, UpdateName: name, Args: []any{arg}, WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if err == nil {
		err = h.Get(ctx, nil)
	}
	return forPeople(err, name, workflowID)
}

// forPeople says what became of an update in words and kinds of ours.
func forPeople(err error, name, workflowID string) error {
	var app *temporal.ApplicationError
	var gone *serviceerror.NotFound
	switch {
	case err == nil:
		return nil
	case errors.As(err, &app):
		return lab.Errorf(lab.ErrorKind(app.Type()), "%s", app.Message())
	case errors.As(err, &gone):
		return lab.Errorf(lab.Conflict, "%s has ended, so it cannot be told to %s", workflowID, name)
	case errors.Is(err, context.DeadlineExceeded):
		return lab.Errorf(lab.Unavailable, "%s did not answer within %s: is a worker running?", workflowID, updateTimeout)
	default:
		return lab.Errorf(lab.Unavailable, "tell %s to %s: %w", workflowID, name, err)
	}
}

// Completer brings what devices say to the experiments that wait for it. It
// keeps no state, so that any process may complete what any other dispatched.
type Completer struct {
	Temporal  client.Client
	Namespace string
}

// Complete ends the command's activity with its result. A command that was
// reported in doubt before has no activity left; its experiment is told by
// signal. That nobody waits any more is no error.
func (c *Completer) Complete(ctx context.Context, r lab.Result) error {
	err := c.Temporal.CompleteActivityByID(ctx, c.Namespace, r.ExperimentID.String(), "", r.CommandID.UUID(), r, nil)
	if !notFound(err) {
		return wrap(err, "complete", r.CommandID.String())
	}
	if r.State == lab.CommandInDoubt {
		return nil
	}
	if err := c.Temporal.SignalWorkflow(ctx, r.ExperimentID.String(), "", SignalSettled, r); err != nil && !notFound(err) {
		return wrap(err, "settle", r.CommandID.String())
	}
	return nil
}

// Beat tells Temporal that a command without an answer is watched over.
func (c *Completer) Beat(ctx context.Context, e lab.ExperimentID, id lab.CommandID) error {
	err := c.Temporal.RecordActivityHeartbeatByID(ctx, c.Namespace, e.String(), "", id.UUID())
	if notFound(err) {
		return nil
	}
	return wrap(err, "beat for", id.String())
}

// Granted ends the wait of an experiment for its devices. It reports false when
// the experiment does not wait yet; whoever granted says it again later.
func (c *Completer) Granted(ctx context.Context, workflowID, activityID string) (bool, error) {
	err := c.Temporal.CompleteActivityByID(ctx, c.Namespace, workflowID, "", activityID, nil, nil)
	if notFound(err) {
		return false, nil
	}
	return err == nil, wrap(err, "grant "+activityID+" to", workflowID)
}

func notFound(err error) bool {
	var gone *serviceerror.NotFound
	return errors.As(err, &gone)
}

func wrap(err error, verb, object string) error {
	if err == nil {
		return nil
	}
	return lab.Errorf(lab.Unavailable, "%s %s: %w", verb, object, err)
}
