package brokerhooks

import (
	"sync"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// packetIDs keeps apart what MQTT keeps apart: client and server each number their packets by themselves ([MQTT-2.2.1-4] and the section
// around it), so that a SUBSCRIBE 2 has nothing to do with a PUBLISH 2 to the same client that it has not acknowledged yet. The library
// answers such a SUBSCRIBE with 0x91, "packet identifier in use", even to a client of MQTT 3.1.1, where that code does not exist.
//
// A message on its way is taken aside while a request of the same number is handled.
type packetIDs struct {
	mqtt.HookBase
	mu    sync.Mutex
	aside map[*mqtt.Client]packets.Packet
}

// ID names the hook.
func (h *packetIDs) ID() string { return "athanor-packet-ids" }

// Provides names the events on both sides of the library's look at the number.
func (h *packetIDs) Provides(event byte) bool {
	switch event {
	case mqtt.OnSubscribe, mqtt.OnSubscribed, mqtt.OnUnsubscribe, mqtt.OnUnsubscribed:
		return true
	}
	return false
}

// OnSubscribe is called before the look.
func (h *packetIDs) OnSubscribe(cl *mqtt.Client, pk packets.Packet) packets.Packet {
	return h.take(cl, pk)
}

// OnUnsubscribe is called before the look.
func (h *packetIDs) OnUnsubscribe(cl *mqtt.Client, pk packets.Packet) packets.Packet {
	return h.take(cl, pk)
}

// OnSubscribed is called after it, in the same loop.
func (h *packetIDs) OnSubscribed(cl *mqtt.Client, _ packets.Packet, _ []byte) { h.putBack(cl) }

// OnUnsubscribed is called after it, in the same loop, and when a session ends.
func (h *packetIDs) OnUnsubscribed(cl *mqtt.Client, _ packets.Packet) { h.putBack(cl) }

func (h *packetIDs) take(cl *mqtt.Client, pk packets.Packet) packets.Packet {
	if out, ok := cl.State.Inflight.Get(pk.PacketID); ok {
		h.mu.Lock()
		h.aside[cl] = out
		h.mu.Unlock()
		cl.State.Inflight.Delete(pk.PacketID)
	}
	return pk
}

func (h *packetIDs) putBack(cl *mqtt.Client) {
	h.mu.Lock()
	out, ok := h.aside[cl]
	delete(h.aside, cl)
	h.mu.Unlock()
	if ok {
		cl.State.Inflight.Set(out)
	}
}
