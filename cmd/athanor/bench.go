package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/athanor-lab/athanor/api"
	"github.com/athanor-lab/athanor/lab"
)

type benchCmd struct {
	Throughput benchThroughputCmd `cmd:"" help:"Durable experiments a second through Temporal, MQTT and PostgreSQL, with one no-op step."`
	Literature benchLiteratureCmd `cmd:"" help:"Ranking, screening and extraction on sets of real papers."`
	Knowledge  benchKnowledgeCmd  `cmd:"" help:"What a ranking of settings from outside, right or wrong, is worth to the planner."`
	Planner    benchPlannerCmd    `cmd:"" help:"Regret and speed of the planner on tables of real experiments."`
	Dispatch   benchDispatchCmd   `cmd:"" help:"Commands to many devices: how fast, how lossy, how soon they stop, at what memory."`
	Chaos      benchChaosCmd      `cmd:"" help:"Kill everything that takes part in commands, and ask the world whether anything happened twice or was lost."`
	Role       benchRoleCmd       `cmd:"" hidden:"" help:"Be a child of a bench."`
	Dataset    benchDatasetCmd    `cmd:"" help:"Writing Parquet and JSON Lines, importing CSV and exporting experiments, against DuckDB, the disk and COPY."`
}

// conditions are what a figure is worth nothing without.
type conditions struct {
	Athanor    string  `json:"athanor"`
	Go         string  `json:"go"`
	Temporal   string  `json:"temporal,omitempty"`
	PostgreSQL string  `json:"postgresql,omitempty"`
	Seed       uint64  `json:"seed"`
	Cores      int     `json:"cores"`
	LoadBefore float64 `json:"load_before"`
	LoadAfter  float64 `json:"load_after"`
}

func conditionsNow(seed uint64) conditions {
	return conditions{Athanor: version, Go: runtime.Version(), Seed: seed, Cores: runtime.NumCPU(), LoadBefore: load()}
}

// load returns the load average of the last minute, or -1 where there is none
// to be read.
func load() float64 {
	b, err := os.ReadFile("/proc/loadavg")
	var one float64
	if _, scan := fmt.Sscan(string(b), &one); err != nil || scan != nil {
		return -1
	}
	return one
}

// benchThroughputCmd measures a laboratory whose devices do nothing.
type benchThroughputCmd struct {
	Experiments int    `default:"600" help:"Experiments of the campaign that is measured."`
	Batch       int    `default:"16" help:"Proposals to a plan."`
	InFlight    int    `default:"32" help:"Experiments at once; as many devices."`
	Seed        uint64 `default:"7" help:"Seed of the campaign."`
	Data        string `help:"Where to keep the laboratory; by default a folder that is removed afterwards."`
	JSON        bool   `name:"json" help:"Print one JSON object."`
}

// throughput is what the bench prints.
type throughput struct {
	ExperimentsPerS  float64    `json:"experiments_per_s"`
	ReadyToPublished quantiles  `json:"ready_to_published_ms"`
	RSSMB            float64    `json:"rss_mb"`       // of the whole process tree, idle
	RSSAfterMB       float64    `json:"rss_after_mb"` // and after the campaign
	Experiments      int        `json:"experiments"`
	Seconds          float64    `json:"seconds"`
	Batch            int        `json:"batch"`
	InFlight         int        `json:"in_flight"`
	CPUSeconds       float64    `json:"cpu_seconds"` // of the whole process tree, during the campaign
	StartSeconds     float64    `json:"start_seconds"`
	Conditions       conditions `json:"conditions"`
}

// quantiles are in milliseconds.
type quantiles struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
}

// warmUp is how many experiments are done before the clock runs: they make the
// connections and fill the caches that a laboratory has after its first minute.
const warmUp = 64

// Run opens a laboratory, lets it rest to see what it takes, and times one
// campaign from its submission to its end.
func (c *benchThroughputCmd) Run(ctx context.Context, t *terminal) error {
	if c.Experiments < 1 || c.Batch < 1 || c.InFlight < c.Batch {
		return lab.Errorf(lab.Invalid, "%d experiments, batch %d, %d in flight: all at least 1, and as many in flight as in a batch", c.Experiments, c.Batch, c.InFlight)
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Minute)
	defer cancel()
	data := c.Data
	if data == "" {
		dir, err := os.MkdirTemp("", "athanor-bench-")
		if err != nil {
			return fmt.Errorf("make a folder for the laboratory: %w", err)
		}
		defer os.RemoveAll(dir)
		if err := os.Chmod(dir, 0o755); err != nil { // PostgreSQL may run as another user
			return err
		}
		data = dir
	}
	out := throughput{Batch: c.Batch, InFlight: c.InFlight, Conditions: conditionsNow(c.Seed)}
	quietly := *t
	quietly.tty = false
	began := time.Now()
	l, err := start(ctx, labOptions{data: data, http: "127.0.0.1:0", mqtt: "127.0.0.1:0", sim: true, simNoops: c.InFlight, terminal: &quietly})
	if err != nil {
		return err
	}
	defer l.stop()
	out.StartSeconds = time.Since(began).Seconds()
	out.Conditions.Temporal, out.Conditions.PostgreSQL = l.temporal.Version(), l.postgres.Version()
	if err := c.measure(ctx, l, &out); err != nil {
		return err
	}
	out.Conditions.LoadAfter = load()
	if c.JSON {
		return json.NewEncoder(t.out).Encode(out)
	}
	_, err = fmt.Fprintf(t.out, "%.1f experiments/s (%d in %.2f s, batch %d, %d in flight)\nready → published: p50 %.1f ms, p99 %.1f ms\nmemory of the whole tree: %.0f MB idle, %.0f MB after; CPU %.1f ms an experiment\n%d cores, load %.1f before and %.1f after, seed %d\n",
		out.ExperimentsPerS, out.Experiments, out.Seconds, out.Batch, out.InFlight, out.ReadyToPublished.P50, out.ReadyToPublished.P99,
		out.RSSMB, out.RSSAfterMB, 1000*out.CPUSeconds/float64(out.Experiments), out.Conditions.Cores, out.Conditions.LoadBefore, out.Conditions.LoadAfter, c.Seed)
	return err
}

func (c *benchThroughputCmd) measure(ctx context.Context, l *laboratory, out *throughput) error {
	cl := &client{base: l.url, http: &http.Client{}}
	if err := l.awaitDevices(ctx, cl, c.document(warmUp)); err != nil {
		return err
	}
	pause(ctx, 3*time.Second) // idle
	out.RSSMB = treeMemory()
	if _, err := c.campaign(ctx, l, cl, warmUp); err != nil {
		return err
	}
	cpu := treeCPU()
	began := time.Now()
	id, err := c.campaign(ctx, l, cl, c.Experiments)
	if err != nil {
		return err
	}
	out.Seconds = time.Since(began).Seconds()
	out.CPUSeconds = treeCPU() - cpu
	out.RSSAfterMB = treeMemory()
	out.Experiments = c.Experiments
	out.ExperimentsPerS = float64(c.Experiments) / out.Seconds
	out.ReadyToPublished, err = c.latency(ctx, l, id)
	return err
}

// campaign submits a campaign of no-ops and waits for its end.
func (c *benchThroughputCmd) campaign(ctx context.Context, l *laboratory, cl *client, n int) (lab.CampaignID, error) {
	var d api.Detail
	if err := cl.do(ctx, http.MethodPost, "/campaigns", contentTypes["yaml"], nil, c.document(n), &d); err != nil {
		return d.ID, nameFile(err, "the bench's campaign")
	}
	for woken := range l.house.db.Listen(ctx) {
		_ = woken
		row, err := l.house.db.Campaign(ctx, d.ID)
		if err != nil {
			return d.ID, err
		}
		if row.Progress.State.Final() {
			if row.Progress.State != lab.Completed || row.Progress.Done != n || row.Progress.Failures > 0 {
				return d.ID, fmt.Errorf("the campaign ended %s after %d of %d experiments, %d failed: %s", row.Progress.State, row.Progress.Done, n, row.Progress.Failures, row.Progress.Reason)
			}
			return d.ID, nil
		}
		pause(ctx, 20*time.Millisecond)
	}
	return d.ID, lab.Errorf(lab.Unavailable, "the campaign did not end in time: %w", ctx.Err())
}

// document is a campaign of n experiments whose step does nothing.
func (c *benchThroughputCmd) document(n int) []byte {
	return fmt.Appendf(nil, `athanor: campaign/1
title: %d no-ops
space:
  parameters:
    - {name: x, type: continuous, min: 0, max: 1, unit: "1"}
    - {name: y, type: continuous, min: 0, max: 1, unit: "1"}
    - {name: z, type: continuous, min: 0, max: 1, unit: "1"}
objectives: [{name: w, direction: maximize, unit: "1"}]
protocol:
  steps: [{id: do, capability: noop, command: noop, timeout: {value: 60, unit: s}}]
  observe: [{objective: w, expr: x + y + z}]
plan: {planner: random, batch: %d, in_flight: %d}
budget: {experiments: %d}
seed: %d
`, n, min(c.Batch, n), c.InFlight, n, c.Seed)
}

// latency is the time from the workflow task that found a step ready to the
// entry of its bytes in the ledger, just before they were published.
func (c *benchThroughputCmd) latency(ctx context.Context, l *laboratory, id lab.CampaignID) (quantiles, error) {
	var ms []float64
	err := l.house.db.EachOutcome(ctx, id, func(o lab.Outcome) error {
		e, err := l.house.db.Get(ctx, o.Steps[0].CommandID.UUID())
		if err != nil {
			return err
		}
		ms = append(ms, float64(e.Published.Sub(o.Steps[0].StartedAt).Microseconds())/1000)
		return nil
	})
	if err != nil || len(ms) == 0 {
		return quantiles{}, err
	}
	slices.Sort(ms)
	at := func(q float64) float64 { return ms[min(len(ms)-1, int(q*float64(len(ms))))] }
	return quantiles{P50: at(0.5), P99: at(0.99)}, nil
}

// tree returns this process and all that descend from it or serve it: the
// children of every process found, and PostgreSQL, which has a group of its own
// but us as its parent.
func tree() []int {
	children := map[int][]int{}
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		var pid, ppid int
		if _, err := fmt.Sscan(e.Name(), &pid); err != nil {
			continue
		}
		stat, err := os.ReadFile("/proc/" + e.Name() + "/stat")
		if err != nil {
			continue
		}
		rest := string(stat[strings.LastIndexByte(string(stat), ')')+1:])
		if f := strings.Fields(rest); len(f) > 1 {
			fmt.Sscan(f[1], &ppid)
			children[ppid] = append(children[ppid], pid)
		}
	}
	all := []int{os.Getpid()}
	for i := 0; i < len(all); i++ {
		all = append(all, children[all[i]]...)
	}
	return all
}

// treeMemory returns the proportional set size of the tree in MB, in which
// memory that processes share counts once.
func treeMemory() float64 {
	var kb float64
	for _, pid := range tree() {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(b)) {
			if rest, ok := strings.CutPrefix(line, "Pss:"); ok {
				var n float64
				fmt.Sscan(rest, &n)
				kb += n
			}
		}
	}
	return kb / 1024
}

// treeCPU returns the CPU seconds that the tree has used, children that ended
// included. A tick is a hundredth of a second.
func treeCPU() float64 {
	var ticks float64
	for _, pid := range tree() {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue
		}
		f := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
		for _, i := range []int{11, 12, 13, 14} {
			var n float64
			fmt.Sscan(f[i], &n)
			ticks += n
		}
	}
	return ticks / 100
}
