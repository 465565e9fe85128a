// Package mqtt carries the bus of the devices over an MQTT 3.1.1 broker, by
// paho.
//
// Every connection is a new client with a clean session: nothing is carried
// over from one to the next, neither subscriptions, which are made again, nor
// messages on their way, whose senders are told. Handlers run beside paho's
// own loop, each subscription in a queue of its own, and a message is
// acknowledged after it was handled.
package mqtt

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"time"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/lab"
)

// Options say where the broker is and how to reach it.
type Options struct {
	URL      string // "mqtt://host:1883" or "mqtts://host:8883"; tcp, ssl and tls are the same in older words
	Username string
	Password string
	TLS      *tls.Config // for mqtts; nil trusts the machine's certificates

	// Patience is how long the first dial tries to reach a broker that is not
	// there; 0 is 10 s. A link that is lost later is tried for ever.
	Patience time.Duration

	Logger *slog.Logger // nil discards
}

const (
	keepAlive      = 10 * time.Second
	connectTimeout = 5 * time.Second
	writeTimeout   = 10 * time.Second
	retryFirst     = 100 * time.Millisecond // after a loss, doubled up to
	retryLast      = time.Second
	quiesceMS      = 250 // for what is being sent when a session closes
)

// Dialer returns a [devices.Dialer] for a broker.
func Dialer(o Options) devices.Dialer {
	if o.Patience <= 0 {
		o.Patience = 10 * time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return func(ctx context.Context, s devices.Session) (devices.Bus, error) { return dial(ctx, o, s) }
}

// openConn connects to the broker.
func (o Options) openConn(u *url.URL) (net.Conn, error) {
	dialer := net.Dialer{Timeout: connectTimeout, KeepAlive: keepAlive}
	if secure(u.Scheme) {
		return (&tls.Dialer{NetDialer: &dialer, Config: o.TLS}).Dial("tcp", u.Host)
	}
	return dialer.Dial("tcp", u.Host)
}

func secure(scheme string) bool { return scheme == "mqtts" || scheme == "ssl" || scheme == "tls" }

// parse checks the URL and fills in its port.
func (o Options) parse() (*url.URL, error) {
	u, err := url.Parse(o.URL)
	if err != nil || u.Hostname() == "" || !secure(u.Scheme) && u.Scheme != "mqtt" && u.Scheme != "tcp" {
		return nil, lab.Errorf(lab.Invalid, "broker URL %q is not of the form mqtt://host:1883 or mqtts://host:8883", o.URL)
	}
	if u.Port() == "" {
		port := 1883
		if secure(u.Scheme) {
			port = 8883
		}
		u.Host = fmt.Sprintf("%s:%d", u.Host, port)
	}
	return u, nil
}
