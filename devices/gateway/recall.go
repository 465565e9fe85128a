package gateway

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"reflect"
	"slices"
	"time"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/lab"
)

// Recalls remembers, for a laboratory whose record was restored from a backup,
// what its devices were told after that backup and the record does not know.
type Recalls interface {
	// Silent returns the devices that have not said yet what they were told.
	Silent(ctx context.Context) ([]string, error)

	// KeepTold enters what a device was told, but for what the ledger has and what
	// is entered already, and returns how much that was. last says that the device
	// has said all: it is not silent any more.
	KeepTold(ctx context.Context, device string, told []Told, last bool) (int, error)

	// WasTold returns what a device was told under an id, or lab.NotFound.
	WasTold(ctx context.Context, id string) (Told, error)
}

// Told is a command that a device remembers and the ledger does not have: its
// exact bytes, so that sending them again is asking.
type Told struct {
	Device string
	ID     string
	Epoch  int64
	Body   []byte
}

// recall is what a device is being asked.
type recall struct {
	id    string // of the ctl
	boot  int64  // of the pages so far
	after string // the last command of the last page
	kept  int    // commands that nobody knew
	asked time.Time
}

const (
	recallEvery = 200 * time.Millisecond // between two looks at who is silent
	recallWait  = 2 * time.Second        // for a page, before it is asked for again
	recallMinor = 3                      // of the contract, which devices know recall from
)

// recallDue asks devices that are silent since the record was restored.
func (g *Gateway) recallDue(ctx context.Context) {
	if g.recalled {
		return
	}
	silent, err := g.cfg.Recalls.Silent(ctx)
	if err != nil {
		if ctx.Err() == nil {
			g.log.WarnContext(ctx, "nobody knows whom to ask what was done since the backup; trying again", "err", err)
		}
		return
	}
	g.recalled = len(silent) == 0
	for _, name := range silent {
		g.mu.Lock()
		d := g.device(name)
		there, old := d.described && d.Conn == devices.Online, d.minor < recallMinor
		due := there && !old && (d.recall == nil || time.Since(d.recall.asked) > recallWait)
		var ask devices.Ctl
		if due {
			if d.recall == nil {
				d.recall = &recall{}
			}
			d.recall.id, d.recall.asked = rand.Text(), time.Now()
			ask = devices.Ctl{ID: d.recall.id, Op: devices.OpRecall, Target: d.recall.after}
		}
		g.mu.Unlock()
		switch {
		case due:
			_ = g.ctl(ctx, name, ask) // asked again
		case there && old:
			g.log.WarnContext(ctx, "a device cannot say what it was told since the backup; should a command come under an id that it knows, a person is asked", "device", name)
			if _, err := g.cfg.Recalls.KeepTold(ctx, name, nil, true); err != nil {
				g.log.WarnContext(ctx, "recall not noted; trying again", "device", name, "err", err)
			}
		}
	}
}

// onRecall takes a page of what a device was told, and asks for the next.
func (g *Gateway) onRecall(ctx context.Context, m devices.Message) {
	_, name, _, ok := devices.ParseTopic(m.Topic)
	if !ok || !g.admit(name, len(m.Payload)) {
		return
	}
	page, commands, err := devices.DecodeRecall(m.Payload)
	if err != nil {
		g.distrust(name, m.Topic, m.Payload, err)
		return
	}
	g.mu.Lock()
	d := g.device(name)
	r := d.recall
	if r == nil || r.id != page.ID { // another gateway's question
		g.mu.Unlock()
		return
	}
	if r.boot != 0 && r.boot != page.Boot { // the order may be another now
		d.recall = nil
		g.mu.Unlock()
		return
	}
	g.mu.Unlock()
	told := make([]Told, len(commands))
	for i, c := range commands {
		told[i] = Told{Device: name, ID: c.ID, Epoch: c.Epoch, Body: []byte(page.Commands[i])}
	}
	n, err := g.cfg.Recalls.KeepTold(ctx, name, told, !page.More)
	if err != nil {
		g.log.WarnContext(ctx, "what a device was told is not noted; asking again", "device", name, "err", err)
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	r.boot, r.kept, r.asked = page.Boot, r.kept+n, time.Time{}
	if page.More {
		r.after = commands[len(commands)-1].ID
		return
	}
	d.recall = nil
	g.log.WarnContext(ctx, "a device has said what it was told since the backup; steps that come to the same take what was done", "device", name, "commands", r.kept)
}

// otherwise is why a command is not sent: its device, or another, was told
// something else under its id, by the laboratory that went on after the backup.
// What became of that is physical and is not this command's, so whether its step
// may be tried again is for a person, or for the campaign's policy.
func otherwise(e Entry, told Told, was devices.Cmd) devices.Event {
	return devices.Event{
		ID: e.ID(), State: lab.CommandFailed, Effect: lab.EffectUnknown, TS: time.Now().UTC().Truncate(time.Millisecond),
		Error: devices.Clean("after the backup that this record was restored from, the step was decided otherwise: " + told.Device + " was told to " + was.Name + " " + string(was.Params) +
			"; now " + e.Command.Device + " would be told to " + e.Command.Name + " " + string(e.Command.Params)),
	}
}

// follow holds an entry against what was told under its id since the backup. The
// same command goes with the bytes that the device knows, so that it answers what
// was done; another is not sent, and has ended.
func (d *Dispatcher) follow(ctx context.Context, e Entry) (Entry, error) {
	if d.cfg.Recalls == nil {
		return e, nil
	}
	told, err := d.cfg.Recalls.WasTold(ctx, e.ID())
	if lab.KindOf(err) == lab.NotFound {
		return e, nil
	}
	if err != nil {
		return e, err
	}
	was, err := devices.DecodeCmd(told.Body)
	if err != nil {
		return e, err
	}
	now, err := devices.DecodeCmd(e.Body)
	if err != nil {
		return e, err
	}
	if told.Device == e.Command.Device && sameMeaning(was, now) {
		e.Body = told.Body
		return e, nil
	}
	ev := otherwise(e, told, was)
	e.State = ev.State
	e.Event, err = json.Marshal(ev)
	return e, err
}

// sameMeaning reports whether two commands are to do the same: the words around
// it, as until when and for whom, may differ.
func sameMeaning(a, b devices.Cmd) bool {
	return a.Name == b.Name && slices.Equal(a.Samples, b.Samples) && sameJSON(a.Params, b.Params)
}

func sameJSON(a, b []byte) bool {
	var x, y any
	return bytes.Equal(a, b) || json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}
