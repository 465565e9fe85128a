package instrument

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/athanor-lab/athanor/devices/sdk"
	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/sim/world"
)

// Robot is a mobile humanoid that carries samples between devices, one at a
// time: one command, transfer, and where its gripper is a slot give and take. Its gripper
// is a place of its own name.
type Robot struct {
	Bench   *Bench
	HandS   float64 // time to pick or to place, in seconds of the world
	SpeedMS float64 // in metres per second of the world
	Faults  Faults
	Slots   []string // its gripper, for handovers; none for transfers only

	// A battery, of BatteryWh when it is full, 0 for none: driving takes DriveW,
	// and a robot that would come below a fifth charges first, with ChargeW.
	BatteryWh, DriveW, ChargeW float64
}

// MobileRobot is the kind of a [Robot], and its capability.
const MobileRobot = "mobile-robot"

type transfer struct {
	From   string `json:"from"` // device ids
	To     string `json:"to"`
	Sample string `json:"sample,omitempty"` // the command's own sample when absent
}

// Carried is the result of a transfer.
type Carried struct {
	TravelS float64 `json:"travel" unit:"s"`
}

// errand is one transfer on its way.
type errand struct {
	Robot
	c      *sdk.Ctx
	device string
	p      transfer
	rand   *rand.Rand
}

// Device returns the robot as a device.
func (r Robot) Device(cfg sdk.Config) *sdk.Device {
	dev := sdk.New(cfg)
	r.Bench.World.Limit(cfg.ID, 1)
	var where position
	sdk.Handle(dev, "transfer", func(c *sdk.Ctx, p transfer) (Carried, error) {
		e, err := r.errand(c, cfg.ID, p)
		if err != nil {
			return Carried{}, err
		}
		return e.run(&where)
	}, sdk.Probe(r.look), sdk.Typical(r.Bench.wall(2*r.HandS+60).Round(time.Millisecond)))
	r.hands(dev, cfg.ID, &where)
	return dev
}

// position is the place where a robot stands.
type position struct {
	mu    sync.Mutex
	place string
}

func (p *position) swap(to string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	from := p.place
	p.place = to
	return from
}

func (p *position) get() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.place
}

func (r Robot) errand(c *sdk.Ctx, device string, p transfer) (*errand, error) {
	if p.Sample == "" {
		var err error
		if p.Sample, err = sampleOf(c); err != nil {
			return nil, err
		}
	}
	kinds := [2]string{r.Bench.KindOf(p.From), r.Bench.KindOf(p.To)}
	for i, place := range []string{p.From, p.To} {
		if kinds[i] == "" {
			return nil, harmless(lab.Errorf(lab.Invalid, "transfer: there is no place %q in this laboratory", place))
		}
	}
	rng, err := r.Bench.rand(c, MobileRobot, p.Sample, kinds)
	if err != nil {
		return nil, err
	}
	return &errand{Robot: r, c: c, device: device, p: p, rand: rng}, nil
}

// run drives, picks, carries and places, leaving out what the command has done
// before a crash.
func (e *errand) run(where *position) (Carried, error) {
	// Drawn in this order whatever has happened, so that a restart draws alike.
	missed, dropped := e.rand.Float64() < e.Faults.Grasp, e.rand.Float64() < e.Faults.Drop
	if _, ended := e.Bench.final(e.c); ended {
		return Carried{}, e.missed()
	}
	if s, _ := e.Bench.World.Sample(e.p.Sample); s.Place != e.device {
		if err := e.charge(); err != nil {
			return Carried{}, err
		}
		if err := e.pick(where, missed, world.Effect{Effect: world.Picked}); err != nil {
			return Carried{}, err
		}
	}
	return e.carry(where, dropped, "")
}

// pick takes the sample into the gripper, which is the effect picked. Until it has,
// nothing has happened.
func (e *errand) pick(where *position, missed bool, picked world.Effect) error {
	if err := e.emptyGripper(); err != nil {
		return err
	}
	way := 0.0
	if from := where.swap(e.p.From); from != "" {
		way = e.travelS(from, e.p.From)
	}
	if err := e.Bench.work(e.c, way+e.HandS, e.Faults, e.rand); err != nil {
		return err
	}
	if missed {
		if err := e.Bench.record(e.c, e.device, world.Effect{Effect: world.Missed, Final: true, Sample: e.p.Sample}, nil); err != nil {
			return err
		}
		return e.missed()
	}
	picked.Sample, picked.From, picked.To = e.p.Sample, e.p.From, e.device
	return e.Bench.record(e.c, e.device, picked, nil)
}

func (e *errand) missed() error {
	return repeatable(errors.New("transfer: the grasp closed on nothing; the sample did not move"))
}

// emptyGripper puts aside what another command left in it.
func (e *errand) emptyGripper() error {
	for _, left := range e.Bench.World.At(e.device) {
		if err := e.Bench.record(e.c, e.device, world.Effect{Effect: world.Parked, Sample: left, From: e.device, To: world.Bench}, nil); err != nil {
			return err
		}
	}
	return nil
}

// carry brings the sample from the gripper to its place. A robot that is told
// to end with a sample in its hand stands still and keeps its grip: a later
// transfer of that sample goes on from there, one of another puts it aside.
func (e *errand) carry(where *position, dropped bool, slot string) (Carried, error) {
	way := e.travelS(e.p.From, e.p.To)
	if err := e.Bench.World.Clock.Sleep(e.c, way+e.HandS); err != nil {
		return Carried{}, halfway(err)
	}
	where.swap(e.p.To)
	if err := e.spend(way); err != nil {
		return Carried{}, halfway(err)
	}
	if dropped {
		if err := e.Bench.record(e.c, e.device, world.Effect{Effect: world.Dropped, Final: true, Sample: e.p.Sample, From: e.device, To: world.Floor}, nil); err != nil {
			return Carried{}, err
		}
		return Carried{}, halfway(fmt.Errorf("transfer: the sample fell on the way to %s and is lost", e.p.To))
	}
	if err := e.Bench.record(e.c, e.device, world.Effect{Effect: world.Placed, Final: true, Sample: e.p.Sample, From: e.device, To: e.p.To, Slot: slot}, nil); err != nil {
		return Carried{}, halfway(err)
	}
	return Carried{TravelS: way}, nil
}

// reserve is the part of a full battery that a robot keeps.
const reserve = 0.2

// battery is the data of a [world.Drove] effect.
type battery struct {
	Wh float64 `json:"wh"`
}

// levelWh returns what is left in the battery: what its last effect said, over
// all restarts.
func (e *errand) levelWh() float64 {
	n, last := e.Bench.World.Did(e.device, world.Drove)
	var b battery
	if n == 0 || decode(last, &b) != nil {
		return e.BatteryWh
	}
	return b.Wh
}

// charge fills the battery before an errand that would empty it. The way to
// fetch the sample is taken as long as the way with it.
func (e *errand) charge() error {
	const seconds = 3600
	if e.BatteryWh <= 0 || e.drove(1) {
		return nil
	}
	level := e.levelWh()
	if level-2*e.DriveW*(e.travelS(e.p.From, e.p.To)+e.HandS)/seconds >= reserve*e.BatteryWh {
		return nil
	}
	if err := e.Bench.World.Clock.Sleep(e.c, (e.BatteryWh-level)/e.ChargeW*seconds); err != nil {
		return harmless(err)
	}
	return e.Bench.record(e.c, e.device, world.Effect{Effect: world.Drove, Part: 1}, battery{e.BatteryWh})
}

// spend takes what an errand used out of the battery.
func (e *errand) spend(way float64) error {
	const seconds = 3600
	if e.BatteryWh <= 0 || e.drove(2) {
		return nil
	}
	return e.Bench.record(e.c, e.device, world.Effect{Effect: world.Drove, Part: 2}, battery{max(0, e.levelWh()-2*e.DriveW*(way+e.HandS)/seconds)})
}

// drove reports whether the errand had an effect on the battery before a crash.
func (e *errand) drove(part int) bool {
	for _, x := range e.Bench.World.Effects(e.c.CommandID()) {
		if x.Effect == world.Drove && x.Part == part {
			return true
		}
	}
	return false
}

// travelS returns how long a way takes, in seconds of the world.
func (r Robot) travelS(from, to string) float64 {
	metres, seconds, timed := r.Bench.Distance(from, to)
	if timed {
		return seconds
	}
	return metres / r.SpeedMS
}

// look is the robot's camera: it sees where the sample is.
func (r Robot) look(c *sdk.Ctx) (sdk.Found, any, error) {
	last, ok := r.Bench.final(c)
	switch {
	case !ok, last.Effect == world.Missed:
		return sdk.Undone, nil, nil
	case last.Effect == world.Dropped:
		return sdk.Partial, nil, nil
	}
	var p transfer
	if err := json.Unmarshal(c.Params(), &p); err != nil {
		return sdk.Unknown, nil, err
	}
	return sdk.Done, Carried{TravelS: r.travelS(p.From, p.To)}, nil
}
