package lab

import (
	"encoding/json"
	"time"
)

// Device is something on the bus, as the laboratory last heard of it.
type Device struct {
	ID           string          `json:"id"`
	Kind         string          `json:"kind"`
	Title        string          `json:"title,omitempty"`
	Capabilities []Capability    `json:"capabilities"`
	Conn         string          `json:"conn"` // "online", "offline" or "lost": the link, not the work
	Op           string          `json:"op"`   // "starting", "idle", "busy", "paused", "safe", "stopped", "fault"
	Mode         string          `json:"mode"` // "remote", "local" or "service"
	Boot         int64           `json:"boot"`
	Epoch        int64           `json:"epoch"`
	Active       []ActiveCommand `json:"active"`
	Faults       []Fault         `json:"faults,omitempty"`
	Simulated    bool            `json:"simulated"`
	SeenAt       time.Time       `json:"seen_at"`
	Experiment   *ExperimentID   `json:"experiment,omitempty"` // who has it reserved
	Number       int             `json:"number,omitempty"`     // of that experiment
	Campaign     *CampaignID     `json:"campaign,omitempty"`
	Said
}

// Said is what a device says of its slots, its calibrations, what it uses up and
// what it measures all the time.
type Said struct {
	Slots        []DeviceSlot  `json:"slots,omitempty"`
	Calibrations []Calibration `json:"calibrations,omitempty"`
	Supplies     []Supply      `json:"supplies,omitempty"`
	Streams      []string      `json:"streams,omitempty"` // of telemetry
}

// DeviceSlot is a place for a sample, as its device says it is.
type DeviceSlot struct {
	Slot   string `json:"slot"`
	Sample string `json:"sample,omitempty"` // "" when empty
	Sensed bool   `json:"sensed,omitempty"` // a sensor says so, not the device's memory alone
	Token  string `json:"token,omitempty"`  // of the handover that it is out under
}

// Calibration is how far a device's readings can be believed, and until when.
type Calibration struct {
	Name   string    `json:"name"`
	Status string    `json:"status"` // "valid", "due" or "invalid"
	At     time.Time `json:"at,omitzero"`
	Due    time.Time `json:"due,omitzero"`
}

// Supply is something that a device uses up.
type Supply struct {
	Name  string  `json:"name"`
	Unit  Unit    `json:"unit"`
	Level float64 `json:"level"`         // what is left
	Low   float64 `json:"low,omitempty"` // below it somebody should refill
	Lot   string  `json:"lot,omitempty"`
}

// ActiveCommand is a command that a device is at work on.
type ActiveCommand struct {
	ID       string       `json:"id"`
	Name     string       `json:"name,omitempty"`
	State    CommandState `json:"state"`
	Progress float64      `json:"progress,omitempty"`
}

// Fault is something wrong with a device, in its own words. The text is data
// from outside and never trusted.
type Fault struct {
	Code  string `json:"code"`
	Level string `json:"level"`
	Text  string `json:"text,omitempty"`
}

// Capability is something that a device can do, under a name that protocols ask
// for, with its commands.
type Capability struct {
	Name     string        `json:"name"`
	Commands []CommandSpec `json:"commands"`
}

// CommandSpec describes a command: its parameters with their units and limits,
// and the names of what it measures.
type CommandSpec struct {
	Name    string      `json:"name"`
	Params  []ParamSpec `json:"params"`
	Results []ParamSpec `json:"results,omitempty"`
	// TypicalS is how long it usually takes, in seconds; 0 when unknown.
	TypicalS float64 `json:"typical_s,omitempty"`
}

// ParamSpec is a parameter of a command, or a value that it measures.
type ParamSpec struct {
	Name     string          `json:"name"`
	Type     string          `json:"type"` // "number", "integer", "string", "boolean"
	Unit     Unit            `json:"unit,omitempty"`
	Min      *float64        `json:"min,omitempty"`
	Max      *float64        `json:"max,omitempty"`
	Enum     []string        `json:"enum,omitempty"`
	Required bool            `json:"required"`
	Default  json.RawMessage `json:"default,omitempty"`
}
