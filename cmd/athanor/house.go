package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	temporal "go.temporal.io/sdk/client"
	tlog "go.temporal.io/sdk/log"

	"github.com/athanor-lab/athanor/api"
	"github.com/athanor-lab/athanor/campaign"
	"github.com/athanor-lab/athanor/dataset/formats"
	"github.com/athanor-lab/athanor/dataset/importer"
	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/devices/gateway"
	"github.com/athanor-lab/athanor/devices/mqtt"
	"github.com/athanor-lab/athanor/internal/blob"
	"github.com/athanor-lab/athanor/internal/postgres"
	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/models"
	"github.com/athanor-lab/athanor/web"
	"github.com/athanor-lab/athanor/workflows"
)

// house is what the roles share in a process: connections, and the rooms
// introduced to each other. It keeps no state of its own.
type house struct {
	services  services
	logger    *slog.Logger
	db        *postgres.DB
	temporal  temporal.Client
	control   *workflows.Control
	completer *workflows.Completer
	fleet     *fleet
	compiler  *compiler
	gateway   *gateway.Gateway // nil in a process that only says things to devices
	bus       devices.Bus      // of such a process
	blobs     *blob.Dir        // nil where no raw data is kept
	uploads   *gateway.Uploads
	devices   *gateway.Dispatcher // the gateway's, or one of our own
	recalls   gateway.Recalls     // nil: the record was never restored
	book      *book
	exporter  exporter
}

// openHouse connects to the services. What does not answer is told by name,
// with the setting that says where it is. A house that listens has a gateway.
func openHouse(ctx context.Context, s services, listens bool, logger *slog.Logger) (_ *house, err error) {
	h := &house{services: s, logger: logger}
	defer func() {
		if err != nil {
			h.close()
		}
	}()
	// What we connect to.
	if h.db, err = postgres.Open(ctx, s.PostgresURL, logger); err != nil {
		return nil, fmt.Errorf("open the database (--postgres): %w", err)
	}
	dial, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	if h.temporal, err = temporal.DialContext(dial, temporal.Options{HostPort: s.Temporal, Namespace: s.Namespace, Logger: temporalLogger(logger)}); err != nil {
		return nil, lab.Errorf(lab.Unavailable, "reach Temporal at %s (--temporal): %w", s.Temporal, err)
	}

	// What we know and what we do.
	h.control = &workflows.Control{Temporal: h.temporal}
	h.completer = &workflows.Completer{Temporal: h.temporal, Namespace: s.Namespace}
	h.fleet = &fleet{list: h.db.Devices, now: time.Now}
	h.compiler = newCompiler(h.fleet, func(ctx context.Context, id lab.CampaignID) (lab.Campaign, error) {
		row, err := h.db.Campaign(ctx, id)
		return row.Campaign, err
	})
	h.book = &book{db: h.db, completer: h.completer, compiler: h.compiler}
	switch restored, err := h.db.WasRestored(ctx); {
	case err != nil:
		return nil, err
	case restored:
		h.recalls, h.book.past = h.db, &past{db: h.db}
	}
	h.exporter = exporter{h.db}
	if err := h.openBlobs(dial); err != nil {
		return nil, err
	}
	if err := h.reachDevices(dial, listens); err != nil {
		return nil, fmt.Errorf("reach the broker (--mqtt): %w", err)
	}
	h.book.devices = h.devices
	return h, nil
}

// openBlobs opens the store of raw data, and says where devices may send it.
func (h *house) openBlobs(ctx context.Context) (err error) {
	if h.services.Blobs != "" {
		if h.blobs, err = blob.Open(h.services.Blobs); err != nil {
			return fmt.Errorf("%w (--blobs)", err)
		}
	}
	secret, err := h.db.Secret(ctx, "uploads")
	if err != nil {
		return err
	}
	h.uploads = &gateway.Uploads{Secret: secret}
	if h.services.Uploads != "" {
		h.uploads.Href = strings.TrimSuffix(h.services.Uploads, "/") + strings.TrimSuffix(blobsPath, "/")
	}
	return nil
}

// blobsPath is where the API takes raw data of devices.
const blobsPath = "/ldp/1/blobs/"

// withBlobs serves raw data beside everything else.
func (h *house) withBlobs(rest http.Handler) http.Handler {
	if h.blobs == nil {
		return rest
	}
	mux := http.NewServeMux()
	mux.Handle("/", rest)
	mux.Handle(blobsPath, http.StripPrefix(strings.TrimSuffix(blobsPath, "/"), h.uploads.Handler(h.blobs, h.logger)))
	return mux
}

func (h *house) reachDevices(ctx context.Context, listens bool) (err error) {
	options, err := h.services.options(h.services.MQTT, h.logger)
	if err != nil {
		return err
	}
	dial := mqtt.Dialer(options)
	if listens {
		cfg := gateway.Config{
			Lab: h.services.Lab, Dial: dial, Ledger: h.db, Fleet: h.db, Completer: h.completer, Logger: h.logger,
			Alarms: h.db, Telemetry: h.db, Quarantine: h.db, Samples: h.db, Epoch: h.db.LastEpoch, Uploads: h.uploads,
			Recalls: h.recalls,
		}
		if h.blobs != nil {
			cfg.Blobs = h.blobs
		}
		h.gateway, err = gateway.Open(ctx, cfg)
		if err == nil {
			h.devices = h.gateway.Dispatcher
		}
		return err
	}
	if h.bus, err = dial(ctx, devices.Session{ClientID: "athanor-" + rand.Text()[:8]}); err != nil {
		return err
	}
	h.devices = gateway.NewDispatcher(gateway.DispatcherConfig{Lab: h.services.Lab, Bus: h.bus, Ledger: h.db, Samples: h.db, Epoch: h.db.LastEpoch, Uploads: h.uploads, Recalls: h.recalls, Logger: h.logger})
	return nil
}

func (h *house) close() {
	if h.bus != nil {
		_ = h.bus.Close() // whoever listens sees us go by our will
	}
	if h.temporal != nil {
		h.temporal.Close()
	}
	if h.db != nil {
		h.db.Close()
	}
}

// runGateway listens to devices, watches over open commands and tells
// experiments of devices that became free.
func (h *house) runGateway(ctx context.Context) error {
	go h.book.steward(ctx, h.logger)
	go h.beat(ctx)
	go h.services.forget(ctx, h.db, h.logger)
	return h.gateway.Run(ctx)
}

// beatEvery is well within [workflows.HeartbeatTimeout].
const beatEvery = workflows.HeartbeatTimeout / 4

// beat tells Temporal of the commands that are watched over. One that nobody
// beats for is dispatched again: that is how a dispatch is made up for whose
// process died before it reached the ledger.
func (h *house) beat(ctx context.Context) {
	for ; ctx.Err() == nil; pause(ctx, beatEvery) {
		open, err := h.db.Open(ctx)
		for _, e := range open {
			if err == nil && time.Since(e.Published) > beatEvery/2 {
				err = h.completer.Beat(ctx, e.Command.ExperimentID, e.Command.ID)
			}
		}
		if err != nil && ctx.Err() == nil {
			h.logger.WarnContext(ctx, "beat for open commands", "err", err)
		}
	}
}

// runWorker carries out workflows and activities.
func (h *house) runWorker(ctx context.Context) error {
	if err := workflows.EnsureSearchAttributes(ctx, h.temporal, h.services.Namespace); err != nil {
		return err
	}
	p, err := h.services.planners()
	if err != nil {
		return err
	}
	memory := memory{db: h.db, book: h.book}
	activities := workflows.NewActivities(memory, p, memory, h.compiler, h.book, h.devices, time.Now)
	activities = workflows.WithSamples(activities, porter{h.devices, h.db, h.fleet, h.recalls != nil})
	if h.book.past != nil {
		activities = workflows.WithPast(activities, h.book.past)
	}
	w := workflows.NewWorker(h.temporal, workflows.WithLiterature(workflows.WithModels(activities, modelShelf{db: h.db, dir: models.Dir(h.services.Models)}), reader{h.db}))
	w.RegisterWorkflow(workflows.Snapshot)
	w.RegisterActivity(workflows.NewSnapshotActivities(freezer{h.db, h.services.Snapshots}))
	imports := &imports{db: h.db, control: h.control, most: rowsToAPart}
	workflows.RegisterImports(w, &workflows.ImportActivities{Importer: imports})
	if err := w.Start(); err != nil {
		return fmt.Errorf("start the worker: %w", err)
	}
	defer w.Stop()
	go imports.start(ctx, h.logger)
	<-ctx.Done()
	return nil
}

// runAPI answers people and programs.
func (h *house) runAPI(ctx context.Context, listener net.Listener) error {
	docs, err := exampleDocuments()
	if err != nil {
		return err
	}
	all := &campaigns{db: h.db, control: h.control, fleet: h.fleet}
	go all.startSubmitted(ctx, h.logger)
	p, err := h.services.planners()
	if err != nil {
		return err
	}
	desk := importer.NewDesk(h.db, formats.Open, h.services.Inbox)
	defer desk.Close() //nolint:errcheck // of the operating system's
	s := &api.Server{
		Suggester: adviser{p, models.Dir(h.services.Models)},
		Library:   library{reader{h.db}, h.control},
		Campaigns: all,
		Control:   &control{db: h.db, workflows: h.control, devices: h.devices},
		Devices:   &fleetOffice{db: h.db, devices: h.devices},
		Exporter:  h.exporter,
		Events:    &events{h.db},
		Snapshots: snapshots{freezer{h.db, h.services.Snapshots}, h.control},
		Imports:   desk,
		Ready:     h.ready,
		Schema:    campaign.Schema(),
		Examples:  docs,
		Page:      web.Dist(),
		Version:   version,
		Now:       time.Now,
		Rand:      rand.Reader,
		Logger:    h.logger,
	}
	return api.Serve(ctx, listener, h.withBlobs(s.Handler()), h.logger)
}

// ready reports why a campaign could not be taken now, or nil.
func (h *house) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := h.db.Ping(ctx); err != nil {
		return lab.Errorf(lab.Unavailable, "the database does not answer: %w", err)
	}
	if _, err := h.temporal.CheckHealth(ctx, &temporal.CheckHealthRequest{}); err != nil {
		return lab.Errorf(lab.Unavailable, "Temporal does not answer: %w", err)
	}
	return nil
}

// temporalLogger lets Temporal's client tell what an operator can act upon.
func temporalLogger(logger *slog.Logger) tlog.Logger {
	return tlog.NewStructuredLogger(slog.New(atLeast{logger.Handler(), slog.LevelError}))
}

// atLeast drops what is below a level.
type atLeast struct {
	slog.Handler
	level slog.Level
}

// WithAttrs implements [slog.Handler].
func (a atLeast) WithAttrs(attrs []slog.Attr) slog.Handler {
	return atLeast{a.Handler.WithAttrs(attrs), a.level}
}

// WithGroup implements [slog.Handler].
func (a atLeast) WithGroup(name string) slog.Handler {
	return atLeast{a.Handler.WithGroup(name), a.level}
}

// Enabled implements [slog.Handler].
func (a atLeast) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= a.level && a.Handler.Enabled(ctx, l)
}

// serveCmd runs the API and the page.
type serveCmd struct {
	services
	HTTP string `name:"http" default:"127.0.0.1:8080" help:"Where to listen; loopback only until there are accounts."`
}

func (c *serveCmd) Run(ctx context.Context, t *terminal) error {
	if err := c.check(true, true); err != nil {
		return err
	}
	listener, err := api.Listen(ctx, c.HTTP)
	if err != nil {
		return err
	}
	defer listener.Close()
	return role(ctx, t, c.services, "serving on http://"+listener.Addr().String(), false, func(ctx context.Context, h *house) error { return h.runAPI(ctx, listener) })
}

type workerCmd struct{ services }

func (c *workerCmd) Run(ctx context.Context, t *terminal) error {
	if err := c.check(true, true); err != nil {
		return err
	}
	return role(ctx, t, c.services, "worker ready", false, func(ctx context.Context, h *house) error { return h.runWorker(ctx) })
}

type gatewayCmd struct{ services }

func (c *gatewayCmd) Run(ctx context.Context, t *terminal) error {
	if err := c.check(true, true); err != nil {
		return err
	}
	return role(ctx, t, c.services, "gateway ready", true, func(ctx context.Context, h *house) error { return h.runGateway(ctx) })
}

// role runs one role in this process until ctx ends.
func role(ctx context.Context, t *terminal, s services, ready string, listens bool, run func(context.Context, *house) error) error {
	h, err := openHouse(ctx, s, listens, t.logger)
	if err != nil {
		return err
	}
	defer h.close()
	fmt.Fprintln(t.err, "athanor:", ready)
	if err := run(ctx, h); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
