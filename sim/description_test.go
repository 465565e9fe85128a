package sim_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/sim"
)

// TestShippedLaboratoriesAreValid loads every description in examples/labs, and
// wants the one for the demonstration to be the embedded one.
func TestShippedLaboratoriesAreValid(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../examples/labs/*.yaml")
	if err != nil || len(files) < 4 {
		t.Fatalf("found %v, %v; want at least four laboratories", files, err)
	}
	for _, f := range files {
		d, err := sim.Load(f)
		if err != nil {
			t.Error(err)
		}
		if filepath.Base(f) == "demo.yaml" {
			if diff := cmp.Diff(sim.Default(), d); diff != "" {
				t.Errorf("%s is not the embedded laboratory: (-embedded +file)\n%s", f, diff)
			}
		}
	}
}

// TestDefaultHasTheDemonstrationsDevices counts them by kind.
func TestDefaultHasTheDemonstrationsDevices(t *testing.T) {
	t.Parallel()
	d := sim.Default()
	var ids []string
	for _, v := range d.Devices {
		ids = append(ids, v.IDs()...)
	}
	want := []string{"liquid-handler-1", "mobile-robot-1", "heater-1", "heater-2", "hplc-1"}
	if diff := cmp.Diff(want, ids); diff != "" {
		t.Errorf("devices: (-want +got)\n%s", diff)
	}
}

// TestParseSaysWhatIsWrong gives it one mistake at a time.
func TestParseSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	const head = "athanor: laboratory/1\n"
	for _, c := range []struct{ name, src, want string }{
		{"Version", "athanor: laboratory/2\ndevices: [{kind: heater}]", `athanor: is "laboratory/2"; athanor: laboratory/1`},
		{"NoDevices", head, "devices: is empty; at least one device, as in {kind: heater}"},
		{"Kind", head + "devices: [{kind: oven}]", `devices[0].kind: is "oven"; one of balance, diffractometer, furnace, heater, hplc, liquid-handler, mobile-robot, noop, ph-meter, powder-doser, surface, syringe-pump, uv-vis`},
		{"UnknownField", head + "devices:\n  - {kind: heater, colour: red}", `unknown field "colour"`},
		{"NotYAML", head + "devices: [", "read laboratory: "},
		{"ForeignField", head + "devices: [{kind: heater, counts: 5}]", "devices[0].counts: has no meaning for a heater; its own fields are ambient_cel, tau_s"},
		{"ForeignFault", head + "devices: [{kind: hplc, faults: {drop: 0.1}}]", "devices[0].faults.drop: has no meaning for a hplc; leave it out"},
		{"Rate", head + "devices: [{kind: mobile-robot, faults: {grasp: 2}}]", "devices[0].faults.grasp: is 2; a number from 0 to 1"},
		{"Count", head + "devices: [{kind: noop, count: 20000}]", "devices[0].count: is 20000; from 1, at most 10000 devices together"},
		{"Negative", head + "devices: [{kind: heater, tau_s: -3}]", "devices[0].tau_s: is -3; a number above 0"},
		{"Zero", head + "devices: [{kind: liquid-handler, volume_cv: 7}]", "devices[0].volume_cv: is 7; a number from 0 to 1"},
		{"Truth", head + "devices: [{kind: surface, truth: hill}]", `devices[0].truth: is "hill"; one of branin, hartmann3, hartmann6, ackley5, alloy`},
		{"SameID", head + "devices: [{kind: heater, id: x}, {kind: hplc, id: x}]", `devices[1].id: "x" is the name of a device of devices[0] already; another id`},
		{"ID", head + "devices: [{kind: heater, id: a/b}]", `devices[0].id: is "a/b"; letters, digits and -, at most 64`},
		{"Speed", head + "speed: -1\ndevices: [{kind: heater}]", "speed: is -1; a number above 0 and at most 1e+06"},
		{"Travel", head + "devices: [{kind: heater}]\ntravel: [{from: heater-1, to: mars, time_s: 3}]", `travel[0].to: "mars" is no device; one of heater-1`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := sim.Parse([]byte(c.src))
			if err == nil || !strings.Contains(err.Error(), c.want) || lab.KindOf(err) != lab.Invalid {
				t.Errorf("got %v of kind %q, want %q of kind invalid", err, lab.KindOf(err), c.want)
			}
		})
	}
}

// TestParseTellsAllAtOnce wants two mistakes in one answer.
func TestParseTellsAllAtOnce(t *testing.T) {
	t.Parallel()
	_, err := sim.Parse([]byte("athanor: laboratory/1\nspeed: -1\ndevices: [{kind: oven}, {kind: hplc, counts: -1}]"))
	for _, want := range []string{"speed: is -1", `devices[0].kind: is "oven"`, "devices[1].counts: is -1"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want it to tell %q", err, want)
		}
	}
	if _, err := sim.Load(filepath.Join(t.TempDir(), "none.yaml")); err == nil || !strings.Contains(err.Error(), "none.yaml") {
		t.Errorf("a file that is missing gives %v, want its name", err)
	}
}

// FuzzParse wants no text to be worse than an error.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("../examples/labs/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if d, err := sim.Parse(b); err == nil && len(d.Check()) > 0 {
			t.Errorf("a description was read that has problems: %v", d.Check())
		}
	})
}
