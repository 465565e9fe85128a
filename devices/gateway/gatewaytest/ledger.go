// Package gatewaytest holds a ledger, a fleet and a completer in memory, and
// the suite that every ledger passes.
package gatewaytest

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/devices/gateway"
	"github.com/athanor-lab/athanor/lab"
)

var _ gateway.Ledger = (*Ledger)(nil)

// Ledger is a [gateway.Ledger] in memory. The zero value is empty.
type Ledger struct {
	mu      sync.Mutex
	entries map[string]gateway.Entry
}

// Put implements [gateway.Ledger].
func (l *Ledger) Put(_ context.Context, e gateway.Entry) (gateway.Entry, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if old, ok := l.entries[e.ID()]; ok {
		if old.Command.Device != e.Command.Device || !bytes.Equal(old.Body, e.Body) {
			return gateway.Entry{}, lab.Errorf(lab.Conflict, "put command %s: the ledger has it with other bytes", e.ID())
		}
		return old, nil
	}
	if l.entries == nil {
		l.entries = map[string]gateway.Entry{}
	}
	l.entries[e.ID()] = e
	return e, nil
}

// Fold implements [gateway.Ledger].
func (l *Ledger) Fold(_ context.Context, device string, ev devices.Event, raw []byte) (gateway.Entry, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e, ok := l.entries[ev.ID]
	if !ok || e.Command.Device != device {
		return gateway.Entry{}, false, lab.Errorf(lab.NotFound, "fold event: command %s was not sent to %s", ev.ID, device)
	}
	if !gateway.Takes(e, ev) {
		return e, false, nil
	}
	e.State, e.Boot, e.N, e.Event = ev.State, ev.Boot, ev.N, bytes.Clone(raw)
	e.Notified = false
	l.entries[ev.ID] = e
	return e, true, nil
}

// Settle implements [gateway.Ledger].
func (l *Ledger) Settle(_ context.Context, id string, ev devices.Event, raw []byte) (gateway.Entry, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e, ok := l.entries[id]
	if !ok {
		return gateway.Entry{}, false, lab.Errorf(lab.NotFound, "settle command %s: it is not in the ledger", id)
	}
	if !gateway.Settles(e, ev) {
		return e, false, nil
	}
	e.State, e.Event, e.Notified = ev.State, bytes.Clone(raw), false
	l.entries[id] = e
	return e, true, nil
}

// Open implements [gateway.Ledger].
func (l *Ledger) Open(context.Context) ([]gateway.Entry, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var open []gateway.Entry
	for _, e := range l.entries {
		if e.Open() {
			open = append(open, e)
		}
	}
	slices.SortFunc(open, func(a, b gateway.Entry) int {
		return cmp.Or(a.Published.Compare(b.Published), cmp.Compare(a.ID(), b.ID()))
	})
	return open, nil
}

// Notified implements [gateway.Ledger].
func (l *Ledger) Notified(_ context.Context, id string, told lab.CommandState) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	e, ok := l.entries[id]
	if !ok {
		return lab.Errorf(lab.NotFound, "note that command %s is told: it is not in the ledger", id)
	}
	if e.State == told {
		e.Notified = true
		l.entries[id] = e
	}
	return nil
}

// Get implements [gateway.Ledger].
func (l *Ledger) Get(_ context.Context, id string) (gateway.Entry, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e, ok := l.entries[id]
	if !ok {
		return gateway.Entry{}, lab.Errorf(lab.NotFound, "get command %s: it is not in the ledger", id)
	}
	return e, nil
}
