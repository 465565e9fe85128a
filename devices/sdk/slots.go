package sdk

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/lab"
)

// Hands is what a device does when samples change hands. [Device.Hands] makes
// of it the commands give, take and clear of the contract.
type Hands struct {
	Slots []string // the names of its places, each for one sample

	// Give presents the sample of a slot and returns when the other side has
	// it. Take makes a slot ready and returns when the sample is in it. They
	// return what a reader read of the sample, "" where there is none, and an
	// error before anything has moved as a [Fault] with effect none.
	Give, Take func(c *Ctx, h Handing) (read string, err error)

	// Clear goes back to where work can go on: a door closes. nil is nothing.
	Clear func(c *Ctx, slot string) error

	// Look says what a sensor sees in a slot; nil is a device without sensors,
	// which leaves a handover that it died at to a person.
	Look func(slot string) Seen
}

// Handing is one side's part of a handover.
type Handing struct {
	Slot, Sample, Token string
	Peer                string // the other side, as in "furnace-1:A1"
}

// Seen is what a sensor sees in a slot.
type Seen struct {
	Known   bool // false: it cannot tell
	Present bool
	Read    string // the sample's name, where it can be read
}

// rack is a device's slots, guarded by the device's lock.
type rack struct {
	hands Hands
	slots []devices.Slot
}

type handing struct {
	Slot   string `json:"slot"`
	Sample string `json:"sample"`
	Token  string `json:"token"`
	Peer   string `json:"peer,omitempty"`
}

type handed struct {
	Read string `json:"read,omitempty"`
}

type clearing struct {
	Slot   string `json:"slot"`
	Token  string `json:"token"`
	Sample string `json:"sample"` // what is in the slot now; "" is nothing
}

// Hands declares slots, before Run, with what the device does there.
func (d *Device) Hands(h Hands) {
	d.rack.hands = h
	for _, name := range h.Slots {
		if !devices.ValidID(name) || d.rack.find(name) != nil {
			d.misuse(fmt.Errorf("slot %q is no name, or is there twice", name))
		}
		d.rack.slots = append(d.rack.slots, devices.Slot{Slot: name})
	}
	if len(h.Slots) == 0 || h.Give == nil || h.Take == nil {
		d.misuse(errors.New("hands need slots, Give and Take"))
		return
	}
	for name, f := range map[string]func(*Ctx, Handing) (string, error){devices.Give: h.Give, devices.Take: h.Take} {
		recovery := Manual
		if h.Look != nil {
			recovery = Probe(func(c *Ctx) (Found, any, error) { return d.lookAt(c, name) })
		}
		Handle(d, name, func(c *Ctx, p handing) (handed, error) {
			d.beginHanding(c, p, name)
			read, err := f(c, Handing(p))
			if err == nil && read != "" && read != p.Sample {
				err = fmt.Errorf("the reader read %q: %w", read, ErrInDoubt)
			}
			return handed{Read: read}, err
		}, recovery)
	}
	Handle(d, devices.Clear, func(c *Ctx, p clearing) (struct{}, error) {
		if h.Clear != nil {
			if err := h.Clear(c, p.Slot); err != nil {
				return struct{}{}, err
			}
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		s := d.rack.find(p.Slot)
		*s = devices.Slot{Slot: p.Slot, Sample: p.Sample, Sensed: d.sees(p.Slot, p.Sample)}
		d.noteSlot(s)
		return struct{}{}, nil
	}, Repeat)
	for _, name := range []string{devices.Give, devices.Take, devices.Clear} { // a slot is one of these
		d.actions[name].hand = true
		params := d.actions[name].Params
		params[slices.IndexFunc(params, func(s lab.ParamSpec) bool { return s.Name == "slot" })].Enum = h.Slots
	}
}

// SetSlot says what a person has put into a slot, or with "" taken out of it.
func (d *Device) SetSlot(slot, sample string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.rack.find(slot)
	if s == nil || sample != "" && !devices.ValidID(sample) {
		return fmt.Errorf("set slot %q to %q: there is no such slot, or the sample is no id", slot, sample)
	}
	s.Sample, s.Sensed = sample, false
	if d.journal != nil {
		d.noteSlot(s)
	}
	d.out.changed()
	return nil
}

func (r *rack) find(name string) *devices.Slot {
	i := slices.IndexFunc(r.slots, func(s devices.Slot) bool { return s.Slot == name })
	if i < 0 {
		return nil
	}
	return &r.slots[i]
}

func (r *rack) names() []string {
	var all []string
	for _, s := range r.slots {
		all = append(all, s.Slot)
	}
	return all
}

func (r *rack) states() []devices.Slot { return slices.Clone(r.slots) }

// sees reports whether a sensor confirms what is said of a slot.
func (d *Device) sees(slot, sample string) bool {
	if d.rack.hands.Look == nil {
		return false
	}
	seen := d.rack.hands.Look(slot)
	return seen.Known && seen.Present == (sample != "")
}

// checkSlots refuses a handover that does not fit what is in the slot, and
// every other command that moves while a slot is out: a door must not close on
// somebody's hand.
func (d *Device) checkSlots(cmd devices.Cmd, a *action, params json.RawMessage) *refusal {
	if !a.hand {
		for _, s := range d.rack.slots {
			if s.Handover != nil && !a.alongside {
				return refuse(devices.Interlock, "slot %s is out under handover %s until it is cleared", s.Slot, s.Handover.Token)
			}
		}
		return nil
	}
	var p handing
	if err := json.Unmarshal(params, &p); err != nil {
		return refuse(devices.BadParams, "%v", err)
	}
	s := d.rack.find(p.Slot)
	switch {
	case s == nil:
		return refuse(devices.BadParams, "params.slot: there is no slot %q", p.Slot)
	case !devices.ValidID(p.Token):
		return refuse(devices.BadParams, "params.token: %.40q is no id", p.Token)
	case p.Sample != "" && !devices.ValidID(p.Sample) || p.Sample == "" && cmd.Name != devices.Clear:
		return refuse(devices.BadParams, "params.sample: %.40q is no id", p.Sample)
	case s.Handover != nil && s.Handover.Token != p.Token:
		return refuse(devices.Interlock, "slot %s is out under another handover", p.Slot)
	case cmd.Name == devices.Clear && (s.Handover == nil || !s.Handover.Ended):
		return refuse(devices.Interlock, "slot %s is at no handover that has ended", p.Slot)
	case cmd.Name == devices.Clear:
		return nil
	case s.Handover != nil:
		return refuse(devices.Interlock, "slot %s has done its part of handover %s, and waits to be cleared", p.Slot, p.Token)
	case cmd.Name == devices.Give && s.Sample != p.Sample:
		return refuse(devices.Interlock, "slot %s holds %q and not %q", p.Slot, s.Sample, p.Sample)
	case cmd.Name == devices.Take && s.Sample != "":
		return refuse(devices.Interlock, "slot %s holds %q: it takes nothing else", p.Slot, s.Sample)
	}
	return nil
}

// beginHanding shows that a slot is out.
func (d *Device) beginHanding(c *Ctx, p handing, want string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.rack.find(p.Slot)
	s.Handover = &devices.Handover{Token: p.Token, Want: want}
	if c.cmd.TimeoutS > 0 {
		s.Handover.Until = d.labTime().UTC().Add(time.Duration(c.cmd.TimeoutS * float64(time.Second))).Truncate(time.Millisecond)
	}
	d.noteSlot(s)
	d.out.changed()
}

// endHanding notes, with the end of a command, where the sample is and that the
// slot waits to be cleared. It goes to the disk with the end.
func (d *Device) endHanding(e *entry, ev devices.Event) {
	var p handing
	if json.Unmarshal(e.params, &p) != nil { // it was refused
		return
	}
	s := d.rack.find(p.Slot)
	if s == nil || e.action.Name == devices.Clear || !e.started && ev.State != lab.CommandInDoubt {
		return
	}
	s.Handover = &devices.Handover{Token: p.Token, Want: e.action.Name, Ended: true}
	if ev.State == lab.CommandDone {
		s.Sample = ""
		if e.action.Name == devices.Take {
			s.Sample = p.Sample
		}
		s.Sensed = d.sees(p.Slot, s.Sample)
	}
	d.noteSlot(s)
}

func (d *Device) noteSlot(s *devices.Slot) {
	b, err := json.Marshal(s)
	if err != nil {
		d.log.Error("slot not written down", "slot", s.Slot, "err", err)
		return
	}
	d.journal.append(record{T: recSlot, ID: s.Slot, V: b})
}

func (d *Device) loadSlot(r record) error {
	var s devices.Slot
	if err := json.Unmarshal(r.V, &s); err != nil {
		return err
	}
	if mine := d.rack.find(r.ID); mine != nil {
		*mine = s
	}
	return nil
}

// lookAt is the probe of a handover that the process died at.
func (d *Device) lookAt(c *Ctx, want string) (Found, any, error) {
	var p handing
	if err := json.Unmarshal(c.cmd.Params, &p); err != nil {
		return Unknown, nil, err
	}
	seen := d.rack.hands.Look(p.Slot)
	switch {
	case !seen.Known || seen.Present && seen.Read != "" && seen.Read != p.Sample:
		return Unknown, nil, nil
	case seen.Present == (want == devices.Take):
		return Done, handed{Read: seen.Read}, nil
	default:
		return Undone, nil, nil
	}
}
