package sdk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/lab"
)

// Config is what a device is.
type Config struct {
	Lab          string   // "" is "lab"
	ID           string   // unique in the lab
	Kind         string   // as in "Furnace"
	Title        string   // for people; "" is ID
	Capabilities []string // names that protocols ask for
	Cell         string   // whose beat to listen to; "" is "main"
	Simulated    bool

	// Journal is the file that the device's memory is in. It must be on a disk
	// that keeps what it was told to keep.
	Journal string

	Heartbeat time.Duration // between states while leased; 0 is 5 s, six times that while not
	Parallel  int           // commands at a time; 0 is 1
	// TrustClock says that the machine's clock is kept right by NTP or PTP.
	// Otherwise the laboratory's beat tells the time.
	TrustClock bool

	Logger *slog.Logger // nil discards
	Clock  Clock        // nil is the wall

	// Disk, when set, stands between the device and its journal's file. For
	// simulated disks, such as one that loses power.
	Disk func(*os.File) Disk

	// Crash, when set, is asked at each point of the algorithm whether the
	// device dies there as [Device.Kill] has it. For tests and simulations.
	Crash func(p Point, commandID string) bool
}

// Disk is what a journal is written to: what was written before Sync returned
// is there after a loss of power.
type Disk interface {
	io.Writer
	Sync() error
}

// Point is a place in the algorithm where a process can die.
type Point string

// The points, in the order in which a command comes by.
const (
	BeforeBegin   Point = "before_begin"   // checked, not written down
	AfterBegin    Point = "after_begin"    // written down, nothing moved
	BeforeEnd     Point = "before_end"     // moved, its end not written down
	AfterEnd      Point = "after_end"      // its end written down, not reported
	BeforePublish Point = "before_publish" // about to hand an event to the bus
)

// Device is a device in the making: commands are registered, then [Device.Run]
// serves them.
type Device struct {
	cfg     Config
	log     *slog.Logger
	actions map[string]*action
	order   []string // of actions
	wrong   []error

	journal *journal
	out     *outbox
	work    sync.WaitGroup  // functions that run
	root    context.Context //nolint:containedctx // until Close or Kill
	end     context.CancelCauseFunc

	mu      sync.Mutex
	boot, n int64
	epoch   int64 // the highest seen
	lease   devices.Lease
	ttl     time.Duration // of the lease
	until   time.Time     // its end, unless a beat renews it
	lapse   *time.Timer
	held    atomic.Bool // the lease, as the last state had it
	clock   labClock
	beat    time.Time // when the last was heard
	entries map[string]*entry
	unended map[string]*entry
	begun   int64    // entries ever, for their order
	ended   []*entry // in the order of their end
	full    int      // ended commands at which to compact; 0 at first
	mode    string
	faults  []lab.Fault
	stopped bool // until reset
	latched bool // the lab's stop
	running int  // functions that are not alongside

	paused   bool          // until resumed
	writing  int           // stops and pauses that are in force and not on the disk yet: what a crash would undo is not said
	changed  chan struct{} // closed and replaced when who is paused changes
	fed      time.Time     // when the laboratory last gave a sign of life
	orphaned bool          // it has been silent for too long

	alarms       map[string]devices.Alarm
	streams      []devices.Stream
	calibrations []devices.CalibrationState
	supplies     []devices.Supply
	rack         rack
	spool        *spool
}

// New returns a device. What is wrong with cfg comes out of Run.
func New(cfg Config) *Device {
	if cfg.Lab == "" {
		cfg.Lab = "lab"
	}
	if cfg.Cell == "" {
		cfg.Cell = "main"
	}
	if cfg.Title == "" {
		cfg.Title = cfg.ID
	}
	if cfg.Heartbeat <= 0 {
		cfg.Heartbeat = 5 * time.Second
	}
	if cfg.Parallel <= 0 {
		cfg.Parallel = 1
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Clock == nil {
		cfg.Clock = wall{}
	}
	d := &Device{
		cfg: cfg, log: cfg.Logger.With("device", cfg.ID), actions: map[string]*action{}, entries: map[string]*entry{}, unended: map[string]*entry{},
		mode: "remote", clock: labClock{trusted: cfg.TrustClock, start: time.Now()},
		changed: make(chan struct{}), fed: time.Now(), alarms: map[string]devices.Alarm{},
	}
	d.spool = newSpool(d)
	d.root, d.end = context.WithCancelCause(context.Background())
	for what, name := range map[string]string{"lab": cfg.Lab, "id": cfg.ID, "kind": cfg.Kind, "cell": cfg.Cell} {
		if !devices.ValidID(name) {
			d.misuse(fmt.Errorf("%s %q is not letters, digits and ._:- (at most 128)", what, name))
		}
	}
	for _, c := range cfg.Capabilities {
		if !devices.ValidID(c) {
			d.misuse(fmt.Errorf("capability %q is not letters, digits and ._:- (at most 128)", c))
		}
	}
	if cfg.Journal == "" {
		d.misuse(errors.New("the journal has no path: a device without one would forget what it did"))
	}
	return d
}

// About describes the device as it will on the bus.
func (d *Device) About() devices.About {
	a := devices.About{
		Lab: d.cfg.Lab, ID: d.cfg.ID, Kind: d.cfg.Kind, Title: d.cfg.Title, Cell: d.cfg.Cell,
		Capabilities: d.cfg.Capabilities, Simulated: d.cfg.Simulated, HeartbeatS: d.cfg.Heartbeat.Seconds(),
		Streams: d.streams, Slots: d.rack.names(),
	}
	for _, name := range d.order {
		a.Actions = append(a.Actions, d.actions[name].Action)
	}
	return a
}

// ErrKilled is what Run returns after [Device.Kill].
var ErrKilled = errors.New("the device was killed")

// Run serves the device until ctx is done, then ends in order; commands under
// way are treated at the next start as after a crash. Without a broker it goes
// on with what it was doing, and dials again. A Device runs once.
func (d *Device) Run(ctx context.Context, dial devices.Dialer) error {
	if err := errors.Join(d.wrong...); err != nil {
		return fmt.Errorf("run device %q: %w", d.cfg.ID, err)
	}
	if err := d.open(); err != nil {
		return fmt.Errorf("run device %s: %w", d.cfg.ID, err)
	}
	about, err := d.About().MarshalJSON()
	if err != nil {
		return errors.Join(fmt.Errorf("describe device %s: %w", d.cfg.ID, err), d.journal.close(errShutdown))
	}
	d.mu.Lock()
	d.out = newOutbox(d, about)
	d.mu.Unlock()
	d.revive()
	d.spool.revive()

	stop := context.AfterFunc(ctx, func() { d.end(errShutdown) })
	defer stop()
	bus := d.dial(dial)
	if bus != nil {
		d.out.run(d.root, bus)
	}
	<-d.root.Done()
	d.mu.Lock()   // whoever starts work has done so, and nobody will
	d.mu.Unlock() //nolint:staticcheck // the lock is a barrier
	killed := errors.Is(context.Cause(d.root), errDead)
	if killed {
		if bus != nil {
			bus.Cut()
		}
		d.work.Wait()
		_ = d.journal.close(errDead) // Kill has done so, unless it came before the journal
		return ErrKilled
	}
	d.work.Wait()
	if bus != nil {
		d.out.farewell(bus)
		err = bus.Close()
	}
	return errors.Join(err, d.journal.close(errShutdown))
}

// Kill ends the device as the death of its process does: nothing more is
// written or said, and the broker publishes the last will. Functions that run
// see their context done and must not move any more. For tests and simulated
// power cuts.
func (d *Device) Kill() {
	d.end(errDead)
	d.mu.Lock()
	journal := d.journal
	d.mu.Unlock()
	if journal != nil {
		_ = journal.close(errDead)
	}
}

// crash dies at p when the configuration wants it, and reports it.
func (d *Device) crash(p Point, id string) bool {
	if d.cfg.Crash != nil && d.root.Err() == nil && d.cfg.Crash(p, id) {
		d.Kill()
	}
	return errors.Is(context.Cause(d.root), errDead)
}

// dial takes the bus, again and again until it has it or the device ends.
func (d *Device) dial(dial devices.Dialer) devices.Bus {
	topic := func(leaf devices.Leaf) string { return devices.Topic(d.cfg.Lab, d.cfg.ID, leaf) }
	session := devices.Session{
		ClientID: d.cfg.Lab + "." + d.cfg.ID,
		Will:     d.conn(devices.Lost),
		Subscriptions: []devices.Subscription{{
			// The stop comes first, so that it is known before a command is. The
			// last are the device's own, to put right what is retained in its name.
			Filters: []string{
				devices.StopTopic(d.cfg.Lab), topic(devices.LeafCtl), topic(devices.LeafCmd), devices.BeatTopic(d.cfg.Lab, d.cfg.Cell),
				topic(devices.LeafConn), devices.SubTopic(d.cfg.Lab, d.cfg.ID, devices.LeafAlarm, "+"),
			},
			Handle: d.receive,
		}},
		Up:   func(context.Context, devices.Bus) { d.out.up() },
		Down: func(err error) { d.out.down(); d.log.Warn("link lost", "err", err) },
	}
	for d.root.Err() == nil {
		bus, err := dial(d.root, session)
		if err == nil {
			return bus
		}
		if d.root.Err() != nil {
			return nil
		}
		d.log.Warn("broker not reached; trying again", "err", err)
		_ = wall{}.Sleep(d.root, time.Second)
	}
	return nil
}

// receive handles what arrives, one after the other.
func (d *Device) receive(ctx context.Context, m devices.Message) {
	if d.root.Err() != nil {
		return
	}
	switch m.Topic {
	case devices.StopTopic(d.cfg.Lab):
		d.onLabStop(m.Payload)
	case devices.BeatTopic(d.cfg.Lab, d.cfg.Cell):
		d.onBeat(m.Payload)
	case devices.Topic(d.cfg.Lab, d.cfg.ID, devices.LeafCmd):
		if m.Retain {
			d.log.WarnContext(ctx, "retained command ignored: commands are never retained")
			return
		}
		d.onCmd(m.Payload)
	case devices.Topic(d.cfg.Lab, d.cfg.ID, devices.LeafCtl):
		if m.Retain {
			d.log.WarnContext(ctx, "retained ctl ignored: operations are never retained")
			return
		}
		d.onCtl(m.Payload)
	case devices.Topic(d.cfg.Lab, d.cfg.ID, devices.LeafConn):
		d.onConn(m.Payload)
	default:
		if _, leaf, code, ok := devices.ParseSubTopic(m.Topic); ok && leaf == devices.LeafAlarm {
			d.onAlarm(code, m.Payload)
		}
	}
}

// onConn hears what is said of the device's own link. The broker may publish
// the will of a process that was killed after the next one has said that it is
// online, and the will is what stays retained: then online is said again. A
// higher boot is somebody else who uses the same name; two of them do not talk
// each other down.
func (d *Device) onConn(b []byte) {
	c, err := devices.DecodeConn(b)
	if err == nil && (c.Boot > d.boot || c.Boot == d.boot && c.State == devices.Online) {
		return
	}
	d.out.set(func() { d.out.conn = true })
}

// SetFaults says what is wrong with the device. While one is critical, its op
// is fault and commands are refused.
func (d *Device) SetFaults(faults []lab.Fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.faults = append([]lab.Fault(nil), faults...)
	d.out.changed()
}

// SetMode says who has the device: "remote", or "local" or "service" while a
// person has it and commands are refused.
func (d *Device) SetMode(mode string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.mode = mode
	d.out.changed()
}
