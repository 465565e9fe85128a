package workflows

import (
	"context"
	"slices"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/athanor-lab/athanor/lab"
)

// Samples knows which sample is in which slot, and moves it. A sample that it
// does not know is nobody's business: it is moved by the carrier's word alone.
type Samples interface {
	// Whereabouts returns where a sample is, or lab.NotFound.
	Whereabouts(ctx context.Context, sample string) (lab.Placement, error)
	// Room returns what the slots of a device have room for, or one slot of it.
	Room(ctx context.Context, device, slot string) (lab.Room, error)
	// Handover begins a handover, or finds it begun, and returns what has become
	// of its two sides already, nil for one that has not ended. The rest is
	// brought by results, as for every command.
	Handover(ctx context.Context, h lab.Handing) (gave, took *lab.Result, err error)
	// Handed returns how far a handover has come, and whether its devices are
	// ready for other work since.
	Handed(ctx context.Context, token string) (state lab.HandoverState, cleared bool, err error)
}

// WithSamples returns a that keeps track of samples.
func WithSamples(a *Activities, s Samples) *Activities {
	a.samples = s
	return a
}

// Parts of a step, after the command itself: the two legs of a transfer have two
// sides each.
const (
	partFetch   = 1 // from where it is to the carrier: 1 gives, 2 takes
	partDeliver = 3 // from the carrier to where it goes: 3 gives, 4 takes
	partDiscard = 5
)

// settle says what has to happen to an instruction's sample before it can be
// carried out, or writes the slot into it and returns nil.
func (a *Activities) settle(ctx context.Context, in Preparation, do *Instruction) (*Prepared, error) {
	if a.samples == nil || len(do.Samples) != 1 {
		return nil, nil
	}
	sample := do.Samples[0].ID
	at, err := a.samples.Whereabouts(ctx, sample)
	known := lab.KindOf(err) != lab.NotFound
	switch {
	case err != nil && known:
		return nil, err
	case known && !at.Certain:
		return nil, lab.Errorf(lab.Conflict, "nobody knows whether sample %s is at %s: its handover is in dispute", sample, at.Place)
	case known && at.Device == lab.Outside:
		return nil, lab.Errorf(lab.Conflict, "sample %s is not in the laboratory any more", sample)
	case do.To.Device == "" && !known:
		return a.slotFor(ctx, in, do)
	case do.To.Device == "" && at.Device != do.Device:
		return nil, lab.Errorf(lab.Conflict, "sample %s is at %s and not at %s", sample, at.Place, do.Device)
	case do.To.Device == "":
		do.Samples[0].Slot = at.Slot
		return nil, nil
	case !known:
		return nil, nil
	}
	return a.leg(ctx, in, do, at)
}

// arrived reports whether a transfer is over. A step that is over reserves nothing:
// its devices may be let go of already, when a workflow asks again whose worker
// died since, and who has them now may wait for what this experiment has.
func (a *Activities) arrived(ctx context.Context, program Program, in Preparation) (bool, error) {
	steps := program.Campaign().Document.Protocol.Steps
	i := slices.IndexFunc(steps, func(s lab.Step) bool { return s.ID == in.Node.ID })
	if a.samples == nil || i < 0 || steps[i].From == "" {
		return false, nil
	}
	token := lab.CommandIDOf(in.Proposal.ExperimentID, in.Node.ID, in.Intent, partDeliver).UUID()
	state, cleared, err := a.samples.Handed(ctx, token)
	if lab.KindOf(err) == lab.NotFound {
		return false, nil
	}
	return state == lab.HandoverMoved && cleared, err
}

// slotFor finds a slot for a sample that comes to be by the instruction.
func (a *Activities) slotFor(ctx context.Context, in Preparation, do *Instruction) (*Prepared, error) {
	told, _, err := a.told(ctx, in, in.Node.ID, 0)
	if err != nil {
		return nil, err
	}
	slot := ""
	if len(told.Samples) == 1 && told.Device == do.Device {
		slot = told.Samples[0].Slot
	}
	room, err := a.followed(ctx, in, do.Device, slot)
	if err != nil || !room.Slots {
		return nil, err
	}
	if room.Free == "" {
		return a.makeRoom(in, lab.Hold{Device: do.Device, Epoch: do.Epoch}, room)
	}
	do.Samples[0].Slot = room.Free
	return nil, nil
}

// leg returns the next of a transfer's handovers: into the carrier, or out of it.
func (a *Activities) leg(ctx context.Context, in Preparation, do *Instruction, at lab.Placement) (*Prepared, error) {
	carrier := lab.Hold{Device: do.Device, Epoch: do.Epoch}
	from, to, part := do.From, carrier, partFetch
	switch at.Device {
	case do.To.Device:
		return &Prepared{Arrived: true}, nil
	case do.Device:
		from, to, part = carrier, do.To, partDeliver
	case do.From.Device:
	default:
		return nil, lab.Errorf(lab.Conflict, "sample %s is at %s and not at %s", at.Sample, at.Place, do.From.Device)
	}
	slot, err := a.toldSlot(ctx, in, to.Device, part)
	if err != nil {
		return nil, err
	}
	room, err := a.followed(ctx, in, to.Device, slot)
	switch {
	case err != nil:
		return nil, err
	case !room.Slots:
		return nil, lab.Errorf(lab.Invalid, "sample %s is in slot %s, and %s declares no slots: what is in a slot is handed over, from slot to slot", at.Sample, at.Place, to.Device)
	case room.Free == "":
		return a.makeRoom(in, to, room)
	}
	h := lab.Handing{Sample: at.Sample, From: at.Place, To: lab.Place{Device: to.Device, Slot: room.Free}, Carrier: do.Device}
	h.Give, h.Take = a.command(in, from, in.Node.ID, part), a.command(in, to, in.Node.ID, part+1)
	if h.Give, h.Take, err = h.Commands(); err != nil {
		return nil, err
	}
	return &Prepared{Handing: &h}, nil
}

// makeRoom has a device throw away a sample that nobody needs any more, or says
// that somebody has to take one out.
func (a *Activities) makeRoom(in Preparation, at lab.Hold, room lab.Room) (*Prepared, error) {
	if room.Spent == nil {
		return nil, lab.Errorf(lab.Unavailable, "no slot of %s is free, and it throws nothing away: take a sample out, and say so by athanor sample remove", at.Device)
	}
	c := a.command(in, at, discarding(in, *room.Spent), partDiscard)
	c.Name, c.Params, c.Samples = lab.CommandDiscard, []byte(`{}`), []lab.SampleRef{{ID: room.Spent.Sample, Slot: room.Spent.Slot}}
	return &Prepared{Discard: &c}, nil
}

// command begins a command of a step to a device that the experiment has.
func (a *Activities) command(in Preparation, at lab.Hold, name string, part int) lab.Command {
	return lab.Command{
		ID:           lab.CommandIDOf(in.Proposal.ExperimentID, name, in.Intent, part),
		CampaignID:   in.Proposal.CampaignID,
		ExperimentID: in.Proposal.ExperimentID,
		Number:       in.Proposal.Number,
		Step:         in.Node.ID,
		Intent:       in.Intent,
		Part:         part,
		Device:       at.Device,
		Epoch:        at.Epoch,
		TimeoutS:     in.Node.TimeoutS,
		Deadline:     a.now().UTC().Add(time.Duration(in.Node.TimeoutS*float64(time.Second)) + deadlineGrace).Truncate(time.Millisecond),
	}
}

// Hand begins a handover and waits for what one of its sides says: the activity
// has the name of that side's command.
func (a *Activities) Hand(ctx context.Context, h lab.Handing, giver bool) (lab.Result, error) {
	gave, took, err := a.samples.Handover(ctx, h)
	r := took
	if giver {
		r = gave
	}
	return pendingUnless(r, err)
}

// handedWithin is how long one look at a handover lasts. What is not settled then
// is looked at again by the activity's retries, for as long as it takes.
const handedWithin = 2 * time.Second

// Handed returns how a handover ended, once its devices are ready for other work.
// Unless wait says so it does not wait for a person.
func (a *Activities) Handed(ctx context.Context, token string, wait bool) (lab.HandoverState, error) {
	for until := time.Now().Add(handedWithin); ; {
		state, cleared, err := a.samples.Handed(ctx, token)
		switch {
		case err != nil:
			return "", forTemporal(err)
		case state.Settled() && cleared, state == lab.HandoverUncertain && !wait:
			return state, nil
		case state == lab.HandoverUncertain, time.Now().After(until): // a person takes longer than one look
			return "", lab.Errorf(lab.Unavailable, "handover %s is %s, and its slots are not cleared", token, state)
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}

// hand carries out a handover and returns what became of it: done when the sample
// has moved, else the end of the side that it failed at. false says that it was
// never begun or that the experiment cannot go on.
func (e *experiment) hand(ctx workflow.Context, n Node, intent int, h lab.Handing) (lab.Result, bool) {
	begun := workflow.Now(ctx).UTC()
	gave, took, err := e.bothHands(ctx, h)
	if err != nil {
		e.stuck(n, err)
		return lab.Result{}, false
	}
	state, err := e.judged(ctx, h.Token())
	if err != nil {
		e.stuck(n, err)
		return lab.Result{}, false
	}
	// On record is what the carrier did, and what the other side says against it.
	carried, other, mine, theirs := took, gave, h.Take, h.Give
	if h.Carrier == h.Give.Device {
		carried, other, mine, theirs = gave, took, h.Give, h.Take
	}
	e.keep(n, intent, mine, carried, begun)
	if other.State != lab.CommandDone {
		e.keep(n, intent, theirs, other, begun)
	}
	r := carried
	if carried.State == lab.CommandDone || carried.State == lab.CommandCancelled && other.State != lab.CommandDone {
		r = other
	}
	switch state {
	case lab.HandoverMoved:
		r.State = lab.CommandDone
	case lab.HandoverStayed:
		if r.State == lab.CommandDone || r.State == lab.CommandInDoubt { // a person has looked
			r.State, r.Error = lab.CommandFailed, "the sample did not move"
		}
		r.Effect = lab.EffectNone
	case lab.HandoverLost:
		r.State, r.Effect, r.Error = lab.CommandFailed, lab.EffectUnknown, "the sample was lost when it changed hands"
	default:
		r.State, r.Effect, r.Error = lab.CommandInDoubt, lab.EffectUnknown, "the two sides of the handover do not agree where the sample is"
	}
	return r, true
}

// bothHands has both sides of a handover at work and waits for both. When one
// comes to nothing, or the experiment is cancelled, the other is asked to end too.
func (e *experiment) bothHands(ctx workflow.Context, h lab.Handing) (gave, took lab.Result, err error) {
	var a *Activities
	give, take := workflow.ExecuteActivity(dispatching(ctx, &h.Give), a.Hand, h, true), workflow.ExecuteActivity(dispatching(ctx, &h.Take), a.Hand, h, false)
	failed := func(f workflow.Future, c lab.Command) bool {
		if !f.IsReady() {
			return false
		}
		r, err := answerOf(ctx, f, c)
		return err != nil || r.State != lab.CommandDone
	}
	if err := workflow.Await(ctx, func() bool {
		return give.IsReady() && take.IsReady() || e.cancelled || failed(give, h.Give) || failed(take, h.Take)
	}); err != nil {
		return gave, took, err
	}
	for _, side := range []struct {
		f workflow.Future
		c lab.Command
	}{{give, h.Give}, {take, h.Take}} {
		if side.f.IsReady() {
			continue
		}
		if err := workflow.ExecuteActivity(brief(ctx), a.Cancel, side.c.ID).Get(ctx, nil); err != nil && !unknownCommand(err) {
			return gave, took, err
		}
	}
	if gave, err = answerOf(ctx, give, h.Give); err != nil {
		return gave, took, err
	}
	took, err = answerOf(ctx, take, h.Take)
	return gave, took, err
}

// unknownCommand reports whether a command was never sent.
func unknownCommand(err error) bool {
	var app *temporal.ApplicationError
	return as(err, &app) && app.Type() == string(lab.NotFound)
}

// judged waits for what the ledger of samples makes of a handover. One that is in
// dispute waits for a person, unless the campaign does not ask.
func (e *experiment) judged(ctx workflow.Context, token string) (lab.HandoverState, error) {
	var a *Activities
	for _, wait := range []bool{e.OnInDoubt != "fail" && !e.cancelled, false} {
		wctx, giveUp := workflow.WithCancel(ctx)
		look := workflow.ExecuteActivity(looking(wctx), a.Handed, token, wait)
		err := workflow.Await(ctx, func() bool { return look.IsReady() || wait && e.cancelled })
		ready := look.IsReady()
		giveUp()
		if err != nil {
			return "", err
		}
		if ready {
			var state lab.HandoverState
			err := look.Get(ctx, &state)
			return state, err
		}
	}
	return lab.HandoverUncertain, nil
}
