package mqtt

import (
	"context"
	"testing"

	paho "github.com/eclipse/paho.mqtt.golang"

	"github.com/athanor-lab/athanor/devices"
)

// letter is a message of a size.
type letter struct {
	paho.Message
	payload []byte
}

func (l letter) Payload() []byte { return l.payload }
func (l letter) Topic() string   { return "t" }
func (l letter) Qos() byte       { return 1 }
func (l letter) Retained() bool  { return false }
func (l letter) Ack()            {}

// TestQueueIsBoundedInBytes fills a queue whose handler stands still, and wants
// what is beyond its bytes refused, and room again when some was handled.
func TestQueueIsBoundedInBytes(t *testing.T) {
	t.Parallel()
	gate := make(chan struct{})
	q := newQueue(func(context.Context, devices.Message) { <-gate })
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go q.run(ctx)
	chunk := letter{payload: make([]byte, devices.MaxChunk)}
	for i := range queueBytes / devices.MaxChunk {
		if !q.put(chunk) {
			t.Fatalf("message %d was refused", i)
		}
	}
	if q.put(chunk) {
		t.Error("more was taken than the queue holds, what is being handled included")
	}
	gate <- struct{}{}
	gate <- struct{}{} // the first is let go of by now
	if !q.put(chunk) {
		t.Error("nothing was taken after two were handled")
	}
	huge := newQueue(nil)
	if !huge.put(letter{payload: make([]byte, queueBytes+1)}) {
		t.Error("an empty queue refused a message that is longer than it holds")
	}
}
