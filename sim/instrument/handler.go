package instrument

import (
	"encoding/json"
	"errors"
	"math"
	"time"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/devices/sdk"
	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/sim/world"
)

// Handler is a robot that doses liquids: dispense fills a vial from a stock
// solution, its solvent and a cosolvent. Each of the three volumes V has an
// error of its own, of mean a and with σ² = c₁² + (c₀·V)², the form in which ISO
// 8655-6 has the systematic and the random error of a pipette. Tips wear: c₀
// grows with each dispense until change_tips.
type Handler struct {
	Bench      *Bench
	Substances []string // its stocks
	StockMolar float64  // concentration of every stock, in mol/L
	VolumeCV   float64  // standard deviation of a volume, relative to it
	FloorUL    float64  // and of the smallest volume
	OffsetUL   float64  // every volume is so much too large
	WearCV     float64  // what each dispense adds to the deviation, until the tips are changed
	AliquotS   float64  // time for one volume, in seconds of the world
	Faults     Faults
	Slots      []string // where its vials stand; none for transfers only
}

// LiquidHandler is the kind of a [Handler], and its capability.
const LiquidHandler = "liquid-handler"

// tipsFull are the tips of a full box, and tipsLow when somebody should bring one.
const (
	tipsFull = 960
	tipsLow  = 96
)

// box is the handler's supply of tips. A command does not wait for a refill: it is
// for people to see.
func box() devices.Supply {
	return devices.Supply{Name: "tips", Unit: "{tip}", Level: tipsFull, Low: tipsLow}
}

// dispense is what the command is told. Volumes are in microlitres.
type dispense struct {
	Substance     string   `json:"substance"`
	VolumeUL      float64  `json:"volume"`
	Concentration *float64 `json:"concentration,omitempty"` // mol/L in the vial; the stock's when absent
	Cosolvent     float64  `json:"cosolvent,omitempty"`     // fraction of the solvents
}

// Portion is the matter that a dispense added to a vial.
type Portion struct {
	Substance   string  `json:"substance"`
	StockUL     float64 `json:"stock_ul"`
	SolventUL   float64 `json:"solvent_ul"`
	CosolventUL float64 `json:"cosolvent_ul"`
	StockMolar  float64 `json:"stock_molar"`
}

// VolumeUL returns the volume of the portion in microlitres.
func (p Portion) VolumeUL() float64 { return p.StockUL + p.SolventUL + p.CosolventUL }

// Dispensed is the result of a dispense, as the handler's balance sees it.
type Dispensed struct {
	VolumeUL float64 `json:"volume" unit:"uL"`
}

// Device returns the handler as a device.
func (h Handler) Device(cfg sdk.Config) *sdk.Device {
	dev := sdk.New(cfg)
	dev.Supply(box())
	one, most, dry, pure, stock := 1.0, 20000.0, 0.0, 1.0, h.StockMolar
	spec := lab.CommandSpec{
		Name: "dispense",
		Params: []lab.ParamSpec{
			{Name: "substance", Type: "string", Enum: h.Substances, Required: true},
			{Name: "volume", Type: "number", Unit: "uL", Min: &one, Max: &most, Required: true},
			{Name: "concentration", Type: "number", Unit: "mol/L", Min: &dry, Max: &stock},
			{Name: "cosolvent", Type: "number", Unit: "1", Min: &dry, Max: &pure},
		},
		Results: []lab.ParamSpec{{Name: "volume", Type: "number", Unit: "uL", Required: true}},
	}
	sdk.HandleRaw(dev, spec, func(c *sdk.Ctx, raw json.RawMessage) (any, error) {
		var p dispense
		if err := json.Unmarshal(raw, &p); err != nil {
			return nil, harmless(err)
		}
		portion, err := h.dispense(c, cfg.ID, p)
		if err == nil {
			err = c.Use("tips", 3)
		}
		return portion, errors.Join(err, h.stand(dev, c, cfg.ID))
	}, sdk.Probe(func(c *sdk.Ctx) (sdk.Found, any, error) {
		found, portion, err := h.look(c)
		return found, portion, errors.Join(err, h.stand(dev, c, cfg.ID))
	}), sdk.Typical(h.Bench.wall(3*h.AliquotS).Round(time.Millisecond)))
	sdk.Handle(dev, "change_tips", func(c *sdk.Ctx, _ struct{}) (struct{}, error) {
		if err := h.Bench.World.Clock.Sleep(c, h.AliquotS); err != nil {
			return struct{}{}, harmless(err)
		}
		n, _ := h.Bench.World.Did(cfg.ID, world.Dispensed)
		dev.Supply(box())
		return struct{}{}, h.Bench.record(c, cfg.ID, world.Effect{Effect: world.Changed, Final: true}, map[string]int{"uses": n})
	}, sdk.Probe(h.Bench.probeNothing))
	h.Bench.station(dev, cfg.ID, h.Slots)
	return dev
}

// stand notes in which slot the vial of a command stands, if it was made there.
func (h Handler) stand(dev *sdk.Device, c *sdk.Ctx, device string) error {
	s := c.Samples()
	if len(h.Slots) == 0 || len(s) != 1 || s[0].Slot == "" || h.Bench.World.In(device, s[0].Slot) != s[0].ID {
		return nil
	}
	return dev.SetSlot(s[0].Slot, s[0].ID)
}

func (h Handler) dispense(c *sdk.Ctx, device string, p dispense) (any, error) {
	sample, err := sampleOf(c)
	if err != nil {
		return nil, err
	}
	r, err := h.Bench.rand(c, LiquidHandler, sample, p)
	if err != nil {
		return nil, err
	}
	if err := h.Bench.work(c, 3*h.AliquotS, h.Faults, r); err != nil {
		return nil, err
	}
	h.VolumeCV += h.WearCV * float64(worn(h.Bench.World, device, world.Dispensed))
	portion := h.portion(p, r.NormFloat64)
	clogged := h.Bench.struck(c, device, Clog)
	if clogged {
		portion = portion.part(r.Float64())
	}
	if _, there := h.Bench.World.Sample(sample); !there {
		if err := h.Bench.record(c, device, world.Effect{Effect: world.Made, Sample: sample, To: device, Slot: c.Samples()[0].Slot}, nil); err != nil {
			return nil, err
		}
	}
	if err := h.Bench.record(c, device, world.Effect{Effect: world.Dispensed, Final: true, Sample: sample}, portion); err != nil {
		return nil, err
	}
	if clogged {
		return nil, halfway(lab.Errorf(lab.Internal, "dispense: the tip is clogged; a part of the volume came out"))
	}
	return Dispensed{VolumeUL: portion.VolumeUL()}, nil
}

// part returns a fraction of the portion.
func (p Portion) part(fraction float64) Portion {
	p.StockUL, p.SolventUL, p.CosolventUL = p.StockUL*fraction, p.SolventUL*fraction, p.CosolventUL*fraction
	return p
}

// portion returns what p asks for with the errors of the pipette.
func (h Handler) portion(p dispense, normal func() float64) Portion {
	molar := h.StockMolar
	if p.Concentration != nil {
		molar = *p.Concentration
	}
	stock := p.VolumeUL * molar / h.StockMolar
	solvents := p.VolumeUL - stock
	pipette := func(ul float64) float64 {
		n := normal()
		if ul == 0 {
			return 0
		}
		return max(0, ul+h.OffsetUL+math.Hypot(h.FloorUL, h.VolumeCV*ul)*n)
	}
	return Portion{
		Substance: p.Substance, StockMolar: h.StockMolar,
		StockUL: pipette(stock), SolventUL: pipette(solvents * (1 - p.Cosolvent)), CosolventUL: pipette(solvents * p.Cosolvent),
	}
}

// look is the balance under the vial: it knows what was dispensed.
func (h Handler) look(c *sdk.Ctx) (sdk.Found, any, error) {
	e, ok := h.Bench.final(c)
	if !ok {
		return sdk.Undone, nil, nil
	}
	var p Portion
	if err := json.Unmarshal(e.Data, &p); err != nil {
		return sdk.Unknown, nil, err
	}
	return sdk.Done, Dispensed{VolumeUL: p.VolumeUL()}, nil
}
