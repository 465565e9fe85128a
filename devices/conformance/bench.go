package conformance

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/athanor-lab/athanor/devices"
)

// beatEvery is how often the kit beats.
const beatEvery = 250 * time.Millisecond

// bench is the kit's place on the bus: it hears all that the device says, and
// sends to it.
type bench struct {
	cfg Config
	bus devices.Bus
	id  string // the beginning of all its ids
	end context.CancelFunc

	beating sync.Mutex // held while the kit beats by itself

	epoch int64 // of its lease
	lost  bool  // the device was never reached

	mu      sync.Mutex
	heard   chan struct{} // closed and replaced at each message
	seq     int
	quiet   bool // no beats
	about   devices.About
	td      json.RawMessage
	profile string
	fixed   bool // the descriptor is known, and stays as it is
	born    bool // the device said online to the kit itself
	conn    devices.Conn
	conns   []devices.Conn
	states  []heardState
	events  []heardEvent
	alarms  map[string]devices.Alarm // that are retained now
	clears  map[string]int           // how often each was cleared
	batches map[string][]devices.Batch
	pages   []devices.Recall
	chunks  []devices.Chunk // of raw data, their data left out, as they came
	pieces  map[string][]byte
	hold    bool     // answers to chunks
	wrong   []string // what was said that is not of the contract
	sent    []string // ids of commands
	refused map[string]bool
	names   map[string]string // of the commands that were sent
}

type heardEvent struct {
	devices.Event
	raw []byte
	at  time.Time
}

type heardState struct {
	devices.State
	at time.Time
}

func newBench(cfg Config) *bench {
	return &bench{
		cfg: cfg, id: fmt.Sprintf("conf-%x", time.Now().UnixMilli()), epoch: 1,
		heard: make(chan struct{}), refused: map[string]bool{}, names: map[string]string{}, alarms: map[string]devices.Alarm{}, clears: map[string]int{}, batches: map[string][]devices.Batch{}, pieces: map[string][]byte{},
	}
}

// open takes the bus, starts the device if that is the kit's to do, and waits
// for its birth.
func (b *bench) open(ctx context.Context) error {
	topic := func(leaf devices.Leaf) string { return devices.Topic(b.cfg.Lab, b.cfg.Device, leaf) }
	bus, err := b.cfg.Dial(ctx, devices.Session{ClientID: b.id, Subscriptions: []devices.Subscription{{
		Filters: []string{topic(devices.LeafConn), topic(devices.LeafAbout), topic(devices.LeafState), topic(devices.LeafEv), topic(devices.LeafRecall), topic(devices.LeafAlarm) + "/+", topic(devices.LeafTm) + "/+", topic(devices.LeafBlob) + "/+"},
		Handle:  func(_ context.Context, m devices.Message) { b.take(m) },
	}}})
	if err != nil {
		return fmt.Errorf("reach the broker: %w", err)
	}
	b.bus = bus
	beating, end := context.WithCancel(context.Background())
	b.end = end
	if b.cfg.Process != nil {
		if err := b.cfg.Process.Start(); err != nil {
			return err
		}
	}
	if err := b.until(ctx, 4*b.cfg.Patience, "the device to be online, with a descriptor and a state", func() bool {
		// What is retained of an earlier process does not count.
		b.fixed = b.conn.State == devices.Online && b.td != nil && len(b.states) > 0 && (b.born || b.cfg.Process == nil)
		return b.fixed
	}); err != nil {
		return fmt.Errorf("%w; %s", err, b.sofar())
	}
	b.profile = b.cfg.Profile
	if b.profile == "" {
		b.profile = claimed(b.td)
	}
	if s := b.state(); s.Lease != nil {
		if s.Lease.Holder != b.id {
			return fmt.Errorf("the device is leased by %q: the kit needs it for itself", s.Lease.Holder)
		}
	}
	b.beat(0)
	go b.beats(beating)
	return nil
}

// sofar tells what a device that did not come to be ready has said.
func (b *bench) sofar() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	said := fmt.Sprintf("heard %d words on conn, the last %+v, %d states", len(b.conns), b.conn, len(b.states))
	if b.td == nil {
		said += ", no descriptor"
	}
	if len(b.wrong) > 0 {
		said += fmt.Sprintf(", and what is not of the contract: %q", b.wrong)
	}
	return said
}

func (b *bench) close() {
	if b.end != nil {
		b.end()
	}
	if b.bus != nil {
		_ = b.ctl(context.Background(), map[string]any{"op": "release", "epoch": b.epoch})
		_ = b.bus.Close()
	}
	if b.cfg.Process != nil {
		_ = b.cfg.Process.Kill()
	}
}

// take hears a message of the device.
func (b *bench) take(m devices.Message) {
	_, _, leaf, _ := devices.ParseTopic(m.Topic)
	b.mu.Lock()
	defer b.mu.Unlock()
	var err error
	switch leaf {
	case devices.LeafConn:
		var c devices.Conn
		if c, err = devices.DecodeConn(m.Payload); err == nil {
			if c.State != devices.Lost || c.Boot >= b.conn.Boot { // not the late will of an old process
				b.conn = c
			}
			b.conns = append(b.conns, c)
			b.born = b.born || !m.Retain && c.State == devices.Online
		}
	case devices.LeafAbout:
		var a devices.About
		if a, err = devices.ParseAbout(m.Payload); err == nil && !b.fixed {
			b.about, b.td = a, m.Payload
		}
	case devices.LeafState:
		var s devices.State
		if s, err = devices.DecodeState(m.Payload); err == nil {
			b.states = append(b.states, heardState{s, time.Now()})
		}
	case devices.LeafEv:
		var e devices.Event
		if e, err = devices.DecodeEvent(m.Payload); err == nil {
			b.events = append(b.events, heardEvent{e, m.Payload, time.Now()})
		}
	case devices.LeafRecall:
		var r devices.Recall
		if r, _, err = devices.DecodeRecall(m.Payload); err == nil {
			b.pages = append(b.pages, r)
		}
	default:
		leaf, err = b.takeBelow(m)
	}
	if err != nil {
		b.wrong = append(b.wrong, fmt.Sprintf("on %s: %v", leaf, err))
	}
	close(b.heard)
	b.heard = make(chan struct{})
}

// takeBelow hears an alarm or telemetry; b.mu is held.
func (b *bench) takeBelow(m devices.Message) (devices.Leaf, error) {
	_, leaf, name, ok := devices.ParseSubTopic(m.Topic)
	switch {
	case !ok:
		return leaf, fmt.Errorf("the topic %s", m.Topic)
	case leaf == devices.LeafAlarm && len(m.Payload) == 0:
		delete(b.alarms, name)
		b.clears[name]++
	case leaf == devices.LeafAlarm:
		a, err := devices.DecodeAlarm(m.Payload)
		if err == nil && a.Code != name {
			err = fmt.Errorf("alarm %s under the code %s", a.Code, name)
		}
		if err != nil {
			return leaf, err
		}
		b.alarms[name] = a
	case leaf == devices.LeafTm:
		t, err := devices.DecodeBatch(m.Payload)
		if err == nil && b.fixed {
			err = b.about.CheckBatch(name, t)
		}
		if err != nil {
			return leaf, err
		}
		b.batches[name] = append(b.batches[name], t)
	case leaf == devices.LeafBlob:
		return leaf, b.takeChunk(name, m)
	}
	return leaf, nil
}

// until waits until ok, which is asked after each message with b.mu held.
func (b *bench) until(ctx context.Context, patience time.Duration, what string, ok func() bool) error {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		b.mu.Lock()
		is, heard := ok(), b.heard
		b.mu.Unlock()
		if is {
			return nil
		}
		select {
		case <-heard:
		case <-timer.C:
			return fmt.Errorf("waited %v for %s, in vain", patience, what)
		case <-b.ended():
			return fmt.Errorf("the device's process ended by itself while the kit waited for %s; see what it said on standard error", what)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// ended is closed when the device's process has ended by itself.
func (b *bench) ended() <-chan struct{} {
	if b.cfg.Process == nil {
		return nil
	}
	return b.cfg.Process.Ended()
}

// soon is until with the usual patience.
func (b *bench) soon(ctx context.Context, what string, ok func() bool) error {
	return b.until(ctx, b.cfg.Patience, what, ok)
}

// pause waits for a time that the contract itself names.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// beats beats for the cell until ctx ends, save while the kit is quiet.
func (b *bench) beats(ctx context.Context) {
	for pause(ctx, beatEvery) == nil {
		b.beating.Lock()
		b.mu.Lock()
		quiet := b.quiet
		b.mu.Unlock()
		if !quiet {
			b.beat(0)
		}
		b.beating.Unlock()
	}
}

// beat beats once, as the kit, with a clock that is wrong by skew.
func (b *bench) beat(skew time.Duration) { b.beatAs(b.id, skew) }

func (b *bench) beatAs(holder string, skew time.Duration) {
	b.mu.Lock()
	b.seq++
	payload := marshal(devices.Beat{TS: time.Now().Add(skew).UTC(), Seq: int64(b.seq), Orc: holder})
	cell := b.about.Cell
	b.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), b.cfg.Patience)
	defer cancel()
	// An error means that the link is away, and the next beat tries again.
	_ = b.bus.Publish(ctx, devices.Message{Topic: devices.BeatTopic(b.cfg.Lab, cell), Payload: payload})
}

// hush stops the beats, and hush(false) goes on with them.
func (b *bench) hush(quiet bool) {
	b.beating.Lock()
	b.mu.Lock()
	b.quiet = quiet
	b.mu.Unlock()
	b.beating.Unlock()
	if !quiet {
		b.beat(0)
	}
}

func (b *bench) state() devices.State {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.last()
}

// last is state for who holds b.mu.
func (b *bench) last() devices.State {
	if len(b.states) == 0 {
		return devices.State{}
	}
	return b.states[len(b.states)-1].State
}

func marshal(v any) []byte {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // the kit wrote it
	}
	return body
}

// claimed reads a descriptor's profile, as letters.
func claimed(td json.RawMessage) string {
	var d struct {
		Profile []string `json:"ldp:profile"`
	}
	letters := ""
	if json.Unmarshal(td, &d) == nil {
		for _, l := range d.Profile {
			letters += l
		}
	}
	return letters
}
