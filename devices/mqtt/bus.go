package mqtt

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"sync"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/eclipse/paho.mqtt.golang/packets"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/lab"
)

var _ devices.Bus = (*bus)(nil)

// bus is a [devices.Bus] that has a new [link] whenever it lost one.
type bus struct {
	opts    Options
	url     *url.URL
	session devices.Session
	queues  []*queue
	ctx     context.Context //nolint:containedctx // until Close or Cut
	end     context.CancelFunc

	mu   sync.Mutex
	link *link // nil while there is none
}

// link is one connection to the broker.
type link struct {
	client paho.Client
	conn   net.Conn
	lost   chan struct{} // closed when the connection is gone, after
	cause  error         // is set
}

func dial(ctx context.Context, o Options, s devices.Session) (devices.Bus, error) {
	u, err := o.parse()
	if err != nil {
		return nil, err
	}
	b := &bus{opts: o, url: u, session: s}
	b.ctx, b.end = context.WithCancel(context.Background())
	for _, sub := range s.Subscriptions {
		q := newQueue(sub.Handle)
		b.queues = append(b.queues, q)
		go q.run(b.ctx)
	}
	deadline := time.Now().Add(o.Patience)
	for wait := retryFirst; ; wait = min(2*wait, retryLast) {
		l, err := b.connect()
		if err == nil {
			go b.keep(l)
			return b, nil
		}
		if lab.KindOf(err) == lab.Unavailable && time.Now().Before(deadline) && sleep(ctx, wait) {
			continue
		}
		b.end()
		return nil, fmt.Errorf("reach the MQTT broker at %s as %s: %w", u.Redacted(), s.ClientID, err)
	}
}

// connect takes the link and makes every subscription.
func (b *bus) connect() (*link, error) {
	l := &link{lost: make(chan struct{})}
	opts := paho.NewClientOptions().AddBroker(b.url.String()).SetClientID(b.session.ClientID).SetProtocolVersion(4).
		SetUsername(b.opts.Username).SetPassword(b.opts.Password).
		SetCleanSession(true).SetAutoReconnect(false).SetAutoAckDisabled(true).SetOrderMatters(true).
		SetKeepAlive(keepAlive).SetConnectTimeout(connectTimeout).SetWriteTimeout(writeTimeout).
		SetCustomOpenConnectionFn(func(u *url.URL, _ paho.ClientOptions) (net.Conn, error) {
			conn, err := b.opts.openConn(u)
			l.conn = conn
			return conn, err
		}).
		SetDefaultPublishHandler(func(_ paho.Client, m paho.Message) { b.arrived(m) }).
		SetConnectionLostHandler(func(_ paho.Client, err error) {
			l.cause = err
			close(l.lost)
		})
	if w := b.session.Will; w != nil {
		opts.SetBinaryWill(w.Topic, w.Payload, w.QoS, w.Retain)
	}
	l.client = paho.NewClient(opts)
	if err := await(b.ctx, l, l.client.Connect()); err != nil {
		if errors.Is(err, packets.ErrorRefusedNotAuthorised) || errors.Is(err, packets.ErrorRefusedBadUsernameOrPassword) {
			return nil, lab.Errorf(lab.Invalid, "it refused the user name or password: %w", err)
		}
		return nil, lab.Errorf(lab.Unavailable, "is it running? %w", err)
	}
	for _, sub := range b.session.Subscriptions {
		if err := b.subscribe(l, sub.Filters); err != nil {
			l.client.Disconnect(0)
			return nil, err
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ctx.Err() != nil { // closed meanwhile
		l.client.Disconnect(0)
		return nil, lab.Errorf(lab.Unavailable, "the session is closed")
	}
	b.link = l
	return l, nil
}

func (b *bus) subscribe(l *link, filters []string) error {
	// One by one: a broker then sends what it retained in the filters' order.
	for _, f := range filters {
		token := l.client.Subscribe(f, 1, nil)
		if err := await(b.ctx, l, token); err != nil {
			return lab.Errorf(lab.Unavailable, "subscribe to %s: %w", f, err)
		}
		if s, ok := token.(*paho.SubscribeToken); ok && s.Result()[f] > 2 {
			return b.refused(f, s.Result()[f])
		}
	}
	return nil
}

// refused says what a broker means by a code other than a granted QoS. MQTT
// 3.1.1 knows 0x80 alone, but brokers of version 5 have answered with theirs:
// a subscription must never be believed that was not granted.
func (b *bus) refused(filter string, code byte) error {
	if code == 0x80 || code == 0x87 { // not authorised
		return lab.Errorf(lab.Invalid, "subscribe to %s: the broker does not allow it to %s", filter, b.session.ClientID)
	}
	return lab.Errorf(lab.Unavailable, "subscribe to %s: the broker refused it with code 0x%02x", filter, code)
}

// keep has a link as long as the bus is open, and calls Up and Down in turn.
func (b *bus) keep(l *link) {
	for {
		if b.session.Up != nil {
			b.session.Up(b.ctx, b)
		}
		select {
		case <-l.lost:
		case <-b.ctx.Done():
			return
		}
		b.mu.Lock()
		b.link = nil
		b.mu.Unlock()
		if b.ctx.Err() != nil {
			return
		}
		if b.session.Down != nil {
			b.session.Down(fmt.Errorf("lost the MQTT broker at %s: %w", b.url.Redacted(), l.cause))
		}
		next := b.reconnect()
		if next == nil {
			return
		}
		l = next
	}
}

// reconnect tries until there is a link, or the bus is closed. The waits are
// spread, so that a thousand devices do not come back in one instant.
func (b *bus) reconnect() *link {
	for wait := retryFirst; ; wait = min(2*wait, retryLast) {
		if !sleep(b.ctx, wait/2+rand.N(wait/2+1)) {
			return nil
		}
		l, err := b.connect()
		if err == nil {
			return l
		}
		b.opts.Logger.Debug("broker not reached; trying again", "broker", b.url.Redacted(), "client_id", b.session.ClientID, "err", err)
	}
}

// arrived puts a message in the queue of its subscription.
func (b *bus) arrived(m paho.Message) {
	for i, sub := range b.session.Subscriptions {
		for _, f := range sub.Filters {
			if devices.Match(f, m.Topic()) {
				if !b.queues[i].put(m) {
					b.opts.Logger.Warn("message dropped: its handler is too far behind", "topic", m.Topic())
					m.Ack()
				}
				return
			}
		}
	}
	m.Ack()
}

// Publish implements [devices.Bus].
func (b *bus) Publish(ctx context.Context, msgs ...devices.Message) error {
	b.mu.Lock()
	l := b.link
	b.mu.Unlock()
	if l == nil {
		return lab.Errorf(lab.Unavailable, "publish to %s: there is no link to the MQTT broker at %s", msgs[0].Topic, b.url.Redacted())
	}
	tokens := make([]paho.Token, 0, len(msgs))
	for _, m := range msgs {
		tokens = append(tokens, l.client.Publish(m.Topic, m.QoS, m.Retain, m.Payload))
	}
	for i, token := range tokens {
		if err := await(ctx, l, token); err != nil {
			return lab.Errorf(lab.Unavailable, "publish to %s: %w", msgs[i].Topic, err)
		}
	}
	return nil
}

// Close implements [devices.Bus].
func (b *bus) Close() error {
	if l := b.leave(); l != nil {
		l.client.Disconnect(quiesceMS)
	}
	return nil
}

// Cut implements [devices.Bus].
func (b *bus) Cut() {
	if l := b.leave(); l != nil {
		_ = l.conn.Close()
	}
}

func (b *bus) leave() *link {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.link
	b.link = nil
	b.end()
	return l
}

// await returns when token is complete, the link is lost, or ctx is done.
func await(ctx context.Context, l *link, token paho.Token) error {
	select {
	case <-token.Done():
		return token.Error()
	case <-l.lost:
		return fmt.Errorf("the link was lost: %w", l.cause)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
