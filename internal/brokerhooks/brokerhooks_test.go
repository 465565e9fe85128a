package brokerhooks_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/devices/devicestest"
	"github.com/athanor-lab/athanor/devices/mqtt"
	"github.com/athanor-lab/athanor/devices/mqtt/mqtttest"
)

// TestBackAtOnce kills clients and brings them back under the same name at once, many side by side: each must hear what is said to it.
func TestBackAtOnce(t *testing.T) {
	t.Parallel()
	dial := mqtt.Dialer(mqtttest.Start(t).Options())
	var clients sync.WaitGroup
	for n := range 32 {
		clients.Go(func() {
			for round := range 25 {
				if err := once(t, dial, fmt.Sprint("client-", n), round); err != nil {
					t.Errorf("client %d, connection %d: %v", n, round+1, err)
					return
				}
			}
		})
	}
	clients.Wait()
}

func once(t *testing.T, dial devices.Dialer, name string, round int) error {
	heard := make(chan string, 8)
	bus, err := dial(t.Context(), devices.Session{ClientID: name, Subscriptions: []devices.Subscription{{
		Filters: []string{name},
		Handle:  func(_ context.Context, m devices.Message) { heard <- string(m.Payload) },
	}}})
	if err != nil {
		return err
	}
	defer bus.Cut() // as a process that is killed
	want := fmt.Sprint(round)
	if err := bus.Publish(t.Context(), devices.Message{Topic: name, Payload: []byte(want), QoS: 1}); err != nil {
		return err
	}
	select {
	case got := <-heard:
		if got != want {
			return fmt.Errorf("heard %q, want %q", got, want)
		}
		return nil
	case <-time.After(devicestest.Patience):
		return fmt.Errorf("connected, and deaf")
	}
}

// TestSubscribeWhileMessagesAreOnTheirWay subscribes while the client has as many unacknowledged messages as it has sent packets, so
// that the numbers on both ways meet: it must hear what it subscribed to.
func TestSubscribeWhileMessagesAreOnTheirWay(t *testing.T) {
	t.Parallel()
	dial := mqtt.Dialer(mqtttest.Start(t).Options())
	speaker, err := dial(t.Context(), devices.Session{ClientID: "speaker"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = speaker.Close() }()
	for n := range 8 {
		if err := speaker.Publish(t.Context(), devices.Message{Topic: fmt.Sprint("many/", n), Payload: []byte("x"), QoS: 1, Retain: true}); err != nil {
			t.Fatal(err)
		}
	}
	held, heard := make(chan struct{}), make(chan string, 8)
	listener, err := dial(t.Context(), devices.Session{ClientID: "listener", Subscriptions: []devices.Subscription{
		{Filters: []string{"many/+"}, Handle: func(context.Context, devices.Message) { <-held }}, // acknowledged later
		{Filters: []string{"one", "two", "three"}, Handle: func(_ context.Context, m devices.Message) { heard <- m.Topic }},
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	defer close(held)
	for _, topic := range []string{"one", "two", "three"} {
		if err := speaker.Publish(t.Context(), devices.Message{Topic: topic, Payload: []byte("x"), QoS: 1}); err != nil {
			t.Fatal(err)
		}
		if got := devicestest.Wait(t, heard, topic); got != topic {
			t.Errorf("heard %s, want %s", got, topic)
		}
	}
}
