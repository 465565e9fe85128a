package gateway_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/devices/devicestest"
	"github.com/athanor-lab/athanor/devices/mqtt"
	"github.com/athanor-lab/athanor/devices/mqtt/mqtttest"
	"github.com/athanor-lab/athanor/devices/sdk"
	"github.com/athanor-lab/athanor/lab"
)

// TestCancel ends a running command, and one that never reached its device.
func TestCancel(t *testing.T) {
	t.Parallel()
	buses(t, func(t *testing.T, dial devices.Dialer) {
		s := newSite(t, dial)
		s.device("doser-1", nil, nil)
		c := s.command("doser-1", "hold", 1)
		s.dispatch(c)
		s.reached(c, lab.CommandRunning)
		since := time.Now()
		if err := s.g.Cancel(t.Context(), c.ID); err != nil {
			t.Fatal(err)
		}
		r := s.ended(c, lab.CommandCancelled)
		if took := time.Since(since); took > time.Second {
			t.Errorf("cancelled after %s; want well below a second", took)
		}
		if r.Effect != lab.EffectPartial {
			t.Errorf("effect = %s; want partial", r.Effect)
		}

		away := s.command("doser-2", "hold", 2)
		s.dispatch(away)
		if err := s.g.Cancel(t.Context(), away.ID); err != nil {
			t.Fatal(err)
		}
		s.device("doser-2", nil, nil)
		if r := s.ended(away, lab.CommandCancelled); r.Effect != lab.EffectNone {
			t.Errorf("effect of a command that never came = %s; want none", r.Effect)
		}
		if n := s.world.seen(away.ID.UUID() + " held"); n != 0 {
			t.Errorf("a cancelled command moved %d times; want never", n)
		}
	})
}

// TestStopIsLatched stops a device, wants its command aborted and others
// refused over a restart, and resets it.
func TestStopIsLatched(t *testing.T) {
	t.Parallel()
	buses(t, func(t *testing.T, dial devices.Dialer) {
		s := newSite(t, dial)
		first := s.device("doser-1", nil, nil)
		c := s.command("doser-1", "hold", 1)
		s.dispatch(c)
		s.reached(c, lab.CommandRunning)
		if err := s.g.Stop(t.Context(), "doser-1", "ada", "smoke"); err != nil {
			t.Fatal(err)
		}
		s.ended(c, lab.CommandAborted)
		first.Kill()
		devicestest.Wait(t, first.done, "the death of the device")
		s.device("doser-1", nil, nil)
		s.awaitOp("doser-1", "stopped", 2)
		refused := s.command("doser-1", "manual", 2)
		s.dispatch(refused)
		if r := s.ended(refused, lab.CommandRejected); r.Code != string(devices.Interlock) || r.Effect != lab.EffectNone {
			t.Errorf("refusal = %s, effect %s; want interlock, none", r.Code, r.Effect)
		}
		if err := s.g.Reset(t.Context(), "doser-1", "ada"); err != nil {
			t.Fatal(err)
		}
		s.awaitOp("doser-1", "idle", 2)
		taken := s.command("doser-1", "manual", 3)
		s.dispatch(taken)
		s.ended(taken, lab.CommandDone)
	})
}

func (s *site) awaitOp(device, op string, boot int64) {
	s.t.Helper()
	d, err := s.fleet.Await(s.patience(), device, func(d lab.Device) bool { return d.Op == op && d.Boot == boot })
	if err != nil {
		s.t.Fatalf("device %s is %s at boot %d; want %s at %d", device, d.Op, d.Boot, op, boot)
	}
}

// TestLabStop stops everything, a device that comes later included, and lets
// nobody be reset before it is taken back.
func TestLabStop(t *testing.T) {
	t.Parallel()
	buses(t, func(t *testing.T, dial devices.Dialer) {
		s := newSite(t, dial)
		s.device("doser-1", nil, nil)
		c := s.command("doser-1", "hold", 1)
		s.dispatch(c)
		s.reached(c, lab.CommandRunning)
		if err := s.g.LabStop(t.Context(), "ada", "fire drill"); err != nil {
			t.Fatal(err)
		}
		s.ended(c, lab.CommandAborted)
		s.device("doser-2", nil, nil)
		s.awaitOp("doser-2", "stopped", 1)
		if err := s.g.Reset(t.Context(), "doser-2", "ada"); err != nil {
			t.Fatal(err)
		}
		refused := s.command("doser-2", "manual", 2)
		s.dispatch(refused)
		s.ended(refused, lab.CommandRejected)
		if err := s.g.LabRelease(t.Context(), "ada"); err != nil {
			t.Fatal(err)
		}
		for _, device := range []string{"doser-1", "doser-2"} {
			// The release and the reset are on two topics, whose order nobody
			// promises: ask until it is done, as a person would.
			ctx, done := context.WithCancel(t.Context())
			go func() {
				for range time.Tick(20 * time.Millisecond) {
					if ctx.Err() != nil {
						return
					}
					_ = s.g.Reset(ctx, device, "ada")
				}
			}()
			s.awaitOp(device, "idle", 1)
			done()
		}
	})
}

// TestStaleEpoch wants an older holder refused for ever, over a restart too.
func TestStaleEpoch(t *testing.T) {
	t.Parallel()
	buses(t, func(t *testing.T, dial devices.Dialer) {
		s := newSite(t, dial)
		first := s.device("doser-1", nil, nil)
		s.epoch = 7
		c := s.command("doser-1", "manual", 1)
		s.dispatch(c)
		s.ended(c, lab.CommandDone)
		first.Kill()
		devicestest.Wait(t, first.done, "the death of the device")
		s.device("doser-1", nil, nil)
		s.epoch = 6
		old := s.command("doser-1", "manual", 2)
		s.dispatch(old)
		if r := s.ended(old, lab.CommandRejected); r.Code != string(devices.StaleEpoch) {
			t.Errorf("refusal = %s; want stale_epoch", r.Code)
		}
		if n := s.world.seen(old.ID.UUID() + " poured"); n != 0 {
			t.Errorf("a stale command moved %d times; want never", n)
		}
	})
}

// TestBusyIsTriedAgain sends two commands at once to a device that does one at
// a time, and wants both done.
func TestBusyIsTriedAgain(t *testing.T) {
	t.Parallel()
	buses(t, func(t *testing.T, dial devices.Dialer) {
		s := newSite(t, dial)
		gate := make(chan struct{})
		s.device("doser-1", nil, func(*sdk.Device, string) { <-gate })
		a, b := s.command("doser-1", "manual", 1), s.command("doser-1", "manual", 2)
		s.dispatch(a)
		s.reached(a, lab.CommandRunning)
		s.dispatch(b)
		close(gate)
		s.ended(a, lab.CommandDone)
		s.ended(b, lab.CommandDone)
	})
}

// TestLateAnswerEndsDoubt loses all that a device says of a command until it is
// in doubt, and wants the device asked, and believed, once it can be heard.
func TestLateAnswerEndsDoubt(t *testing.T) {
	t.Parallel()
	var deaf atomic.Bool
	b := devicestest.NewBroker()
	b.Fault = func(_ string, m devices.Message) []devices.Message {
		if deaf.Load() && m.Topic == devices.Topic("lab", "doser-1", devices.LeafEv) {
			return nil
		}
		return []devices.Message{m}
	}
	s := newSite(t, b.Dial)
	gate := make(chan struct{})
	s.device("doser-1", nil, func(*sdk.Device, string) { <-gate })
	c := s.command("doser-1", "manual", 1)
	c.Deadline = time.Now().UTC().Add(700 * time.Millisecond).Truncate(time.Millisecond)
	c.TimeoutS = 0
	s.dispatch(c)
	s.reached(c, lab.CommandRunning)
	deaf.Store(true)
	close(gate)
	s.ended(c, lab.CommandInDoubt)
	deaf.Store(false)
	if _, err := s.completer.Await(s.patience(), c.ID, func(r lab.Result) bool { return r.State == lab.CommandDone }); err != nil {
		t.Errorf("the doubt was not ended by the device: %v", err)
	}
	if n := s.world.seen(c.ID.UUID() + " poured"); n != 1 {
		t.Errorf("poured %d times; want once", n)
	}
}

// TestDeadDeviceIsSeen kills a device and wants it lost, and back with its next
// start, within 3 s each.
func TestDeadDeviceIsSeen(t *testing.T) {
	t.Parallel()
	buses(t, func(t *testing.T, dial devices.Dialer) {
		s := newSite(t, dial)
		first := s.device("doser-1", nil, nil)
		s.awaitOp("doser-1", "idle", 1)
		since := time.Now()
		first.Kill()
		conn := func(state string, boot int64) {
			t.Helper()
			d, err := s.fleet.Await(s.patience(), "doser-1", func(d lab.Device) bool { return d.Conn == state && d.Boot == boot })
			if took := time.Since(since); err != nil || took > 3*time.Second {
				t.Errorf("device is %s at boot %d after %s; want %s at %d within 3 s", d.Conn, d.Boot, took, state, boot)
			}
		}
		conn(devices.Lost, 1)
		devicestest.Wait(t, first.done, "the death of the device")
		since = time.Now()
		second := s.device("doser-1", nil, nil)
		conn(devices.Online, 2)
		since = time.Now()
		second.end()
		conn(devices.Offline, 2)
	})
}

// TestDoubtAtDeadline wants a command to a device that never answers in doubt
// at its deadline.
func TestDoubtAtDeadline(t *testing.T) {
	t.Parallel()
	buses(t, func(t *testing.T, dial devices.Dialer) {
		s := newSite(t, dial)
		c := s.command("doser-1", "manual", 1)
		c.Deadline = time.Now().UTC().Add(400 * time.Millisecond).Truncate(time.Millisecond)
		s.dispatch(c)
		if r := s.ended(c, lab.CommandInDoubt); r.Effect != lab.EffectUnknown || r.Error == "" {
			t.Errorf("doubt = %q, effect %s; want why, unknown", r.Error, r.Effect)
		}
	})
}

// TestGatewayTakesUpWhatAnotherLeft kills the gateway that sent a command, and
// wants another to tell its end.
func TestGatewayTakesUpWhatAnotherLeft(t *testing.T) {
	t.Parallel()
	buses(t, func(t *testing.T, dial devices.Dialer) {
		s := newSite(t, dial)
		gate := make(chan struct{})
		s.device("doser-1", nil, func(*sdk.Device, string) { <-gate })
		dying, end := s.gateway()
		c := s.command("doser-1", "manual", 1)
		if _, err := dying.Dispatch(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		s.reached(c, lab.CommandRunning)
		end()
		close(gate)
		s.ended(c, lab.CommandDone)
		if n := s.world.seen(c.ID.UUID() + " poured"); n != 1 {
			t.Errorf("poured %d times; want once", n)
		}
	})
}

// TestTwoGateways sends commands through two gateways at once and wants each
// done once.
func TestTwoGateways(t *testing.T) {
	t.Parallel()
	buses(t, func(t *testing.T, dial devices.Dialer) {
		s := newSite(t, dial)
		other, _ := s.gateway()
		const commands = 40
		var all []lab.Command
		for n := range commands {
			device := []string{"doser-1", "doser-2", "doser-3", "doser-4"}[n%4]
			if n < 4 {
				s.device(device, nil, nil)
			}
			c := s.command(device, "manual", n+1)
			c.Epoch = int64(n/4 + 1) // a newer holder each time
			if n >= 4 {
				s.ended(all[n-4], lab.CommandDone)
			}
			g := []func(context.Context, lab.Command) (*lab.Result, error){s.g.Dispatch, other.Dispatch}[n%2]
			if _, err := g(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			all = append(all, c)
		}
		for _, c := range all {
			s.ended(c, lab.CommandDone)
			if n := s.world.seen(c.ID.UUID() + " poured"); n != 1 {
				t.Errorf("poured %d times; want once", n)
			}
		}
	})
}

// TestCompleterIsToldUntilItListens wants an end told again after a failure.
func TestCompleterIsToldUntilItListens(t *testing.T) {
	t.Parallel()
	s := newSite(t, devicestest.NewBroker().Dial)
	deaf := 3
	s.completer.Refuse = func(lab.Result) error {
		if deaf > 0 {
			deaf--
			return errors.New("deaf")
		}
		return nil
	}
	s.device("doser-1", nil, nil)
	c := s.command("doser-1", "manual", 1)
	s.dispatch(c)
	s.ended(c, lab.CommandDone)
}

// TestBrokerRestartMidCommand takes the broker away while a command runs, and
// wants its end to arrive when it is back.
func TestBrokerRestartMidCommand(t *testing.T) {
	t.Parallel()
	run := func(t *testing.T, dial devices.Dialer, stop, start func()) {
		s := newSite(t, dial)
		gate := make(chan struct{})
		s.device("doser-1", nil, func(*sdk.Device, string) { <-gate })
		c := s.command("doser-1", "manual", 1)
		s.dispatch(c)
		s.reached(c, lab.CommandRunning)
		stop()
		close(gate)
		start()
		s.ended(c, lab.CommandDone)
		if n := s.world.seen(c.ID.UUID() + " poured"); n != 1 {
			t.Errorf("poured %d times; want once", n)
		}
	}
	t.Run("Memory", func(t *testing.T) {
		t.Parallel()
		b := devicestest.NewBroker()
		run(t, b.Dial, b.Stop, b.Start)
	})
	t.Run("MQTT", func(t *testing.T) {
		t.Parallel()
		b := mqtttest.Start(t)
		run(t, mqtt.Dialer(b.Options()), b.Stop, b.Start)
	})
}
