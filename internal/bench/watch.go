package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/devices/gateway"
	"github.com/athanor-lab/athanor/lab"
)

// watch notes when things arrive at the gateway: it looks over its shoulder,
// and costs it no message.
type watch struct {
	mu      sync.Mutex
	more    chan struct{}        // closed and made anew at news
	sent    map[string]time.Time // by command id
	heard   map[lab.CommandState]map[string]time.Time
	told    map[string]time.Time
	online  map[string]bool
	stopped map[string]time.Time
	lost    map[string]time.Time
}

func newWatch() *watch {
	w := &watch{
		more: make(chan struct{}), sent: map[string]time.Time{}, told: map[string]time.Time{}, online: map[string]bool{},
		stopped: map[string]time.Time{}, lost: map[string]time.Time{}, heard: map[lab.CommandState]map[string]time.Time{},
	}
	for _, s := range []lab.CommandState{lab.CommandAccepted, lab.CommandRunning, lab.CommandDone, lab.CommandCancelled} {
		w.heard[s] = map[string]time.Time{}
	}
	return w
}

// tap returns a dialer whose sessions show w what arrives, before they see it.
func (w *watch) tap(dial devices.Dialer) devices.Dialer {
	return func(ctx context.Context, s devices.Session) (devices.Bus, error) {
		s.Subscriptions = slices.Clone(s.Subscriptions)
		for i, sub := range s.Subscriptions {
			s.Subscriptions[i].Handle = func(ctx context.Context, m devices.Message) {
				w.arrived(m)
				sub.Handle(ctx, m)
			}
		}
		return dial(ctx, s)
	}
}

// stopped is what the state of a stopped device has in it.
var stopped = []byte(`"op":"stopped"`)

func (w *watch) arrived(m devices.Message) {
	now := time.Now()
	_, device, leaf, ok := devices.ParseTopic(m.Topic)
	if !ok {
		return
	}
	switch leaf {
	case devices.LeafEv:
		var ev struct { // the gateway decodes it with care
			ID    string
			State lab.CommandState
		}
		if json.Unmarshal(m.Payload, &ev) == nil {
			w.note(func() {
				if at := w.heard[ev.State]; at != nil && at[ev.ID].IsZero() {
					at[ev.ID] = now
				}
			})
		}
	case devices.LeafConn:
		if c, err := devices.DecodeConn(m.Payload); err == nil {
			w.note(func() { w.online[device] = c.State == devices.Online })
		}
	case devices.LeafState:
		if bytes.Contains(m.Payload, stopped) {
			w.note(func() {
				if w.stopped[device].IsZero() {
					w.stopped[device] = now
				}
			})
		}
	default: // not counted
	}
}

func (w *watch) note(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
	close(w.more)
	w.more = make(chan struct{})
}

// Complete implements [gateway.Completer].
func (w *watch) Complete(_ context.Context, r lab.Result) error {
	now := time.Now()
	w.note(func() {
		if r.State == lab.CommandDone || r.State == lab.CommandCancelled || r.State == lab.CommandAborted {
			w.told[r.CommandID.UUID()] = now
		}
	})
	return nil
}

// seer notes when the laboratory knows that a device is lost.
type seer struct {
	gateway.Fleet
	w *watch
}

// Save implements [gateway.Fleet].
func (s seer) Save(ctx context.Context, d lab.Device) error {
	err := s.Fleet.Save(ctx, d)
	if err == nil && d.Conn == devices.Lost {
		s.w.note(func() { s.w.lost[d.ID] = time.Now() })
	}
	return err
}

func (w *watch) onlineCount() int {
	n := 0
	for _, on := range w.online {
		if on {
			n++
		}
	}
	return n
}

// await waits until count, which is called under the lock, reaches n.
func (w *watch) await(ctx context.Context, patience time.Duration, n int, what string, count func() int) error {
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for {
		w.mu.Lock()
		got, more := count(), w.more
		w.mu.Unlock()
		if got >= n {
			return nil
		}
		select {
		case <-more:
		case <-timeout.C:
			return lab.Errorf(lab.Unavailable, "after %s only %d of %d %s", patience, got, n, what)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		// News comes by the thousand: look at it in heaps.
		pause(ctx, 2*time.Millisecond)
	}
}

// since returns quantiles of the times from sent to at, of those that have
// both. The lock must be held.
func quantiles(sent, at map[string]time.Time) Quantiles {
	var ms []float64
	for id, t := range sent {
		if a := at[id]; !a.IsZero() {
			ms = append(ms, float64(a.Sub(t).Microseconds())/1000)
		}
	}
	if len(ms) == 0 {
		return Quantiles{}
	}
	slices.Sort(ms)
	of := func(q float64) float64 { return ms[min(len(ms)-1, int(math.Ceil(q*float64(len(ms)))))] }
	return Quantiles{P50: of(0.5), P99: of(0.99), Max: ms[len(ms)-1], N: len(ms)}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
