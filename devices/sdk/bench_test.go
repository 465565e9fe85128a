package sdk_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/devices/devicestest"
	"github.com/athanor-lab/athanor/devices/sdk"
	"github.com/athanor-lab/athanor/lab"
)

// bench is a device on a bus of its own, with somebody who speaks the contract
// by hand and hears everything.
type bench struct {
	t       *testing.T
	broker  *devicestest.Broker
	bus     devices.Bus
	journal string
	with    func(*sdk.Device) // registers more
	device  *sdk.Device
	done    chan error
	moved   chan string // a command's id, each time that something moves
	gate    chan struct{}

	mu     sync.Mutex
	events []devices.Event
	states []devices.State
	conns  []devices.Conn
	news   chan struct{}
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{
		t: t, broker: devicestest.NewBroker(), journal: filepath.Join(t.TempDir(), "device.journal"),
		moved: make(chan string, 1000), gate: make(chan struct{}), news: make(chan struct{}),
	}
	topic := func(l devices.Leaf) string { return devices.Topic("lab", "dut", l) }
	bus, err := b.broker.Dial(t.Context(), devices.Session{ClientID: "hand", Subscriptions: []devices.Subscription{
		{Filters: []string{topic(devices.LeafEv), topic(devices.LeafState), topic(devices.LeafConn)}, Handle: b.hear},
	}})
	if err != nil {
		t.Fatal(err)
	}
	b.bus = bus
	return b
}

func (b *bench) hear(_ context.Context, m devices.Message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var err error
	switch _, _, leaf, _ := devices.ParseTopic(m.Topic); leaf {
	case devices.LeafEv:
		var e devices.Event
		e, err = devices.DecodeEvent(m.Payload)
		b.events = append(b.events, e)
	case devices.LeafState:
		var s devices.State
		s, err = devices.DecodeState(m.Payload)
		b.states = append(b.states, s)
	case devices.LeafConn:
		var c devices.Conn
		c, err = devices.DecodeConn(m.Payload)
		b.conns = append(b.conns, c)
	default: // not asked for
	}
	if err != nil {
		b.t.Errorf("the device said %s: %v", m.Payload, err)
	}
	close(b.news)
	b.news = make(chan struct{})
}

// until waits for what find finds under the lock.
func until[T any](b *bench, what string, find func() (T, bool)) T {
	b.t.Helper()
	late := time.After(devicestest.Patience)
	for {
		b.mu.Lock()
		v, ok := find()
		news := b.news
		b.mu.Unlock()
		if ok {
			return v
		}
		select {
		case <-news:
		case <-late:
			b.t.Fatalf("waited in vain for %s; events %+v", what, b.events)
		}
	}
}

type move struct {
	X    float64  `json:"x" unit:"mm" min:"-10" max:"10"`
	N    int      `json:"n" min:"1" max:"3" default:"1"`
	Gas  string   `json:"gas,omitempty" enum:"air,N2"`
	Slow *float64 `json:"slow" unit:"s" min:"0"`
}

type movedTo struct {
	X float64 `json:"x" unit:"mm"`
}

// start runs the device under test.
func (b *bench) start(opts ...func(*sdk.Config)) {
	b.t.Helper()
	cfg := sdk.Config{ID: "dut", Kind: "Axis", Capabilities: []string{"axis"}, Journal: b.journal, Heartbeat: time.Minute}
	for _, o := range opts {
		o(&cfg)
	}
	d := sdk.New(cfg)
	run := func(c *sdk.Ctx, p move) (movedTo, error) {
		b.moved <- c.CommandID()
		return movedTo{p.X}, nil
	}
	sdk.Handle(d, "move", run)
	sdk.Handle(d, "home", func(c *sdk.Ctx, _ struct{}) (struct{}, error) { b.moved <- c.CommandID(); return struct{}{}, nil }, sdk.Repeat)
	sdk.Handle(d, "wait", func(c *sdk.Ctx, _ struct{}) (struct{}, error) {
		b.moved <- c.CommandID()
		select {
		case <-b.gate:
			return struct{}{}, nil
		case <-c.Done():
			return struct{}{}, context.Cause(c)
		}
	})
	sdk.Handle(d, "look", func(c *sdk.Ctx, _ struct{}) (movedTo, error) { return movedTo{1}, nil }, sdk.Repeat, sdk.Alongside)
	sdk.Handle(d, "panic", func(*sdk.Ctx, struct{}) (struct{}, error) { panic("driver bug") })
	sdk.Handle(d, "fail", func(*sdk.Ctx, struct{}) (struct{}, error) {
		return struct{}{}, sdk.Fault{Effect: lab.EffectPartial, Code: devices.Consumable, Retryable: true, Err: errors.New("out of tips")}
	})
	sdk.Handle(d, "unsure", func(*sdk.Ctx, struct{}) (struct{}, error) {
		return struct{}{}, fmt.Errorf("camera: %w", sdk.ErrInDoubt)
	})
	sdk.HandleRaw(d, lab.CommandSpec{Name: "raw"}, func(_ *sdk.Ctx, _ json.RawMessage) (any, error) { return []int{1}, nil })
	if b.with != nil {
		b.with(d)
	}
	b.device, b.done = d, make(chan error, 1)
	ctx, cancel := context.WithCancel(context.Background())
	b.t.Cleanup(cancel)
	go func() { b.done <- d.Run(ctx, b.broker.Dial) }()
	until(b, "the device online", func() (bool, bool) {
		n := len(b.conns)
		return true, n > 0 && b.conns[n-1].State == devices.Online
	})
}

// restart kills the device and starts it again.
func (b *bench) restart() {
	b.t.Helper()
	b.device.Kill()
	if err := devicestest.Wait(b.t, b.done, "the death of the device"); !errors.Is(err, sdk.ErrKilled) {
		b.t.Fatalf("Run = %v; want killed", err)
	}
	until(b, "the last will", func() (bool, bool) { return true, b.conns[len(b.conns)-1].State == devices.Lost })
	b.start()
}

func (b *bench) send(leaf devices.Leaf, payload string) {
	b.t.Helper()
	if err := b.bus.Publish(b.t.Context(), devices.Message{Topic: devices.Topic("lab", "dut", leaf), Payload: []byte(payload), QoS: 1}); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) ctl(payload string) { b.t.Helper(); b.send(devices.LeafCtl, payload) }

// lease takes the device and tells it the time.
func (b *bench) lease(epoch int) {
	b.t.Helper()
	b.beat()
	b.ctl(fmt.Sprintf(`{"id":"l","op":"lease","epoch":%d,"holder":"hand","ttl_s":60}`, epoch))
}

func (b *bench) beat() {
	b.t.Helper()
	beat := fmt.Sprintf(`{"ts":%q,"seq":1,"orc":"hand"}`, time.Now().UTC().Format(time.RFC3339Nano))
	if err := b.bus.Publish(b.t.Context(), devices.Message{Topic: devices.BeatTopic("lab", "main"), Payload: []byte(beat)}); err != nil {
		b.t.Fatal(err)
	}
}

// cmd returns a command's bytes; more is put in front of its members.
func cmd(id, name, params, more string) string {
	return fmt.Sprintf(`{%s"id":%q,"name":%q,"epoch":1,"expires":%q,"params":%s}`, more, id, name,
		time.Now().Add(time.Hour).UTC().Format(time.RFC3339), params)
}

// do sends a command.
func (b *bench) do(id, name, params string) string {
	b.t.Helper()
	c := cmd(id, name, params, "")
	b.send(devices.LeafCmd, c)
	return c
}

// event waits for the k-th event of a command, from 1, in a state.
func (b *bench) event(id string, state lab.CommandState, k int) devices.Event {
	b.t.Helper()
	return until(b, fmt.Sprintf("%s %s %d", id, state, k), func() (devices.Event, bool) {
		n := 0
		for _, e := range b.events {
			if e.ID == id && e.State == state {
				if n++; n == k {
					return e, true
				}
			}
		}
		return devices.Event{}, false
	})
}

// states returns the states of a command's events so far.
func (b *bench) said(id string) []lab.CommandState {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []lab.CommandState
	for _, e := range b.events {
		if e.ID == id {
			all = append(all, e.State)
		}
	}
	return all
}

// moves returns how often something moved for each command so far.
func (b *bench) moves() map[string]int {
	n := map[string]int{}
	for {
		select {
		case id := <-b.moved:
			n[id]++
		default:
			return n
		}
	}
}

// state waits for a state that ok wants.
func (b *bench) state(what string, ok func(devices.State) bool) devices.State {
	b.t.Helper()
	return until(b, what, func() (devices.State, bool) {
		i := slices.IndexFunc(b.states, ok)
		if i < 0 {
			return devices.State{}, false
		}
		return b.states[i], true
	})
}
