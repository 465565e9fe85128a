package sdk

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/lab"
)

// resultMax is the longest result in an event, in bytes.
const resultMax = 128 << 10

// progressEvery is the shortest time between two reports of progress.
const progressEvery = 100 * time.Millisecond

// pending returns the commands that have not ended, oldest first.
func (d *Device) pending() []*entry {
	var open []*entry
	for _, e := range d.unended {
		open = append(open, e)
	}
	slices.SortFunc(open, func(a, b *entry) int { return cmp.Compare(a.order, b.order) })
	return open
}

// start runs e's function beside everything else.
func (d *Device) start(e *entry) {
	if d.root.Err() != nil {
		return
	}
	ctx, cancel := context.WithCancelCause(d.root)
	e.started, e.cancel = true, cancel
	if !e.action.alongside {
		d.running++
	}
	c := &Ctx{Context: ctx, d: d, e: e, cmd: e.cmd, ckpt: e.ckpt, again: e.again, pausable: e.action.Pausable}
	a, params := e.action, e.params
	d.say(e, devices.Event{State: lab.CommandRunning})
	inForce := d.inForce(a)
	d.work.Add(1)
	if a.OrphanAfterS > 0 {
		go d.watch(ctx, e, a)
	}
	go func() {
		defer d.work.Done()
		defer cancel(nil)
		if c.cmd.TimeoutS > 0 {
			go func() {
				if c.sleep(time.Duration(c.cmd.TimeoutS*float64(time.Second)), false) == nil {
					cancel(errTimeout)
				}
			}()
		}
		began := time.Now()
		ev, ended := verdict(c, a, params)
		if !ended || d.crash(BeforeEnd, c.cmd.ID) {
			return
		}
		ev.TookMS, ev.Calibration = ms(time.Since(began)), inForce
		ev.Blobs = c.blobs
		d.close(e, ev)
	}()
}

// verdict runs a command's function, or its probe first, and returns its end.
// A command that was interrupted by the device's own end has none.
func verdict(c *Ctx, a *action, params json.RawMessage) (ev devices.Event, ended bool) {
	var result any
	var err error
	run := true
	if c.again && a.Recovery == devices.Probe {
		var found Found
		result, err = guard(func() (r any, err error) {
			found, r, err = a.probe(c)
			return r, err
		})
		switch {
		case err != nil || found == Unknown:
			return devices.Event{State: lab.CommandInDoubt, Code: devices.PowerLoss, Error: doubt(err), Effect: lab.EffectUnknown}, c.d.root.Err() == nil
		case found == Partial:
			return devices.Event{State: lab.CommandFailed, Code: devices.PowerLoss, Error: "the power was lost at it", Effect: lab.EffectPartial}, true
		case found == Done:
			run = false
		}
	}
	if run {
		result, err = guard(func() (any, error) { return a.run(c, params) })
	}
	if err == nil {
		return done(result), c.d.root.Err() == nil || errors.Is(context.Cause(c.d.root), errShutdown)
	}
	return failure(c, err), c.d.root.Err() == nil
}

func doubt(err error) string {
	if err != nil {
		return fmt.Sprintf("the power was lost at it, and the probe failed: %v", err)
	}
	return "the power was lost at it, and the probe could not tell"
}

// guard turns a panic into an error: one bad command must not take the device
// down.
func guard(f func() (any, error)) (result any, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the driver panicked: %v\n%s", p, debug.Stack())
		}
	}()
	return f()
}

func done(result any) devices.Event {
	ev := devices.Event{State: lab.CommandDone, Effect: lab.EffectComplete}
	if result == nil {
		return ev
	}
	b, err := json.Marshal(result)
	switch {
	case err != nil:
	case len(b) > resultMax:
		err = fmt.Errorf("it has %d bytes, at most %d are allowed", len(b), resultMax)
	case b[0] != '{' && string(b) != "null":
		err = fmt.Errorf("%.40s is not an object", b)
	}
	if err != nil {
		return devices.Event{
			State: lab.CommandFailed, Code: devices.DeviceFault, Effect: lab.EffectComplete,
			Error: fmt.Sprintf("it was done, and its result cannot be written: %v", err),
		}
	}
	if b[0] == '{' && string(b) != "{}" {
		ev.Result = b
	}
	return ev
}

// failure returns the end of a command whose function returned err.
func failure(c *Ctx, err error) devices.Event {
	fault, told := errors.AsType[Fault](err)
	cause := context.Cause(c.Context)
	ev := devices.Event{State: lab.CommandFailed, Code: devices.DeviceFault, Effect: lab.EffectUnknown, Error: devices.Clean(err.Error())}
	interrupted := cause != nil && (errors.Is(err, cause) || errors.Is(err, context.Canceled))
	switch {
	case errors.Is(err, ErrInDoubt):
		ev.State = lab.CommandInDoubt
	case interrupted && errors.Is(cause, errCancelled):
		ev.State, ev.Code, ev.Effect = lab.CommandCancelled, "", lab.EffectPartial
	case interrupted && errors.Is(cause, errStopped):
		ev.State, ev.Code, ev.Effect = lab.CommandAborted, "", lab.EffectPartial
	case interrupted && errors.Is(cause, errTimeout):
		ev.Code = devices.Timeout
	case interrupted && errors.Is(cause, errOrphaned):
		ev.Code, ev.Effect, ev.Retryable = devices.Orphaned, lab.EffectPartial, true
	}
	if told {
		ev.Retryable = ev.Retryable || fault.Retryable
		if fault.Effect != "" {
			ev.Effect = fault.Effect
		}
		// Why it was interrupted says more than what the driver made of it.
		if fault.Code != "" && ev.State == lab.CommandFailed && !interrupted {
			ev.Code = fault.Code
		}
	}
	return ev
}

// close writes the end of a command down and then says it. It waits for the
// disk; d.mu must not be held.
func (d *Device) close(e *entry, ev devices.Event) {
	d.mu.Lock()
	place := d.writeEnd(e, ev)
	d.mu.Unlock()
	d.closed(e, place)
}

// closeSoon is close for who holds d.mu.
func (d *Device) closeSoon(e *entry, ev devices.Event) {
	if d.root.Err() != nil {
		return // the next start will see to it
	}
	place := d.writeEnd(e, ev)
	d.work.Go(func() {
		d.closed(e, place)
	})
}

func (d *Device) writeEnd(e *entry, ev devices.Event) uint64 {
	ev.ID, ev.TS = e.id, d.now()
	e.final = &ev
	if e.action != nil && e.action.hand {
		d.endHanding(e, ev)
	}
	end := record{T: recEnd, ID: e.id, Sum: e.sum, Event: &ev, Expires: e.expires}
	if e.refused {
		end = end.with(e.raw)
	}
	return d.journal.append(end)
}

func (d *Device) closed(e *entry, place uint64) {
	if err := d.journal.sync(place); err != nil {
		// The end may be forgotten, so nobody is told of it: at the next start
		// the command is treated as its recovery class says.
		if d.root.Err() == nil {
			d.log.Error("end of command not written; nothing is reported", "command_id", e.id, "err", err)
			d.out.changed()
		}
		return
	}
	if d.crash(AfterEnd, e.id) {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if e.started && !e.action.alongside {
		d.running--
	}
	d.remember(e, *e.final)
	d.emit(e.event)
	d.next()
	d.compact()
}

// progress notes and reports how far e is.
func (d *Device) progress(e *entry, fraction float64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if e.final != nil || d.root.Err() != nil {
		return
	}
	e.progress = fraction
	if e.event.State == lab.CommandPaused {
		return
	}
	if time.Since(e.said) < progressEvery {
		return
	}
	e.said = time.Now()
	state := e.event.State
	d.say(e, devices.Event{State: state, Progress: fraction})
}

// checkpoint writes b down as e's.
func (d *Device) checkpoint(e *entry, b json.RawMessage) error {
	d.mu.Lock()
	if e.final != nil {
		d.mu.Unlock()
		return errors.New("checkpoint of a command that has ended")
	}
	e.ckpt = b
	place := d.journal.append(record{T: recCkpt, ID: e.id, V: b})
	d.mu.Unlock()
	return d.journal.sync(place)
}

// revive treats what the last process died at, each as its class says.
func (d *Device) revive() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, e := range d.pending() {
		lost := devices.Event{State: lab.CommandInDoubt, Code: devices.PowerLoss, Error: "the power was lost at it", Effect: lab.EffectUnknown}
		if ready, _ := d.ready(e); !ready { // it never began
			if e.action != nil {
				e.params, _ = checkParams(e.action.Params, e.cmd.Params)
				e.accepted = e.params != nil
			}
			if e.accepted {
				continue
			}
		}
		var err error
		if e.action != nil {
			e.params, err = checkParams(e.action.Params, e.cmd.Params)
		}
		switch {
		case e.action == nil:
			lost.Error += ", and the driver has no such command any more"
			d.closeSoon(e, lost)
		case err != nil:
			lost.Error += fmt.Sprintf(", and the driver would not take it any more: %v", err)
			d.closeSoon(e, lost)
		case d.stopped:
			lost.State = lab.CommandAborted
			d.closeSoon(e, lost)
		case e.action.Recovery == devices.Manual:
			d.closeSoon(e, lost)
		default:
			e.accepted, e.again = true, true
		}
		if e.accepted && e.final == nil && d.onHold(e) {
			d.say(e, devices.Event{State: lab.CommandPaused})
		}
	}
	d.next()
}
