package postgres_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5"

	"github.com/athanor-lab/athanor/dataset/datasettest"
	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/devices/gateway"
	"github.com/athanor-lab/athanor/devices/gateway/gatewaytest"
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
	if waiting, err := db.Waiting(t.Context(), lab.CampaignID{}, 10); err != nil || len(waiting) != 1 || waiting[0].Request.ID != second.ID {
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

// TestSamplesMoveByHandoverOnly goes round the program, and wants the database
// to refuse.
func TestSamplesMoveByHandoverOnly(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	db, err := postgres.Open(t.Context(), url, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for sample, slot := range map[string]string{"S-1": "A1", "S-2": "A2"} {
		if err := db.PlaceSample(t.Context(), sample, gateway.Place{Device: "furnace", Slot: slot}, "ada"); err != nil {
			t.Fatal(err)
		}
	}
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	for name, q := range map[string]string{
		"AnotherSlot":   `UPDATE placements SET slot = 'B1' WHERE sample = 'S-1'`,
		"AnOccupied":    `UPDATE placements SET slot = 'A2' WHERE sample = 'S-1'`,
		"Twice":         `INSERT INTO placements (sample, device, slot, evidence) VALUES ('S-1', 'xrd', 'stage', 'x')`,
		"TwoInASlot":    `INSERT INTO placements (sample, device, slot, evidence) VALUES ('S-3', 'furnace', 'A1', 'x')`,
		"AnotherName":   `UPDATE placements SET sample = 'S-9' WHERE sample = 'S-1'`,
		"Gone":          `DELETE FROM placements WHERE sample = 'S-1'`,
		"AnotherPast":   `UPDATE sample_moves SET slot = 'B1'`,
		"NoMoveAtAll":   `TRUNCATE placements`,
		"OntoItself":    `INSERT INTO handovers (token, sample, from_device, from_slot, to_device, to_slot, give_id, take_id, give, take) VALUES ('t', 'S-1', 'a', 'b', 'a', 'b', gen_random_uuid(), gen_random_uuid(), '{}', '{}')`,
		"ShortSecret":   `INSERT INTO secrets (name, value) VALUES ('x', 'short')`,
		"UnknownSource": `INSERT INTO alarms (device, source, code, level, text, since) VALUES ('d', 'ghost', 'c', 'error', '', now())`,
	} {
		if _, err := conn.Exec(t.Context(), q); err == nil {
			t.Errorf("%s: the database took %s", name, q)
		}
	}
	if p, err := db.Whereabouts(t.Context(), "S-1"); err != nil || p.Place != (gateway.Place{Device: "furnace", Slot: "A1"}) {
		t.Errorf("S-1 is at %s, %v; want furnace:A1", p.Place, err)
	}
}

// TestDeviceRecords keeps alarms, telemetry, the quarantine and a secret, each
// said more than once.
func TestDeviceRecords(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.Open(t), t.Context()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	hot := devices.Alarm{Code: "hot", Level: "warning", Text: "w\x00arm", Since: at, Boot: 1}
	for range 2 {
		if err := db.RaiseAlarm(ctx, "furnace", gateway.ByDevice, hot); err != nil {
			t.Fatal(err)
		}
		hot.Level = "error"
	}
	if err := errors.Join(db.RaiseAlarm(ctx, "furnace", gateway.ByLaboratory, devices.Alarm{Code: "flood", Level: "error", Since: at}),
		db.RaiseAlarm(ctx, "furnace", gateway.ByDevice, devices.Alarm{Code: "door", Level: "info", Since: at}),
		db.KeepAlarms(ctx, "furnace", []string{"hot"}), db.ClearAlarm(ctx, "furnace", gateway.ByDevice, "nothing")); err != nil {
		t.Fatal(err)
	}
	standing, err := db.Alarms(ctx, "furnace", false)
	if err != nil || len(standing) != 2 || standing[1].Code != "hot" || standing[1].Level != "error" || !standing[1].Since.Equal(at) {
		t.Errorf("alarms = %+v, %v; want flood and hot, now an error", standing, err)
	}
	if err := db.ClearAlarm(ctx, "furnace", gateway.ByDevice, "hot"); err != nil {
		t.Fatal(err)
	}
	if past, err := db.Alarms(ctx, "", true); err != nil || len(past) != 3 || past[0].Code != "flood" || past[1].Cleared.IsZero() {
		t.Errorf("with the past: %+v, %v; want flood, and two that are cleared", past, err)
	}

	batch := gateway.TelemetryBatch{Device: "furnace", Stream: "thermal", Batch: devices.Batch{
		Boot: 1, N: 1, T0: at, DtMS: []float64{0, 500}, V: map[string][]float64{"T": {20, 21.5}}, U: map[string]lab.Unit{"T": "Cel"}, Command: "a",
	}}
	for range 2 {
		if err := db.SaveBatches(ctx, []gateway.TelemetryBatch{batch}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := db.Batches(ctx, "furnace", "thermal", at.Add(400*time.Millisecond), at.Add(time.Hour))
	if diff := cmp.Diff([]gateway.TelemetryBatch{batch}, got); err != nil || diff != "" {
		t.Errorf("telemetry (-want +got), %v:\n%s", err, diff)
	}
	if got, err := db.Batches(ctx, "furnace", "thermal", at.Add(time.Second), at.Add(time.Hour)); err != nil || len(got) != 0 {
		t.Errorf("telemetry of later: %d batches, %v; want none", len(got), err)
	}

	q := gateway.Quarantined{Device: "furnace", Topic: "ldp/1/lab/furnace/ev", Reason: "no\x00nsense", Payload: []byte("{\xff"), At: at}
	if err := db.Quarantine(ctx, q); err != nil {
		t.Fatal(err)
	}
	kept, err := db.Quarantined(ctx, "furnace", 10)
	if err != nil || len(kept) != 1 || string(kept[0].Payload) != "{\xff" || kept[0].Reason != "no\ufffdnsense" {
		t.Errorf("quarantine = %+v, %v", kept, err)
	}

	first, err := db.Secret(ctx, "uploads")
	if err != nil || len(first) != 32 {
		t.Fatalf("secret of %d bytes, %v; want 32", len(first), err)
	}
	if again, err := db.Secret(ctx, "uploads"); err != nil || !bytes.Equal(first, again) {
		t.Errorf("the secret is another the second time, %v", err)
	}
}

// TestRoomIsMadeOfSpentSamples wants a free slot first, then a sample whose
// experiment has its outcome, and never one that is still of use.
func TestRoomIsMadeOfSpentSamples(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	c := insert(t, db, datasettest.Campaign(1), "").Campaign.ID
	slots := []string{"t1", "t2"}
	place := func(sample, slot string) {
		t.Helper()
		if err := db.PlaceSample(t.Context(), sample, lab.Place{Device: "hplc", Slot: slot}, "test"); err != nil {
			t.Fatal(err)
		}
	}
	room := func(want lab.Room, spent string) {
		t.Helper()
		got, err := db.Room(t.Context(), "hplc", slots)
		if err != nil || got.Slots != want.Slots || got.Free != want.Free || (got.Spent == nil) != (spent == "") || got.Spent != nil && got.Spent.Sample != spent {
			t.Errorf("room %+v, %v; want %+v with %q spent", got, err, want, spent)
		}
	}
	first, second := lab.ExperimentIDOf(c, 1).UUID()+".vial", lab.ExperimentIDOf(c, 2).UUID()+".vial"
	room(lab.Room{Slots: true, Free: "t1"}, "")
	place("a-sample-that-somebody-brought", "t1")
	room(lab.Room{Slots: true, Free: "t2"}, "")
	place(first, "t2")
	room(lab.Room{Slots: true}, "")
	if _, err := db.PutOutcome(t.Context(), datasettest.Outcome(c, 1)); err != nil {
		t.Fatal(err)
	}
	room(lab.Room{Slots: true}, first)
	if err := db.RemoveSample(t.Context(), first, "discarded"); err != nil {
		t.Fatal(err)
	}
	room(lab.Room{Slots: true, Free: "t2"}, "")
	place(second, "t2")
	room(lab.Room{Slots: true}, "")
	if all, err := db.Placements(t.Context()); err != nil || len(all) != 2 {
		t.Errorf("%d samples are in the laboratory, %v; want 2", len(all), err)
	}
}

// TestOldRecordsAreForgotten wants the log of what has ended gone after its time,
// that of a campaign that goes on kept, and quarantine and telemetry bounded.
func TestOldRecordsAreForgotten(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	open, ended := insert(t, db, datasettest.Campaign(1), "").Campaign.ID, insert(t, db, datasettest.Campaign(2), "").Campaign.ID
	for _, s := range []lab.CampaignState{lab.Running, lab.Completed} {
		if _, err := db.SetState(t.Context(), ended, s, ""); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := db.SetState(t.Context(), open, lab.Running, ""); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-100 * 24 * time.Hour)
	for _, e := range []lab.Event{
		{At: old, Kind: lab.EventExperiment, CampaignID: &open, Number: 1, Data: []byte(`{}`)},
		{At: old, Kind: lab.EventExperiment, CampaignID: &ended, Number: 1, Data: []byte(`{}`)},
		{At: old, Kind: lab.EventDevice, Device: "d", Data: []byte(`{}`)},
		{Kind: lab.EventDevice, Device: "d", Data: []byte(`{}`)},
	} {
		if err := db.Append(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 1003 {
		if err := db.Quarantine(t.Context(), gateway.Quarantined{Device: "d", Topic: "t", Reason: strconv.Itoa(i), At: time.Now()}); err != nil {
			t.Fatal(err)
		}
	}
	batch := func(n int64, at time.Time) gateway.TelemetryBatch {
		return gateway.TelemetryBatch{Device: "d", Stream: "s", Batch: devices.Batch{Boot: 1, N: n, T0: at, DtMS: []float64{0, 1000}, V: map[string][]float64{"T": {1, 3}}, U: map[string]lab.Unit{"T": "Cel"}}}
	}
	if err := db.SaveBatches(t.Context(), []gateway.TelemetryBatch{batch(1, old), batch(2, time.Now().Add(-time.Minute))}); err != nil {
		t.Fatal(err)
	}
	if gone, err := db.Forget(t.Context(), postgres.Retention{}); err != nil || gone != (postgres.Forgotten{Quarantine: 3}) {
		t.Errorf("for ever: forgot %+v, %v; want 3 messages of the quarantine", gone, err)
	}
	gone, err := db.Forget(t.Context(), postgres.Retention{Events: 90 * 24 * time.Hour, Telemetry: 30 * 24 * time.Hour})
	if err != nil || gone != (postgres.Forgotten{Events: 2, Telemetry: 1}) {
		t.Errorf("forgot %+v, %v; want the ended campaign's event, the device's old one, and a batch", gone, err)
	}
	if kept, err := db.Before(t.Context(), open, 0, 10); err != nil || len(kept) < 2 {
		t.Errorf("of the open campaign %d events are left, %v; want all", len(kept), err)
	}
	if q, err := db.Quarantined(t.Context(), "d", 2000); err != nil || len(q) != 1000 || q[0].Reason != "1002" {
		t.Errorf("%d messages are left, %v; want the newest 1000", len(q), err)
	}
	for most, want := range map[int]int{10: 2, 1: 1} {
		s, err := db.Series(t.Context(), "d", time.Now().Add(-time.Hour), time.Now().Add(time.Hour), most)
		if err != nil || len(s) != 1 || s[0].Unit != "Cel" || len(s[0].Points) != want {
			t.Fatalf("series %+v, %v; want one of %d points", s, err, want)
		}
		if p := s[0].Points[0]; want == 1 && (p.Mean != 2 || p.Min != 1 || p.Max != 3 || p.N != 2) {
			t.Errorf("two rows in a point are %+v, want mean 2 of 1 to 3", p)
		}
	}
}

// TestDisputesAreListed wants a handover in dispute before one under way, and
// neither once they are settled.
func TestDisputesAreListed(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	var handovers []gateway.Handover
	for i := range 2 {
		from, to := lab.Place{Device: "furnace", Slot: fmt.Sprint("a", i)}, lab.Place{Device: fmt.Sprint("robot-", i), Slot: "gripper"}
		sample := fmt.Sprint("S-", i)
		if err := db.PlaceSample(t.Context(), sample, from, "ada"); err != nil {
			t.Fatal(err)
		}
		h := gatewaytest.NewHandover(sample, from, to, i+1)
		if err := db.OpenHandover(t.Context(), h); err != nil {
			t.Fatal(err)
		}
		handovers = append(handovers, h)
	}
	for id, end := range map[lab.CommandID]gateway.Hand{
		handovers[1].Give.ID: {State: lab.CommandDone, Effect: lab.EffectComplete}, handovers[1].Take.ID: {State: lab.CommandInDoubt, Effect: lab.EffectUnknown},
	} {
		if _, err := db.EndHand(t.Context(), id, end); err != nil {
			t.Fatal(err)
		}
	}
	all, err := db.Disputes(t.Context())
	if err != nil || len(all) != 2 || all[0].Sample != "S-1" || all[0].State != lab.HandoverUncertain || all[0].Took != lab.CommandInDoubt || all[1].State != lab.HandoverOpen {
		t.Fatalf("disputes %+v, %v; want S-1 in dispute, then S-0", all, err)
	}
	if _, err := db.ResolveHandover(t.Context(), all[0].Token, lab.Place{}, "ada", "it fell"); err != nil {
		t.Fatal(err)
	}
	if all, err = db.Disputes(t.Context()); err != nil || len(all) != 1 {
		t.Errorf("%d handovers are left, %v; want 1", len(all), err)
	}
}
