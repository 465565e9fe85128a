package sim_test

import (
	"encoding/json"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/athanor-lab/athanor/devices/conformance"
	"github.com/athanor-lab/athanor/devices/mqtt"
	"github.com/athanor-lab/athanor/devices/mqtt/mqtttest"
	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/sim/instrument"
	"github.com/athanor-lab/athanor/sim/world"
)

// conforming is a device of each kind that devices/conformance does not have.
const conforming = `
athanor: laboratory/1
title: One of each
seed: 1
speed: 36000
heartbeat_s: 1
devices:
  - {kind: powder-doser, id: doser}
  - {kind: furnace, id: furnace}
  - {kind: balance, id: balance}
  - {kind: diffractometer, id: xrd}
  - {kind: uv-vis, id: uv}
  - {kind: ph-meter, id: ph}
  - {kind: syringe-pump, id: pump}
`

// TestDevicesConform runs the conformance kit against them, each in a process
// of its own that is killed. A vial or a crucible is there from the beginning.
func TestDevicesConform(t *testing.T) {
	t.Parallel()
	example := func(pairs ...string) map[string]json.RawMessage {
		m := map[string]json.RawMessage{}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i]] = json.RawMessage(pairs[i+1])
		}
		return m
	}
	var all sync.WaitGroup
	defer all.Wait()
	for id, c := range map[string]struct{ examples, long map[string]json.RawMessage }{
		"doser":   {example("dose", `{"substance":"Co3O4","mass":10}`), nil},
		"furnace": {example("fire", `{"target":100,"rate":50,"hold":0}`), example("fire", `{"target":200,"rate":50,"hold":86400}`)},
		"balance": {example("weigh", `{}`, "adjust", `{}`), nil},
		"xrd":     {example("scan", `{"time":0.01}`), example("scan", `{"time":40}`)},
		"uv":      {example("measure", `{"wavelength":342}`), nil},
		"ph":      {example("measure", `{}`, "calibrate", `{}`), nil},
		"pump":    {example("infuse", `{"volume":10}`), example("infuse", `{"volume":20000,"rate":10}`)},
	} {
		broker, dir := mqtttest.Start(t), t.TempDir()
		fill(t, dir, id)
		all.Go(func() { // not a parallel test: they wait, and need no processor
			r := conformance.Run(t.Context(), conformance.Config{
				Dial: mqtt.Dialer(broker.Options()), Device: id, Examples: c.examples, Long: c.long, Samples: []lab.SampleRef{{ID: "S"}},
				Start: []string{"env", simulatorDir + "=" + dir, simulatorURL + "=" + broker.Options().URL, simulatorLab + "=" + conforming, os.Args[0]},
			})
			var red []string
			for _, x := range r.Results {
				if x.Outcome == conformance.Failed {
					red = append(red, x.Check+": "+x.Message)
				}
			}
			if len(red) > 0 || r.Passed < 80 {
				t.Errorf("%s passed %d checks; failed:\n%s", id, r.Passed, strings.Join(red, "\n"))
			}
		})
	}
}

// fill makes the sample of a device before there is one.
func fill(t testing.TB, dir, device string) {
	t.Helper()
	w, err := world.Open(dir, 1)
	if err != nil {
		t.Fatal(err)
	}
	var given any = instrument.Dose{Substance: "Co3O4", MassMG: 800}
	if device == "uv" || device == "ph" || device == "pump" {
		given = instrument.Portion{Substance: "KOAc", StockUL: 500, SolventUL: 500, StockMolar: 1}
	}
	data, err := json.Marshal(given)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []world.Effect{
		{Command: "before", Effect: world.Made, Sample: "S", To: device},
		{Command: "before", Device: device, Name: "before", Effect: world.Dispensed, Sample: "S", Data: data},
	} {
		if _, err := w.Record(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}
