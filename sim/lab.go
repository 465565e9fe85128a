package sim

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/devices/sdk"
	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/sim/instrument"
	"github.com/athanor-lab/athanor/sim/truth"
	"github.com/athanor-lab/athanor/sim/world"
)

// Options are what a laboratory needs beside its description.
type Options struct {
	Logger *slog.Logger // nil discards

	// Journals is the folder of the devices' journals; default: "journals" in
	// the laboratory's own. Another one is of use to benches only: journals and
	// world belong together.
	Journals string

	// Crash, when set, is asked at each point of a device's algorithm whether
	// it loses power there. Such a device starts again at once.
	Crash func(device string, p sdk.Point, commandID string) bool
}

// Lab is a simulated laboratory whose matter is in a directory.
type Lab struct {
	description Description
	options     Options
	dir         string
	bench       *instrument.Bench
	machines    []machine
	kinds       map[string]string // device id → kind
	at          map[string][2]float64
	ways        map[[2]string]float64
}

// machine is a device that can be built anew after each loss of power.
type machine struct {
	id    string
	build func() *sdk.Device
	dial  func(devices.Dialer) devices.Dialer
}

// Open opens the laboratory in dir, which is made when it is missing: its
// matter is as it was when the last process had it. It returns a Conflict error
// when another process has it now.
func Open(dir string, d Description, o Options) (*Lab, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	set(&o.Journals, filepath.Join(dir, "journals"))
	w, err := world.Open(dir, d.Speed)
	if err != nil {
		return nil, fmt.Errorf("open laboratory: %w", err)
	}
	if err := os.MkdirAll(o.Journals, 0o700); err != nil {
		return nil, errors.Join(fmt.Errorf("open laboratory: %w", err), w.Close())
	}
	l := &Lab{description: d, options: o, dir: dir, kinds: map[string]string{world.Bench: world.Bench}, at: map[string][2]float64{}, ways: map[[2]string]float64{}}
	l.bench = &instrument.Bench{
		World: w, Seed: d.Seed, Reaction: truth.Demo,
		KindOf:   func(place string) string { return l.kinds[place] },
		Distance: l.distance, FaultsOf: map[string]instrument.Faults{},
	}
	for _, s := range d.Script {
		l.bench.Script = append(l.bench.Script, instrument.Scripted{Device: s.Device, Fault: instrument.Fault(s.Fault), From: s.AtS, To: s.AtS + s.ForS})
	}
	for _, v := range d.Devices {
		k := kinds[v.Kind]
		for i, id := range v.IDs() {
			l.kinds[id], l.at[id] = v.Kind, [2]float64{v.At[0] + float64(i), v.At[1]}
			w.Limit(id, v.Capacity)
			l.bench.FaultsOf[id] = v.faults()
			l.add(id, v.Kind, v.Title, v.Cell, func(c sdk.Config) *sdk.Device { return k.build(l.bench, v, c) })
		}
	}
	for _, way := range d.Travel {
		l.ways[[2]string{way.From, way.To}] = way.TimeS
	}
	return l, nil
}

// add adds a device to the laboratory.
func (l *Lab) add(id, kind, title, cell string, build func(sdk.Config) *sdk.Device) {
	set(&title, id)
	config := sdk.Config{
		Lab: l.description.Lab, ID: id, Kind: kind, Title: title, Capabilities: []string{kind}, Cell: cell, Simulated: true,
		Journal:    filepath.Join(l.options.Journals, id+".journal"),
		Heartbeat:  time.Duration(l.description.HeartbeatS * float64(time.Second)),
		TrustClock: l.description.TrustClock,
		Logger:     l.options.Logger,
	}
	links := &disturbed{bench: l.bench, id: id, cut: map[string]bool{}}
	config.Crash = func(p sdk.Point, commandID string) bool {
		return l.options.Crash != nil && l.options.Crash(id, p, commandID) || links.crash(p, commandID)
	}
	l.machines = append(l.machines, machine{id, func() *sdk.Device { return build(config) }, links.dial})
}

// tableDurationS is how long a measurement of a table takes, in seconds of the
// world: a minute.
const tableDurationS = 60

var notOfAnID = regexp.MustCompile(`[^a-z0-9]+`)

// AddTables adds a table instrument for every set in dir, in the shared table
// format: see [truth.OpenTables]. A set "direct_arylation" becomes the device
// and the capability "table-direct-arylation". It returns their names.
func (l *Lab) AddTables(dir string) ([]string, error) {
	tables, err := truth.OpenTables(dir)
	if err != nil {
		return nil, fmt.Errorf("add tables: %w", err)
	}
	var ids []string
	for _, t := range tables {
		id := "table-" + strings.Trim(notOfAnID.ReplaceAllString(strings.ToLower(t.Set), "-"), "-")
		if _, taken := l.kinds[id]; taken {
			return nil, lab.Errorf(lab.Invalid, "add tables: set %q would be the device %s, which is there already", t.Set, id)
		}
		l.kinds[id] = id
		ids = append(ids, id)
		oracle := instrument.Oracle{Bench: l.bench, Truth: t, Kind: id, DurationS: tableDurationS}
		l.add(id, id, "Measured: "+t.Set, "main", oracle.Device)
	}
	return ids, nil
}

// IDs returns the names of the devices, in the order of their description.
func (l *Lab) IDs() []string {
	ids := make([]string, len(l.machines))
	for i, m := range l.machines {
		ids[i] = m.id
	}
	return ids
}

// Abouts returns what the devices say of themselves, in the order of [Lab.IDs].
func (l *Lab) Abouts() []devices.About {
	abouts := make([]devices.About, len(l.machines))
	for i, m := range l.machines {
		abouts[i] = m.build().About()
	}
	return abouts
}

// World is the laboratory's matter.
func (l *Lab) World() *world.World { return l.bench.World }

// LedgerPath returns the file of the world's ledger, see [world.ReadLedger].
func (l *Lab) LedgerPath() string { return filepath.Join(l.dir, world.LedgerFile) }

// Run serves every device on the bus until ctx ends, then ends them in order.
// Devices without a broker go on dialling. It returns the first error that keeps
// a device from running, such as a damaged journal.
func (l *Lab) Run(ctx context.Context, dial devices.Dialer) error {
	all, ctx := errgroup.WithContext(ctx)
	for _, m := range l.machines {
		all.Go(func() error {
			for {
				err := m.build().Run(ctx, m.dial(dial))
				if !errors.Is(err, sdk.ErrKilled) || ctx.Err() != nil {
					return err
				}
				l.options.Logger.InfoContext(ctx, "simulated device lost power and starts again", "device", m.id)
			}
		})
	}
	if err := all.Wait(); err != nil && !errors.Is(err, sdk.ErrKilled) {
		return fmt.Errorf("run laboratory: %w", err)
	}
	return nil
}

// Close closes the world. The devices must have ended.
func (l *Lab) Close() error { return l.bench.World.Close() }

// distance returns how far two places are from each other in metres, or the
// time of the way between them in seconds where the description gives one.
func (l *Lab) distance(from, to string) (metres, seconds float64, timed bool) {
	for _, way := range [][2]string{{from, to}, {to, from}} {
		if s, ok := l.ways[way]; ok {
			return 0, s, true
		}
	}
	a, b := l.at[from], l.at[to]
	return math.Hypot(a[0]-b[0], a[1]-b[1]), 0, false
}
