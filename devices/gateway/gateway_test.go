package gateway_test

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/devices/devicestest"
	"github.com/athanor-lab/athanor/devices/gateway"
	"github.com/athanor-lab/athanor/devices/gateway/gatewaytest"
	"github.com/athanor-lab/athanor/devices/mqtt"
	"github.com/athanor-lab/athanor/devices/mqtt/mqtttest"
	"github.com/athanor-lab/athanor/devices/sdk"
	"github.com/athanor-lab/athanor/lab"
)

// site is a laboratory of one test: a bus, a ledger, gateways and devices whose
// journals and physical world outlive their processes.
type site struct {
	t         *testing.T
	dial      devices.Dialer
	dir       string
	ledger    *gatewaytest.Ledger
	fleet     *gatewaytest.Fleet
	completer *gatewaytest.Completer
	records   *gatewaytest.Records
	samples   gateway.Samples
	world     *world
	g         *gateway.Gateway // the first one
	end       func()           // of it
	config    []func(*gateway.Config)
	campaign  lab.CampaignID
	epoch     int64
}

// world counts what physically happened, as no message can.
type world struct {
	mu    sync.Mutex
	moved map[string]int
}

func (w *world) move(what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.moved[what]++
}

func (w *world) seen(what string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.moved[what]
}

// buses are what every test of this package runs over.
func buses(t *testing.T, run func(t *testing.T, dial devices.Dialer)) {
	t.Helper()
	t.Run("Memory", func(t *testing.T) {
		t.Parallel()
		run(t, devicestest.NewBroker().Dial)
	})
	t.Run("MQTT", func(t *testing.T) {
		t.Parallel()
		run(t, mqtt.Dialer(mqtttest.Start(t).Options()))
	})
}

func newSite(t *testing.T, dial devices.Dialer, config ...func(*gateway.Config)) *site {
	t.Helper()
	s := &site{
		t: t, dial: dial, dir: t.TempDir(), ledger: new(gatewaytest.Ledger), fleet: new(gatewaytest.Fleet), completer: new(gatewaytest.Completer),
		records: new(gatewaytest.Records), samples: new(gatewaytest.Samples), config: config,
		world: &world{moved: map[string]int{}}, campaign: lab.CampaignID{15: 1}, epoch: 1,
	}
	s.g, s.end = s.gateway()
	return s
}

// gateway starts one more gateway, and returns how to end it.
func (s *site) gateway() (*gateway.Gateway, func()) {
	s.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cfg := gateway.Config{
		Dial: s.dial, Ledger: s.ledger, Fleet: s.fleet, Completer: s.completer,
		Alarms: s.records, Telemetry: s.records, Quarantine: s.records, Samples: s.samples,
		Resend: 100 * time.Millisecond, Beat: 100 * time.Millisecond, Sweep: 100 * time.Millisecond,
		Rate: 1000, Burst: 200, Quiet: 400 * time.Millisecond,
	}
	for _, c := range s.config {
		c(&cfg)
	}
	g, err := gateway.Open(ctx, cfg)
	if err != nil {
		s.t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := g.Run(ctx); err != nil {
			s.t.Error(err)
		}
	}()
	end := func() { cancel(); <-done }
	s.t.Cleanup(end)
	return g, end
}

// dose is what the device's commands take.
type dose struct {
	Amount float64 `json:"amount" unit:"uL" min:"0" max:"1000"`
}

type dosed struct {
	Amount float64 `json:"amount" unit:"uL"`
}

// process is a device's process.
type process struct {
	*sdk.Device
	done chan error
	end  context.CancelFunc
}

// device starts a device with a command to each recovery class and "hold",
// which takes until it is ended. mid, when set, is called between two halves of
// an effect.
func (s *site) device(id string, crash func(sdk.Point, string) bool, mid func(d *sdk.Device, command string)) *process {
	s.t.Helper()
	d := sdk.New(sdk.Config{
		ID: id, Kind: "Doser", Capabilities: []string{"liquid-handler"}, Journal: filepath.Join(s.dir, id+".journal"),
		Simulated: true, Heartbeat: 200 * time.Millisecond, Crash: crash,
	})
	halfway := func(c *sdk.Ctx) error {
		if mid != nil {
			mid(d, c.CommandID())
		}
		return context.Cause(c)
	}
	sdk.Handle(d, "repeat", func(c *sdk.Ctx, p dose) (dosed, error) {
		s.world.move(c.CommandID() + " set")
		return dosed(p), halfway(c)
	}, sdk.Repeat)
	sdk.Handle(d, "resume", func(c *sdk.Ctx, p dose) (dosed, error) {
		step := 0
		c.Resumed(&step)
		for ; step < 3; step++ {
			if c.Err() != nil {
				return dosed{}, context.Cause(c)
			}
			s.world.move(fmt.Sprint(c.CommandID(), " step ", step))
			if err := c.Checkpoint(step + 1); err != nil {
				return dosed{}, err
			}
			if step == 1 {
				if err := halfway(c); err != nil {
					return dosed{}, err
				}
			}
		}
		return dosed(p), nil
	}, sdk.Resume)
	blind := func(c *sdk.Ctx, p dose) (dosed, error) {
		s.world.move(c.CommandID() + " poured")
		return dosed(p), halfway(c)
	}
	sdk.Handle(d, "probe", blind, sdk.Probe(func(c *sdk.Ctx) (sdk.Found, any, error) {
		if s.world.seen(c.CommandID()+" poured") == 0 {
			return sdk.Undone, nil, nil
		}
		return sdk.Done, dosed{Amount: 5}, nil
	}))
	sdk.Handle(d, "manual", blind, sdk.Manual)
	sdk.Handle(d, "hold", func(c *sdk.Ctx, p dose) (dosed, error) {
		s.world.move(c.CommandID() + " held")
		return dosed(p), c.Sleep(time.Hour)
	})
	ctx, cancel := context.WithCancel(context.Background())
	p := &process{Device: d, done: make(chan error, 1), end: cancel}
	go func() { p.done <- d.Run(ctx, s.dial) }()
	s.t.Cleanup(cancel)
	return p
}

// command returns the n-th command of the site, for a device.
func (s *site) command(device, name string, n int) lab.Command {
	e := lab.ExperimentIDOf(s.campaign, n)
	return lab.Command{
		ID: lab.CommandIDOf(e, name, 1, 0), CampaignID: s.campaign, ExperimentID: e, Number: n, Step: name, Intent: 1,
		Device: device, Epoch: s.epoch, Name: name, Params: json.RawMessage(`{"amount":5}`), TimeoutS: 60,
		Deadline: time.Now().UTC().Add(time.Minute).Truncate(time.Millisecond),
	}
}

func (s *site) dispatch(c lab.Command) {
	s.t.Helper()
	r, err := s.g.Dispatch(s.t.Context(), c)
	if err != nil {
		s.t.Fatal(err)
	}
	if r != nil {
		s.t.Fatalf("a new command %s has ended already: %+v", c.ID, *r)
	}
}

func (s *site) patience() context.Context {
	ctx, cancel := context.WithTimeout(s.t.Context(), devicestest.Patience)
	s.t.Cleanup(cancel)
	return ctx
}

// ended waits for the end of a command.
func (s *site) ended(c lab.Command, want lab.CommandState) lab.Result {
	s.t.Helper()
	r, err := s.completer.Await(s.patience(), c.ID, func(r lab.Result) bool { return true })
	if err != nil {
		e, _ := s.ledger.Get(s.t.Context(), c.ID.UUID())
		s.t.Fatalf("command %s has not ended; the ledger has %q (%d, %d)", c.Name, e.State, e.Boot, e.N)
	}
	if r.State != want {
		s.t.Errorf("command %s ended %s (%s %s); want %s", c.Name, r.State, r.Code, r.Error, want)
	}
	return r
}

// running waits until the ledger has a command in a state.
func (s *site) reached(c lab.Command, want lab.CommandState) {
	s.t.Helper()
	ctx := s.patience()
	for tick := time.NewTicker(time.Millisecond); ; <-tick.C {
		e, err := s.ledger.Get(ctx, c.ID.UUID())
		if err == nil && e.State == want {
			tick.Stop()
			return
		}
		if ctx.Err() != nil {
			s.t.Fatalf("command %s is %q (%v); want %s", c.Name, e.State, err, want)
		}
	}
}

// TestCommandRuns sends one command through everything and wants its result,
// once, with what the device measured.
func TestCommandRuns(t *testing.T) {
	t.Parallel()
	buses(t, func(t *testing.T, dial devices.Dialer) {
		s := newSite(t, dial)
		s.device("doser-1", nil, nil)
		c := s.command("doser-1", "manual", 1)
		s.dispatch(c)
		r := s.ended(c, lab.CommandDone)
		if string(r.Values) != `{"amount":5}` || r.Effect != lab.EffectComplete || r.Device != "doser-1" || r.ExperimentID != c.ExperimentID {
			t.Errorf("result = %+v; want amount 5, complete, of doser-1", r)
		}
		again, err := s.g.Dispatch(t.Context(), c)
		if err != nil || again == nil || again.State != lab.CommandDone {
			t.Errorf("second Dispatch = %+v, %v; want the result", again, err)
		}
		if n := s.world.seen(c.ID.UUID() + " poured"); n != 1 {
			t.Errorf("poured %d times; want once", n)
		}
		d, err := s.fleet.Await(s.patience(), "doser-1", func(d lab.Device) bool { return d.Conn == devices.Online && d.Op == "idle" && d.Epoch == 1 })
		if err != nil {
			t.Fatalf("device = %+v: %v", d, err)
		}
		if len(d.Capabilities) != 1 || len(d.Capabilities[0].Commands) != 5 || !d.Simulated || d.Kind != "Doser" {
			t.Errorf("device = %+v; want one capability with five commands", d)
		}
	})
}
