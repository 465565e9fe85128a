package workflows_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/workflows"
)

// porter is a ledger of samples for workflows: where the one sample is, and what
// each device makes of its side of a handover.
type porter struct {
	w *world

	mu       sync.Mutex // the two sides' activities run side by side; say is called under it
	at       *lab.Placement
	room     map[string]lab.Room
	say      func(c lab.Command) *lab.Result
	handings []lab.Handing
	ends     map[lab.CommandID]lab.CommandState
	resolved lab.HandoverState // by a person
	looked   func(device string)
}

const vial = "e.vial"

// setupPorter has a protocol of one step that makes a sample, one that carries it
// and one that looks at it.
func setupPorter(t *testing.T) *porter {
	t.Helper()
	w := setup(t)
	w.doc.Budget.Experiments, w.doc.Plan = 1, lab.PlanPolicy{Batch: 1, InFlight: 1}
	w.graph.Steps = []workflows.Node{
		{ID: "dose", TimeoutS: 60, Then: workflows.ThenSkip},
		{ID: "carry", After: []string{"dose"}, TimeoutS: 60, Retry: 1, Then: workflows.ThenSkip},
		{ID: "look", After: []string{"carry"}, TimeoutS: 60, Then: workflows.ThenSkip},
	}
	w.doc.Protocol.Steps = []lab.Step{{ID: "dose"}, {ID: "carry", From: "dose", To: "look"}, {ID: "look"}}
	w.instruct = func(step string) workflows.Instruction {
		do := workflows.Instruction{Device: "device-of-" + step, Epoch: 1, Name: step, Params: []byte(`{}`), Samples: []lab.SampleRef{{ID: vial}}}
		if step == "carry" {
			do.From, do.To = lab.Hold{Device: "device-of-dose", Epoch: 2}, lab.Hold{Device: "device-of-look", Epoch: 3}
		}
		return do
	}
	p := &porter{w: w, room: map[string]lab.Room{}, ends: map[lab.CommandID]lab.CommandState{}}
	for _, step := range []string{"dose", "carry", "look"} {
		p.room["device-of-"+step] = lab.Room{Slots: true, Free: "a1"}
	}
	p.say = func(c lab.Command) *lab.Result { return answered(c, lab.CommandDone, lab.EffectComplete) }
	workflows.WithSamples(w.activities, p)
	plain := w.answer
	w.answer = func(c lab.Command) *lab.Result {
		if c.Step == "dose" { // the sample is made
			p.mu.Lock()
			defer p.mu.Unlock()
			p.at = &lab.Placement{Sample: vial, Place: lab.Place{Device: c.Device, Slot: c.Samples[0].Slot}, Certain: true}
		}
		return plain(c)
	}
	return p
}

// Whereabouts implements [workflows.Samples].
func (p *porter) Whereabouts(_ context.Context, sample string) (lab.Placement, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.at == nil {
		return lab.Placement{}, lab.Errorf(lab.NotFound, "sample %s is nowhere", sample)
	}
	return *p.at, nil
}

// Room implements [workflows.Samples].
func (p *porter) Room(_ context.Context, device, slot string) (lab.Room, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.looked != nil {
		p.looked(device)
	}
	room := p.room[device]
	if slot != "" && room.Free != "" {
		room.Free = slot
	}
	return room, nil
}

// Handover implements [workflows.Samples]: each side answers a minute later, or
// when it is cancelled.
func (p *porter) Handover(ctx context.Context, h lab.Handing) (gave, took *lab.Result, err error) {
	c := h.Give
	if activity.GetInfo(ctx).ActivityID == h.Take.ID.UUID() {
		c = h.Take
	}
	p.mu.Lock()
	if !slices.ContainsFunc(p.handings, func(x lab.Handing) bool { return x.Token() == h.Token() }) {
		p.handings = append(p.handings, h)
	}
	r := p.say(c)
	p.mu.Unlock()
	p.w.mu.Lock()
	p.w.tokens[c.ID] = activity.GetInfo(ctx).TaskToken
	p.w.dispatched = append(p.w.dispatched, c)
	p.w.mu.Unlock()
	if r != nil {
		p.w.env.RegisterDelayedCallback(func() {
			p.mu.Lock()
			p.ends[c.ID] = r.State
			p.mu.Unlock()
			p.w.complete(*r)
		}, time.Minute)
	}
	return nil, nil, nil
}

// Handed implements [workflows.Samples].
func (p *porter) Handed(_ context.Context, token string) (lab.HandoverState, bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.IndexFunc(p.handings, func(x lab.Handing) bool { return x.Token() == token })
	if i < 0 {
		return "", false, lab.Errorf(lab.NotFound, "there is no handover %s", token)
	}
	h := p.handings[i]
	gave, took := p.ends[h.Give.ID], p.ends[h.Take.ID]
	state := lab.HandoverUncertain
	switch {
	case p.resolved != "":
		state = p.resolved
	case gave == lab.CommandDone && took == lab.CommandDone:
		state = lab.HandoverMoved
	case gave != lab.CommandDone && took != lab.CommandDone:
		state = lab.HandoverStayed
	}
	if state == lab.HandoverMoved {
		p.at = &lab.Placement{Sample: vial, Place: h.To, Certain: true}
	}
	return state, state.Settled(), nil
}

// steps tells a record in a line a command.
func steps(o lab.Outcome) []string {
	var all []string
	for _, s := range o.Steps {
		all = append(all, strings.TrimPrefix(s.Device, "device-of-")+" "+s.Command+" "+string(s.State))
	}
	return all
}

// TestTransferIsTwoHandovers wants what is in a slot to go from slot to carrier to
// slot, each time with a command to both, and the carrier's on record.
func TestTransferIsTwoHandovers(t *testing.T) {
	t.Parallel()
	p := setupPorter(t)
	if err := p.w.run(); err != nil {
		t.Fatal(err)
	}
	o := p.w.outcome(1)
	if want := []string{"dose dose done", "carry take done", "carry give done", "look look done"}; o.State != lab.OutcomeSucceeded || !slices.Equal(steps(o), want) {
		t.Errorf("the experiment ended %s with %q, want succeeded with %q", o.State, steps(o), want)
	}
	if len(p.handings) != 2 || p.handings[0].Give.Epoch != 2 || p.handings[1].Take.Epoch != 3 || p.handings[0].To != p.handings[1].From {
		t.Errorf("handovers %+v, want one into the carrier and one out of it, each under its device's epoch", p.handings)
	}
	if last := p.w.dispatched[len(p.w.dispatched)-1]; last.Samples[0].Slot != "a1" {
		t.Errorf("the last command's sample is in slot %q, want a1", last.Samples[0].Slot)
	}
}

// TestWithoutSlotsTheCarrierDoesIt wants a sample that no slot has moved by one
// command, as ever.
func TestWithoutSlotsTheCarrierDoesIt(t *testing.T) {
	t.Parallel()
	p := setupPorter(t)
	p.room = map[string]lab.Room{}
	p.w.answer = func(c lab.Command) *lab.Result { return answered(c, lab.CommandDone, lab.EffectComplete) }
	if err := p.w.run(); err != nil {
		t.Fatal(err)
	}
	if got, want := steps(p.w.outcome(1)), []string{"dose dose done", "carry carry done", "look look done"}; !slices.Equal(got, want) || len(p.handings) != 0 {
		t.Errorf("steps %q with %d handovers, want %q with none", got, len(p.handings), want)
	}
}

// TestMissedGraspIsTriedAgain wants the side that waits to be ended when the other
// fails, and the leg done again under new names.
func TestMissedGraspIsTriedAgain(t *testing.T) {
	t.Parallel()
	p := setupPorter(t)
	p.say = func(c lab.Command) *lab.Result {
		switch {
		case c.Intent == 1 && c.Name == lab.CommandTake:
			r := answered(c, lab.CommandFailed, lab.EffectNone)
			r.Error = "the grasp closed on nothing"
			return r
		case c.Intent == 1:
			return nil // it waits until it is cancelled
		default:
			return answered(c, lab.CommandDone, lab.EffectComplete)
		}
	}
	if err := p.w.run(); err != nil {
		t.Fatal(err)
	}
	o := p.w.outcome(1)
	want := []string{"dose dose done", "carry take failed", "dose give cancelled", "carry take done", "carry give done", "look look done"}
	if o.State != lab.OutcomeSucceeded || !slices.Equal(steps(o), want) || len(p.w.cancelled) != 1 {
		t.Errorf("the experiment ended %s with %q and %d cancelled, want succeeded with %q and 1", o.State, steps(o), len(p.w.cancelled), want)
	}
}

// TestDisputeWaitsForAPerson wants a handover on which the two sides do not agree to
// wait, although its step may be repeated, and to go on from what a person says.
func TestDisputeWaitsForAPerson(t *testing.T) {
	t.Parallel()
	for said, want := range map[lab.HandoverState]struct {
		outcome lab.OutcomeState
		tries   int
	}{
		lab.HandoverMoved: {lab.OutcomeSucceeded, 2},
		lab.HandoverLost:  {lab.OutcomeFailed, 1},
	} {
		t.Run(string(said), func(t *testing.T) {
			t.Parallel()
			p := setupPorter(t)
			p.say = func(c lab.Command) *lab.Result {
				if c.Name == lab.CommandTake && len(p.handings) == 1 && p.resolved == "" {
					return answered(c, lab.CommandInDoubt, lab.EffectUnknown)
				}
				return answered(c, lab.CommandDone, lab.EffectComplete)
			}
			p.w.at(2*time.Minute+20*time.Second, func() { // the test environment tries ten times only
				p.mu.Lock()
				defer p.mu.Unlock()
				if len(p.handings) != 1 || len(p.w.outcomes) != 0 {
					t.Errorf("twenty seconds later there were %d handovers and %d outcomes, want 1 and 0", len(p.handings), len(p.w.outcomes))
				}
				p.resolved = said
			})
			if err := p.w.run(); err != nil {
				t.Fatal(err)
			}
			if o := p.w.outcome(1); o.State != want.outcome || len(p.handings) != want.tries {
				t.Errorf("the experiment ended %s after %d handovers, want %s after %d", o.State, len(p.handings), want.outcome, want.tries)
			}
		})
	}
}

// TestSpentSampleMakesRoom wants a sample whose experiment is over thrown away when
// its slot is needed, and no other.
func TestSpentSampleMakesRoom(t *testing.T) {
	t.Parallel()
	p := setupPorter(t)
	full := lab.Room{Slots: true, Spent: &lab.Placement{Sample: "old.vial", Place: lab.Place{Device: "device-of-look", Slot: "t1"}, Certain: true}}
	p.room["device-of-look"] = full
	plain := p.w.answer
	p.w.answer = func(c lab.Command) *lab.Result {
		if c.Name == lab.CommandDiscard {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.room["device-of-look"] = lab.Room{Slots: true, Free: "t1"}
		}
		return plain(c)
	}
	if err := p.w.run(); err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(p.w.dispatched, func(c lab.Command) bool { return c.Name == lab.CommandDiscard })
	if i < 0 || p.w.dispatched[i].Samples[0] != (lab.SampleRef{ID: "old.vial", Slot: "t1"}) || p.w.dispatched[i].Epoch != 3 {
		t.Fatalf("commands %+v, want old.vial of t1 discarded under epoch 3", p.w.dispatched)
	}
	if o := p.w.outcome(1); o.State != lab.OutcomeSucceeded || p.handings[1].To.Slot != "t1" {
		t.Errorf("the experiment ended %s, into slot %s; want succeeded, t1", o.State, p.handings[1].To.Slot)
	}
}

// TestFullStationIsSaid wants what a step waits for on record when a person has to
// make room, and the step done once there is some.
func TestFullStationIsSaid(t *testing.T) {
	t.Parallel()
	p := setupPorter(t)
	p.room["device-of-look"] = lab.Room{Slots: true}
	looks := 0
	p.looked = func(device string) {
		if device != "device-of-look" {
			return
		}
		if looks++; looks == 4 {
			p.room[device] = lab.Room{Slots: true, Free: "t1"}
		}
	}
	if err := p.w.run(); err != nil {
		t.Fatal(err)
	}
	const why = "carry: no slot of device-of-look is free, and it throws nothing away: take a sample out, and say so by athanor sample remove"
	if want := []string{why, why}; !slices.Equal(p.w.hindered, want) { // not at the first try, nor at the last
		t.Errorf("was said %q, want %q", p.w.hindered, want)
	}
	if o := p.w.outcome(1); o.State != lab.OutcomeSucceeded {
		t.Errorf("the experiment ended %s, want succeeded", o.State)
	}
}

// TestTransferThatIsOverReservesNothing asks once more for a transfer whose sample
// has arrived, as a workflow does whose worker died when it had let go of the
// carrier and before that was noted: somebody else has the carrier now.
func TestTransferThatIsOverReservesNothing(t *testing.T) {
	t.Parallel()
	p := setupPorter(t)
	if err := p.w.run(); err != nil {
		t.Fatal(err)
	}
	p.w.busy = func(p workflows.Place) bool {
		t.Errorf("%s is reserved for again", p.Step)
		return false
	}
	got, err := p.w.activities.Prepare(t.Context(), workflows.Preparation{Proposal: p.w.outcome(1).Proposal, Node: p.w.graph.Steps[1], Intent: 1})
	if err != nil || !got.Arrived {
		t.Errorf("a transfer that is over comes to %+v, %v; want that the sample has arrived", got, err)
	}
}
