package gateway

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/lab"
)

// expiryMargin is how long before its deadline a command must have started, at
// most: the time in which sending it again can only ask.
const expiryMargin = 10 * time.Second

// DispatcherConfig is what a Dispatcher needs.
type DispatcherConfig struct {
	Lab      string        // "" is "lab"
	Holder   string        // of leases, the same for all gateways of a lab; "" is "athanor"
	LeaseTTL time.Duration // how long a device may be commanded without a beat; 0 is 15 s
	Bus      devices.Bus
	Ledger   Ledger
	Samples  Samples      // nil: no handovers
	Epoch    Epochs       // nil: slots are cleared under the epochs of their handover
	Uploads  *Uploads     // nil: devices have nowhere to put raw data
	Recalls  Recalls      // nil: the record was never restored
	Logger   *slog.Logger // nil discards
}

// Epochs returns the epoch under which a device was last reserved, 0 for never.
type Epochs func(ctx context.Context, device string) (int64, error)

// Dispatcher says things to devices. It is safe for concurrent use.
type Dispatcher struct {
	cfg DispatcherConfig

	// The gateway of the same process, if any, hears of what was done here.
	sent    func(Entry)
	settled func(context.Context, Entry)
	cancel  func(Entry)
}

// NewDispatcher returns a Dispatcher for a process that has no [Gateway].
func NewDispatcher(cfg DispatcherConfig) *Dispatcher {
	if cfg.Lab == "" {
		cfg.Lab = "lab"
	}
	if cfg.Holder == "" {
		cfg.Holder = "athanor"
	}
	if cfg.LeaseTTL <= 0 {
		cfg.LeaseTTL = 15 * time.Second
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Dispatcher{cfg: cfg, sent: func(Entry) {}, settled: func(context.Context, Entry) {}, cancel: func(Entry) {}}
}

// Dispatch enters a command and publishes it, once and for all: from here on
// gateways care for it. It does not wait for the device. Calling it again is
// harmless; a command that has ended already comes back with its result, and
// nobody else will be told of that.
//
// It is lab.Invalid when the command can never be sent, and lab.Conflict when
// its id was used for another.
func (d *Dispatcher) Dispatch(ctx context.Context, c lab.Command) (*lab.Result, error) {
	e, err := d.entry(c)
	if err != nil {
		return nil, err
	}
	if e, err = d.follow(ctx, e); err == nil {
		e, err = d.put(ctx, e)
	}
	if err != nil {
		return nil, fmt.Errorf("dispatch command %s to %s: %w", c.ID, c.Device, err)
	}
	if e.State.Terminal() {
		if err := d.matter(ctx, e); err != nil {
			return nil, err
		}
		r, err := ResultOf(e)
		return &r, err
	}
	d.sent(e)
	// It is in the ledger: what is not published now is published later.
	if err := d.publish(ctx, e); err != nil {
		d.cfg.Logger.WarnContext(ctx, "command not published; a gateway will", "command_id", e.ID(), "device", c.Device, "err", err)
	}
	return nil, nil
}

// put enters a command. One that is known with another place for raw data, as
// after a move to another port, is the same command.
func (d *Dispatcher) put(ctx context.Context, e Entry) (Entry, error) {
	stored, err := d.cfg.Ledger.Put(ctx, e)
	if lab.KindOf(err) != lab.Conflict {
		return stored, err
	}
	if stored, missing := d.cfg.Ledger.Get(ctx, e.ID()); missing == nil && stored.Command.Device == e.Command.Device && sameButUpload(stored.Body, e.Body) {
		return stored, nil
	}
	return stored, err
}

func sameButUpload(a, b []byte) bool {
	x, errA := devices.DecodeCmd(a)
	y, errB := devices.DecodeCmd(b)
	x.Upload, y.Upload = nil, nil
	left, errX := json.Marshal(x)
	right, errY := json.Marshal(y)
	return errors.Join(errA, errB, errX, errY) == nil && bytes.Equal(left, right)
}

// entry writes a command's exact bytes. The same command gives the same bytes.
func (d *Dispatcher) entry(c lab.Command) (Entry, error) {
	e := Entry{Command: c, Published: time.Now().UTC().Truncate(time.Microsecond)}
	if !devices.ValidID(c.Device) || c.ID.IsZero() || c.Deadline.IsZero() {
		return e, lab.Errorf(lab.Invalid, "dispatch command %s to %q: it needs an id, a device by its name and a deadline", c.ID, c.Device)
	}
	params := c.Params
	if len(params) == 0 {
		params = json.RawMessage("{}")
	}
	margin := min(expiryMargin, time.Duration(c.TimeoutS/4*float64(time.Second)))
	cmd := devices.Cmd{
		ID: e.ID(), Name: c.Name, Epoch: c.Epoch, Expires: c.Deadline.Add(-margin).UTC().Truncate(time.Millisecond),
		TimeoutS: c.TimeoutS, Params: params, Samples: c.Samples, Upload: d.cfg.Uploads.of(e),
	}
	lease := devices.Ctl{ID: e.ID() + ".lease", Op: devices.OpLease, Holder: d.cfg.Holder, Epoch: c.Epoch, TTLS: d.cfg.LeaseTTL.Seconds()}
	var err error
	if e.Body, err = json.Marshal(cmd); err == nil {
		_, err = devices.DecodeCmd(e.Body) // what a device would refuse is not sent
	}
	if err == nil {
		e.Lease, err = json.Marshal(lease)
	}
	if err == nil {
		_, err = devices.DecodeCtl(e.Lease)
	}
	if err != nil {
		return e, lab.Errorf(lab.Invalid, "dispatch command %s to %s: %w", c.ID, c.Device, err)
	}
	return e, nil
}

// publish sends an entry's lease and command, back to back.
func (d *Dispatcher) publish(ctx context.Context, e Entry) error {
	return d.cfg.Bus.Publish(ctx,
		devices.Message{Topic: devices.Topic(d.cfg.Lab, e.Command.Device, devices.LeafCtl), Payload: e.Lease, QoS: 1},
		devices.Message{Topic: devices.Topic(d.cfg.Lab, e.Command.Device, devices.LeafCmd), Payload: e.Body, QoS: 1})
}

// Release lets a device go that was held under epoch. A newer holder is not
// touched.
func (d *Dispatcher) Release(ctx context.Context, device string, epoch int64) error {
	return d.ctl(ctx, device, devices.Ctl{Op: devices.OpRelease, Epoch: epoch})
}

// Cancel asks a command's device to end it. The answer comes as every end does:
// cancelled, or done when it was too late.
func (d *Dispatcher) Cancel(ctx context.Context, id lab.CommandID) error {
	e, err := d.cfg.Ledger.Get(ctx, id.UUID())
	if err != nil {
		return fmt.Errorf("cancel command %s: %w", id, err)
	}
	if e.State.Terminal() {
		return nil
	}
	d.cancel(e)
	return d.ctl(ctx, e.Command.Device, devices.Ctl{Op: devices.OpCancel, Target: e.ID()})
}

// Stop asks a device to end everything and stay stopped until it is reset. It
// is a request over a network, not a safety function.
func (d *Dispatcher) Stop(ctx context.Context, device, by, reason string) error {
	return d.ctl(ctx, device, devices.Ctl{Op: devices.OpStop, By: by, Reason: reason})
}

// Pause asks a device to stand still: nothing begins, and what can be paused
// is. With a command's id, only that is.
func (d *Dispatcher) Pause(ctx context.Context, device, command, by, reason string) error {
	return d.ctl(ctx, device, devices.Ctl{Op: devices.OpPause, Target: command, By: by, Reason: reason})
}

// Resume asks a device, or with an id a command, to go on. Where something
// moves by it the device wants the epoch of its lease.
func (d *Dispatcher) Resume(ctx context.Context, device, command string, epoch int64, by string) error {
	return d.ctl(ctx, device, devices.Ctl{Op: devices.OpResume, Target: command, Epoch: epoch, By: by})
}

// Reset asks a stopped device to be ready again.
func (d *Dispatcher) Reset(ctx context.Context, device, by string) error {
	return d.ctl(ctx, device, devices.Ctl{Op: devices.OpReset, By: by})
}

// Status asks a device to say its state now.
func (d *Dispatcher) Status(ctx context.Context, device string) error {
	return d.ctl(ctx, device, devices.Ctl{Op: devices.OpStatus})
}

// LabStop latches the lab's stop request: every device ends everything, those
// that come later too. LabRelease takes it back; devices stay stopped until
// each is reset.
func (d *Dispatcher) LabStop(ctx context.Context, by, reason string) error {
	return d.latch(ctx, true, by, reason)
}

// LabRelease ends [Dispatcher.LabStop].
func (d *Dispatcher) LabRelease(ctx context.Context, by string) error {
	return d.latch(ctx, false, by, "")
}

func (d *Dispatcher) latch(ctx context.Context, latched bool, by, reason string) error {
	b, err := json.Marshal(devices.LabStop{Latched: latched, ID: rand.Text(), By: by, Reason: reason, TS: time.Now().UTC().Truncate(time.Millisecond)})
	if err != nil {
		return fmt.Errorf("stop the lab: %w", err)
	}
	return d.cfg.Bus.Publish(ctx, devices.Message{Topic: devices.StopTopic(d.cfg.Lab), Payload: b, QoS: 1, Retain: true})
}

// Resolve takes a person's word on a command in doubt: it was done, or it
// failed. The ledger has it at once and whoever waits is told; the device hears
// of it when it can. It is lab.Conflict when there is no doubt.
func (d *Dispatcher) Resolve(ctx context.Context, id lab.CommandID, outcome lab.CommandState, by, reason string) error {
	if by == "" || outcome != lab.CommandDone && outcome != lab.CommandFailed {
		return lab.Errorf(lab.Invalid, "resolve command %s: it needs who says so, and the outcome done or failed", id)
	}
	effect := lab.EffectComplete
	if outcome == lab.CommandFailed {
		effect = lab.EffectUnknown
	}
	stored, err := d.cfg.Ledger.Get(ctx, id.UUID())
	if err != nil {
		return fmt.Errorf("resolve command %s: %w", id, err)
	}
	if stored.State != lab.CommandInDoubt {
		return lab.Errorf(lab.Conflict, "resolve command %s: it is not in doubt but %q", id, stored.State)
	}
	e, taken, err := settle(ctx, d.cfg.Ledger, stored, devices.Event{State: outcome, Effect: effect, By: by, Note: reason})
	if err != nil {
		return fmt.Errorf("resolve command %s: %w", id, err)
	}
	if !taken {
		return lab.Errorf(lab.Conflict, "resolve command %s: it has become %s meanwhile", id, e.State)
	}
	d.settled(ctx, e)
	err = d.ctl(ctx, e.Command.Device, devices.Ctl{Op: devices.OpResolve, Target: e.ID(), Outcome: outcome, By: by, Reason: reason})
	if err != nil {
		d.cfg.Logger.WarnContext(ctx, "resolution not told to the device", "command_id", e.ID(), "device", e.Command.Device, "err", err)
	}
	return nil
}

// settle enters the laboratory's own word on a command.
func settle(ctx context.Context, l Ledger, e Entry, ev devices.Event) (Entry, bool, error) {
	ev.ID, ev.Boot, ev.N, ev.TS = e.ID(), e.Boot, e.N, time.Now().UTC().Truncate(time.Millisecond)
	raw, err := json.Marshal(ev)
	if err != nil {
		return e, false, err
	}
	return l.Settle(ctx, e.ID(), ev, raw)
}

func (d *Dispatcher) ctl(ctx context.Context, device string, c devices.Ctl) error {
	if c.ID == "" {
		c.ID = rand.Text()
	}
	b, err := json.Marshal(c)
	if err == nil {
		_, err = devices.DecodeCtl(b)
	}
	if err == nil && !devices.ValidID(device) {
		err = lab.Errorf(lab.Invalid, "device %q is no name", device)
	}
	if err == nil {
		err = d.cfg.Bus.Publish(ctx, devices.Message{Topic: devices.Topic(d.cfg.Lab, device, devices.LeafCtl), Payload: b, QoS: 1})
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", c.Op, device, err)
	}
	return nil
}

// ResultOf returns the end of a command in the words of the laboratory.
func ResultOf(e Entry) (lab.Result, error) {
	var ev devices.Event
	if err := json.Unmarshal(e.Event, &ev); err != nil {
		return lab.Result{}, fmt.Errorf("read the last event of command %s: %w", e.ID(), err)
	}
	effect := ev.Effect
	if e.State == lab.CommandRejected && ev.Code == devices.BadMessage {
		// What is sent is of the contract, so the device knows the id with other
		// bytes: it did something under it, and nobody here knows what.
		effect = lab.EffectUnknown
	}
	return lab.Result{
		CommandID: e.Command.ID, ExperimentID: e.Command.ExperimentID, Device: e.Command.Device,
		State: e.State, Effect: effect, Code: string(ev.Code), Error: devices.Clean(ev.Error), Retryable: ev.Retryable,
		Values: ev.Result, Blobs: blobsOf(ev.Blobs), Calibration: ev.Calibration, Boot: e.Boot, N: e.N, FinishedAt: ev.TS.UTC(), By: devices.Clean(ev.By),
	}, nil
}

func blobsOf(said []devices.Blob) []lab.Blob {
	var all []lab.Blob
	for _, b := range said {
		all = append(all, lab.Blob{Name: b.Name, MediaType: devices.Clean(b.MediaType), Size: b.Size, SHA256: b.SHA256})
	}
	return all
}
