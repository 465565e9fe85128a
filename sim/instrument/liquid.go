package instrument

import (
	"math"
	"math/rand/v2"
	"time"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/athanor-lab/athanor/devices/sdk"
	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/sim/truth"
	"github.com/athanor-lab/athanor/sim/world"
)

// Pump is a syringe pump: one command, infuse, which adds solvent to a vial at a
// rate. The syringe's error is one of its own for each stroke, and what has gone
// in has gone in when a stroke is interrupted.
type Pump struct {
	Bench  *Bench
	FlowCV float64 // σ of the volume of a stroke, relative
}

// PumpKind is the kind of a [Pump], and its capability.
const PumpKind = "syringe-pump"

type infuse struct {
	VolumeUL  float64 `json:"volume" unit:"uL" min:"1" max:"20000"`
	RateULMin float64 `json:"rate" unit:"uL/min" min:"1" max:"100000" default:"1000"`
}

// Infused is the result of an infusion, as the pump counts it.
type Infused struct {
	VolumeUL float64 `json:"volume" unit:"uL"`
}

// Device returns the pump as a device.
func (p Pump) Device(cfg sdk.Config) *sdk.Device {
	dev := sdk.New(cfg)
	sdk.Handle(dev, "infuse", func(c *sdk.Ctx, x infuse) (Infused, error) { return p.infuse(c, cfg.ID, x) },
		sdk.Resume, sdk.Orphan("stop", 5*time.Second), sdk.Typical(p.Bench.wall(60).Round(time.Millisecond)))
	return dev
}

func (p Pump) infuse(c *sdk.Ctx, device string, x infuse) (Infused, error) {
	sample, err := sampleOf(c)
	if err != nil {
		return Infused{}, err
	}
	r, err := p.Bench.rand(c, PumpKind, sample, x)
	if err != nil {
		return Infused{}, err
	}
	var strokes [parts]float64 // drawn together, so that a restart draws alike
	for i := range strokes {
		strokes[i] = max(0, x.VolumeUL/parts*(1+p.FlowCV*r.NormFloat64()))
	}
	clogged := p.Bench.struck(c, device, Clog)
	if _, there := p.Bench.World.Sample(sample); !there {
		if err := p.Bench.record(c, device, world.Effect{Effect: world.Made, Sample: sample, To: device}, nil); err != nil {
			return Infused{}, err
		}
	}
	for done := p.done(c); done < parts; done++ {
		if err := p.Bench.World.Clock.Sleep(c, 60*x.VolumeUL/parts/x.RateULMin); err != nil {
			return Infused{}, interrupted(err, done)
		}
		last := done+1 == parts || clogged && done+1 == parts/2
		e := world.Effect{Effect: world.Dispensed, Part: done + 1, Final: last, Sample: sample}
		if err := p.Bench.record(c, device, e, Portion{SolventUL: strokes[done]}); err != nil {
			return Infused{}, err
		}
		if err := c.Checkpoint(done + 1); err != nil {
			return Infused{}, err
		}
		if last && clogged {
			return Infused{}, halfway(lab.Errorf(lab.Internal, "infuse: the pressure is too high; half of the volume went in"))
		}
	}
	return Infused{x.VolumeUL}, nil
}

// done returns how many strokes are over.
func (p Pump) done(c *sdk.Ctx) int {
	done := 0
	c.Resumed(&done)
	n := 0
	for _, e := range p.Bench.World.Effects(c.CommandID()) {
		if e.Effect == world.Dispensed {
			n++
		}
	}
	return max(done, n)
}

// Spectrometer is a UV-Vis spectrometer: one command, measure, which dilutes a
// drop and reads its absorbance at a wavelength. By Beer and Lambert, A = l·Σ
// εᵢ(λ)·cᵢ (Swinehart, J. Chem. Educ. 39, 333, 1962). Light that goes another
// way bounds what it can read, and photons are counted:
//
//	A = −log₁₀(I/I₀),  I ~ Poisson(N·(10^−A + s)),  I₀ ~ Poisson(N·(1 + s))
type Spectrometer struct {
	Bench    *Bench
	PathCM   float64
	Stray    float64 // s, of the light
	Counts   float64 // N, photons of a reading without a sample
	MeasureS float64
}

// SpectrometerKind is the kind of a [Spectrometer], and its capability.
const SpectrometerKind = "uv-vis"

type absorb struct {
	WavelengthNM float64 `json:"wavelength" unit:"nm" min:"200" max:"800"`
	Dilution     float64 `json:"dilution" unit:"1" min:"1" max:"100000" default:"100"`
}

// Absorbance is the result of a measurement.
type Absorbance struct {
	Absorbance float64 `json:"absorbance" unit:"1"`
}

// band is an absorption of a substance: a Gaussian.
type band struct {
	peakNM, widthNM, epsilon float64 // ε in L/(mol·cm)
}

// The bands of the demonstration's reaction, which are made up, and the amount
// of substrate that is weighed into each vial.
var (
	substrateBand = band{290, 18, 8200}
	productBand   = band{342, 24, 15600}
)

const substrateMol = 2e-4

func (b band) at(nm float64) float64 {
	x := (nm - b.peakNM) / b.widthNM
	return b.epsilon * math.Exp(-x*x/2)
}

// Device returns the spectrometer as a device.
func (s Spectrometer) Device(cfg sdk.Config) *sdk.Device {
	dev := sdk.New(cfg)
	sdk.Handle(dev, "measure", func(c *sdk.Ctx, p absorb) (Absorbance, error) { return s.measure(c, cfg.ID, p) },
		sdk.Probe(s.Bench.probe), sdk.Typical(s.Bench.wall(s.MeasureS).Round(time.Millisecond)))
	return dev
}

func (s Spectrometer) measure(c *sdk.Ctx, device string, p absorb) (Absorbance, error) {
	id, m, volume, r, err := s.Bench.liquid(c, device, SpectrometerKind, p, s.MeasureS)
	if err != nil {
		return Absorbance{}, err
	}
	molar := 0.0
	if volume > 0 {
		molar = substrateMol / (volume * 1e-6) / p.Dilution
	}
	a := Absorbance{s.Bench.reading(c, device, s.read(s.PathCM*molar*(m.Substrate*substrateBand.at(p.WavelengthNM)+m.Product*productBand.at(p.WavelengthNM)), r))}
	return a, s.Bench.record(c, device, world.Effect{Effect: world.Measured, Final: true, Sample: id}, a)
}

// read returns what the instrument shows of an absorbance.
func (s Spectrometer) read(absorbance float64, r *rand.Rand) float64 {
	count := func(mean float64) float64 { return max(1, distuv.Poisson{Lambda: mean, Src: r}.Rand()) }
	through, whole := count(s.Counts*(math.Pow(10, -absorbance)+s.Stray)), count(s.Counts*(1+s.Stray))
	return math.Round(-math.Log10(through/whole)*1e5) / 1e5
}

// liquid waits for a measurement of a vial that is at the device, and returns
// what is in it and its volume in microlitres.
func (b *Bench) liquid(c *sdk.Ctx, device, kind string, params any, seconds float64) (string, truth.Mixture, float64, *rand.Rand, error) {
	id, err := sampleOf(c)
	if err != nil {
		return "", truth.Mixture{}, 0, nil, err
	}
	r, err := b.rand(c, kind, id, params)
	if err != nil {
		return id, truth.Mixture{}, 0, nil, err
	}
	if err := b.work(c, seconds, b.FaultsOf[device], r); err != nil {
		return id, truth.Mixture{}, 0, nil, err
	}
	s, there := b.World.Sample(id)
	if !there || s.Place != device {
		return id, truth.Mixture{}, 0, nil, harmless(lab.Errorf(lab.Conflict, "%s: sample %s is not at %s but at %q", c.Name(), id, device, s.Place))
	}
	m, err := Contents(b.Reaction, s.History)
	if err != nil {
		return id, m, 0, nil, harmless(err)
	}
	volume := 0.0
	for _, e := range s.History {
		var p Portion
		if e.Effect != world.Dispensed {
			continue
		}
		if err := decode(e, &p); err != nil {
			return id, m, 0, nil, harmless(err)
		}
		volume += p.VolumeUL()
	}
	return id, m, volume, r, nil
}

// PHMeter is a glass electrode: one command, measure. The vial holds the salt of
// a strong base and a weak acid, whose pH solves the balance of charges
//
//	[M⁺] + [H⁺] = K_w/[H⁺] + C·K_a/(K_a + [H⁺])
//
// (Harris, Quantitative Chemical Analysis, 9th ed., Freeman, 2016, chapter 8; at
// 25 °C, activities as concentrations, the cosolvent as water). The electrode
// drifts until it is calibrated.
type PHMeter struct {
	Bench       *Bench
	Noise       float64 // σ of a reading
	DriftPerDay float64 // of the world's days
	MeasureS    float64
}

// PHMeterKind is the kind of a [PHMeter], and its capability.
const PHMeterKind = "ph-meter"

// acidity is pK_a of the acids of the demonstration's bases, at 25 °C (CRC
// Handbook of Chemistry and Physics: acetic and pivalic acid).
var acidity = map[string]float64{"KOAc": 4.756, "CsOAc": 4.756, "KOPiv": 5.03, "CsOPiv": 5.03}

const waterPK = 13.995 // of water, at 25 °C

// Acidity is the result of a measurement.
type Acidity struct {
	PH float64 `json:"ph" unit:"[pH]"`
}

// Device returns the meter as a device.
func (m PHMeter) Device(cfg sdk.Config) *sdk.Device {
	dev := sdk.New(cfg)
	sdk.Handle(dev, "measure", func(c *sdk.Ctx, _ struct{}) (Acidity, error) { return m.measure(c, cfg.ID) },
		sdk.Probe(m.Bench.probe), sdk.Typical(m.Bench.wall(m.MeasureS).Round(time.Millisecond)))
	sdk.Handle(dev, "calibrate", func(c *sdk.Ctx, _ struct{}) (struct{}, error) {
		if err := m.Bench.World.Clock.Sleep(c, m.MeasureS); err != nil {
			return struct{}{}, harmless(err)
		}
		return struct{}{}, m.Bench.record(c, cfg.ID, world.Effect{Effect: world.Changed, Final: true}, nil)
	}, sdk.Probe(m.Bench.probeNothing))
	return dev
}

func (m PHMeter) measure(c *sdk.Ctx, device string) (Acidity, error) {
	id, mixture, _, r, err := m.Bench.liquid(c, device, PHMeterKind, nil, m.MeasureS)
	if err != nil {
		return Acidity{}, err
	}
	_, last := m.Bench.World.Did(device, world.Changed)
	days := (m.Bench.World.Clock.Seconds() - last.WorldS) / 86400
	ph := saltPH(acidity[mixture.Base], mixture.BaseMolar) + m.DriftPerDay*days + m.Noise*r.NormFloat64()
	a := Acidity{m.Bench.reading(c, device, math.Round(ph*1000)/1000)}
	return a, m.Bench.record(c, device, world.Effect{Effect: world.Measured, Final: true, Sample: id}, a)
}

// saltPH returns the pH of a salt of a strong base and an acid of a pK_a, at a
// concentration in mol/L; of pure water without a salt. The balance rises with
// the pH, so halving finds it.
func saltPH(pka, molar float64) float64 {
	lo, hi := 0.0, 14.0
	for range 60 {
		ph := (lo + hi) / 2
		h := math.Pow(10, -ph)
		ka := math.Pow(10, -pka)
		negative := math.Pow(10, ph-waterPK) + molar*ka/(ka+h)
		if negative < molar+h {
			lo = ph
		} else {
			hi = ph
		}
	}
	return (lo + hi) / 2
}
