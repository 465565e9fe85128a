package conformance

import (
	"context"
	"fmt"
	"strings"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/lab"
)

// stops are the checks of ending everything.
var stops = []Check{
	{Name: "stop.refuses", Title: "a stopped device says so and refuses commands", Needs: "C", run: func(ctx context.Context, b *bench) error {
		return b.whileStopped(ctx, func() error {
			if err := b.with(ctx, nil, devices.Interlock); err != nil {
				return err
			}
			return b.op(ctx, "stopped")
		})
	}},
	{Name: "stop.aborts", Title: "stop aborts what runs, and says with what effect", Needs: "C", run: func(ctx context.Context, b *bench) error {
		o, _, err := b.begin(ctx)
		if err != nil {
			return err
		}
		return b.whileStopped(ctx, func() error { return b.aborted(ctx, o) })
	}},
	{Name: "stop.aborts-waiting", Title: "stop aborts what waits, without a movement", Needs: "C", run: func(ctx context.Context, b *bench) error {
		first, second, err := b.pair(ctx)
		if err != nil {
			return err
		}
		return b.whileStopped(ctx, func() error {
			if err := b.aborted(ctx, first); err != nil {
				return err
			}
			e, err := b.await(ctx, second.id, "the end", 1, ended)
			if err == nil && (e.State != lab.CommandAborted && e.State != lab.CommandFailed || e.Effect != lab.EffectNone) {
				err = fmt.Errorf("what waited ended %s, effect %s; want aborted, none", brief(e), e.Effect)
			}
			return err
		})
	}},
	{Name: "stop.no-lease", Title: "stop needs no lease", Needs: "L", run: func(ctx context.Context, b *bench) error {
		o, _, err := b.begin(ctx)
		if err != nil {
			return err
		}
		if err := b.ctl(ctx, fields{"op": "release", "epoch": b.epoch}); err != nil {
			return err
		}
		return b.whileStopped(ctx, func() error { return b.aborted(ctx, o) })
	}},
	{Name: "stop.twice", Title: "a second stop changes nothing, and one reset ends both", Needs: "C", run: func(ctx context.Context, b *bench) error {
		err := b.whileStopped(ctx, func() error { return b.ctl(ctx, fields{"op": "stop", "by": b.id}) })
		if err != nil {
			return err
		}
		_, _, err = b.one(ctx)
		return err
	}},
	{Name: "stop.reset", Title: "after a reset the device is idle and takes commands", Needs: "C", run: func(ctx context.Context, b *bench) error {
		if err := b.whileStopped(ctx, func() error { return b.op(ctx, "stopped") }); err != nil {
			return err
		}
		if err := b.op(ctx, "idle"); err != nil {
			return err
		}
		_, _, err := b.one(ctx)
		return err
	}},
	{Name: "labstop.stops", Title: "the lab's stop aborts what runs and refuses commands", Needs: "C", run: func(ctx context.Context, b *bench) error {
		o, _, err := b.begin(ctx)
		if err != nil {
			return err
		}
		return b.whileLatched(ctx, func() error {
			if err := b.aborted(ctx, o); err != nil {
				return err
			}
			return b.with(ctx, nil, devices.Interlock)
		})
	}},
	{Name: "labstop.latched", Title: "no reset helps while the lab's stop is latched", Needs: "C", run: func(ctx context.Context, b *bench) error {
		return b.whileLatched(ctx, func() error {
			if err := b.ctl(ctx, fields{"op": "reset", "by": b.id}); err != nil {
				return err
			}
			return b.with(ctx, nil, devices.Interlock)
		})
	}},
	{Name: "labstop.taken-back", Title: "taking the lab's stop back starts nothing: the device is reset by itself", Needs: "C", run: func(ctx context.Context, b *bench) error {
		if err := b.whileLatched(ctx, func() error { return b.op(ctx, "stopped") }); err != nil {
			return err
		}
		if err := b.with(ctx, nil, devices.Interlock); err != nil {
			return err
		}
		if err := b.ctl(ctx, fields{"op": "reset", "by": b.id}); err != nil {
			return err
		}
		_, _, err := b.one(ctx)
		return err
	}},
	{Name: "labstop.emptied", Title: "an empty message takes the lab's stop back as well", Needs: "C", run: func(ctx context.Context, b *bench) error {
		if err := b.latch(ctx, marshal(devices.LabStop{Latched: true, ID: b.new(), By: b.id})); err != nil {
			return err
		}
		err := b.op(ctx, "stopped")
		if back := b.latch(ctx, nil); err == nil {
			err = back
		}
		if err != nil {
			return err
		}
		if err := b.ctl(ctx, fields{"op": "reset", "by": b.id}); err != nil {
			return err
		}
		_, _, err = b.one(ctx)
		return err
	}},
	{Name: "labstop.malformed", Title: "a malformed stop neither stops nor takes a stop back", Needs: "C", run: func(ctx context.Context, b *bench) error {
		err := b.whileLatched(ctx, func() error {
			if err := b.op(ctx, "stopped"); err != nil {
				return err
			}
			for _, bad := range []string{`{"latched":false}`, `{`, `null`, `{"latched":"false","id":"x","by":"y"}`} {
				if err := b.latch(ctx, []byte(bad)); err != nil {
					return err
				}
			}
			if err := b.ctl(ctx, fields{"op": "reset", "by": b.id}); err != nil {
				return err
			}
			return b.with(ctx, nil, devices.Interlock)
		})
		return err
	}},
}

// op waits for a state that has an op.
func (b *bench) op(ctx context.Context, op string) error {
	return b.soon(ctx, "op "+op+" in the state", func() bool { return b.last().Op == op })
}

func (b *bench) aborted(ctx context.Context, o order) error {
	e, err := b.await(ctx, o.id, "the end", 1, ended)
	if err == nil && (e.State != lab.CommandAborted || !strings.Contains(string(e.raw), `"effect"`)) {
		err = fmt.Errorf("what ran ended %s, effect %q; want aborted, with its effect", brief(e), e.Effect)
	}
	return err
}

// latch publishes the lab's stop, retained.
func (b *bench) latch(ctx context.Context, payload []byte) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), b.cfg.Patience)
	defer cancel()
	return b.bus.Publish(ctx, devices.Message{Topic: devices.StopTopic(b.cfg.Lab), Payload: payload, QoS: 1, Retain: true})
}

// whileLatched does f while the lab's stop is latched, and takes it back
// whatever happens: it stops every device of the lab.
func (b *bench) whileLatched(ctx context.Context, f func() error) error {
	if err := b.latch(ctx, marshal(devices.LabStop{Latched: true, ID: b.new(), By: b.id, Reason: "conformance"})); err != nil {
		return err
	}
	err := f()
	back := b.latch(ctx, marshal(devices.LabStop{ID: b.new(), By: b.id}))
	if cleared := b.latch(ctx, nil); back == nil {
		back = cleared
	}
	if err == nil {
		err = back
	}
	return err
}
