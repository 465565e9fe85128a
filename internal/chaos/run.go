package chaos

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/devices/gateway"
	"github.com/athanor-lab/athanor/devices/mqtt"
	"github.com/athanor-lab/athanor/internal/postgres"
	"github.com/athanor-lab/athanor/internal/rig"
	"github.com/athanor-lab/athanor/lab"
)

// Options say how much chaos there is.
type Options struct {
	Commands  int // at least 1
	Seed      uint64
	Processes int           // of devices; 0 is 6
	Each      int           // devices to a process; 0 is 4
	For       time.Duration // when to stop sending; 0 is an hour
	Patience  time.Duration // until a command without an answer is in doubt; 0 is 3 minutes
	Every     time.Duration // mean time between two faults from outside; 0 is 400 ms
	Takeovers float64       // share of commands under a new lease; 0 is 0.02
	Stale     float64       // share of commands followed by one of a former holder; 0 is 0.05
	Broker    string        // as of [rig.StartBroker]
	Dir       string        // removed by the caller
	Postgres  string        // URL of an empty database
	Spawn     rig.Spawn
	Role      string // of the devices' processes; "" is [Devices]
	Log       io.Writer
	Logger    *slog.Logger
	Say       func(format string, args ...any)
}

// The rates of what harms commands one by one.
const (
	motionMS    = 20
	packetRate  = 0.01            // of messages that are repeated, and of those that are late
	twiceRate   = 0.05            // of commands dispatched again at once
	cancelRate  = 0.03            // of commands that are cancelled soon
	takeoverIn  = 0.02            // of commands with a new lease
	staleRate   = 0.05            // of commands followed by one of the lease before
	graceMax    = time.Minute     // after its deadline, until a command counts as lost
	settleAfter = 2 * time.Second // for what is still on its way when all has ended
)

// points is how many points of a command's way a device can die at.
const points = 7

// deadly returns the rate of deaths at each point at which a run of n commands
// has some two hundred of them, and more when it is longer.
func deadly(n int) float64 {
	return min(0.02, (200+float64(n)/100)/(points*float64(n)))
}

func (o *Options) defaults() error {
	if o.Commands < 1 {
		return lab.Errorf(lab.Invalid, "%d commands: at least 1", o.Commands)
	}
	set(&o.Processes, 6)
	set(&o.Each, 4)
	set(&o.For, time.Hour)
	set(&o.Patience, 3*time.Minute)
	set(&o.Every, 400*time.Millisecond)
	set(&o.Takeovers, 0.02)
	set(&o.Stale, 0.05)
	set(&o.Role, Devices)
	return nil
}

func set[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// scene is everything that runs.
type scene struct {
	Options
	report     *Report
	broker     *rig.Broker
	db         *postgres.DB
	dispatcher *gateway.Dispatcher
	bus        devices.Bus
	proxies    []*proxy
	movers     []*kept
	gateways   []*kept
	dirs       []string // of worlds
	ids        [][]string
	rate       atomic.Uint64 // of deaths at a point, as bits
	hush       func()        // ends the gateways
	closers    []func()
}

// Run sends commands, breaks what it can, and judges. An error says that the
// run itself could not be made. It ends every process that it started.
func Run(ctx context.Context, o Options) (Report, error) {
	if err := o.defaults(); err != nil {
		return Report{}, err
	}
	r := Report{Seed: o.Seed, Devices: o.Processes * o.Each, Processes: o.Processes, KillsOf: map[string]int{}}
	s := &scene{Options: o, report: &r}
	defer s.close()
	if err := s.open(ctx); err != nil {
		return r, err
	}
	r.Broker = s.broker.Name
	d := newDesk(s)
	faults, calm := context.WithCancel(ctx)
	defer calm()
	broken := make(chan struct{})
	go func() {
		defer close(broken)
		s.harm(faults)
	}()
	began := time.Now()
	err := d.work(ctx, func() { calm(); <-broken })
	if err != nil {
		return r, err
	}
	r.Seconds = time.Since(began).Seconds()
	silent, err := s.silence(ctx, o.Commands)
	if err != nil {
		return r, err
	}
	pause(ctx, settleAfter)
	s.close()
	d.tell(&r)
	happened, err := readWorlds(s.dirs)
	if err != nil {
		return r, err
	}
	if r.Orphans, r.Unwatched, err = readWalks(s.dirs, silent); err != nil {
		return r, err
	}
	var own int
	if r.KillsAt, own, err = readGraves(s.dirs); err != nil {
		return r, err
	}
	r.KillsOf["device_at_point"] = own
	for _, n := range r.KillsOf {
		r.Kills += n
	}
	judge(&r, d.ends, d.stale, happened)
	return r, nil
}

func (s *scene) open(ctx context.Context) (err error) {
	if s.db, err = postgres.Open(ctx, s.Postgres, s.Logger); err != nil {
		return err
	}
	s.closers = append(s.closers, s.db.Close)
	if s.broker, err = rig.StartBroker(ctx, s.Broker, s.Dir, s.Spawn, s.Log); err != nil {
		return err
	}
	s.closers = append(s.closers, s.broker.Kill)
	if s.bus, err = mqtt.Dialer(mqtt.Options{URL: s.broker.URL(), Logger: s.Logger})(ctx, devices.Session{ClientID: "chaos"}); err != nil {
		return err
	}
	s.closers = append(s.closers, func() { _ = s.bus.Close() })
	s.dispatcher = gateway.NewDispatcher(gateway.DispatcherConfig{Bus: s.bus, Ledger: s.db}) // what it could not send is no news here
	running, cancel := context.WithCancel(ctx)
	s.closers = append(s.closers, func() {
		cancel()
		for _, k := range slices.Concat(s.movers, s.gateways) {
			<-k.ended
		}
	})
	s.rate.Store(math.Float64bits(deadly(s.Commands)))
	for p := range s.Processes {
		dir := filepath.Join(s.Dir, fmt.Sprintf("world-%d", p))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("make a world: %w", err)
		}
		var ids []string
		for n := range s.Each {
			ids = append(ids, fmt.Sprintf("mover-%d-%d", p, n))
		}
		s.dirs, s.ids = append(s.dirs, dir), append(s.ids, ids)
		link, err := s.proxy(p)
		if err != nil {
			return err
		}
		k := &kept{role: s.Role, spawn: s.Spawn, log: s.Log, make: func(start int) any {
			return rack{URL: link.url(), Dir: dir, IDs: ids, Seed: s.Seed, Start: start, Rate: math.Float64frombits(s.rate.Load()), MotionMS: motionMS}
		}}
		if err := k.keep(running); err != nil {
			return err
		}
		s.movers = append(s.movers, k)
	}
	listening, hush := context.WithCancel(running)
	s.hush = func() {
		hush()
		for _, k := range s.gateways {
			<-k.ended
		}
	}
	for p := range 2 {
		link, err := s.proxy(s.Processes + p)
		if err != nil {
			return err
		}
		k := &kept{role: Gateway, spawn: s.Spawn, log: s.Log, make: func(int) any { return post{URL: link.url(), Postgres: s.Postgres} }}
		if err := k.keep(listening); err != nil {
			return err
		}
		s.gateways = append(s.gateways, k)
	}
	return nil
}

func (s *scene) proxy(n int) (*proxy, error) {
	p, err := newProxy(s.broker.Addr, packetRate, rand.New(rand.NewPCG(s.Seed, uint64(1000+n))))
	if err == nil {
		s.proxies = append(s.proxies, p)
		s.closers = append(s.closers, p.close)
	}
	return p, err
}

func (s *scene) close() {
	for _, end := range slices.Backward(s.closers) {
		end()
	}
	s.closers = nil
}

// harm breaks something, again and again, until ctx ends; what it broke works
// when it returns.
func (s *scene) harm(ctx context.Context) {
	r := rand.New(rand.NewPCG(s.Seed, 1))
	for {
		pause(ctx, time.Duration(r.ExpFloat64()*float64(s.Every)))
		u, n, length := r.Float64(), r.IntN(1<<30), time.Duration((0.1+2*r.Float64())*float64(time.Second))
		if ctx.Err() != nil {
			return
		}
		switch {
		case u < 0.1:
			s.broker.Kill()
			s.report.KillsOf["broker"]++
			pause(ctx, length/4)
			if err := s.broker.Start(context.WithoutCancel(ctx)); err != nil {
				s.Say("%v", err)
				return
			}
		case u < 0.25:
			s.gateways[n%len(s.gateways)].kill()
			s.report.KillsOf["gateway"]++
		case u < 0.5:
			s.movers[n%len(s.movers)].kill()
			s.report.KillsOf["device_any_time"]++
		case u < 0.75:
			s.proxies[n%len(s.proxies)].cut()
			s.report.Partitions++
		default:
			s.report.Partitions++
			go s.proxies[n%len(s.proxies)].hold(ctx, length)
		}
	}
}
