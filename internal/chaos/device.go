package chaos

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/devices/mqtt"
	"github.com/athanor-lab/athanor/devices/sdk"
	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/sim/world"
)

// Devices is the role of a child that is some devices and their world.
const Devices = "chaos-devices"

// The commands of a device, by recovery class.
const (
	repeats = "set"   // repeat: the same again changes nothing
	resumes = "ramp"  // resume: three parts, with checkpoints
	probes  = "pour"  // probe: a balance sees it
	blind   = "crush" // manual: nobody can tell
)

// classes are the commands, in the order in which reports have them.
var classes = []string{repeats, resumes, probes, blind}

// moved is what all of them do to the world.
const moved world.EffectKind = "moved"

// rampParts is how many movements a ramp is.
const rampParts = 3

// The points of the driver at which a process dies besides those of [sdk.Point].
const (
	midMotion   sdk.Point = "mid_motion"   // moving, and nothing has happened yet
	afterEffect sdk.Point = "after_effect" // it has happened; the driver has not said so
)

// rack is which devices a child is, and how it dies.
type rack struct {
	URL      string   `json:"url"`
	Dir      string   `json:"dir"` // of the world and the journals
	IDs      []string `json:"ids"`
	Seed     uint64   `json:"seed"`
	Start    int      `json:"start"` // which start of the process this is
	Rate     float64  `json:"rate"`  // of dying, at each point of each command
	MotionMS float64  `json:"motion_ms"`
}

// variant is what a test takes from a device to see that it is missed.
type variant struct {
	dial func(devices.Dialer) devices.Dialer
	disk func(*os.File) sdk.Disk
	// of returns which command moves, of the name by which a device knows it.
	of func(command string) string
}

// whole is a device that lacks nothing.
func whole() variant {
	return variant{func(d devices.Dialer) devices.Dialer { return d }, newPowered, func(command string) string { return command }}
}

// RunDevices is the role [Devices].
func RunDevices(ctx context.Context, config []byte) error {
	return runDevices(ctx, config, whole())
}

func runDevices(ctx context.Context, config []byte, v variant) error {
	var r rack
	if err := json.Unmarshal(config, &r); err != nil {
		return fmt.Errorf("run devices: %w", err)
	}
	w, err := world.Open(r.Dir, 1)
	if err != nil {
		return err
	}
	defer func() { _ = w.Close() }()
	graves, err := os.OpenFile(filepath.Join(r.Dir, gravesFile), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("run devices: %w", err)
	}
	defer func() { _ = graves.Close() }()
	dial := v.dial(mqtt.Dialer(mqtt.Options{URL: r.URL, Patience: time.Minute}))
	var all errgroup.Group
	for _, id := range r.IDs {
		m := &mover{rack: r, variant: v, id: id, world: w, graves: graves}
		all.Go(func() error { return m.device().Run(ctx, dial) })
	}
	return all.Wait()
}

// gravesFile has a line for each death of a process by its own hand.
const gravesFile = "graves"

// mover is the driver of one device.
type mover struct {
	rack
	variant
	id     string
	world  *world.World
	graves io.Writer
}

func (m *mover) device() *sdk.Device {
	d := sdk.New(sdk.Config{
		ID: m.id, Kind: "Mover", Capabilities: []string{"mover"}, Journal: filepath.Join(m.Dir, m.id+".journal"), Simulated: true,
		Heartbeat: time.Second, TrustClock: true, Disk: m.disk, Logger: slog.New(slog.DiscardHandler),
		Crash: func(p sdk.Point, id string) bool { m.die(p, id, ""); return false },
	})
	sdk.Handle(d, repeats, m.once, sdk.Repeat)
	sdk.Handle(d, probes, m.once, sdk.Probe(m.look))
	sdk.Handle(d, blind, m.once, sdk.Manual)
	sdk.Handle(d, resumes, m.ramp, sdk.Resume)
	sdk.Handle(d, walks, m.walk, sdk.Repeat, sdk.Orphan(sdk.OrphanStop, orphanAfter))
	return d
}

// nothing is the parameters of the commands, and their results.
type nothing struct{}

// once moves once.
func (m *mover) once(c *sdk.Ctx, _ nothing) (nothing, error) {
	return nothing{}, m.move(c, 1, 1)
}

// move is a movement: time passes, then it has happened.
func (m *mover) move(c *sdk.Ctx, part, of int) error {
	half := time.Duration(m.MotionMS / 2 / float64(of) * float64(time.Millisecond))
	if err := c.Sleep(half); err != nil {
		effect := lab.EffectNone
		if part > 1 {
			effect = lab.EffectPartial
		}
		return sdk.Fault{Effect: effect, Err: err}
	}
	m.die(midMotion, c.CommandID(), c.Name())
	e := world.Effect{Command: m.of(c.CommandID()), Device: m.id, Name: c.Name(), Effect: moved, Part: part, Final: part == of}
	if _, err := m.world.Record(e); err != nil {
		return err
	}
	m.die(afterEffect, c.CommandID(), c.Name())
	if part < of {
		return nil
	}
	time.Sleep(half) //nolint:forbidigo // it has happened: cancelling comes too late
	return nil
}

// ramp moves three times, and goes on where it was.
func (m *mover) ramp(c *sdk.Ctx, _ nothing) (nothing, error) {
	done := 0
	c.Resumed(&done)
	// A part that was done just before its checkpoint can be seen, as a
	// furnace's temperature can.
	for part := max(done, len(m.world.Effects(c.CommandID()))) + 1; part <= rampParts; part++ {
		if err := m.move(c, part, rampParts); err != nil {
			return nothing{}, err
		}
		if err := c.Checkpoint(part); err != nil {
			return nothing{}, err
		}
	}
	return nothing{}, nil
}

func (m *mover) look(c *sdk.Ctx) (sdk.Found, any, error) {
	if len(m.world.Effects(c.CommandID())) > 0 {
		return sdk.Done, nothing{}, nil
	}
	return sdk.Undone, nil, nil
}

// die ends this process by SIGKILL when the draw of the seed, the start, the
// point and the command says so.
func (m *mover) die(p sdk.Point, command, name string) {
	h := fnv.New64a()
	h.Write(binary.BigEndian.AppendUint64(nil, m.Seed))
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(m.Start)))
	fmt.Fprintf(h, "%s %s", p, command)
	if float64(mixed(h.Sum64())>>11)/(1<<53) >= m.Rate {
		return
	}
	fmt.Fprintf(m.graves, "%s %s\n", p, name)
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {} // until the kernel has it
}

// mixed spreads the bits of a hash: FNV's high bits hardly depend on the last
// bytes. It is the finalizer of SplitMix64 (Steele, Lea & Flood, Fast splittable
// pseudorandom number generators, OOPSLA 2014).
func mixed(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
