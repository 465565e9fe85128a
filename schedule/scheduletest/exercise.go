package scheduletest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/schedule"
)

// Fixture is a book under test and the way its devices are told to it.
type Fixture interface {
	schedule.Book
	Save(ctx context.Context, d lab.Device) error
}

// Device returns an idle device that offers these capabilities.
func Device(id string, capabilities ...string) lab.Device {
	d := lab.Device{ID: id, Kind: "test", Conn: "online", Op: "idle", Mode: "remote", Boot: 1, Simulated: true, Capabilities: []lab.Capability{}, Active: []lab.ActiveCommand{}}
	for _, c := range capabilities {
		d.Capabilities = append(d.Capabilities, lab.Capability{Name: c, Commands: []lab.CommandSpec{}})
	}
	return d
}

// Request returns a request of the campaign's experiment of a number for these
// needs, written "role:capability" or "role:capability@device".
func Request(c lab.CampaignID, number int, id string, needs ...string) schedule.Request {
	r := schedule.Request{ID: fmt.Sprintf("%d/%s/%s", number, id, c.UUID()), Campaign: c, Experiment: lab.ExperimentIDOf(c, number), Number: number}
	r.Workflow, r.Activity = r.Experiment.String(), r.ID
	for _, n := range needs {
		role, rest, _ := strings.Cut(n, ":")
		capability, device, _ := strings.Cut(rest, "@")
		r.Needs = append(r.Needs, schedule.Need{Role: role, Capability: capability, Device: device})
	}
	return r
}

// book is a fixture whose every call must succeed.
type book struct {
	t *testing.T
	f Fixture
}

func (b book) save(ds ...lab.Device) {
	b.t.Helper()
	for _, d := range ds {
		if err := b.f.Save(b.t.Context(), d); err != nil {
			b.t.Fatal(err)
		}
	}
}

func (b book) reserve(r schedule.Request) (schedule.Grant, bool) {
	b.t.Helper()
	g, ok, err := b.f.Reserve(b.t.Context(), r)
	if err != nil {
		b.t.Fatal(err)
	}
	return g, ok
}

// want reserves r and wants it granted with these devices, in order.
func (b book) want(r schedule.Request, devices ...string) schedule.Grant {
	b.t.Helper()
	g, ok := b.reserve(r)
	var got []string
	for _, h := range g.Holds {
		got = append(got, h.Device)
	}
	if diff := cmp.Diff(devices, got); !ok || diff != "" {
		b.t.Fatalf("reserve %s: granted %v (-want +got):\n%s", r.ID, ok, diff)
	}
	return g
}

func (b book) wait(r schedule.Request) {
	b.t.Helper()
	if g, ok := b.reserve(r); ok {
		b.t.Fatalf("reserve %s: %s, want it to wait", r.ID, g)
	}
}

func (b book) release(e lab.ExperimentID, roles ...string) []string {
	b.t.Helper()
	gs, err := b.f.Release(b.t.Context(), e, roles)
	if err != nil {
		b.t.Fatal(err)
	}
	return requests(gs)
}

func (b book) end(e lab.ExperimentID) []string {
	b.t.Helper()
	gs, err := b.f.End(b.t.Context(), e)
	if err != nil {
		b.t.Fatal(err)
	}
	return requests(gs)
}

func (b book) sweep() []string {
	b.t.Helper()
	gs, err := b.f.Sweep(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	return requests(gs)
}

func (b book) wantIDs(what string, got []string, want ...string) {
	b.t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		b.t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func requests(gs []schedule.Grant) []string {
	var out []string
	for _, g := range gs {
		out = append(out, g.Request)
	}
	return out
}

// Exercise runs the suite that every implementation of [schedule.Book] passes.
func Exercise(t *testing.T, newBook func(t *testing.T) Fixture) {
	t.Helper()
	one, two := lab.CampaignID{1}, lab.CampaignID{2}
	run := func(name string, f func(t *testing.T, b book)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, book{t, newBook(t)})
		})
	}

	run("AskingAgainGivesTheSameGrant", func(t *testing.T, b book) {
		b.save(Device("heater-1", "heater"), Device("heater-2", "heater"))
		r := Request(one, 1, "a", "heat:heater")
		first, again := b.want(r, "heater-1"), b.want(r, "heater-1")
		if diff := cmp.Diff(first, again); diff != "" {
			t.Errorf("second grant differs (-first +again):\n%s", diff)
		}
		if first.Holds[0].Epoch <= 0 || first.Workflow != r.Workflow || first.Activity != r.Activity {
			t.Errorf("grant is %+v, want a positive epoch and the workflow and activity of the request", first)
		}
	})

	run("AllOrNothing", func(t *testing.T, b book) {
		b.save(Device("heater-1", "heater"), Device("robot-1", "robot"))
		b.want(Request(one, 1, "a", "heat:heater"), "heater-1")
		b.wait(Request(one, 2, "b", "in:robot", "heat:heater"))
		b.want(Request(one, 3, "c", "in:robot"), "robot-1") // number 2 took nothing
	})

	run("EpochsRise", func(t *testing.T, b book) {
		b.save(Device("heater-1", "heater"), Device("hplc-1", "hplc"))
		last := int64(0)
		for n := 1; n <= 4; n++ {
			for _, h := range b.want(Request(one, n, "a", "heat:heater", "look:hplc"), "heater-1", "hplc-1").Holds {
				if h.Epoch <= last {
					t.Fatalf("experiment %d got epoch %d after %d", n, h.Epoch, last)
				}
				last = h.Epoch
			}
			b.end(lab.ExperimentIDOf(one, n))
		}
	})

	run("LeastRecentlyUsedFirstThenByID", func(t *testing.T, b book) {
		b.save(Device("heater-3", "heater"), Device("heater-1", "heater"), Device("heater-2", "heater"))
		for n, want := range []string{"heater-1", "heater-2", "heater-3", "heater-1"} {
			b.want(Request(one, n+1, "a", "heat:heater"), want)
			b.end(lab.ExperimentIDOf(one, n+1))
		}
	})

	run("PinnedIsThatOneOnly", func(t *testing.T, b book) {
		b.save(Device("heater-1", "heater"), Device("heater-2", "heater"))
		b.want(Request(one, 1, "a", "heat:heater@heater-2"), "heater-2")
		b.wait(Request(one, 2, "a", "heat:heater@heater-2"))
		b.want(Request(one, 3, "a", "any:heater"), "heater-1")
	})

	run("OnlyUsableDevicesAreGranted", func(t *testing.T, b book) {
		for i, bad := range []func(*lab.Device){
			func(d *lab.Device) { d.Conn = "offline" },
			func(d *lab.Device) { d.Conn = "lost" },
			func(d *lab.Device) { d.Mode = "local" },
			func(d *lab.Device) { d.Op = "fault" },
			func(d *lab.Device) { d.Op = "stopped" },
		} {
			d := Device(fmt.Sprintf("heater-%d", i), "heater")
			bad(&d)
			b.save(d)
		}
		r := Request(one, 1, "a", "heat:heater")
		b.wait(r)
		b.save(Device("heater-2", "heater")) // mended
		b.wantIDs("sweep", b.sweep(), r.ID)
		b.want(r, "heater-2")
	})

	run("RoleIsKeptUntilReleased", func(t *testing.T, b book) {
		b.save(Device("doser-1", "doser"), Device("robot-1", "robot"), Device("heater-1", "heater"), Device("heater-2", "heater"))
		routes := [][]string{{"doser", "heater"}}
		waits := []schedule.Wait{{Holding: "doser", For: "robot"}}
		with := func(r schedule.Request, keep ...string) schedule.Request {
			r.Routes, r.Waits, r.Keep = routes, waits, keep
			return r
		}
		b.want(with(Request(one, 1, "dose", "dose:doser"), "dose"), "doser-1")
		b.wait(with(Request(one, 2, "dose", "dose:doser"), "dose"))
		g := b.want(with(Request(one, 1, "in", "in:robot", "heat:heater"), "heat"), "robot-1", "heater-1")
		b.wantIDs("release", b.release(lab.ExperimentIDOf(one, 1), "in", "dose"), Request(one, 2, "dose").ID)
		again := b.want(with(Request(one, 1, "heat", "heat:heater")), "heater-1")
		if got, want := again.Holds[0].Epoch, g.Holds[1].Epoch; got != want {
			t.Errorf("the kept heater has epoch %d, want %d as before", got, want)
		}
		b.end(lab.ExperimentIDOf(one, 1))
		b.want(with(Request(one, 3, "heat", "heat:heater@heater-1")), "heater-1")
	})

	run("FairBetweenCampaigns", func(t *testing.T, b book) {
		b.save(Device("heater-1", "heater"), Device("heater-2", "heater"))
		b.want(Request(one, 1, "a", "heat:heater"), "heater-1")
		b.want(Request(one, 2, "a", "heat:heater"), "heater-2")
		b.wait(Request(one, 3, "a", "heat:heater"))
		b.wait(Request(one, 4, "a", "heat:heater"))
		b.wait(Request(two, 1, "a", "heat:heater"))
		b.wantIDs("first release", b.end(lab.ExperimentIDOf(one, 1)), Request(two, 1, "a").ID)
		b.wantIDs("second release", b.end(lab.ExperimentIDOf(one, 2)), Request(one, 3, "a").ID)
	})

	run("LateGrantsAreToldUntilTold", func(t *testing.T, b book) {
		b.save(Device("heater-1", "heater"))
		b.want(Request(one, 1, "a", "heat:heater"), "heater-1")
		r := Request(one, 2, "a", "heat:heater")
		b.wait(r)
		b.wantIDs("sweep before", b.sweep())
		b.wantIDs("release", b.end(lab.ExperimentIDOf(one, 1)), r.ID)
		for range 2 {
			b.wantIDs("sweep", b.sweep(), r.ID)
		}
		for range 2 {
			if err := b.f.Told(t.Context(), r.ID); err != nil {
				t.Fatal(err)
			}
		}
		b.wantIDs("sweep after", b.sweep())
	})

	run("EndedExperimentGetsNothing", func(t *testing.T, b book) {
		b.save(Device("heater-1", "heater"))
		for range 2 {
			b.end(lab.ExperimentIDOf(one, 1))
		}
		_, ok, err := b.f.Reserve(t.Context(), Request(one, 1, "late", "heat:heater"))
		if ok || lab.KindOf(err) != lab.Conflict {
			t.Errorf("reserve after the end: %v, %v; want a conflict", ok, err)
		}
		b.want(Request(one, 2, "a", "heat:heater"), "heater-1")
	})

	run("AbandonedRequestHoldsNothing", func(t *testing.T, b book) {
		b.save(Device("heater-1", "heater"))
		granted, waiting := Request(one, 1, "a", "heat:heater"), Request(one, 2, "a", "heat:heater")
		b.want(granted, "heater-1")
		b.wait(waiting)
		for range 2 {
			for _, r := range []schedule.Request{waiting, granted} {
				if err := b.f.Abandon(t.Context(), r.ID); err != nil {
					t.Fatal(err)
				}
			}
		}
		b.want(Request(one, 3, "a", "heat:heater"), "heater-1")
	})

	run("OppositeRoutesDoNotMeet", func(t *testing.T, b book) {
		b.save(Device("heater-1", "heater"), Device("hplc-1", "hplc"))
		there := Request(one, 1, "a", "heat:heater")
		there.Routes, there.Keep = [][]string{{"heater", "hplc"}}, []string{"heat"}
		back := Request(one, 2, "a", "look:hplc")
		back.Routes, back.Keep = [][]string{{"hplc", "heater"}}, []string{"look"}
		b.want(there, "heater-1")
		b.wait(back) // though hplc-1 is free: both would wait for ever
		why, err := b.f.Why(t.Context(), back.ID)
		if err != nil || !strings.Contains(why, "until experiment 1 ends") {
			t.Errorf("why: %q, %v; want the experiment that is in the way", why, err)
		}
		b.wantIDs("release", b.end(there.Experiment), back.ID)
	})

	run("OneDeviceWithTwoCapabilitiesIsOneStation", func(t *testing.T, b book) {
		b.save(Device("both-1", "heater", "stirrer"), Device("hplc-1", "hplc"))
		first := Request(one, 1, "a", "heat:heater")
		first.Routes, first.Keep = [][]string{{"heater", "hplc"}}, []string{"heat"}
		second := Request(one, 2, "a", "look:hplc")
		second.Routes, second.Keep = [][]string{{"hplc", "stirrer"}}, []string{"look"}
		b.want(first, "both-1")
		b.wait(second) // by name the routes do not meet, but both-1 is on both
	})

	run("WhatWasReleasedIsAskedForAnew", func(t *testing.T, b book) {
		b.save(Device("heater-1", "heater"))
		r := Request(one, 1, "a", "heat:heater")
		first := b.want(r, "heater-1")
		b.release(r.Experiment, "heat")
		b.want(Request(one, 2, "a", "heat:heater"), "heater-1")
		b.wait(r) // a second intent of the step: its first grant is over
		b.wantIDs("end", b.end(lab.ExperimentIDOf(one, 2)), r.ID)
		if second := b.want(r, "heater-1"); second.Holds[0].Epoch <= first.Holds[0].Epoch {
			t.Errorf("the second grant has epoch %d after %d", second.Holds[0].Epoch, first.Holds[0].Epoch)
		}
	})

	run("ReleaseOfNoRoleIsRefused", func(t *testing.T, b book) {
		b.save(Device("heater-1", "heater"))
		r := Request(one, 1, "a", "heat:heater")
		b.want(r, "heater-1")
		if _, err := b.f.Release(t.Context(), r.Experiment, nil); lab.KindOf(err) != lab.Invalid {
			t.Errorf("release of no role: %v, want it refused as invalid", err)
		}
		b.wait(Request(one, 2, "a", "heat:heater"))
	})

	run("Why", func(t *testing.T, b book) {
		b.save(Device("heater-1", "heater"))
		first, second := Request(one, 12, "a", "heat:heater"), Request(two, 1, "a", "heat:heater")
		b.want(first, "heater-1")
		b.wait(second)
		for id, want := range map[string]string{
			first.ID:  "granted heater-1",
			second.ID: "waits for heater-1, held by experiment 12 of " + one.String(),
		} {
			if got, err := b.f.Why(t.Context(), id); err != nil || !strings.HasPrefix(got, want) {
				t.Errorf("why %s: %q, %v; want %q", id, got, err, want)
			}
		}
		if _, err := b.f.Why(t.Context(), "nobody"); lab.KindOf(err) != lab.NotFound {
			t.Errorf("why of an unknown request: %v, want not found", err)
		}
	})

	run("BadRequestsAreRefused", func(t *testing.T, b book) {
		for name, mend := range map[string]func(*schedule.Request){
			"NoID":      func(r *schedule.Request) { r.ID = "" },
			"NoNeeds":   func(r *schedule.Request) { r.Needs = nil },
			"TwoRoles":  func(r *schedule.Request) { r.Needs = append(r.Needs, r.Needs[0]) },
			"KeepsMore": func(r *schedule.Request) { r.Keep = []string{"other"} },
		} {
			r := Request(one, 1, "a", "heat:heater")
			mend(&r)
			if _, _, err := b.f.Reserve(t.Context(), r); lab.KindOf(err) != lab.Invalid {
				t.Errorf("%s: %v, want invalid", name, err)
			}
		}
	})

	run("ParallelNeverDouble", func(t *testing.T, b book) { parallel(t, b, one) })
}

// parallel has many experiments reserve and release at once, and wants each
// device in one hand at a time.
func parallel(t *testing.T, b book, c lab.CampaignID) {
	const experiments, devices = 24, 3
	for i := range devices {
		b.save(Device(fmt.Sprintf("heater-%d", i), "heater"))
	}
	var (
		mu     sync.Mutex
		holder = make(map[string]int) // device → experiment
		told   = make(map[string]chan struct{})
		wg     sync.WaitGroup
	)
	for n := 1; n <= experiments; n++ {
		told[Request(c, n, "a").ID] = make(chan struct{}, 1)
	}
	tell := func(gs []schedule.Grant) {
		for _, g := range gs {
			select {
			case told[g.Request] <- struct{}{}:
			default: // it has word enough
			}
		}
	}
	take := func(n int, g schedule.Grant) {
		mu.Lock()
		defer mu.Unlock()
		for _, h := range g.Holds {
			if old, ok := holder[h.Device]; ok {
				t.Errorf("%s is granted to experiment %d while %d holds it", h.Device, n, old)
			}
			holder[h.Device] = n
		}
	}
	give := func(g schedule.Grant) {
		mu.Lock()
		defer mu.Unlock()
		for _, h := range g.Holds {
			delete(holder, h.Device)
		}
	}
	for n := 1; n <= experiments; n++ {
		wg.Go(func() {
			r := Request(c, n, "a", "one:heater", "two:heater")
			for {
				g, ok, err := b.f.Reserve(t.Context(), r)
				if err != nil {
					t.Errorf("reserve %d: %v", n, err)
					return
				}
				if ok {
					take(n, g)
					give(g)
					break
				}
				select {
				case <-told[r.ID]:
				case <-t.Context().Done():
					t.Errorf("experiment %d was never told of a grant", n)
					return
				}
			}
			gs, err := b.f.End(t.Context(), r.Experiment)
			if err != nil {
				t.Errorf("end %d: %v", n, err)
			}
			swept, err := b.f.Sweep(t.Context()) // what a Reserve granted to another
			if err != nil {
				t.Errorf("sweep: %v", err)
			}
			tell(append(gs, swept...))
		})
	}
	wg.Wait()
}
