package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/athanor-lab/athanor/internal/chaos"
)

// benchChaosCmd kills what takes part in commands and judges by the world.
type benchChaosCmd struct {
	Commands  int           `default:"3000" help:"Commands to send."`
	Seed      uint64        `default:"1" help:"Seed of commands and faults."`
	Processes int           `default:"6" help:"Processes of devices."`
	Each      int           `default:"4" help:"Devices to a process."`
	Every     time.Duration `default:"400ms" help:"Mean time between two faults from outside."`
	For       time.Duration `default:"1h" help:"Stop sending after this time."`
	Broker    string        `enum:",mosquitto,mochi" default:"" help:"mosquitto, or mochi, which is the embedded one; by default mosquitto where there is one."`
	Postgres  string        `env:"ATHANOR_BENCH_POSTGRES_URL" placeholder:"URL" help:"An empty database; by default one of our own, for the time of the bench."`
	JSON      bool          `name:"json" help:"Print one JSON object."`
}

// Run ends with status 1 when something happened twice or was lost.
func (c *benchChaosCmd) Run(ctx context.Context, t *terminal) error {
	at := conditionsNow(c.Seed)
	g, err := openGround(ctx, t, c.Postgres)
	if err != nil {
		return err
	}
	defer g.close()
	r, err := chaos.Run(ctx, chaos.Options{
		Commands: c.Commands, Seed: c.Seed, Processes: c.Processes, Each: c.Each, Every: c.Every, For: c.For, Broker: c.Broker,
		Dir: g.dir, Postgres: g.url, Spawn: g.spawn, Log: t.err, Logger: t.logger,
		Say: func(f string, a ...any) { fmt.Fprintf(t.err, f+"\n", a...) },
	})
	if err != nil {
		return err
	}
	at.LoadAfter, at.PostgreSQL = load(), g.version
	if c.JSON {
		if err := json.NewEncoder(t.out).Encode(struct {
			chaos.Report
			Conditions conditions `json:"conditions"`
		}{r, at}); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(t.out, "%d commands to %d devices on %s, %.0f/s\n%d kills %v, of devices at %v\n%d partitions, %d messages repeated, %d late; %d commands sent twice, %d cancelled, %d by former holders\n"+
			"silent doubles %d, silent losses %d, in doubt %d; seed %d\n",
			r.Commands, r.Devices, r.Broker, r.PerSecond, r.Kills, r.KillsOf, r.KillsAt, r.Partitions, r.Duplicated, r.Reordered, r.SentTwice, r.Cancels, r.Stale,
			r.SilentDouble, r.SilentLosses, r.InDoubt, r.Seed)
		for _, x := range r.Examples {
			fmt.Fprintln(t.out, " ", x)
		}
	}
	if !r.OK() {
		return quiet{exitFailed}
	}
	return nil
}
