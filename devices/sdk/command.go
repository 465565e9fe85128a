package sdk

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/lab"
)

// waitingMax is how many commands may wait for those that they come after.
const waitingMax = 16

// idReused is the alarm of an id that came with other bytes; a reset clears it.
const idReused = "id_reused"

// refusal is why a command is not taken.
type refusal struct {
	code devices.Code
	why  string
}

func refuse(code devices.Code, format string, args ...any) *refusal {
	return &refusal{code, fmt.Sprintf(format, args...)}
}

// onCmd takes a command: it answers a known one, refuses what must not be, and
// otherwise writes it down before it says so and before anything moves.
func (d *Device) onCmd(b []byte) {
	cmd, err := devices.DecodeCmd(b)
	if cmd.ID == "" {
		d.log.Warn("command without an id ignored", "err", err)
		return
	}
	sum := sumOf(b)
	d.mu.Lock()
	if e := d.entries[cmd.ID]; e != nil {
		d.answer(e, sum)
		d.mu.Unlock()
		return
	}
	var no *refusal
	var params json.RawMessage
	if err != nil {
		no = refuse(devices.BadMessage, "%v", err)
	} else {
		params, no = d.check(cmd)
	}
	if no != nil && (no.code.Curable() || no.code == devices.BadMessage) {
		// Not written down: the one may be taken when it comes again, the other
		// is refused again for what it is.
		d.emit(devices.Event{ID: cmd.ID, State: lab.CommandRejected, Code: no.code, Error: no.why, Effect: lab.EffectNone, Retryable: no.code.Curable()})
		d.mu.Unlock()
		return
	}
	if no != nil {
		e := d.begin(cmd, b, sum)
		e.refused = true
		d.mu.Unlock()
		d.close(e, devices.Event{State: lab.CommandRejected, Code: no.code, Error: no.why, Effect: lab.EffectNone})
		return
	}
	d.mu.Unlock()
	if d.crash(BeforeBegin, cmd.ID) {
		return
	}
	d.accept(cmd, b, sum, params)
}

// accept writes a command down, says so, and starts it when nothing is before
// it.
func (d *Device) accept(cmd devices.Cmd, b []byte, sum string, params json.RawMessage) {
	d.mu.Lock()
	e := d.begin(cmd, b, sum)
	e.params = params
	place := d.journal.append(record{T: recBegin, ID: e.id, Sum: sum}.with(b))
	d.mu.Unlock()
	err := d.journal.sync(place)
	if d.crash(AfterBegin, cmd.ID) {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err != nil { // nobody can rely on it: as if it had not come
		delete(d.entries, e.id)
		delete(d.unended, e.id)
		d.log.Error("command refused: the journal cannot be written", "command_id", e.id, "err", err)
		d.emit(devices.Event{ID: e.id, State: lab.CommandRejected, Code: devices.Busy, Error: "the journal cannot be written", Effect: lab.EffectNone, Retryable: true})
		return
	}
	e.accepted = true
	d.say(e, devices.Event{State: lab.CommandAccepted})
	d.next()
}

// answer repeats what is known of a command, to whoever asks by sending it
// again. Other bytes under the same id are another command, and refused.
func (d *Device) answer(e *entry, sum string) {
	if e.sum != "" && sum != e.sum {
		d.log.Warn("other bytes under a known id refused", "command_id", e.id)
		_ = d.raiseHeld(devices.Alarm{ // it is made of our own words
			Code: idReused, Level: "warning", Command: e.id, Text: "other bytes came under the id of a command that is known; a sender is wrong",
		})
		d.emit(devices.Event{
			ID: e.id, State: lab.CommandRejected, Code: devices.BadMessage, Effect: lab.EffectNone,
			Error: "the id is known with other bytes; a new command needs a new id",
		})
		return
	}
	d.repeat(e)
}

// repeat says again what was last said of a command.
func (d *Device) repeat(e *entry) {
	ev := e.event
	ev.Dup = true
	d.emit(ev)
}

// check returns a command's parameters with defaults, or why it is refused.
func (d *Device) check(cmd devices.Cmd) (json.RawMessage, *refusal) {
	if no := d.checkAuthority(cmd); no != nil {
		return nil, no
	}
	a := d.actions[cmd.Name]
	if a == nil {
		return nil, refuse(devices.UnknownCommand, "there is no command %q; there are %s", cmd.Name, slices.Sorted(slices.Values(d.order)))
	}
	if cmd.Expires.IsZero() && a.Recovery != devices.Repeat {
		return nil, refuse(devices.BadMessage, "expires is missing: only a command whose recovery is repeat may leave it out")
	}
	params, err := checkParams(a.Params, cmd.Params)
	if err != nil {
		return nil, refuse(devices.BadParams, "%v", err)
	}
	switch {
	case d.mode != "remote":
		return nil, refuse(devices.WrongMode, "a person has the device: its mode is %s", d.mode)
	case d.stopped:
		return nil, refuse(devices.Interlock, "the device is stopped until it is reset")
	case d.critical():
		return nil, refuse(devices.Interlock, "the device has a critical fault")
	case d.journal.broken() != nil:
		return nil, refuse(devices.Busy, "the journal cannot be written")
	}
	if no := d.checkSlots(cmd, a, params); no != nil {
		return nil, no
	}
	if no := d.checkSupplies(a); no != nil {
		return nil, no
	}
	return params, d.checkOrder(cmd, a)
}

// checkAuthority refuses who does not hold the device, and who comes too late.
func (d *Device) checkAuthority(cmd devices.Cmd) *refusal {
	switch {
	case cmd.Epoch < d.epoch:
		return refuse(devices.StaleEpoch, "epoch %d is older than %d, which holds the device", cmd.Epoch, d.epoch)
	case cmd.Epoch != d.lease.Epoch || !d.leased():
		return refuse(devices.NoLease, "epoch %d has no lease", cmd.Epoch)
	case d.orphaned:
		return refuse(devices.NoLease, "the laboratory was silent for too long: a beat of %q must come first", d.lease.Holder)
	case cmd.Expires.IsZero():
		return nil
	}
	now, known := d.clock.now()
	switch {
	case !known:
		return refuse(devices.NoTime, "the device has heard no beat since it started, so it cannot tell whether the command has expired")
	case now.After(cmd.Expires):
		return refuse(devices.Expired, "it is %s, and the command expired at %s", stamp(now), stamp(cmd.Expires))
	}
	return nil
}

// checkOrder refuses what cannot begin now and may not wait.
func (d *Device) checkOrder(cmd devices.Cmd, a *action) *refusal {
	wait := false
	for _, id := range cmd.After {
		e := d.entries[id]
		switch {
		case e == nil:
			return refuse(devices.DependencyFailed, "command %s, which must be done first, is not known", id)
		case !e.event.State.Terminal():
			wait = true
		case e.event.State != lab.CommandDone:
			return refuse(devices.DependencyFailed, "command %s, which must be done first, is %s", id, e.event.State)
		}
	}
	waiting := 0
	for _, e := range d.pending() {
		if e.accepted && !e.started && e.final == nil {
			waiting++
		}
	}
	switch {
	case d.paused && !a.alongside:
		return refuse(devices.Busy, "the device is paused until it is resumed")
	case wait && waiting >= waitingMax:
		return refuse(devices.Busy, "%d commands wait already", waiting)
	case !wait && !a.alongside && d.running+waiting >= d.cfg.Parallel:
		return refuse(devices.Busy, "the device is at work")
	}
	return nil
}

// next starts every command that may begin, and ends those that never will.
func (d *Device) next() {
	for _, e := range d.pending() {
		if e.started || !e.accepted || e.final != nil {
			continue
		}
		switch ready, failed := d.ready(e); {
		case failed != "":
			d.closeSoon(e, devices.Event{
				State: lab.CommandFailed, Code: devices.DependencyFailed, Effect: lab.EffectNone,
				Error: fmt.Sprintf("command %s, which must be done first, is not", failed),
			})
		case ready && !e.again && d.late(e):
			d.closeSoon(e, devices.Event{State: lab.CommandExpired, Code: devices.Expired, Effect: lab.EffectNone, Error: "it waited beyond its expiry"})
		case ready && !d.orphaned && !d.onHold(e) && (e.action.alongside || d.running < d.cfg.Parallel):
			d.start(e)
		}
	}
}

// ready reports whether all that e comes after is done, or what failed of it.
func (d *Device) ready(e *entry) (ready bool, failed string) {
	for _, id := range e.cmd.After {
		before := d.entries[id]
		switch {
		case before == nil:
			return false, id
		case !before.event.State.Terminal():
			return false, ""
		case before.event.State != lab.CommandDone:
			return false, id
		}
	}
	return true, ""
}

func (d *Device) late(e *entry) bool {
	now, known := d.clock.now()
	return known && len(e.cmd.After) > 0 && now.After(e.expires)
}

// critical reports whether a fault forbids commands.
func (d *Device) critical() bool {
	return slices.ContainsFunc(d.faults, func(f lab.Fault) bool { return f.Level == "critical" })
}
