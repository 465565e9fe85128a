package instrument

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"time"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/devices/sdk"
	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/sim/truth"
	"github.com/athanor-lab/athanor/sim/world"
)

// HPLC is a liquid chromatograph: one command, measure, which injects from a
// vial and counts peaks. The internal standard was weighed in with the
// substrate in equal amount, and every response factor is one, so
//
//	yield = area / standard_area
//
// whatever volume was injected. Peaks are counts of photons: they scatter by
// Poisson, so a yield of 80 % at 2·10⁵ counts is known to 0.27 %.
type HPLC struct {
	Bench       *Bench
	Counts      float64 // of the standard's peak at the nominal injection
	InjectionCV float64 // standard deviation of the injected volume, relative
	RunS        float64 // time of a run, in seconds of the world
	Faults      Faults
	Slots       []string // of its tray; none for transfers only
}

// HPLCKind is the kind of an [HPLC], and its capability.
const HPLCKind = "hplc"

// goodFor is how long the detector is calibrated, from the start of the simulation.
const goodFor = 30 * 24 * time.Hour

// Peaks is the result of a measurement, in counts.
type Peaks struct {
	Area          float64 `json:"area" unit:"1"` // of the product
	StandardArea  float64 `json:"standard_area" unit:"1"`
	SubstrateArea float64 `json:"substrate_area" unit:"1"`
	ByproductArea float64 `json:"byproduct_area" unit:"1"` // side and decomposition products
}

// Device returns the chromatograph as a device.
func (h HPLC) Device(cfg sdk.Config) *sdk.Device {
	dev := sdk.New(cfg)
	now := time.Now().UTC().Truncate(time.Second)
	dev.SetCalibration(devices.CalibrationState{Name: "detector", Status: devices.CalibrationValid, At: now, Due: now.Add(goodFor), By: "simulation"})
	sdk.Handle(dev, "measure", func(c *sdk.Ctx, _ struct{}) (Peaks, error) { return h.measure(c, cfg.ID) },
		sdk.Probe(h.Bench.probe), sdk.Orphan("finish", time.Hour), sdk.Typical(h.Bench.wall(h.RunS).Round(time.Millisecond)))
	h.Bench.station(dev, cfg.ID, h.Slots)
	return dev
}

func (h HPLC) measure(c *sdk.Ctx, device string) (Peaks, error) {
	id, err := sampleOf(c)
	if err != nil {
		return Peaks{}, err
	}
	r, err := h.Bench.rand(c, HPLCKind, id, nil)
	if err != nil {
		return Peaks{}, err
	}
	if err := h.Bench.work(c, h.RunS, h.Faults, r); err != nil {
		return Peaks{}, err
	}
	sample, there := h.Bench.World.Sample(id)
	if !there {
		return Peaks{}, harmless(lab.Errorf(lab.NotFound, "measure: there is no sample %s", id))
	}
	mixture, err := Contents(h.Bench.Reaction, sample.History)
	if err != nil {
		return Peaks{}, harmless(err)
	}
	peaks := h.peaks(mixture, r)
	return peaks, h.Bench.record(c, device, world.Effect{Effect: world.Measured, Final: true, Sample: id}, peaks)
}

// peaks returns what the detector counts.
func (h HPLC) peaks(m truth.Mixture, r *rand.Rand) Peaks {
	injected := max(0.1, 1+h.InjectionCV*r.NormFloat64())
	count := func(fraction float64) float64 {
		expected := h.Counts * injected * max(0, fraction)
		if expected <= 0 {
			return 0
		}
		return distuv.Poisson{Lambda: expected, Src: r}.Rand()
	}
	return Peaks{Area: count(m.Product), StandardArea: math.Max(1, count(1)), SubstrateArea: count(m.Substrate), ByproductArea: count(m.Side + m.Decomposed)}
}

// Contents returns what is in a vial after its history: what was dispensed is
// mixed, and every hold is gone through by the reaction. Of several substances
// the one with the largest amount counts as the base.
func Contents(r truth.Reaction, history []world.Effect) (truth.Mixture, error) {
	m := truth.Fresh("", 0, 0)
	var in []Portion
	for _, e := range history {
		switch e.Effect {
		case world.Dispensed:
			var p Portion
			if err := json.Unmarshal(e.Data, &p); err != nil {
				return m, lab.Errorf(lab.Internal, "read effect %d of the world: %w", e.Seq, err)
			}
			in = append(in, p)
			mixed := mix(in)
			m.Base, m.BaseMolar, m.CosolventPart = mixed.Base, mixed.BaseMolar, mixed.CosolventPart
		case world.Heated:
			var p Heating
			if err := json.Unmarshal(e.Data, &p); err != nil {
				return m, lab.Errorf(lab.Internal, "read effect %d of the world: %w", e.Seq, err)
			}
			m = r.Heat(m, p.AmbientCelsius, p.TargetCelsius, p.TauS, p.FromS, p.ToS)
		default: // not seen by the detector
		}
	}
	return m, nil
}

// mix returns a fresh mixture of portions.
func mix(in []Portion) truth.Mixture {
	volume, solvents, cosolvent, most := 0.0, 0.0, 0.0, 0.0
	amount, base := map[string]float64{}, "" // in 1e-6 mol
	for _, p := range in {
		volume += p.VolumeUL()
		solvents += p.SolventUL + p.CosolventUL
		cosolvent += p.CosolventUL
		amount[p.Substance] += p.StockUL * p.StockMolar
		if amount[p.Substance] > most {
			base, most = p.Substance, amount[p.Substance]
		}
	}
	m := truth.Fresh(base, 0, 0)
	if volume > 0 {
		m.BaseMolar = most / volume
	}
	if solvents > 0 {
		m.CosolventPart = cosolvent / solvents
	}
	return m
}
