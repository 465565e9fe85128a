package instrument

import (
	"hash/fnv"
	"sync"

	"github.com/athanor-lab/athanor/devices/sdk"
	"github.com/athanor-lab/athanor/sim/world"
)

// Faults are the rates at which a device goes wrong, each from 0 to 1.
type Faults struct {
	Grasp     float64 // a grasp closes on nothing; the command may be repeated
	Drop      float64 // a carried sample falls and is lost
	Slow      float64 // a command takes SlowFactor times as long
	Clog      float64 // a dose ends halfway: what came out is in the vial
	Stuck     float64 // a sensor says what it said before
	Stale     float64 // a sensor is off by StaleFactor: its calibration is too old
	Lying     float64 // the device says that it is done, and nothing has happened
	PowerCut  float64 // the device loses power at a point of its algorithm
	Flap      float64 // the device's link is gone for FlapS when a command comes
	Duplicate float64 // a command comes twice
}

// SlowFactor is how much longer a slow command takes.
const SlowFactor = 5

// StaleFactor is what the reading of a sensor is multiplied by whose
// calibration is stale.
const StaleFactor = 1.08

// FlapS is how long a link is gone, in seconds of the wall.
const FlapS = 2.0

// Fault is the name of a fault, as descriptions have it.
type Fault string

// The faults, in the words of a description.
const (
	Grasp     Fault = "grasp"
	Drop      Fault = "drop"
	Slow      Fault = "slow"
	Clog      Fault = "clog"
	Stuck     Fault = "stuck"
	Stale     Fault = "stale"
	Lying     Fault = "lying"
	PowerCut  Fault = "power_cut"
	Flap      Fault = "flap"
	Duplicate Fault = "duplicate"
)

// Rate returns the rate of a fault by name.
func (f Faults) Rate(name Fault) float64 {
	switch name {
	case Grasp:
		return f.Grasp
	case Drop:
		return f.Drop
	case Slow:
		return f.Slow
	case Clog:
		return f.Clog
	case Stuck:
		return f.Stuck
	case Stale:
		return f.Stale
	case Lying:
		return f.Lying
	case PowerCut:
		return f.PowerCut
	case Flap:
		return f.Flap
	case Duplicate:
		return f.Duplicate
	default:
		return 0
	}
}

// Scripted is a fault that is certain for a time, in seconds of the world.
type Scripted struct {
	Device   string
	Fault    Fault
	From, To float64
}

// scripted reports whether the script has a fault for a device now.
func (b *Bench) scripted(device string, name Fault) bool {
	if len(b.Script) == 0 {
		return false
	}
	now := b.World.Clock.Seconds()
	for _, s := range b.Script {
		if s.Device == device && s.Fault == name && now >= s.From && now < s.To {
			return true
		}
	}
	return false
}

// struck reports whether a fault strikes a device at a command. The draw has the
// command's cause, see [world.Cause], and not its id, and does not shift the
// draws of the command's noise.
func (b *Bench) struck(c *sdk.Ctx, device string, name Fault) bool {
	if b.scripted(device, name) {
		return true
	}
	rate := b.FaultsOf[device].Rate(name)
	if rate <= 0 {
		return false
	}
	sample := ""
	if s := c.Samples(); len(s) > 0 {
		sample = s[0].ID
	}
	cause := world.Cause{Seed: b.Seed, Kind: b.KindOf(device) + " " + string(name), Name: c.Name(), Command: c.CommandID(), Sample: sample}
	r, err := b.World.Rand(cause)
	return err == nil && r.Float64() < rate
}

// Disturbed reports whether a fault of a device's power or link strikes at a
// command. The draw has the command's id: such faults change no result.
func (b *Bench) Disturbed(device, command string, name Fault) bool {
	if b.scripted(device, name) {
		return true
	}
	rate := b.FaultsOf[device].Rate(name)
	if rate <= 0 {
		return false
	}
	h := fnv.New64a()
	for _, s := range []string{string(name), " ", device, " ", command} {
		_, _ = h.Write([]byte(s)) // never fails
	}
	x := h.Sum64() ^ b.Seed*0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9 // the finalizer of SplitMix64 spreads the bits
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return float64((x^x>>31)>>11)/(1<<53) < rate
}

// readings is what each sensor said last.
type readings struct {
	mu   sync.Mutex
	last map[string]float64
}

// reading is what a sensor says of a true value, faults included. stale scales
// it about zero.
func (b *Bench) reading(c *sdk.Ctx, device string, value float64) float64 {
	if b.struck(c, device, Stale) {
		value *= StaleFactor
	}
	b.readings.mu.Lock()
	defer b.readings.mu.Unlock()
	if b.readings.last == nil {
		b.readings.last = map[string]float64{}
	}
	if last, ok := b.readings.last[device]; ok && b.struck(c, device, Stuck) {
		return last
	}
	b.readings.last[device] = value
	return value
}

// lies reports whether a device only says that it does what it is told.
func (b *Bench) lies(c *sdk.Ctx, device string) bool {
	return b.struck(c, device, Lying)
}

// worn returns how often a device had an effect since its part was changed.
func worn(w *world.World, device string, use world.EffectKind) int {
	n, _ := w.Did(device, use)
	_, last := w.Did(device, world.Changed)
	if last.Data == nil {
		return n
	}
	var before struct {
		Uses int `json:"uses"`
	}
	if err := decode(last, &before); err != nil {
		return n
	}
	return n - before.Uses
}
