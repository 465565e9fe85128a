package sim_test

import (
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/athanor-lab/athanor/devices/devicestest"
	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/sim"
	"github.com/athanor-lab/athanor/sim/instrument"
	"github.com/athanor-lab/athanor/sim/truth"
	"github.com/athanor-lab/athanor/sim/world"
)

// shipped returns a laboratory of examples/labs at a speed, changed.
func shipped(t testing.TB, name string, change func(*sim.Description)) sim.Description {
	t.Helper()
	d, err := sim.Load(filepath.Join("..", "examples", "labs", name+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	d.Speed = 1e6
	change(&d)
	if problems := d.Check(); len(problems) > 0 {
		t.Fatal(problems)
	}
	return d
}

// result does a command and returns its result.
func (d *desk) result(device, id, name string, params any, sample string) map[string]float64 {
	d.t.Helper()
	for try := 1; ; try++ {
		ev := d.do(device, fmt.Sprintf("%s.%d", id, try), name, params, sample)
		if ev.State == lab.CommandDone {
			var r map[string]float64
			if len(ev.Result) > 0 {
				if err := json.Unmarshal(ev.Result, &r); err != nil {
					d.t.Fatal(err)
				}
			}
			return r
		}
		if !ev.Retryable || try == 20 {
			d.t.Fatalf("%s ended %s (%s): %s", id, ev.State, ev.Code, ev.Error)
		}
	}
}

// powder carries a crucible through the synthesis and returns all results.
func (d *desk) powder(prefix string, celsius float64) map[string]map[string]float64 {
	c := prefix + ".crucible"
	carry := func(step, from, to string) {
		d.result("mobile-robot-1", prefix+step, "transfer", map[string]string{"from": from, "to": to, "sample": c}, c)
	}
	r := map[string]map[string]float64{}
	r["co"] = d.result("powder-doser-1", prefix+".co", "dose", map[string]any{"substance": "Co3O4", "mass": 802.65}, c)
	r["li"] = d.result("powder-doser-1", prefix+".li", "dose", map[string]any{"substance": "Li2CO3", "mass": 369.44}, c)
	carry(".a", "powder-doser-1", "balance-1")
	r["before"] = d.result("balance-1", prefix+".before", "weigh", struct{}{}, c)
	carry(".b", "balance-1", "furnace-1")
	r["fire"] = d.result("furnace-1", prefix+".fire", "fire", map[string]any{"target": celsius, "hold": 14400}, c)
	carry(".c", "furnace-1", "balance-1")
	r["after"] = d.result("balance-1", prefix+".after", "weigh", struct{}{}, c)
	carry(".d", "balance-1", "diffractometer-1")
	r["scan"] = d.result("diffractometer-1", prefix+".scan", "scan", struct{}{}, c)
	return r
}

// TestPowderByHand goes the whole way of a crucible. What the balance lost is
// what the world gave to the air, and what the scan sees is what the world has.
// Then it does the same with power cuts, flapping links and commands that come
// twice, and wants the same results and nothing twice.
func TestPowderByHand(t *testing.T) {
	t.Parallel()
	run := func(disturb bool) (map[string]map[string]float64, *world.Ledger) {
		broker := devicestest.NewBroker()
		d := shipped(t, "solid-state", func(d *sim.Description) {
			for i := range d.Devices {
				if disturb {
					d.Devices[i].Faults.PowerCut, d.Devices[i].Faults.Duplicate, d.Devices[i].Faults.Flap = 0.5, 0.5, 0.1
				}
			}
		})
		s := serve(t, broker.Dial, t.TempDir(), d, sim.Options{})
		r := newDesk(t, broker.Dial).powder("p", 820)
		return r, s.ledger()
	}
	r, ledger := run(false)
	var history []world.Effect
	for _, e := range ledger.Effects {
		if e.Sample == "p.crucible" {
			history = append(history, e)
		}
	}
	p, err := instrument.Powder(truth.Cobaltate, history)
	if err != nil {
		t.Fatal(err)
	}
	lost := r["before"]["mass"] - r["after"]["mass"]
	if want := p.Gas - p.Oxygen; math.Abs(lost-want) > 1 || want < 50 {
		t.Errorf("the crucible lost %.1f mg on the balance, and %.1f mg in the world", lost, want)
	}
	if given := r["co"]["mass"] + r["li"]["mass"]; math.Abs(p.Mass()+p.Gas-p.Oxygen-given) > 1e-3*given {
		t.Errorf("%.2f mg were dosed; %.2f mg are there and %.2f mg in the air", given, p.Mass(), p.Gas-p.Oxygen)
	}
	if want := p.LiCoO2 / p.Mass(); math.Abs(r["scan"]["licoo2"]-want) > 0.03 {
		t.Errorf("the scan sees a share of %.3f, the world has %.3f", r["scan"]["licoo2"], want)
	}
	if n, last := 0, 900.0; true {
		for _, e := range ledger.Effects {
			if e.Effect == world.Drove {
				n++
				var b struct{ Wh float64 }
				if err := json.Unmarshal(e.Data, &b); err != nil || b.Wh >= last && e.Part != 1 || b.Wh < 0 {
					t.Errorf("the battery has %g Wh after %g, %v", b.Wh, last, err)
				}
				last = b.Wh
			}
		}
		if n < 4 {
			t.Errorf("the robot drove %d times, want 4 at least", n)
		}
	}
	once(t, ledger)
	disturbed, second := run(true)
	if diff := cmp.Diff(r, disturbed); diff != "" {
		t.Errorf("disturbed, it measures otherwise: (-undisturbed +disturbed)\n%s", diff)
	}
	once(t, second)
}

// TestFaultsDoWhatTheySay has one device with one fault at a time.
func TestFaultsDoWhatTheySay(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*sim.Description)
		check  func(t *testing.T, d *desk) func(*world.Ledger)
	}{
		"Lying": {func(d *sim.Description) { d.Devices[0].Faults.Lying = 1 }, func(t *testing.T, d *desk) func(*world.Ledger) {
			ev := d.do("powder-doser-1", "x", "dose", map[string]any{"substance": "Co3O4", "mass": 100}, "c")
			if ev.State != lab.CommandDone || ev.Effect != lab.EffectComplete {
				t.Errorf("the liar says %s, effect %s", ev.State, ev.Effect)
			}
			return func(l *world.Ledger) {
				if len(l.Effects) != 0 {
					t.Errorf("the liar did %+v", l.Effects)
				}
			}
		}},
		"Clog": {func(d *sim.Description) { d.Devices[0].Faults.Clog = 1 }, func(t *testing.T, d *desk) func(*world.Ledger) {
			ev := d.do("powder-doser-1", "x", "dose", map[string]any{"substance": "Co3O4", "mass": 100}, "c")
			if ev.State != lab.CommandFailed || ev.Effect != lab.EffectPartial || !strings.Contains(ev.Error, "clogged") {
				t.Errorf("a clogged doser says %s, effect %s: %s", ev.State, ev.Effect, ev.Error)
			}
			return func(l *world.Ledger) {
				var given instrument.Dose
				if e := l.Of("x"); len(e) != 2 || json.Unmarshal(e[1].Data, &given) != nil || given.MassMG >= 100 {
					t.Errorf("a clogged doser did %+v", e)
				}
			}
		}},
		"StuckAndStaleByScript": {func(d *sim.Description) {
			d.Devices[4].At = [2]float64{0, 0}
			d.Script = []sim.Scripted{{Device: "balance-1", Fault: "stale", AtS: 0, ForS: 1e9}, {Device: "balance-1", Fault: "stuck", AtS: 0, ForS: 1e9}}
		}, func(t *testing.T, d *desk) func(*world.Ledger) {
			dosed := d.result("powder-doser-1", "x", "dose", map[string]any{"substance": "Co3O4", "mass": 1000}, "c")["mass"]
			d.result("mobile-robot-1", "y", "transfer", map[string]string{"from": "powder-doser-1", "to": "balance-1", "sample": "c"}, "c")
			first := d.result("balance-1", "w1", "weigh", struct{}{}, "c")["mass"]
			second := d.result("balance-1", "w2", "weigh", struct{}{}, "c")["mass"]
			if math.Abs(first-dosed*instrument.StaleFactor) > 1 {
				t.Errorf("the stale balance shows %g mg of %g", first, dosed)
			}
			if first != second {
				t.Errorf("the stuck balance shows %g, then %g", first, second)
			}
			return func(*world.Ledger) {}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			broker := devicestest.NewBroker()
			s := serve(t, broker.Dial, t.TempDir(), shipped(t, "solid-state", c.change), sim.Options{})
			c.check(t, newDesk(t, broker.Dial))(s.ledger())
		})
	}
}

// TestWetBench fills a vial by two devices, heats it and reads it by all
// instruments of the wet bench.
func TestWetBench(t *testing.T) {
	t.Parallel()
	broker := devicestest.NewBroker()
	s := serve(t, broker.Dial, t.TempDir(), shipped(t, "wet-bench", func(d *sim.Description) {
		d.Script = nil
		for i := range d.Devices {
			d.Devices[i].Faults.Clog = 0
		}
	}), sim.Options{})
	d := newDesk(t, broker.Dial)
	v := "v"
	carry := func(id, from, to string) {
		d.result("mobile-robot-1", id, "transfer", map[string]string{"from": from, "to": to, "sample": v}, v)
	}
	dosed := d.result("liquid-handler-1", "dose", "dispense", map[string]any{"substance": "CsOPiv", "volume": 1000, "concentration": 0.2, "cosolvent": 0.5}, v)["volume"]
	carry("a", "liquid-handler-1", "syringe-pump-1")
	infused := d.result("syringe-pump-1", "infuse", "infuse", map[string]any{"volume": 500}, v)["volume"]
	carry("b", "syringe-pump-1", "balance-1")
	mass := d.result("balance-1", "weigh", "weigh", struct{}{}, v)["mass"]
	if math.Abs(mass-dosed-infused) > 30 { // the pump's strokes scatter by 2 % each
		t.Errorf("%.1f and %.1f µL weigh %.1f mg", dosed, infused, mass)
	}
	carry("c", "balance-1", "uv-vis-1")
	cold := d.result("uv-vis-1", "cold", "measure", map[string]any{"wavelength": 342, "dilution": 3000}, v)["absorbance"]
	carry("d", "uv-vis-1", "heater-1")
	d.result("heater-1", "heat", "hold", map[string]any{"target": 105, "time": 3600}, v)
	carry("e", "heater-1", "uv-vis-1")
	hot := d.result("uv-vis-1", "hot", "measure", map[string]any{"wavelength": 342, "dilution": 3000}, v)["absorbance"]
	if hot < 10*max(cold, 0.01) {
		t.Errorf("the product absorbs %.4f after the hour and %.4f before", hot, cold)
	}
	carry("f", "uv-vis-1", "ph-meter-1")
	if ph := d.result("ph-meter-1", "ph", "measure", struct{}{}, v)["ph"]; ph < 8.5 || ph > 9.5 {
		t.Errorf("a pivalate solution has pH %g", ph)
	}
	d.result("ph-meter-1", "calibrate", "calibrate", struct{}{}, v)
	d.result("liquid-handler-1", "tips", "change_tips", struct{}{}, v)
	once(t, s.ledger())
}

// TestScriptsAndFaultsAreChecked gives a description mistakes.
func TestScriptsAndFaultsAreChecked(t *testing.T) {
	t.Parallel()
	const head = "athanor: laboratory/1\ndevices: [{kind: balance}, {kind: heater}]\n"
	for src, want := range map[string]string{
		head + "script: [{device: x, fault: slow, at_s: 1}]":                     `script[0].device: "x" is no device; one of balance-1, heater-1`,
		head + "script: [{device: heater-1, fault: stuck, at_s: 1}]":             `script[0].fault: a heater cannot have the fault "stuck"; one of slow, lying, power_cut, flap, duplicate`,
		head + "script: [{device: heater-1, fault: slow, at_s: -1}]":             "script[0].at_s: is -1 for 60",
		"athanor: laboratory/1\ndevices: [{kind: heater, faults: {stuck: 0.1}}]": "devices[0].faults.stuck: has no meaning for a heater",
		"athanor: laboratory/1\ndevices: [{kind: balance, faults: {stuck: 2}}]":  "devices[0].faults.stuck: is 2; a number from 0 to 1",
		"athanor: laboratory/1\ndevices: [{kind: furnace, capacity_j_k: 5}]":     "devices[0].capacity_j_k: is 5; a number of 100 or more",
		"athanor: laboratory/1\ndevices: [{kind: mobile-robot, battery_wh: -5}]": "devices[0].battery_wh: is -5",
		"athanor: laboratory/1\ndevices: [{kind: ph-meter, wear_cv: 0.1}]":       "devices[0].wear_cv: has no meaning for a ph-meter",
	} {
		if _, err := sim.Parse([]byte(src)); lab.KindOf(err) != lab.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\ngives %v, want %q", src, err, want)
		}
	}
}
