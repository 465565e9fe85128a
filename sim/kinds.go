package sim

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/athanor-lab/athanor/devices/sdk"
	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/sim/instrument"
	"github.com/athanor-lab/athanor/sim/truth"
)

// surfaceKind is the kind of a device whose truth is a test function. Its
// capability names the function, as in "surface-branin".
const surfaceKind = "surface"

// kind is what the laboratory knows about a kind of device.
type kind struct {
	fields   []string // that only this kind has, by YAML name
	faults   []string // that it can have beside those that all can
	defaults func(*Device)
	check    func(Device) []lab.Problem // paths are relative to the device
	build    func(*instrument.Bench, Device, sdk.Config) *sdk.Device
}

var kinds = map[string]kind{
	instrument.LiquidHandler: {
		fields: []string{"substances", "stock_mol_l", "volume_cv", "aliquot_s", "floor_ul", "offset_ul", "wear_cv", "slots"},
		faults: []string{"clog"},
		defaults: func(d *Device) {
			if d.Substances == nil {
				d.Substances = slices.Sorted(maps.Keys(truth.Demo.Bases))
			}
			set(&d.StockMolar, 1)
			setPointer(&d.VolumeCV, 0.01)
			set(&d.AliquotS, 20)
		},
		check: func(d Device) []lab.Problem {
			return positive(map[string]float64{"stock_mol_l": d.StockMolar, "aliquot_s": d.AliquotS}, rate("volume_cv", *d.VolumeCV), rate("wear_cv", d.WearCV),
				atLeast("floor_ul", d.FloorUL, 0), atLeast("offset_ul", d.OffsetUL, -1000))
		},
		build: func(b *instrument.Bench, d Device, c sdk.Config) *sdk.Device {
			return instrument.Handler{
				Bench: b, Substances: d.Substances, StockMolar: d.StockMolar, VolumeCV: *d.VolumeCV, AliquotS: d.AliquotS,
				FloorUL: d.FloorUL, OffsetUL: d.OffsetUL, WearCV: d.WearCV, Faults: d.faults(), Slots: d.Slots,
			}.Device(c)
		},
	},
	instrument.MobileRobot: {
		fields: []string{"hand_s", "speed_m_s", "battery_wh", "drive_w", "charge_w", "slots"},
		faults: []string{"grasp", "drop"},
		defaults: func(d *Device) {
			set(&d.HandS, 15)
			set(&d.SpeedMS, 0.5)
			set(&d.DriveW, 300)
			set(&d.ChargeW, 600)
		},
		check: func(d Device) []lab.Problem {
			return positive(map[string]float64{"hand_s": d.HandS, "speed_m_s": d.SpeedMS, "drive_w": d.DriveW, "charge_w": d.ChargeW}, atLeast("battery_wh", d.BatteryWh, 0))
		},
		build: func(b *instrument.Bench, d Device, c sdk.Config) *sdk.Device {
			return instrument.Robot{Bench: b, HandS: d.HandS, SpeedMS: d.SpeedMS, BatteryWh: d.BatteryWh, DriveW: d.DriveW, ChargeW: d.ChargeW, Faults: d.faults(), Slots: d.Slots}.Device(c)
		},
	},
	instrument.HeaterKind: {
		fields:   []string{"ambient_cel", "tau_s", "slots"},
		defaults: func(d *Device) { setPointer(&d.AmbientC, 25); set(&d.TauS, 60) },
		check: func(d Device) []lab.Problem {
			p := positive(map[string]float64{"tau_s": d.TauS})
			if a := *d.AmbientC; !(a >= -50 && a <= 100) {
				p = append(p, lab.Problem{Path: "ambient_cel", Wrong: fmt.Sprintf("is %g", a), Right: "a temperature from -50 to 100 °C"})
			}
			return p
		},
		build: func(b *instrument.Bench, d Device, c sdk.Config) *sdk.Device {
			return instrument.Heater{Bench: b, AmbientCelsius: *d.AmbientC, TauS: d.TauS, Faults: d.faults(), Slots: d.Slots}.Device(c)
		},
	},
	instrument.HPLCKind: {
		fields:   []string{"counts", "injection_cv", "duration_s", "slots"},
		defaults: func(d *Device) { set(&d.Counts, 2e5); setPointer(&d.InjectionCV, 0.01); set(&d.DurationS, 600) },
		check: func(d Device) []lab.Problem {
			return positive(map[string]float64{"counts": d.Counts, "duration_s": d.DurationS}, rate("injection_cv", *d.InjectionCV))
		},
		build: func(b *instrument.Bench, d Device, c sdk.Config) *sdk.Device {
			return instrument.HPLC{Bench: b, Counts: d.Counts, InjectionCV: *d.InjectionCV, RunS: d.DurationS, Faults: d.faults(), Slots: d.Slots}.Device(c)
		},
	},
	surfaceKind: {
		fields:   []string{"truth", "sigma", "duration_s"},
		defaults: func(d *Device) { set(&d.DurationS, 60) },
		check:    checkSurface,
		build: func(b *instrument.Bench, d Device, c sdk.Config) *sdk.Device {
			f, _ := surface(d.Truth)
			c.Kind = surfaceKind + "-" + d.Truth
			c.Capabilities = []string{c.Kind}
			return instrument.Oracle{Bench: b, Truth: f, Kind: c.Kind, DurationS: d.DurationS, Sigma: d.Sigma, Faults: d.faults()}.Device(c)
		},
	},
	instrument.DoserKind:          powderDoser,
	instrument.BalanceKind:        balance,
	instrument.FurnaceKind:        furnace,
	instrument.DiffractometerKind: diffractometer,
	instrument.SpectrometerKind:   uvVis,
	instrument.PHMeterKind:        phMeter,
	instrument.PumpKind:           syringePump,
	instrument.NoopKind: {
		build: func(_ *instrument.Bench, _ Device, c sdk.Config) *sdk.Device { return instrument.Noop(c) },
	},
}

// surface returns the test function of a name.
func surface(name string) (truth.Function, bool) {
	for _, f := range truth.Functions() {
		if f.Name() == name {
			return f, true
		}
	}
	return truth.Function{}, false
}

func checkSurface(d Device) []lab.Problem {
	problems := positive(map[string]float64{"duration_s": d.DurationS})
	if _, ok := surface(d.Truth); !ok {
		var names []string
		for _, f := range truth.Functions() {
			names = append(names, f.Name())
		}
		problems = append(problems, lab.Problem{Path: "truth", Wrong: fmt.Sprintf("is %q", d.Truth), Right: "one of " + strings.Join(names, ", ")})
	}
	if !(d.Sigma >= 0) || math.IsInf(d.Sigma, 0) {
		problems = append(problems, lab.Problem{Path: "sigma", Wrong: fmt.Sprintf("is %g", d.Sigma), Right: "a standard deviation, 0 or more"})
	}
	return problems
}

// atLeast complains of a field that is below a bound.
func atLeast(name string, x, bound float64) []lab.Problem {
	if x >= bound && !math.IsInf(x, 0) {
		return nil
	}
	return []lab.Problem{{Path: name, Wrong: fmt.Sprintf("is %g", x), Right: fmt.Sprintf("a number of %g or more", bound)}}
}

// positive complains of each field that is not above zero, in their order.
func positive(fields map[string]float64, more ...[]lab.Problem) []lab.Problem {
	var problems []lab.Problem
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if x := fields[name]; !(x > 0) || math.IsInf(x, 0) {
			problems = append(problems, lab.Problem{Path: name, Wrong: fmt.Sprintf("is %g", x), Right: "a number above 0"})
		}
	}
	return slices.Concat(append([][]lab.Problem{problems}, more...)...)
}

// rate complains of a field that is not from 0 to 1.
func rate(name string, x float64) []lab.Problem {
	if x >= 0 && x <= 1 {
		return nil
	}
	return []lab.Problem{{Path: name, Wrong: fmt.Sprintf("is %g", x), Right: "a number from 0 to 1"}}
}
