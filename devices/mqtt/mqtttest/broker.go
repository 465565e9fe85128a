// Package mqtttest runs a real MQTT broker inside a test.
package mqtttest

import (
	"io"
	"log/slog"
	"net"
	"testing"
	"time"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/hooks/auth"
	"github.com/mochi-mqtt/server/v2/listeners"

	"github.com/athanor-lab/athanor/devices/mqtt"
	"github.com/athanor-lab/athanor/internal/brokerhooks"
)

// patience is how long a port may be taken by something else.
const patience = 20 * time.Second

// Broker is a broker on a TCP port of this machine. Like a broker without
// persistence, it forgets everything when it stops.
type Broker struct {
	t      testing.TB
	addr   string
	server *mochi.Server
}

// Start runs a broker until the test ends.
func Start(t testing.TB) *Broker {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &Broker{t: t, addr: l.Addr().String()}
	b.serve(l) // the port is never let go, or something else could take it
	t.Cleanup(b.Stop)
	return b
}

// Start brings a stopped broker back on the same port, which a connection of
// some other test may have taken for a moment.
func (b *Broker) Start() {
	b.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) { //nolint:forbidigo // nobody tells when a port is free
		l, err := net.Listen("tcp", b.addr)
		if err == nil {
			b.serve(l)
			return
		}
		if time.Now().After(deadline) {
			b.t.Fatal(err)
		}
	}
}

func (b *Broker) serve(l net.Listener) {
	b.t.Helper()
	b.server = mochi.New(&mochi.Options{Logger: slog.New(slog.DiscardHandler), InlineClient: true})
	if err := b.server.AddHook(new(auth.AllowHook), nil); err != nil {
		b.t.Fatal(err)
	}
	if err := brokerhooks.Add(b.server); err != nil {
		b.t.Fatal(err)
	}
	if err := b.server.AddListener(brokerhooks.Listener(b.server, listeners.NewNet("tcp", l))); err != nil {
		b.t.Fatal(err)
	}
	if err := b.server.Serve(); err != nil {
		b.t.Fatal(err)
	}
}

// Stop ends the broker and all its links.
func (b *Broker) Stop() {
	if b.server != nil {
		_ = b.server.Close()
		b.server = nil
	}
}

// Drop cuts the link of a client without a word.
func (b *Broker) Drop(client string) {
	if c, ok := b.server.Clients.Get(client); ok {
		c.Stop(io.ErrUnexpectedEOF)
	}
}

// Options returns how to reach the broker.
func (b *Broker) Options() mqtt.Options {
	return mqtt.Options{URL: "mqtt://" + b.addr, Patience: 5 * time.Second}
}
