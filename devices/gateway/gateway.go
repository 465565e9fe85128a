package gateway

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/lab"
)

// Config is what a Gateway needs.
type Config struct {
	Lab       string        // "" is "lab"
	Holder    string        // of leases, the same for all gateways of a lab; "" is "athanor"
	Instance  string        // unique on the broker; "" is minted
	LeaseTTL  time.Duration // 0 is 15 s
	Dial      devices.Dialer
	Ledger    Ledger
	Fleet     Fleet
	Completer Completer

	// What else devices say goes here; what is nil is not kept.
	Alarms     Alarms
	Telemetry  Telemetry
	Quarantine Quarantine
	Blobs      Blobs
	Samples    Samples
	Epoch      Epochs
	Uploads    *Uploads // where devices put raw data; nil is nowhere
	Recalls    Recalls  // nil: the record was never restored

	// Rate is how many messages a second a device may say for long, and Burst
	// how many at once; 0 is 2,000 and 10,000. A message of 8 KiB counts twice.
	Rate  float64
	Burst int
	Quiet time.Duration // after which the laboratory's own alarms are taken back; 0 is 10 s

	Logger *slog.Logger // nil discards

	// Resend is how long a command may go without an answer before it is sent
	// again, doubled up to five times that; 0 is 1 s. Beat is the time between
	// two beats of a cell; 0 is 1 s. Sweep is the time between two looks into
	// the ledger for what other processes left; 0 is 2 s.
	Resend, Beat, Sweep time.Duration
}

// Gateway listens to devices, and says things as its [Dispatcher].
type Gateway struct {
	*Dispatcher
	cfg    Config
	log    *slog.Logger
	shards []chan said

	notes   chan note           // to be written to the database
	batches chan TelemetryBatch // of telemetry, to be saved

	mu      sync.Mutex
	devices map[string]*device
	cells   map[string]*cell
	untold  map[string]bool // seen by the last sweep, nil before the first

	recalled bool // nobody is to be asked what it was told since the backup; of one loop
}

// said is an event on its way.
type said struct {
	device string
	raw    []byte
}

// graceMax is how long after its deadline a command is still waited for, while
// its device says that it is at it, or that it has ended.
const graceMax = 15 * time.Second

// tick is the time between two looks at what is due.
const tick = 50 * time.Millisecond

// shards is how many devices' events are folded side by side.
const shards = 16

// Open takes the bus and the ledger's open entries. The gateway works once
// [Gateway.Run] runs.
func Open(ctx context.Context, cfg Config) (*Gateway, error) {
	for d, v := range map[*time.Duration]time.Duration{&cfg.Resend: time.Second, &cfg.Beat: time.Second, &cfg.Sweep: 2 * time.Second} {
		if *d <= 0 {
			*d = v
		}
	}
	if cfg.Rate <= 0 {
		cfg.Rate = 2000
	}
	if cfg.Burst <= 0 {
		cfg.Burst = 10_000
	}
	if cfg.Quiet <= 0 {
		cfg.Quiet = quietAfter
	}
	if cfg.Instance == "" {
		cfg.Instance = "gateway-" + rand.Text()[:8]
	}
	g := &Gateway{cfg: cfg, recalled: cfg.Recalls == nil, devices: map[string]*device{}, cells: map[string]*cell{}, notes: make(chan note, recordsMax), batches: make(chan TelemetryBatch, recordsMax)}
	g.Dispatcher = NewDispatcher(DispatcherConfig{Lab: cfg.Lab, Holder: cfg.Holder, LeaseTTL: cfg.LeaseTTL, Ledger: cfg.Ledger, Samples: cfg.Samples, Epoch: cfg.Epoch, Uploads: cfg.Uploads, Recalls: cfg.Recalls, Logger: cfg.Logger})
	g.Dispatcher.sent, g.Dispatcher.settled, g.Dispatcher.cancel = g.watch, g.tell, g.watchCancel
	g.log = g.Dispatcher.cfg.Logger
	for range shards {
		g.shards = append(g.shards, make(chan said, 256))
	}
	l := g.Dispatcher.cfg.Lab
	bus, err := cfg.Dial(ctx, devices.Session{
		ClientID: cfg.Instance,
		Subscriptions: []devices.Subscription{
			{Filters: []string{devices.Shared("orc", devices.Topic(l, "+", devices.LeafEv))}, Handle: g.onEvent},
			// Retained topics are not retained for a shared subscription.
			{
				Filters: []string{
					devices.Topic(l, "+", devices.LeafAbout), devices.Topic(l, "+", devices.LeafConn), devices.Topic(l, "+", devices.LeafState),
					devices.SubTopic(l, "+", devices.LeafAlarm, "+"), // in order with the states that name them
				},
				Handle: g.onDevice,
			},
			{Filters: []string{devices.Shared("orc", devices.SubTopic(l, "+", devices.LeafTm, "+"))}, Handle: g.onTelemetry},
			// Not shared: a blob's chunks are of use in their order only.
			{Filters: []string{devices.SubTopic(l, "+", devices.LeafBlob, "+")}, Handle: g.onChunk},
			// Nor are the answers to a gateway's own question.
			{Filters: []string{devices.Topic(l, "+", devices.LeafRecall)}, Handle: g.onRecall},
		},
		Up:   func(context.Context, devices.Bus) { g.hurry() },
		Down: func(err error) { g.log.WarnContext(ctx, "link lost", "err", err) },
	})
	if err != nil {
		return nil, err
	}
	g.Dispatcher.cfg.Bus = bus
	return g, nil
}

// Run works until ctx is done.
func (g *Gateway) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	for _, s := range g.shards {
		wg.Go(func() { g.fold(ctx, s) })
	}
	wg.Go(func() { g.writeNotes(ctx) })
	wg.Go(func() { g.writeBatches(ctx) })
	for _, loop := range []struct {
		every time.Duration
		do    func(context.Context)
	}{{tick, g.sendDue}, {tick, g.beatDue}, {tick, g.saveDirty}, {g.cfg.Sweep, g.sweep}, {g.cfg.Quiet / 4, g.forgive}, {chunkLull / 4, g.askChunks}, {recallEvery, g.recallDue}} {
		wg.Go(func() {
			t := time.NewTicker(loop.every)
			defer t.Stop()
			for {
				loop.do(ctx)
				select {
				case <-t.C:
				case <-ctx.Done():
					return
				}
			}
		})
	}
	wg.Wait()
	if err := g.Dispatcher.cfg.Bus.Close(); err != nil {
		return fmt.Errorf("close the gateway's session: %w", err)
	}
	return nil
}

// sweep takes up what other processes left in the ledger: commands that nobody
// cares for any more, and ends that nobody was told. What this process may just
// be telling waits for the next sweep, except at the start.
func (g *Gateway) sweep(ctx context.Context) {
	asked := time.Now()
	open, err := g.cfg.Ledger.Open(ctx)
	if err != nil {
		if ctx.Err() == nil {
			g.log.ErrorContext(ctx, "ledger not read; trying again", "err", err)
		}
		return
	}
	var tell []Entry
	first := g.untold == nil
	untold := map[string]bool{}
	ids := make(map[string]bool, len(open))
	for _, e := range open {
		ids[e.ID()] = true
		switch {
		case !e.State.Terminal():
			g.adopt(e)
		case first || g.untold[e.ID()]:
			tell = append(tell, e)
		default:
			untold[e.ID()] = true
		}
	}
	g.untold = untold
	g.forget(ids, asked)
	for _, e := range tell {
		g.tell(ctx, e)
	}
}

// tell takes an end to whoever waits for it, and notes that.
func (g *Gateway) tell(ctx context.Context, e Entry) {
	g.drop(e)
	r, err := ResultOf(e)
	if err != nil {
		g.log.ErrorContext(ctx, "end of command not told", "command_id", e.ID(), "err", err)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if err := g.matter(ctx, e); err != nil {
		g.log.WarnContext(ctx, "end of command not noted in the ledger of samples; trying again", "command_id", e.ID(), "err", err)
		return
	}
	if err := g.cfg.Completer.Complete(ctx, r); err != nil {
		g.log.WarnContext(ctx, "end of command not told; trying again", "command_id", e.ID(), "err", err)
		return
	}
	if err := g.cfg.Ledger.Notified(ctx, e.ID(), e.State); err != nil && lab.KindOf(err) != lab.NotFound {
		g.log.WarnContext(ctx, "telling not noted; it will be told again", "command_id", e.ID(), "err", err)
	}
}
