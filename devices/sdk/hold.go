package sdk

import (
	"context"
	"errors"
	"time"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/lab"
)

// errPaused interrupts a sleep, not the command.
var errPaused = errors.New("the command is paused")

// Hold waits while the command is paused. [Ctx.Sleep] does so by itself; a
// [Pausable] function that works without sleeping calls it where it can stand
// still. It returns an error when the command is to end.
func (c *Ctx) Hold() error {
	_, err := c.going(true)
	return err
}

// going returns a context that is done as soon as the command is paused or to
// end. It waits while the command is paused, and says so when tell is set.
func (c *Ctx) going(tell bool) (context.Context, error) {
	for {
		c.d.mu.Lock()
		e := c.e
		paused := c.pausable && c.d.onHold(e) && c.Err() == nil
		switch {
		case tell && paused && c.d.writing == 0 && e.event.State == lab.CommandRunning:
			c.d.say(e, devices.Event{State: lab.CommandPaused, Progress: e.progress})
		case tell && !paused && e.event.State == lab.CommandPaused && c.Err() == nil && e.final == nil:
			c.d.say(e, devices.Event{State: lab.CommandRunning, Progress: e.progress})
		}
		if !paused && (e.going == nil || e.going.Err() != nil) {
			e.going, e.stall = context.WithCancelCause(c.Context) //nolint:fatcontext // of what is not paused any more, beside the one before
		}
		going, changed := e.going, c.d.changed
		c.d.mu.Unlock()
		if !paused {
			return going, context.Cause(c.Context)
		}
		select {
		case <-changed:
		case <-c.Done():
		}
	}
}

// sleep waits for dur of the driver's time, paused time not counted.
func (c *Ctx) sleep(dur time.Duration, tell bool) error {
	for {
		going, err := c.going(tell)
		if err != nil {
			return err
		}
		began := c.Now()
		err = c.d.cfg.Clock.Sleep(going, dur)
		if err == nil || c.Err() != nil {
			return err
		}
		dur -= c.Now().Sub(began)
	}
}

// onHold reports whether e is not to go on now.
func (d *Device) onHold(e *entry) bool {
	return e.paused || e.held || d.paused && !(e.action != nil && e.action.alongside)
}

// turn makes everybody look again at whether they are paused.
func (d *Device) turn(es ...*entry) {
	close(d.changed)
	d.changed = make(chan struct{})
	for _, e := range es {
		if e.stall != nil && d.onHold(e) && e.action != nil && e.action.Pausable {
			e.stall(errPaused)
		}
	}
}

// onPause holds a command, or the device: nothing begins then, and what can be
// paused is. It needs no lease, as stopping does not. Standing still comes
// first, writing it down second, and saying so last: who hears that a command is
// paused relies on it over a crash.
func (d *Device) onPause(ctl devices.Ctl) {
	d.mu.Lock()
	e := d.entries[ctl.Target]
	var place uint64
	switch {
	case ctl.Target == "" && !d.paused:
		d.paused = true
		place = d.note(record{T: recPause})
		d.turn(d.pending()...)
	case ctl.Target == "":
	case e == nil:
		d.log.Warn("pause ignored: the command is not known", "command_id", ctl.Target)
	case e.paused || e.event.State.Terminal() || e.final != nil || e.started && !e.action.Pausable || !e.accepted:
		d.repeat(e) // what it is says whether it is paused
	default:
		e.paused = true
		place = d.note(record{T: recPause, ID: e.id})
		d.turn(e)
	}
	d.out.changed()
	d.mu.Unlock()
	if place == 0 || !d.written(place, "pause") {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if e != nil && e.paused && !e.started && e.final == nil {
		d.say(e, devices.Event{State: lab.CommandPaused})
	}
	d.turn() // what stands still says so
}

// note begins to write down what is in force already. Until [Device.written]
// the device does not say that it is so: a crash would undo it.
func (d *Device) note(r record) (place uint64) {
	d.writing++
	return d.journal.append(r)
}

// written waits until what was noted is on the disk, and reports it. When the
// disk fails it is never said, and the device's state is fault.
func (d *Device) written(place uint64, what string) bool {
	if err := d.journal.sync(place); err != nil {
		d.log.Error("not written down", "what", what, "err", err)
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.writing--
	d.out.changed()
	return true
}

// onResume lets a command or the device go on. Where something would move by
// it, it needs the epoch of the lease.
func (d *Device) onResume(ctl devices.Ctl) {
	d.mu.Lock()
	e := d.entries[ctl.Target]
	moves := ctl.Target == "" && len(d.at()) > 0 || e != nil && e.paused
	if ctl.Target == "" && !d.paused || ctl.Target != "" && (e == nil || !e.paused) || moves && (!d.leased() || ctl.Epoch != d.lease.Epoch) {
		d.log.Info("resume ignored: nothing is paused, or its epoch has no lease", "command_id", ctl.Target, "epoch", ctl.Epoch)
		if e != nil {
			d.repeat(e)
		}
		d.out.changed()
		d.mu.Unlock()
		return
	}
	place := d.journal.append(record{T: recResume, ID: ctl.Target})
	d.mu.Unlock()
	if d.journal.sync(place) != nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if ctl.Target == "" {
		d.paused = false
	} else {
		e.paused = false
		if !e.started && e.final == nil && !d.onHold(e) {
			d.say(e, devices.Event{State: lab.CommandAccepted})
		}
	}
	d.turn()
	d.next()
	d.out.changed()
}

// watch is the watchdog of a command: when the laboratory is silent for longer
// than its action bears, the device does what the action says.
func (d *Device) watch(ctx context.Context, e *entry, a *action) {
	after := time.Duration(a.OrphanAfterS * float64(time.Second))
	began := time.Now()
	for ctx.Err() == nil {
		d.mu.Lock()
		since := d.fed
		if since.Before(began) {
			since = began
		}
		left := time.Until(since.Add(after))
		if left <= 0 && e.final == nil && !e.orphaned {
			d.orphan(e, a)
		}
		d.mu.Unlock()
		_ = wall{}.Sleep(ctx, max(left, watchEvery))
	}
}

// watchEvery is the time between two looks at a command that is an orphan.
const watchEvery = 50 * time.Millisecond

// orphan acts on a silence that was too long.
func (d *Device) orphan(e *entry, a *action) {
	d.log.Warn("the laboratory is silent", "command_id", e.id, "after_s", a.OrphanAfterS, "action", a.OrphanAction)
	e.orphaned, d.orphaned = true, true
	switch a.OrphanAction {
	case OrphanStop:
		e.cancel(errOrphaned)
	case OrphanPause:
		e.held = true
		d.turn(e)
	}
	d.out.changed()
}

// feed notes a sign of life of the laboratory. With it the device leaves safe,
// if somebody has a lease, and what the watchdog had paused goes on.
func (d *Device) feed() {
	d.fed = time.Now()
	if !d.orphaned || !d.leased() {
		return
	}
	d.orphaned = false
	for _, e := range d.unended {
		e.orphaned, e.held = false, false
	}
	d.turn()
	d.next()
	d.out.changed()
}
