package postgres_test

import (
	"errors"
	"testing"

	"github.com/athanor-lab/athanor/dataset/datasettest"
	"github.com/athanor-lab/athanor/devices/gateway"
	"github.com/athanor-lab/athanor/devices/gateway/gatewaytest"
	"github.com/athanor-lab/athanor/internal/pgtest"
	"github.com/athanor-lab/athanor/internal/postgres"
	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/schedule"
	"github.com/athanor-lab/athanor/schedule/scheduletest"
)

// TestRestoredRecordWaitsForItsDevices restores a record in which an experiment
// has a device and another waits for one. Who had a device has it under an epoch
// that no device has seen; nothing new is granted before all devices have said
// what they were told, and then what waits asks for the device that did its step.
func TestRestoredRecordWaitsForItsDevices(t *testing.T) {
	t.Parallel()
	ctx, db := t.Context(), pgtest.Open(t)
	for _, id := range []string{"heater-1", "heater-2", "robot"} {
		if err := db.Save(ctx, scheduletest.Device(id, id[:5])); err != nil {
			t.Fatal(err)
		}
	}
	c := lab.CampaignID{15: 1}
	has, waits := scheduletest.Request(c, 1, "carry", "carry:robot"), scheduletest.Request(c, 2, "heat", "robot:robot", "heat:heate")
	before, granted, err := db.Reserve(ctx, has)
	if err != nil || !granted {
		t.Fatalf("the robot is not granted: %t, %v", granted, err)
	}
	if _, granted, err := db.Reserve(ctx, waits); err != nil || granted {
		t.Fatalf("who waits for the robot has it: %t, %v", granted, err)
	}
	if was, err := db.WasRestored(ctx); err != nil || was {
		t.Errorf("a new record was restored: %t, %v", was, err)
	}
	for range 2 { // a process may die in between
		if err := db.Restored(ctx); err != nil {
			t.Fatal(err)
		}
	}
	after, granted, err := db.Reserve(ctx, has)
	if err != nil || !granted || after.Holds[0].Device != "robot" || after.Holds[0].Epoch < before.Holds[0].Epoch+1_000_000_000 {
		t.Errorf("who had the robot as %+v has it as %+v, %t, %v; want an epoch that is far ahead", before.Holds, after.Holds, granted, err)
	}
	if last, err := db.LastEpoch(ctx, "robot"); err != nil || last != after.Holds[0].Epoch {
		t.Errorf("slots of the robot are cleared under %d, %v; want %d", last, err, after.Holds[0].Epoch)
	}
	if gs, err := db.End(ctx, has.Experiment); err != nil || len(gs) != 0 {
		t.Errorf("granted while devices are asked: %+v, %v", gs, err)
	}
	follow := func(r *schedule.Request) error {
		if r.ID != waits.ID {
			return errors.New("asked about " + r.ID)
		}
		r.Needs[1].Device = "heater-2"
		return nil
	}
	for _, device := range []string{"heater-1", "heater-2"} {
		if _, err := db.KeepTold(ctx, device, nil, true); err != nil {
			t.Fatal(err)
		}
		if over, err := db.EndRestoration(ctx, follow); err != nil || over {
			t.Errorf("the restoration is over before the robot has said anything: %t, %v", over, err)
		}
	}
	if gs, err := db.Sweep(ctx); err != nil || len(gs) != 0 {
		t.Errorf("granted while devices are asked: %+v, %v", gs, err)
	}
	if err := db.Gone(ctx, []string{"robot"}); err != nil {
		t.Fatal(err)
	}
	if over, err := db.EndRestoration(ctx, follow); err != nil || !over {
		t.Fatalf("the restoration is not over: %t, %v", over, err)
	}
	gs, err := db.Sweep(ctx)
	if err != nil || len(gs) != 1 || len(gs[0].Holds) != 2 || gs[0].Holds[1].Device != "heater-2" {
		t.Errorf("granted is %+v, %v; want the robot, and heater-2 which was told the step", gs, err)
	}
	if still, err := db.Restoring(ctx); err != nil || still {
		t.Errorf("still restoring: %t, %v", still, err)
	}
	if was, err := db.WasRestored(ctx); err != nil || !was {
		t.Errorf("the record was restored: %t, %v", was, err)
	}
}

// TestToldComesFirst has two experiments of a campaign, and one of which the record
// knows nothing else, wait for one device that was told of the second first. It is
// granted in that order, and to the third when all that was told is on record.
func TestToldComesFirst(t *testing.T) {
	t.Parallel()
	ctx, db := t.Context(), pgtest.Open(t)
	if err := db.Save(ctx, scheduletest.Device("heater", "heater")); err != nil {
		t.Fatal(err)
	}
	c := datasettest.Campaign(1)
	insert(t, db, c, "")
	if _, err := db.SetState(ctx, c.ID, lab.Running, ""); err != nil {
		t.Fatal(err)
	}
	if err := db.Restored(ctx); err != nil {
		t.Fatal(err)
	}
	requests := map[int]schedule.Request{}
	var ahead []postgres.Ahead
	var told []gateway.Told
	for n, epoch := range map[int]int64{1: 7, 2: 5, 3: 0} {
		r := scheduletest.Request(c.ID, n, "heat", "heat:heater")
		requests[n] = r
		if epoch == 0 {
			continue
		}
		id := lab.CommandIDOf(r.Experiment, "heat", 1, 0)
		told = append(told, gateway.Told{ID: id.UUID(), Epoch: epoch, Body: []byte("x")})
		ahead = append(ahead, postgres.Ahead{Command: id, Campaign: c.ID, Experiment: r.Experiment, Request: r.ID})
	}
	if _, err := db.KeepTold(ctx, "heater", told, true); err != nil {
		t.Fatal(err)
	}
	if ids, err := db.EachTold(ctx); err != nil || len(ids) != 2 {
		t.Fatalf("told were %v, %v; want two", ids, err)
	}
	if err := db.Expect(ctx, ahead); err != nil {
		t.Fatal(err)
	}
	if _, err := db.EndRestoration(ctx, func(*schedule.Request) error { return nil }); err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= 3; n++ {
		_, granted, err := db.Reserve(ctx, requests[n])
		if err != nil || granted != (n == 2) {
			t.Errorf("experiment %d has the heater: %t, %v; want the second alone", n, granted, err)
		}
	}
	for _, step := range []struct{ ends, gets int }{{2, 1}, {1, 3}} {
		r := requests[step.ends]
		e := gatewaytest.NewEntry("heater", step.ends)
		e.Command.ID, e.Command.CampaignID, e.Command.ExperimentID = lab.CommandIDOf(r.Experiment, "heat", 1, 0), c.ID, r.Experiment
		if _, err := db.Put(ctx, e); err != nil { // it is on record again
			t.Fatal(err)
		}
		if err := db.ForgetReplayed(ctx); err != nil {
			t.Fatal(err)
		}
		gs, err := db.End(ctx, r.Experiment)
		if err != nil || len(gs) != 1 || gs[0].Request != requests[step.gets].ID {
			t.Errorf("after experiment %d the heater goes by %+v, %v; want to %d", step.ends, gs, err, step.gets)
		}
	}
}
