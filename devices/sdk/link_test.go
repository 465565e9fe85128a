package sdk_test

import (
	"context"
	"testing"

	"github.com/athanor-lab/athanor/devices"
)

// TestLateWillIsPutRight publishes what a broker may: the will of a process that
// was killed, after the next one has come. A newcomer must find the device
// online all the same.
func TestLateWillIsPutRight(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.start()
	b.restart()
	for _, will := range []string{`{"state":"lost","boot":1}`, `{"state":"lost","boot":2}`} {
		before := func() int { b.mu.Lock(); defer b.mu.Unlock(); return len(b.conns) }()
		if err := b.bus.Publish(t.Context(), devices.Message{Topic: devices.Topic("lab", "dut", devices.LeafConn), Payload: []byte(will), QoS: 1, Retain: true}); err != nil {
			t.Fatal(err)
		}
		until(b, "online after "+will, func() (bool, bool) {
			n := len(b.conns)
			return true, n > before+1 && b.conns[n-1].State == devices.Online && b.conns[n-1].Boot == 2
		})
	}
	found := make(chan devices.Conn, 8)
	bus, err := b.broker.Dial(t.Context(), devices.Session{ClientID: "newcomer", Subscriptions: []devices.Subscription{{
		Filters: []string{devices.Topic("lab", "dut", devices.LeafConn)},
		Handle: func(_ context.Context, m devices.Message) {
			if c, err := devices.DecodeConn(m.Payload); err == nil {
				found <- c
			}
		},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	defer bus.Close()
	if c := <-found; c.State != devices.Online || c.Boot != 2 {
		t.Errorf("a newcomer finds %+v; want online, boot 2", c)
	}
}

// TestHigherBootIsLeftAlone wants no answer to somebody else of the same name,
// whom an answer would make talk without an end.
func TestHigherBootIsLeftAlone(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.start()
	for _, c := range []string{`{"state":"online","boot":7}`, `{"state":"lost","boot":1}`} {
		b.send(devices.LeafConn, c)
	}
	// The answer to the second says that the first is past.
	until(b, "online", func() (bool, bool) { return true, len(b.conns) > 3 && b.conns[len(b.conns)-1].State == devices.Online })
	b.mu.Lock()
	defer b.mu.Unlock()
	if n := len(b.conns); b.conns[n-2].State != devices.Lost || b.conns[n-3].Boot != 7 {
		t.Errorf("conns = %+v; want the other one's online unanswered", b.conns)
	}
}
