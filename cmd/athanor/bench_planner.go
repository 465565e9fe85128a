package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"text/tabwriter"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/planner/bench"
)

// benchPlannerCmd runs look-up campaigns over tables of real experiments, or
// campaigns on functions whose optimum is known.
type benchPlannerCmd struct {
	Data      string   `env:"ATHANOR_TABLES" help:"Folder of tables: a folder to a set, with table.csv and space.json."`
	Synthetic bool     `help:"Run the synthetic suite instead: functions of numbers, choices and mixtures, constrained, noisy, failing, of up to three objectives."`
	Seeds     int      `default:"10" help:"Campaigns to a table or problem."`
	Sets      []string `help:"The sets to run, or the problems or kinds of the suite; all by default."`
	Budget    int      `help:"Evaluations to a campaign; by default the smaller of 60 and a third of the points."`
	Batch     int      `help:"Proposals to a plan; by default 1, and for the suite 1 and 4."`
	Strategy  string   `default:"auto" help:"The planner by name, as in plan.planner."`
	Several   bool     `default:"true" negatable:"" help:"Run tables with two or three objectives on all of them as well, for their hypervolume."`
	Peers     string   `placeholder:"DIR" help:"Folder with the traces of other planners (JSONL); by default bench/peers/traces, or bench/peers/traces/synthetic for the suite, where it exists."`
	Export    string   `placeholder:"DIR" help:"Run nothing; write the tables with the starts of every seed into DIR, for bench/peers."`
	Serve     bool     `help:"Run nothing; answer another process that runs campaigns of the synthetic suite, a JSON object to a line of standard input and output."`
	JSON      bool     `name:"json" help:"Print one JSON object."`

	planning
}

// Where the project keeps the traces of other planners, on tables and on the
// synthetic suite.
const (
	peerTraces  = "bench/peers/traces"
	suiteTraces = "bench/peers/traces/synthetic"
)

// tracesIn returns the folder that was asked for, or the usual one where it
// exists, or none.
func tracesIn(asked, usual string) string {
	if asked == "" {
		if at, err := os.Stat(usual); err == nil && at.IsDir() {
			return usual
		}
	}
	return asked
}

func (c *benchPlannerCmd) Run(ctx context.Context, t *terminal) error {
	if c.Serve {
		return bench.Serve(os.Stdin, t.out)
	}
	progress := func(format string, args ...any) { fmt.Fprintf(t.err, format, args...) }
	p, err := c.planners()
	if err != nil {
		return err
	}
	if c.Synthetic {
		return c.synthetic(ctx, t, p, progress)
	}
	if c.Data == "" {
		return lab.Errorf(lab.Invalid, "say where the tables are with --data DIR, or ask for --synthetic")
	}
	o := bench.Options{
		Data: c.Data, Seeds: c.Seeds, Sets: c.Sets, Budget: c.Budget, Batch: c.Batch, Strategy: c.Strategy,
		Several: c.Several, Traces: tracesIn(c.Peers, peerTraces), Progress: progress,
	}
	if c.Export != "" {
		return bench.Export(c.Export, o)
	}
	at := conditionsNow(0)
	r, err := bench.Run(ctx, p, o)
	if err != nil {
		return err
	}
	at.LoadAfter = load()
	if c.JSON {
		return json.NewEncoder(t.out).Encode(struct {
			bench.Result
			Conditions conditions `json:"conditions"`
		}{r, at})
	}
	return printTables(t, r)
}

func printTables(t *terminal, r bench.Result) error {
	w := tabwriter.NewWriter(t.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "SET\tAREA/RANDOM\t95 %\tTO TOP 1 %\tTO TOP 5 %\tCOVERAGE\tAF\tEF\tHYPERVOLUME\tCPU ms p50\tWALL ms p95\tALLOC MB")
	for _, name := range slices.Sorted(maps.Keys(r.Sets)) {
		s := r.Sets[name]
		volume, faster := "", "–"
		if s.Hypervolume != nil {
			volume = fmt.Sprintf("%.3f (random %.3f)", s.Hypervolume.Volume, s.Hypervolume.RandomVolume)
		}
		if s.Acceleration > 0 {
			faster = fmt.Sprintf("%.1f", s.Acceleration)
		}
		fmt.Fprintf(w, "%s\t%.3f\t%.3f … %.3f\t%.1f\t%.1f\t%.2f\t%s\t%.1f\t%s\t%.1f\t%.1f\t%.1f\n", name, s.RelativeArea, s.Interval[0], s.Interval[1],
			s.ToTop1, s.ToTop5, s.Coverage, faster, s.Enhancement, volume, s.SuggestCPU.P50, s.SuggestMS.P95, s.AllocMB)
	}
	fmt.Fprintf(w, "mean\t%.3f\t\t\t\t\t\t\t\t%.1f\t%.1f\t%.1f\n", r.MeanRelativeArea, r.SuggestCPU.P50, r.SuggestMS.P95, r.AllocMB)
	for _, kind := range slices.Sorted(maps.Keys(r.Kinds)) {
		fmt.Fprintf(w, "mean, %s\t%.3f\n", kind, r.Kinds[kind])
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return printPeers(t, r.Peers)
}

// printPeers says how other planners did, overall and by kind.
func printPeers(t *terminal, peers map[string]bench.Peer) error {
	if len(peers) == 0 {
		return nil
	}
	w := tabwriter.NewWriter(t.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t.out, "\nBeside other planners, on campaigns from the same starts that both have completed:")
	fmt.Fprintln(w, "PEER\tVERSION\tSETS\tPAIRS\tITS AREA\tOURS\tDIFFERENCE\t95 %\tp, PAIRS\tp, SETS\tITS CPU/OURS\tSIGNIFICANTLY AHEAD OF US BY 0.10 ON")
	for _, name := range slices.Sorted(maps.Keys(peers)) {
		q := peers[name]
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%.3f\t%.3f\t%+.3f\t%+.3f … %+.3f\t%.2g\t%.2g\t%.0f\t%v\n", name, q.Version, q.Sets, q.Pairs, q.RelativeArea, q.Ours,
			q.Difference, q.Interval[0], q.Interval[1], q.P, q.PSets, q.CPURatio, q.Worse)
		if len(q.Kinds) < 2 {
			continue
		}
		for _, kind := range slices.Sorted(maps.Keys(q.Kinds)) {
			k := q.Kinds[kind]
			fmt.Fprintf(w, "  %s\t\t%d\t%d\t%.3f\t%.3f\t%+.3f\t%+.3f … %+.3f\t%.2g\t%.2g\n", kind, k.Sets, k.Pairs, k.RelativeArea, k.Ours,
				k.Difference, k.Interval[0], k.Interval[1], k.P, k.PSets)
		}
	}
	return w.Flush()
}

func (c *benchPlannerCmd) synthetic(ctx context.Context, t *terminal, p bench.Proposer, progress func(string, ...any)) error {
	at := conditionsNow(0)
	o := bench.SyntheticOptions{Problems: c.Sets, Seeds: c.Seeds, Strategy: c.Strategy, Traces: tracesIn(c.Peers, suiteTraces), Progress: progress}
	if c.Batch > 0 {
		o.Batches = []int{c.Batch}
	}
	r, err := bench.RunSynthetic(ctx, p, o)
	if err != nil {
		return err
	}
	at.LoadAfter = load()
	if c.JSON {
		return json.NewEncoder(t.out).Encode(struct {
			bench.SyntheticResult
			Conditions conditions `json:"conditions"`
		}{r, at})
	}
	w := tabwriter.NewWriter(t.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "PROBLEM/BATCH\tKIND\tAREA/RANDOM\t±\tAREA/SOBOL\tREGRET\tRANDOM'S\tSUGGEST p95 ms\tBEST PEER\tITS AREA\tOURS\tPAIRS")
	for _, name := range slices.Sorted(maps.Keys(r.Problems)) {
		s := r.Problems[name]
		fmt.Fprintf(w, "%s\t%s\t%.3f\t%.3f\t%.3f\t%.4f\t%.3f\t%.1f", name, s.Kind, s.RelativeArea, s.StandardError, s.ToSobol, s.Regret, s.RandomRegret, s.SuggestMS.P95)
		if best, q := bestPeer(s.Peers); best != "" {
			fmt.Fprintf(w, "\t%s\t%.3f\t%.3f\t%d", best, q.RelativeArea, q.Ours, q.Pairs)
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "mean\t\t%.3f\n", r.MeanRelativeArea)
	for _, kind := range slices.Sorted(maps.Keys(r.Kinds)) {
		fmt.Fprintf(w, "mean\t%s\t%.3f\n", kind, r.Kinds[kind])
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return printPeers(t, r.Peers)
}

// bestPeer returns the peer with the least area, of those with the most pairs.
func bestPeer(peers map[string]bench.PeerSet) (string, bench.PeerSet) {
	best := ""
	for _, name := range slices.Sorted(maps.Keys(peers)) {
		p, b := peers[name], peers[best]
		if best == "" || p.Pairs > b.Pairs || p.Pairs == b.Pairs && p.RelativeArea < b.RelativeArea {
			best = name
		}
	}
	return best, peers[best]
}
