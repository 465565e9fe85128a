package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/athanor-lab/athanor/api"
	"github.com/athanor-lab/athanor/internal/embedded"
	"github.com/athanor-lab/athanor/internal/postgres"
	"github.com/athanor-lab/athanor/lab"
)

// upCmd runs a whole laboratory on one machine.
type upCmd struct {
	Data     string   `default:"${default_data}" help:"Where everything is kept."`
	HTTP     string   `name:"http" default:"127.0.0.1:8080" help:"Where the API and the page are served; another port is taken when it is in use."`
	MQTT     string   `name:"mqtt" default:"127.0.0.1:1883" help:"Where devices find the broker; another port is taken when it is in use."`
	MQTTS    string   `name:"mqtts" placeholder:"ADDRESS" help:"Where devices on other machines find the broker, over TLS and with accounts of --fleet, as 0.0.0.0:8883."`
	Demo     bool     `help:"Submit the demonstration campaign and show its progress."`
	Exit     bool     `help:"End when the demonstration campaign has ended and its dataset is written."`
	Tables   string   `help:"Folder of tables of real measurements; each becomes an instrument that answers with measured rows."`
	Lab      string   `name:"lab-file" help:"Description of the simulated laboratory (YAML); by default the demonstration's."`
	NoSim    bool     `name:"no-sim" help:"Run no simulated laboratory: real devices connect to the broker."`
	SimSpeed float64  `name:"sim-speed" help:"How many of the simulated laboratory's seconds pass in one of ours."`
	KeepFree float64  `name:"keep-free" placeholder:"MB" help:"Disk space to leave to others; the laboratory closes in order before it takes it."`
	Gone     []string `name:"gone" placeholder:"DEVICE" help:"After athanor restore: devices that will not answer any more, so that nobody waits for what they were told since the backup."`
	fleetFolder
	planning
	keeping
	SimNoops int `name:"sim-noops" hidden:"" help:"Add simulated devices whose command does nothing."`
}

// Run starts everything, says where it is, and ends when told to.
func (c *upCmd) Run(ctx context.Context, t *terminal) error {
	if c.Exit && !c.Demo {
		return lab.Errorf(lab.Invalid, "--exit ends with the demonstration campaign: say --demo too")
	}
	began := time.Now()
	l, err := start(ctx, c.options(t))
	if err != nil {
		return err
	}
	defer l.stop()
	l.say(fmt.Sprintf("open on %s after %.1f s", l.url, time.Since(began).Seconds()))
	ctx, cancel := l.untilFailure(ctx)
	defer cancel()
	if c.Demo {
		err := l.demo(ctx)
		if fault := l.fault(ctx); fault != nil {
			return fault
		}
		if ctx.Err() != nil && !c.Exit {
			return nil // told to close, which is no failure
		}
		if err != nil || c.Exit {
			return err
		}
		l.say(fmt.Sprintf("the laboratory stays open on %s; Ctrl-C closes it", l.url))
	}
	<-ctx.Done()
	if err := l.fault(ctx); err != nil {
		return err
	}
	l.say("closing")
	return nil
}

func (c *upCmd) options(t *terminal) labOptions {
	return labOptions{
		data: c.Data, http: c.HTTP, mqtt: c.MQTT, mqtts: c.MQTTS, fleet: c.Fleet, terminal: t,
		sim: !c.NoSim, simFile: c.Lab, simSpeed: c.SimSpeed, simNoops: c.SimNoops, tables: c.Tables, keepFree: c.KeepFree, gone: c.Gone, planning: c.planning, keeping: c.keeping,
	}
}

// labOptions says what a laboratory on one machine is made of.
type labOptions struct {
	data, http, mqtt string
	mqtts, fleet     string // devices on other machines; "" for none
	terminal         *terminal
	sim              bool
	simFile          string
	simSpeed         float64
	simNoops         int
	tables           string
	keepFree         float64 // MB of disk
	gone             []string
	planning         planning
	keeping          keeping
}

// laboratory is a laboratory that runs in this process and its children.
type laboratory struct {
	labOptions
	url      string
	services services
	postgres *embedded.Postgres
	temporal *embedded.Temporal
	broker   *embedded.Broker
	failed   chan error // the first role that ended without being told to
	closers  []func()   // in the order of opening
	house    *house
	simChild child
}

// start opens a laboratory, from the outside in: its directory, its servers,
// its roles, its devices. On an error everything is closed again.
func start(ctx context.Context, o labOptions) (_ *laboratory, err error) {
	l := &laboratory{labOptions: o, failed: make(chan error, 8)}
	defer func() {
		if err != nil {
			l.stop()
		}
	}()
	if l.data, err = filepath.Abs(o.data); err != nil {
		return nil, fmt.Errorf("data directory %s: %w", o.data, err)
	}
	if err := l.claim(); err != nil {
		return nil, err
	}
	space := disk{dir: l.data, keepMB: l.keepFree, free: freeMB}
	if err := space.enough(roomToOpenMB, "a laboratory"); err != nil {
		return nil, err
	}
	listener, err := l.listen(ctx)
	if err != nil {
		return nil, err
	}
	if err := l.startServers(ctx); err != nil {
		return nil, err
	}
	if err := l.startRoles(ctx, listener); err != nil {
		return nil, err
	}
	if l.sim {
		if err := l.startSim(); err != nil {
			return nil, err
		}
	}
	l.watchDisk(space)
	stop, err := embedded.OfferBackups(l.data, embedded.Live{Dir: l.data, Postgres: l.postgres, Temporal: l.temporal, Sim: l.simChild.hold}.Backup)
	if err != nil {
		return nil, err
	}
	l.onStop(stop)
	if err := os.WriteFile(filepath.Join(l.data, addressFile), []byte(l.url+"\n"), 0o644); err != nil {
		return nil, fmt.Errorf("note the address: %w", err)
	}
	l.onStop(func() { os.Remove(filepath.Join(l.data, addressFile)) })
	// For commands of this user that read the record or keep corpora in it.
	if err := os.WriteFile(filepath.Join(l.data, databaseFile), []byte(l.services.PostgresURL+"\n"), 0o600); err != nil {
		return nil, fmt.Errorf("note the database: %w", err)
	}
	l.onStop(func() { os.Remove(filepath.Join(l.data, databaseFile)) })
	return l, nil
}

// watchDisk reports a lack of room as the failure of a role.
func (l *laboratory) watchDisk(space disk) {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		if err := space.watch(ctx); err != nil {
			l.failed <- fmt.Errorf("closing before the disk is full: %w; what runs is finished by its devices, and the next start goes on from there", err)
		}
	}()
	l.onStop(cancel)
}

// claim makes sure that the directory is ours alone and of our format.
func (l *laboratory) claim() error {
	release, err := embedded.LockDir(l.data)
	if err != nil {
		return err
	}
	l.onStop(release)
	return embedded.CheckFormat(l.data)
}

// listen takes the address of the page first, so that a port in use is told
// before anything is started.
func (l *laboratory) listen(ctx context.Context) (net.Listener, error) {
	ln, err := l.choose(l.http, "http", func(addr string) (any, error) { return api.Listen(ctx, addr) })
	if err != nil {
		return nil, err
	}
	listener := ln.(net.Listener)
	l.onStop(func() { listener.Close() })
	l.url = "http://" + listener.Addr().String()
	return listener, nil
}

// choose opens something on the address asked for or, when its port is in use,
// on the one that this directory had last, else on any; and says so.
func (l *laboratory) choose(addr, name string, open func(addr string) (any, error)) (any, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, lab.Errorf(lab.Invalid, "address %q: %v; say it like 127.0.0.1:8080", addr, err)
	}
	want, err := strconv.Atoi(port)
	if err != nil {
		return nil, lab.Errorf(lab.Invalid, "address %q: port %q is no number", addr, port)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, lab.Errorf(lab.Unsafe, "address %q can be reached from other machines, and there are no accounts yet: use 127.0.0.1", addr)
	}
	got, err := embedded.ChoosePort(l.data, name, want)
	if err != nil {
		return nil, err
	}
	if got != want && want != 0 && !free(addr) {
		l.say(fmt.Sprintf("port %d is in use; %s is on %d", want, name, got))
	}
	return open(net.JoinHostPort(host, strconv.Itoa(got)))
}

// free reports whether nobody listens on addr.
func free(addr string) bool {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return false
	}
	ln.Close()
	return true
}

// startServers starts PostgreSQL, Temporal and the broker, side by side.
func (l *laboratory) startServers(ctx context.Context) error {
	logger := l.terminal.logger
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	pg, tm := make(chan error, 1), make(chan error, 1)
	go func() {
		var err error
		l.postgres, err = embedded.StartPostgres(ctx, embedded.PostgresOptions{Dir: filepath.Join(l.data, "postgres"), BinDir: l.terminal.getenv("ATHANOR_PG_BIN"), Logger: logger})
		pg <- err
	}()
	go func() {
		var err error
		l.temporal, err = embedded.StartTemporal(ctx, embedded.TemporalOptions{Dir: filepath.Join(l.data, "temporal"), Binary: l.terminal.getenv("ATHANOR_TEMPORAL"), Logger: logger})
		tm <- err
	}()
	secure, err := secureListener(l.mqtts, l.fleet)
	var b any
	if err == nil {
		b, err = l.choose(l.mqtt, "mqtt", func(addr string) (any, error) {
			return embedded.StartBroker(embedded.BrokerOptions{Addr: addr, Secure: secure, Logger: logger})
		})
	}
	if err == nil {
		l.broker = b.(*embedded.Broker)
		l.onStop(func() { l.stopped("the broker", l.broker.Stop()) })
	}
	// Both are awaited whatever happens, so that what has started is stopped.
	errPG, errTM := <-pg, <-tm
	if errTM == nil {
		l.onStop(func() { l.stopped("Temporal", l.temporal.Stop(stopping())) })
	}
	if errPG == nil {
		l.onStop(func() { l.stopped("PostgreSQL", l.postgres.Stop(stopping())) })
	}
	if err := errors.Join(err, errPG, errTM); err != nil {
		return err
	}
	l.services = services{PostgresURL: l.postgres.URL(), Temporal: l.temporal.Addr(), Namespace: l.temporal.Namespace(), MQTT: l.broker.URL(), Lab: "lab", planning: l.planning, keeping: l.keeping, Snapshots: filepath.Join(l.data, "snapshots"), Inbox: filepath.Join(l.data, "inbox"), Models: filepath.Join(l.data, "models")}
	return nil
}

// startRoles runs gateway, worker and API in this process.
func (l *laboratory) startRoles(ctx context.Context, listener net.Listener) error {
	if err := os.MkdirAll(l.services.Inbox, 0o755); err != nil {
		return fmt.Errorf("make the folder of imports: %w", err)
	}
	l.services.Blobs, l.services.Uploads = filepath.Join(l.data, "blobs"), "http://"+listener.Addr().String()
	if err := l.reconcile(ctx); err != nil {
		return err
	}
	h, err := openHouse(ctx, l.services, true, l.terminal.logger)
	if err != nil {
		return err
	}
	l.house = h
	l.onStop(h.close)
	roles := context.WithoutCancel(ctx)
	roles, cancel := context.WithCancel(roles)
	var running []chan struct{}
	for _, r := range []struct {
		name string
		run  func(context.Context) error
	}{
		{"gateway", h.runGateway},
		{"worker", h.runWorker},
		{"api", func(ctx context.Context) error { return h.runAPI(ctx, listener) }},
	} {
		ended := make(chan struct{})
		running = append(running, ended)
		go func() {
			defer close(ended)
			if err := r.run(roles); err != nil && roles.Err() == nil {
				l.failed <- fmt.Errorf("%s: %w", r.name, err)
			}
		}()
	}
	l.onStop(func() {
		cancel()
		for _, ended := range running {
			<-ended
		}
	})
	return h.ready(ctx)
}

// reconcile tells the record of a directory that was restored that its devices may
// have gone on since, before anybody works with it.
func (l *laboratory) reconcile(ctx context.Context) error {
	restored, err := embedded.WasRestored(l.data)
	if err != nil || !restored && len(l.gone) == 0 {
		return err
	}
	db, err := postgres.Open(ctx, l.services.PostgresURL, l.terminal.logger)
	if err != nil {
		return err
	}
	defer db.Close()
	if restored {
		if err := db.Restored(ctx); err != nil {
			return err
		}
		if err := embedded.Reconciled(l.data); err != nil {
			return fmt.Errorf("note that the record knows that it was restored: %w", err)
		}
		l.say("restored from a backup: every device is asked first what it was told since; --gone names one that will not answer")
	}
	return db.Gone(ctx, l.gone)
}

// startSim runs the simulated laboratory as a process of its own, like real
// devices have one, and starts it again when it dies.
func (l *laboratory) startSim() error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program to run the simulated laboratory: %w", err)
	}
	args := []string{"sim", "--data", filepath.Join(l.data, "sim"), "--mqtt", l.services.MQTT, "--lab", l.services.Lab, "--stop-on-stdin-eof"}
	if l.tables != "" {
		args = append(args, "--tables", l.tables)
	}
	if l.simSpeed != 0 {
		args = append(args, "--speed", strconv.FormatFloat(l.simSpeed, 'g', -1, 64))
	}
	if l.simNoops != 0 {
		args = append(args, "--noops", strconv.Itoa(l.simNoops))
	}
	if l.simFile != "" {
		args = append(args, l.simFile)
	}
	// Tried once in the foreground of our attention: a bad description or folder
	// is told at once, not in a log.
	if err := (&simCmd{File: l.simFile, Speed: l.simSpeed, Tables: l.tables}).checkOnly(); err != nil {
		return err
	}
	stop := l.simChild.keep(self, args, filepath.Join(l.data, "sim.log"), l.terminal.logger)
	l.onStop(stop)
	return nil
}

// untilFailure returns a context that also ends when a part of the laboratory
// fails, with its failure as the cause.
func (l *laboratory) untilFailure(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		select {
		case err := <-l.failed:
			cancel(failure{err})
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil) }
}

// failure is what ended a laboratory that nobody told to end.
type failure struct{ error }

func (f failure) Unwrap() error { return f.error }

// fault returns the failure that ended ctx, if it was one.
func (l *laboratory) fault(ctx context.Context) error {
	if f, ok := errors.AsType[failure](context.Cause(ctx)); ok {
		return f.error
	}
	return nil
}

func (l *laboratory) onStop(f func()) { l.closers = append(l.closers, f) }

// stopped tells of a server that did not stop as it should.
func (l *laboratory) stopped(server string, err error) {
	if err != nil {
		l.terminal.logger.Warn("not stopped in order", "server", server, "err", err)
	}
}

// stop closes everything in the order opposite to its opening.
func (l *laboratory) stop() {
	for _, end := range slices.Backward(l.closers) {
		end()
	}
	l.closers = nil
}

// stopping bounds the end of a server.
func stopping() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	time.AfterFunc(21*time.Second, cancel)
	return ctx
}

func (l *laboratory) say(line string) {
	fmt.Fprintln(l.terminal.err, "athanor:", strings.TrimSpace(line))
}
