package instrument

import (
	"math"
	"time"

	"github.com/athanor-lab/athanor/devices/sdk"
	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/sim/world"
)

// Furnace is a chamber furnace: one command, fire, which follows a ramp, holds
// and cools. The chamber obeys
//
//	C·dT/dt = P·u − k·(T − Tₐ) − εσA·(T⁴ − Tₐ⁴)
//
// (Incropera & DeWitt, Fundamentals of Heat and Mass Transfer, 6th ed., Wiley,
// 2007, chapters 1 and 5: a lumped capacity that loses heat through its wall and
// by radiation), where a PI controller with a bounded output sets u from what
// the thermocouple shows. A ramp that is steeper than the heater can follow lags
// behind, and the hold begins when the chamber is there.
//
// The controller runs the program by itself: a crash of the driver does not cool
// the chamber, and the driver goes on after the last part that is over.
type Furnace struct {
	Bench          *Bench
	AmbientCelsius float64
	PowerW         float64 // P, all of it
	CapacityJK     float64 // C
	WallWK         float64 // k
	RadiantM2      float64 // εA
	OffsetK        float64 // of the thermocouple: it shows so much more than there is
}

// FurnaceKind is the kind of a [Furnace], and its capability.
const FurnaceKind = "furnace"

type fire struct {
	TargetCelsius float64 `json:"target" unit:"Cel" min:"100" max:"1200"`
	RateKMin      float64 `json:"rate" unit:"K/min" min:"1" max:"50" default:"10"`
	HoldS         float64 `json:"hold" unit:"s" min:"0" max:"172800"`
}

// Firing is what a part of a program did to a crucible: the temperatures that it
// had, the same time apart.
type Firing struct {
	StepS   float64   `json:"step_s"`
	Celsius []float64 `json:"celsius"`
}

// Fired is the result of a firing, as the thermocouple saw it.
type Fired struct {
	PeakCelsius float64 `json:"peak" unit:"Cel"`
	DurationS   float64 `json:"duration" unit:"s"`
}

const (
	stefanBoltzmann = 5.670374419e-8 // W/(m²·K⁴), CODATA 2018
	solveS          = 5              // step of the chamber's equation, a thousandth of its time constant
	traceS          = 60             // step of what is written down
	safeCelsius     = 80             // at which the door opens
	coolMaxS        = 172800         // it opens then at the latest
	rampMaxS        = 172800         // for a target that the heater cannot reach
	controlGain     = 0.02           // of the controller, 1/K
	controlResetS   = 300            // its integral time
	hotEnoughK      = 2              // below the target, where the hold begins
)

// Device returns the furnace as a device.
func (f Furnace) Device(cfg sdk.Config) *sdk.Device {
	dev := sdk.New(cfg)
	sdk.Handle(dev, "fire", func(c *sdk.Ctx, p fire) (Fired, error) { return f.fire(c, cfg.ID, p) },
		sdk.Resume, sdk.Orphan("finish", 10*time.Minute), sdk.Typical(f.Bench.wall(12*3600).Round(time.Millisecond)))
	return dev
}

// program returns the temperatures of a firing in °C, traceS apart.
func (f Furnace) program(p fire) []float64 {
	t, integral, held, trace := f.AmbientCelsius, 0.0, -1.0, []float64{f.AmbientCelsius}
	for s := 0.0; s < rampMaxS+p.HoldS+coolMaxS; s += solveS {
		shown := t + f.OffsetK
		set := min(p.TargetCelsius, f.AmbientCelsius+p.RateKMin/60*s)
		cooling := held >= p.HoldS
		switch {
		case held >= 0 && !cooling:
			held += solveS
		case held < 0 && (shown >= p.TargetCelsius-hotEnoughK || s >= rampMaxS):
			held = 0
		}
		u := 0.0
		if !cooling {
			miss := set - shown
			u = controlGain*miss + integral
			if u > 0 && u < 1 { // a bounded output does not wind up
				integral += controlGain * miss * solveS / controlResetS
			}
			u = min(max(u, 0), 1)
		}
		t += solveS / f.CapacityJK * (f.PowerW*u - f.loss(t))
		if math.Mod(s+solveS, traceS) == 0 {
			trace = append(trace, math.Round(t*10)/10)
		}
		if cooling && t <= safeCelsius {
			break
		}
	}
	return trace
}

// loss returns the heat that the chamber loses at a temperature, in W.
func (f Furnace) loss(celsius float64) float64 {
	const zero = 273.15
	t, a := celsius+zero, f.AmbientCelsius+zero
	return f.WallWK*(t-a) + f.RadiantM2*stefanBoltzmann*(t*t*t*t-a*a*a*a)
}

func (f Furnace) fire(c *sdk.Ctx, device string, p fire) (Fired, error) {
	sample, err := sampleOf(c)
	if err != nil {
		return Fired{}, err
	}
	if s, _ := f.Bench.World.Sample(sample); s.Place != device {
		return Fired{}, harmless(lab.Errorf(lab.Conflict, "fire: sample %s is not at %s but at %q", sample, device, s.Place))
	}
	trace := f.program(p)
	for done := f.done(c); done < parts; done++ {
		part := trace[len(trace)*done/parts : len(trace)*(done+1)/parts]
		if err := f.Bench.World.Clock.Sleep(c, float64(len(part))*traceS); err != nil {
			return Fired{}, interrupted(err, done)
		}
		e := world.Effect{Effect: world.Heated, Part: done + 1, Final: done+1 == parts, Sample: sample}
		if err := f.Bench.record(c, device, e, Firing{traceS, part}); err != nil {
			return Fired{}, err
		}
		if err := c.Checkpoint(done + 1); err != nil {
			return Fired{}, err
		}
		c.Progress(float64(done+1) / parts)
	}
	peak := 0.0
	for _, t := range trace {
		peak = max(peak, t+f.OffsetK)
	}
	return Fired{PeakCelsius: peak, DurationS: float64(len(trace)-1) * traceS}, nil
}

// done returns how many parts of the program are over: those of the checkpoint,
// and one more when the crash came between the effect and its checkpoint.
func (f Furnace) done(c *sdk.Ctx) int {
	done := 0
	c.Resumed(&done)
	return max(done, len(f.Bench.World.Effects(c.CommandID())))
}
