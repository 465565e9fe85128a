package conformance

import (
	"context"
	"fmt"
	"slices"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/lab"
)

// pauses are the checks of standing still and going on.
var pauses = []Check{
	{Name: "pause.holds", Title: "a pausable command says paused, and running again when it is resumed", Needs: "C", run: func(ctx context.Context, b *bench) error {
		o, err := b.paused(ctx)
		if err != nil {
			return err
		}
		if err := b.op(ctx, "paused"); err != nil {
			return err
		}
		if err := b.ctl(ctx, fields{"op": "resume", "target": o.id, "epoch": b.epoch}); err != nil {
			return err
		}
		_, err = b.await(ctx, o.id, "running again", 2, func(e heardEvent) bool {
			return is(lab.CommandRunning)(e) && e.Progress == 0 || after(b, e, lab.CommandPaused)
		})
		return err
	}},
	{Name: "pause.epoch", Title: "an epoch without a lease resumes nothing that moves", Needs: "CL", run: func(ctx context.Context, b *bench) error {
		o, err := b.paused(ctx)
		if err != nil {
			return err
		}
		for _, epoch := range []any{b.epoch + 1, b.epoch - 1, nil} {
			m := fields{"op": "resume", "target": o.id, "epoch": epoch}
			if epoch == nil {
				delete(m, "epoch")
			}
			if err := b.ctl(ctx, m); err != nil {
				return err
			}
		}
		return b.isStill(ctx, o)
	}},
	{Name: "pause.no-lease", Title: "pause needs no lease", Needs: "CL", run: func(ctx context.Context, b *bench) error {
		l, err := b.pausable()
		if err != nil {
			return err
		}
		o, err := b.run(ctx, l)
		if err != nil {
			return err
		}
		if err := b.ctl(ctx, fields{"op": "release", "epoch": b.epoch}); err != nil {
			return err
		}
		if err := b.ctl(ctx, fields{"op": "pause", "target": o.id}); err != nil {
			return err
		}
		_, err = b.await(ctx, o.id, "paused", 1, is(lab.CommandPaused))
		return err
	}},
	{Name: "pause.cancel", Title: "a paused command can be cancelled", Needs: "C", run: func(ctx context.Context, b *bench) error {
		o, err := b.paused(ctx)
		if err != nil {
			return err
		}
		if err := b.ctl(ctx, fields{"op": "cancel", "target": o.id}); err != nil {
			return err
		}
		_, err = b.await(ctx, o.id, "cancelled", 1, is(lab.CommandCancelled))
		return err
	}},
	{Name: "pause.stop", Title: "a paused command is aborted by a stop", Needs: "C", run: func(ctx context.Context, b *bench) error {
		o, err := b.paused(ctx)
		if err != nil {
			return err
		}
		return b.whileStopped(ctx, func() error { return b.aborted(ctx, o) })
	}},
	{Name: "pause.others", Title: "a command that does not say that it is pausable goes on", Needs: "C", run: func(ctx context.Context, b *bench) error {
		l, err := b.longOf("no action that cannot be paused", func(a devices.Action) bool { return !a.Pausable })
		if err != nil {
			return err
		}
		o, err := b.run(ctx, l)
		if err != nil {
			return err
		}
		if err := b.ctl(ctx, fields{"op": "pause", "target": o.id}); err != nil {
			return err
		}
		e, err := b.await(ctx, o.id, "an answer (dup), or paused", 1, func(e heardEvent) bool { return dup(e) || is(lab.CommandPaused)(e) })
		if err == nil && e.State != lab.CommandRunning {
			err = fmt.Errorf("it was answered %s; want running", brief(e))
		}
		return err
	}},
	{Name: "pause.ended", Title: "a pause of what has ended is answered as a resend is", Needs: "C", run: func(ctx context.Context, b *bench) error {
		_, o, err := b.one(ctx)
		if err != nil {
			return err
		}
		if err := b.ctl(ctx, fields{"op": "pause", "target": o.id}); err != nil {
			return err
		}
		_, err = b.await(ctx, o.id, "done (dup)", 1, func(e heardEvent) bool { return dup(e) && e.State == lab.CommandDone })
		return err
	}},
	{Name: "pause.device", Title: "a paused device takes nothing that moves until it is resumed", Needs: "C", run: func(ctx context.Context, b *bench) error {
		if err := b.ctl(ctx, fields{"op": "pause", "by": b.id}); err != nil {
			return err
		}
		if err := b.op(ctx, "paused"); err != nil {
			return err
		}
		q, err := b.quick()
		if err != nil {
			return err
		}
		o := b.order(q.action.Name, q.params, nil)
		if err := b.refuse(ctx, o, devices.Busy); err != nil {
			return err
		}
		if err := b.ctl(ctx, fields{"op": "resume", "by": b.id}); err != nil {
			return err
		}
		if err := b.op(ctx, "idle"); err != nil {
			return err
		}
		return b.doneNow(ctx, o)
	}},
	{Name: "pause.survives", Title: "a paused command is still paused after the death of the process", Needs: "CL", run: func(ctx context.Context, b *bench) error {
		l, err := b.longOf("no pausable action of recovery repeat or resume", func(a devices.Action) bool {
			return a.Pausable && (a.Recovery == devices.Repeat || a.Recovery == devices.Resume)
		})
		if err != nil {
			return err
		}
		o, err := b.pausedBy(ctx, l)
		if err != nil {
			return err
		}
		if err := b.crash(ctx); err != nil {
			return err
		}
		if err := b.soon(ctx, "it paused in the state of the next process", func() bool {
			s := b.last()
			return s.Boot == b.conn.Boot && len(s.Active) == 1 && s.Active[0].ID == o.id && s.Active[0].State == lab.CommandPaused
		}); err != nil {
			return err
		}
		if err := b.lease(ctx, 60); err != nil {
			return err
		}
		if err := b.ctl(ctx, fields{"op": "resume", "target": o.id, "epoch": b.epoch}); err != nil {
			return err
		}
		e, err := b.await(ctx, o.id, "the end", 1, ended)
		if err == nil && e.State != lab.CommandDone {
			err = fmt.Errorf("it ended %s; want done", brief(e))
		}
		return err
	}},
}

// doneNow sends a command again that was refused for a while.
func (b *bench) doneNow(ctx context.Context, o order) error {
	if err := b.send(ctx, o); err != nil {
		return err
	}
	_, err := b.await(ctx, o.id, "done", 1, is(lab.CommandDone))
	return err
}

func (b *bench) pausable() (example, error) {
	return b.longOf("no pausable action", func(a devices.Action) bool { return a.Pausable })
}

// paused begins a long command and pauses it.
func (b *bench) paused(ctx context.Context) (order, error) {
	l, err := b.pausable()
	if err != nil {
		return order{}, err
	}
	return b.pausedBy(ctx, l)
}

func (b *bench) pausedBy(ctx context.Context, l example) (order, error) {
	o, err := b.run(ctx, l)
	if err != nil {
		return o, err
	}
	if err := b.ctl(ctx, fields{"op": "pause", "target": o.id, "by": b.id}); err != nil {
		return o, err
	}
	_, err = b.await(ctx, o.id, "paused", 1, is(lab.CommandPaused))
	return o, err
}

// isStill wants a command to be paused after all that was sent before.
func (b *bench) isStill(ctx context.Context, o order) error {
	if _, err := b.fence(ctx); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	all := b.all(o.id)
	for _, a := range slices.Backward(all) {
		if a.State != lab.CommandPaused {
			return fmt.Errorf("it is %s; want paused", brief(a))
		}
		if !a.Dup {
			return nil
		}
	}
	return nil
}

// after reports whether e came after a word of its command that had a state.
func after(b *bench, e heardEvent, state lab.CommandState) bool {
	for _, x := range b.all(e.ID) {
		if x.State == state && e.Newer(x.Boot, x.N) && e.State == lab.CommandRunning && !e.Dup {
			return true
		}
	}
	return false
}
