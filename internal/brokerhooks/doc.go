// Package brokerhooks mends faults of the library behind the embedded MQTT broker (2.7.9). Two leave a client connected and deaf: its own
// messages pass, it is seen online, and what is said to it never arrives. For a device that is a lost command.
//
//   - [takeover]: a client that comes back under its own name at once has its new subscriptions taken down with its old connection.
//   - [packetIDs]: a subscription is refused whose packet identifier is, by chance, that of a message on its way to the same client.
//
// A third keeps a server from closing when a client goes at that moment: see [Listener].
package brokerhooks

import (
	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// Add adds the hooks to a server, before it serves.
func Add(server *mqtt.Server) error {
	for _, hook := range []mqtt.Hook{&takeover{server: server}, &packetIDs{aside: map[*mqtt.Client]packets.Packet{}}} {
		if err := server.AddHook(hook, nil); err != nil {
			return err
		}
	}
	return nil
}
