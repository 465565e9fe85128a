package mqtt_test

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/devices/devicestest"
	"github.com/athanor-lab/athanor/devices/mqtt"
	"github.com/athanor-lab/athanor/devices/mqtt/mqtttest"
	"github.com/athanor-lab/athanor/lab"
)

// TestBus runs the suite of every bus against a real broker.
func TestBus(t *testing.T) {
	t.Parallel()
	devicestest.Exercise(t, func(t *testing.T) devicestest.Harness {
		b := mqtttest.Start(t)
		return devicestest.Harness{Dial: mqtt.Dialer(b.Options()), Drop: b.Drop}
	})
}

// TestBusOnNamedBroker runs the parts of the suite that need no power over the
// broker where TEST_MQTT_URL names one, such as a mosquitto.
func TestBusOnNamedBroker(t *testing.T) {
	url := os.Getenv("TEST_MQTT_URL")
	if url == "" {
		t.Log("TEST_MQTT_URL names no broker; the one inside the test has been exercised")
		return
	}
	devicestest.ExerciseLink(t, func(*testing.T) devices.Dialer { return mqtt.Dialer(mqtt.Options{URL: url}) })
}

// TestBrokerRestart wants a session to come back by itself, within 3 s of the
// broker's return, with its subscriptions.
func TestBrokerRestart(t *testing.T) {
	t.Parallel()
	b := mqtttest.Start(t)
	got, up, down := make(chan string, 10), make(chan devices.Bus, 10), make(chan error, 10)
	bus, err := mqtt.Dialer(b.Options())(t.Context(), devices.Session{
		ClientID: "reader",
		Subscriptions: []devices.Subscription{
			{Filters: []string{"a"}, Handle: func(_ context.Context, m devices.Message) { got <- string(m.Payload) }},
		},
		Up:   func(_ context.Context, bus devices.Bus) { up <- bus },
		Down: func(err error) { down <- err },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = bus.Close() }()
	devicestest.Wait(t, up, "the first connect")
	for range 3 {
		b.Stop()
		devicestest.Wait(t, down, "the loss")
		if err := bus.Publish(t.Context(), devices.Message{Topic: "a", QoS: 1}); lab.KindOf(err) != lab.Unavailable {
			t.Errorf("Publish without a broker = %v; want unavailable", err)
		}
		b.Start()
		since := time.Now()
		bus := devicestest.Wait(t, up, "the reconnect")
		if took := time.Since(since); took > 3*time.Second {
			t.Errorf("the link came back after %s; want at most 3 s", took)
		}
		if err := bus.Publish(t.Context(), devices.Message{Topic: "a", Payload: []byte("back"), QoS: 1}); err != nil {
			t.Error(err)
		}
		devicestest.Wait(t, got, "a message after the restart")
	}
}

// TestDialSaysWhatIsWrong wants a clear error where no broker can be reached.
func TestDialSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	b := mqtttest.Start(t)
	b.Stop()
	for _, c := range []struct {
		name, url, want string
		kind            lab.ErrorKind
	}{
		{"NoBroker", b.Options().URL, "is it running?", lab.Unavailable},
		{"NoScheme", "localhost:1883", "not of the form mqtt://host:1883", lab.Invalid},
		{"OtherScheme", "http://localhost", "not of the form mqtt://host:1883", lab.Invalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := mqtt.Dialer(mqtt.Options{URL: c.url, Patience: 300 * time.Millisecond})(t.Context(), devices.Session{ClientID: "x"})
			if err == nil || !strings.Contains(err.Error(), c.want) || lab.KindOf(err) != c.kind {
				t.Errorf("dial %s = %v (%q); want %q (%q)", c.url, err, lab.KindOf(err), c.want, c.kind)
			}
		})
	}
}
