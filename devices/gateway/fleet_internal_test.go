package gateway

import (
	"testing"
	"time"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/lab"
)

// TestStateIsBelieved wants what a device says of a paused command to be
// believed while it is late by less than makes the device lost, and no longer.
func TestStateIsBelieved(t *testing.T) {
	t.Parallel()
	now := time.Now()
	d := &device{Device: lab.Device{Conn: devices.Online}, heartbeat: time.Second, state: devices.State{Active: []lab.ActiveCommand{{ID: "a", State: lab.CommandPaused}}}}
	for age, want := range map[time.Duration]whereabouts{0: onHold, 2900 * time.Millisecond: onHold, 3100 * time.Millisecond: unclear} {
		d.stateAt = now.Add(-age)
		if got := d.says("a", now); got != want {
			t.Errorf("a state %v old: %v, want %v", age, got, want)
		}
	}
	d.state.Recent = []devices.Recent{{ID: "c", State: lab.CommandDone}}
	d.stateAt = now
	if got := d.says("c", now); got != hasEnded {
		t.Errorf("a command that has ended: %v, want %v", got, hasEnded)
	}
	if got := d.says("b", now); got != unclear {
		t.Errorf("a command that it does not mention: %v, want %v", got, unclear)
	}
}
