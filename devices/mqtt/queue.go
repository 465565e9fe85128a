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

// queueBytes bounds what of them is in memory: chunks of raw data are long. A
// queue that is empty takes any message.
const queueBytes = 64 << 20

// queue keeps a subscription's messages in their order of arrival, so that
// paho's loop never waits for a handler.
type queue struct {
	handle func(context.Context, devices.Message)
	more   chan struct{}

	mu    sync.Mutex
	msgs  []paho.Message
	bytes int // of payloads, of what is being handled too
}

func newQueue(handle func(context.Context, devices.Message)) *queue {
	return &queue{handle: handle, more: make(chan struct{}, 1)}
}

// put adds m, and reports false when the queue is full.
func (q *queue) put(m paho.Message) bool {
	q.mu.Lock()
	size := len(m.Payload())
	full := len(q.msgs) >= queueMax || q.bytes > 0 && q.bytes+size > queueBytes
	if !full {
		q.bytes += size
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
			q.mu.Lock()
			q.bytes -= len(m.Payload())
			q.mu.Unlock()
		}
		select {
		case <-q.more:
		case <-ctx.Done():
			return
		}
	}
}
