// Package bench measures a planner by look-up campaigns: tables of experiments
// that were really done answer its proposals.
//
// A campaign starts from points drawn by its seed and the table's name, the
// same for every planner, and then proposes until its budget is used. Regret is
// the distance of the best found to the best of the table, 1 at the table's
// median; its area over the campaign is divided by that of random search from
// the same starts, which is worked out exactly. Evaluations to the top 1 % and
// 5 % of points are counted from the first, and cut off at the budget.
//
// Other planners run the same campaigns elsewhere ([Export]); [Run] reads their
// traces and compares campaign by campaign.
package bench

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime/debug"

	"github.com/athanor-lab/athanor/lab"
)

// Proposer is what is measured.
type Proposer interface {
	Propose(ctx context.Context, b lab.Brief) (lab.Plan, error)
}

// Options say what to run.
type Options struct {
	Data     string   // a directory with a folder to a table
	Sets     []string // the folders to run; none for all
	Seeds    int      // campaigns to a table, default 10
	Budget   int      // evaluations to a campaign, default the smaller of 60 and a third of the points
	Starts   int      // of them the starting points, default 5
	Batch    int      // proposals to a plan, default 1
	Strategy string   // the policy's planner, default "auto"
	Traces   string   // a directory with the traces of other planners; none without
	// Several measures tables with two or three objectives on all of them as
	// well.
	Several  bool
	Progress func(format string, args ...any)
}

// Result is what was measured, ready for JSON.
type Result struct {
	MeanRelativeArea float64            `json:"mean_relative_area"` // over the sets that are not degenerate
	Kinds            map[string]float64 `json:"kinds"`              // the same of tables with choices ("categorical") and without ("numeric")
	Sets             map[string]Set     `json:"sets"`
	Peers            map[string]Peer    `json:"peers,omitempty"` // by setting, as "botorch-mixed", and the best of a package, as "best botorch"
	SuggestMS        Quantiles          `json:"suggest_ms"`      // wall time of a plan
	SuggestCPU       Quantiles          `json:"suggest_cpu_ms"`  // processor time of a plan
	AllocMB          float64            `json:"suggest_alloc_mb"`
	RSSMB            float64            `json:"rss_mb"`      // the most that the process has had
	IdleRSSMB        float64            `json:"idle_rss_mb"` // of that, what the program had before it read a table
	Seeds            int                `json:"seeds"`
	Strategy         string             `json:"strategy"`
}

// Set is what was measured on one table.
type Set struct {
	RelativeArea  float64   `json:"relative_area"`
	StandardError float64   `json:"relative_area_se"`
	Interval      Interval  `json:"relative_area_ci95"`
	ToTop1        float64   `json:"evaluations_to_top1pct"`
	ToTop5        float64   `json:"evaluations_to_top5pct"`
	ToBest99      float64   `json:"evaluations_to_99pct_of_best"`
	RandomToTop1  float64   `json:"random_evaluations_to_top1pct"`
	RandomToTop5  float64   `json:"random_evaluations_to_top5pct"`
	Coverage      float64   `json:"top5pct_coverage"` // share of the top 5 % found by the end
	Enhancement   float64   `json:"enhancement_factor"`
	Acceleration  float64   `json:"acceleration_factor,omitempty"` // absent where most campaigns found none of the top 1 %
	SuggestMS     Quantiles `json:"suggest_ms"`
	SuggestCPU    Quantiles `json:"suggest_cpu_ms"`
	AllocMB       float64   `json:"suggest_alloc_mb"`
	Kind          string    `json:"kind"` // "categorical" or "numeric"
	Points        int       `json:"points"`
	Skipped       int       `json:"rows_without_outcome,omitempty"`
	Budget        int       `json:"budget"`
	// Degenerate says that random search is left with less than a hundredth of
	// the median's regret: most starts have found the best already, the ratio is
	// noise, and the mean over sets leaves it out.
	Degenerate  bool               `json:"degenerate,omitempty"`
	Hypervolume *Several           `json:"hypervolume,omitempty"` // of tables with more objectives than one
	Peers       map[string]PeerSet `json:"peers,omitempty"`
	Areas       []float64          `json:"areas"` // by seed, over the mean area of random search
}

// gcPercent is how much garbage there may be for what is in use.
const gcPercent = 25

// Run measures p. It runs campaigns one after another, so that times mean
// something.
func Run(ctx context.Context, p Proposer, o Options) (Result, error) {
	o = o.withDefaults()
	// The memory that is measured is to be the planner's: the garbage of reading
	// tables is let go of early, and one table is kept at a time.
	defer debug.SetGCPercent(debug.SetGCPercent(gcPercent))
	idle := peakMB()
	names, err := folders(o.Data, o.Sets)
	if err != nil {
		return Result{}, err
	}
	if err := readable(o.Data, names); err != nil {
		return Result{}, err
	}
	var traces []Trace
	if o.Traces != "" {
		if traces, err = Traces(o.Traces); err != nil {
			return Result{}, err
		}
	}
	res := Result{Kinds: make(map[string]float64), Sets: make(map[string]Set), Seeds: o.Seeds, Strategy: o.Strategy}
	var all costs
	counted := make(map[string]float64)
	versus := newVersus()
	for _, name := range names {
		t, err := Load(filepath.Join(o.Data, name))
		if err != nil {
			return res, err
		}
		s, c, err := t.measure(ctx, p, o)
		if err != nil {
			return res, fmt.Errorf("bench table %s: %w", t.Name, err)
		}
		if o.Several && len(t.Objectives) > 1 && len(t.Objectives) <= 3 {
			if s.Hypervolume, err = t.measureSeveral(ctx, p, o); err != nil {
				return res, fmt.Errorf("bench table %s, all objectives: %w", t.Name, err)
			}
		}
		if o.Batch == 1 {
			if s.Peers, err = t.compare(s, o, traces, versus); err != nil {
				return res, fmt.Errorf("bench table %s: %w", t.Name, err)
			}
		}
		res.Sets[t.Name] = s
		if !s.Degenerate {
			counted[""]++
			counted[s.Kind]++
			res.MeanRelativeArea += (s.RelativeArea - res.MeanRelativeArea) / counted[""]
			res.Kinds[s.Kind] += (s.RelativeArea - res.Kinds[s.Kind]) / counted[s.Kind]
		}
		all.add(c)
		o.Progress("%-28s area %.3f ± %.3f  top 1 %% after %.1f (random %.1f)  top 5 %% after %.1f (random %.1f)  %.1f ms p50, %.1f ms p95\n",
			t.Name, s.RelativeArea, s.StandardError, s.ToTop1, s.RandomToTop1, s.ToTop5, s.RandomToTop5, s.SuggestMS.P50, s.SuggestMS.P95)
	}
	res.SuggestMS, res.SuggestCPU, res.AllocMB = quantiles(all.wallMS), quantiles(all.cpuMS), mean(all.allocMB)
	res.RSSMB, res.IdleRSSMB = peakMB(), idle
	res.Peers = versus.summary(func(set string) side {
		s := res.Sets[set]
		return side{s.Kind, s.SuggestCPU.P50, s.Peers}
	})
	return res, nil
}

func (o Options) withDefaults() Options {
	if o.Seeds < 1 {
		o.Seeds = 10
	}
	if o.Starts < 1 {
		o.Starts = 5
	}
	if o.Batch < 1 {
		o.Batch = 1
	}
	if o.Strategy == "" {
		o.Strategy = "auto"
	}
	if o.Progress == nil {
		o.Progress = func(string, ...any) {}
	}
	return o
}
