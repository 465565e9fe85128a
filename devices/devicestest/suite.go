package devicestest

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/lab"
)

// Harness is a bus under test: how to take it, and how to cut a client's link
// without its consent. The link must come back by itself.
type Harness struct {
	Dial devices.Dialer
	Drop func(client string)
}

// Exercise runs the suite of every bus.
func Exercise(t *testing.T, newHarness func(*testing.T) Harness) {
	t.Helper()
	ExerciseLink(t, func(t *testing.T) devices.Dialer { return newHarness(t).Dial })
	for name, run := range map[string]func(*testing.T, Harness){
		"WillOnlyOnLoss": exerciseWill,
		"LinkComesBack":  exerciseReconnect,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, newHarness(t))
		})
	}
}

// ExerciseLink runs what of the suite needs no power over the broker.
func ExerciseLink(t *testing.T, newDialer func(*testing.T) devices.Dialer) {
	t.Helper()
	for name, run := range map[string]func(*testing.T, Harness){
		"ArrivalOrderHoldsAcrossTopics":      exerciseArrivalOrder,
		"RetainedComesFirst":                 exerciseRetained,
		"HandlersMayPublish":                 exerciseEcho,
		"SubscriptionsDoNotWaitForEachOther": exerciseBlocked,
		"SharedGoesToOne":                    exerciseShared,
		"LargePayload":                       exerciseLarge,
		"ClosedIsUnavailable":                exerciseClosed,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, Harness{Dial: newDialer(t)})
		})
	}
}

// Patience is how long a test waits for what must happen.
const Patience = 20 * time.Second

// Wait returns the next value of c, or fails the test when none comes.
func Wait[T any](t *testing.T, c <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(Patience):
		t.Fatalf("waited %s in vain for %s", Patience, what)
		panic("unreachable")
	}
}

// take dials, and closes when the test ends.
func take(t *testing.T, h Harness, s devices.Session) devices.Bus {
	t.Helper()
	s.ClientID += "-" + clean(t.Name())
	bus, err := h.Dial(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = bus.Close() })
	return bus
}

func clean(s string) string {
	return string(bytes.Map(func(r rune) rune {
		if r == '/' || r == '#' {
			return '-'
		}
		return r
	}, []byte(s)))
}

func topic(t *testing.T, leaf string) string { return "test/" + clean(t.Name()) + "/" + leaf }

func collect(into chan<- string) func(context.Context, devices.Message) {
	return func(_ context.Context, m devices.Message) { into <- string(m.Payload) }
}

func publish(t *testing.T, bus devices.Bus, msgs ...devices.Message) {
	t.Helper()
	if err := bus.Publish(t.Context(), msgs...); err != nil {
		t.Fatal(err)
	}
}

func exerciseArrivalOrder(t *testing.T, h Harness) {
	const messages = 600
	got := make(chan string, messages)
	take(t, h, devices.Session{ClientID: "reader", Subscriptions: []devices.Subscription{
		{Filters: []string{topic(t, "a"), topic(t, "b/+"), topic(t, "c")}, Handle: collect(got)},
	}})
	w := take(t, h, devices.Session{ClientID: "writer"})
	var want []string
	for i := range messages {
		want = append(want, strconv.Itoa(i))
		publish(t, w, devices.Message{Topic: topic(t, []string{"a", "b/x", "c"}[i%3]), Payload: []byte(want[i]), QoS: 1})
	}
	var all []string
	for range messages {
		all = append(all, Wait(t, got, "a message"))
	}
	if diff := cmp.Diff(want, all); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
}

func exerciseRetained(t *testing.T, h Harness) {
	w := take(t, h, devices.Session{ClientID: "writer"})
	msg := devices.Message{Topic: topic(t, "state"), Payload: []byte("old"), QoS: 1, Retain: true}
	gone := devices.Message{Topic: topic(t, "gone"), Payload: []byte("x"), QoS: 1, Retain: true}
	publish(t, w, msg, gone)
	gone.Payload = nil
	publish(t, w, gone)
	got := make(chan string, 10)
	take(t, h, devices.Session{ClientID: "reader", Subscriptions: []devices.Subscription{
		{Filters: []string{topic(t, "+")}, Handle: func(_ context.Context, m devices.Message) {
			if len(m.Payload) > 0 { // a broker may acknowledge the clearing before it has sent it on
				got <- fmt.Sprintf("%s retained=%t", m.Payload, m.Retain)
			}
		}},
	}})
	if m := Wait(t, got, "the retained message"); m != "old retained=true" {
		t.Errorf("first message = %q; want the retained one", m)
	}
	msg.Payload = []byte("new")
	publish(t, w, msg)
	if m := Wait(t, got, "the live message"); m != "new retained=false" {
		t.Errorf("second message = %q; want the live one", m)
	}
}

// exerciseEcho answers a burst from within the handler: a bus whose handlers
// hold up its own acknowledgements hangs here.
func exerciseEcho(t *testing.T, h Harness) {
	const messages = 500
	got := make(chan string, messages)
	var bus devices.Bus
	ready := make(chan struct{})
	bus = take(t, h, devices.Session{ClientID: "echo", Subscriptions: []devices.Subscription{
		{Filters: []string{topic(t, "ask")}, Handle: func(ctx context.Context, m devices.Message) {
			<-ready
			if err := bus.Publish(ctx, devices.Message{Topic: topic(t, "answer"), Payload: m.Payload, QoS: 1}); err != nil {
				t.Error(err)
			}
		}},
		{Filters: []string{topic(t, "answer")}, Handle: collect(got)},
	}})
	close(ready)
	w := take(t, h, devices.Session{ClientID: "writer"})
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			for range messages / 10 {
				if err := w.Publish(t.Context(), devices.Message{Topic: topic(t, "ask"), Payload: []byte("x"), QoS: 1}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for range messages {
		Wait(t, got, "an answer")
	}
}

func exerciseBlocked(t *testing.T, h Harness) {
	release, got := make(chan struct{}), make(chan string, 2)
	take(t, h, devices.Session{ClientID: "reader", Subscriptions: []devices.Subscription{
		{Filters: []string{topic(t, "slow")}, Handle: func(context.Context, devices.Message) { <-release }},
		{Filters: []string{topic(t, "fast")}, Handle: collect(got)},
	}})
	defer close(release)
	w := take(t, h, devices.Session{ClientID: "writer"})
	publish(t, w, devices.Message{Topic: topic(t, "slow"), QoS: 1}, devices.Message{Topic: topic(t, "fast"), Payload: []byte("hello"), QoS: 1})
	Wait(t, got, "the message beside a blocked handler")
}

func exerciseShared(t *testing.T, h Harness) {
	const messages = 60
	got := make(chan string, 4*messages)
	for _, name := range []string{"one", "two"} {
		take(t, h, devices.Session{ClientID: name, Subscriptions: []devices.Subscription{
			{Filters: []string{devices.Shared("group", topic(t, "+/ev"))}, Handle: func(_ context.Context, m devices.Message) {
				got <- name + " " + string(m.Payload)
			}},
		}})
	}
	w := take(t, h, devices.Session{ClientID: "writer"})
	for i := range messages {
		publish(t, w, devices.Message{Topic: topic(t, "d/ev"), Payload: []byte(strconv.Itoa(i)), QoS: 1})
	}
	seen, by := map[string]bool{}, map[string]int{}
	for range messages {
		var name, payload string
		if _, err := fmt.Sscan(Wait(t, got, "a shared message"), &name, &payload); err != nil {
			t.Fatal(err)
		}
		if seen[payload] {
			t.Errorf("message %s came twice", payload)
		}
		seen[payload] = true
		by[name]++
	}
	if by["one"] == 0 || by["two"] == 0 {
		t.Errorf("messages divided %v; want some for each", by)
	}
}

func exerciseWill(t *testing.T, h Harness) {
	got := make(chan string, 10)
	take(t, h, devices.Session{ClientID: "reader", Subscriptions: []devices.Subscription{
		{Filters: []string{topic(t, "+")}, Handle: collect(got)},
	}})
	will := func(s string) *devices.Message {
		return &devices.Message{Topic: topic(t, "conn"), Payload: []byte(s), QoS: 1, Retain: true}
	}
	orderly := take(t, h, devices.Session{ClientID: "orderly", Will: will("a will of one who closed")})
	if err := orderly.Close(); err != nil {
		t.Error(err)
	}
	take(t, h, devices.Session{ClientID: "victim", Will: will("lost")})
	h.Drop("victim-" + clean(t.Name()))
	if m := Wait(t, got, "the will"); m != "lost" {
		t.Errorf("will = %q; want lost", m)
	}
	dead := take(t, h, devices.Session{ClientID: "dead", Will: will("dead")})
	dead.Cut()
	m := Wait(t, got, "the will of one who was cut")
	for m == "lost" { // a broker may tell it twice
		m = Wait(t, got, "the will of one who was cut")
	}
	if m != "dead" {
		t.Errorf("will = %q; want dead", m)
	}
}

func exerciseReconnect(t *testing.T, h Harness) {
	got, up, down := make(chan string, 10), make(chan devices.Bus, 10), make(chan error, 10)
	take(t, h, devices.Session{
		ClientID: "reader",
		Subscriptions: []devices.Subscription{
			{Filters: []string{topic(t, "a"), topic(t, "b")}, Handle: collect(got)},
		},
		Up:   func(_ context.Context, bus devices.Bus) { up <- bus },
		Down: func(err error) { down <- err },
	})
	Wait(t, up, "the first connect")
	for range 3 {
		h.Drop("reader-" + clean(t.Name()))
		if err := Wait(t, down, "the loss"); err == nil {
			t.Error("Down ran without a cause")
		}
		bus := Wait(t, up, "the reconnect")
		publish(t, bus, devices.Message{Topic: topic(t, "b"), Payload: []byte("back"), QoS: 1})
		Wait(t, got, "a message after the reconnect")
	}
}

func exerciseLarge(t *testing.T, h Harness) {
	got := make(chan string, 1)
	take(t, h, devices.Session{ClientID: "reader", Subscriptions: []devices.Subscription{
		{Filters: []string{topic(t, "large")}, Handle: collect(got)},
	}})
	w := take(t, h, devices.Session{ClientID: "writer"})
	payload := bytes.Repeat([]byte("0123456789abcdef"), devices.MaxEvent/16)
	publish(t, w, devices.Message{Topic: topic(t, "large"), Payload: payload, QoS: 1})
	if m := Wait(t, got, "the large message"); m != string(payload) {
		t.Errorf("%d bytes arrived; want the same %d", len(m), len(payload))
	}
}

func exerciseClosed(t *testing.T, h Harness) {
	bus := take(t, h, devices.Session{ClientID: "closed"})
	if err := bus.Close(); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	defer cancel()
	err := bus.Publish(ctx, devices.Message{Topic: topic(t, "x"), QoS: 1})
	if lab.KindOf(err) != lab.Unavailable || ctx.Err() != nil {
		t.Errorf("Publish after Close = %v; want unavailable, at once", err)
	}
}
