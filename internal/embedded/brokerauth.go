package embedded

import (
	"context"
	"crypto/tls"
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

	// Certificate is the common name of a certificate that the listener has verified, or "".
	Certificate string
	Serial      string // of that certificate, in decimal digits
}

// Account is who the client is, once it is connected: by its certificate, or by its user name, whose password was right.
func (c BrokerClient) Account() string {
	if c.Certificate != "" {
		return c.Certificate
	}
	return c.Username
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
	auth map[string]BrokerAuth // by listener
}

// ID names the hook.
func (h *authHook) ID() string { return "athanor-auth" }

// Provides names the events that the hook is for.
func (h *authHook) Provides(event byte) bool {
	return event == mqtt.OnConnectAuthenticate || event == mqtt.OnACLCheck
}

// OnConnectAuthenticate is called once for each connection. A last will that the client may not publish itself is refused with it: the
// library publishes wills without asking.
func (h *authHook) OnConnectAuthenticate(cl *mqtt.Client, pk packets.Packet) bool {
	if pk.Connect.WillFlag && !h.auth[cl.Net.Listener].Publish(brokerClient(cl), pk.Connect.WillTopic) {
		return false
	}
	return h.auth[cl.Net.Listener].Connect(brokerClient(cl), pk.Connect.Password)
}

// OnACLCheck is called for each publish, each subscription, and each delivery.
func (h *authHook) OnACLCheck(cl *mqtt.Client, topic string, write bool) bool {
	if write {
		return h.auth[cl.Net.Listener].Publish(brokerClient(cl), topic)
	}
	return h.auth[cl.Net.Listener].Subscribe(brokerClient(cl), topic)
}

func brokerClient(cl *mqtt.Client) BrokerClient {
	c := BrokerClient{ID: cl.ID, Username: string(cl.Properties.Username), Remote: cl.Net.Remote}
	if conn, ok := cl.Net.Conn.(*tls.Conn); ok {
		// The handshake is over: the client has said who it is. What it gave was verified, or there would be no connection.
		if certs := conn.ConnectionState().PeerCertificates; len(certs) > 0 {
			c.Certificate, c.Serial = certs[0].Subject.CommonName, certs[0].SerialNumber.String()
		}
	}
	return c
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
