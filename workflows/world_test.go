package workflows_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/workflows"
)

// world is all that the workflows touch: a planner that counts up, devices that
// answer a minute later unless told otherwise, and a memory.
type world struct {
	t   *testing.T
	env *testsuite.TestWorkflowEnvironment
	doc lab.Document
	// graph is the protocol; answer says what a device makes of a command, nil
	// for no answer at all.
	graph  workflows.Graph
	answer func(c lab.Command) *lab.Result
	// instruct, when set, says what a step asks of its devices.
	instruct func(step string) workflows.Instruction
	// busy says whether a reservation has to wait.
	busy func(r workflows.Place) bool
	stop func(known []lab.Known) string
	// train is what a training gives.
	train func(in workflows.TrainInput) (workflows.Trained, error)

	activities *workflows.Activities

	mu         sync.Mutex
	states     []string
	asks       []lab.Brief
	trainings  []workflows.TrainInput
	plans      map[int]lab.Plan
	outcomes   map[int]lab.Outcome
	dispatched []lab.Command
	cancelled  []lab.CommandID
	tokens     map[lab.CommandID][]byte
	begun      time.Time
	released   map[lab.ExperimentID][]string
	hindered   []string // what steps were said to wait for
	concurrent int
	most       int
}

var campaignID = lab.CampaignID{1, 2, 3}

func setup(t *testing.T) *world {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	w := &world{
		t:   t,
		env: suite.NewTestWorkflowEnvironment(),
		doc: lab.Document{
			Title:  "test",
			Plan:   lab.PlanPolicy{Batch: 2, InFlight: 2},
			Budget: lab.Budget{Experiments: 6},
			Safety: lab.Safety{Approve: "never", OnInDoubt: "ask"},
		},
		graph:    workflows.Graph{Steps: []workflows.Node{{ID: "look", TimeoutS: 3600, Then: workflows.ThenSkip}}},
		busy:     func(workflows.Place) bool { return false },
		stop:     func([]lab.Known) string { return "" },
		plans:    map[int]lab.Plan{},
		outcomes: map[int]lab.Outcome{},
		released: map[lab.ExperimentID][]string{},
		tokens:   map[lab.CommandID][]byte{},
	}
	w.answer = func(c lab.Command) *lab.Result { return answered(c, lab.CommandDone, lab.EffectComplete) }
	w.activities = workflows.WithModels(workflows.NewActivities(w, w, w, w, w, w, func() time.Time { return w.env.Now() }), w)
	workflows.Register(w.env, w.activities)
	w.begun = w.env.Now()
	w.env.SetTestTimeout(30 * time.Second)
	return w
}

// run carries out the campaign and returns its error.
func (w *world) run() error {
	w.env.SetStartWorkflowOptions(client.StartWorkflowOptions{ID: campaignID.String(), TaskQueue: workflows.TaskQueue})
	w.env.ExecuteWorkflow(workflows.Campaign, workflows.CampaignInput{ID: campaignID})
	if !w.env.IsWorkflowCompleted() {
		w.t.Fatal("the campaign did not end")
	}
	return w.env.GetWorkflowError()
}

// at calls do after d of the campaign's life.
func (w *world) at(d time.Duration, do func()) { w.env.RegisterDelayedCallback(do, d) }

// say sends an update and returns where its fate will be: "" when it was
// accepted, else why not.
func (w *world) say(id, name string, arg any) *string {
	why := new(string)
	err := w.env.UpdateWorkflowByID(id, name, fmt.Sprint(name, w.env.Now()), &testsuite.TestUpdateCallback{
		OnReject:   func(err error) { *why = err.Error() },
		OnAccept:   func() {},
		OnComplete: func(any, error) {},
	}, arg)
	if err != nil {
		w.t.Errorf("update %s of %s: %v", name, id, err)
	}
	return why
}

func answered(c lab.Command, s lab.CommandState, e lab.Effect) *lab.Result {
	return &lab.Result{CommandID: c.ID, ExperimentID: c.ExperimentID, Device: c.Device, State: s, Effect: e, Values: json.RawMessage(`{"seen":1}`)}
}

func (w *world) Campaign() lab.Campaign {
	return lab.Campaign{ID: campaignID, Document: w.doc, SubmittedAt: w.begun}
}

func (w *world) SetState(_ context.Context, _ lab.CampaignID, s lab.CampaignState, why string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if why != "" {
		why = ": " + why
	}
	w.states = append(w.states, string(s)+why)
	return nil
}

// Propose wants to be begun again soon when its process dies while it thinks.
func (w *world) Propose(ctx context.Context, b lab.Brief) (lab.Plan, error) {
	if beat := activity.GetInfo(ctx).HeartbeatTimeout; beat <= 0 || beat > 10*time.Second {
		w.t.Errorf("a planning activity may be silent for %s, want some seconds", beat)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asks = append(w.asks, b)
	p := lab.Plan{ID: b.PlanID, CampaignID: b.CampaignID, Round: b.Round}
	for i := range b.Want {
		p.Proposals = append(p.Proposals, lab.Proposal{
			ExperimentID: lab.ExperimentIDOf(b.CampaignID, b.First+i), CampaignID: b.CampaignID, PlanID: p.ID, Number: b.First + i,
			Settings: []lab.Setting{{Name: "x", Value: lab.Number(float64(b.First + i))}}, Reason: "the next number",
		})
	}
	return p, nil
}

func (w *world) PutPlan(_ context.Context, b lab.Brief, p lab.Plan) (lab.Plan, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if first, ok := w.plans[b.Round]; ok {
		return first, nil
	}
	w.plans[b.Round] = p
	return p, nil
}

func (w *world) PlanOf(_ context.Context, _ lab.CampaignID, round int) (lab.Plan, bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p, ok := w.plans[round]
	return p, ok, nil
}

func (w *world) Finish(_ context.Context, o lab.Outcome) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, ok := w.outcomes[o.Proposal.Number]; ok {
		w.t.Errorf("experiment %d was recorded twice", o.Proposal.Number)
	}
	w.outcomes[o.Proposal.Number] = o
	w.released[o.Proposal.ExperimentID] = append(w.released[o.Proposal.ExperimentID], "all")
	return nil
}

func (w *world) EachOutcome(_ context.Context, _ lab.CampaignID, yield func(lab.Outcome) error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for n := range 1000 {
		if o, ok := w.outcomes[n]; ok {
			if err := yield(o); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *world) Program(context.Context, lab.CampaignID) (workflows.Program, error) { return w, nil }

func (w *world) Graph() workflows.Graph { return w.graph }

func (w *world) TimeBudget() float64 {
	if t := w.doc.Budget.Time; t != nil {
		return t.Value
	}
	return 0
}

func (w *world) Command(step string, _ lab.ExperimentID, _ []lab.Setting, _ []lab.StepResult, holds []lab.Hold) (workflows.Instruction, error) {
	if w.instruct != nil {
		return w.instruct(step), nil
	}
	return workflows.Instruction{Device: "device-of-" + holds[0].Role, Epoch: 1, Name: step, Params: json.RawMessage(`{}`)}, nil
}

// Cost implements [workflows.Program]: each experiment costs 2.
func (w *world) Cost([]lab.Setting) (float64, bool, error) { return 2, true, nil }

func (w *world) Observe([]lab.Setting, []lab.StepResult) ([]lab.Measured, error) {
	return []lab.Measured{{Name: "yield", Value: 1, Unit: "%"}}, nil
}

func (w *world) Stop(known []lab.Known) (string, error) { return w.stop(known), nil }

// Reserve lets a reservation that has to wait wait for two minutes.
func (w *world) Reserve(ctx context.Context, r workflows.Place) ([]lab.Hold, bool, error) {
	if w.busy(r) {
		if info := activity.GetInfo(ctx); !info.IsLocalActivity {
			w.env.RegisterDelayedCallback(func() {
				if err := w.env.CompleteActivity(info.TaskToken, nil, nil); err != nil {
					w.t.Errorf("grant %s: %v", r.Step, err)
				}
				_ = w.env.SignalWorkflowByID(r.Experiment.String(), "wake", nil)
			}, 2*time.Minute)
		}
		return nil, false, nil
	}
	return []lab.Hold{{Role: r.Step, Device: r.Step, Epoch: 1}}, true, nil
}

func (w *world) Release(_ context.Context, e lab.ExperimentID, roles []string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.released[e] = append(w.released[e], roles...)
	return nil
}

func (w *world) Hindered(_ context.Context, p workflows.Place, why string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hindered = append(w.hindered, p.Step+": "+why)
	return nil
}

func (w *world) Dispatch(ctx context.Context, c lab.Command) (*lab.Result, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tokens[c.ID] = activity.GetInfo(ctx).TaskToken
	w.dispatched = append(w.dispatched, c)
	w.concurrent++
	w.most = max(w.most, w.concurrent)
	if r := w.answer(c); r != nil {
		w.env.RegisterDelayedCallback(func() { w.complete(*r) }, time.Minute)
	}
	return nil, nil
}

// complete is what the gateway's completer does.
func (w *world) complete(r lab.Result) {
	w.mu.Lock()
	w.concurrent--
	w.mu.Unlock()
	if err := w.env.CompleteActivity(w.tokens[r.CommandID], r, nil); err != nil {
		w.t.Errorf("complete %s: %v", r.CommandID, err)
	}
	// The test environment wakes the parent for this, not the child whose
	// activity it was; a real server wakes the child.
	_ = w.env.SignalWorkflowByID(r.ExperimentID.String(), "wake", nil)
}

func (w *world) Cancel(_ context.Context, id lab.CommandID) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cancelled = append(w.cancelled, id)
	for _, c := range w.dispatched {
		if c.ID == id {
			w.env.RegisterDelayedCallback(func() { w.complete(*answered(c, lab.CommandCancelled, lab.EffectPartial)) }, time.Second)
		}
	}
	return nil
}

func (w *world) outcome(n int) lab.Outcome {
	w.t.Helper()
	o, ok := w.outcomes[n]
	if !ok {
		w.t.Fatalf("experiment %d has no outcome; the campaign went through %q", n, w.states)
	}
	return o
}

func (w *world) wantStates(want ...string) {
	w.t.Helper()
	if !slices.Equal(w.states, want) {
		w.t.Errorf("the campaign went through\n got %q\nwant %q", w.states, want)
	}
}
