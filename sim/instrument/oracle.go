package instrument

import (
	"encoding/json"
	"math"
	"time"

	"github.com/athanor-lab/athanor/devices/sdk"
	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/sim/world"
)

// Truth is what an [Oracle] asks: a table of measurements or a test function.
type Truth interface {
	Name() string
	Params() []lab.ParamSpec
	Results() []lab.ParamSpec
	Measure(settings []lab.Setting) ([]lab.Measured, error)
}

// Oracle is a whole experiment behind one command, measure: its parameters are
// those of the truth, its results the objectives. It needs no sample.
type Oracle struct {
	Bench     *Bench
	Truth     Truth
	Kind      string  // of the device, and its capability
	DurationS float64 // of a measurement, in seconds of the world
	Sigma     float64 // standard deviation added to every result, in its unit
	Faults    Faults
}

// Device returns the oracle as a device.
func (o Oracle) Device(cfg sdk.Config) *sdk.Device {
	dev := sdk.New(cfg)
	spec := lab.CommandSpec{Name: "measure", Params: o.Truth.Params(), Results: o.Truth.Results()}
	sdk.HandleRaw(dev, spec, func(c *sdk.Ctx, raw json.RawMessage) (any, error) { return o.measure(c, cfg.ID, raw) },
		sdk.Probe(o.Bench.probe), sdk.Typical(o.Bench.wall(o.DurationS).Round(time.Millisecond)))
	return dev
}

func (o Oracle) measure(c *sdk.Ctx, device string, raw json.RawMessage) (any, error) {
	var params map[string]lab.Value
	if err := json.Unmarshal(raw, &params); err != nil {
		return nil, harmless(err)
	}
	settings := make([]lab.Setting, 0, len(params))
	for name, v := range params {
		settings = append(settings, lab.Setting{Name: name, Value: v})
	}
	measured, err := o.Truth.Measure(settings)
	if err != nil {
		return nil, harmless(err)
	}
	r, err := o.Bench.rand(c, o.Kind, "", raw)
	if err != nil {
		return nil, err
	}
	if err := o.Bench.work(c, o.DurationS, o.Faults, r); err != nil {
		return nil, err
	}
	result := make(map[string]float64, len(measured))
	for _, m := range measured {
		x := m.Value + o.Sigma*r.NormFloat64()
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return nil, harmless(lab.Errorf(lab.Invalid, "measure %s: %s is no finite number here", o.Truth.Name(), m.Name))
		}
		result[m.Name] = x
	}
	return result, o.Bench.record(c, device, world.Effect{Effect: world.Measured, Final: true}, result)
}

// NoopKind is the kind of a device that does nothing, for benches: its command
// noop takes no time and leaves no effect in the world.
const NoopKind = "noop"

// Noop returns a device that does nothing.
func Noop(cfg sdk.Config) *sdk.Device {
	dev := sdk.New(cfg)
	sdk.Handle(dev, "noop", func(*sdk.Ctx, struct{}) (struct{}, error) { return struct{}{}, nil }, sdk.Repeat)
	return dev
}
