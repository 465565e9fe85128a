package conformance

import (
	"context"
	"fmt"
	"time"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/lab"
)

// leases are the checks of who may command. They take short leases and stop
// beating, so that leases run out soon.
var leases = []Check{
	{Name: "lease.state", Title: "the state tells epoch and holder of the lease", Needs: "L", run: func(ctx context.Context, b *bench) error {
		return b.soon(ctx, "the kit's lease in the state", func() bool {
			l := b.last().Lease
			return l != nil && l.Epoch == b.epoch && l.Holder == b.id
		})
	}},
	{Name: "lease.required", Title: "an epoch without a lease is refused, and the same bytes are taken once it has one", Needs: "L", run: func(ctx context.Context, b *bench) error {
		q, err := b.quick()
		if err != nil {
			return err
		}
		b.epoch++
		o := b.order(q.action.Name, q.params, nil)
		if err := b.refuse(ctx, o, devices.NoLease); err != nil {
			return err
		}
		if err := b.lease(ctx, 60); err != nil {
			return err
		}
		if err := b.send(ctx, o); err != nil {
			return err
		}
		_, err = b.await(ctx, o.id, "done, after no_lease", 1, is(lab.CommandDone))
		return err
	}},
	{Name: "lease.stale-command", Title: "a command of an older epoch is refused", Needs: "L", run: func(ctx context.Context, b *bench) error {
		if err := b.advance(ctx); err != nil {
			return err
		}
		return b.with(ctx, fields{"epoch": b.epoch - 1}, devices.StaleEpoch)
	}},
	{Name: "lease.stale-lease", Title: "a lease of an older epoch takes nothing", Needs: "L", run: func(ctx context.Context, b *bench) error {
		if err := b.advance(ctx); err != nil {
			return err
		}
		if err := b.ctl(ctx, fields{"op": "lease", "epoch": b.epoch - 1, "holder": "late", "ttl_s": 60}); err != nil {
			return err
		}
		if err := b.with(ctx, fields{"epoch": b.epoch - 1}, devices.StaleEpoch); err != nil {
			return err
		}
		_, _, err := b.one(ctx)
		return err
	}},
	{Name: "lease.other-holder", Title: "another holder with the same epoch takes nothing", Needs: "L", run: func(ctx context.Context, b *bench) error {
		if err := b.ctl(ctx, fields{"op": "lease", "epoch": b.epoch, "holder": "other", "ttl_s": 0.001}); err != nil {
			return err
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
		_, _, err := b.one(ctx)
		return err
	}},
	{Name: "lease.takeover", Title: "a higher epoch takes the device from whoever has it", Needs: "L", run: func(ctx context.Context, b *bench) error {
		b.epoch++
		if err := b.ctl(ctx, fields{"op": "lease", "epoch": b.epoch, "holder": "other", "ttl_s": 60}); err != nil {
			return err
		}
		if err := b.with(ctx, fields{"epoch": b.epoch - 1}, devices.StaleEpoch); err != nil {
			return err
		}
		if _, _, err := b.one(ctx); err != nil {
			return err
		}
		b.epoch++
		return nil
	}},
	{Name: "lease.bad", Title: "a lease without holder or ttl_s, or with ones that are not allowed, takes nothing", Needs: "L", run: func(ctx context.Context, b *bench) error {
		for _, m := range []fields{
			{"ttl_s": 60}, {"holder": "x"}, {"holder": "", "ttl_s": 60}, {"holder": "x", "ttl_s": 0}, {"holder": "x", "ttl_s": -1}, {"holder": "x", "ttl_s": 1e9},
		} {
			m["op"], m["epoch"] = "lease", b.epoch+1000
			if err := b.ctl(ctx, m); err != nil {
				return err
			}
		}
		_, _, err := b.one(ctx)
		return err
	}},
	{Name: "lease.release", Title: "a device that was released takes no command", Needs: "L", run: func(ctx context.Context, b *bench) error {
		if err := b.ctl(ctx, fields{"op": "release", "epoch": b.epoch}); err != nil {
			return err
		}
		return b.with(ctx, nil, devices.NoLease)
	}},
	{Name: "lease.release-other", Title: "releasing another epoch releases nothing", Needs: "L", run: func(ctx context.Context, b *bench) error {
		if err := b.ctl(ctx, fields{"op": "release", "epoch": b.epoch + 1}); err != nil {
			return err
		}
		_, _, err := b.one(ctx)
		return err
	}},
	{Name: "lease.runs-out", Title: "a lease without beats runs out after ttl_s, and the state says so", Needs: "L", run: func(ctx context.Context, b *bench) error {
		if err := b.lapse(ctx); err != nil {
			return err
		}
		if err := b.with(ctx, nil, devices.NoLease); err != nil {
			return err
		}
		return b.soon(ctx, "a state without a lease", func() bool { return b.last().Lease == nil })
	}},
	{Name: "lease.revived", Title: "a beat of its holder revives a lease that ran out", Needs: "L", run: func(ctx context.Context, b *bench) error {
		if err := b.lapse(ctx); err != nil {
			return err
		}
		b.beat(0)
		return b.soonDone(ctx)
	}},
	{Name: "lease.other-beat", Title: "a beat of another holder renews nothing", Needs: "L", run: func(ctx context.Context, b *bench) error {
		if err := b.lapse(ctx); err != nil {
			return err
		}
		b.beatAs("other", 0)
		if err := b.with(ctx, nil, devices.NoLease); err != nil {
			return err
		}
		return nil
	}},
	{Name: "lease.renewed", Title: "beats of the holder renew the lease", Needs: "L", run: func(ctx context.Context, b *bench) error {
		if err := b.lease(ctx, 3*beatEvery.Seconds()); err != nil {
			return err
		}
		if err := pause(ctx, 6*beatEvery); err != nil {
			return err
		}
		_, _, err := b.one(ctx)
		return err
	}},
	{Name: "lease.work-goes-on", Title: "what runs when the lease runs out goes on", Needs: "L", run: func(ctx context.Context, b *bench) error {
		o, _, err := b.begin(ctx)
		if err != nil {
			return err
		}
		if err := b.lapse(ctx); err != nil {
			return err
		}
		if err := b.with(ctx, nil, devices.NoLease); err != nil {
			return err
		}
		if err := b.ctl(ctx, fields{"op": "status", "target": o.id}); err != nil {
			return err
		}
		e, err := b.await(ctx, o.id, "an answer to status", 1, dup)
		if err == nil && e.State != lab.CommandRunning {
			err = fmt.Errorf("when the lease ran out, the command was %s; want running", brief(e))
		}
		return err
	}},
}

// advance takes the device with a new epoch, so that there is an older one.
func (b *bench) advance(ctx context.Context) error {
	b.epoch++
	if err := b.lease(ctx, 60); err != nil {
		return err
	}
	_, _, err := b.one(ctx)
	return err
}

// lapse lets the lease run out. The beats stay away until the next check.
func (b *bench) lapse(ctx context.Context) error {
	const ttl = 200 * time.Millisecond
	b.hush(true)
	if err := pause(ctx, 20*time.Millisecond); err != nil { // a beat on its way
		return err
	}
	if err := b.lease(ctx, ttl.Seconds()); err != nil {
		return err
	}
	return pause(ctx, ttl+150*time.Millisecond)
}

// soonDone sends a quick command again and again until it is done: a beat, which
// is not sent reliably, may not have come yet.
func (b *bench) soonDone(ctx context.Context) error {
	q, err := b.quick()
	if err != nil {
		return err
	}
	o := b.order(q.action.Name, q.params, nil)
	for range 20 {
		e, err := b.do(ctx, o)
		if err == nil && e.State == lab.CommandDone {
			return nil
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return err
		}
		b.mu.Lock()
		for _, e := range b.all(o.id) {
			if e.State == lab.CommandDone {
				b.mu.Unlock()
				return nil
			}
		}
		b.mu.Unlock()
		if err := b.send(ctx, o); err != nil {
			return err
		}
	}
	return fmt.Errorf("command %s was not taken after the beat; it went through %v", o.id, b.said(o.id))
}
