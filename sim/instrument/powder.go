package instrument

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"time"

	"github.com/athanor-lab/athanor/devices/sdk"
	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/sim/truth"
	"github.com/athanor-lab/athanor/sim/world"
)

// Doser is a robot that doses powders into crucibles: one command, dose. What
// comes out scatters with σ² = floor² + (cv·m)².
type Doser struct {
	Bench   *Bench
	FloorMG float64 // σ of the smallest dose
	CV      float64 // σ of a large dose, relative to it
	DoseS   float64 // time of a dose, in seconds of the world
}

// DoserKind is the kind of a [Doser], and its capability.
const DoserKind = "powder-doser"

// powders are what a [Doser] has.
var powders = []string{"Co3O4", "Li2CO3"}

type dose struct {
	Substance string  `json:"substance"`
	MassMG    float64 `json:"mass"`
}

// Dose is the powder that a dose added to a crucible.
type Dose struct {
	Substance string  `json:"substance"`
	MassMG    float64 `json:"mass_mg"`
}

// Dosed is the result of a dose: what the doser believes that it gave.
type Dosed struct {
	MassMG float64 `json:"mass" unit:"mg"`
}

// Device returns the doser as a device.
func (d Doser) Device(cfg sdk.Config) *sdk.Device {
	dev := sdk.New(cfg)
	least, most := 1.0, 5000.0
	spec := lab.CommandSpec{
		Name: "dose",
		Params: []lab.ParamSpec{
			{Name: "substance", Type: "string", Enum: powders, Required: true},
			{Name: "mass", Type: "number", Unit: "mg", Min: &least, Max: &most, Required: true},
		},
		Results: []lab.ParamSpec{{Name: "mass", Type: "number", Unit: "mg", Required: true}},
	}
	sdk.HandleRaw(dev, spec, func(c *sdk.Ctx, raw json.RawMessage) (any, error) {
		var p dose
		if err := json.Unmarshal(raw, &p); err != nil {
			return nil, harmless(err)
		}
		return d.dose(c, cfg.ID, p)
	}, sdk.Probe(d.look), sdk.Typical(d.Bench.wall(d.DoseS).Round(time.Millisecond)))
	return dev
}

func (d Doser) dose(c *sdk.Ctx, device string, p dose) (any, error) {
	sample, err := sampleOf(c)
	if err != nil {
		return nil, err
	}
	r, err := d.Bench.rand(c, DoserKind, sample, p)
	if err != nil {
		return nil, err
	}
	if err := d.Bench.work(c, d.DoseS, d.Bench.FaultsOf[device], r); err != nil {
		return nil, err
	}
	given := Dose{p.Substance, max(0, p.MassMG+math.Hypot(d.FloorMG, d.CV*p.MassMG)*r.NormFloat64())}
	clogged := d.Bench.struck(c, device, Clog)
	if clogged {
		given.MassMG *= r.Float64()
	}
	if _, there := d.Bench.World.Sample(sample); !there {
		if err := d.Bench.record(c, device, world.Effect{Effect: world.Made, Sample: sample, To: device}, nil); err != nil {
			return nil, err
		}
	}
	if err := d.Bench.record(c, device, world.Effect{Effect: world.Dispensed, Final: true, Sample: sample}, given); err != nil {
		return nil, err
	}
	if clogged {
		return nil, halfway(lab.Errorf(lab.Internal, "dose: the nozzle is clogged; a part of the powder came out"))
	}
	return Dosed{given.MassMG}, nil
}

// look is the doser's load cell.
func (d Doser) look(c *sdk.Ctx) (sdk.Found, any, error) {
	e, ok := d.Bench.final(c)
	if !ok {
		return sdk.Undone, nil, nil
	}
	var given Dose
	if err := decode(e, &given); err != nil {
		return sdk.Unknown, nil, err
	}
	return sdk.Done, Dosed{given.MassMG}, nil
}

// Powder returns what is in a crucible after its history.
func Powder(s truth.Synthesis, history []world.Effect) (truth.Powder, error) {
	var p truth.Powder
	for _, e := range history {
		switch e.Effect {
		case world.Dispensed:
			var d Dose
			if err := decode(e, &d); err != nil {
				return p, err
			}
			switch d.Substance {
			case "Li2CO3":
				p = p.Add(d.MassMG, 0)
			case "Co3O4":
				p = p.Add(0, d.MassMG)
			}
		case world.Heated:
			var f Firing
			if err := decode(e, &f); err != nil {
				return p, err
			}
			p = s.Fire(p, f.Celsius, f.StepS)
		default: // changes no powder
		}
	}
	return p, nil
}

// powderOf returns what is in the one sample of a command.
func (b *Bench) powderOf(c *sdk.Ctx, device string) (string, truth.Powder, error) {
	id, err := sampleOf(c)
	if err != nil {
		return "", truth.Powder{}, err
	}
	s, there := b.World.Sample(id)
	if !there || s.Place != device {
		return id, truth.Powder{}, harmless(lab.Errorf(lab.Conflict, "%s: sample %s is not at %s but at %q", c.Name(), id, device, s.Place))
	}
	p, err := Powder(truth.Cobaltate, s.History)
	if err != nil {
		return id, p, harmless(err)
	}
	return id, p, nil
}

// Balance weighs crucibles and vials: one command, weigh. Its reading is the
// mass of what is in them, with noise, a linear drift since it was adjusted, and
// the step of its display.
type Balance struct {
	Bench        *Bench
	NoiseMG      float64
	DriftPerDay  float64 // relative, of the world's days
	ResolutionMG float64
	WeighS       float64
}

// BalanceKind is the kind of a [Balance], and its capability.
const BalanceKind = "balance"

// Weight is the result of a weighing.
type Weight struct {
	MassMG float64 `json:"mass" unit:"mg"`
}

// Device returns the balance as a device.
func (b Balance) Device(cfg sdk.Config) *sdk.Device {
	dev := sdk.New(cfg)
	sdk.Handle(dev, "weigh", func(c *sdk.Ctx, _ struct{}) (Weight, error) { return b.weigh(c, cfg.ID) },
		sdk.Probe(b.Bench.probe), sdk.Typical(b.Bench.wall(b.WeighS).Round(time.Millisecond)))
	sdk.Handle(dev, "adjust", func(c *sdk.Ctx, _ struct{}) (struct{}, error) {
		if err := b.Bench.World.Clock.Sleep(c, b.WeighS); err != nil {
			return struct{}{}, harmless(err)
		}
		return struct{}{}, b.Bench.record(c, cfg.ID, world.Effect{Effect: world.Changed, Final: true}, nil)
	}, sdk.Probe(b.Bench.probeNothing))
	return dev
}

func (b Balance) weigh(c *sdk.Ctx, device string) (Weight, error) {
	id, err := sampleOf(c)
	if err != nil {
		return Weight{}, err
	}
	r, err := b.Bench.rand(c, BalanceKind, id, nil)
	if err != nil {
		return Weight{}, err
	}
	if err := b.Bench.work(c, b.WeighS, b.Bench.FaultsOf[device], r); err != nil {
		return Weight{}, err
	}
	s, there := b.Bench.World.Sample(id)
	if !there || s.Place != device {
		return Weight{}, harmless(lab.Errorf(lab.Conflict, "weigh: sample %s is not at %s but at %q", id, device, s.Place))
	}
	mass, err := massMG(s.History)
	if err != nil {
		return Weight{}, harmless(err)
	}
	w := Weight{b.Bench.reading(c, device, b.read(mass, b.sinceAdjustedS(device), r))}
	return w, b.Bench.record(c, device, world.Effect{Effect: world.Measured, Final: true, Sample: id}, w)
}

func (b Balance) sinceAdjustedS(device string) float64 {
	_, last := b.Bench.World.Did(device, world.Changed)
	return b.Bench.World.Clock.Seconds() - last.WorldS
}

// read returns what the display shows of a mass.
func (b Balance) read(mass, sinceS float64, r *rand.Rand) float64 {
	const day = 86400
	shown := mass*(1+b.DriftPerDay*sinceS/day) + b.NoiseMG*r.NormFloat64()
	return math.Round(shown/b.ResolutionMG) * b.ResolutionMG
}

// massMG returns the mass of what is in a vessel, liquids as water: a milligram
// to a microlitre.
func massMG(history []world.Effect) (float64, error) {
	liquid := 0.0
	var solid []world.Effect
	for _, e := range history {
		var p Portion
		if e.Effect == world.Dispensed {
			if err := decode(e, &p); err != nil {
				return 0, err
			}
		}
		if v := p.VolumeUL(); v > 0 {
			liquid += v
			continue
		}
		solid = append(solid, e)
	}
	if liquid > 0 { // a vial: its powders, if any, are dissolved, and it is not fired
		return liquid, nil
	}
	p, err := Powder(truth.Cobaltate, solid)
	return p.Mass(), err
}
