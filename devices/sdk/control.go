package sdk

import (
	"fmt"
	"time"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/lab"
)

// onCtl does an operation out of the order of commands.
func (d *Device) onCtl(b []byte) {
	ctl, err := devices.DecodeCtl(b)
	if err != nil {
		d.log.Warn("ctl ignored", "err", err)
		return
	}
	switch ctl.Op {
	case devices.OpLease:
		d.onLease(ctl)
	case devices.OpRelease:
		d.onRelease(ctl)
	case devices.OpCancel:
		d.onCancel(ctl.Target)
	case devices.OpStop:
		d.stop(fmt.Sprintf("ctl %s by %q: %s", ctl.ID, ctl.By, ctl.Reason))
	case devices.OpReset:
		d.onReset(ctl)
	case devices.OpResolve:
		d.onResolve(ctl)
	case devices.OpStatus:
		d.onStatus(ctl.Target)
	case devices.OpPause:
		d.onPause(ctl)
	case devices.OpResume:
		d.onResume(ctl)
	case devices.OpRecall:
		d.onRecall(ctl)
	case devices.OpMissing:
		d.onMissing(ctl)
	default:
		d.log.Warn("ctl ignored: this device does not offer it", "op", ctl.Op)
	}
}

// onLease gives the device to a holder. The epoch is on the disk before
// anything is done under it, so that an older one is refused for ever.
func (d *Device) onLease(ctl devices.Ctl) {
	d.mu.Lock()
	if ctl.Epoch < d.epoch || ctl.Epoch == d.lease.Epoch && ctl.Holder != d.lease.Holder && d.lease.Holder != "" {
		d.log.Warn("lease refused", "epoch", ctl.Epoch, "highest", d.epoch, "holder", ctl.Holder)
		d.out.changed()
		d.mu.Unlock()
		return
	}
	place, newer := uint64(0), ctl.Epoch > d.epoch
	if newer {
		d.epoch = ctl.Epoch
		place = d.journal.append(record{T: recEpoch, N: ctl.Epoch})
	}
	d.mu.Unlock()
	if newer && d.journal.sync(place) != nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ttl = time.Duration(ctl.TTLS * float64(time.Second))
	d.lease = devices.Lease{Epoch: ctl.Epoch, Holder: ctl.Holder}
	d.renew()
	d.out.changed()
}

// renew lets the lease run for its whole time again.
func (d *Device) renew() {
	d.until = time.Now().Add(d.ttl)
	if d.lapse == nil {
		d.lapse = time.AfterFunc(d.ttl, func() { d.out.changed() })
		return
	}
	d.lapse.Reset(d.ttl)
}

// leased reports whether somebody holds the device now.
func (d *Device) leased() bool { return d.lease.Epoch > 0 && time.Now().Before(d.until) }

func (d *Device) onRelease(ctl devices.Ctl) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if ctl.Epoch == d.lease.Epoch {
		d.lease, d.until = devices.Lease{}, time.Time{}
		d.out.changed()
	}
}

// onCancel ends a command. One that has not come yet is written down as
// cancelled, so that a late copy of it never moves anything.
func (d *Device) onCancel(id string) {
	d.mu.Lock()
	e := d.entries[id]
	switch {
	case e == nil:
		e = d.begin(devices.Cmd{ID: id}, nil, "")
		d.mu.Unlock()
		d.close(e, devices.Event{State: lab.CommandCancelled, Effect: lab.EffectNone, Note: "cancelled before it came"})
		return
	case e.event.State.Terminal():
		d.repeat(e)
	case e.final != nil: // its end is being written
	case e.started:
		if e.event.State != lab.CommandCancelling {
			d.say(e, devices.Event{State: lab.CommandCancelling, Progress: e.progress})
		}
		e.cancel(errCancelled)
	default:
		d.closeSoon(e, devices.Event{State: lab.CommandCancelled, Effect: lab.EffectNone})
	}
	d.mu.Unlock()
}

// stop ends everything and keeps the device stopped until it is reset, over
// restarts too. Stopping comes first, writing it down second, and saying it
// last.
func (d *Device) stop(why string) {
	d.mu.Lock()
	first := !d.stopped
	d.stopped = true
	for _, e := range d.pending() {
		switch {
		case e.final != nil:
		case e.started:
			e.cancel(errStopped)
		default:
			d.closeSoon(e, devices.Event{State: lab.CommandAborted, Effect: lab.EffectNone})
		}
	}
	var place uint64
	if first {
		place = d.note(record{T: recStop})
	}
	d.out.changed()
	d.mu.Unlock()
	if first {
		d.log.Warn("stopped", "why", why)
		d.written(place, "stop")
	}
}

func (d *Device) onReset(ctl devices.Ctl) {
	d.mu.Lock()
	if d.latched {
		d.log.Warn("reset refused: the lab's stop is latched", "by", ctl.By)
		d.out.changed()
		d.mu.Unlock()
		return
	}
	place, was := uint64(0), d.stopped
	if was {
		place = d.journal.append(record{T: recReset})
	}
	d.mu.Unlock()
	if was && d.journal.sync(place) != nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stopped = false
	d.clearHeld(idReused)
	d.out.changed()
}

// onResolve takes a person's word on what became of a command in doubt.
func (d *Device) onResolve(ctl devices.Ctl) {
	d.mu.Lock()
	e := d.entries[ctl.Target]
	if e == nil || e.event.State != lab.CommandInDoubt {
		if e != nil {
			d.repeat(e)
		}
		d.log.Warn("resolve ignored: the command is not in doubt", "command_id", ctl.Target, "by", ctl.By)
		d.mu.Unlock()
		return
	}
	effect := lab.EffectComplete
	if ctl.Outcome == lab.CommandFailed {
		effect = lab.EffectUnknown
	}
	d.mu.Unlock()
	d.close(e, devices.Event{State: ctl.Outcome, Effect: effect, By: ctl.By, Note: ctl.Reason})
}

// onStatus says the state now, and again what was last said of a command.
func (d *Device) onStatus(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if e := d.entries[id]; e != nil {
		d.repeat(e)
	}
	d.out.changed()
}

// onBeat hears the time, and renews the lease of whoever sends the beat.
func (d *Device) onBeat(b []byte) {
	beat, err := devices.DecodeBeat(b)
	if err != nil {
		d.log.Warn("beat ignored", "err", err)
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.clock.hear(beat.TS)
	d.beat = time.Now()
	if d.lease.Epoch > 0 && beat.Orc == d.lease.Holder {
		was := d.leased()
		d.renew()
		if !was {
			d.out.changed()
		}
	}
	if d.lease.Epoch == 0 || beat.Orc == d.lease.Holder { // after a restart nobody is known as the holder
		d.feed()
	}
}

// onLabStop follows the lab's latch. Taking it back does not start anything:
// each device is reset by itself.
func (d *Device) onLabStop(b []byte) {
	var s devices.LabStop // nothing at all is how a retained latch is cleared
	var err error
	if len(b) > 0 {
		s, err = devices.DecodeLabStop(b)
	}
	if err != nil {
		d.log.Warn("lab stop ignored", "err", err)
		return
	}
	d.mu.Lock()
	d.latched = s.Latched
	d.mu.Unlock()
	if s.Latched {
		d.stop(fmt.Sprintf("lab stop %s by %q: %s", s.ID, s.By, s.Reason))
	}
}
