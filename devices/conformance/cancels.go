package conformance

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/athanor-lab/athanor/lab"
)

// cancels are the checks of ending a single command, and of a person's word.
var cancels = []Check{
	{Name: "cancel.running", Title: "cancel ends a command at work, which says cancelling before", Needs: "C", run: func(ctx context.Context, b *bench) error {
		o, _, err := b.begin(ctx)
		if err != nil {
			return err
		}
		if err := b.ctl(ctx, fields{"op": "cancel", "target": o.id}); err != nil {
			return err
		}
		e, err := b.await(ctx, o.id, "the end", 1, ended)
		if err != nil {
			return err
		}
		if e.State != lab.CommandCancelled || !strings.Contains(string(e.raw), `"effect"`) {
			return fmt.Errorf("it ended %s, effect %q; want cancelled, with its effect", brief(e), e.Effect)
		}
		if !slices.Contains(b.said(o.id), lab.CommandCancelling) {
			return fmt.Errorf("it went through %v, without cancelling", b.said(o.id))
		}
		return nil
	}},
	{Name: "cancel.no-lease", Title: "cancel needs no lease", Needs: "L", run: func(ctx context.Context, b *bench) error {
		o, _, err := b.begin(ctx)
		if err != nil {
			return err
		}
		if err := b.ctl(ctx, fields{"op": "release", "epoch": b.epoch}); err != nil {
			return err
		}
		if err := b.ctl(ctx, fields{"op": "cancel", "target": o.id}); err != nil {
			return err
		}
		_, err = b.await(ctx, o.id, "cancelled", 1, is(lab.CommandCancelled))
		return err
	}},
	{Name: "cancel.again", Title: "a second cancel of a command is answered with its end", Needs: "C", run: func(ctx context.Context, b *bench) error {
		o, _, err := b.begin(ctx)
		if err != nil {
			return err
		}
		for range 2 {
			if err := b.ctl(ctx, fields{"op": "cancel", "target": o.id}); err != nil {
				return err
			}
			if _, err := b.await(ctx, o.id, "cancelled", 1, func(e heardEvent) bool { return e.State == lab.CommandCancelled }); err != nil {
				return err
			}
		}
		_, err = b.await(ctx, o.id, "cancelled (dup)", 1, func(e heardEvent) bool { return e.Dup && e.State == lab.CommandCancelled })
		return err
	}},
	{Name: "cancel.ended", Title: "cancel of a command that is done is answered as a resend is", Needs: "C", run: func(ctx context.Context, b *bench) error {
		return b.unmoved(ctx, fields{"op": "cancel"})
	}},
	{Name: "cancel.before-it-comes", Title: "a command that was cancelled before it came never moves anything", Needs: "C", run: func(ctx context.Context, b *bench) error {
		q, err := b.quick()
		if err != nil {
			return err
		}
		o := b.order(q.action.Name, q.params, nil)
		if err := b.ctl(ctx, fields{"op": "cancel", "target": o.id}); err != nil {
			return err
		}
		if _, err := b.await(ctx, o.id, "cancelled", 1, is(lab.CommandCancelled)); err != nil {
			return err
		}
		if err := b.send(ctx, o); err != nil {
			return err
		}
		if _, err := b.fence(ctx); err != nil {
			return err
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, e := range b.all(o.id) {
			if e.State != lab.CommandCancelled {
				return fmt.Errorf("the late copy was answered %s; want cancelled", brief(e))
			}
		}
		return nil
	}},
	{Name: "cancel.device-goes-on", Title: "after a cancel the device takes the next command", Needs: "C", run: func(ctx context.Context, b *bench) error {
		o, _, err := b.begin(ctx)
		if err != nil {
			return err
		}
		if err := b.ctl(ctx, fields{"op": "cancel", "target": o.id}); err != nil {
			return err
		}
		if _, err := b.await(ctx, o.id, "the end", 1, ended); err != nil {
			return err
		}
		_, _, err = b.one(ctx)
		return err
	}},
	{Name: "resolve.not-in-doubt", Title: "a person's word changes nothing of a command that is not in doubt", Needs: "C", run: func(ctx context.Context, b *bench) error {
		return b.unmoved(ctx, fields{"op": "resolve", "outcome": "failed", "by": "someone", "reason": "none"})
	}},
	{Name: "resolve.unknown", Title: "a person's word on a command that never came makes no event", Needs: "C", run: func(ctx context.Context, b *bench) error {
		id := b.new()
		if err := b.ctl(ctx, fields{"op": "resolve", "target": id, "outcome": "done", "by": "someone"}); err != nil {
			return err
		}
		if _, err := b.fence(ctx); err != nil {
			return err
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		if said := b.all(id); len(said) > 0 {
			return fmt.Errorf("the device said %s of it", brief(said[0]))
		}
		return nil
	}},
}

// unmoved sends an operation about a command that is done, and wants that said
// again and nothing else.
func (b *bench) unmoved(ctx context.Context, m fields) error {
	_, o, err := b.one(ctx)
	if err != nil {
		return err
	}
	m["target"] = o.id
	if err := b.ctl(ctx, m); err != nil {
		return err
	}
	if _, err := b.await(ctx, o.id, "done (dup)", 1, func(e heardEvent) bool { return e.Dup && e.State == lab.CommandDone }); err != nil {
		return err
	}
	if _, err := b.fence(ctx); err != nil {
		return err
	}
	if got := fmt.Sprint(b.said(o.id)); got != "[accepted running done]" {
		return fmt.Errorf("the command went through %s; want [accepted running done]", got)
	}
	return nil
}
