package mqtt

import (
	"context"
	"sync"

	paho "github.com/eclipse/paho.mqtt.golang"

	"github.com/athanor-lab/athanor/devices"
)

// queueMax bounds a queue. A broker stops sending QoS 1 long before, when
// nothing is acknowledged; QoS 0 could grow without end.
const queueMax = 65536

// queue keeps a subscription's messages in their order of arrival, so that
// paho's loop never waits for a handler.
type queue struct {
	handle func(context.Context, devices.Message)
	more   chan struct{}

	mu   sync.Mutex
	msgs []paho.Message
}

func newQueue(handle func(context.Context, devices.Message)) *queue {
	return &queue{handle: handle, more: make(chan struct{}, 1)}
}

// put adds m, and reports false when the queue is full.
func (q *queue) put(m paho.Message) bool {
	q.mu.Lock()
	full := len(q.msgs) >= queueMax
	if !full {
		q.msgs = append(q.msgs, m)
	}
	q.mu.Unlock()
	select {
	case q.more <- struct{}{}:
	default:
	}
	return !full
}

// take returns all that waits.
func (q *queue) take() []paho.Message {
	q.mu.Lock()
	defer q.mu.Unlock()
	msgs := q.msgs
	q.msgs = nil
	return msgs
}

// run handles messages one by one until ctx is done.
func (q *queue) run(ctx context.Context) {
	for {
		for _, m := range q.take() {
			if ctx.Err() != nil {
				return
			}
			q.handle(ctx, devices.Message{Topic: m.Topic(), Payload: m.Payload(), QoS: m.Qos(), Retain: m.Retained()})
			m.Ack()
		}
		select {
		case <-q.more:
		case <-ctx.Done():
			return
		}
	}
}
