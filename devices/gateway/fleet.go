package gateway

import (
	"cmp"
	"context"
	"encoding/json"
	"hash/fnv"
	"maps"
	"reflect"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/lab"
)

// device is what the gateway knows of a device, and its commands under way.
type device struct {
	lab.Device
	about     devices.About
	described bool // about is known
	minor     int  // of the contract that it keeps
	recall    *recall
	manners   *manners
	alarms    []string             // the codes that its state names
	own       []lab.Fault          // as its state has them
	raised    map[string]lab.Fault // alarms that stand, by source and code
	cell      string
	heartbeat time.Duration // while leased
	holder    string        // of its lease
	state     devices.State
	stateAt   time.Time // when state came; zero when it was retained
	heardAt   time.Time // when anything came
	flights   map[string]*flight
	arrivals  map[string]*arrival // blobs in chunks, by SHA-256

	dirty bool // to be saved at once
	saved time.Time
	deaf  bool // it does not take its lease
}

// deafness is what is wrong with a device that says how it is and takes no
// lease. With MQTT 3.1.1 a broker grants a subscription and delivers nothing, so
// that a wrong rule looks like a device that does not listen.
var deafness = lab.Fault{Code: "link", Level: "warning", Text: "it does not take the lease that it is sent: may its account hear cmd and ctl?"}

// cell is a part of the lab that has a beat of its own.
type cell struct {
	seq   int64
	next  time.Time
	greet bool // somebody there needs the time
}

const (
	seenEvery       = 5 * time.Second // between saves of a device that only says that it lives
	heartbeatUnsaid = 5 * time.Second
	idleBeats       = 6 // an idle device's heartbeat is so many times longer
	silenceBeats    = 3 // without a sign of life is lost
)

// device returns the record of a device, which may be new.
func (g *Gateway) device(name string) *device {
	d := g.devices[name]
	if d == nil {
		d = &device{Device: lab.Device{ID: name, Op: "starting", Mode: "remote"}, heartbeat: heartbeatUnsaid, flights: map[string]*flight{}}
		g.devices[name] = d
	}
	return d
}

func (g *Gateway) cell(name string) *cell {
	c := g.cells[name]
	if c == nil {
		h := fnv.New32a()
		_, _ = h.Write([]byte(name))
		c = &cell{next: time.Now().Add(time.Duration(h.Sum32()) % g.cfg.Beat)} // staggered
		g.cells[name] = c
	}
	return c
}

// onDevice takes in what a device says of itself.
func (g *Gateway) onDevice(_ context.Context, m devices.Message) {
	if _, leaf, _, ok := devices.ParseSubTopic(m.Topic); ok && leaf == devices.LeafAlarm {
		g.onAlarm(m)
		return
	}
	_, name, leaf, ok := devices.ParseTopic(m.Topic)
	if !ok || len(m.Payload) == 0 || !g.admit(name, len(m.Payload)) {
		return
	}
	var err error
	switch leaf {
	case devices.LeafAbout:
		err = g.onAbout(name, m.Payload)
	case devices.LeafConn:
		err = g.onConn(name, m.Payload, m.Retain)
	case devices.LeafState:
		err = g.onState(name, m.Payload, m.Retain)
	default: // other topics have handlers of their own
	}
	if err != nil {
		g.distrust(name, m.Topic, m.Payload, err)
	}
}

func (g *Gateway) onAbout(name string, b []byte) error {
	a, err := devices.ParseAbout(b)
	if err != nil {
		return err
	}
	if a.ID != name {
		return lab.Errorf(lab.Invalid, "it describes %q", a.ID)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	d := g.device(name)
	d.about, d.described, d.minor = a, true, devices.MinorOf(b)
	d.Kind, d.Title, d.Capabilities, d.Simulated, d.cell = a.Kind, a.Title, a.Offers(), a.Simulated, a.Cell
	d.tellSaid()
	if a.HeartbeatS > 0 {
		d.heartbeat = time.Duration(a.HeartbeatS * float64(time.Second))
	}
	d.dirty = true
	g.cell(d.cell).greet = true
	return nil
}

func (g *Gateway) onConn(name string, b []byte, retained bool) error {
	c, err := devices.DecodeConn(b)
	if err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	d := g.device(name)
	if c.Boot < d.Boot { // a late will of an old process
		return nil
	}
	news := c.Boot != d.Boot || c.State != d.Conn
	if !retained && c.State != devices.Lost { // a will is the broker's word, and no sign of life
		d.alive()
	} else if d.SeenAt.IsZero() {
		d.SeenAt = c.TS.UTC()
	}
	d.Conn, d.Boot, d.dirty = c.State, c.Boot, d.dirty || news
	if c.State == devices.Online && news {
		d.heardAt = time.Now() // silence counts from here
		g.cell(d.cell).greet = true
		d.hurry()
	}
	return nil
}

func (g *Gateway) onState(name string, b []byte, retained bool) error {
	s, err := devices.DecodeState(b)
	if err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	d := g.device(name)
	if s.Boot < d.Boot || s.Boot == d.state.Boot && s.N < d.state.N {
		return nil
	}
	before := d.Device
	d.Op, d.Mode, d.Boot, d.Active, d.own, d.Epoch = s.Op, s.Mode, s.Boot, s.Active, s.Faults, 0
	d.deaf = d.deaf && s.Lease == nil && s.Boot == before.Boot
	d.holder = ""
	if s.Lease != nil {
		d.Epoch, d.holder = s.Lease.Epoch, s.Lease.Holder
	}
	d.state, d.stateAt = s, time.Time{}
	d.tellSaid()
	if s.Alarms != nil && (d.alarms == nil || !slices.Equal(s.Alarms, d.alarms)) {
		// One that was cleared while nobody listened has left no message.
		d.alarms = s.Alarms
		maps.DeleteFunc(d.raised, func(key string, f lab.Fault) bool {
			return key == raisedKey(ByDevice, f.Code) && !slices.Contains(s.Alarms, f.Code)
		})
		if g.cfg.Alarms != nil {
			g.note("alarms not cleared", true, func(ctx context.Context) error { return g.cfg.Alarms.KeepAlarms(ctx, name, s.Alarms) })
		}
	}
	if retained {
		if d.SeenAt.IsZero() {
			d.SeenAt = s.TS.UTC()
		}
	} else {
		d.stateAt = time.Now()
		d.alive()
	}
	d.showFaults()
	d.dirty = d.dirty || d.Conn != before.Conn || d.Op != before.Op || d.Mode != before.Mode || d.Boot != before.Boot || d.Epoch != before.Epoch ||
		!slices.Equal(d.Active, before.Active) || !slices.Equal(d.Faults, before.Faults) || !reflect.DeepEqual(d.Said, before.Said)
	// What the device says has ended, and is open here, is asked for.
	for id, f := range d.flights {
		if st, ok := s.Mentions(id); ok && st.Terminal() && time.Since(f.since) > g.cfg.Resend {
			if !f.doubt || st != lab.CommandInDoubt {
				f.next = time.Now()
			}
		}
	}
	return nil
}

// tellSaid puts what the descriptor and the state say of slots, calibrations,
// supplies and streams into the words of the laboratory. A slot that only the
// descriptor names has said nothing yet, and is told as empty.
func (d *device) tellSaid() {
	said := lab.Said{}
	for _, name := range d.about.Slots {
		slot := lab.DeviceSlot{Slot: name}
		if i := slices.IndexFunc(d.state.Slots, func(s devices.Slot) bool { return s.Slot == name }); i >= 0 {
			s := d.state.Slots[i]
			slot.Sample, slot.Sensed = s.Sample, s.Sensed
			if s.Handover != nil {
				slot.Token = s.Handover.Token
			}
		}
		said.Slots = append(said.Slots, slot)
	}
	for _, c := range d.state.Calibration {
		said.Calibrations = append(said.Calibrations, lab.Calibration{Name: c.Name, Status: c.Status, At: c.At.UTC(), Due: c.Due.UTC()})
	}
	for _, c := range d.state.Consumables {
		said.Supplies = append(said.Supplies, lab.Supply{Name: c.Name, Unit: c.Unit, Level: c.Level, Low: c.Low, Lot: c.Lot})
	}
	for _, s := range d.about.Streams {
		said.Streams = append(said.Streams, s.Name)
	}
	d.Said = said
}

// heard notes a sign of life.
func (g *Gateway) heard(name string, boot int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if d := g.devices[name]; d != nil && boot >= d.Boot {
		d.alive()
	}
}

func (d *device) alive() {
	d.heardAt = time.Now()
	d.SeenAt = d.heardAt.UTC().Truncate(time.Microsecond)
	if d.Conn == devices.Lost { // a will that came after its device was back
		d.Conn, d.dirty = devices.Online, true
	}
}

// reachable reports whether sending to d makes sense.
func (d *device) reachable() bool { return d.Conn != devices.Offline && d.Conn != devices.Lost }

// whereabouts is what a device's state says of a command under way.
type whereabouts int

const (
	unclear      whereabouts = iota // nothing, or too long ago
	wellUnderWay                    // it is at it
	hasEnded                        // it is over: how is on its way, or was lost there
	onHold                          // it is paused: nobody waits for it
)

// says believes a state for as long as it believes its device alive: a beat that
// is lost must not put a command in doubt that is paused over its deadline.
func (d *device) says(id string, now time.Time) whereabouts {
	st, ok := d.state.Mentions(id)
	switch {
	case !ok || d.Conn != devices.Online || now.Sub(d.stateAt) > silenceBeats*d.heartbeat:
		return unclear
	case st.Terminal():
		return hasEnded
	case st == lab.CommandPaused || d.Op == "paused":
		return onHold
	default:
		return wellUnderWay
	}
}

// atWork reports whether commands to d are under way.
func (d *device) atWork() bool {
	for _, f := range d.flights {
		if !f.doubt {
			return true
		}
	}
	return false
}

// silence marks devices lost that have said nothing for too long.
func (d *device) silence(now time.Time) {
	period := d.heartbeat
	if d.holder == "" {
		period *= idleBeats
	}
	if d.Conn == devices.Online && !d.heardAt.IsZero() && now.Sub(d.heardAt) > silenceBeats*period {
		d.Conn, d.dirty = devices.Lost, true
	}
}

// savesMax is how many devices are saved before somebody looks again at who is
// to be saved.
const savesMax = 256

// urgency orders devices that are to be saved, the lowest first.
func (d *device) urgency() int {
	switch {
	case d.dirty && d.Conn == devices.Lost:
		return 0
	case d.dirty:
		return 1
	default:
		return 2
	}
}

// saveDirty saves what is new about devices.
func (g *Gateway) saveDirty(ctx context.Context) {
	now := time.Now()
	var due []*device
	var save []lab.Device
	g.mu.Lock()
	for _, d := range g.devices {
		d.silence(now)
		if d.Conn != "" && (d.dirty || now.Sub(d.saved) > seenEvery && d.SeenAt.After(d.saved)) {
			due = append(due, d)
		}
	}
	// When ten thousand have news at once, as after the lab's stop, those that
	// died come first, then those with news, and nobody waits for all.
	slices.SortFunc(due, func(a, b *device) int { return cmp.Compare(a.urgency(), b.urgency()) })
	for _, d := range due[:min(savesMax, len(due))] {
		d.dirty, d.saved = false, now
		save = append(save, d.Device)
	}
	g.mu.Unlock()
	var group errgroup.Group
	group.SetLimit(4)
	for _, d := range save {
		group.Go(func() error {
			if err := g.cfg.Fleet.Save(ctx, d); err != nil && ctx.Err() == nil {
				g.log.WarnContext(ctx, "device not saved; trying again", "device", d.ID, "err", err)
				g.mu.Lock()
				g.device(d.ID).dirty = true
				g.mu.Unlock()
			}
			return nil
		})
	}
	_ = group.Wait() // no save stops the others
}

// beatDue beats for the cells in which somebody is leased or needs the time.
func (g *Gateway) beatDue(ctx context.Context) {
	now := time.Now()
	due := map[string]int64{}
	g.mu.Lock()
	held := map[string]bool{}
	for _, d := range g.devices {
		if d.cell != "" && d.reachable() && (d.holder == g.Dispatcher.cfg.Holder || d.atWork()) {
			held[d.cell] = true
		}
	}
	for name := range held {
		g.cell(name)
	}
	for name, c := range maps.All(g.cells) {
		if name == "" || !c.greet && (!held[name] || now.Before(c.next)) {
			continue
		}
		c.greet = false
		c.seq++
		if !now.Before(c.next) {
			c.next = c.next.Add(now.Sub(c.next).Truncate(g.cfg.Beat) + g.cfg.Beat)
		}
		due[name] = c.seq
	}
	g.mu.Unlock()
	for name, seq := range due {
		b, err := json.Marshal(devices.Beat{TS: time.Now().UTC().Truncate(time.Millisecond), Seq: seq, Orc: g.Dispatcher.cfg.Holder})
		if err != nil {
			continue // it holds times, numbers and texts only
		}
		if err := g.Dispatcher.cfg.Bus.Publish(ctx, devices.Message{Topic: devices.BeatTopic(g.Dispatcher.cfg.Lab, name), Payload: b}); err != nil && ctx.Err() == nil {
			g.log.DebugContext(ctx, "beat not sent", "cell", name, "err", err)
		}
	}
}
