package gateway

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/lab"
)

// flight is a command under way.
type flight struct {
	entry  Entry
	since  time.Time     // when this process took it up
	next   time.Time     // when to look at it again
	wait   time.Duration // before the next sending
	cancel bool          // it is to be cancelled, so that is sent instead
	busy   bool          // it is being looked at
	doubt  bool          // its deadline has passed: it is only asked for
}

// at plans the next look: at t, and not after the deadline.
func (f *flight) at(t time.Time) {
	if end := f.entry.Command.Deadline; !f.doubt && t.After(end) && time.Now().Before(end) {
		t = end
	}
	f.next = t
}

// doubtEvery is the time between two questions about a command in doubt; a
// device that says that it has ended is asked at once.
const doubtEvery = time.Minute

// atOnce is how many commands are sent again side by side.
const atOnce = 16

// watch takes up a command that was just published.
func (g *Gateway) watch(e Entry) {
	now := time.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	d := g.device(e.Command.Device)
	if d.flights[e.ID()] == nil {
		f := &flight{entry: e, since: now, wait: g.cfg.Resend}
		f.at(now.Add(g.cfg.Resend))
		d.flights[e.ID()] = f
	}
}

// adopt takes up a command that another process may have forgotten: at once
// when it was published long enough ago.
func (g *Gateway) adopt(e Entry) {
	now := time.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	d := g.device(e.Command.Device)
	if f := d.flights[e.ID()]; f != nil {
		if e.Boot > f.entry.Boot || e.Boot == f.entry.Boot && e.N > f.entry.N {
			f.entry = e
		}
		return
	}
	next := e.Published.Add(g.cfg.Resend)
	if limit := now.Add(g.cfg.Resend); next.After(limit) { // another machine's clock
		next = limit
	}
	f := &flight{entry: e, since: now, wait: g.cfg.Resend}
	f.at(next)
	d.flights[e.ID()] = f
}

func (g *Gateway) watchCancel(e Entry) {
	g.watch(e)
	g.mu.Lock()
	defer g.mu.Unlock()
	if f := g.device(e.Command.Device).flights[e.ID()]; f != nil {
		f.cancel, f.wait = true, g.cfg.Resend
		f.at(time.Now().Add(g.cfg.Resend))
	}
}

// drop lets go of a command that has ended.
func (g *Gateway) drop(e Entry) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.device(e.Command.Device).flights, e.ID())
}

// forget lets go of commands that the ledger did not have open when asked.
func (g *Gateway) forget(open map[string]bool, asked time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, d := range g.devices {
		for id, f := range d.flights {
			if !open[id] && !f.doubt && f.since.Before(asked) {
				delete(d.flights, id)
			}
		}
	}
}

// answered notes a device's word on a command under way.
func (g *Gateway) answered(e Entry) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if f := g.device(e.Command.Device).flights[e.ID()]; f != nil {
		f.entry = e
		if !f.cancel {
			f.at(time.Now().Add(5 * g.cfg.Resend))
		}
	}
}

// refused plans the next try of a command that the device could not take now.
func (g *Gateway) refused(ctx context.Context, name string, ev devices.Event) {
	g.mu.Lock()
	f := g.device(name).flights[ev.ID]
	g.mu.Unlock()
	if f == nil { // another process published it
		e, err := g.cfg.Ledger.Get(ctx, ev.ID)
		if err != nil || e.Command.Device != name || e.State.Terminal() {
			return
		}
		g.adopt(e)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	d := g.device(name)
	if f = d.flights[ev.ID]; f == nil {
		return
	}
	switch ev.Code {
	case devices.NoLease: // the lease goes before the command
		f.at(time.Now().Add(tick))
	case devices.NoTime:
		g.cell(d.cell).greet = true
		f.at(time.Now().Add(g.cfg.Resend / 5))
	default:
		f.at(time.Now().Add(f.wait / 5))
		f.wait = min(2*f.wait, 5*g.cfg.Resend)
	}
}

// hurry looks at everything under way now: the link is back.
func (g *Gateway) hurry() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, d := range g.devices {
		d.hurry()
	}
}

func (d *device) hurry() {
	now := time.Now()
	for _, f := range d.flights {
		if !f.doubt && now.Sub(f.since) > tick && f.next.After(now) {
			f.next = now
		}
	}
}

// sendDue looks at every command whose time has come.
func (g *Gateway) sendDue(ctx context.Context) {
	now := time.Now()
	var due []*flight
	g.mu.Lock()
	for _, d := range g.devices {
		for _, f := range d.flights {
			if !f.busy && !now.Before(f.next) {
				f.busy = true
				due = append(due, f)
			}
		}
	}
	g.mu.Unlock()
	var group errgroup.Group
	group.SetLimit(atOnce)
	for _, f := range due {
		group.Go(func() error {
			g.look(ctx, f, now)
			g.mu.Lock()
			f.busy = false
			g.mu.Unlock()
			return nil
		})
	}
	_ = group.Wait() // no look fails
}

// look sends a command again, or ends it in doubt, or leaves it for later.
func (g *Gateway) look(ctx context.Context, f *flight, now time.Time) {
	g.mu.Lock()
	e, cancel := f.entry, f.cancel
	d := g.device(e.Command.Device)
	at := d.says(e.ID(), now)
	over := !now.Before(e.Command.Deadline) && at != onHold
	send := !over && d.reachable() && (cancel || at == unclear || at == hasEnded)
	switch {
	case f.doubt:
		f.next = now.Add(doubtEvery)
	case over:
		f.next = now.Add(g.cfg.Resend)
	case send:
		f.at(now.Add(f.wait))
		f.wait = min(2*f.wait, 5*g.cfg.Resend)
	default:
		f.at(now.Add(5 * g.cfg.Resend))
	}
	inDoubt := f.doubt
	// The test of the link: whoever is online has the lease after two sendings.
	if send && !d.deaf && e.State == "" && d.Conn == devices.Online && d.Epoch == 0 && now.Sub(f.since) >= 2*g.cfg.Resend {
		g.log.WarnContext(ctx, "device does not take its lease", "device", d.ID)
		d.deaf, d.dirty = true, true
		d.showFaults()
	}
	g.mu.Unlock()
	if inDoubt {
		g.ask(ctx, e)
		return
	}
	if over && at != unclear && now.Before(e.Command.Deadline.Add(graceMax)) {
		if at == hasEnded { // its word may have been lost; asking cannot start anything
			_ = g.ctl(ctx, e.Command.Device, devices.Ctl{Op: devices.OpStatus, Target: e.ID()}) // asked again
		}
		return
	}
	if !over && !send {
		return
	}
	// Another gateway may know more.
	switch stored, err := g.cfg.Ledger.Get(ctx, e.ID()); {
	case err != nil:
		g.log.WarnContext(ctx, "ledger not read; trying again", "command_id", e.ID(), "err", err)
	case stored.State.Terminal():
		g.drop(e)
	case over:
		g.doubt(ctx, stored)
	case cancel:
		_ = g.ctl(ctx, e.Command.Device, devices.Ctl{Op: devices.OpCancel, Target: e.ID()}) // tried again
	default:
		g.log.DebugContext(ctx, "command sent again", "command_id", e.ID(), "device", e.Command.Device)
		_ = g.publish(ctx, stored) // tried again
	}
}

// ask asks the device what it knows of a command in doubt, until the doubt has
// ended. Asking cannot start anything, as sending again could.
func (g *Gateway) ask(ctx context.Context, e Entry) {
	stored, err := g.cfg.Ledger.Get(ctx, e.ID())
	if err == nil && stored.State != lab.CommandInDoubt {
		g.drop(e)
		return
	}
	_ = g.ctl(ctx, e.Command.Device, devices.Ctl{Op: devices.OpStatus, Target: e.ID()}) // asked again
}

// doubt ends a command whose deadline has passed without an answer.
func (g *Gateway) doubt(ctx context.Context, e Entry) {
	why := "the device did not answer by the deadline"
	if e.State != "" {
		why = "the device said " + string(e.State) + " and nothing more by the deadline"
	}
	settled, taken, err := settle(ctx, g.cfg.Ledger, e, devices.Event{State: lab.CommandInDoubt, Effect: lab.EffectUnknown, Error: why})
	switch {
	case err != nil:
		g.log.WarnContext(ctx, "doubt not entered; trying again", "command_id", e.ID(), "err", err)
	case taken:
		g.log.WarnContext(ctx, "command in doubt", "command_id", e.ID(), "device", e.Command.Device)
		g.tell(ctx, settled)
		g.mu.Lock() // the device may yet say how it ended
		g.device(e.Command.Device).flights[e.ID()] = &flight{entry: settled, since: time.Now(), next: time.Now().Add(doubtEvery), doubt: true}
		g.mu.Unlock()
	default:
		g.drop(e)
	}
}
