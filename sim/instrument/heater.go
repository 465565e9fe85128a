package instrument

import (
	"math"
	"time"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/devices/sdk"
	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/sim/world"
)

// Heater is a heating block: one command, hold, which brings a vial to a
// temperature and keeps it there. The vial follows the block with a first-order
// lag: T(t) = target + (ambient − target)·e^(−t/tau).
//
// The block's own controller runs the program, so a crash of the driver does not
// cool it: the driver resumes after the last part that is over. The vial is
// quenched when it is taken out, and when a hold is interrupted the part that
// was under way has not happened to it.
type Heater struct {
	Bench          *Bench
	AmbientCelsius float64
	TauS           float64 // time constant of the vial, in seconds of the world
	Faults         Faults
	Slots          []string // none for transfers only
}

// HeaterKind is the kind of a [Heater], and its capability.
const HeaterKind = "heater"

// settledKelvin is how near to its target a vial counts as hot.
const settledKelvin = 0.5

type hold struct {
	TargetCelsius float64 `json:"target" unit:"Cel" min:"20" max:"250"`
	TimeS         float64 `json:"time" unit:"s" min:"0" max:"86400"`
}

// Heating is what a part of a hold did to a vial: the program from one of its
// times to another, in seconds.
type Heating struct {
	AmbientCelsius float64 `json:"ambient"`
	TargetCelsius  float64 `json:"target"`
	TauS           float64 `json:"tau_s"`
	FromS          float64 `json:"from_s"`
	ToS            float64 `json:"to_s"`
}

// Held is the result of a hold.
type Held struct {
	TemperatureCelsius float64 `json:"temperature" unit:"Cel"` // of the vial at the end
	WarmupS            float64 `json:"warmup" unit:"s"`        // until the vial was hot
}

// parts is into how many parts a hold is cut. Each is written down when it is
// over: as an effect, since the vial has seen it, and as a checkpoint.
const parts = 8

// Device returns the heater as a device.
func (h Heater) Device(cfg sdk.Config) *sdk.Device {
	dev := sdk.New(cfg)
	low, high := -80.0, 400.0
	block := dev.Stream("block", devices.Column{Name: "T", Unit: "Cel", Min: &low, Max: &high})
	sdk.Handle(dev, "hold", func(c *sdk.Ctx, p hold) (Held, error) { return h.hold(c, cfg.ID, p, block) },
		sdk.Resume, sdk.Orphan("finish", 10*time.Minute), sdk.Typical(h.Bench.wall(3600).Round(time.Millisecond)))
	h.Bench.station(dev, cfg.ID, h.Slots)
	return dev
}

func (h Heater) hold(c *sdk.Ctx, device string, p hold, block *sdk.Stream) (Held, error) {
	sample, err := sampleOf(c)
	if err != nil {
		return Held{}, err
	}
	if s, _ := h.Bench.World.Sample(sample); s.Place != device {
		return Held{}, harmless(lab.Errorf(lab.Conflict, "hold: sample %s is not at %s but at %q", sample, device, s.Place))
	}
	r, err := h.Bench.rand(c, HeaterKind, sample, p)
	if err != nil {
		return Held{}, err
	}
	factor := 1.0
	if r.Float64() < h.Faults.Slow {
		factor = SlowFactor
	}
	total := h.warmS(p) + p.TimeS
	for done := h.done(c); done < parts; done++ {
		from, to := total*float64(done)/parts, total*float64(done+1)/parts
		if err := h.Bench.World.Clock.Sleep(c, (to-from)*factor); err != nil {
			return Held{}, interrupted(err, done)
		}
		e := world.Effect{Effect: world.Heated, Part: done + 1, Final: done+1 == parts, Sample: sample}
		if err := h.Bench.record(c, device, e, Heating{h.AmbientCelsius, p.TargetCelsius, h.TauS, from, to}); err != nil {
			return Held{}, err
		}
		if err := c.Checkpoint(done + 1); err != nil {
			return Held{}, err
		}
		c.Progress(float64(done+1) / parts)
		if err := block.AddFor(c, p.TargetCelsius+(h.AmbientCelsius-p.TargetCelsius)*math.Exp(-to/h.TauS)); err != nil {
			return Held{}, halfway(err)
		}
	}
	end := p.TargetCelsius + (h.AmbientCelsius-p.TargetCelsius)*math.Exp(-total/h.TauS)
	return Held{TemperatureCelsius: math.Round(end*100) / 100, WarmupS: math.Round(h.warmS(p))}, nil
}

// warmS returns how long the vial takes to be hot.
func (h Heater) warmS(p hold) float64 {
	gap := math.Abs(p.TargetCelsius - h.AmbientCelsius)
	return h.TauS * math.Log(max(1, gap/settledKelvin))
}

// done returns how many parts of the hold are over: those of the checkpoint, and
// one more when the crash came between the effect and its checkpoint.
func (h Heater) done(c *sdk.Ctx) int {
	done := 0
	c.Resumed(&done)
	return max(done, len(h.Bench.World.Effects(c.CommandID())))
}

// interrupted tells what a hold has done to the vial that ends after some parts.
func interrupted(err error, done int) error {
	if done == 0 {
		return harmless(err)
	}
	return halfway(err)
}
