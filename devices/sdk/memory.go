package sdk

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/lab"
)

// entry is a command that the device knows.
type entry struct {
	cmd   devices.Cmd     // of one that has not ended
	raw   json.RawMessage // its bytes; nil of one that was ended before it came
	id    string
	sum   string // of its bytes; "" when it was ended before it came
	order int64

	event   devices.Event  // the last said of it
	final   *devices.Event // its end, once that is written down or about to be
	expires time.Time
	ckpt    json.RawMessage

	action   *action
	params   json.RawMessage // checked, with defaults
	refused  bool            // so the journal has no begin of it
	accepted bool            // and said so: it may start
	again    bool            // the process died at it
	started  bool            // its function runs
	cancel   func(error)
	paused   bool            // by an operation, and written down
	held     bool            // by the watchdog
	orphaned bool            // the watchdog has acted
	going    context.Context //nolint:containedctx // of its function while it is not paused
	stall    func(error)     // ends going
	progress float64
	said     time.Time // when progress was last reported
}

// The journal keeps the last ended commands, and longer those that could still
// come again.
const (
	keepEnded = 10_000
	keepAfter = time.Hour // beyond a command's expiry

	keepInline = 64 // of them with the raw data inside their events
)

// lighten forgets the raw data inside the end of a command.
func (e *entry) lighten() {
	if e.final == nil || !slices.ContainsFunc(e.final.Blobs, func(b devices.Blob) bool { return b.Data != nil }) {
		return
	}
	ev := *e.final
	ev.Blobs = slices.Clone(ev.Blobs)
	for i := range ev.Blobs {
		ev.Blobs[i].Data = nil
	}
	e.event, e.final = ev, &ev
}

func sumOf(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// open reads the journal into memory and counts this start.
func (d *Device) open() error {
	journal, records, err := openJournal(d.cfg.Journal)
	if err != nil {
		return err
	}
	journal.onto(d.cfg.Disk)
	if err := d.load(records); err != nil {
		return fmt.Errorf("read journal %s: %w", d.cfg.Journal, errors.Join(err, journal.close(errShutdown)))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.journal = journal
	d.boot++
	if err := journal.put(record{T: recBoot, N: d.boot}); err != nil {
		return errors.Join(err, journal.close(errShutdown))
	}
	d.compact()
	return nil
}

// load replays records.
func (d *Device) load(records []record) error {
	for i, r := range records {
		switch r.T {
		case recBoot:
			d.boot = max(d.boot, r.N)
		case recEpoch:
			d.epoch = max(d.epoch, r.N)
		case recStop:
			d.stopped = true
		case recReset:
			d.stopped = false
		case recPause, recResume:
			if e := d.entries[r.ID]; e != nil {
				e.paused = r.T == recPause
			} else if r.ID == "" {
				d.paused = r.T == recPause
			}
		case recSlot:
			if err := d.loadSlot(r); err != nil {
				return fmt.Errorf("record %d: %w", i+1, err)
			}
		case recSupply:
			if err := d.loadSupply(r); err != nil {
				return fmt.Errorf("record %d: %w", i+1, err)
			}
		case recBegin:
			cmd, err := devices.DecodeCmd(r.raw())
			if err != nil {
				return fmt.Errorf("record %d: %w", i+1, err)
			}
			d.begin(cmd, r.raw(), r.Sum)
		case recCkpt:
			if e := d.entries[r.ID]; e != nil {
				e.ckpt = r.V
			}
		case recEnd:
			if r.Event == nil {
				return fmt.Errorf("record %d: an end without an event", i+1)
			}
			e := d.entries[r.ID]
			if e == nil {
				e = d.begin(devices.Cmd{ID: r.ID, Expires: r.Expires}, r.raw(), r.Sum)
			}
			d.remember(e, *r.Event)
		}
	}
	return nil
}

// begin enters a command.
func (d *Device) begin(cmd devices.Cmd, raw json.RawMessage, sum string) *entry {
	d.begun++
	e := &entry{cmd: cmd, raw: raw, id: cmd.ID, sum: sum, order: d.begun, expires: cmd.Expires, action: d.actions[cmd.Name]}
	e.event = devices.Event{ID: cmd.ID, State: lab.CommandAccepted}
	d.entries[cmd.ID], d.unended[cmd.ID] = e, e
	return e
}

// remember notes an end that is on the disk. A second one, of a doubt that was
// resolved, takes the place of the first.
func (d *Device) remember(e *entry, ev devices.Event) {
	again := e.event.State.Terminal()
	delete(d.unended, e.id)
	e.event, e.final = ev, &ev
	if !again {
		d.ended = append(d.ended, e)
		if old := len(d.ended) - 1 - keepInline; old >= 0 {
			d.ended[old].lighten()
		}
	}
	// What only a running command needs.
	e.cmd, e.params, e.ckpt, e.cancel, e.action, e.started = devices.Cmd{}, nil, nil, nil, nil, false
	e.going, e.stall, e.paused, e.held = nil, nil, false, false
}

// compact forgets the oldest ended commands that cannot come again, and writes
// the journal anew, when there are twice as many as are kept, or when
// checkpoints have swollen it.
func (d *Device) compact() {
	if len(d.ended) < max(d.full, 2*keepEnded) && !d.journal.swollen() {
		return
	}
	now, known := d.clock.now()
	spare := len(d.ended) - keepEnded // may be negative: then all are kept
	kept := make([]*entry, 0, keepEnded)
	for i, e := range d.ended {
		if i < spare && (e.expires.IsZero() || known && e.expires.Add(keepAfter).Before(now)) {
			delete(d.entries, e.id)
		} else {
			kept = append(kept, e)
		}
	}
	d.ended, d.full = kept, len(kept)+keepEnded
	if err := d.journal.rewrite(d.snapshot()); err != nil {
		d.log.Error("journal not compacted", "err", err)
	}
}

// snapshot returns the shortest journal that says what the device knows.
func (d *Device) snapshot() []record {
	records := []record{{T: recBoot, N: d.boot}, {T: recEpoch, N: d.epoch}}
	if d.stopped {
		records = append(records, record{T: recStop})
	}
	if d.paused {
		records = append(records, record{T: recPause})
	}
	for _, s := range d.supplies {
		b, err := json.Marshal(s)
		if err == nil { // it holds texts and finite numbers only
			records = append(records, record{T: recSupply, ID: s.Name, V: b})
		}
	}
	for _, slot := range d.rack.slots {
		b, err := json.Marshal(slot)
		if err == nil { // it holds texts and a time only
			records = append(records, record{T: recSlot, ID: slot.Slot, V: b})
		}
	}
	known := map[*entry]bool{}
	end := func(e *entry) record {
		known[e] = true
		return record{T: recEnd, ID: e.id, Sum: e.sum, Event: e.final, Expires: e.expires}.with(e.raw)
	}
	for _, e := range d.ended {
		records = append(records, end(e))
	}
	var open []*entry
	for _, e := range d.entries {
		if !known[e] {
			open = append(open, e)
		}
	}
	slices.SortFunc(open, func(a, b *entry) int { return cmp.Compare(a.order, b.order) })
	for _, e := range open {
		if e.final != nil {
			records = append(records, end(e))
			continue
		}
		records = append(records, record{T: recBegin, ID: e.id, Sum: e.sum}.with(e.raw))
		if e.ckpt != nil {
			records = append(records, record{T: recCkpt, ID: e.id, V: e.ckpt})
		}
		if e.paused {
			records = append(records, record{T: recPause, ID: e.id})
		}
	}
	return records
}
