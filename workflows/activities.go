package workflows

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/athanor-lab/athanor/lab"
)

// Activities are the workflows' only contact with the world.
type Activities struct {
	campaigns  Campaigns
	planner    Planner
	memory     Memory
	compiler   Compiler
	book       Book
	dispatcher Dispatcher
	models     Models     // nil where none are kept
	literature Literature // nil for none
	samples    Samples    // nil: nobody keeps track of them
	past       Past       // nil: the record was never restored
	now        func() time.Time
}

// NewActivities returns Activities upon the given ports and clock.
func NewActivities(c Campaigns, p Planner, m Memory, k Compiler, b Book, d Dispatcher, now func() time.Time) *Activities {
	return &Activities{campaigns: c, planner: p, memory: m, compiler: k, book: b, dispatcher: d, now: now}
}

// Open returns what the campaign's workflow has to know of its document.
func (a *Activities) Open(ctx context.Context, id lab.CampaignID) (Opening, error) {
	p, err := a.compiler.Program(ctx, id)
	if err != nil {
		return Opening{}, forTemporal(err)
	}
	c := p.Campaign()
	return Opening{
		Title:       c.Document.Title,
		Graph:       p.Graph(),
		TimeS:       p.TimeBudget(),
		Policy:      c.Document.Plan,
		Budget:      c.Document.Budget,
		Safety:      c.Document.Safety,
		SubmittedAt: c.SubmittedAt,
		Literature:  a.reads(c.Document),
	}, nil
}

// SetState records where the campaign is in its life.
func (a *Activities) SetState(ctx context.Context, id lab.CampaignID, state lab.CampaignState, reason string) error {
	return forTemporal(a.campaigns.SetState(ctx, id, state, reason))
}

// Propose decides what to try in a round, once: asked again, it answers with
// the plan that is on record. It looks first whether a stop rule is met.
func (a *Activities) Propose(ctx context.Context, ask Ask) (Decision, error) {
	defer beat(ctx)()
	program, err := a.compiler.Program(ctx, ask.CampaignID)
	if err != nil {
		return Decision{}, forTemporal(err)
	}
	known, pending, err := a.recall(ctx, ask)
	if err != nil {
		return Decision{}, err
	}
	if plan, ok, err := a.memory.PlanOf(ctx, ask.CampaignID, ask.Round); err != nil {
		return Decision{}, forTemporal(err)
	} else if ok {
		return decisionOf(plan), nil
	}
	if rule, err := program.Stop(known); err != nil {
		return Decision{}, forTemporal(err)
	} else if rule != "" {
		return Decision{Stop: rule}, nil
	}
	c := program.Campaign()
	evidence, err := a.evidence(ctx, c, ask.Round, known)
	if err != nil {
		return Decision{}, err
	}
	brief := lab.Brief{
		CampaignID: c.ID,
		PlanID:     lab.PlanIDOf(c.ID, ask.Round),
		Round:      ask.Round,
		First:      ask.First,
		Want:       ask.Want,
		Budget:     c.Document.Budget.Experiments,
		Space:      c.Document.Space,
		Objectives: c.Document.Objectives,
		Policy:     c.Document.Plan,
		Seed:       c.Document.Seed,
		Evidence:   evidence,
		Known:      known,
		Pending:    pending,
	}
	if brief.Cost, err = costRule(program, known, pending); err != nil {
		return Decision{}, forTemporal(err)
	}
	brief.Fidelity, brief.Safe = c.Document.FidelityRule(), c.Document.Safety.Start
	if r := brief.Cost; r != nil && r.Left <= 0 {
		m := c.Document.Budget.Cost
		return Decision{Stop: fmt.Sprintf("the budget of %g %s is used", m.Value, m.Currency)}, nil
	}
	if brief.Sources, err = a.consult(ctx, brief); err != nil {
		return Decision{}, forTemporal(err)
	}
	plan, err := a.planner.Propose(ctx, brief)
	if err != nil {
		return Decision{}, forTemporal(err)
	}
	plan, err = a.memory.PutPlan(ctx, brief, plan)
	if err != nil {
		return Decision{}, forTemporal(err)
	}
	return decisionOf(plan), nil
}

// costRule says what experiments cost and what of the budget is left, or nil where
// cost is not counted. Failed experiments cost what others do.
func costRule(p Program, known []lab.Known, pending []lab.Pending) (*lab.CostRule, error) {
	doc := p.Campaign().Document
	m := doc.Budget.Cost
	if m == nil || m.Each == "" {
		return nil, nil
	}
	r := &lab.CostRule{Each: m.Each, Tables: doc.Protocol.Tables, Total: m.Value, Left: m.Value}
	spend := func(settings []lab.Setting) error {
		cost, _, err := p.Cost(settings)
		r.Left -= cost
		return err
	}
	for _, k := range known {
		if err := spend(k.Settings); err != nil {
			return nil, err
		}
	}
	for _, k := range pending {
		if err := spend(k.Settings); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// beat says that an activity is alive until the function that it returns is
// called.
func beat(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		t := time.NewTicker(thoughtTimeout / 4)
		defer t.Stop()
		for {
			select {
			case <-t.C:
				activity.RecordHeartbeat(ctx)
			case <-ctx.Done():
				return
			}
		}
	}()
	return cancel
}

// recall splits the experiments before ask.First into those with an outcome
// and those that still run. Rejected proposals are neither.
func (a *Activities) recall(ctx context.Context, ask Ask) ([]lab.Known, []lab.Pending, error) {
	known := []lab.Known{}
	err := a.memory.EachOutcome(ctx, ask.CampaignID, func(o lab.Outcome) error {
		if o.State == lab.OutcomeCancelled {
			return nil
		}
		known = append(known, lab.Known{
			Number:   o.Proposal.Number,
			Settings: o.Proposal.Settings,
			Observed: o.Observed,
			Failed:   o.State == lab.OutcomeFailed,
		})
		return nil
	})
	if err != nil {
		return nil, nil, forTemporal(err)
	}
	done := make(map[int]bool, len(known))
	for _, k := range known {
		done[k.Number] = true
	}
	pending := []lab.Pending{}
	for _, p := range ask.Running {
		if !done[p.Number] {
			pending = append(pending, p)
		}
	}
	return known, pending, nil
}

// Prepare compiles a step to its command when its devices are free; else it
// queues for them and answers without a command.
func (a *Activities) Prepare(ctx context.Context, in Preparation) (Prepared, error) {
	p, err := a.prepared(ctx, in)
	// The first try may fail for what is over by the second.
	if err != nil && activity.GetInfo(ctx).Attempt > 1 && lab.KindOf(err) == lab.Unavailable {
		if err := a.book.Hindered(ctx, in.place(), err.Error()); err != nil {
			activity.GetLogger(ctx).Warn("what a step waits for is not on record", "experiment_id", in.Proposal.ExperimentID, "err", err)
		}
	}
	return p, forTemporal(err)
}

func (a *Activities) prepared(ctx context.Context, in Preparation) (Prepared, error) {
	program, err := a.compiler.Program(ctx, in.Proposal.CampaignID)
	if err != nil {
		return Prepared{}, err
	}
	if there, err := a.arrived(ctx, program, in); err != nil || there {
		return Prepared{Arrived: there}, err
	}
	holds, granted, err := a.book.Reserve(ctx, in.place())
	if err != nil {
		return Prepared{}, err
	}
	if !granted {
		return Prepared{}, nil
	}
	do, err := program.Command(in.Node.ID, in.Proposal.ExperimentID, in.Proposal.Settings, in.Results, holds)
	if err != nil {
		return Prepared{}, err
	}
	switch p, err := a.settle(ctx, in, &do); {
	case err != nil:
		return Prepared{}, err
	case p != nil:
		return *p, nil
	}
	c := a.command(in, lab.Hold{Device: do.Device, Epoch: do.Epoch}, in.Node.ID, 0)
	c.Name, c.Params, c.Samples = do.Name, do.Params, do.Samples
	return Prepared{Command: &c}, nil
}

// deadlineGrace is how much longer than its time-out a command is waited for:
// the device must be reached first and its answer brought back.
const deadlineGrace = 30 * time.Second

// AwaitDevices ends when what a step needs is reserved for it: at once, or when
// whoever releases the last of it says so by the activity's name.
func (a *Activities) AwaitDevices(ctx context.Context, p Place) error {
	_, granted, err := a.book.Reserve(ctx, p)
	switch {
	case err != nil:
		return forTemporal(err)
	case granted:
		return nil
	default:
		return activity.ErrResultPending
	}
}

// Dispatch sends a command and leaves its activity open: the device's answer
// completes it.
func (a *Activities) Dispatch(ctx context.Context, c lab.Command) (lab.Result, error) {
	return pendingUnless(a.dispatcher.Dispatch(ctx, c))
}

// pendingUnless leaves an activity open for a result that is still to come.
func pendingUnless(r *lab.Result, err error) (lab.Result, error) {
	switch {
	case err != nil:
		return lab.Result{}, forTemporal(err)
	case r != nil:
		return *r, nil
	default:
		return lab.Result{}, activity.ErrResultPending
	}
}

// Cancel asks a command's device to end it.
func (a *Activities) Cancel(ctx context.Context, id lab.CommandID) error {
	return forTemporal(a.dispatcher.Cancel(ctx, id))
}

// Release lets go of devices that no later step needs.
func (a *Activities) Release(ctx context.Context, e lab.ExperimentID, roles []string) error {
	return forTemporal(a.book.Release(ctx, e, roles))
}

// Record reads the objectives from what the steps measured, writes the outcome
// and lets go of the experiment's devices.
func (a *Activities) Record(ctx context.Context, o lab.Outcome) (lab.OutcomeState, error) {
	if o.State == lab.OutcomeSucceeded {
		if err := a.observe(ctx, &o); err != nil {
			return "", err
		}
	}
	return o.State, forTemporal(a.memory.Finish(ctx, o))
}

// observe turns an experiment whose objectives cannot be read into a failed
// one: the steps went well, their results say nothing, and a person can see why.
func (a *Activities) observe(ctx context.Context, o *lab.Outcome) error {
	program, err := a.compiler.Program(ctx, o.Proposal.CampaignID)
	if err != nil {
		return forTemporal(err)
	}
	o.Observed, err = program.Observe(o.Proposal.Settings, resultsOf(o.Steps))
	if err != nil {
		o.State, o.Observed = lab.OutcomeFailed, []lab.Measured{}
		o.Failure = &lab.Failure{Code: "no_observation", Message: err.Error()}
	}
	return nil
}

// resultsOf returns what each step measured in the intent that was done.
func resultsOf(steps []lab.StepRecord) []lab.StepResult {
	results := make([]lab.StepResult, 0, len(steps))
	for _, s := range steps {
		if s.State == lab.CommandDone {
			values := s.Values
			if len(values) == 0 {
				values = json.RawMessage("{}")
			}
			results = append(results, lab.StepResult{Step: s.Step, Values: values})
		}
	}
	return results
}
