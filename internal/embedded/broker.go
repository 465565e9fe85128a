package embedded

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"

	"github.com/athanor-lab/athanor/internal/brokerhooks"
)

const (
	// DefaultMaxMessageBytes is the largest MQTT packet that is accepted when nothing else is said. Commands and events are a few
	// kilobytes; raw data travels over HTTP.
	DefaultMaxMessageBytes = 1 << 20

	// writesPending is how many messages may wait for one subscriber. The broker drops what comes after them, QoS 1 and 2 included,
	// so it has to hold the largest burst: all devices answering one slow gateway. A place costs 8 bytes a client, whose memory is
	// taken only once used, and time at each garbage collection: at 1 000 clients a whole one took 75 ms with 1<<14, 256 ms with 1<<16.
	writesPending = 1 << 15

	// retainSeconds is how long a retained message is kept, ten years. The library's default of one day would make devices that are
	// up for longer than that disappear from the bus.
	retainSeconds = 10 * 365 * 24 * 60 * 60
)

// BrokerOptions says how to run the MQTT broker.
type BrokerOptions struct {
	Addr            string     // loopback host:port; port 0 takes a free one; default "127.0.0.1:1883"
	MaxMessageBytes int        // of a whole packet; default DefaultMaxMessageBytes
	Auth            BrokerAuth // default AllowAll
	Secure          *SecureListener
	Logger          *slog.Logger
}

// SecureListener is a second way to a broker, over TLS, that other machines can take.
type SecureListener struct {
	Addr string // host:port
	TLS  *tls.Config
	Auth BrokerAuth // never nil, and not AllowAll
}

// Broker is an MQTT 3.1.1 and 5 broker inside this process. It keeps nothing on disk: after a restart every client connects and
// subscribes again, and every device announces itself again.
type Broker struct {
	server  *mqtt.Server
	addr    string
	secure  string
	dropped *dropCounter

	stop    sync.Once
	stopped chan struct{}
}

// StartBroker listens and returns; clients can connect from then on.
func StartBroker(opts BrokerOptions) (*Broker, error) {
	if opts.Addr == "" {
		opts.Addr = "127.0.0.1:1883"
	}
	if opts.MaxMessageBytes <= 0 {
		opts.MaxMessageBytes = DefaultMaxMessageBytes
	}
	if opts.Auth == nil {
		opts.Auth = AllowAll{}
	}
	opts.Logger = orDiscard(opts.Logger)
	if err := onlyLoopback(opts.Addr); err != nil {
		return nil, fmt.Errorf("start MQTT broker: %w", err)
	}
	listener, err := net.Listen("tcp", opts.Addr)
	if err != nil {
		return nil, fmt.Errorf("start MQTT broker: %w: stop the process that has the address, or choose another port", err)
	}
	capabilities := mqtt.NewDefaultServerCapabilities()
	capabilities.MaximumClientWritesPending = writesPending
	capabilities.MaximumInflight = 1<<16 - 1
	capabilities.MaximumMessageExpiryInterval = retainSeconds
	capabilities.MaximumPacketSize = uint32(opts.MaxMessageBytes)
	server := mqtt.New(&mqtt.Options{Capabilities: capabilities, Logger: slog.New(quietBelow{opts.Logger.Handler(), slog.LevelError})})
	b := &Broker{server: server, stopped: make(chan struct{}), addr: listener.Addr().String(), dropped: &dropCounter{logger: opts.Logger}}
	auth := &authHook{auth: map[string]BrokerAuth{"tcp": opts.Auth}}
	err = errors.Join(
		server.AddHook(auth, nil),
		server.AddHook(b.dropped, nil),
		brokerhooks.Add(server),
		server.AddListener(brokerhooks.Listener(server, listeners.NewNet("tcp", patientListener{listener, opts.Logger}))),
	)
	if err == nil && opts.Secure != nil {
		auth.auth["tls"] = opts.Secure.Auth
		if err = b.listenSecurely(*opts.Secure, opts.Logger); err == nil {
			go b.evict(opts.Secure.Auth, opts.Logger)
		}
	}
	if err == nil {
		err = server.Serve()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start MQTT broker: %w", err), listener.Close())
	}
	return b, nil
}

func (b *Broker) listenSecurely(s SecureListener, logger *slog.Logger) error {
	listener, err := net.Listen("tcp", s.Addr)
	if err != nil {
		return fmt.Errorf("%w: stop the process that has the address, or choose another port", err)
	}
	b.secure = listener.Addr().String()
	return b.server.AddListener(brokerhooks.Listener(b.server, listeners.NewNet("tls", tls.NewListener(patientListener{listener, logger}, s.TLS))))
}

// evictEvery is the time between two looks at who may stay.
const evictEvery = time.Second

var errNotGood = errors.New("its account was removed or its certificate revoked")

// evict ends the connections of clients that may not stay, until the broker stops.
func (b *Broker) evict(auth BrokerAuth, logger *slog.Logger) {
	judge, ok := auth.(interface{ Good(c BrokerClient) bool })
	if !ok {
		return
	}
	t := time.NewTicker(evictEvery)
	defer t.Stop()
	for {
		select {
		case <-t.C:
		case <-b.stopped:
			return
		}
		for _, cl := range b.server.Clients.GetAll() {
			if cl.Net.Listener != "tls" || cl.Closed() || judge.Good(brokerClient(cl)) {
				continue
			}
			logger.Warn("client is no account any more; its connection is ended", "client_id", cl.ID)
			cl.Stop(errNotGood)
		}
	}
}

// SecureURL is where clients connect over TLS: "mqtts://127.0.0.1:8883", or "" when there is no such way.
func (b *Broker) SecureURL() string {
	if b.secure == "" {
		return ""
	}
	return "mqtts://" + b.secure
}

// Addr is where clients connect, host:port.
func (b *Broker) Addr() string { return b.addr }

// URL is the same as clients write it: "tcp://127.0.0.1:1883".
func (b *Broker) URL() string { return "tcp://" + b.addr }

// Dropped counts the messages that a subscriber did not get because too many were already waiting for it. Anything above 0 means
// that a client reads too slowly; what it missed is sent again by the device contract, later than it could have been.
func (b *Broker) Dropped() int64 { return b.dropped.count.Load() }

// Clients counts the connections.
func (b *Broker) Clients() int { return int(atomic.LoadInt64(&b.server.Info.ClientsConnected)) }

// Stop disconnects all clients.
func (b *Broker) Stop() error {
	b.stop.Do(func() { close(b.stopped) })
	if err := b.server.Close(); err != nil {
		return fmt.Errorf("stop MQTT broker: %w", err)
	}
	return nil
}

// onlyLoopback refuses addresses that other machines can reach.
func onlyLoopback(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("address %q: %w: want host:port, such as 127.0.0.1:1883", addr, err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("address %q is not on loopback, want 127.0.0.1 and a port: devices on other machines need a broker with accounts, such as mosquitto", addr)
	}
	return nil
}

// dropCounter counts lost messages, and logs the first and then at most one a minute, so that a flood stays readable.
type dropCounter struct {
	mqtt.HookBase
	logger *slog.Logger
	count  atomic.Int64
	logged atomic.Int64 // when, in seconds since 1970
}

// ID names the hook.
func (d *dropCounter) ID() string { return "athanor-dropped" }

// Provides names the one event that the hook is for.
func (d *dropCounter) Provides(event byte) bool { return event == mqtt.OnPublishDropped }

// OnPublishDropped is called for each message that is lost.
func (d *dropCounter) OnPublishDropped(cl *mqtt.Client, pk packets.Packet) {
	n, now, last := d.count.Add(1), time.Now().Unix(), d.logged.Load()
	if now-last >= 60 && d.logged.CompareAndSwap(last, now) {
		d.logger.Error("broker dropped a message: its subscriber reads too slowly", "client_id", cl.ID, "topic", pk.TopicName, "dropped_total", n)
	}
}

// patientListener goes on after a failed accept. The library would stop listening for good, for instance when a burst of connections
// has used up all file descriptors for a moment.
type patientListener struct {
	net.Listener
	logger *slog.Logger
}

// Accept returns the next connection, or an error when the listener is closed.
func (l patientListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err == nil || errors.Is(err, net.ErrClosed) {
			return conn, err
		}
		l.logger.Error("broker cannot accept a connection", "err", err)
		time.Sleep(100 * time.Millisecond) //nolint:forbidigo // nobody tells when there are files again
	}
}
