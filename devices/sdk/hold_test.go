package sdk_test

import (
	"errors"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/devices/devicestest"
	"github.com/athanor-lab/athanor/devices/sdk"
	"github.com/athanor-lab/athanor/lab"
)

// steps registers a command that takes steps until the gate is shut, and says
// of each that it moved.
func steps(b *bench, opts ...sdk.Option) func(*sdk.Device) {
	return func(d *sdk.Device) {
		sdk.Handle(d, "steps", func(c *sdk.Ctx, _ struct{}) (struct{}, error) {
			for {
				b.moved <- c.CommandID()
				select {
				case <-b.gate:
					return struct{}{}, nil
				default:
				}
				if err := c.Sleep(2 * time.Millisecond); err != nil {
					return struct{}{}, err
				}
			}
		}, append([]sdk.Option{sdk.Repeat}, opts...)...)
	}
}

// still wants a command to take no more steps.
func (b *bench) still(id string) {
	b.t.Helper()
	b.moves()
	select {
	case <-b.moved:
		b.t.Errorf("%s moved while it was to stand still", id)
	case <-time.After(20 * time.Millisecond): // ten of its steps
	}
}

func (b *bench) resume(target string, epoch int) {
	b.t.Helper()
	if target != "" {
		target = `"target":"` + target + `",`
	}
	b.ctl(`{"id":"r","op":"resume",` + target + `"epoch":` + string(rune('0'+epoch)) + `}`)
}

// TestPauseHoldsACommand pauses a command in the middle, over a restart too,
// and wants it to stand still, and to go on by the lease's epoch only.
func TestPauseHoldsACommand(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.with = steps(b, sdk.Pausable)
	b.start()
	b.lease(1)
	b.do("a", "steps", `{}`)
	b.event("a", lab.CommandRunning, 1)
	b.ctl(`{"id":"p","op":"pause","target":"a"}`)
	b.event("a", lab.CommandPaused, 1)
	b.still("a")
	b.state("paused", func(s devices.State) bool { return s.Op == "paused" && s.Active[0].State == lab.CommandPaused })

	b.restart()
	b.event("a", lab.CommandPaused, 2)
	b.still("a")
	b.resume("a", 1) // nobody has leased it since
	b.lease(1)
	b.resume("a", 2)
	b.still("a")
	b.resume("a", 1)
	b.event("a", lab.CommandRunning, 2)
	close(b.gate)
	b.event("a", lab.CommandDone, 1)
}

// TestPausedDevice holds what can be paused, lets a reading through and nothing
// else begin, and goes on when it is resumed.
func TestPausedDevice(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.with = steps(b, sdk.Pausable)
	b.start()
	b.lease(1)
	b.do("a", "steps", `{}`)
	b.event("a", lab.CommandRunning, 1)
	b.ctl(`{"id":"p","op":"pause","by":"ada"}`)
	b.event("a", lab.CommandPaused, 1)
	b.do("look", "look", `{}`)
	b.event("look", lab.CommandDone, 1)
	b.send(devices.LeafCmd, cmd("b", "home", `{}`, `"after":["a"],`))
	if e := b.event("b", lab.CommandRejected, 1); e.Code != devices.Busy || !e.Retryable {
		t.Errorf("refusal = %+v; want busy, to be sent again", e)
	}
	b.ctl(`{"id":"c","op":"cancel","target":"a"}`)
	b.event("a", lab.CommandCancelled, 1)
	b.state("a pause without work", func(s devices.State) bool { return s.Op == "paused" && len(s.Active) == 0 })
	b.restart()
	b.state("the pause over a restart", func(s devices.State) bool { return s.Boot == 2 && s.Op == "paused" })
	b.ctl(`{"id":"r","op":"resume","by":"ada"}`) // nothing moves by it, so it needs no lease
	b.state("idle", func(s devices.State) bool { return s.Boot == 2 && s.Op == "idle" })
}

// TestPauseOfWhatCannot wants a command that cannot be paused to go on, one
// that waits to begin after the pause, and ended ones to be answered.
func TestPauseOfWhatCannot(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.start()
	b.lease(1)
	b.do("a", "wait", `{}`)
	b.event("a", lab.CommandRunning, 1)
	b.send(devices.LeafCmd, cmd("b", "home", `{}`, `"after":["a"],`))
	b.event("b", lab.CommandAccepted, 1)
	b.ctl(`{"id":"p","op":"pause","target":"a"}`)
	b.ctl(`{"id":"q","op":"pause","target":"b"}`)
	b.event("b", lab.CommandPaused, 1)
	close(b.gate)
	b.event("a", lab.CommandDone, 1)
	if got := b.said("a"); slices.Contains(got, lab.CommandPaused) {
		t.Errorf("a said %v; it cannot be paused", got)
	}
	if got := b.said("b"); slices.Contains(got, lab.CommandRunning) {
		t.Errorf("b said %v; want it paused", got)
	}
	b.resume("b", 1)
	b.event("b", lab.CommandDone, 1)
	b.ctl(`{"id":"p2","op":"pause","target":"b"}`)
	b.event("b", lab.CommandDone, 2)
	b.ctl(`{"id":"p3","op":"pause","target":"nobody"}`)
	if got := b.moves(); got["b"] != 1 {
		t.Errorf("moves = %v; want b once", got)
	}
}

// TestPausedTimeIsNoRunningTime pauses a command beyond its timeout.
func TestPausedTimeIsNoRunningTime(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.with = steps(b, sdk.Pausable)
	b.start()
	b.lease(1)
	b.send(devices.LeafCmd, cmd("a", "steps", `{}`, `"timeout_s":2,`))
	b.event("a", lab.CommandRunning, 1)
	b.ctl(`{"id":"p","op":"pause","target":"a"}`)
	b.event("a", lab.CommandPaused, 1)
	time.Sleep(2200 * time.Millisecond) // longer than the timeout: the time is the point
	b.resume("a", 1)
	b.event("a", lab.CommandRunning, 2)
	if e := b.event("a", lab.CommandFailed, 1); e.Code != devices.Timeout {
		t.Errorf("end = %+v; want timeout, once it ran for long enough", e)
	}
}

// TestWatchdog leaves the device alone at commands of every orphan rule.
func TestWatchdog(t *testing.T) {
	t.Parallel()
	const after = 150 * time.Millisecond
	for name, c := range map[string]struct {
		rule string
		want lab.CommandState // at once
		op   string
	}{
		"Stop":   {sdk.OrphanStop, lab.CommandFailed, "safe"},
		"Pause":  {sdk.OrphanPause, lab.CommandPaused, "paused"},
		"Finish": {sdk.OrphanFinish, lab.CommandRunning, "busy"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.with = steps(b, sdk.Orphan(c.rule, after))
			b.start()
			b.lease(1)
			since := time.Now()
			b.do("a", "steps", `{}`)
			b.event("a", lab.CommandRunning, 1)
			e := b.event("a", c.want, 1)
			took := time.Since(since)
			if c.rule == sdk.OrphanStop && (e.Code != devices.Orphaned || e.Effect != lab.EffectPartial || !e.Retryable) {
				t.Errorf("end = %+v; want orphaned, partial, retryable", e)
			}
			if c.rule != sdk.OrphanFinish && took < after {
				t.Errorf("the watchdog acted after %v; want not before %v", took, after)
			}
			if c.rule == sdk.OrphanFinish {
				b.refused("x", after) // it takes nothing now
				close(b.gate)
				b.event("a", lab.CommandDone, 1)
				c.op = "safe"
			}
			b.state(c.op+" without a laboratory", func(s devices.State) bool { return s.Op == c.op })
			b.refused("y", 0)
			b.beat()
			if c.rule == sdk.OrphanPause {
				b.event("a", lab.CommandRunning, 2)
				close(b.gate)
				b.event("a", lab.CommandDone, 1)
			}
			b.do("z", "home", `{}`)
			b.event("z", lab.CommandDone, 1)
			b.state("idle", func(s devices.State) bool { return s.Op == "idle" && len(s.Recent) > 1 })
		})
	}
}

// refused sends commands until one is refused for the silence.
func (b *bench) refused(prefix string, patience time.Duration) {
	b.t.Helper()
	late := time.Now().Add(patience + devicestest.Patience)
	for i := 0; time.Now().Before(late); i++ {
		id := prefix + string(rune('a'+i%26)) + string(rune('a'+i/26%26))
		b.do(id, "look", `{}`)
		if e := b.first(id); e.State == lab.CommandRejected && e.Code == devices.NoLease {
			return
		}
		time.Sleep(patience / 10) // the watchdog's own time
	}
	b.t.Fatal("the device takes commands without a laboratory")
}

// first waits for the first word on a command.
func (b *bench) first(id string) devices.Event {
	b.t.Helper()
	return until(b, "a word on "+id, func() (devices.Event, bool) {
		for _, e := range b.events {
			if e.ID == id {
				return e, true
			}
		}
		return devices.Event{}, false
	})
}

// TestBeatOfOthersFeedsNobody keeps beating as somebody who does not hold the
// device.
func TestBeatOfOthersFeedsNobody(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.with = steps(b, sdk.Orphan(sdk.OrphanStop, 100*time.Millisecond))
	b.start()
	b.lease(1)
	b.do("a", "steps", `{}`)
	b.event("a", lab.CommandRunning, 1)
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(10 * time.Millisecond):
				beat := `{"ts":"` + time.Now().UTC().Format(time.RFC3339Nano) + `","seq":1,"orc":"stranger"}`
				_ = b.bus.Publish(t.Context(), devices.Message{Topic: devices.BeatTopic("lab", "main"), Payload: []byte(beat)}) // one more comes
			}
		}
	}()
	if e := b.event("a", lab.CommandFailed, 1); e.Code != devices.Orphaned {
		t.Errorf("end = %+v; want orphaned", e)
	}
}

// TestSupplies refuses what lacks a calibration or a consumable, remembers what
// was used over a restart, and names the calibration that was in force.
func TestSupplies(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.with = func(d *sdk.Device) {
		d.SetCalibration(devices.CalibrationState{Name: "scale", Status: devices.CalibrationValid, Certificate: "K-7", Due: time.Now().Add(time.Hour)})
		d.Supply(devices.Supply{Name: "tips", Unit: "1", Level: 2, Low: 1, Lot: "L1"})
		sdk.Handle(d, "dose", func(c *sdk.Ctx, _ struct{}) (struct{}, error) {
			b.moved <- c.CommandID()
			return struct{}{}, errors.Join(c.Use("tips", 1))
		}, sdk.Repeat, sdk.NeedCalibration("scale"), sdk.Need("tips", 1))
	}
	b.start()
	b.lease(1)
	b.do("a", "dose", `{}`)
	if e := b.event("a", lab.CommandDone, 1); !cmp.Equal(e.Calibration, []string{"K-7"}) {
		t.Errorf("calibration in force = %v; want K-7", e.Calibration)
	}
	b.restart()
	b.lease(1)
	b.do("b", "dose", `{}`)
	b.event("b", lab.CommandDone, 1)
	b.do("c", "dose", `{}`)
	if e := b.event("c", lab.CommandRejected, 1); e.Code != devices.Consumable {
		t.Errorf("refusal = %+v; want consumable", e)
	}
	b.state("no tips", func(s devices.State) bool { return len(s.Consumables) == 1 && s.Consumables[0].Level == 0 })
	b.device.Supply(devices.Supply{Name: "tips", Unit: "1", Level: 96, Lot: "L2"})
	b.device.SetCalibration(devices.CalibrationState{Name: "scale", Status: devices.CalibrationValid, Due: time.Now().Add(-time.Hour)})
	b.do("d", "dose", `{}`)
	if e := b.event("d", lab.CommandRejected, 1); e.Code != devices.Calibration {
		t.Errorf("refusal = %+v; want calibration", e)
	}
	b.device.SetCalibration(devices.CalibrationState{Name: "scale", Status: devices.CalibrationDue})
	b.do("e", "dose", `{}`)
	b.event("e", lab.CommandDone, 1)
	if got := b.moves(); got["a"] != 1 || got["b"] != 1 || got["c"] != 0 || got["d"] != 0 || got["e"] != 1 {
		t.Errorf("moves = %v; want a, b and e once each", got)
	}
}

// slowDisk is a journal's disk that can be held.
type slowDisk struct {
	*os.File
	mu sync.Mutex
}

func (d *slowDisk) Sync() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.File.Sync()
}

// TestNothingIsSaidThatACrashWouldUndo holds the disk while a command is
// paused, and while the device is stopped. It must stand still at once and not
// say so before it is written down: the next process would know nothing of it.
func TestNothingIsSaidThatACrashWouldUndo(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.with = steps(b, sdk.Pausable)
	disk := new(slowDisk)
	b.start(func(c *sdk.Config) {
		c.Disk = func(f *os.File) sdk.Disk { disk.File = f; return disk }
	})
	b.lease(1)
	b.do("a", "steps", `{}`)
	b.event("a", lab.CommandRunning, 1)

	disk.mu.Lock()
	b.ctl(`{"id":"p","op":"pause","target":"a"}`)
	until(b, "the step under way", func() (bool, bool) { return true, len(b.moved) > 0 })
	time.Sleep(20 * time.Millisecond)
	b.still("a")
	if got := b.said("a"); slices.Contains(got, lab.CommandPaused) {
		t.Errorf("a said %v while the disk had nothing of it", got)
	}
	disk.mu.Unlock()
	b.event("a", lab.CommandPaused, 1)

	disk.mu.Lock()
	b.ctl(`{"id":"s","op":"stop","by":"ada"}`)
	time.Sleep(250 * time.Millisecond) // two states could have come
	b.mu.Lock()
	for _, s := range b.states {
		if s.Op == "stopped" {
			t.Errorf("a state said stopped while the disk had nothing of it")
		}
	}
	b.mu.Unlock()
	disk.mu.Unlock()
	b.event("a", lab.CommandAborted, 1)
	b.state("stopped", func(s devices.State) bool { return s.Op == "stopped" })
}
