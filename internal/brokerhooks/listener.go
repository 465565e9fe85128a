package brokerhooks

import (
	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"
)

// Listener returns l with a closing that ends. The server finds a listener's clients
// under a lock for reading that it takes twice (Clients.GetByListener and Len, at
// v2.7.9): when a client goes in between, its goroutine waits for the first to be let
// go of, the second waits for that goroutine, and the server is never closed.
func Listener(server *mqtt.Server, l listeners.Listener) listeners.Listener {
	return closing{l, server}
}

type closing struct {
	listeners.Listener
	server *mqtt.Server
}

// Close implements [listeners.Listener].
func (c closing) Close(listeners.CloseFn) {
	c.Listener.Close(func(id string) {
		for _, client := range c.server.Clients.GetAll() {
			if client.Net.Listener == id && !client.Closed() {
				_ = c.server.DisconnectClient(client, packets.ErrServerShuttingDown) // it is going anyway
			}
		}
	})
}
