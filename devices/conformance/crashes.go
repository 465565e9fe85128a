package conformance

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/lab"
)

// slowly is how much more patience the start of a process gets, and the end of
// a command that a crash interrupted: with the usual one, 30 s.
const slowly = 6

// crashes are the checks of a device whose process dies.
var crashes = []Check{
	{Name: "crash.will", Title: "the last will says lost, with the boot of the process that died", Needs: "L", run: func(ctx context.Context, b *bench) error {
		b.mu.Lock()
		boot := b.conn.Boot
		b.mu.Unlock()
		if err := b.kill(); err != nil {
			return err
		}
		err := b.until(ctx, slowly*b.cfg.Patience, "conn lost", func() bool { return b.conn.State == devices.Lost && b.conn.Boot == boot })
		if again := b.start(ctx); err == nil {
			err = again
		}
		return err
	}},
	{Name: "crash.boot", Title: "each start has the next boot, in conn, state and events", Needs: "L", run: func(ctx context.Context, b *bench) error {
		b.mu.Lock()
		before := b.conn.Boot
		b.mu.Unlock()
		if err := b.crash(ctx); err != nil {
			return err
		}
		b.mu.Lock()
		boot, state := b.conn.Boot, b.last().Boot
		b.mu.Unlock()
		if boot != before+1 || state != boot {
			return fmt.Errorf("after boot %d, conn has %d and the state %d; want %d", before, boot, state, before+1)
		}
		if err := b.ready(ctx); err != nil {
			return err
		}
		e, _, err := b.one(ctx)
		if err == nil && e.Boot != boot {
			err = fmt.Errorf("an event has boot %d; want %d", e.Boot, boot)
		}
		return err
	}},
	{Name: "crash.dedup", Title: "a command that was done before a crash is answered, and not done again", Needs: "L", run: func(ctx context.Context, b *bench) error {
		_, o, err := b.one(ctx)
		if err != nil {
			return err
		}
		return b.remembered(ctx, o, lab.CommandDone)
	}},
	{Name: "crash.refused", Title: "a command that was refused for good stays refused after a crash", Needs: "L", run: func(ctx context.Context, b *bench) error {
		q, err := b.quick()
		if err != nil {
			return err
		}
		o := b.order(q.action.Name, q.params, fields{"after": []string{b.new()}})
		if err := b.refuse(ctx, o, devices.DependencyFailed); err != nil {
			return err
		}
		return b.remembered(ctx, o, lab.CommandRejected)
	}},
	{Name: "crash.cancelled", Title: "a command that was cancelled before it came stays so after a crash", Needs: "L", run: func(ctx context.Context, b *bench) error {
		q, err := b.quick()
		if err != nil {
			return err
		}
		o := b.order(q.action.Name, q.params, nil)
		if err := b.ctl(ctx, fields{"op": "cancel", "target": o.id}); err != nil {
			return err
		}
		if _, err := b.await(ctx, o.id, "cancelled", 1, is(lab.CommandCancelled)); err != nil {
			return err
		}
		return b.remembered(ctx, o, lab.CommandCancelled)
	}},
	{Name: "crash.epoch", Title: "the highest epoch survives a crash", Needs: "L", run: func(ctx context.Context, b *bench) error {
		if err := b.advance(ctx); err != nil {
			return err
		}
		if err := b.crash(ctx); err != nil {
			return err
		}
		if err := b.ctl(ctx, fields{"op": "lease", "epoch": b.epoch - 1, "holder": b.id, "ttl_s": 60}); err != nil {
			return err
		}
		return b.with(ctx, fields{"epoch": b.epoch - 1}, devices.StaleEpoch)
	}},
	{Name: "crash.stopped", Title: "a stopped device is stopped after a crash", Needs: "C", run: func(ctx context.Context, b *bench) error {
		return b.whileStopped(ctx, func() error {
			if err := b.op(ctx, "stopped"); err != nil {
				return err
			}
			if err := b.crash(ctx); err != nil {
				return err
			}
			return b.op(ctx, "stopped")
		})
	}},
	{Name: "crash.labstop", Title: "a device that joins while the lab's stop is latched is stopped", Needs: "C", run: func(ctx context.Context, b *bench) error {
		if err := b.kill(); err != nil {
			return err
		}
		return b.whileLatched(ctx, func() error {
			if err := b.start(ctx); err != nil {
				return err
			}
			if err := b.op(ctx, "stopped"); err != nil {
				return err
			}
			if err := b.lease(ctx, 60); err != nil {
				return err
			}
			b.beat(0)
			return b.with(ctx, nil, devices.Interlock)
		})
	}},
	{Name: "crash.no-time", Title: "a device that knows no time refuses what expires, and takes the same bytes after a beat", Needs: "L", run: checkNoTime},
	{Name: "crash.beat-time", Title: "the time of commands is that of the beats, whatever the device's clock says", Needs: "L", run: checkBeatTime},
	{Name: "crash.recent", Title: "the state after a crash mentions what ended before", Needs: "L", run: func(ctx context.Context, b *bench) error {
		_, o, err := b.one(ctx)
		if err != nil {
			return err
		}
		if err := b.crash(ctx); err != nil {
			return err
		}
		return b.soon(ctx, "the ended command among recent", func() bool {
			return slices.Contains(b.last().Recent, devices.Recent{ID: o.id, State: lab.CommandDone})
		})
	}},
	{Name: "crash.retained-command", Title: "a retained command moves nothing", Needs: "C", run: checkRetainedCommand},
	{Name: "crash.resume", Title: "a command that resumes goes on after SIGKILL and is done", Needs: "L", run: recovers(devices.Resume, lab.CommandDone)},
	{Name: "crash.repeat", Title: "a command that repeats runs again after SIGKILL and is done", Needs: "L", run: recovers(devices.Repeat, lab.CommandDone)},
	{Name: "crash.probe", Title: "after SIGKILL the device looks, and says done, failed or in doubt", Needs: "L", run: recovers(devices.Probe, lab.CommandDone, lab.CommandFailed, lab.CommandInDoubt)},
	{Name: "crash.manual", Title: "a command that nobody can look at is in doubt after SIGKILL, and a person's word ends that", Needs: "L", run: func(ctx context.Context, b *bench) error {
		o, err := b.killed(ctx, devices.Manual)
		if err != nil {
			return err
		}
		e, err := b.await(ctx, o.id, "the end", 1, ended)
		if err != nil {
			return err
		}
		if e.State != lab.CommandInDoubt || e.Code != devices.PowerLoss {
			return fmt.Errorf("it ended %s; want in_doubt power_loss", brief(e))
		}
		if err := b.ctl(ctx, fields{"op": "resolve", "target": o.id, "outcome": "failed", "by": "conformance", "reason": "none"}); err != nil {
			return err
		}
		e, err = b.await(ctx, o.id, "failed, by a person", 1, is(lab.CommandFailed))
		if err == nil && e.By != "conformance" {
			err = fmt.Errorf("the end after a person's word is by %q; want conformance", e.By)
		}
		return err
	}},
	{Name: "crash.finishes-once", Title: "a command that a crash interrupted is answered from then on, and not run again", Needs: "L", run: func(ctx context.Context, b *bench) error {
		o, err := b.killed(ctx)
		if err != nil {
			return err
		}
		e, err := b.finish(ctx, o)
		if err != nil {
			return err
		}
		if err := b.send(ctx, o); err != nil {
			return err
		}
		again, err := b.await(ctx, o.id, "the end again (dup)", 1, func(e heardEvent) bool { return e.Dup && e.State.Terminal() })
		if err == nil && (again.State != e.State || again.Effect != e.Effect) {
			err = fmt.Errorf("it ended %s, and a resend was answered %s", brief(e), brief(again))
		}
		return err
	}},
}

// kill kills the device's process.
func (b *bench) kill() error {
	if b.cfg.Process == nil {
		return skip("the kit was not told how to start the device's process")
	}
	return b.cfg.Process.Kill()
}

// start starts the device's process and waits until it is online anew.
func (b *bench) start(ctx context.Context) error {
	b.mu.Lock()
	boot := b.conn.Boot
	b.mu.Unlock()
	if err := b.cfg.Process.Start(); err != nil {
		return err
	}
	return b.until(ctx, slowly*b.cfg.Patience, "the device to be online with the next boot", func() bool {
		return b.conn.State == devices.Online && b.conn.Boot > boot && b.last().Boot == b.conn.Boot
	})
}

// crash kills the device's process and starts it again.
func (b *bench) crash(ctx context.Context) error {
	if err := b.kill(); err != nil {
		return err
	}
	return b.start(ctx)
}

// remembered wants a command that has ended to be answered alike after a crash.
func (b *bench) remembered(ctx context.Context, o order, state lab.CommandState) error {
	if err := b.crash(ctx); err != nil {
		return err
	}
	if err := b.lease(ctx, 60); err != nil {
		return err
	}
	b.beat(0)
	if err := b.send(ctx, o); err != nil {
		return err
	}
	b.mu.Lock()
	boot := b.conn.Boot
	b.mu.Unlock()
	e, err := b.await(ctx, o.id, "an answer after the crash", 1, func(e heardEvent) bool { return e.Boot == boot })
	if err == nil && (!e.Dup || e.State != state) {
		err = fmt.Errorf("after the crash it was answered %s; want %s (dup)", brief(e), state)
	}
	return err
}

// killed has the device die in the middle of a long command, and start again.
func (b *bench) killed(ctx context.Context, classes ...devices.Recovery) (order, error) {
	if b.cfg.Process == nil {
		return order{}, b.kill()
	}
	o, _, err := b.begin(ctx, classes...)
	if err != nil {
		return o, err
	}
	return o, b.crash(ctx)
}

// finish waits for the end of a long command.
func (b *bench) finish(ctx context.Context, o order) (heardEvent, error) {
	var end heardEvent
	err := b.until(ctx, slowly*b.cfg.Patience, "the end of command "+o.id+" that the crash interrupted", func() bool {
		for _, e := range b.all(o.id) {
			if e.State.Terminal() {
				end = e
				return true
			}
		}
		return false
	})
	return end, err
}

func recovers(class devices.Recovery, ends ...lab.CommandState) func(context.Context, *bench) error {
	return func(ctx context.Context, b *bench) error {
		o, err := b.killed(ctx, class)
		if err != nil {
			return err
		}
		e, err := b.finish(ctx, o)
		if err == nil && !slices.Contains(ends, e.State) {
			err = fmt.Errorf("it ended %s; want one of %v", brief(e), ends)
		}
		return err
	}
}

// newborn restarts the device without a beat, and returns a command for it.
func (b *bench) newborn(ctx context.Context) error {
	b.hush(true)
	if err := pause(ctx, beatEvery/5); err != nil { // a beat on its way
		return err
	}
	if err := b.crash(ctx); err != nil {
		return err
	}
	return b.lease(ctx, 60)
}

func checkNoTime(ctx context.Context, b *bench) error {
	q, err := b.quick()
	if err != nil {
		return err
	}
	if err := b.newborn(ctx); err != nil {
		return err
	}
	if c := b.state().Clock; c != nil && (c.Source == "ntp" || c.Source == "ptp") {
		return skip("the device keeps the time itself, by %s", c.Source)
	}
	o := b.order(q.action.Name, q.params, nil)
	if err := b.refuse(ctx, o, devices.NoTime); err != nil {
		return err
	}
	b.beat(0)
	for range 20 {
		if err := b.send(ctx, o); err != nil {
			return err
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return err
		}
		if slices.Contains(b.said(o.id), lab.CommandAccepted) {
			_, err := b.await(ctx, o.id, "done", 1, is(lab.CommandDone))
			return err
		}
	}
	return fmt.Errorf("after the beat it went through %v; want it done", b.said(o.id))
}

func checkBeatTime(ctx context.Context, b *bench) error {
	q, err := b.quick()
	if err != nil {
		return err
	}
	if err := b.newborn(ctx); err != nil {
		return err
	}
	const behind = -time.Hour
	told := func() bool {
		c := b.state().Clock
		return c != nil && c.Source == "beat" && c.OffsetMS < -3.5e6
	}
	for until := time.Now().Add(b.cfg.Patience); !told(); {
		if time.Now().After(until) {
			return fmt.Errorf("after beats of an hour ago, the state's clock is %+v; want it by the beat, an hour behind", b.state().Clock)
		}
		b.beat(behind) // again, as one may be lost
		if err := b.ctl(ctx, fields{"op": "status"}); err != nil {
			return err
		}
		if err := pause(ctx, stateEvery); err != nil {
			return err
		}
	}
	if err := b.refuse(ctx, b.order(q.action.Name, q.params, fields{"expires": time.Now().Add(behind - time.Minute).UTC()}), devices.Expired); err != nil {
		return err
	}
	_, err = b.done(ctx, b.order(q.action.Name, q.params, fields{"expires": time.Now().Add(behind + 30*time.Minute).UTC()}))
	return err
}

func checkRetainedCommand(ctx context.Context, b *bench) error {
	q, err := b.quick()
	if err != nil {
		return err
	}
	if err := b.kill(); err != nil {
		return err
	}
	topic := devices.Topic(b.cfg.Lab, b.cfg.Device, devices.LeafCmd)
	// The epoch is the next one: whoever leases before it looks at retained
	// messages would take the command.
	b.epoch++
	o := b.order(q.action.Name, q.params, nil)
	if err := b.bus.Publish(ctx, devices.Message{Topic: topic, Payload: o.body, QoS: 1, Retain: true}); err != nil {
		return err
	}
	err = b.start(ctx)
	if back := b.bus.Publish(ctx, devices.Message{Topic: topic, QoS: 1, Retain: true}); err == nil {
		err = back
	}
	if err == nil {
		_, err = b.fence(ctx)
	}
	if err != nil {
		return err
	}
	if said := b.said(o.id); slices.Contains(said, lab.CommandAccepted) {
		return fmt.Errorf("the retained command went through %v; want it passed over", said)
	}
	return nil
}
