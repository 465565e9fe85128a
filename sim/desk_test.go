package sim_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/sim"
	"github.com/athanor-lab/athanor/sim/world"
)

// desk sends commands by hand and waits for their end: as little of an
// orchestrator as the contract allows. Resend is query.
type desk struct {
	t   testing.TB
	bus devices.Bus

	mu     sync.Mutex
	last   map[string]devices.Event // by command
	heard  chan struct{}            // closed and replaced at each event
	count  int                      // events ever
	leases int
}

func newDesk(t testing.TB, dial devices.Dialer) *desk {
	t.Helper()
	d := &desk{t: t, last: map[string]devices.Event{}, heard: make(chan struct{})}
	bus, err := dial(t.Context(), devices.Session{ClientID: "desk", Subscriptions: []devices.Subscription{{
		Filters: []string{devices.Topic("lab", "+", devices.LeafEv)},
		Handle:  func(_ context.Context, m devices.Message) { d.take(m.Payload) },
	}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = bus.Close() })
	d.bus = bus
	return d
}

func (d *desk) take(b []byte) {
	ev, err := devices.DecodeEvent(b)
	if err != nil {
		d.t.Errorf("a device said %s: %v", b, err)
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if old, ok := d.last[ev.ID]; !ok || ev.Newer(old.Boot, old.N) {
		d.last[ev.ID] = ev
	}
	d.count++
	close(d.heard)
	d.heard = make(chan struct{})
}

// after returns when the desk has heard n more events, or over is closed.
func (d *desk) after(n int, over <-chan struct{}) {
	d.mu.Lock()
	until := d.count + n
	d.mu.Unlock()
	for {
		d.mu.Lock()
		count, heard := d.count, d.heard
		d.mu.Unlock()
		if count >= until {
			return
		}
		select {
		case <-heard:
		case <-over:
			return
		}
	}
}

// do sends a command until its end is heard.
func (d *desk) do(device, id, name string, params any, samples ...string) devices.Event {
	d.t.Helper()
	raw, err := json.Marshal(params)
	if err != nil {
		d.t.Fatal(err)
	}
	cmd := devices.Cmd{ID: id, Name: name, Epoch: 1, Expires: time.Now().Add(time.Hour).UTC(), Params: raw}
	for _, s := range samples {
		cmd.Samples = append(cmd.Samples, lab.SampleRef{ID: s})
	}
	body, err := json.Marshal(cmd)
	if err != nil {
		d.t.Fatal(err)
	}
	deadline := time.After(30 * time.Second)
	for {
		d.send(device, body)
		again := time.After(150 * time.Millisecond)
		for waiting := true; waiting; {
			d.mu.Lock()
			ev, heard := d.last[id], d.heard
			d.mu.Unlock()
			if ev.State.Terminal() && !ev.Refusal() {
				return ev
			}
			select {
			case <-heard:
			case <-again:
				waiting = false
			case <-deadline:
				d.t.Fatalf("command %s to %s: no end in 30 s, the last was %+v", name, device, ev)
			}
		}
	}
}

func (d *desk) send(device string, body []byte) {
	d.mu.Lock()
	d.leases++
	lease, err := json.Marshal(devices.Ctl{ID: fmt.Sprintf("lease-%d", d.leases), Op: devices.OpLease, Epoch: 1, Holder: "desk", TTLS: 60})
	d.mu.Unlock()
	if err != nil {
		d.t.Fatal(err)
	}
	// An error means that the link is away, and the next turn sends again.
	_ = d.bus.Publish(d.t.Context(),
		devices.Message{Topic: devices.Topic("lab", device, devices.LeafCtl), Payload: lease, QoS: 1},
		devices.Message{Topic: devices.Topic("lab", device, devices.LeafCmd), Payload: body, QoS: 1})
}

// experiment carries one vial through the demonstration's protocol and returns
// what the chromatograph saw; prefix makes the ids of its commands.
func (d *desk) experiment(prefix string, base string, celsius, molar, cosolvent float64, heater string) map[string]float64 {
	d.t.Helper()
	vial := prefix + ".vial"
	carry := func(step, from, to string) {
		for try := 1; ; try++ {
			ev := d.do("mobile-robot-1", fmt.Sprintf("%s.%s.%d", prefix, step, try), "transfer", map[string]any{"from": from, "to": to, "sample": vial}, vial)
			if ev.State == lab.CommandDone {
				return
			}
			if !ev.Retryable || try == 20 {
				d.t.Fatalf("%s: transfer ended %s: %s", prefix, ev.State, ev.Error)
			}
		}
	}
	must := func(ev devices.Event) json.RawMessage {
		if ev.State != lab.CommandDone || ev.Effect != lab.EffectComplete {
			d.t.Fatalf("%s: command %s ended %s (%s): %s", prefix, ev.ID, ev.State, ev.Code, ev.Error)
		}
		return ev.Result
	}
	must(d.do("liquid-handler-1", prefix+".dose", "dispense", map[string]any{"substance": base, "volume": 1000, "concentration": molar, "cosolvent": cosolvent}, vial))
	carry("in", "liquid-handler-1", heater)
	must(d.do(heater, prefix+".heat", "hold", map[string]any{"target": celsius, "time": 3600}, vial))
	carry("out", heater, "hplc-1")
	var peaks map[string]float64
	if err := json.Unmarshal(must(d.do("hplc-1", prefix+".look", "measure", struct{}{}, vial)), &peaks); err != nil {
		d.t.Fatal(err)
	}
	return peaks
}

// fast is the demonstration's laboratory, fast enough for a test.
func fast(speed float64) sim.Description {
	d := sim.Default()
	d.Speed = speed
	return d
}

// served is a laboratory on the bus, which can be closed and opened again.
type served struct {
	t       testing.TB
	dir     string
	d       sim.Description
	o       sim.Options
	dial    devices.Dialer
	tables  []string
	lab     *sim.Lab
	end     context.CancelFunc
	ended   chan error
	stopped bool
}

// serve opens a laboratory and serves it until the test ends or it is stopped.
func serve(t testing.TB, dial devices.Dialer, dir string, d sim.Description, o sim.Options, tables ...string) *served {
	t.Helper()
	s := &served{t: t, dir: dir, d: d, o: o, dial: dial, tables: tables}
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.stop)
	return s
}

func (s *served) start() error {
	l, err := sim.Open(s.dir, s.d, s.o)
	if err != nil {
		return err
	}
	for _, dir := range s.tables {
		if _, err := l.AddTables(dir); err != nil {
			return errors.Join(err, l.Close())
		}
	}
	ctx, end := context.WithCancel(context.Background())
	s.lab, s.end, s.ended, s.stopped = l, end, make(chan error, 1), false
	go func() { s.ended <- l.Run(ctx, s.dial) }()
	return nil
}

// stop ends the devices in the middle of what they do, and closes the world.
func (s *served) stop() {
	if s.stopped {
		return
	}
	s.stopped = true
	s.end()
	if err := <-s.ended; err != nil {
		s.t.Error(err)
	}
	if err := s.lab.Close(); err != nil {
		s.t.Error(err)
	}
}

// ledger stops the laboratory and reads what happened in it.
func (s *served) ledger() *world.Ledger {
	s.t.Helper()
	s.stop()
	l, err := world.ReadLedger(s.lab.LedgerPath())
	if err != nil {
		s.t.Fatal(err)
	}
	return l
}
