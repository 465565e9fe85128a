package gateway

import (
	"context"
	"maps"
	"slices"
	"time"

	"golang.org/x/time/rate"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/lab"
)

// Alarms remembers what stands against devices. The methods are idempotent.
type Alarms interface {
	// RaiseAlarm notes an alarm. It stands once for a device, a source and a
	// code; raised again it has its new level and text.
	RaiseAlarm(ctx context.Context, device string, by AlarmSource, a devices.Alarm) error
	// ClearAlarm takes an alarm back, if it stands.
	ClearAlarm(ctx context.Context, device string, by AlarmSource, code string) error
	// KeepAlarms takes back all of a device's own alarms but those of some codes.
	KeepAlarms(ctx context.Context, device string, codes []string) error
}

// AlarmSource is who raises an alarm.
type AlarmSource string

// The sources of alarms.
const (
	ByDevice     AlarmSource = "device"
	ByLaboratory AlarmSource = "laboratory"
)

// Telemetry remembers what sensors say over time. Saving a batch twice is the
// same as once.
type Telemetry interface {
	SaveBatches(ctx context.Context, batches []TelemetryBatch) error
}

// TelemetryBatch is a piece of a device's telemetry.
type TelemetryBatch struct {
	Device, Stream string
	devices.Batch
}

// Quarantine remembers what devices said and the laboratory did not believe.
type Quarantine interface {
	Quarantine(ctx context.Context, q Quarantined) error
}

// Quarantined is a message with what is wrong with it.
type Quarantined struct {
	Device  string
	Topic   string
	Reason  string
	Payload []byte // its first 64 KiB
	At      time.Time
}

// The laboratory's own alarms.
const (
	alarmFlood   = "flood"
	alarmInvalid = "invalid_messages"
)

const (
	quarantineMax   = 64 << 10         // bytes kept of a message
	quarantineEvery = time.Second      // between two messages of a device, after the first ten
	quietAfter      = 10 * time.Second // without a reason, an alarm of the laboratory is taken back
	recordsMax      = 1024             // notes, and batches, that wait for the database
	batchesMax      = 256              // in one go
	bytesPerToken   = 8 << 10          // a long message counts more
)

// manners is how a device behaves: guarded by the gateway's lock.
type manners struct {
	speech  *rate.Limiter // of its messages
	keeping *rate.Limiter // of its messages in quarantine
	bad     map[string]time.Time
}

func (g *Gateway) manners(d *device) *manners {
	if d.manners == nil {
		d.manners = &manners{
			speech:  rate.NewLimiter(rate.Limit(g.cfg.Rate), g.cfg.Burst),
			keeping: rate.NewLimiter(rate.Every(quarantineEvery), 10),
			bad:     map[string]time.Time{},
		}
	}
	return d.manners
}

// admit reports whether a device may say something of size bytes now. What is
// dropped of events comes back when the command is sent again.
func (g *Gateway) admit(name string, size int) bool {
	now := time.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	m := g.manners(g.device(name))
	if m.speech.AllowN(now, min(1+size/bytesPerToken, g.cfg.Burst)) {
		return true
	}
	g.blame(name, m, now, devices.Alarm{Code: alarmFlood, Level: "error", Text: "it says more than it may; what is beyond that is dropped"})
	return false
}

// distrust puts a message into quarantine.
func (g *Gateway) distrust(name, topic string, payload []byte, why error) {
	g.log.Warn("message of device in quarantine", "device", name, "topic", topic, "err", why)
	now := time.Now()
	g.mu.Lock()
	m := g.manners(g.device(name))
	keep := m.keeping.AllowN(now, 1)
	g.blame(name, m, now, devices.Alarm{Code: alarmInvalid, Level: "warning", Text: "it says what is not of the contract, or not as it describes itself; the messages are in quarantine"})
	g.mu.Unlock()
	if !keep || g.cfg.Quarantine == nil {
		return
	}
	q := Quarantined{Device: name, Topic: topic, Reason: devices.Clean(why.Error()), Payload: payload[:min(len(payload), quarantineMax)], At: now.UTC().Truncate(time.Microsecond)}
	g.note("message not put into quarantine", false, func(ctx context.Context) error { return g.cfg.Quarantine.Quarantine(ctx, q) })
}

// blame raises an alarm of the laboratory's own, once while it lasts; g.mu is
// held.
func (g *Gateway) blame(name string, m *manners, now time.Time, a devices.Alarm) {
	_, stands := m.bad[a.Code]
	m.bad[a.Code] = now
	if stands {
		return
	}
	g.show(name, ByLaboratory, a)
	if g.cfg.Alarms == nil {
		return
	}
	a.Since = now.UTC().Truncate(time.Millisecond)
	g.note("alarm not raised", true, func(ctx context.Context) error { return g.cfg.Alarms.RaiseAlarm(ctx, name, ByLaboratory, a) })
}

// forgive takes back alarms of the laboratory that had no reason for a while.
func (g *Gateway) forgive(context.Context) {
	now := time.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	for name, d := range g.devices {
		if d.manners == nil {
			continue
		}
		for code, last := range d.manners.bad {
			if now.Sub(last) > g.cfg.Quiet {
				delete(d.manners.bad, code)
				g.show(name, ByLaboratory, devices.Alarm{Code: code})
				if g.cfg.Alarms != nil {
					g.note("alarm not cleared", true, func(ctx context.Context) error { return g.cfg.Alarms.ClearAlarm(ctx, name, ByLaboratory, code) })
				}
			}
		}
	}
}

// note is something to be written to the database, in order, beside everything
// else.
type note struct {
	what string
	must bool // try until it is written
	do   func(context.Context) error
}

func (g *Gateway) note(what string, must bool, do func(context.Context) error) {
	select {
	case g.notes <- note{what, must, do}:
	default:
		g.log.Error("a note was not kept", "note", what, "err", "too much waits for the database")
	}
}

func (g *Gateway) writeNotes(ctx context.Context) {
	for {
		select {
		case n := <-g.notes:
			for wait := 100 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
				err := n.do(ctx)
				if err == nil || ctx.Err() != nil {
					break
				}
				g.log.ErrorContext(ctx, "a note was not kept", "note", n.what, "err", err, "again", n.must)
				if kind := lab.KindOf(err); !n.must || kind == lab.Invalid || kind == lab.NotFound {
					break
				}
				select {
				case <-time.After(wait):
				case <-ctx.Done():
				}
			}
		case <-ctx.Done():
			return
		}
	}
}

// onAlarm takes an alarm that a device raises or clears.
func (g *Gateway) onAlarm(m devices.Message) {
	name, _, code, ok := devices.ParseSubTopic(m.Topic)
	if !ok || !g.admit(name, len(m.Payload)) {
		return
	}
	if len(m.Payload) == 0 {
		g.mu.Lock()
		g.show(name, ByDevice, devices.Alarm{Code: code})
		g.mu.Unlock()
		if g.cfg.Alarms != nil {
			g.note("alarm not cleared", true, func(ctx context.Context) error { return g.cfg.Alarms.ClearAlarm(ctx, name, ByDevice, code) })
		}
		return
	}
	a, err := devices.DecodeAlarm(m.Payload)
	if err == nil && a.Code != code {
		err = lab.Errorf(lab.Invalid, "decode alarm: its code is %q, and its topic says %q", a.Code, code)
	}
	if err != nil {
		g.distrust(name, m.Topic, m.Payload, err)
		return
	}
	g.mu.Lock()
	g.show(name, ByDevice, a)
	g.mu.Unlock()
	if g.cfg.Alarms != nil {
		g.note("alarm not raised", true, func(ctx context.Context) error { return g.cfg.Alarms.RaiseAlarm(ctx, name, ByDevice, a) })
	}
}

func raisedKey(by AlarmSource, code string) string { return string(by) + " " + code }

// show has an alarm stand among the faults of a device, where people see it, or
// with no level no more; g.mu is held.
func (g *Gateway) show(name string, by AlarmSource, a devices.Alarm) {
	d := g.device(name)
	if d.raised == nil {
		d.raised = map[string]lab.Fault{}
	}
	if a.Level == "" {
		delete(d.raised, raisedKey(by, a.Code))
	} else {
		d.raised[raisedKey(by, a.Code)] = lab.Fault{Code: a.Code, Level: a.Level, Text: a.Text}
	}
	before := d.Faults
	d.showFaults()
	d.dirty = d.dirty || !slices.Equal(before, d.Faults)
}

// showFaults makes the device's faults of what its state says and of the alarms
// that stand, each code once.
func (d *device) showFaults() {
	all := slices.Clone(d.own)
	for _, key := range slices.Sorted(maps.Keys(d.raised)) {
		f := d.raised[key]
		if !slices.ContainsFunc(all, func(x lab.Fault) bool { return x.Code == f.Code }) {
			all = append(all, f)
		}
	}
	if d.deaf {
		all = append(all, deafness)
	}
	d.Faults = all
}

// onTelemetry takes a batch.
func (g *Gateway) onTelemetry(ctx context.Context, m devices.Message) {
	name, _, stream, ok := devices.ParseSubTopic(m.Topic)
	if !ok || !g.admit(name, len(m.Payload)) || g.cfg.Telemetry == nil {
		return
	}
	b, err := devices.DecodeBatch(m.Payload)
	if err == nil {
		g.mu.Lock()
		d := g.device(name)
		if d.described {
			err = d.about.CheckBatch(stream, b)
		}
		g.mu.Unlock()
	}
	if err != nil {
		g.distrust(name, m.Topic, m.Payload, err)
		return
	}
	g.heard(name, b.Boot)
	select {
	case g.batches <- TelemetryBatch{Device: name, Stream: stream, Batch: b}:
	default:
		g.log.WarnContext(ctx, "telemetry dropped: too much waits for the database", "device", name, "stream", stream)
	}
}

func (g *Gateway) writeBatches(ctx context.Context) {
	for {
		var all []TelemetryBatch
		select {
		case b := <-g.batches:
			all = append(all, b)
		case <-ctx.Done():
			return
		}
		for len(all) < batchesMax && len(g.batches) > 0 { // nobody else takes from it
			all = append(all, <-g.batches)
		}
		if err := g.cfg.Telemetry.SaveBatches(ctx, all); err != nil && ctx.Err() == nil {
			g.log.ErrorContext(ctx, "telemetry not saved", "batches", len(all), "err", err)
		}
	}
}
