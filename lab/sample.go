package lab

import "encoding/json"

// Place is a slot of a device.
type Place struct {
	Device string `json:"device"`
	Slot   string `json:"slot"`
}

func (p Place) String() string { return p.Device + ":" + p.Slot }

// Outside is the device of places that are not in the laboratory: a sample that
// was thrown away or taken out is there, in a slot of its own name.
const Outside = "_outside"

// Placement is where a sample is.
type Placement struct {
	Sample string `json:"sample"`
	Place
	Certain bool `json:"certain"` // false: it is here, or at the other end of a handover that is to be resolved
}

// HandoverState is how far a sample's change of hands has come.
type HandoverState string

// The states of a handover.
const (
	HandoverOpen      HandoverState = "open"      // the two sides are at it; both slots are blocked
	HandoverMoved     HandoverState = "moved"     // both sides say so
	HandoverStayed    HandoverState = "stayed"    // both sides say that nothing has moved
	HandoverUncertain HandoverState = "uncertain" // they disagree, or one does not know; both slots stay blocked
	HandoverLost      HandoverState = "lost"      // a person says that the sample is in neither slot: it is outside
)

// Settled reports whether s is final.
func (s HandoverState) Settled() bool {
	return s == HandoverMoved || s == HandoverStayed || s == HandoverLost
}

// Handing is a sample's change of hands before it has begun: the command to the
// device that has it and the command to the device that gets it. One of the two
// is the carrier's, which does the movement.
type Handing struct {
	Sample  string  `json:"sample"`
	From    Place   `json:"from"`
	To      Place   `json:"to"`
	Carrier string  `json:"carrier"` // a device
	Give    Command `json:"give"`
	Take    Command `json:"take"`
}

// Token names the handover, for both devices and in the ledger.
func (h Handing) Token() string { return h.Give.ID.UUID() }

// The commands by which samples change hands, and leave. See docs/formats/ldp-1.md.
const (
	CommandGive    = "give"
	CommandTake    = "take"
	CommandClear   = "clear"
	CommandDiscard = "discard"
)

// Commands returns both commands with their names and parameters: the same
// handing gives the same bytes.
func (h Handing) Commands() (give, take Command, err error) {
	write := func(c Command, name string, slot, other Place) (Command, error) {
		var err error
		c.Name, c.Samples = name, []SampleRef{{ID: h.Sample, Slot: slot.Slot}}
		c.Params, err = json.Marshal(map[string]string{"slot": slot.Slot, "sample": h.Sample, "token": h.Token(), "peer": other.String()})
		return c, err
	}
	if give, err = write(h.Give, CommandGive, h.From, h.To); err == nil {
		take, err = write(h.Take, CommandTake, h.To, h.From)
	}
	return give, take, err
}

// Room is what a device's slots have room for.
type Room struct {
	Slots bool   `json:"slots"` // the device has slots at all
	Free  string `json:"free,omitempty"`
	// Spent is a sample that is in the way and of no use any more, since its
	// experiment has its outcome; nil when there is none, or a slot is free.
	Spent *Placement `json:"spent,omitempty"`
}
