package sdk

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/lab"
)

// outbox says what the device has to say, in order, whenever the link is up.
// Events wait for it; a state is made when it can be sent.
type outbox struct {
	d     *Device
	about []byte
	done  chan struct{}
	more  chan struct{}

	mu     sync.Mutex
	bus    devices.Bus // once it was dialled
	events []letter
	link   bool
	hello  bool              // about and conn are to be said
	conn   bool              // conn is to be said again
	dirty  bool              // so is the state
	alarms map[string]bool   // the codes that something is to be said of
	tm     []devices.Message // telemetry, newest last
}

type letter struct {
	id    string // of a command that the letter ends, or ""
	alarm string // its code, or ""
	msg   devices.Message
}

const (
	lettersMax    = 4096 // that wait; the oldest are dropped, a resend brings them back
	batchMax      = 64
	batchesMax    = 256                    // of telemetry that wait; the oldest are dropped
	stateEvery    = 100 * time.Millisecond // between two states
	publishMax    = 10 * time.Second
	retryEvery    = 200 * time.Millisecond
	farewellMax   = 2 * time.Second
	idleHeartbeat = 6 // times the heartbeat, while nobody holds the device
)

func newOutbox(d *Device, about []byte) *outbox {
	return &outbox{d: d, about: about, done: make(chan struct{}), more: make(chan struct{}, 1), dirty: true, alarms: map[string]bool{}}
}

// alarm asks for what stands of an alarm to be said. It does nothing before Run.
func (o *outbox) alarm(code string) {
	if o != nil {
		o.set(func() { o.alarms[code], o.dirty = true, true })
	}
}

// telemetry adds a batch, which is said once or never.
func (o *outbox) telemetry(m devices.Message) {
	if o != nil {
		o.set(func() {
			o.tm = append(o.tm, m)
			o.tm = o.tm[max(0, len(o.tm)-batchesMax):]
		})
	}
}

func (o *outbox) up() { o.set(func() { o.link, o.hello, o.dirty = true, true, true }) }

func (o *outbox) down() { o.set(func() { o.link = false }) }

// changed asks for a new state. It does nothing before Run.
func (o *outbox) changed() {
	if o != nil {
		o.set(func() { o.dirty = true })
	}
}

// push adds an event.
func (o *outbox) push(l letter) {
	o.set(func() {
		o.events = append(o.events, l)
		o.events = o.events[max(0, len(o.events)-lettersMax):]
		o.dirty = true
	})
}

func (o *outbox) set(f func()) {
	o.mu.Lock()
	f()
	o.mu.Unlock()
	select {
	case o.more <- struct{}{}:
	default:
	}
}

// run says things until ctx is done.
func (o *outbox) run(ctx context.Context, bus devices.Bus) {
	o.set(func() { o.bus = bus })
	go func() {
		defer close(o.done)
		var said time.Time
		timer := time.NewTimer(0)
		defer timer.Stop()
		for ctx.Err() == nil {
			batch, state := o.batch(time.Since(said))
			if len(batch) > 0 {
				if !o.publish(ctx, bus, batch) {
					o.putBack(batch)
					_ = wall{}.Sleep(ctx, retryEvery)
				} else if state {
					said = time.Now()
				}
				continue
			}
			timer.Reset(o.wait(time.Since(said)))
			select {
			case <-o.more:
			case <-timer.C:
			case <-ctx.Done():
			}
		}
	}()
}

// batch takes what is to be said now, and whether a state is among it.
func (o *outbox) batch(sinceState time.Duration) (batch []letter, state bool) {
	o.mu.Lock()
	link, hello, conn := o.link, o.hello, o.conn
	if !link {
		o.mu.Unlock()
		return nil, false
	}
	events := o.events[:min(batchMax, len(o.events))]
	o.events = o.events[len(events):]
	state = hello || o.dirty && sinceState >= stateEvery || sinceState >= o.heartbeat()
	o.hello, o.conn = false, false
	tm, codes := o.tm, o.alarms
	o.tm, o.alarms = nil, map[string]bool{}
	if state {
		o.dirty = false
	}
	o.mu.Unlock()
	if hello {
		about := devices.Message{Topic: o.topic(devices.LeafAbout), Payload: o.about, QoS: 1, Retain: true}
		batch = append(batch, letter{msg: about}, letter{msg: *o.d.conn(devices.Online)})
	} else if conn {
		batch = append(batch, letter{msg: *o.d.conn(devices.Online)})
	}
	batch = append(batch, events...)
	if hello {
		for _, code := range o.d.raised() {
			codes[code] = true
		}
	}
	for _, code := range slices.Sorted(maps.Keys(codes)) {
		batch = append(batch, letter{alarm: code, msg: o.d.alarmMessage(code)})
	}
	for _, m := range tm {
		batch = append(batch, letter{msg: m})
	}
	if state {
		batch = append(batch, letter{msg: o.d.stateMessage()})
	}
	return batch, state
}

// wait returns how long nothing needs to be said, given no news.
func (o *outbox) wait(sinceState time.Duration) time.Duration {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.link {
		return time.Hour
	}
	if o.dirty {
		return max(time.Millisecond, stateEvery-sinceState)
	}
	return max(time.Millisecond, o.heartbeat()-sinceState)
}

func (o *outbox) heartbeat() time.Duration {
	if o.d.held.Load() {
		return o.d.cfg.Heartbeat
	}
	return idleHeartbeat * o.d.cfg.Heartbeat
}

func (o *outbox) publish(ctx context.Context, bus devices.Bus, batch []letter) bool {
	msgs := make([]devices.Message, 0, len(batch))
	for _, l := range batch {
		if l.id != "" && o.d.crash(BeforePublish, l.id) {
			return false
		}
		msgs = append(msgs, l.msg)
	}
	ctx, cancel := context.WithTimeout(ctx, publishMax)
	defer cancel()
	if err := bus.Publish(ctx, msgs...); err != nil {
		o.d.log.DebugContext(ctx, "not said; trying again", "err", err)
		return false
	}
	return true
}

// aside says a message beside all that waits, and returns when the broker has it.
func (o *outbox) aside(ctx context.Context, m devices.Message) error {
	o.mu.Lock()
	bus, link := o.bus, o.link
	o.mu.Unlock()
	if bus == nil || !link {
		return lab.Errorf(lab.Unavailable, "publish to %s: there is no link", m.Topic)
	}
	ctx, cancel := context.WithTimeout(ctx, publishMax)
	defer cancel()
	return bus.Publish(ctx, m)
}

// putBack keeps events for the next try. What is made anew each time, and the
// retained greetings, are not kept but asked for again.
func (o *outbox) putBack(batch []letter) {
	var events []letter
	var codes []string
	again := false
	for _, l := range batch {
		switch {
		case l.alarm != "":
			codes = append(codes, l.alarm)
		case l.msg.Retain:
			again = true
		case l.msg.QoS > 0: // telemetry is not repeated
			events = append(events, l)
		}
	}
	o.set(func() {
		o.events = append(events, o.events...)
		o.dirty = true
		o.hello = o.hello || again
		for _, code := range codes {
			o.alarms[code] = true
		}
	})
}

// farewell says what is left, and that the device goes.
func (o *outbox) farewell(bus devices.Bus) {
	<-o.done
	o.mu.Lock()
	var msgs []devices.Message
	for _, l := range o.events {
		msgs = append(msgs, l.msg)
	}
	o.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), farewellMax)
	defer cancel()
	if err := bus.Publish(ctx, append(msgs, o.d.stateMessage(), *o.d.conn(devices.Offline))...); err != nil {
		o.d.log.Debug("farewell not said", "err", err)
	}
}

func (o *outbox) topic(leaf devices.Leaf) string { return devices.Topic(o.d.cfg.Lab, o.d.cfg.ID, leaf) }

// say notes ev as the last about e, and reports it.
func (d *Device) say(e *entry, ev devices.Event) {
	ev.ID = e.id
	e.event = ev
	d.emit(ev)
}

// emit numbers an event and hands it over. The order of numbers is the order
// on the wire, since d.mu is held.
func (d *Device) emit(ev devices.Event) {
	d.n++
	ev.Boot, ev.N = d.boot, d.n
	if ev.TS.IsZero() {
		ev.TS = d.now()
	}
	b, err := json.Marshal(ev)
	if err != nil {
		d.log.Error("event not written", "command_id", ev.ID, "err", err)
		return
	}
	l := letter{msg: devices.Message{Topic: devices.Topic(d.cfg.Lab, d.cfg.ID, devices.LeafEv), Payload: b, QoS: 1}}
	if ev.State.Terminal() {
		l.id = ev.ID
	}
	d.out.push(l)
}

// now is the device's own time.
func (d *Device) now() time.Time {
	return d.clock.count().UTC().Truncate(time.Millisecond)
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// conn returns a birth or a death.
func (d *Device) conn(state string) *devices.Message {
	c := devices.Conn{State: state, Boot: d.boot, SDK: "athanor-go"}
	if state != devices.Lost { // the will is written long before it is read
		c.TS = time.Now().UTC().Truncate(time.Millisecond)
	}
	b, err := json.Marshal(c)
	if err != nil {
		panic(err) // it holds texts and numbers only
	}
	return &devices.Message{Topic: devices.Topic(d.cfg.Lab, d.cfg.ID, devices.LeafConn), Payload: b, QoS: 1, Retain: true}
}

// stateMessage returns the device's snapshot of itself.
func (d *Device) stateMessage() devices.Message {
	d.mu.Lock()
	s := devices.State{Boot: d.boot, N: d.n, TS: d.now(), Op: d.op(), Mode: d.mode, Faults: d.faults, Clock: d.clock.state()}
	if d.leased() {
		l := d.lease
		now, _ := d.clock.now()
		l.Until = now.UTC().Add(time.Until(d.until)).Truncate(time.Millisecond)
		s.Lease = &l
	}
	d.held.Store(s.Lease != nil)
	if !d.beat.IsZero() {
		s.BeatAgeMS = ms(time.Since(d.beat))
	}
	for _, e := range d.at() {
		s.Active = append(s.Active, lab.ActiveCommand{ID: e.id, Name: e.cmd.Name, State: e.event.State, Progress: e.progress})
	}
	for _, e := range d.ended[max(0, len(d.ended)-64):] {
		s.Recent = append(s.Recent, devices.Recent{ID: e.id, State: e.event.State})
	}
	s.Calibration, s.Consumables, s.Slots = d.calibrations, d.supplies, d.rack.states()
	s.Alarms = append([]string{}, slices.Sorted(maps.Keys(d.alarms))...)
	if err := d.journal.broken(); err != nil && d.root.Err() == nil {
		s.Faults = append(slices.Clip(s.Faults), lab.Fault{Code: "journal", Level: "critical", Text: err.Error()})
	}
	d.mu.Unlock()
	b, err := json.Marshal(s)
	if err != nil {
		d.log.Error("state not written", "err", err)
	}
	return devices.Message{Topic: devices.Topic(d.cfg.Lab, d.cfg.ID, devices.LeafState), Payload: b, QoS: 1, Retain: true}
}

// at returns the commands that were accepted and have not ended.
func (d *Device) at() []*entry {
	return slices.DeleteFunc(d.pending(), func(e *entry) bool { return !e.accepted })
}

// raised returns the codes of the alarms that stand.
func (d *Device) raised() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Collect(maps.Keys(d.alarms))
}

// op says what the device is at. A stop or a pause that a crash would undo is
// not said yet.
func (d *Device) op() string {
	kept := d.writing == 0
	paused, busy := d.paused && kept, false
	for _, e := range d.at() {
		if e.event.State == lab.CommandPaused {
			paused = true
		} else if e.started || !d.paused && !d.orphaned {
			busy = true
		}
	}
	switch {
	case d.critical() || d.journal.broken() != nil && d.root.Err() == nil:
		return "fault"
	case d.stopped && kept:
		return "stopped"
	case busy:
		return "busy"
	case paused:
		return "paused"
	case d.orphaned:
		return "safe"
	default:
		return "idle"
	}
}
