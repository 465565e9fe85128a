package conformance

import (
	"context"
	"fmt"
	"time"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/lab"
)

// orphanMaxS is the longest silence that the kit waits for, in seconds.
const orphanMaxS = 3

// watches are the checks of what a device does when the laboratory is silent.
// They are made where an action bears no more than 3 s of it.
var watches = []Check{
	{Name: "watch.stop", Title: "silence stops a command that says so: failed, orphaned, and the device is safe", Needs: "L", run: func(ctx context.Context, b *bench) error {
		o, after, err := b.orphan(ctx, "stop")
		if err != nil {
			return err
		}
		return b.inSilence(ctx, func(since time.Time) error {
			e, err := b.await(ctx, o.id, "the end", 1, ended)
			if err != nil {
				return err
			}
			if e.State != lab.CommandFailed || e.Code != devices.Orphaned || e.Effect == "" {
				return fmt.Errorf("it ended %s; want failed orphaned, with its effect", brief(e))
			}
			if took := e.at.Sub(since); took < after*8/10 {
				return fmt.Errorf("it ended %v after the last beat; want not before %v", took, after)
			}
			return b.op(ctx, "safe")
		})
	}},
	{Name: "watch.pause", Title: "silence pauses a command that says so, and it goes on when a beat is back", Needs: "L", run: func(ctx context.Context, b *bench) error {
		o, _, err := b.orphan(ctx, "pause")
		if err != nil {
			return err
		}
		if err := b.inSilence(ctx, func(time.Time) error {
			_, err := b.await(ctx, o.id, "paused", 1, is(lab.CommandPaused))
			return err
		}); err != nil {
			return err
		}
		e, err := b.await(ctx, o.id, "the end", 1, ended)
		if err == nil && e.State != lab.CommandDone {
			err = fmt.Errorf("it ended %s; want done", brief(e))
		}
		return err
	}},
	{Name: "watch.finish", Title: "a command that finishes in silence is done, and the device is safe after it", Needs: "L", run: func(ctx context.Context, b *bench) error {
		o, _, err := b.orphan(ctx, "finish")
		if err != nil {
			return err
		}
		return b.inSilence(ctx, func(time.Time) error {
			e, err := b.await(ctx, o.id, "the end", 1, ended)
			if err != nil {
				return err
			}
			if e.State != lab.CommandDone {
				return fmt.Errorf("it ended %s; want done", brief(e))
			}
			return b.op(ctx, "safe")
		})
	}},
	{Name: "watch.refuses", Title: "a device that was left alone takes nothing until a beat of its holder is back", Needs: "L", run: func(ctx context.Context, b *bench) error {
		left, _, err := b.orphan(ctx, "stop")
		if err != nil {
			return err
		}
		q, err := b.quick()
		if err != nil {
			return err
		}
		o := b.order(q.action.Name, q.params, nil)
		if err := b.inSilence(ctx, func(time.Time) error {
			if _, err := b.await(ctx, left.id, "the end", 1, ended); err != nil {
				return err
			}
			if err := b.op(ctx, "safe"); err != nil {
				return err
			}
			b.beatAs("somebody-else", 0)
			return b.refuse(ctx, o, devices.NoLease)
		}); err != nil {
			return err
		}
		if err := b.op(ctx, "idle"); err != nil {
			return err
		}
		return b.doneNow(ctx, o)
	}},
	{Name: "watch.fed", Title: "while beats come the watchdog does nothing", Needs: "L", run: func(ctx context.Context, b *bench) error {
		o, after, err := b.orphan(ctx, "stop")
		if err != nil {
			return err
		}
		if err := pause(ctx, after+after/2); err != nil {
			return err
		}
		if err := b.ctl(ctx, fields{"op": "status", "target": o.id}); err != nil {
			return err
		}
		e, err := b.await(ctx, o.id, "an answer (dup)", 1, dup)
		if err == nil && e.State != lab.CommandRunning && e.State != lab.CommandDone {
			err = fmt.Errorf("it is %s; want running or done", brief(e))
		}
		return err
	}},
}

// orphan begins a long command whose action has an orphan rule.
func (b *bench) orphan(ctx context.Context, rule string) (order, time.Duration, error) {
	l, err := b.longOf(fmt.Sprintf("no action that bears at most %d s of silence, with the rule %s,", orphanMaxS, rule), func(a devices.Action) bool {
		return a.OrphanAction == rule && a.OrphanAfterS > 0 && a.OrphanAfterS <= orphanMaxS
	})
	if err != nil {
		return order{}, 0, err
	}
	o, err := b.run(ctx, l)
	return o, time.Duration(l.action.OrphanAfterS * float64(time.Second)), err
}

// inSilence does f while no beat comes, and tells it when the last one did.
func (b *bench) inSilence(_ context.Context, f func(since time.Time) error) error {
	b.hush(false)
	b.hush(true)
	defer b.hush(false)
	return f(time.Now())
}
