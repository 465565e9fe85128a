package conformance_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/athanor-lab/athanor/devices/conformance"
	"github.com/athanor-lab/athanor/devices/devicestest"
	"github.com/athanor-lab/athanor/devices/mqtt"
	"github.com/athanor-lab/athanor/devices/mqtt/mqtttest"
	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/sim"
)

// simulatorDir and simulatorURL, when set, make this program the laboratory
// that the kit kills.
const (
	simulatorDir = "ATHANOR_TEST_SIMULATOR_DIR"
	simulatorURL = "ATHANOR_TEST_SIMULATOR_URL"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(simulatorDir); dir != "" {
		if err := simulate(dir, os.Getenv(simulatorURL)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func simulate(dir, url string) error {
	d, err := sim.Parse([]byte(laboratory))
	if err != nil {
		return err
	}
	l, err := sim.Open(dir, d, sim.Options{})
	if err != nil {
		return err
	}
	return l.Run(context.Background(), mqtt.Dialer(mqtt.Options{URL: url}))
}

// laboratory has one device of every kind, without faults.
const laboratory = `
athanor: laboratory/1
title: One of each
seed: 1
speed: 3600
heartbeat_s: 1
devices:
  - {kind: liquid-handler, id: handler}
  - {kind: mobile-robot, id: robot, hand_s: 1}
  - {kind: heater, id: heater}
  - {kind: hplc, id: hplc, duration_s: 60}
  - {kind: surface, id: surface, truth: branin}
  - {kind: noop, id: noop}
`

// simulated is what the kit is told of a device: parameters of its commands,
// and a vial that is where they want it.
var simulated = map[string]struct {
	examples, long map[string]json.RawMessage
	vial           bool
}{
	"handler": {examples: one("dispense", `{"substance":"KOAc","volume":1,"concentration":0.1,"cosolvent":0.2}`), vial: true},
	"robot":   {examples: one("transfer", `{"from":"handler","to":"handler","sample":"S"}`), vial: true},
	"heater":  {examples: one("hold", `{"target":25,"time":0}`), long: one("hold", `{"target":25,"time":7200}`), vial: true},
	"hplc":    {examples: one("measure", `{}`), vial: true},
	"surface": {},
	"noop":    {examples: one("noop", `{}`)},
}

func one(action, params string) map[string]json.RawMessage {
	return map[string]json.RawMessage{action: json.RawMessage(params)}
}

// TestSimulatedDevicesConform runs the kit against every kind of the simulated
// laboratory, each in a process of its own that is killed.
func TestSimulatedDevicesConform(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup
	defer all.Wait()
	for id, s := range simulated {
		broker := mqtttest.Start(t)
		cfg := conformance.Config{
			Dial: mqtt.Dialer(broker.Options()), Device: id, Examples: s.examples, Long: s.long, Patience: patience,
			Start: []string{"env", simulatorDir + "=" + t.TempDir(), simulatorURL + "=" + broker.Options().URL, os.Args[0]},
		}
		if id == "surface" {
			cfg.Examples = one("measure", middle(t))
		}
		if s.vial {
			cfg.Samples = []lab.SampleRef{{ID: "S"}}
			prepare(t, cfg, id)
		}
		all.Go(func() { // not a parallel test: they wait, and need no processor
			r := conformance.Run(t.Context(), cfg)
			var red []string
			for _, x := range r.Results {
				if x.Outcome == conformance.Failed {
					red = append(red, x.Check)
				}
			}
			if len(red) > 0 || r.Passed < 80 {
				t.Errorf("%s passed %d checks, failed %v: %s", id, r.Passed, red, strings.Join(failures(r), "\n"))
			}
			t.Logf("%s: %d checks in %.1f s; skipped %v", id, r.Passed, r.TookMS/1000, skips(r))
		})
	}
}

// middle returns parameters in the middle of the limits of the test function.
func middle(t testing.TB) string {
	d, err := sim.Parse([]byte(laboratory))
	if err != nil {
		t.Fatal(err)
	}
	l, err := sim.Open(filepath.Join(t.TempDir(), "lab"), d, sim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	m := map[string]float64{}
	for _, a := range l.Abouts() {
		if a.ID == "surface" {
			for _, p := range a.Actions[0].Params {
				m[p.Name] = (*p.Min + *p.Max) / 2
			}
		}
	}
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// prepare fills a vial and brings it to where the device wants it.
func prepare(t testing.TB, cfg conformance.Config, to string) {
	t.Helper()
	home := "handler"
	if to == "heater" || to == "hplc" {
		home = to
	}
	ctx, cancel := context.WithTimeout(t.Context(), 9*devicestest.Patience)
	defer cancel()
	for _, c := range []struct{ device, name, params string }{
		{"handler", "dispense", `{"substance":"KOAc","volume":500,"concentration":0.1,"cosolvent":0.2}`},
		{"robot", "transfer", `{"from":"handler","to":"` + home + `","sample":"S"}`},
	} {
		// The kit itself is the simplest hand: the example is done or it fails.
		own := cfg
		own.Device, own.Examples, own.Long, own.Only = c.device, one(c.name, c.params), nil, []string{"command.order"}
		r := conformance.Run(ctx, own)
		for range 2 { // a device that did not come up in time on a busy machine is started again
			if r.OK() {
				break
			}
			r = conformance.Run(ctx, own)
		}
		if !r.OK() {
			t.Fatalf("prepare the vial: %v", failures(r))
		}
	}
}
