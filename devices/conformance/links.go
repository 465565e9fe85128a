package conformance

import (
	"context"
	"fmt"
	"time"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/lab"
)

const (
	stateEvery   = 100 * time.Millisecond // between two states at the most
	heartbeatMax = 10 * time.Second       // that the kit waits for
	returnMax    = 15 * time.Second       // for a device to find a broker again
)

// links are the checks of the link, its heartbeat and its loss.
var links = []Check{
	{Name: "link.heartbeat", Title: "a leased device says its state at least every heartbeat_s", Needs: "L", run: func(ctx context.Context, b *bench) error {
		every := time.Duration(b.about.HeartbeatS * float64(time.Second))
		if every > heartbeatMax {
			return skip("the heartbeat is %v, and the kit waits for at most %v", every, heartbeatMax)
		}
		return b.heartbeat(ctx, every)
	}},
	{Name: "link.clock", Title: "the device takes the time from the beat, or keeps it itself", Needs: "L", run: func(ctx context.Context, b *bench) error {
		if err := b.ctl(ctx, fields{"op": "status"}); err != nil {
			return err
		}
		return b.soon(ctx, "a clock with a source, and the age of the beat", func() bool {
			s := b.last()
			return s.Clock != nil && s.Clock.Source != "none" && (s.Clock.Source != "beat" || s.BeatAgeMS > 0)
		})
	}},
	{Name: "link.broker-restart", Title: "after a broker that forgot everything, the device is back with conn, about and state", Needs: "C", run: func(ctx context.Context, b *bench) error {
		if b.cfg.RestartBroker == nil {
			return skip("the kit was not told how to restart the broker")
		}
		if err := b.restartBroker(ctx); err != nil {
			return err
		}
		if err := checkRetained(ctx, b); err != nil {
			return err
		}
		if err := b.ready(ctx); err != nil {
			return err
		}
		_, _, err := b.one(ctx)
		return err
	}},
	{Name: "link.late-will", Title: "a device that hears itself called lost says that it is online", raw: true, run: func(ctx context.Context, b *bench) error {
		b.mu.Lock()
		boot, heard := b.conn.Boot, len(b.conns)
		b.mu.Unlock()
		// As a broker does that finds the link of a killed process gone only
		// after the next one has come.
		will := devices.Message{
			Topic: devices.Topic(b.cfg.Lab, b.cfg.Device, devices.LeafConn), Payload: marshal(devices.Conn{State: devices.Lost, Boot: max(1, boot-1)}), QoS: 1, Retain: true,
		}
		if err := b.bus.Publish(ctx, will); err != nil {
			return err
		}
		return b.soon(ctx, "online, after a late will", func() bool {
			return len(b.conns) > heard+1 && b.conns[len(b.conns)-1] == b.conn && b.conn.State == devices.Online && b.conn.Boot == boot
		})
	}},
	{Name: "link.work-goes-on", Title: "work goes on without a link, and its end is told when there is one", Needs: "C", run: func(ctx context.Context, b *bench) error {
		if b.cfg.RestartBroker == nil {
			return skip("the kit was not told how to restart the broker")
		}
		o, _, err := b.begin(ctx)
		if err != nil {
			return err
		}
		if err := b.restartBroker(ctx); err != nil {
			return err
		}
		b.mu.Lock()
		boot := b.conn.Boot
		b.mu.Unlock()
		if err := b.ctl(ctx, fields{"op": "status", "target": o.id}); err != nil {
			return err
		}
		e, err := b.await(ctx, o.id, "an answer (dup)", 1, dup)
		if err == nil && (e.Boot != boot || e.State != lab.CommandRunning && e.State != lab.CommandDone) {
			err = fmt.Errorf("it was answered %s; want running or done", brief(e))
		}
		return err
	}},
}

// restartBroker restarts the broker and waits until both are back.
func (b *bench) restartBroker(ctx context.Context) error {
	b.mu.Lock()
	conns, states := len(b.conns), len(b.states)
	b.mu.Unlock()
	if err := b.cfg.RestartBroker(); err != nil {
		return fmt.Errorf("restart the broker: %w", err)
	}
	return b.until(ctx, returnMax, "the device to be online again", func() bool {
		return len(b.conns) > conns && b.conn.State == devices.Online && len(b.states) > states
	})
}

// heartbeats is how many states the kit hears for one pair without news between
// them: what happened before may still be told in the first.
const heartbeats = 4

// heartbeat wants two states in a row, a heartbeat apart by the device's own
// clock, so that neither a busy machine nor old news is taken for a fault. A
// device that says states all the time has no such pair, nor has a silent one.
func (b *bench) heartbeat(ctx context.Context, every time.Duration) error {
	b.mu.Lock()
	first := len(b.states)
	b.mu.Unlock()
	longest := every + every/5 + 500*time.Millisecond
	var gaps []time.Duration
	fits := func() bool {
		gaps = gaps[:0]
		for i := first + 1; i < len(b.states); i++ {
			gap := b.states[i].TS.Sub(b.states[i-1].TS)
			gaps = append(gaps, gap)
			if gap >= every/4 && gap <= longest {
				return true
			}
		}
		return false
	}
	if err := b.until(ctx, heartbeats*longest, "states without news, a heartbeat apart", fits); err != nil {
		return fmt.Errorf("%w: its states were %v apart; the heartbeat is %v", err, gaps, every)
	}
	return nil
}
