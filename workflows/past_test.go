package workflows_test

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/workflows"
)

// past is what devices were told after the backup.
type past struct {
	mu     sync.Mutex
	told   map[lab.CommandID]lab.Command
	asking int // so often the devices have not said all yet
}

// Told implements [workflows.Past].
func (p *past) Told(_ context.Context, id lab.CommandID) (lab.Command, bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.asking > 0 {
		p.asking--
		return lab.Command{}, false, lab.Errorf(lab.Unavailable, "devices are still asked")
	}
	c, ok := p.told[id]
	return c, ok, nil
}

// TestStepGoesWhereItWentAfterTheBackup has the devices remember that the sample was made
// in one slot, and handed over into another, than would be chosen now.
func TestStepGoesWhereItWentAfterTheBackup(t *testing.T) {
	t.Parallel()
	p := setupPorter(t)
	e := lab.ExperimentIDOf(campaignID, 1)
	said := &past{asking: 3, told: map[lab.CommandID]lab.Command{
		lab.CommandIDOf(e, "dose", 1, 0):  {Device: "device-of-dose", Samples: []lab.SampleRef{{ID: vial, Slot: "a7"}}},
		lab.CommandIDOf(e, "carry", 1, 2): {Device: "device-of-carry", Params: []byte(`{"slot":"left","peer":"device-of-dose:a7"}`)},
		// Of the second leg only the giver was told before the end came.
		lab.CommandIDOf(e, "carry", 1, 3): {Device: "device-of-carry", Params: []byte(`{"slot":"left","peer":"device-of-look:t5"}`)},
	}}
	workflows.WithPast(p.w.activities, said)
	if err := p.w.run(); err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(p.w.dispatched, func(c lab.Command) bool { return c.Step == "dose" })
	if got := p.w.dispatched[i].Samples[0].Slot; got != "a7" {
		t.Errorf("the sample is made in slot %s; want a7", got)
	}
	if len(p.handings) != 2 || p.handings[0].To.Slot != "left" || p.handings[1].To.Slot != "t5" {
		t.Errorf("the sample goes by %+v; want into left, and into t5", p.handings)
	}
	if o := p.w.outcome(1); o.State != lab.OutcomeSucceeded {
		t.Errorf("the experiment ended %s: %+v", o.State, o.Failure)
	}
}

// TestToldSlotIsWaitedFor has another sample on record in the slot into which the
// sample went after the backup. It is thrown away by this step if it was then, and
// otherwise whoever brings it away is waited for: never is something else thrown away
// from where the sample is by now.
func TestToldSlotIsWaitedFor(t *testing.T) {
	t.Parallel()
	for name, mine := range map[string]bool{"ThrownAwayByTheStep": true, "GoneByAnother": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := setupPorter(t)
			e := lab.ExperimentIDOf(campaignID, 1)
			said := &past{told: map[lab.CommandID]lab.Command{
				lab.CommandIDOf(e, "carry", 1, 4): {Device: "device-of-look", Params: []byte(`{"slot":"t1","peer":"device-of-carry:left"}`)},
			}}
			if mine {
				said.told[lab.CommandIDOf(e, "carry.discard.old.vial", 1, 5)] = lab.Command{Device: "device-of-look"}
			}
			workflows.WithPast(p.w.activities, said)
			free := func() {
				p.mu.Lock()
				defer p.mu.Unlock()
				p.room["device-of-look"] = lab.Room{Slots: true, Free: "t1"}
			}
			p.room["device-of-look"] = lab.Room{Slots: true, Spent: &lab.Placement{Sample: "old.vial", Place: lab.Place{Device: "device-of-look", Slot: "t1"}, Certain: true}}
			plain, looks := p.w.answer, 0
			p.w.answer = func(c lab.Command) *lab.Result {
				if c.Name == lab.CommandDiscard {
					free()
				}
				return plain(c)
			}
			p.looked = func(device string) {
				if looks++; !mine && device == "device-of-look" && looks > 5 {
					p.room[device] = lab.Room{Slots: true, Free: "t1"}
				}
			}
			if err := p.w.run(); err != nil {
				t.Fatal(err)
			}
			thrown := slices.ContainsFunc(p.w.dispatched, func(c lab.Command) bool { return c.Name == lab.CommandDiscard })
			if thrown != mine {
				t.Errorf("thrown away: %t; want %t", thrown, mine)
			}
			if o := p.w.outcome(1); o.State != lab.OutcomeSucceeded || p.handings[1].To.Slot != "t1" {
				t.Errorf("the experiment ended %s, into slot %s; want succeeded, t1", o.State, p.handings[1].To.Slot)
			}
		})
	}
}

// TestFollow wants a step reserved where it was done.
func TestFollow(t *testing.T) {
	t.Parallel()
	e := lab.ExperimentID{15: 1}
	id := func(part int) lab.CommandID { return lab.CommandIDOf(e, "s", 1, part) }
	for name, x := range map[string]struct {
		told map[lab.CommandID]lab.Command
		want workflows.Followed
	}{
		"Nothing":        {nil, workflows.Followed{}},
		"Command":        {map[lab.CommandID]lab.Command{id(0): {Device: "heater-2", Params: []byte(`{"to":300}`)}}, workflows.Followed{Does: "heater-2"}},
		"Transfer":       {map[lab.CommandID]lab.Command{id(0): {Device: "robot-2", Params: []byte(`{"from":"a","to":"heater-2"}`)}}, workflows.Followed{Does: "robot-2", To: "heater-2"}},
		"FirstLeg":       {map[lab.CommandID]lab.Command{id(1): {Device: "doser"}, id(2): {Device: "robot-2"}}, workflows.Followed{Does: "robot-2"}},
		"SecondLeg":      {map[lab.CommandID]lab.Command{id(3): {Device: "robot-2"}, id(4): {Device: "heater-2"}}, workflows.Followed{Does: "robot-2", To: "heater-2"}},
		"SecondLegGiver": {map[lab.CommandID]lab.Command{id(3): {Device: "robot-2", Params: []byte(`{"peer":"heater-2:a1"}`)}}, workflows.Followed{Does: "robot-2", To: "heater-2"}},
	} {
		got, err := workflows.Follow(t.Context(), &past{told: x.told}, e, "s")
		if err != nil || got != x.want {
			t.Errorf("%s: done by %+v, %v; want %+v", name, got, err, x.want)
		}
	}
}
