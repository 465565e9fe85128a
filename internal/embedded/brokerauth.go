package embedded

import (
	"context"
	"log/slog"
	"net"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// BrokerAuth decides who may use the broker, and for what. It is asked from many goroutines at once, for every message: it must be
// quick and must not wait for anything.
type BrokerAuth interface {
	// Connect decides whether a client may connect.
	Connect(c BrokerClient, password []byte) bool
	// Publish decides whether a connected client may publish to a topic. A message that may not is discarded, and an MQTT 3.1.1
	// client that wanted it acknowledged is disconnected, since that version cannot be told otherwise.
	Publish(c BrokerClient, topic string) bool
	// Subscribe decides whether a connected client may subscribe to a topic filter, and receive a message from a topic.
	Subscribe(c BrokerClient, filter string) bool
}

// BrokerClient is who asks.
type BrokerClient struct {
	ID       string // chosen by the client; proves nothing
	Username string
	Remote   string // host:port
}

// AllowAll lets every client do everything. It is for a broker that only this machine can reach, and refuses connections from
// elsewhere.
type AllowAll struct{}

// Connect allows what comes from this machine.
func (AllowAll) Connect(c BrokerClient, _ []byte) bool {
	host, _, err := net.SplitHostPort(c.Remote)
	ip := net.ParseIP(host)
	return err == nil && ip != nil && ip.IsLoopback()
}

// Publish allows it.
func (AllowAll) Publish(BrokerClient, string) bool { return true }

// Subscribe allows it.
func (AllowAll) Subscribe(BrokerClient, string) bool { return true }

// authHook asks a BrokerAuth in the words of the library.
type authHook struct {
	mqtt.HookBase
	auth BrokerAuth
}

// ID names the hook.
func (h *authHook) ID() string { return "athanor-auth" }

// Provides names the events that the hook is for.
func (h *authHook) Provides(event byte) bool {
	return event == mqtt.OnConnectAuthenticate || event == mqtt.OnACLCheck
}

// OnConnectAuthenticate is called once for each connection.
func (h *authHook) OnConnectAuthenticate(cl *mqtt.Client, pk packets.Packet) bool {
	return h.auth.Connect(brokerClient(cl), pk.Connect.Password)
}

// OnACLCheck is called for each publish, each subscription, and each delivery.
func (h *authHook) OnACLCheck(cl *mqtt.Client, topic string, write bool) bool {
	if write {
		return h.auth.Publish(brokerClient(cl), topic)
	}
	return h.auth.Subscribe(brokerClient(cl), topic)
}

func brokerClient(cl *mqtt.Client) BrokerClient {
	return BrokerClient{ID: cl.ID, Username: string(cl.Properties.Username), Remote: cl.Net.Remote}
}

// quietBelow drops records below a level: the library logs each client that comes, goes or sends nonsense.
type quietBelow struct {
	slog.Handler
	level slog.Level
}

// Enabled reports whether records of a level are kept.
func (q quietBelow) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= q.level && q.Handler.Enabled(ctx, level)
}

// WithAttrs keeps the level.
func (q quietBelow) WithAttrs(attrs []slog.Attr) slog.Handler {
	return quietBelow{q.Handler.WithAttrs(attrs), q.level}
}

// WithGroup keeps the level.
func (q quietBelow) WithGroup(name string) slog.Handler {
	return quietBelow{q.Handler.WithGroup(name), q.level}
}
