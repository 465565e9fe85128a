package sim_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/devices/devicestest"
	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/sim"
	"github.com/athanor-lab/athanor/sim/world"
)

// cancel ends a command at the first event after which when is true.
func (d *desk) cancel(device, target string, when func() bool) {
	over, ended := make(chan struct{}), make(chan struct{})
	d.t.Cleanup(func() { close(over); <-ended })
	go func() {
		defer close(ended)
		for !when() {
			d.after(1, over)
			select {
			case <-over:
				return
			default:
			}
		}
		ctl, err := json.Marshal(devices.Ctl{ID: "cancel-" + target, Op: devices.OpCancel, Target: target})
		if err != nil {
			d.t.Error(err)
		}
		if err := d.bus.Publish(d.t.Context(), devices.Message{Topic: devices.Topic("lab", device, devices.LeafCtl), Payload: ctl, QoS: 1}); err != nil {
			d.t.Error(err)
		}
	}()
}

// TestCancelledHoldHasHeated cancels a hold in the middle: the parts that are
// over have happened to the vial, and the command says so.
func TestCancelledHoldHasHeated(t *testing.T) {
	t.Parallel()
	broker := devicestest.NewBroker()
	s := serve(t, broker.Dial, t.TempDir(), fast(3600), sim.Options{})
	d := newDesk(t, broker.Dial)
	d.do("liquid-handler-1", "dose", "dispense", map[string]any{"substance": "KOAc", "volume": 500}, "a")
	if ev := d.do("mobile-robot-1", "in", "transfer", map[string]any{"from": "liquid-handler-1", "to": "heater-1"}, "a"); ev.State != lab.CommandDone {
		t.Fatalf("transfer ended %s: %s", ev.State, ev.Error)
	}
	matter := s.lab.World()
	d.cancel("heater-1", "heat", func() bool { return len(matter.Effects("heat")) >= 2 })
	ev := d.do("heater-1", "heat", "hold", map[string]any{"target": 120, "time": 36000}, "a")
	if ev.State != lab.CommandCancelled || ev.Effect != lab.EffectPartial {
		t.Errorf("the hold ended %s with effect %s: %s; want cancelled, partial", ev.State, ev.Effect, ev.Error)
	}
	heated := s.ledger().Of("heat")
	if len(heated) == 0 || len(heated) >= 8 || heated[len(heated)-1].Final {
		t.Errorf("the ledger has %d parts of the hold, the last final: %v; want some of 8", len(heated), heated)
	}
}

// TestCancelledTransferKeepsItsGrip cancels a transfer that holds the sample. The
// sample stays in the gripper; a transfer of another puts it aside.
func TestCancelledTransferKeepsItsGrip(t *testing.T) {
	t.Parallel()
	broker, description := devicestest.NewBroker(), fast(100)
	for i := range description.Devices {
		description.Devices[i].Faults = sim.Faults{}
		description.Devices[i].AliquotS, description.Devices[i].HandS = min(1, description.Devices[i].AliquotS), min(1, description.Devices[i].HandS)
	}
	description.Travel = []sim.Way{{From: "liquid-handler-1", To: "hplc-1", TimeS: 100}}
	s := serve(t, broker.Dial, t.TempDir(), description, sim.Options{})
	d := newDesk(t, broker.Dial)
	for _, vial := range []string{"a", "b"} {
		d.do("liquid-handler-1", "dose-"+vial, "dispense", map[string]any{"substance": "KOAc", "volume": 500}, vial)
	}
	matter := s.lab.World()
	d.cancel("mobile-robot-1", "carry-a", func() bool { return len(matter.At("mobile-robot-1")) > 0 })
	ev := d.do("mobile-robot-1", "carry-a", "transfer", map[string]any{"from": "liquid-handler-1", "to": "hplc-1"}, "a")
	if ev.State != lab.CommandCancelled || ev.Effect != lab.EffectPartial {
		t.Errorf("the transfer ended %s with effect %s: %s; want cancelled, partial", ev.State, ev.Effect, ev.Error)
	}
	if ev := d.do("mobile-robot-1", "carry-b", "transfer", map[string]any{"from": "liquid-handler-1", "to": "heater-1"}, "b"); ev.State != lab.CommandDone {
		t.Errorf("the other transfer ended %s: %s", ev.State, ev.Error)
	}
	if diff := cmp.Diff(map[string]string{"a": world.Bench, "b": "heater-1"}, s.ledger().Places()); diff != "" {
		t.Errorf("places: (-want +got)\n%s", diff)
	}
}
