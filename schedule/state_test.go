package schedule_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/schedule"
	"github.com/athanor-lab/athanor/schedule/scheduletest"
)

var (
	one, two = lab.CampaignID{1}, lab.CampaignID{2}
	noon     = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
)

// TestWaitingCounts wants a request that waits to come before those of campaigns
// that hold less, in the end: nobody waits for ever.
func TestWaitingCounts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		waited time.Duration
		want   lab.CampaignID
	}{
		{0, two}, // holds nothing, so it comes first
		{2 * schedule.AgeStep, two},
		{3*schedule.AgeStep + time.Second, one}, // three steps make up for three holdings
	} {
		s := schedule.State{Now: noon, Devices: []schedule.Device{{ID: "heater-1", Capabilities: []string{"heater"}, Ready: true, Idle: true}}}
		for i := range 3 {
			s.Held = append(s.Held, schedule.Held{Device: fmt.Sprintf("other-%d", i), Experiment: lab.ExperimentIDOf(one, i+10), Campaign: one, Roles: []string{"a"}})
		}
		s.Waiting = []schedule.Waiting{
			{Request: scheduletest.Request(two, 1, "a", "heat:heater"), Since: noon},
			{Request: scheduletest.Request(one, 1, "a", "heat:heater"), Since: noon.Add(-tt.waited)},
		}
		got := s.Decide()
		if len(got) != 1 || got[0].Request.Campaign != tt.want {
			t.Errorf("waited %s: granted %+v, want one to %s", tt.waited, got, tt.want)
		}
		if len(s.Waiting) != 1 || len(s.Held) != 4 {
			t.Errorf("waited %s: %d wait and %d are held afterwards, want 1 and 4", tt.waited, len(s.Waiting), len(s.Held))
		}
	}
}

// TestBusyIsTheSecondChoice wants an idle device before one that still ends the
// command of an experiment that let go, and that one before none.
func TestBusyIsTheSecondChoice(t *testing.T) {
	t.Parallel()
	busy, idle := scheduletest.Device("heater-1", "heater"), scheduletest.Device("heater-2", "heater")
	busy.Op = "busy"
	s := schedule.State{Now: noon, Devices: []schedule.Device{schedule.DeviceOf(busy, 1), schedule.DeviceOf(idle, 2)}}
	for n := range 2 {
		s.Waiting = append(s.Waiting, schedule.Waiting{Request: scheduletest.Request(one, n+1, "a", "heat:heater"), Since: noon})
	}
	var got []string
	for _, d := range s.Decide() {
		got = append(got, d.Devices[0].Device)
	}
	if diff := cmp.Diff([]string{"heater-2", "heater-1"}, got); diff != "" {
		t.Errorf("granted (-want +got):\n%s", diff)
	}
}

// TestOverlappingDevices wants needs answered together that a greedy choice
// would leave unanswered: the only stirrer must not be taken as a heater.
func TestOverlappingDevices(t *testing.T) {
	t.Parallel()
	s := schedule.State{Now: noon, Devices: []schedule.Device{
		{ID: "a-both", Capabilities: []string{"heater", "stirrer"}, Ready: true, Idle: true},
		{ID: "b-heater", Capabilities: []string{"heater"}, Ready: true, Idle: true},
	}}
	s.Waiting = []schedule.Waiting{{Request: scheduletest.Request(one, 1, "a", "heat:heater", "stir:stirrer"), Since: noon}}
	got := s.Decide()
	if len(got) != 1 || got[0].Devices[0].Device != "b-heater" || got[0].Devices[1].Device != "a-both" {
		t.Errorf("granted %+v, want b-heater to heat and a-both to stir", got)
	}
}

// TestWhy holds the sentences that a waiting scientist reads.
func TestWhy(t *testing.T) {
	t.Parallel()
	device := func(id string, change func(*lab.Device), capabilities ...string) schedule.Device {
		d := scheduletest.Device(id, capabilities...)
		if change != nil {
			change(&d)
		}
		return schedule.DeviceOf(d, 0)
	}
	s := schedule.State{
		Now: noon,
		Devices: []schedule.Device{
			device("heater-1", nil, "heater"),
			device("heater-2", func(d *lab.Device) { d.Conn = "lost" }, "heater"),
			device("heater-3", func(d *lab.Device) { d.Mode = "local" }, "heater"),
			device("robot-1", func(d *lab.Device) { d.Op = "fault" }, "robot"),
			device("hplc-1", nil, "hplc"),
			device("both-1", nil, "mixer", "shaker"),
		},
		Held:   []schedule.Held{{Device: "heater-1", Experiment: lab.ExperimentIDOf(one, 12), Campaign: one, Number: 12, Epoch: 1, Roles: []string{"heat"}}},
		Active: []schedule.Active{{Experiment: lab.ExperimentIDOf(one, 12), Campaign: one, Number: 12, Routes: [][]string{{"heater", "hplc"}}}},
	}
	route := func(r schedule.Request, routes ...[]string) schedule.Request { r.Routes = routes; return r }
	for _, tt := range []struct {
		request schedule.Request
		want    string
	}{
		{scheduletest.Request(two, 1, "a", "look:hplc"), "can be granted now"},
		{scheduletest.Request(two, 1, "a", "heat:heater"), "waits for heater-1, held by experiment 12 of " + one.String() + " or heater-2, which is lost or heater-3, which is in local mode"},
		{scheduletest.Request(one, 13, "a", "heat:heater@heater-1"), "waits for heater-1, held by experiment 12"},
		{scheduletest.Request(two, 1, "a", "heat:heater@heater-2", "in:robot"), "waits for heater-2, which is lost, and for robot-1, which is in state fault"},
		{scheduletest.Request(two, 1, "a", "x:centrifuge"), `waits for a device with capability "centrifuge", which no device offers`},
		{scheduletest.Request(two, 1, "a", "x:hplc@hplc-9"), "waits for hplc-9, which the laboratory does not know"},
		{scheduletest.Request(two, 1, "a", "x:hplc@heater-1"), `waits for heater-1, which does not offer "hplc"`},
		{scheduletest.Request(two, 1, "a", "x:mixer", "y:shaker"), `waits for "mixer" and "shaker": each is free, but one device would have to be two of them`},
		{
			route(scheduletest.Request(two, 1, "a", "look:hplc"), []string{"hplc", "heater"}),
			`waits to begin until experiment 12 of ` + one.String() + ` ends: the two pass "heater" in opposite directions and could block each other`,
		},
		{
			route(scheduletest.Request(two, 1, "a", "look:hplc"), []string{"hplc", "hplc"}),
			`waits to begin: it keeps a device for "hplc" while it needs one for "hplc", and only hplc-1 is left for both; one more is needed`,
		},
		{route(scheduletest.Request(two, 1, "a", "look:hplc"), []string{"hplc", "oven"}), `waits to begin: no device offers "oven", which it needs later`},
		{
			route(scheduletest.Request(two, 1, "a", "x:mixer"), []string{"mixer", "hplc"}, []string{"hplc", "mixer"}),
			`waits to begin: its samples cross at "hplc" and could block each other there; with 2 devices they cannot, the laboratory has 1`,
		},
	} {
		if got := s.Why(tt.request); got != tt.want {
			t.Errorf("why %v %v:\n got %s\nwant %s", tt.request.Needs, tt.request.Routes, got, tt.want)
		}
	}
}

// TestItinerary holds what a protocol with a transfer asks for, step by step.
func TestItinerary(t *testing.T) {
	t.Parallel()
	p := lab.Protocol{Steps: []lab.Step{
		{ID: "warm", Capability: "heater", Sample: "", After: nil},
		{ID: "look", Capability: "hplc", Sample: "vial", After: []string{"out"}},
		{ID: "dose", Capability: "doser", Sample: "vial"},
		{ID: "in", Capability: "robot", Sample: "vial", From: "dose", To: "heat", After: []string{"dose"}},
		{ID: "heat", Capability: "heater", Sample: "vial", Device: "heater-1", After: []string{"in", "warm"}},
		{ID: "more", Capability: "heater", Sample: "vial", After: []string{"heat"}},
		{ID: "out", Capability: "robot", Sample: "vial", From: "heat", To: "look", After: []string{"more"}},
	}}
	it, err := schedule.NewItinerary(p)
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, id := range []string{"warm", "dose", "in", "heat", "more", "out", "look"} {
		r, err := it.Request(id)
		if err != nil {
			t.Fatal(err)
		}
		release, err := it.Release(id)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&got, "%s: needs", id)
		for _, n := range r.Needs {
			fmt.Fprintf(&got, " %s=%s%s", n.Role, n.Capability, n.Device)
		}
		fmt.Fprintf(&got, ", keeps %v, frees %v\n", r.Keep, release)
		if diff := cmp.Diff([][]string{{"doser", "heater", "hplc"}}, r.Routes); diff != "" {
			t.Errorf("%s: routes (-want +got):\n%s", id, diff)
		}
		want := []schedule.Wait{{Holding: "doser", For: "robot"}, {Holding: "heater", For: "heater"}, {Holding: "heater", For: "robot"}}
		if diff := cmp.Diff(want, r.Waits); diff != "" {
			t.Errorf("%s: waits (-want +got):\n%s", id, diff)
		}
	}
	want := `warm: needs warm=heater, keeps [], frees [warm]
dose: needs dose=doser, keeps [dose], frees []
in: needs dose=doser in=robot heat=heaterheater-1, keeps [heat], frees [in dose]
heat: needs heat=heaterheater-1, keeps [heat], frees []
more: needs heat=heater, keeps [heat], frees []
out: needs heat=heaterheater-1 out=robot look=hplc, keeps [look], frees [out heat]
look: needs look=hplc, keeps [], frees [look]
`
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("itinerary (-want +got):\n%s", diff)
	}
	if _, err := it.Request("nothing"); lab.KindOf(err) != lab.NotFound {
		t.Errorf("an unknown step: %v, want not found", err)
	}
	for name, steps := range map[string][]lab.Step{
		"Circle":   {{ID: "a", After: []string{"b"}}, {ID: "b", After: []string{"a"}}},
		"Unknown":  {{ID: "a", After: []string{"x"}}},
		"Twice":    {{ID: "a"}, {ID: "a"}},
		"ToNobody": {{ID: "a", Sample: "s", Capability: "c"}, {ID: "b", Sample: "s", From: "a", To: "x", Capability: "r", After: []string{"a"}}},
	} {
		if _, err := schedule.NewItinerary(lab.Protocol{Steps: steps}); lab.KindOf(err) != lab.Invalid {
			t.Errorf("%s: %v, want invalid", name, err)
		}
	}
}

// TestWhatWasNextComesFirst keeps a device for the request that it went to next after
// a backup, and the admission for the experiment that was admitted next: others
// wait, and hear why.
func TestWhatWasNextComesFirst(t *testing.T) {
	t.Parallel()
	first, second := scheduletest.Request(one, 1, "a", "heat:heater"), scheduletest.Request(one, 2, "a", "heat:heater")
	ready := schedule.Device{ID: "heater-1", Capabilities: []string{"heater"}, Ready: true, Idle: true}
	kept := ready
	kept.Next = second.ID
	waiting := func() []schedule.Waiting {
		return []schedule.Waiting{{Request: first, Since: noon}, {Request: second, Since: noon}}
	}
	s := schedule.State{Now: noon, Devices: []schedule.Device{kept}, Waiting: waiting()}
	if why := s.Why(first); !strings.Contains(why, "heater-1, which is kept") {
		t.Errorf("the first waits since %q; want that heater-1 is kept", why)
	}
	if got := s.Decide(); len(got) != 1 || got[0].Request.ID != second.ID {
		t.Errorf("granted is %+v; want the second", got)
	}
	for _, r := range []*schedule.Request{&first, &second} {
		r.Routes, r.Waits = [][]string{{"heater", "hplc"}}, []schedule.Wait{{Holding: "heater", For: "robot"}}
	}
	more := []schedule.Device{ready, {ID: "heater-2", Capabilities: []string{"heater"}, Ready: true}, {ID: "hplc", Capabilities: []string{"hplc"}, Ready: true}, {ID: "robot", Capabilities: []string{"robot"}, Ready: true}}
	s = schedule.State{Now: noon, Devices: more, Waiting: waiting(), Next: second.Experiment}
	if why := s.Why(first); !strings.Contains(why, second.Experiment.String()) {
		t.Errorf("the first waits since %q; want the experiment that comes first", why)
	}
	if got := s.Decide(); len(got) != 1 || got[0].Request.ID != second.ID || !got[0].Admit {
		t.Errorf("granted is %+v; want the second, admitted", got)
	}
}
