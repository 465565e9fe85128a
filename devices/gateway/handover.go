package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/lab"
)

// The nouns of a handover are the laboratory's.
type (
	// Place is where a sample can be.
	Place = lab.Place
	// Placement is a sample and where it is.
	Placement = lab.Placement
	// HandoverState is how far a handover has come.
	HandoverState = lab.HandoverState
)

// The states of a handover.
const (
	HandoverOpen      = lab.HandoverOpen
	HandoverMoved     = lab.HandoverMoved
	HandoverStayed    = lab.HandoverStayed
	HandoverUncertain = lab.HandoverUncertain
	HandoverLost      = lab.HandoverLost
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
	// handover is: at one of its two places, or with the zero Place outside. It
	// is lab.Conflict when the handover is not uncertain.
	ResolveHandover(ctx context.Context, token string, at Place, by, reason string) (Handover, error)

	// Handover returns a handover, or lab.NotFound.
	Handover(ctx context.Context, token string) (Handover, error)

	// RemoveSample takes a sample outside: evidence is who, or which command, did
	// so. Again is the same as once. It is lab.Conflict while the sample is at a
	// handover that is not settled.
	RemoveSample(ctx context.Context, sample, evidence string) error
}

// Handover begins a sample's change of hands and returns what has become of its
// two sides already, nil for one that has not ended. The commands need ids,
// epochs and deadlines; their names and parameters are written here. The token is
// the giver's command id, so that calling again with the same commands is
// harmless.
func (d *Dispatcher) Handover(ctx context.Context, h lab.Handing) (gave, took *lab.Result, err error) {
	if d.cfg.Samples == nil || h.Give.Device != h.From.Device || h.Take.Device != h.To.Device || h.From == h.To || h.Give.ID == h.Take.ID {
		return nil, nil, lab.Errorf(lab.Invalid, "hand %s over from %s to %s: it needs a ledger of samples, two slots, and a command to the device of each", h.Sample, h.From, h.To)
	}
	give, take, err := h.Commands()
	if err != nil {
		return nil, nil, fmt.Errorf("hand %s over: %w", h.Sample, err)
	}
	open := Handover{Token: h.Token(), Sample: h.Sample, From: h.From, To: h.To, State: HandoverOpen, Give: give, Take: take}
	if err := d.cfg.Samples.OpenHandover(ctx, open); err != nil {
		return nil, nil, fmt.Errorf("hand %s over from %s to %s: %w", h.Sample, h.From, h.To, err)
	}
	if gave, err = d.Dispatch(ctx, give); err != nil {
		return nil, nil, err
	}
	took, err = d.Dispatch(ctx, take)
	return gave, took, err
}

// Handed returns how far a handover has come, and whether both devices have
// cleared their slots since it was settled: until then nothing else moves there.
// A clearing that came to nothing is asked for again.
func (d *Dispatcher) Handed(ctx context.Context, token string) (state HandoverState, cleared bool, err error) {
	if d.cfg.Samples == nil {
		return "", false, lab.Errorf(lab.Invalid, "look at handover %s: there is no ledger of samples", token)
	}
	h, err := d.cfg.Samples.Handover(ctx, token)
	if err != nil || !h.State.Settled() {
		return h.State, false, err
	}
	cleared, err = d.clear(ctx, h)
	return h.State, cleared, err
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
	if _, err := d.clear(ctx, h); err != nil {
		return err
	}
	// The word on the sample is the word on the commands that nobody was sure of.
	outcome := lab.CommandFailed
	if h.State == HandoverMoved {
		outcome = lab.CommandDone
	}
	for _, c := range []lab.Command{h.Give, h.Take} {
		if err := d.Resolve(ctx, c.ID, outcome, by, reason); err != nil && lab.KindOf(err) != lab.Conflict && lab.KindOf(err) != lab.NotFound {
			return err
		}
	}
	return nil
}

// matter notes in the ledger of samples what the end of a command means there. It
// goes before anybody is told of the end, and again is the same as once.
func (d *Dispatcher) matter(ctx context.Context, e Entry) error {
	switch {
	case d.cfg.Samples == nil || len(e.Command.Samples) != 1 || e.Command.Samples[0].Slot == "":
		return nil
	case e.Command.Name == devices.Give || e.Command.Name == devices.Take:
		return d.handed(ctx, e)
	}
	r, err := ResultOf(e)
	if err != nil {
		return err
	}
	sample := e.Command.Samples[0]
	switch {
	case e.Command.Name == devices.Discard:
		if e.State != lab.CommandDone {
			return nil
		}
		return d.cfg.Samples.RemoveSample(ctx, sample.ID, e.ID())
	case e.State == lab.CommandInDoubt || r.Effect == lab.EffectNone:
		return nil
	}
	// A sample that nobody has heard of was made here.
	err = d.cfg.Samples.PlaceSample(ctx, sample.ID, Place{Device: e.Command.Device, Slot: sample.Slot}, e.ID())
	if lab.KindOf(err) == lab.Conflict {
		return nil
	}
	return err
}

// handed notes the end of one side of a handover, and when both have ended lets
// the devices go back to work.
func (d *Dispatcher) handed(ctx context.Context, e Entry) error {
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
	if h.State.Settled() {
		_, err = d.clear(ctx, h)
	}
	return err
}

// clearTime is how long a device has to clear its slot before it is asked anew.
const clearTime = 10 * time.Minute

// clear tells both devices of a settled handover what is in their slots now, and
// reports whether both have done so. Clearing may be repeated, so a device that
// never answered is told again under the next id.
func (d *Dispatcher) clear(ctx context.Context, h Handover) (bool, error) {
	all := true
	for _, side := range []struct {
		c  lab.Command
		at Place
	}{{h.Give, h.From}, {h.Take, h.To}} {
		sample := ""
		if h.State == HandoverMoved && side.at == h.To || h.State == HandoverStayed && side.at == h.From {
			sample = h.Sample
		}
		done, err := d.clearSide(ctx, h.Token, side.c, side.at, sample)
		if err != nil {
			return false, fmt.Errorf("clear %s: %w", side.at, err)
		}
		all = all && done
	}
	return all, nil
}

func (d *Dispatcher) clearSide(ctx context.Context, token string, c lab.Command, at Place, sample string) (done bool, err error) {
	c.Name, c.Step, c.Samples, c.TimeoutS = devices.Clear, c.Step+".clear", nil, clearTime.Seconds()
	for c.Part = 0; ; c.Part++ {
		c.ID = lab.CommandIDOf(c.ExperimentID, c.Step+"."+c.Device+"."+token, c.Intent, c.Part)
		e, err := d.cfg.Ledger.Get(ctx, c.ID.UUID())
		switch {
		case lab.KindOf(err) == lab.NotFound:
			return d.sendClear(ctx, token, c, at, sample)
		case err != nil:
			return false, err
		case e.State == lab.CommandDone:
			return true, nil
		case !e.State.Terminal():
			return false, nil
		}
		r, err := ResultOf(e)
		if err != nil {
			return false, err
		}
		if c.Part > 0 && r.Code == string(devices.Interlock) { // its part never began, or it was cleared and the answer was lost
			return true, nil
		}
	}
}

func (d *Dispatcher) sendClear(ctx context.Context, token string, c lab.Command, at Place, sample string) (bool, error) {
	var err error
	if d.cfg.Epoch != nil { // somebody else may have had the device meanwhile
		epoch, err := d.cfg.Epoch(ctx, c.Device)
		if err != nil {
			return false, err
		}
		c.Epoch = max(c.Epoch, epoch)
	}
	c.Deadline = time.Now().Add(clearTime).UTC().Truncate(time.Millisecond)
	if c.Params, err = json.Marshal(map[string]string{"slot": at.Slot, "token": token, "sample": sample}); err != nil {
		return false, err
	}
	r, err := d.Dispatch(ctx, c)
	if lab.KindOf(err) == lab.Conflict { // another process told it at the same instant
		return false, nil
	}
	return r != nil && r.State == lab.CommandDone, err
}
