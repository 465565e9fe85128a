package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"text/tabwriter"

	"github.com/athanor-lab/athanor/campaign"
	"github.com/athanor-lab/athanor/planner"
	"github.com/athanor-lab/athanor/planner/bench"
)

// benchPlannerCmd runs look-up campaigns over tables of real experiments.
type benchPlannerCmd struct {
	Data     string   `required:"" env:"ATHANOR_TABLES" help:"Folder of tables: a folder to a set, with table.csv and space.json."`
	Seeds    int      `default:"10" help:"Campaigns to a table."`
	Sets     []string `help:"The sets to run; all by default."`
	Budget   int      `help:"Evaluations to a campaign; by default the smaller of 60 and a third of the points."`
	Batch    int      `default:"1" help:"Proposals to a plan."`
	Strategy string   `default:"auto" help:"The planner: auto, bayes, sobol or random."`
	Export   string   `placeholder:"DIR" help:"Run nothing; write the tables with the starts of every seed into DIR, for bench/peers."`
	JSON     bool     `name:"json" help:"Print one JSON object."`
}

func (c *benchPlannerCmd) Run(ctx context.Context, t *terminal) error {
	o := bench.Options{
		Data: c.Data, Seeds: c.Seeds, Sets: c.Sets, Budget: c.Budget, Batch: c.Batch, Strategy: c.Strategy,
		Progress: func(format string, args ...any) { fmt.Fprintf(t.err, format+"\n", args...) },
	}
	if c.Export != "" {
		return bench.Export(c.Export, o)
	}
	at := conditionsNow(0)
	r, err := bench.Run(ctx, planner.New(planner.Options{Feasible: campaign.Feasible}), o)
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
	w := tabwriter.NewWriter(t.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "SET\tAREA/RANDOM\t±\tTO TOP 1 %\tTO TOP 5 %\tSUGGEST p95 ms")
	for _, name := range slices.Sorted(maps.Keys(r.Sets)) {
		s := r.Sets[name]
		fmt.Fprintf(w, "%s\t%.3f\t%.3f\t%.1f\t%.1f\t%.1f\n", name, s.RelativeArea, s.StandardError, s.ToTop1, s.ToTop5, s.SuggestMS.P95)
	}
	fmt.Fprintf(w, "mean\t%.3f\t\t\t\t%.1f\n", r.MeanRelativeArea, r.SuggestMS.P95)
	return w.Flush()
}
