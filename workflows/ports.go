package workflows

import (
	"context"
	"encoding/json"

	"github.com/athanor-lab/athanor/lab"
)

// Campaigns remembers what has become of campaigns.
type Campaigns interface {
	// SetState is idempotent and refuses to leave a final state.
	SetState(ctx context.Context, id lab.CampaignID, state lab.CampaignState, reason string) error
}

// Planner decides what to try next. Equal briefs give equal plans.
type Planner interface {
	Propose(ctx context.Context, b lab.Brief) (lab.Plan, error)
}

// Memory keeps decisions and outcomes. Writing one twice is the same as once.
type Memory interface {
	// PutPlan stores a plan with its brief and returns the round's plan, which
	// is an earlier one if the round has been planned before.
	PutPlan(ctx context.Context, b lab.Brief, p lab.Plan) (lab.Plan, error)
	// PlanOf returns the plan of a round, if there is one.
	PlanOf(ctx context.Context, id lab.CampaignID, round int) (lab.Plan, bool, error)
	// Finish stores o, unless its experiment has an outcome, and lets go of all
	// devices that the experiment has, both or neither.
	Finish(ctx context.Context, o lab.Outcome) error
	// EachOutcome calls yield for the campaign's outcomes in order of number.
	EachOutcome(ctx context.Context, id lab.CampaignID, yield func(lab.Outcome) error) error
}

// Program is a campaign's document, compiled.
type Program interface {
	Campaign() lab.Campaign
	Graph() Graph
	// TimeBudget is the campaign's budget of time in seconds, 0 for none.
	TimeBudget() float64
	// Command returns what a step asks of the devices that hold its roles: the
	// device to send to, the command's name and its parameters, an object.
	Command(step string, e lab.ExperimentID, settings []lab.Setting, results []lab.StepResult, holds []lab.Hold) (Instruction, error)
	// Observe reads the objectives from an experiment's results.
	Observe(settings []lab.Setting, results []lab.StepResult) ([]lab.Measured, error)
	// Cost returns what an experiment costs, in the currency of the budget of cost;
	// counted is false where the document does not say.
	Cost(settings []lab.Setting) (cost float64, counted bool, err error)
	// Stop returns the first stop rule that what is known meets, or "".
	Stop(known []lab.Known) (string, error)
}

// Instruction is what a step asks of a device.
type Instruction struct {
	Device  string
	Epoch   int64
	Name    string
	Params  json.RawMessage
	Samples []lab.SampleRef
	// From and To are the devices that a transfer carries between.
	From, To lab.Hold
}

// Compiler makes a [Program] of a campaign that is on record. It may keep what
// it has compiled, since campaigns never change.
type Compiler interface {
	Program(ctx context.Context, id lab.CampaignID) (Program, error)
}

// Book says who has which device.
type Book interface {
	// Reserve grants all devices that a step needs or, answering false, queues
	// for them; the grant is then told to the activity [Place.Activity] of the
	// experiment. Asked again, it gives the same answer as before or a better one.
	Reserve(ctx context.Context, p Place) ([]lab.Hold, bool, error)
	// Release lets go of roles of an experiment that goes on, and tells those
	// who were waiting.
	Release(ctx context.Context, e lab.ExperimentID, roles []string) error
	// Hindered keeps for people why a step that is tried again and again could
	// not be prepared.
	Hindered(ctx context.Context, p Place, why string) error
}

// Place is a step of an experiment that wants its devices.
type Place struct {
	Campaign   lab.CampaignID   `json:"campaign_id"`
	Experiment lab.ExperimentID `json:"experiment_id"`
	Number     int              `json:"number"` // of the experiment
	Step       string           `json:"step"`
}

// Activity names the activity that waits for the devices of p.
func (p Place) Activity() string { return "devices-of-" + p.Step }

// Dispatcher sends commands to devices.
type Dispatcher interface {
	// Dispatch keeps the command's bytes, publishes them and does not wait for
	// an answer. Called again with the same command, it publishes the same bytes
	// or, when the command has ended already, returns its result.
	Dispatch(ctx context.Context, c lab.Command) (*lab.Result, error)
	// Cancel asks the device to end a command; its answer comes as a result.
	Cancel(ctx context.Context, id lab.CommandID) error
}
