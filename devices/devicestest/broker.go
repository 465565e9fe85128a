// Package devicestest holds a broker in memory, whose links can be cut, and
// the suite that every [devices.Bus] passes.
package devicestest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/lab"
)

// Broker carries messages between the parties of one process. Sessions whose
// link is cut reconnect as soon as it can be had again.
type Broker struct {
	// Fault, when set before the first Dial, says what becomes of a message
	// from a client: what it returns is delivered instead.
	Fault func(client string, m devices.Message) []devices.Message

	mu       sync.Mutex
	down     bool
	retained map[string]devices.Message
	sessions map[string]*session
	turn     map[string]int // of shared filters
}

// NewBroker returns a broker with nothing retained.
func NewBroker() *Broker {
	return &Broker{retained: map[string]devices.Message{}, sessions: map[string]*session{}, turn: map[string]int{}}
}

// session is one party's place at the broker.
type session struct {
	broker *Broker
	spec   devices.Session
	ctx    context.Context //nolint:containedctx // of its handlers
	end    context.CancelFunc
	queues []*queue
	calls  chan func() // of Up and Down, in their order

	// Guarded by broker.mu.
	linked bool
	closed bool
}

// Dial implements [devices.Dialer].
func (b *Broker) Dial(_ context.Context, spec devices.Session) (devices.Bus, error) {
	ctx, end := context.WithCancel(context.Background())
	s := &session{broker: b, spec: spec, ctx: ctx, end: end, calls: make(chan func(), 1024)}
	go func() {
		for {
			select {
			case call := <-s.calls:
				call()
			case <-ctx.Done():
				return
			}
		}
	}()
	for _, sub := range spec.Subscriptions {
		q := newQueue()
		s.queues = append(s.queues, q)
		go q.run(ctx, sub.Handle)
	}
	b.mu.Lock()
	if b.down {
		b.mu.Unlock()
		end()
		return nil, lab.Errorf(lab.Unavailable, "dial as %s: the broker is down", spec.ClientID)
	}
	old := b.sessions[spec.ClientID]
	b.sessions[spec.ClientID] = s
	b.mu.Unlock()
	if old != nil { // as brokers do: the newcomer throws the other one out
		old.cut(fmt.Errorf("another session took the client id %s", spec.ClientID), true)
	}
	b.link(s)
	return s, nil
}

// link brings a session up: retained messages first, then Up.
func (b *Broker) link(s *session) {
	b.mu.Lock()
	if s.closed || s.linked || b.down {
		b.mu.Unlock()
		return
	}
	s.linked = true
	for i, sub := range s.spec.Subscriptions {
		for _, topic := range slices.Sorted(maps.Keys(b.retained)) {
			if slices.ContainsFunc(sub.Filters, func(f string) bool { return devices.Match(f, topic) && f[0] != '$' }) {
				s.queues[i].put(b.retained[topic])
			}
		}
	}
	if s.spec.Up != nil {
		s.calls <- func() { s.spec.Up(s.ctx, s) }
	}
	b.mu.Unlock()
}

// Publish implements [devices.Bus].
func (s *session) Publish(_ context.Context, msgs ...devices.Message) error {
	for _, m := range msgs {
		m.Payload = bytes.Clone(m.Payload)
		s.broker.mu.Lock()
		ok := s.linked && !s.closed
		fault := s.broker.Fault
		s.broker.mu.Unlock()
		if !ok {
			return lab.Errorf(lab.Unavailable, "publish to %s: the link is down", m.Topic)
		}
		out := []devices.Message{m}
		if fault != nil {
			out = fault(s.spec.ClientID, m)
		}
		for _, m := range out {
			s.broker.deliver(m)
		}
	}
	return nil
}

// Close implements [devices.Bus].
func (s *session) Close() error {
	s.cut(nil, true)
	return nil
}

// Cut implements [devices.Bus].
func (s *session) Cut() { s.cut(errors.New("the session was cut"), true) }

// cut takes the link away. A cause means that the session did not want it: the
// will is published and Down runs. A final cut is for ever.
func (s *session) cut(cause error, final bool) {
	b := s.broker
	b.mu.Lock()
	was := s.linked
	s.linked, s.closed = false, s.closed || final
	if was && cause != nil && s.spec.Down != nil && !final {
		s.calls <- func() { s.spec.Down(cause) }
	}
	if final && b.sessions[s.spec.ClientID] == s {
		delete(b.sessions, s.spec.ClientID)
	}
	b.mu.Unlock()
	if final {
		s.end()
	}
	for _, q := range s.queues { // what a clean session has not taken is gone
		q.clear()
	}
	if was && cause != nil && s.spec.Will != nil {
		b.deliver(*s.spec.Will)
	}
}

// deliver hands m to everyone who wants it.
func (b *Broker) deliver(m devices.Message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.down {
		return
	}
	if m.Retain {
		if len(m.Payload) == 0 {
			delete(b.retained, m.Topic)
		} else {
			b.retained[m.Topic] = m
		}
		m.Retain = false
	}
	shared := map[string][]*queue{}
	for _, id := range slices.Sorted(maps.Keys(b.sessions)) {
		s := b.sessions[id]
		for i, sub := range s.spec.Subscriptions {
			for _, f := range sub.Filters {
				switch {
				case !s.linked || !devices.Match(f, m.Topic):
				case f[0] == '$':
					shared[f] = append(shared[f], s.queues[i])
				default:
					s.queues[i].put(m)
				}
			}
		}
	}
	for f, queues := range shared {
		b.turn[f]++
		queues[b.turn[f]%len(queues)].put(m)
	}
}

// Drop cuts a client's link, which comes back at once. What was under way to
// it is lost.
func (b *Broker) Drop(client string) {
	if s := b.session(client); s != nil {
		s.cut(fmt.Errorf("the link of %s was cut", client), false)
		b.link(s)
	}
}

// Kill ends a client's session as the death of its process does.
func (b *Broker) Kill(client string) {
	if s := b.session(client); s != nil {
		s.cut(fmt.Errorf("%s died", client), true)
	}
}

// Stop takes the broker down with everything that it has retained; Start
// brings it and all links back.
func (b *Broker) Stop() {
	b.mu.Lock()
	b.down = true
	b.retained = map[string]devices.Message{}
	all := slices.Collect(maps.Values(b.sessions))
	b.mu.Unlock()
	for _, s := range all {
		s.cut(errors.New("the broker is down"), false)
	}
}

// Start ends a Stop.
func (b *Broker) Start() {
	b.mu.Lock()
	b.down = false
	all := slices.Collect(maps.Values(b.sessions))
	b.mu.Unlock()
	for _, s := range all {
		b.link(s)
	}
}

func (b *Broker) session(client string) *session {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.sessions[client]
}

// queue holds messages for one subscription without bound.
type queue struct {
	mu   sync.Mutex
	msgs []devices.Message
	more chan struct{}
}

func newQueue() *queue { return &queue{more: make(chan struct{}, 1)} }

func (q *queue) put(m devices.Message) {
	q.mu.Lock()
	q.msgs = append(q.msgs, m)
	q.mu.Unlock()
	select {
	case q.more <- struct{}{}:
	default:
	}
}

func (q *queue) clear() {
	q.mu.Lock()
	q.msgs = nil
	q.mu.Unlock()
}

func (q *queue) run(ctx context.Context, handle func(context.Context, devices.Message)) {
	for {
		q.mu.Lock()
		var m devices.Message
		some := len(q.msgs) > 0
		if some {
			m, q.msgs = q.msgs[0], q.msgs[1:]
		}
		q.mu.Unlock()
		if some {
			if ctx.Err() != nil {
				return
			}
			handle(ctx, m)
			continue
		}
		select {
		case <-q.more:
		case <-ctx.Done():
			return
		}
	}
}
