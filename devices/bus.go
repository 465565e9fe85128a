package devices

import (
	"context"
	"strings"
)

// Message is a payload on its way.
type Message struct {
	Topic   string
	Payload []byte
	QoS     byte // 0 or 1
	Retain  bool // to be kept by the broker; on arrival, that it was kept
}

// Bus carries messages. An implementation passes devicestest.Exercise.
type Bus interface {
	// Publish hands messages to the broker in order and returns when it has
	// taken all of them. It fails at once with lab.Unavailable while the link
	// is down. An error does not mean that nothing was sent.
	Publish(ctx context.Context, msgs ...Message) error

	// Close ends the session in order: the last will is not published.
	Close() error

	// Cut ends the session as the death of its process does: the broker finds
	// the link gone and publishes the last will.
	Cut()
}

// Session is all that a party says about itself when it takes the bus.
type Session struct {
	ClientID string   // unique on the broker; a second one throws out the first
	Will     *Message // what the broker publishes when the link dies

	// Subscriptions are made anew on every connect: the broker keeps nothing
	// for a party that is away.
	Subscriptions []Subscription

	// Up runs each time that the link is up and every subscription is active,
	// Down each time that it is lost, in turn and beside the handlers.
	Up   func(ctx context.Context, bus Bus)
	Down func(err error)
}

// Subscription is a set of filters with one handler.
//
// Calls of Handle never overlap and keep the order of arrival across all
// filters of the set. Handle may publish. A message is acknowledged to the
// broker when Handle returns. Filters of one session must not overlap.
type Subscription struct {
	Filters []string // "+" stands for one level; see also [Shared]
	Handle  func(ctx context.Context, m Message)
}

// Dialer takes the bus for a session. It returns when the link is up and every
// subscription active, or with lab.Unavailable when ctx ends or patience does.
// The context bounds dialling only; the session lasts until Close.
type Dialer func(ctx context.Context, s Session) (Bus, error)

// Match reports whether a topic is of a filter, which may be [Shared] and may
// hold "+" and a last "#".
func Match(filter, topic string) bool {
	if rest, ok := strings.CutPrefix(filter, "$share/"); ok {
		_, filter, _ = strings.Cut(rest, "/")
	}
	for {
		f, frest, fmore := strings.Cut(filter, "/")
		t, trest, tmore := strings.Cut(topic, "/")
		switch {
		case f == "#":
			return true
		case f != "+" && f != t:
			return false
		case !fmore || !tmore:
			return fmore == tmore || fmore && frest == "#"
		}
		filter, topic = frest, trest
	}
}
