package workflows

import (
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/athanor-lab/athanor/lab"
)

// SignalSettled brings an [Experiment] the result of a command that had been in
// doubt, from the device itself or from a person.
const SignalSettled = "settled"

// UpdateAdvice brings a person's answer to a step that failed and whose policy
// is to ask.
const UpdateAdvice = "advice"

// ExperimentInput starts an experiment's workflow.
type ExperimentInput struct {
	Proposal  lab.Proposal `json:"proposal"`
	Graph     Graph        `json:"graph"`
	OnInDoubt string       `json:"on_in_doubt"`
}

// Experiment carries out a proposal's steps, each as soon as those before it
// are done, and records what came of it. A fault is data: whatever happens, the
// experiment has one outcome.
func Experiment(ctx workflow.Context, in ExperimentInput) (Report, error) {
	e := &experiment{ExperimentInput: in, startedAt: workflow.Now(ctx).UTC(), settled: map[lab.CommandID]lab.Result{}, advice: map[string]Advice{}}
	if err := e.listen(ctx); err != nil {
		return Report{}, err
	}
	// What is in motion is seen to its end, so steps run in a context that the
	// cancellation of the experiment does not reach; they look at e.cancelled.
	steady, _ := workflow.NewDisconnectedContext(ctx)
	workflow.Go(steady, func(own workflow.Context) {
		ctx.Done().Receive(own, nil)
		e.cancelled = true
	})
	wg := workflow.NewWaitGroup(steady)
	for i := range e.Graph.Steps {
		n := e.Graph.Steps[i]
		wg.Add(1)
		workflow.Go(steady, func(ctx workflow.Context) {
			defer wg.Done()
			e.step(ctx, n)
		})
	}
	wg.Wait(steady)
	if e.broken != nil {
		return Report{}, e.broken
	}
	return e.record(steady)
}

// experiment is a run of the workflow.
type experiment struct {
	ExperimentInput
	startedAt time.Time
	records   []lab.StepRecord
	ended     []endedStep
	failure   *lab.Failure
	stop      string // why the campaign should end
	cancelled bool
	broken    error // what no policy answers; the experiment has no outcome
	asking    []string
	settled   map[lab.CommandID]lab.Result
	advice    map[string]Advice
}

// endedStep is a step that is done, and when.
type endedStep struct {
	id string
	at time.Time
}

// ready reports whether all that n comes after is done, and when the last was.
func (e *experiment) ready(n Node) (time.Time, bool) {
	var last time.Time
	for _, id := range n.After {
		found := false
		for _, s := range e.ended {
			if s.id == id {
				found = true
				if s.at.After(last) {
					last = s.at
				}
			}
		}
		if !found {
			return last, false
		}
	}
	return last, true
}

// off reports whether no further step begins.
func (e *experiment) off() bool { return e.failure != nil || e.cancelled || e.broken != nil }

// step carries out n when its turn comes, or never if the experiment is off.
func (e *experiment) step(ctx workflow.Context, n Node) {
	var since time.Time
	if err := workflow.Await(ctx, func() bool {
		at, ok := e.ready(n)
		since = at
		return ok || e.off()
	}); err != nil || e.off() {
		return
	}
	for intent := 1; ; intent++ {
		r, ok := e.try(ctx, n, intent, since)
		switch {
		case !ok:
			return
		case r.State == lab.CommandDone:
			e.done(ctx, n)
			return
		case e.cancelled:
			return
		case intent <= n.Retry && repeatable(r):
		case n.Then == ThenAsk && e.askWhetherToRetry(ctx, n):
		default:
			e.fail(n, r)
			return
		}
	}
}

// repeatable reports whether a deliberate repetition can make sense without a
// person: never when what happened is unknown.
func repeatable(r lab.Result) bool {
	return r.State != lab.CommandInDoubt && r.Effect != lab.EffectUnknown
}

// try sends the step's command under one intent and waits for its last word;
// false says that there is none because the experiment is off.
func (e *experiment) try(ctx workflow.Context, n Node, intent int, since time.Time) (lab.Result, bool) {
	for first := intent == 1; ; first = false {
		p, err := e.prepare(ctx, n, intent)
		if err != nil {
			e.stuck(n, err)
			return lab.Result{}, false
		}
		begun := workflow.Now(ctx).UTC()
		switch {
		case !p.granted():
			return lab.Result{}, false
		case p.Arrived:
			return lab.Result{State: lab.CommandDone, Effect: lab.EffectComplete, FinishedAt: begun}, true
		case first && e.late(n, p, begun.Sub(since)):
			return lab.Result{}, false
		case p.Handing != nil:
			if r, ok := e.hand(ctx, n, intent, *p.Handing); !ok || r.State != lab.CommandDone {
				return r, ok
			}
			if e.off() {
				return lab.Result{}, false
			}
		case p.Discard != nil:
			if r, ok := e.carryOut(ctx, n, p.Discard); !ok || r.State != lab.CommandDone {
				return r, ok
			}
		default:
			r, ok := e.carryOut(ctx, n, p.Command)
			if ok {
				e.keep(n, intent, *p.Command, r, begun)
			}
			return r, ok
		}
	}
}

// late ends the experiment when a step begins later than its max_lag allows.
func (e *experiment) late(n Node, p Prepared, lag time.Duration) bool {
	if n.MaxLagS <= 0 || lag.Seconds() <= n.MaxLagS {
		return false
	}
	e.failure = &lab.Failure{Step: n.ID, Device: p.device(), Code: "max_lag", Message: "the step could begin only " + lag.Round(time.Second).String() + " after what it follows, later than its max_lag allows"}
	return true
}

// carryOut sends a command and waits for its last word, a person's if it must be.
func (e *experiment) carryOut(ctx workflow.Context, n Node, cmd *lab.Command) (lab.Result, bool) {
	r, err := e.dispatch(ctx, cmd)
	if err != nil {
		e.stuck(n, err)
		return lab.Result{}, false
	}
	if r.State == lab.CommandInDoubt && e.OnInDoubt != "fail" {
		r = e.settle(ctx, cmd.ID, r)
	}
	return r, true
}

// keep puts on record what a command came to.
func (e *experiment) keep(n Node, intent int, cmd lab.Command, r lab.Result, begun time.Time) {
	e.records = append(e.records, lab.StepRecord{
		Step: n.ID, Intent: intent, CommandID: cmd.ID, Device: cmd.Device, Command: cmd.Name, Params: cmd.Params,
		State: r.State, Effect: r.Effect, Code: r.Code, Error: r.Error, Values: r.Values,
		StartedAt: begun, FinishedAt: r.FinishedAt,
	})
}

// prepare returns what the step asks for once its devices are reserved, or
// nothing when the experiment was called off while it waited.
func (e *experiment) prepare(ctx workflow.Context, n Node, intent int) (Prepared, error) {
	var a *Activities
	in := Preparation{Proposal: e.Proposal, Node: n, Intent: intent, Results: resultsOf(e.records)}
	// A proposal's reason and prediction have no part in a command.
	in.Proposal.Predictions, in.Proposal.Reason, in.Proposal.Acquisition = nil, "", nil
	for {
		var p Prepared
		if err := workflow.ExecuteLocalActivity(quick(ctx), a.Prepare, in).Get(ctx, &p); err != nil || p.granted() {
			return p, err
		}
		wctx, giveUp := workflow.WithCancel(ctx)
		granted := workflow.ExecuteActivity(queueing(wctx, in.place().Activity()), a.AwaitDevices, in.place())
		err := workflow.Await(ctx, func() bool { return granted.IsReady() || e.off() })
		if err == nil && granted.IsReady() {
			err = granted.Get(ctx, nil)
		}
		giveUp()
		if err != nil || e.off() {
			return Prepared{}, err
		}
	}
}

// dispatch waits for a command's result. When the experiment is cancelled it
// asks the device to end the command, and still waits for what it says.
func (e *experiment) dispatch(ctx workflow.Context, cmd *lab.Command) (lab.Result, error) {
	var a *Activities
	var r lab.Result
	answer := workflow.ExecuteActivity(dispatching(ctx, cmd), a.Dispatch, *cmd)
	if err := workflow.Await(ctx, func() bool { return answer.IsReady() || e.cancelled }); err != nil {
		return r, err
	}
	if !answer.IsReady() {
		if err := workflow.ExecuteActivity(brief(ctx), a.Cancel, cmd.ID).Get(ctx, nil); err != nil {
			return r, err
		}
	}
	return answerOf(ctx, answer, *cmd)
}

// answerOf returns the result of a command's activity that is done.
func answerOf(ctx workflow.Context, answer workflow.Future, cmd lab.Command) (lab.Result, error) {
	var r lab.Result
	err := answer.Get(ctx, &r)
	if temporal.IsTimeoutError(err) {
		return lab.Result{
			CommandID: cmd.ID, ExperimentID: cmd.ExperimentID, Device: cmd.Device, State: lab.CommandInDoubt, Effect: lab.EffectUnknown,
			Error: "no gateway has reported on the command for a day after its deadline", FinishedAt: workflow.Now(ctx).UTC(),
		}, nil
	}
	return r, err
}

// settle waits until a command in doubt is settled, by the device or a person.
// A cancelled experiment does not wait: its doubt is on record.
func (e *experiment) settle(ctx workflow.Context, id lab.CommandID, doubt lab.Result) lab.Result {
	_ = workflow.Await(ctx, func() bool {
		_, ok := e.settled[id]
		return ok || e.cancelled
	})
	if r, ok := e.settled[id]; ok {
		return r
	}
	return doubt
}

// done notes that a step is done and lets go of what no later step needs.
func (e *experiment) done(ctx workflow.Context, n Node) {
	e.ended = append(e.ended, endedStep{id: n.ID, at: workflow.Now(ctx)})
	if len(n.Releases) == 0 || len(e.ended) == len(e.Graph.Steps) {
		return // recording the outcome lets go of the rest
	}
	var a *Activities
	if err := workflow.ExecuteLocalActivity(quick(ctx), a.Release, e.Proposal.ExperimentID, n.Releases).Get(ctx, nil); err != nil {
		e.stuck(n, err)
	}
}

// fail ends the experiment with what a step's device said.
func (e *experiment) fail(n Node, r lab.Result) {
	if e.failure != nil {
		return
	}
	code, message := r.Code, r.Error
	if code == "" {
		code = string(r.State)
	}
	if message == "" {
		message = "the device reported the command " + strings.ReplaceAll(string(r.State), "_", " ")
	}
	e.failure = &lab.Failure{Step: n.ID, Device: r.Device, Code: code, Message: message}
	if n.Then == ThenStop {
		e.stop = "step " + n.ID + " failed on " + r.Device + ": " + message
	}
}

// stuck ends the experiment with an error that trying again cannot cure. What
// cannot even be compiled is a failure on record; the rest is ours to mend.
func (e *experiment) stuck(n Node, err error) {
	var app *temporal.ApplicationError
	if !as(err, &app) || !app.NonRetryable() {
		e.broken = err
		return
	}
	if e.failure == nil {
		e.failure = &lab.Failure{Step: n.ID, Code: "not_possible", Message: app.Message()}
		if n.Then == ThenStop {
			e.stop = "step " + n.ID + ": " + app.Message()
		}
	}
}

// record writes the outcome and reports to the campaign.
func (e *experiment) record(ctx workflow.Context) (Report, error) {
	o := lab.Outcome{
		Proposal: e.Proposal, State: lab.OutcomeSucceeded, Failure: e.failure, Steps: e.records, Observed: []lab.Measured{},
		StartedAt: e.startedAt, FinishedAt: workflow.Now(ctx).UTC(),
	}
	if o.Steps == nil {
		o.Steps = []lab.StepRecord{}
	}
	switch {
	case e.cancelled && len(e.ended) < len(e.Graph.Steps):
		o.State = lab.OutcomeCancelled
		if o.Failure == nil {
			o.Failure = &lab.Failure{Code: "cancelled", Message: "cancelled before it ended"}
		}
	case e.failure != nil:
		o.State = lab.OutcomeFailed
	}
	var a *Activities
	r := Report{Number: e.Proposal.Number, Stop: e.stop}
	if err := workflow.ExecuteLocalActivity(quick(ctx), a.Record, o).Get(ctx, &r.State); err != nil {
		return Report{}, err
	}
	return r, nil
}
