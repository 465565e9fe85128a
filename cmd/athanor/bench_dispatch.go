package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"
	"slices"

	"github.com/athanor-lab/athanor/internal/bench"
	"github.com/athanor-lab/athanor/internal/chaos"
	"github.com/athanor-lab/athanor/internal/embedded"
	"github.com/athanor-lab/athanor/internal/rig"
)

// benchRoleCmd is this program as a child of a bench.
type benchRoleCmd struct {
	Role   string `arg:"" help:"What to be."`
	Config string `arg:"" help:"How, as JSON."`
}

// roles are what children of the benches can be.
var roles = map[string]rig.Role{
	rig.Mochi:     rig.RunMochi,
	bench.Devices: bench.RunDevices,
	chaos.Devices: chaos.RunDevices,
	chaos.Gateway: chaos.RunGateway,
}

func (c *benchRoleCmd) Run(ctx context.Context) error { return rig.Play(ctx, roles, c.Role, c.Config) }

// spawn returns this program as a child of a bench.
func spawn() (rig.Spawn, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program to start it again: %w", err)
	}
	return func(role, config string) *exec.Cmd { return exec.Command(self, "bench", "role", role, config) }, nil
}

// benchDispatchCmd measures the way of a command to many devices.
type benchDispatchCmd struct {
	Devices  int     `default:"1000" help:"Devices, each with a connection and a journal of its own."`
	Rate     float64 `default:"500" help:"Commands a second, in an open loop."`
	Seconds  float64 `default:"20" help:"How long."`
	Seed     uint64  `default:"1" help:"Seed of the order in which devices are commanded."`
	Broker   string  `enum:",mosquitto,mochi" default:"" help:"mosquitto, or mochi, which is the embedded one; by default mosquitto where there is one."`
	Postgres string  `env:"ATHANOR_BENCH_POSTGRES_URL" placeholder:"URL" help:"An empty database; by default one of our own, for the time of the bench."`
	Profile  string  `type:"path" placeholder:"FILE" help:"Write a processor profile of the gateway."`
	JSON     bool    `name:"json" help:"Print one JSON object."`
}

func (c *benchDispatchCmd) Run(ctx context.Context, t *terminal) error {
	at := conditionsNow(c.Seed)
	g, err := openGround(ctx, t, c.Postgres)
	if err != nil {
		return err
	}
	defer g.close()
	if c.Profile != "" {
		f, err := os.Create(c.Profile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	r, err := bench.Run(ctx, bench.Options{
		Devices: c.Devices, Rate: c.Rate, Seconds: c.Seconds, Seed: c.Seed, Broker: c.Broker, Dir: g.dir, Postgres: g.url,
		Spawn: g.spawn, Log: t.err, Logger: t.logger, Say: func(f string, a ...any) { fmt.Fprintf(t.err, f+"\n", a...) },
	})
	if err != nil {
		return err
	}
	at.LoadAfter, at.PostgreSQL = load(), g.version
	if c.JSON {
		return json.NewEncoder(t.out).Encode(struct {
			bench.Dispatch
			Conditions conditions `json:"conditions"`
		}{r, at})
	}
	_, err = fmt.Fprintf(t.out, "%d devices on %s, %.0f commands/s for %.1f s: %d of %d came back, %d lost\n"+
		"accepted p50 %.1f p99 %.1f ms; told p50 %.1f p99 %.1f ms\ncancel p99 %.1f ms; lab stop p99 %.1f ms\n"+
		"dead device seen after %.2f s by its last will, after %.2f heartbeats by silence\nmemory %v MB; seed %d, load %.1f before and %.1f after on %d cores\n",
		r.Devices, r.Broker, r.Rate, r.Seconds, r.Completed, r.Commands, r.Lost, r.Accepted.P50, r.Accepted.P99, r.Told.P50, r.Told.P99,
		r.Cancel.P99, r.Stop.P99, r.DeadByWillS, r.DeadBySilenceHeartbeat, r.RSSMB, c.Seed, at.LoadBefore, at.LoadAfter, at.Cores)
	return err
}

// ground is what the benches of devices stand on.
type ground struct {
	dir, url, version string
	spawn             rig.Spawn
	closers           []func()
}

// openGround makes a folder and, unless a database is named, starts one.
func openGround(ctx context.Context, t *terminal, url string) (_ *ground, err error) {
	g := &ground{url: url}
	defer func() {
		if err != nil {
			g.close()
		}
	}()
	if g.spawn, err = spawn(); err != nil {
		return nil, err
	}
	if g.dir, err = os.MkdirTemp("", "athanor-bench-"); err != nil {
		return nil, fmt.Errorf("make a folder for the bench: %w", err)
	}
	g.closers = append(g.closers, func() { os.RemoveAll(g.dir) })
	if err := os.Chmod(g.dir, 0o755); err != nil { // PostgreSQL may run as another user
		return nil, err
	}
	if url != "" {
		return g, nil
	}
	p, err := embedded.StartPostgres(ctx, embedded.PostgresOptions{Dir: filepath.Join(g.dir, "postgres"), BinDir: t.getenv("ATHANOR_PG_BIN"), Logger: t.logger})
	if err != nil {
		return nil, err
	}
	g.closers = append(g.closers, func() { _ = p.Stop(stopping()) })
	g.url, g.version = p.URL(), p.Version()
	return g, nil
}

func (g *ground) close() {
	for _, end := range slices.Backward(g.closers) {
		end()
	}
}
