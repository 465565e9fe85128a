package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/athanor-lab/athanor/lab"
)

const (
	// readAtOnce is how many events are asked of the log at a time.
	readAtOnce = 500
	// bufferedFrames is how far a reader may fall behind before it is dropped.
	// It comes back by itself and resumes where it was.
	bufferedFrames = 1024
	// lookAnyway bounds how late an event is seen whose wake-up was lost.
	lookAnyway = 2 * time.Second
	// tryAgain is the pause after the log did not answer.
	tryAgain = time.Second
)

// frame is an event as it goes over the wire, made once for all readers.
type frame struct {
	seq      int64
	campaign lab.CampaignID
	text     []byte
}

// hub reads the log once, however many watch, and hands every event to every
// reader. It runs only while somebody watches.
type hub struct {
	events Events
	logger *slog.Logger

	mu      sync.Mutex
	readers map[*reader]struct{}
	ready   chan struct{} // closed when the tail has its position
	stop    context.CancelFunc
}

// reader is one who watches. frames is closed when it fell too far behind.
type reader struct{ frames chan frame }

// join adds a reader and waits until every event from now on will reach it.
func (h *hub) join(ctx context.Context) (*reader, error) {
	r := &reader{frames: make(chan frame, bufferedFrames)}
	h.mu.Lock()
	if len(h.readers) == 0 {
		tail, stop := context.WithCancel(context.WithoutCancel(ctx))
		h.readers, h.ready, h.stop = map[*reader]struct{}{}, make(chan struct{}), stop
		go h.tail(tail, h.ready)
	}
	h.readers[r] = struct{}{}
	ready := h.ready
	h.mu.Unlock()
	select {
	case <-ready:
		return r, nil
	case <-ctx.Done():
		h.leave(r)
		return nil, fmt.Errorf("join event stream: %w", ctx.Err())
	}
}

// leave removes a reader; the last one out stops the tail.
func (h *hub) leave(r *reader) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, ok := h.readers[r]; !ok {
		return
	}
	delete(h.readers, r)
	if len(h.readers) == 0 {
		h.stop()
	}
}

// tail follows the log until ctx ends.
func (h *hub) tail(ctx context.Context, ready chan struct{}) {
	wake := make(chan struct{}, 1)
	go h.listen(ctx, wake)
	at, err := h.events.Last(ctx)
	for err != nil {
		h.logger.WarnContext(ctx, "event log does not answer", "err", err)
		if !pause(ctx, tryAgain) {
			return
		}
		at, err = h.events.Last(ctx)
	}
	close(ready)
	look := time.NewTicker(lookAnyway)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-wake:
		case <-look.C:
		}
		at = h.forward(ctx, at)
	}
}

// listen keeps the log waking us.
func (h *hub) listen(ctx context.Context, wake chan<- struct{}) {
	for ctx.Err() == nil {
		err := h.events.Listen(ctx, func() {
			select {
			case wake <- struct{}{}:
			default: // a wake-up is waiting already
			}
		})
		if ctx.Err() != nil {
			return
		}
		h.logger.WarnContext(ctx, "listening to the event log broke off", "err", err)
		pause(ctx, tryAgain)
	}
}

// forward hands on all events after at and returns the last one's Seq.
func (h *hub) forward(ctx context.Context, at int64) int64 {
	for {
		events, err := h.events.Since(ctx, at, readAtOnce)
		if err != nil {
			if ctx.Err() == nil {
				h.logger.WarnContext(ctx, "event log does not answer", "err", err)
			}
			return at
		}
		for _, e := range events {
			f, err := frameOf(e)
			if err != nil {
				h.logger.ErrorContext(ctx, "event cannot be told", "seq", e.Seq, "err", err)
				at = e.Seq
				continue
			}
			h.broadcast(f)
			at = e.Seq
		}
		if len(events) < readAtOnce {
			return at
		}
	}
}

func (h *hub) broadcast(f frame) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for r := range h.readers {
		select {
		case r.frames <- f:
		default:
			delete(h.readers, r)
			close(r.frames)
		}
	}
	if len(h.readers) == 0 {
		h.stop()
	}
}

func frameOf(e lab.Event) (frame, error) {
	f := frame{seq: e.Seq}
	if e.CampaignID != nil {
		f.campaign = *e.CampaignID
	}
	b, err := json.Marshal(e)
	if err != nil {
		return f, fmt.Errorf("marshal event %d: %w", e.Seq, err)
	}
	var text bytes.Buffer
	fmt.Fprintf(&text, "id: %d\nevent: %s\ndata: %s\n\n", e.Seq, e.Kind, b)
	f.text = text.Bytes()
	return f, nil
}

// pause waits for d and reports whether ctx is still alive.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
