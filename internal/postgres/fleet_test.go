package postgres_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/athanor-lab/athanor/dataset/datasettest"
	"github.com/athanor-lab/athanor/internal/pgtest"
	"github.com/athanor-lab/athanor/internal/postgres"
	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/schedule/scheduletest"
)

// TestFleet saves what a device says over its life, late and repeated messages
// among it, and wants the newest kept and each visible change told once.
func TestFleet(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	d := scheduletest.Device("heater-1", "heater", "stirrer")
	limit := 200.0
	d.Title, d.Kind = "Heater \x00 one", "heater"
	d.Capabilities[0].Commands = []lab.CommandSpec{{Name: "hold", Params: []lab.ParamSpec{{Name: "target", Type: "number", Unit: "Cel", Max: &limit, Required: true}}}}
	d.SeenAt = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	save := func(change func(d *lab.Device)) {
		t.Helper()
		change(&d)
		if err := db.Save(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	save(func(*lab.Device) {})
	save(func(d *lab.Device) { d.SeenAt = d.SeenAt.Add(time.Second) }) // a heartbeat: nothing to see
	save(func(d *lab.Device) {
		d.SeenAt, d.Op = d.SeenAt.Add(time.Second), "busy"
		d.Active = []lab.ActiveCommand{{ID: "x", Name: "hold", State: lab.CommandRunning}}
	})
	save(func(d *lab.Device) { d.Boot++; d.Op, d.Active = "idle", []lab.ActiveCommand{} })
	late := d
	late.Boot, late.Conn = d.Boot-1, "lost" // the will of the process before
	if err := db.Save(t.Context(), late); err != nil {
		t.Fatal(err)
	}
	got, err := db.Device(t.Context(), "heater-1")
	if err != nil {
		t.Fatal(err)
	}
	d.Title = "Heater \ufffd one"
	if diff := cmp.Diff(d, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("device (-want +got):\n%s", diff)
	}
	events, _, err := db.Since(t.Context(), 0, postgres.EventFilter{Kinds: []lab.EventKind{lab.EventDevice}}, 10)
	if err != nil || len(events) != 3 {
		t.Fatalf("%d events, %v; want 3: seen first, busy, idle after a restart", len(events), err)
	}
	var told lab.Device
	if err := json.Unmarshal(events[1].Data, &told); err != nil || told.Op != "busy" || told.Capabilities[1].Name != "stirrer" || len(told.Active) != 1 {
		t.Errorf("told %+v, %v; want the busy device", told, err)
	}
	if _, err := db.Device(t.Context(), "nobody"); lab.KindOf(err) != lab.NotFound {
		t.Errorf("an unknown device: %v, want not found", err)
	}
}

// TestFinishFreesWhatTheExperimentHeld records an outcome and wants, with it,
// the device given to the next, and the reservation shown while it lasts.
func TestFinishFreesWhatTheExperimentHeld(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	c := insert(t, db, datasettest.Campaign(1), "").Campaign.ID
	if err := db.Save(t.Context(), scheduletest.Device("heater-1", "heater")); err != nil {
		t.Fatal(err)
	}
	first, second := scheduletest.Request(c, 1, "a", "heat:heater"), scheduletest.Request(c, 2, "a", "heat:heater")
	if _, ok, err := db.Reserve(t.Context(), first); err != nil || !ok {
		t.Fatal(ok, err)
	}
	if _, ok, err := db.Reserve(t.Context(), second); err != nil || ok {
		t.Fatal(ok, err)
	}
	all, err := db.Devices(t.Context())
	if err != nil || len(all) != 1 || all[0].Experiment == nil || *all[0].Experiment != first.Experiment || *all[0].Campaign != c || all[0].Number != 1 {
		t.Errorf("devices: %+v, %v; want heater-1 reserved for experiment 1", all, err)
	}
	if waiting, err := db.Waiting(t.Context()); err != nil || len(waiting) != 1 || waiting[0].Request.ID != second.ID {
		t.Errorf("waiting: %+v, %v; want the second", waiting, err)
	}
	stored, grants, err := db.Finish(t.Context(), datasettest.Outcome(c, 1))
	if err != nil || !stored || len(grants) != 1 || grants[0].Request != second.ID {
		t.Fatalf("finish: stored %v, granted %v, %v; want the second granted", stored, grants, err)
	}
	stored, grants, err = db.Finish(t.Context(), datasettest.Outcome(c, 1))
	if err != nil || stored || len(grants) != 0 {
		t.Errorf("finish again: stored %v, granted %v, %v; want nothing new", stored, grants, err)
	}
}

// TestSweepEndsWhatIsRecorded wants the devices of an experiment back whose
// outcome is there and whose end was lost.
func TestSweepEndsWhatIsRecorded(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	c := insert(t, db, datasettest.Campaign(1), "").Campaign.ID
	if err := db.Save(t.Context(), scheduletest.Device("heater-1", "heater")); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := db.Reserve(t.Context(), scheduletest.Request(c, 1, "a", "heat:heater")); err != nil || !ok {
		t.Fatal(ok, err)
	}
	if _, err := db.PutOutcome(t.Context(), datasettest.Outcome(c, 1)); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := db.Reserve(t.Context(), scheduletest.Request(c, 2, "a", "heat:heater")); err != nil || !ok {
		t.Errorf("reserve: %v, %v; want the heater", ok, err)
	}
}
