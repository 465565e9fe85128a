package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/lab"
)

// Place is a slot of a device.
type Place struct{ Device, Slot string }

func (p Place) String() string { return p.Device + ":" + p.Slot }

// Placement is where a sample is.
type Placement struct {
	Sample string
	Place
	Certain bool // false: it is here, or at the other end of a handover that is to be resolved
}

// HandoverState is how far a sample's change of hands has come.
type HandoverState string

// The states of a handover.
const (
	HandoverOpen      HandoverState = "open"      // the two sides are at it; both slots are blocked
	HandoverMoved     HandoverState = "moved"     // both sides say so
	HandoverStayed    HandoverState = "stayed"    // both sides say that nothing has moved
	HandoverUncertain HandoverState = "uncertain" // they disagree, or one does not know; both slots stay blocked
)

// Hand is how one side of a handover ended.
type Hand struct {
	State  lab.CommandState // "" while it has not
	Effect lab.Effect
}

// Handover is a sample's change of hands: the giver's command and the taker's,
// under one token.
type Handover struct {
	Token    string
	Sample   string
	From, To Place
	Give     lab.Command
	Take     lab.Command

	Gave, Took Hand
	State      HandoverState
}

// Judge returns what the ends of both sides make of a handover.
func Judge(gave, took Hand) HandoverState {
	switch {
	case gave.State == "" || took.State == "":
		return HandoverOpen
	case gave.State == lab.CommandDone && took.State == lab.CommandDone:
		return HandoverMoved
	case gave.Effect == lab.EffectNone && took.Effect == lab.EffectNone:
		return HandoverStayed
	default:
		return HandoverUncertain
	}
}

// Samples remembers where samples are. A sample is in exactly one slot, a slot
// has at most one sample, and only a handover moves it. The methods are atomic
// and safe for concurrent use; an implementation passes
// gatewaytest.ExerciseSamples.
type Samples interface {
	// PlaceSample enters a sample that the laboratory has got. It is
	// lab.Conflict when the sample is somewhere already, or the slot is not free.
	PlaceSample(ctx context.Context, sample string, at Place, by string) error

	// Whereabouts returns where a sample is, or lab.NotFound.
	Whereabouts(ctx context.Context, sample string) (Placement, error)

	// OpenHandover enters a handover before anything moves. The same one again
	// changes nothing. It is lab.Conflict when the sample is not certainly in
	// From, or a slot is not free for it.
	OpenHandover(ctx context.Context, h Handover) error

	// EndHand notes how one side's command ended, and returns the handover, as
	// [Judge] has it; one that a person resolved stays. When both sides say so
	// it moves the sample in the same transaction. A command of no handover is
	// lab.NotFound.
	EndHand(ctx context.Context, command lab.CommandID, end Hand) (Handover, error)

	// ResolveHandover takes a person's word on where the sample of an uncertain
	// handover is: at one of its two places. It is lab.Conflict when the
	// handover is not uncertain.
	ResolveHandover(ctx context.Context, token string, at Place, by, reason string) (Handover, error)
}

// Handover begins a sample's change of hands. give and take are commands to the
// two devices, with ids, epochs and deadlines; their names and parameters are
// written here. The token is the giver's command id, so that calling again with
// the same commands is harmless.
func (d *Dispatcher) Handover(ctx context.Context, sample string, from, to Place, give, take lab.Command) (Handover, error) {
	h := Handover{Token: give.ID.UUID(), Sample: sample, From: from, To: to, State: HandoverOpen}
	if d.cfg.Samples == nil || give.Device != from.Device || take.Device != to.Device || from == to || give.ID == take.ID {
		return h, lab.Errorf(lab.Invalid, "hand %s over from %s to %s: it needs a ledger of samples, two slots, and a command to the device of each", sample, from, to)
	}
	for _, side := range []struct {
		c           *lab.Command
		name        string
		slot, other Place
	}{{&give, devices.Give, from, to}, {&take, devices.Take, to, from}} {
		params, err := json.Marshal(map[string]string{"slot": side.slot.Slot, "sample": sample, "token": h.Token, "peer": side.other.String()})
		if err != nil {
			return h, fmt.Errorf("hand %s over: %w", sample, err)
		}
		side.c.Name, side.c.Params, side.c.Samples = side.name, params, []lab.SampleRef{{ID: sample, Slot: side.slot.Slot}}
	}
	h.Give, h.Take = give, take
	if err := d.cfg.Samples.OpenHandover(ctx, h); err != nil {
		return h, fmt.Errorf("hand %s over from %s to %s: %w", sample, from, to, err)
	}
	for _, c := range []lab.Command{give, take} {
		if _, err := d.Dispatch(ctx, c); err != nil {
			return h, err
		}
	}
	return h, nil
}

// ResolveHandover takes a person's word on where a sample is, and lets both
// devices clear their slots.
func (d *Dispatcher) ResolveHandover(ctx context.Context, token string, at Place, by, reason string) error {
	if d.cfg.Samples == nil || by == "" {
		return lab.Errorf(lab.Invalid, "resolve handover %s: it needs a ledger of samples, and who says so", token)
	}
	h, err := d.cfg.Samples.ResolveHandover(ctx, token, at, by, reason)
	if err != nil {
		return err
	}
	return d.clear(ctx, h, time.Now())
}

// handed notes the end of one side of a handover, and when both have ended lets
// the devices go back to work.
func (d *Dispatcher) handed(ctx context.Context, e Entry) error {
	if d.cfg.Samples == nil || e.Command.Name != devices.Give && e.Command.Name != devices.Take {
		return nil
	}
	r, err := ResultOf(e)
	if err != nil {
		return err
	}
	h, err := d.cfg.Samples.EndHand(ctx, e.Command.ID, Hand{State: e.State, Effect: r.Effect})
	if lab.KindOf(err) == lab.NotFound { // somebody's own give
		return nil
	}
	if err != nil {
		return fmt.Errorf("note the end of handover %s: %w", e.Command.ID, err)
	}
	if h.State == HandoverMoved || h.State == HandoverStayed {
		return d.clear(ctx, h, r.FinishedAt)
	}
	return nil
}

// clearTime is how long after a handover its slots may be cleared.
const clearTime = 10 * time.Minute

// clear tells both devices what is in their slots now. Their ids are those of
// the handover, so that each is told once.
func (d *Dispatcher) clear(ctx context.Context, h Handover, since time.Time) error {
	where, err := d.cfg.Samples.Whereabouts(ctx, h.Sample)
	if err != nil {
		return err
	}
	for _, side := range []struct {
		c  lab.Command
		at Place
	}{{h.Give, h.From}, {h.Take, h.To}} {
		sample := ""
		if where.Place == side.at {
			sample = h.Sample
		}
		c := side.c
		c.Name, c.Step, c.Samples = devices.Clear, c.Step+".clear", nil
		c.ID = lab.CommandIDOf(c.ExperimentID, c.Step+"."+c.Device, c.Intent, c.Part)
		if c.Deadline.Before(since) {
			c.Deadline = since
		}
		c.Deadline = c.Deadline.Add(clearTime).UTC().Truncate(time.Millisecond)
		if c.Params, err = json.Marshal(map[string]string{"slot": side.at.Slot, "token": h.Token, "sample": sample}); err != nil {
			return err
		}
		if _, err := d.Dispatch(ctx, c); err != nil && lab.KindOf(err) != lab.Conflict { // told before, with another deadline
			return fmt.Errorf("clear %s: %w", side.at, err)
		}
	}
	return nil
}
