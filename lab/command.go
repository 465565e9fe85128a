package lab

import (
	"encoding/json"
	"time"
)

// Command is one instruction to one device. The exact bytes that a device is
// sent derive from it once, and are kept before they are first published.
type Command struct {
	ID           CommandID       `json:"id"`
	CampaignID   CampaignID      `json:"campaign_id"`
	ExperimentID ExperimentID    `json:"experiment_id"`
	Number       int             `json:"number"` // of the experiment
	Step         string          `json:"step"`
	Intent       int             `json:"intent"` // 1 for the first deliberate try
	Part         int             `json:"part"`
	Device       string          `json:"device"`
	Epoch        int64           `json:"epoch"` // fencing token of the device's reservation
	Name         string          `json:"name"`
	Params       json.RawMessage `json:"params"` // an object
	Samples      []SampleRef     `json:"samples,omitempty"`
	TimeoutS     float64         `json:"timeout_s"`
	// Deadline is when a command without an answer is reported in doubt.
	Deadline time.Time `json:"deadline"`
}

// SampleRef names a sample and the slot of the device that it is in.
type SampleRef struct {
	ID   string `json:"id"`
	Slot string `json:"slot,omitempty"`
}

// CommandState is how far a command has come.
type CommandState string

// The states of a command, as devices report them.
const (
	CommandAccepted   CommandState = "accepted"
	CommandRunning    CommandState = "running"
	CommandPaused     CommandState = "paused"
	CommandCancelling CommandState = "cancelling"
	CommandDone       CommandState = "done"
	CommandFailed     CommandState = "failed"
	CommandCancelled  CommandState = "cancelled"
	CommandAborted    CommandState = "aborted"
	CommandRejected   CommandState = "rejected"
	CommandExpired    CommandState = "expired"
	CommandInDoubt    CommandState = "in_doubt"
)

// Terminal reports whether s ends a command. A person or a probe may still
// settle one that ended in doubt.
func (s CommandState) Terminal() bool {
	switch s {
	case CommandDone, CommandFailed, CommandCancelled, CommandAborted, CommandRejected, CommandExpired, CommandInDoubt:
		return true
	default:
		return false
	}
}

// Effect is what happened physically.
type Effect string

// The effects of a command.
const (
	EffectNone     Effect = "none"
	EffectPartial  Effect = "partial"
	EffectComplete Effect = "complete"
	EffectUnknown  Effect = "unknown"
)

// Blob is raw data, named by its content.
type Blob struct {
	Name      string `json:"name"`
	MediaType string `json:"media_type,omitempty"`
	Size      int64  `json:"size"` // in bytes
	SHA256    string `json:"sha256"`
}

// Result is a device's last word on a command. A fault is data in it.
type Result struct {
	CommandID    CommandID       `json:"command_id"`
	ExperimentID ExperimentID    `json:"experiment_id"`
	Device       string          `json:"device"`
	State        CommandState    `json:"state"`
	Effect       Effect          `json:"effect"`
	Code         string          `json:"code,omitempty"` // of the contract's closed list
	Error        string          `json:"error,omitempty"`
	Retryable    bool            `json:"retryable,omitempty"`
	Values       json.RawMessage `json:"values,omitempty"`      // an object: what the device measured
	Blobs        []Blob          `json:"blobs,omitempty"`       // raw data, which the laboratory has
	Calibration  []string        `json:"calibration,omitempty"` // the calibrations that were in force
	Boot         int64           `json:"boot"`
	N            int64           `json:"n"`
	FinishedAt   time.Time       `json:"finished_at"`
	By           string          `json:"by,omitempty"` // the person who resolved a doubt
}
