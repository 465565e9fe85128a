package api

import (
	"context"
	"io"
	"time"

	"github.com/athanor-lab/athanor/lab"
)

// Campaigns keeps campaigns and answers what has become of them. Values that it
// returns are the caller's: the API fills absent lists in them before they are
// written.
type Campaigns interface {
	// Check reads a document and returns it with all that is wrong with it. The
	// error is for when the document could not be checked at all. Document is
	// nil when the text could not be read.
	Check(ctx context.Context, src []byte, format Format) (*lab.Document, []lab.Problem, error)

	// Submit checks a document, keeps it under s.ID and starts it. With problems
	// nothing is kept. The same key and source return the campaign of the first
	// time with replayed set; the same key with another source is lab.Invalid.
	Submit(ctx context.Context, s Submission) (c lab.Campaign, replayed bool, problems []lab.Problem, err error)

	// List returns campaigns, newest first.
	List(ctx context.Context, f Filter) ([]Standing, error)

	// Get returns one campaign, or lab.NotFound.
	Get(ctx context.Context, id lab.CampaignID) (Standing, error)

	// Source returns the document as its author wrote it.
	Source(ctx context.Context, id lab.CampaignID) ([]byte, Format, error)

	// Plans returns a campaign's plans with a round above after, in order.
	Plans(ctx context.Context, id lab.CampaignID, after, limit int) ([]lab.Plan, error)

	// Plan returns the plan of a round, or lab.NotFound.
	Plan(ctx context.Context, id lab.CampaignID, round int) (lab.Plan, error)

	// Experiments returns a campaign's experiments, running ones included, with
	// a number above after, in order of number. Candidates that lost and steps
	// need not be filled in.
	Experiments(ctx context.Context, id lab.CampaignID, after, limit int) ([]Experiment, error)

	// Experiment returns all that is known of one experiment, or lab.NotFound.
	Experiment(ctx context.Context, id lab.CampaignID, number int) (Experiment, error)

	// Questions returns what waits for a person, oldest first: of one campaign,
	// or with a zero id of all.
	Questions(ctx context.Context, id lab.CampaignID) ([]Question, error)
}

// Control changes the course of campaigns. A change that the campaign's state
// does not allow is lab.Conflict with the reason; none is queued for later.
type Control interface {
	Pause(ctx context.Context, id lab.CampaignID, a Act) (lab.Progress, error)
	Resume(ctx context.Context, id lab.CampaignID, a Act) (lab.Progress, error)
	Abort(ctx context.Context, id lab.CampaignID, a Act) (lab.Progress, error)
	Approve(ctx context.Context, id lab.CampaignID, round int, a Act) (lab.Progress, error)
	Reject(ctx context.Context, id lab.CampaignID, round int, a Act) (lab.Progress, error)

	// Advise answers a step that failed and whose policy is to ask: it is done
	// again, or its experiment counts as failed.
	Advise(ctx context.Context, id lab.CampaignID, number int, step string, retry bool, a Act) error

	// Resolve settles a command that is in doubt: outcome is lab.CommandDone or
	// lab.CommandFailed.
	Resolve(ctx context.Context, id lab.CommandID, outcome lab.CommandState, a Act) error
}

// Devices is the laboratory's fleet. The stops are requests that devices obey in
// software; no safety function.
type Devices interface {
	List(ctx context.Context) ([]lab.Device, error)
	Get(ctx context.Context, id string) (lab.Device, error)
	Stop(ctx context.Context, id string, a Act) error
	Reset(ctx context.Context, id string, a Act) error
	StopAll(ctx context.Context, a Act) error
	ResetAll(ctx context.Context, a Act) error

	// Pause has a device begin nothing and hold what it can; Resume ends that.
	Pause(ctx context.Context, id string, a Act) error
	Resume(ctx context.Context, id string, a Act) error

	// Series returns what a device measured from one instant to another, each
	// quantity as at most most points.
	Series(ctx context.Context, id string, from, to time.Time, most int) ([]lab.Series, error)

	// Quarantine returns what a device, or with "" any, said and nobody believed,
	// newest first.
	Quarantine(ctx context.Context, id string, limit int) ([]lab.Quarantined, error)

	// Waits returns what steps wait for before their commands can go out: devices,
	// or room in them, oldest first: of a campaign, or with a zero id of any.
	Waits(ctx context.Context, of lab.CampaignID, limit int) ([]lab.Wait, error)

	// Samples returns where the samples are that are in the laboratory.
	Samples(ctx context.Context) ([]lab.Placement, error)

	// RemoveSample takes a person's word that a sample is not in the laboratory
	// any more. It is lab.Conflict while the sample changes hands.
	RemoveSample(ctx context.Context, sample string, a Act) error

	// Disputes returns the handovers that are not settled.
	Disputes(ctx context.Context) ([]lab.Dispute, error)

	// Settle takes a person's word on the sample of a handover in dispute. It is
	// lab.Conflict when there is no dispute about it.
	Settle(ctx context.Context, token string, where Where, a Act) error
}

// Where is where a person found the sample of a handover.
type Where string

// The places of a sample in dispute.
const (
	WhereFrom Where = "from" // where it was
	WhereTo   Where = "to"   // where it was to go
	WhereLost Where = "lost" // in neither slot: it is not in the laboratory any more
)

// Exporter writes the outcomes of a campaign: format is "jsonl" or "csv".
type Exporter interface {
	Export(ctx context.Context, id lab.CampaignID, format string, w io.Writer) error
}

// Events is the laboratory's log. An event never appears with a Seq below one
// that was returned before, so that "all after" means all.
type Events interface {
	// Last returns the Seq of the newest event, 0 when there is none.
	Last(ctx context.Context) (int64, error)

	// Since returns up to limit events with a Seq above after, in order.
	Since(ctx context.Context, after int64, limit int) ([]lab.Event, error)

	// Before returns up to limit events of a campaign with a Seq below before,
	// newest first; before 0 means from the newest.
	Before(ctx context.Context, id lab.CampaignID, before int64, limit int) ([]lab.Event, error)

	// Listen calls wake after events were appended, until ctx ends or the link
	// to the log breaks. It may wake for nothing and fold many into one.
	Listen(ctx context.Context, wake func()) error
}

// Format is how a document is written.
type Format string

// The formats of documents.
const (
	YAML Format = "yaml"
	JSON Format = "json"
)

// Submission is a document on its way in. ID and At are minted at the door.
type Submission struct {
	ID     lab.CampaignID
	At     time.Time
	Source []byte
	Format Format
	Key    string // Idempotency-Key, "" when the caller gave none
}

// Filter chooses campaigns.
type Filter struct {
	States []lab.CampaignState // none means all
	Query  string              // words that the title contains, in any case
	Before lab.CampaignID      // only campaigns submitted before this one; zero means from the newest
	Limit  int
}

// Standing is a campaign and what has become of it.
type Standing struct {
	Campaign lab.Campaign
	Progress lab.Progress
}

// Experiment is a proposal and as much of its outcome as there is. Until it has
// ended, Outcome holds the proposal, the steps begun so far and StartedAt.
type Experiment struct {
	State   ExperimentState
	Outcome lab.Outcome
}

// ExperimentState is where an experiment is in its life.
type ExperimentState string

// The states of an experiment. The last three are final.
const (
	ExperimentPlanned   ExperimentState = "planned" // not begun, for approval or for a free device
	ExperimentRunning   ExperimentState = "running"
	ExperimentInDoubt   ExperimentState = "in_doubt" // a command of it waits for a person
	ExperimentSucceeded ExperimentState = "succeeded"
	ExperimentFailed    ExperimentState = "failed"
	ExperimentCancelled ExperimentState = "cancelled"
)

// Question is something that waits for a person: a plan to approve, a command
// in doubt to resolve, or a failed step to do again or not. Exactly one of Plan,
// Doubt and Failed is set.
type Question struct {
	Campaign lab.CampaignID `json:"campaign_id"`
	Title    string         `json:"title"` // of the campaign
	Since    time.Time      `json:"since"`
	Plan     *lab.Plan      `json:"plan,omitempty"`
	Doubt    *Doubt         `json:"doubt,omitempty"`
	Failed   *FailedStep    `json:"failed,omitempty"`
}

// FailedStep is a step that failed and waits for a person's advice.
type FailedStep struct {
	Command lab.Command `json:"command"` // the last try
	Reason  string      `json:"reason"`  // what the device said
}

// Doubt is a command of which nobody knows whether it was carried out.
type Doubt struct {
	Command lab.Command `json:"command"`
	Reason  string      `json:"reason"` // what the device or the gateway said
}

// Act says who did something, and why.
type Act struct {
	By     string
	Reason string
}

// Example is a campaign document to begin from.
type Example struct {
	Name   string `json:"name"`
	Title  string `json:"title"`
	Format Format `json:"format"`
	Source string `json:"source"`
}
