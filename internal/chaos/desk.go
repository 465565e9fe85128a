package chaos

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/lab"
)

// desk is who commands: it sees the ledger of commands, and never the world's.
type desk struct {
	*scene
	over time.Time // no command is begun after it

	mu        sync.Mutex
	left      int
	number    int
	ends      map[string]said
	stale     map[string]bool
	ms        []float64
	waiting   map[string]waiting
	twice     int
	cancels   int
	takeovers int
}

// waiting is a command whose end is waited for.
type waiting struct {
	since time.Time
	ended chan struct{}
}

func newDesk(s *scene) *desk {
	return &desk{scene: s, left: s.Commands, over: time.Now().Add(s.For), ends: map[string]said{}, stale: map[string]bool{}, waiting: map[string]waiting{}}
}

// work has every device work through its share. quiet ends the harm, when all
// has been sent: what is left then must come to its end.
func (d *desk) work(ctx context.Context, quiet func()) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	polled := make(chan error, 1)
	go func() { polled <- d.poll(ctx) }()
	var all errgroup.Group
	n := 0
	for _, ids := range d.ids {
		for _, id := range ids {
			n++
			h := &hand{desk: d, device: id, epoch: 1, rand: rand.New(rand.NewPCG(d.Seed, uint64(100+n)))}
			all.Go(func() error { return h.run(ctx) })
		}
	}
	go func() {
		for ctx.Err() == nil {
			d.mu.Lock()
			over := d.left <= 0
			d.mu.Unlock()
			if over || time.Now().After(d.over) {
				break
			}
			pause(ctx, 50*time.Millisecond)
		}
		if ctx.Err() == nil {
			quiet()
		}
	}()
	if err := all.Wait(); err != nil {
		return err
	}
	quiet()
	cancel()
	return <-polled
}

// pollEvery is the time between two looks into the ledger.
const pollEvery = 25 * time.Millisecond

// poll looks into the ledger for what has ended.
func (d *desk) poll(ctx context.Context) error {
	for ctx.Err() == nil {
		asked := time.Now()
		open, err := d.db.Open(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return nil //nolint:nilerr // it is over, whatever was asked
			}
			return fmt.Errorf("watch the ledger: %w", err)
		}
		still := make(map[string]bool, len(open))
		for _, e := range open {
			still[e.ID()] = true
		}
		d.mu.Lock()
		for id, w := range d.waiting {
			if !still[id] && w.since.Before(asked) {
				close(w.ended)
				delete(d.waiting, id)
			}
		}
		d.mu.Unlock()
		pause(ctx, pollEvery)
	}
	return nil
}

func (d *desk) await(id string) <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	w := waiting{since: time.Now(), ended: make(chan struct{})}
	d.waiting[id] = w
	return w.ended
}

// take returns the number of the next command, or false when there are enough.
func (d *desk) take() (int, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.left <= 0 || time.Now().After(d.over) {
		return 0, false
	}
	d.left--
	d.number++
	if d.number%1000 == 0 {
		d.Say("%d commands sent", d.number)
	}
	return d.number, true
}

// hand commands one device, one command after the other.
type hand struct {
	*desk
	device string
	epoch  int64
	rand   *rand.Rand
	late   int // stale commands so far
}

func (h *hand) run(ctx context.Context) error {
	for {
		n, more := h.take()
		if !more || ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := h.command(ctx, n); err != nil {
			return err
		}
	}
}

// command sends one and waits for its end.
func (h *hand) command(ctx context.Context, n int) error {
	if h.rand.Float64() < h.Takeovers {
		h.epoch++
		h.note(&h.takeovers)
	}
	name := classes[h.rand.IntN(len(classes))]
	campaign := lab.CampaignID{15: byte(h.Seed)}
	e := lab.ExperimentIDOf(campaign, n)
	c := lab.Command{
		ID: lab.CommandIDOf(e, name, 1, 0), CampaignID: campaign, ExperimentID: e, Number: n, Step: name, Intent: 1,
		Device: h.device, Epoch: h.epoch, Name: name, Params: json.RawMessage(`{}`), TimeoutS: 300, Deadline: time.Now().Add(h.Patience),
	}
	began := time.Now()
	if _, err := h.dispatcher.Dispatch(ctx, c); err != nil {
		return err
	}
	h.mu.Lock()
	h.ends[c.ID.UUID()] = said{name: name}
	h.mu.Unlock()
	ended := h.await(c.ID.UUID())
	if h.rand.Float64() < twiceRate {
		h.note(&h.twice)
		if _, err := h.dispatcher.Dispatch(ctx, c); err != nil {
			return err
		}
	}
	if h.rand.Float64() < cancelRate {
		h.note(&h.cancels)
		pause(ctx, time.Duration(h.rand.Float64()*2*motionMS*float64(time.Millisecond)))
		_ = h.dispatcher.Cancel(ctx, c.ID) // with no broker it is not asked, and the command runs
	}
	select {
	case <-ended:
	case <-time.After(h.Patience + graceMax):
		return nil // it stays open, which the judge sees
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	entry, err := h.db.Get(ctx, c.ID.UUID())
	if err != nil {
		return err
	}
	var ev devices.Event
	if err := json.Unmarshal(entry.Event, &ev); err != nil {
		return fmt.Errorf("read the end of command %s: %w", c.ID, err)
	}
	h.mu.Lock()
	h.ends[c.ID.UUID()] = said{name, entry.State, ev.Effect}
	h.ms = append(h.ms, float64(time.Since(began).Microseconds())/1000)
	h.mu.Unlock()
	if entry.State == lab.CommandDone && h.epoch > 1 && h.rand.Float64() < h.Stale {
		return h.trespass(ctx)
	}
	return nil
}

// trespass sends what a holder would whose lease has ended: the device has
// worked under a newer one.
func (h *hand) trespass(ctx context.Context) error {
	h.late++
	id := fmt.Sprintf("stale.%s.%d", h.device, h.late)
	b, err := json.Marshal(devices.Cmd{ID: id, Name: probes, Epoch: h.epoch - 1, Expires: time.Now().Add(time.Minute).UTC().Truncate(time.Millisecond), Params: json.RawMessage(`{}`)})
	if err != nil {
		return err
	}
	h.mu.Lock()
	h.stale[id] = true
	h.mu.Unlock()
	// It may not reach anybody, and need not.
	_ = h.bus.Publish(ctx, devices.Message{Topic: devices.Topic("lab", h.device, devices.LeafCmd), Payload: b, QoS: 1})
	return nil
}

func (d *desk) note(n *int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	*n++
}

// tell writes what was done into the report.
func (d *desk) tell(r *Report) {
	d.mu.Lock()
	defer d.mu.Unlock()
	r.Commands, r.SentTwice, r.Cancels, r.Stale, r.Takeovers = len(d.ends), d.twice, d.cancels, len(d.stale), d.takeovers
	for _, p := range d.proxies {
		r.Duplicated += int(p.repeated.Load())
		r.Reordered += int(p.late.Load())
	}
	if r.Seconds > 0 {
		r.PerSecond = float64(r.Commands) / r.Seconds
	}
	if len(d.ms) > 0 {
		slices.Sort(d.ms)
		r.Latency = Latency{P50: d.ms[len(d.ms)/2], P99: d.ms[len(d.ms)*99/100], Max: d.ms[len(d.ms)-1]}
	}
}
