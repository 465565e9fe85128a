package sim

import (
	"github.com/athanor-lab/athanor/devices/sdk"
	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/sim/instrument"
)

// sensing are the faults of what measures, dosing those of what doses.
var (
	sensing = []string{string(instrument.Stuck), string(instrument.Stale)}
	dosing  = []string{string(instrument.Clog)}
)

var powderDoser = kind{
	fields: []string{"dose_s", "floor_mg", "mass_cv"},
	faults: dosing,
	defaults: func(d *Device) {
		set(&d.DoseS, 60)
		set(&d.FloorMG, 0.3)
		setPointer(&d.MassCV, 0.003)
	},
	check: func(d Device) []lab.Problem {
		return positive(map[string]float64{"dose_s": d.DoseS, "floor_mg": d.FloorMG}, rate("mass_cv", *d.MassCV))
	},
	build: func(b *instrument.Bench, d Device, c sdk.Config) *sdk.Device {
		return instrument.Doser{Bench: b, FloorMG: d.FloorMG, CV: *d.MassCV, DoseS: d.DoseS}.Device(c)
	},
}

// displayMG is the last figure of a balance, in mg.
const displayMG = 0.1

var balance = kind{
	fields:   []string{"noise_mg", "drift_per_day", "weigh_s"},
	faults:   sensing,
	defaults: func(d *Device) { set(&d.NoiseMG, 0.1); set(&d.WeighS, 15) },
	check: func(d Device) []lab.Problem {
		return positive(map[string]float64{"noise_mg": d.NoiseMG, "weigh_s": d.WeighS}, atLeast("drift_per_day", d.DriftPerDay, -1))
	},
	build: func(b *instrument.Bench, d Device, c sdk.Config) *sdk.Device {
		return instrument.Balance{Bench: b, NoiseMG: d.NoiseMG, DriftPerDay: d.DriftPerDay, ResolutionMG: displayMG, WeighS: d.WeighS}.Device(c)
	},
}

var furnace = kind{
	fields: []string{"ambient_cel", "power_w", "capacity_j_k", "wall_w_k", "radiant_m2", "offset_k"},
	defaults: func(d *Device) {
		setPointer(&d.AmbientC, 25)
		set(&d.PowerW, 3000)
		set(&d.CapacityJK, 2000)
		set(&d.WallWK, 0.6)
		set(&d.RadiantM2, 0.004)
	},
	check: func(d Device) []lab.Problem {
		// The chamber's equation is solved in steps of 5 s: one that is lighter
		// than 100 J/K would be another's.
		return positive(map[string]float64{"power_w": d.PowerW, "wall_w_k": d.WallWK, "radiant_m2": d.RadiantM2},
			atLeast("capacity_j_k", d.CapacityJK, 100), atLeast("offset_k", d.OffsetK, -100), atLeast("ambient_cel", *d.AmbientC, -50))
	},
	build: func(b *instrument.Bench, d Device, c sdk.Config) *sdk.Device {
		return instrument.Furnace{
			Bench: b, AmbientCelsius: *d.AmbientC, PowerW: d.PowerW, CapacityJK: d.CapacityJK, WallWK: d.WallWK, RadiantM2: d.RadiantM2, OffsetK: d.OffsetK,
		}.Device(c)
	},
}

var diffractometer = kind{
	fields: []string{"counts", "setup_s", "height_mm"},
	faults: sensing,
	defaults: func(d *Device) {
		set(&d.Counts, 2e4)
		set(&d.SetupS, 120)
		setPointer(&d.HeightMM, 0.01)
	},
	check: func(d Device) []lab.Problem {
		return positive(map[string]float64{"counts": d.Counts, "setup_s": d.SetupS}, rate("height_mm", *d.HeightMM))
	},
	build: func(b *instrument.Bench, d Device, c sdk.Config) *sdk.Device {
		return instrument.Diffractometer{Bench: b, Counts: d.Counts, SetupS: d.SetupS, Displacement: *d.HeightMM}.Device(c)
	},
}

var uvVis = kind{
	fields: []string{"counts", "path_cm", "stray", "duration_s"},
	faults: sensing,
	defaults: func(d *Device) {
		set(&d.Counts, 1e6)
		set(&d.PathCM, 1)
		setPointer(&d.Stray, 0.0005)
		set(&d.DurationS, 30)
	},
	check: func(d Device) []lab.Problem {
		return positive(map[string]float64{"counts": d.Counts, "path_cm": d.PathCM, "duration_s": d.DurationS}, rate("stray", *d.Stray))
	},
	build: func(b *instrument.Bench, d Device, c sdk.Config) *sdk.Device {
		return instrument.Spectrometer{Bench: b, PathCM: d.PathCM, Stray: *d.Stray, Counts: d.Counts, MeasureS: d.DurationS}.Device(c)
	},
}

var phMeter = kind{
	fields:   []string{"noise_ph", "drift_per_day", "duration_s"},
	faults:   sensing,
	defaults: func(d *Device) { setPointer(&d.NoisePH, 0.01); set(&d.DurationS, 60) },
	check: func(d Device) []lab.Problem {
		return positive(map[string]float64{"duration_s": d.DurationS}, rate("noise_ph", *d.NoisePH), atLeast("drift_per_day", d.DriftPerDay, -14))
	},
	build: func(b *instrument.Bench, d Device, c sdk.Config) *sdk.Device {
		return instrument.PHMeter{Bench: b, Noise: *d.NoisePH, DriftPerDay: d.DriftPerDay, MeasureS: d.DurationS}.Device(c)
	},
}

var syringePump = kind{
	fields:   []string{"flow_cv"},
	faults:   dosing,
	defaults: func(d *Device) { setPointer(&d.FlowCV, 0.01) },
	check:    func(d Device) []lab.Problem { return rate("flow_cv", *d.FlowCV) },
	build: func(b *instrument.Bench, d Device, c sdk.Config) *sdk.Device {
		return instrument.Pump{Bench: b, FlowCV: *d.FlowCV}.Device(c)
	},
}
