package brokerhooks

import (
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// patience bounds the wait for an old connection's end, which takes microseconds once it is closed.
const patience = 2 * time.Second

// takeover makes a new connection wait until the old one of the same name is gone, its last will published. It belongs to one server.
//
// The library hands a name over without waiting for the old connection's end. When that end comes late (the old process was killed a
// moment ago), it takes the new connection's subscriptions and its place among the clients with it.
type takeover struct {
	mqtt.HookBase
	server *mqtt.Server
}

// ID names the hook.
func (h *takeover) ID() string { return "athanor-takeover" }

// Provides names the one event that the hook is for.
func (h *takeover) Provides(event byte) bool { return event == mqtt.OnSessionEstablish }

// OnSessionEstablish is called before the new connection takes its place.
func (h *takeover) OnSessionEstablish(cl *mqtt.Client, _ packets.Packet) {
	old, ok := h.server.Clients.Get(cl.ID)
	if !ok || !forgotten(old) {
		return
	}
	if old.Properties.ProtocolVersion == 5 {
		_ = h.server.DisconnectClient(old, packets.ErrSessionTakenOver) // tells it why; it is closed either way
	} else {
		old.Stop(packets.ErrSessionTakenOver)
	}
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(time.Millisecond) { //nolint:forbidigo // the library does not tell when a client is gone
		if now, ok := h.server.Clients.Get(cl.ID); !ok || now != old {
			return
		}
	}
}

// forgotten reports whether the broker forgets a session with its connection. One that outlives it is handed over whole.
func forgotten(cl *mqtt.Client) bool {
	p := &cl.Properties
	return p.ProtocolVersion == 5 && p.Props.SessionExpiryInterval == 0 || p.ProtocolVersion < 5 && p.Clean
}
