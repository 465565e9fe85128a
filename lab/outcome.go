package lab

import (
	"encoding/json"
	"time"
)

// OutcomeState says whether an experiment taught anything.
type OutcomeState string

// The states of an outcome.
const (
	OutcomeSucceeded OutcomeState = "succeeded" // every objective was observed
	OutcomeFailed    OutcomeState = "failed"    // something went wrong; never a chemical negative
	OutcomeCancelled OutcomeState = "cancelled" // by a person, before it ended
)

// Outcome is what the dataset remembers of an experiment: what was predicted,
// done and seen, and why. It is written once.
type Outcome struct {
	Proposal   Proposal     `json:"proposal"`
	State      OutcomeState `json:"state"`
	Failure    *Failure     `json:"failure,omitempty"`
	Steps      []StepRecord `json:"steps"`
	Observed   []Measured   `json:"observed"` // one to an objective when it succeeded
	StartedAt  time.Time    `json:"started_at"`
	FinishedAt time.Time    `json:"finished_at"`
}

// Failure says what went wrong with an experiment, and where.
type Failure struct {
	Step    string `json:"step,omitempty"`
	Device  string `json:"device,omitempty"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

// StepRecord is what was done in a step, every intent of it a record.
type StepRecord struct {
	Step       string          `json:"step"`
	Intent     int             `json:"intent"`
	CommandID  CommandID       `json:"command_id"`
	Device     string          `json:"device"`
	Command    string          `json:"command"`
	Params     json.RawMessage `json:"params"`
	State      CommandState    `json:"state"`
	Effect     Effect          `json:"effect"`
	Code       string          `json:"code,omitempty"`
	Error      string          `json:"error,omitempty"`
	Values     json.RawMessage `json:"values,omitempty"`
	StartedAt  time.Time       `json:"started_at"`
	FinishedAt time.Time       `json:"finished_at"`
	// Units are those of the numbers in Params and Values, as the device
	// declared them when the outcome was recorded.
	Units []NamedUnit `json:"units,omitempty"`
}

// NamedUnit is the unit of a number in an object.
type NamedUnit struct {
	Of   string `json:"of"` // "params" or "values"
	Name string `json:"name"`
	Unit Unit   `json:"unit"`
}

// StepResult is what later steps and observations may read of a step that is
// done: steps.<step>.<name> in CEL.
type StepResult struct {
	Step   string          `json:"step"`
	Values json.RawMessage `json:"values"`
}
