package embedded_test

import (
	"bytes"
	"net"
	"strings"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/athanor-lab/athanor/internal/embedded"
)

const patience = 20 * time.Second // for what takes milliseconds on a quiet machine

func startBroker(t *testing.T, opts embedded.BrokerOptions) *embedded.Broker {
	t.Helper()
	opts.Addr, opts.Logger = "127.0.0.1:0", testLogger(t)
	b, err := embedded.StartBroker(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Stop() })
	return b
}

func connect(t *testing.T, b *embedded.Broker, id string, set ...func(*mqtt.ClientOptions)) mqtt.Client {
	t.Helper()
	o := mqtt.NewClientOptions().AddBroker(b.URL()).SetClientID(id).SetAutoReconnect(false)
	for _, s := range set {
		s(o)
	}
	c := mqtt.NewClient(o)
	done(t, "connect "+id, c.Connect())
	t.Cleanup(func() { c.Disconnect(0) })
	return c
}

func done(t *testing.T, what string, token mqtt.Token) {
	t.Helper()
	if !token.WaitTimeout(patience) {
		t.Fatalf("%s: no answer", what)
	}
	if err := token.Error(); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// subscribe returns what arrives.
func subscribe(t *testing.T, c mqtt.Client, filter string) <-chan mqtt.Message {
	t.Helper()
	got := make(chan mqtt.Message, 1000)
	done(t, "subscribe "+filter, c.Subscribe(filter, 1, func(_ mqtt.Client, m mqtt.Message) { got <- m }))
	return got
}

func receive(t *testing.T, got <-chan mqtt.Message) mqtt.Message {
	t.Helper()
	select {
	case m := <-got:
		return m
	case <-time.After(patience):
		t.Fatal("no message")
		return nil
	}
}

func TestBrokerRoundTrip(t *testing.T) {
	t.Parallel()
	b := startBroker(t, embedded.BrokerOptions{})
	device, gateway := connect(t, b, "device"), connect(t, b, "gateway")
	commands, events := subscribe(t, device, "ldp/1/lab/heater/cmd"), subscribe(t, gateway, "ldp/1/lab/+/ev")
	body := bytes.Repeat([]byte("x"), 100_000)
	done(t, "command", gateway.Publish("ldp/1/lab/heater/cmd", 1, false, body))
	if m := receive(t, commands); !bytes.Equal(m.Payload(), body) || m.Qos() != 1 {
		t.Errorf("command arrives with %d bytes at QoS %d, want %d at 1", len(m.Payload()), m.Qos(), len(body))
	}
	done(t, "event", device.Publish("ldp/1/lab/heater/ev", 1, false, "done"))
	if m := receive(t, events); string(m.Payload()) != "done" || m.Topic() != "ldp/1/lab/heater/ev" {
		t.Errorf("event is %q on %s", m.Payload(), m.Topic())
	}
	if b.Dropped() != 0 || b.Clients() != 2 {
		t.Errorf("dropped %d of %d clients, want 0 of 2", b.Dropped(), b.Clients())
	}
}

// TestBrokerTellsOfTheDead wants a device's retained words for who comes later, and its last will when its connection breaks.
func TestBrokerTellsOfTheDead(t *testing.T) {
	t.Parallel()
	b := startBroker(t, embedded.BrokerOptions{})
	watching := subscribe(t, connect(t, b, "watching"), "c")
	device, err := net.Dial("tcp", b.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = device.Close() }()
	// MQTT 3.1.1: CONNECT as "device" with the retained will "lost" on "c", then PUBLISH the retained "here" to "c".
	hello := "\x10\x1b\x00\x04MQTT\x04\x2e\x00\x00\x00\x06device\x00\x01c\x00\x04lost" + "\x31\x07\x00\x01chere"
	if _, err := device.Write([]byte(hello)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"here", "lost"} {
		m := receive(t, watching)
		for m.Retained() { // the broker acknowledges a subscription before it looks for retained words, which may have come since
			m = receive(t, watching)
		}
		if string(m.Payload()) != want {
			t.Errorf("who watches hears %q, want %q", m.Payload(), want)
		}
		if m := receive(t, subscribe(t, connect(t, b, "late for "+want), "c")); string(m.Payload()) != want || !m.Retained() {
			t.Errorf("who comes late hears %q, retained %t, want the retained %q", m.Payload(), m.Retained(), want)
		}
		_ = device.Close() // without a word
	}
}

func TestBrokerRefusesWhatIsTooLarge(t *testing.T) {
	t.Parallel()
	b := startBroker(t, embedded.BrokerOptions{MaxMessageBytes: 10_000})
	lost := make(chan error, 1)
	sender := connect(t, b, "sender", func(o *mqtt.ClientOptions) {
		o.SetConnectionLostHandler(func(_ mqtt.Client, err error) { lost <- err })
	})
	got := subscribe(t, connect(t, b, "receiver"), "#")
	done(t, "publish what fits", sender.Publish("t", 1, false, bytes.Repeat([]byte("x"), 9_900)))
	receive(t, got)
	sender.Publish("t", 1, false, bytes.Repeat([]byte("x"), 10_001))
	select {
	case <-lost:
	case <-time.After(patience):
		t.Fatal("the sender of an oversized message stays connected")
	}
	done(t, "publish what fits", connect(t, b, "other").Publish("t", 1, false, "next"))
	if m := receive(t, got); string(m.Payload()) != "next" {
		t.Errorf("received %d bytes after the oversized message, want %q", len(m.Payload()), "next")
	}
}

// TestBrokerCountsWhatItDrops floods a subscriber that does not read.
func TestBrokerCountsWhatItDrops(t *testing.T) {
	t.Parallel()
	b := startBroker(t, embedded.BrokerOptions{})
	deaf, err := net.Dial("tcp", b.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = deaf.Close() }()
	// MQTT 3.1.1: CONNECT as "deaf" with a clean session, then SUBSCRIBE to "t" at QoS 0, and never read again.
	hello := "\x10\x10\x00\x04MQTT\x04\x02\x00\x00\x00\x04deaf" + "\x82\x06\x00\x01\x00\x01t\x00"
	if _, err := deaf.Write([]byte(hello)); err != nil {
		t.Fatal(err)
	}
	within(t, patience, "the deaf one is subscribed", func() bool { return b.Clients() == 1 })
	sender := connect(t, b, "sender")
	payload := bytes.Repeat([]byte("x"), 2048)
	for n := 0; b.Dropped() == 0; n++ {
		done(t, "publish", sender.Publish("t", 0, false, payload))
		if n > 1_000_000 {
			t.Fatal("a million messages for one that does not read, and none is counted as dropped")
		}
	}
}

func TestBrokerRefusesAddresses(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]string{
		"0.0.0.0:1883": "not on loopback", ":1883": "not on loopback", "192.0.2.1:1883": "not on loopback", "1883": "host:port",
	} {
		_, err := embedded.StartBroker(embedded.BrokerOptions{Addr: addr})
		wantError(t, err, want)
	}
	b := startBroker(t, embedded.BrokerOptions{})
	_, err := embedded.StartBroker(embedded.BrokerOptions{Addr: b.Addr()})
	wantError(t, err, "address already in use", "choose another port")
}

// deviceAuth lets each user into its own topics only.
type deviceAuth struct{}

func (deviceAuth) Connect(c embedded.BrokerClient, password []byte) bool {
	return string(password) == "secret of "+c.Username
}

func (deviceAuth) Publish(c embedded.BrokerClient, topic string) bool {
	return strings.HasPrefix(topic, c.Username+"/")
}

func (a deviceAuth) Subscribe(c embedded.BrokerClient, filter string) bool {
	return a.Publish(c, filter)
}

func TestBrokerAsksWhoMay(t *testing.T) {
	t.Parallel()
	b := startBroker(t, embedded.BrokerOptions{Auth: deviceAuth{}})
	as := func(user, password string) func(*mqtt.ClientOptions) {
		return func(o *mqtt.ClientOptions) { o.SetUsername(user).SetPassword(password) }
	}
	heater := connect(t, b, "heater", as("heater", "secret of heater"))
	own := subscribe(t, heater, "heater/cmd")
	done(t, "publish to its own", heater.Publish("heater/cmd", 1, false, "warm"))
	receive(t, own)

	stranger := mqtt.NewClient(mqtt.NewClientOptions().AddBroker(b.URL()).SetClientID("x").SetUsername("heater").SetPassword("guess"))
	if token := stranger.Connect(); !token.WaitTimeout(patience) || token.Error() == nil {
		t.Error("a wrong password is accepted")
	}
	token := heater.Subscribe("hplc/cmd", 1, nil).(*mqtt.SubscribeToken)
	if !token.WaitTimeout(patience) || token.Result()["hplc/cmd"] != 0x80 {
		t.Errorf("subscription to another device's topic is answered %v, %v, want 0x80", token.Result(), token.Error())
	}
	lost := make(chan error, 1)
	forger := connect(t, b, "forger", as("robot", "secret of robot"), func(o *mqtt.ClientOptions) {
		o.SetConnectionLostHandler(func(_ mqtt.Client, err error) { lost <- err })
	})
	forger.Publish("heater/cmd", 1, false, "burn")
	select {
	case <-lost:
	case <-time.After(patience):
		t.Error("who publishes to another device's topic stays connected")
	}
	done(t, "publish to its own", heater.Publish("heater/cmd", 1, false, "cool"))
	if m := receive(t, own); string(m.Payload()) != "cool" {
		t.Errorf("the forged message arrives: %q", m.Payload())
	}
}
