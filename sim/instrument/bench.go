package instrument

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/devices/sdk"
	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/sim/truth"
	"github.com/athanor-lab/athanor/sim/world"
)

// Bench is what the devices of a laboratory share.
type Bench struct {
	World    *world.World
	Seed     uint64
	Reaction truth.Reaction // what happens in a vial
	// KindOf returns the kind of the device that a place is, "" when there is
	// no such place. Noise is keyed by kinds, so that it does not matter which
	// of two heaters is free first.
	KindOf func(place string) string
	// Distance returns how far two places are from each other, or how long
	// the way between them takes in seconds of the world, where that is known.
	Distance func(from, to string) (metres, seconds float64, timed bool)

	Script   []Scripted
	FaultsOf map[string]Faults // by device
	readings readings
}

// wall returns world seconds as a duration of the wall.
func (b *Bench) wall(seconds float64) time.Duration { return b.World.Clock.Wall(seconds) }

// rand returns the random source of a command on a sample; params is what the
// command was told, without names of samples and devices.
func (b *Bench) rand(c *sdk.Ctx, kind, sample string, params any) (*rand.Rand, error) {
	r, err := b.World.Rand(world.Cause{Seed: b.Seed, Kind: kind, Name: c.Name(), Command: c.CommandID(), Sample: sample, Params: params})
	if err != nil {
		return nil, harmless(err)
	}
	return r, nil
}

// work waits for world seconds, longer when the draw says that the device is
// slow. Until it returns nothing has happened, so an interruption is harmless.
func (b *Bench) work(c *sdk.Ctx, seconds float64, f Faults, r *rand.Rand) error {
	if r.Float64() < f.Slow {
		seconds *= SlowFactor
	}
	if err := b.World.Clock.Sleep(c, seconds); err != nil {
		return harmless(err)
	}
	return nil
}

// record makes an effect of the command happen.
func (b *Bench) record(c *sdk.Ctx, device string, e world.Effect, data any) error {
	if b.lies(c, device) {
		return nil
	}
	e.Command, e.Device, e.Name = c.CommandID(), device, c.Name()
	if data != nil {
		raw, err := json.Marshal(data)
		if err != nil {
			return harmless(fmt.Errorf("record %s: %w", e.Effect, err))
		}
		e.Data = raw
	}
	if _, err := b.World.Record(e); err != nil {
		if lab.KindOf(err) == lab.Conflict {
			return harmless(err)
		}
		return err // the world's disk failed: nobody knows
	}
	return nil
}

// final returns what the command ended with, if it did.
func (b *Bench) final(c *sdk.Ctx) (world.Effect, bool) {
	for _, e := range b.World.Effects(c.CommandID()) {
		if e.Final {
			return e, true
		}
	}
	return world.Effect{}, false
}

// probe recovers a command whose only final effect is of one kind, by looking
// at the ledger; its result is the effect's data.
func (b *Bench) probe(c *sdk.Ctx) (sdk.Found, any, error) {
	if e, ok := b.final(c); ok {
		return sdk.Done, e.Data, nil
	}
	return sdk.Undone, nil, nil
}

// probeNothing recovers a command whose result is empty.
func (b *Bench) probeNothing(c *sdk.Ctx) (sdk.Found, any, error) {
	if _, ok := b.final(c); ok {
		return sdk.Done, nil, nil
	}
	return sdk.Undone, nil, nil
}

// decode reads the data of an effect.
func decode(e world.Effect, into any) error {
	if err := json.Unmarshal(e.Data, into); err != nil {
		return lab.Errorf(lab.Internal, "read effect %d of the world: %w", e.Seq, err)
	}
	return nil
}

// harmless is a fault before anything has moved.
func harmless(err error) error {
	return sdk.Fault{Effect: lab.EffectNone, Code: devices.DeviceFault, Err: err}
}

// repeatable is a fault before anything has moved that another try may not have.
func repeatable(err error) error {
	return sdk.Fault{Effect: lab.EffectNone, Code: devices.DeviceFault, Retryable: true, Err: err}
}

// halfway is a fault after something has moved.
func halfway(err error) error {
	return sdk.Fault{Effect: lab.EffectPartial, Code: devices.DeviceFault, Err: err}
}

// sampleOf returns the one sample of a command.
func sampleOf(c *sdk.Ctx) (string, error) {
	s := c.Samples()
	if len(s) != 1 {
		return "", harmless(lab.Errorf(lab.Invalid, "command %s works on one sample, and names %d: name it in the step", c.Name(), len(s)))
	}
	return s[0].ID, nil
}
