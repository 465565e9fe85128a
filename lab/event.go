package lab

import (
	"encoding/json"
	"time"
)

// Event is a line of the laboratory's log: something that a person watching
// would want to see at once. Seq rises strictly over the whole laboratory.
type Event struct {
	Seq        int64           `json:"seq"`
	At         time.Time       `json:"at"`
	Kind       EventKind       `json:"kind"`
	CampaignID *CampaignID     `json:"campaign_id,omitempty"`
	Number     int             `json:"number,omitempty"` // of the experiment it is about
	Device     string          `json:"device,omitempty"`
	Data       json.RawMessage `json:"data,omitempty"` // an object; see the kind
}

// EventKind says what an [Event] is about.
type EventKind string

// The kinds of events and what their data is.
const (
	EventCampaign   EventKind = "campaign"   // Progress
	EventPlan       EventKind = "plan"       // {"plan_id", "round", "proposals": n}
	EventExperiment EventKind = "experiment" // {"state": "started"|"succeeded"|"failed"|"cancelled"|"in_doubt"}
	EventCommand    EventKind = "command"    // {"command_id", "step", "name", "state", "progress"}
	EventDevice     EventKind = "device"     // Device
)
