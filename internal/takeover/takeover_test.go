package takeover_test

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
