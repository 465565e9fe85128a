package world

import (
	"encoding/json"
	"time"
)

// EffectKind says what happened.
type EffectKind string

// The kinds of effect.
const (
	Made      EffectKind = "made"      // a vial was filled that was not there before
	Dispensed EffectKind = "dispensed" // matter was added
	Heated    EffectKind = "heated"
	Measured  EffectKind = "measured"
	Picked    EffectKind = "picked"  // into a gripper
	Placed    EffectKind = "placed"  // out of a gripper
	Missed    EffectKind = "missed"  // a grasp closed on nothing; the sample did not move
	Dropped   EffectKind = "dropped" // out of a gripper, onto the floor
	Parked    EffectKind = "parked"  // left-over of another command, put aside
	Spilled   EffectKind = "spilled" // dosed beside the vial
	Changed   EffectKind = "changed" // a part that wears, for a new one
	Drove     EffectKind = "drove"   // used charge of a battery, or filled it
	Discarded EffectKind = "discarded"
)

// Effect is something that physically happened, in the order that it did.
type Effect struct {
	Seq     int64      `json:"seq"`     // from 1, without gaps
	At      time.Time  `json:"at"`      // UTC, of the wall
	WorldS  float64    `json:"world_s"` // age of the world in its own seconds
	Command string     `json:"command"` // id on the wire
	Device  string     `json:"device"`
	Name    string     `json:"name"` // of the command
	Effect  EffectKind `json:"effect"`
	// Part counts effects of one kind that a command does one after another.
	Part int `json:"part,omitempty"`
	// Final says that it is the last effect of its command.
	Final  bool   `json:"final,omitempty"`
	Sample string `json:"sample,omitempty"`
	From   string `json:"from,omitempty"` // where the sample was
	To     string `json:"to,omitempty"`   // where it is since; with neither it stays
	Slot   string `json:"slot,omitempty"` // of To, where it has slots
	// Data holds what the effect did to the sample, or what a measurement
	// showed. It must be free of ids, so that noise keyed by it is too.
	Data json.RawMessage `json:"data,omitempty"`
}

// moves reports whether the effect changes where its sample is.
func (e Effect) moves() bool { return e.To != "" }
