package gateway

import (
	"context"
	"hash/fnv"
	"time"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/lab"
)

// onEvent hands an event to the shard of its device, so that events of one
// device are folded in order and those of others beside them. A full shard
// holds up the broker.
func (g *Gateway) onEvent(ctx context.Context, m devices.Message) {
	_, device, _, ok := devices.ParseTopic(m.Topic)
	if !ok || !g.admit(device, len(m.Payload)) {
		return
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(device))
	select {
	case g.shards[h.Sum32()%shards] <- said{device, m.Payload}:
	case <-ctx.Done():
	}
}

// batchMax bounds what of a shard is looked at together.
const batchMax = 64

// fold enters the events of a shard. Of several that wait about one command,
// only the last matters: a short command costs one entry instead of three. An
// end with raw data may be long in coming, so what came before it is entered: it
// is known that the command was begun.
func (g *Gateway) fold(ctx context.Context, shard <-chan said) {
	for {
		var batch []said
		select {
		case s := <-shard:
			batch = append(batch, s)
		case <-ctx.Done():
			return
		}
	more:
		for len(batch) < batchMax {
			select {
			case s := <-shard:
				batch = append(batch, s)
			default:
				break more
			}
		}
		type key struct{ device, id string }
		events := make([]devices.Event, len(batch))
		last := map[key]int{}
		for i, s := range batch {
			ev, err := devices.DecodeEvent(s.raw)
			if err != nil {
				g.distrust(s.device, devices.Topic(g.Dispatcher.cfg.Lab, s.device, devices.LeafEv), s.raw, err)
				continue
			}
			events[i], last[key{s.device, ev.ID}] = ev, i
		}
		for i, s := range batch {
			ev := events[i]
			if ev.ID == "" {
				continue
			}
			if l := last[key{s.device, ev.ID}]; !ev.State.Terminal() && l > i && !events[l].Refusal() && len(events[l].Blobs) == 0 {
				continue
			}
			g.take(ctx, s.device, ev, s.raw)
		}
	}
}

// take enters one event, and tells what it ended. A ledger that cannot be
// reached is waited for: the events behind it wait as well.
func (g *Gateway) take(ctx context.Context, name string, ev devices.Event, raw []byte) {
	g.heard(name, ev.Boot)
	if ev.Refusal() {
		g.refused(ctx, name, ev)
		return
	}
	ev, raw = g.inspected(ctx, name, ev, raw)
	ev, raw, complete := g.gathered(ctx, name, ev, raw)
	if !complete {
		return
	}
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		e, taken, err := g.cfg.Ledger.Fold(ctx, name, ev, raw)
		switch {
		case lab.KindOf(err) == lab.NotFound || lab.KindOf(err) == lab.Invalid:
			g.log.DebugContext(ctx, "event ignored: the command was not sent to this device", "device", name, "command_id", ev.ID)
			return
		case err == nil && e.State.Terminal():
			if taken {
				g.tell(ctx, e)
			} else {
				g.drop(e)
			}
			return
		case err == nil:
			g.answered(e)
			return
		case ctx.Err() != nil:
			return
		}
		g.log.ErrorContext(ctx, "event not entered; trying again", "device", name, "command_id", ev.ID, "err", err)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
	}
}
