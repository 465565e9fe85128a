package brokerhooks_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/devices/devicestest"
	"github.com/athanor-lab/athanor/devices/mqtt"
	"github.com/athanor-lab/athanor/devices/mqtt/mqtttest"
	"github.com/athanor-lab/athanor/internal/brokerhooks"
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
	want := strconv.Itoa(round)
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
		return errors.New("connected, and deaf")
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

// TestClosesWhileClientsGo closes servers that clients keep leaving: each must have closed.
func TestClosesWhileClientsGo(t *testing.T) {
	t.Parallel()
	for range 40 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		server := mochi.New(&mochi.Options{Logger: slog.New(slog.DiscardHandler)})
		if err := errors.Join(server.AddListener(brokerhooks.Listener(server, listeners.NewNet("tcp", l))), server.Serve()); err != nil {
			t.Fatal(err)
		}
		closed := make(chan struct{})
		var leaving sync.WaitGroup
		for range 4 {
			leaving.Go(func() {
				for {
					select {
					case <-closed:
						return
					default:
						server.Clients.Delete("somebody") // as the server does when one has gone
					}
				}
			})
		}
		go func() {
			defer close(closed)
			_ = server.Close()
		}()
		select {
		case <-closed:
			leaving.Wait()
		case <-time.After(devicestest.Patience):
			t.Fatal("a server whose clients leave does not close")
		}
	}
}
