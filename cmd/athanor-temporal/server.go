package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"go.temporal.io/server/common/authorization"
	"go.temporal.io/server/common/cluster"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/common/headers"
	"go.temporal.io/server/common/membership/static"
	"go.temporal.io/server/common/primitives"
	"go.temporal.io/server/temporal"
)

const (
	serverVersion = headers.ServerVersion
	clusterName   = "active" // what Temporal's own single-machine servers are called; it is written into the store
	readyTimeout  = 60 * time.Second
)

// Server is a running Temporal server with its page.
type Server struct {
	opts    Options
	address string
	server  temporal.Server
	page    *page
	logger  temporalLogger
}

// StartServer prepares the store, starts all services of Temporal in this process, sets the namespace right and starts the page.
// It returns when workflows can be started.
func StartServer(ctx context.Context, opts Options, logger *slog.Logger) (*Server, error) {
	ports, err := choosePorts(opts)
	if err != nil {
		return nil, err
	}
	tl := temporalLogger{slog: logger, steady: new(atomic.Bool)}
	store, err := openStore(ctx, opts, tl)
	if err != nil {
		return nil, err
	}
	cfg := serverConfig(opts, store, ports)
	claims, err := authorization.GetClaimMapperFromConfig(&cfg.Global.Authorization, tl)
	if err != nil {
		return nil, fmt.Errorf("configure Temporal: %w", err)
	}
	hosts := map[primitives.ServiceName]static.Hosts{}
	for name, svc := range cfg.Services {
		hosts[primitives.ServiceName(name)] = static.SingleLocalHost(hostPort(opts.IP, svc.RPC.GRPCPort))
	}
	server, err := temporal.NewServer(
		temporal.WithConfig(cfg),
		temporal.ForServices(temporal.DefaultServices),
		temporal.WithStaticHosts(hosts),
		temporal.WithLogger(tl),
		temporal.WithAuthorizer(authorization.NewNoopAuthorizer()),
		temporal.WithClaimMapper(func(*config.Config) authorization.ClaimMapper { return claims }),
		temporal.WithDynamicConfigClient(tuning(opts)),
	)
	if err != nil {
		return nil, fmt.Errorf("configure Temporal: %w", err)
	}
	if err := server.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start Temporal: %w", err), server.Stop())
	}
	s := &Server{opts: opts, address: cfg.PublicClient.HostPort, server: server, logger: tl}
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	if err := prepareNamespace(ctx, s.address, opts); err != nil {
		return nil, errors.Join(err, server.Stop())
	}
	if opts.UIPort >= 0 {
		if s.page, err = startPage(ctx, opts.IP, ports.page, s.address, opts.Namespace); err != nil {
			return nil, errors.Join(err, server.Stop())
		}
	}
	tl.steady.Store(true)
	return s, nil
}

// Ready describes the server to whoever started it.
func (s *Server) Ready() Ready {
	r := Ready{Address: s.address, Namespace: s.opts.Namespace, PID: os.Getpid(), Version: serverVersion}
	if s.page != nil {
		r.UI = s.page.url
	}
	return r
}

// Stop ends the page and the services in order, in about a second.
func (s *Server) Stop() error {
	s.logger.steady.Store(false)
	if s.page != nil {
		s.page.stop()
	}
	if err := s.server.Stop(); err != nil {
		return fmt.Errorf("stop Temporal: %w", err)
	}
	return nil
}

func serverConfig(opts Options, store store, ports ports) *config.Config {
	frontend := hostPort(opts.IP, ports.frontend)
	service := func(port int) config.Service {
		var s config.Service
		s.RPC.GRPCPort, s.RPC.BindOnIP = port, opts.IP
		return s
	}
	var c config.Config
	c.Global.Membership.MaxJoinDuration = 30 * time.Second
	c.Global.Membership.BroadcastAddress = opts.IP
	c.Persistence = store.persistence
	c.ClusterMetadata = &cluster.Config{
		FailoverVersionIncrement: 10,
		MasterClusterName:        clusterName,
		CurrentClusterName:       clusterName,
		ClusterInformation: map[string]cluster.ClusterInformation{
			clusterName: {Enabled: true, InitialFailoverVersion: 1, RPCAddress: frontend},
		},
	}
	c.DCRedirectionPolicy.Policy = "noop"
	c.Archival.History.State = "disabled"
	c.Archival.Visibility.State = "disabled"
	c.NamespaceDefaults.Archival.History.State = "disabled"
	c.NamespaceDefaults.Archival.Visibility.State = "disabled"
	c.PublicClient.HostPort = frontend
	c.Services = map[string]config.Service{
		string(primitives.FrontendService): service(ports.frontend),
		string(primitives.HistoryService):  service(ports.history),
		string(primitives.MatchingService): service(ports.matching),
		string(primitives.WorkerService):   service(ports.worker),
	}
	return &c
}

// tuning is Temporal's dynamic configuration: what makes it quick on one machine, and small.
func tuning(opts Options) dynamicconfig.StaticClient {
	const noLimit = 100_000 // requests a second; the machine is the limit, and all clients are ours
	c := dynamicconfig.StaticClient{
		// The default of 20 polls a second and shard caps one campaign at 11 experiments a second, since few shards share all work.
		dynamicconfig.TransferProcessorMaxPollRPS.Key():   1000,
		dynamicconfig.TimerProcessorMaxPollRPS.Key():      1000,
		dynamicconfig.VisibilityProcessorMaxPollRPS.Key(): 1000,

		dynamicconfig.FrontendRPS.Key():                                         noLimit,
		dynamicconfig.FrontendMaxNamespaceRPSPerInstance.Key():                  noLimit,
		dynamicconfig.FrontendMaxNamespaceVisibilityRPSPerInstance.Key():        1000, // default 10: a page that lists would starve
		dynamicconfig.FrontendMaxConcurrentLongRunningRequestsPerInstance.Key(): 10_000,
		dynamicconfig.HistoryRPS.Key():                                          noLimit,
		dynamicconfig.MatchingRPS.Key():                                         noLimit,
		dynamicconfig.FrontendPersistenceMaxQPS.Key():                           noLimit,
		dynamicconfig.HistoryPersistenceMaxQPS.Key():                            noLimit,
		dynamicconfig.MatchingPersistenceMaxQPS.Key():                           noLimit,

		// Caches sized for one laboratory; the defaults are for a data centre and would let the process grow to gigabytes.
		dynamicconfig.HistoryCacheHostLevelMaxSize.Key():     8192,
		dynamicconfig.EventsHostLevelCacheMaxSizeBytes.Key(): 64 << 20,
	}
	if opts.PostgresURL != "" {
		// One commit at a time for each shard would wait for one fsync after another.
		c[dynamicconfig.ShardIOConcurrency.Key()] = 32
	}
	return c
}

// ports of one start. Only the frontend's and the page's matter to others.
type ports struct{ frontend, page, history, matching, worker int }

// choosePorts finds free ones, all held open until the last is known so that no two are equal, and says clearly when a wanted one is taken.
func choosePorts(opts Options) (ports, error) {
	var (
		p    ports
		errs []error
		held []net.Listener
	)
	choose := func(flag string, want int) int {
		if want < 0 {
			return 0
		}
		l, err := net.Listen("tcp", hostPort(opts.IP, want))
		if err != nil {
			errs = append(errs, fmt.Errorf("-%s %d cannot be used: %w: stop the process that has it, or choose another port (0 takes a free one)", flag, want, err))
			return 0
		}
		held = append(held, l)
		return l.Addr().(*net.TCPAddr).Port
	}
	p.frontend, p.page = choose("port", opts.Port), choose("ui-port", opts.UIPort)
	for _, inner := range []*int{&p.history, &p.matching, &p.worker} {
		*inner = choose("port", 0)
	}
	for _, l := range held {
		errs = append(errs, l.Close())
	}
	return p, errors.Join(errs...)
}

func hostPort(ip string, port int) string { return net.JoinHostPort(ip, strconv.Itoa(port)) }
