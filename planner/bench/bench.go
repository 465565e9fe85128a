// Package bench measures a planner by look-up campaigns: tables of experiments
// that were really done answer its proposals.
//
// A campaign starts from points drawn by its seed and the table's content, the
// same for every planner, and then proposes until its budget is used. Regret is
// the distance of the best found to the best of the table, 1 at the table's
// median; its area over the campaign is divided by that of random search from
// the same starts, which is worked out exactly. Evaluations to the top 1 % and
// 5 % of points are counted from the first, and cut off at the budget.
package bench

import (
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

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
	Progress func(format string, args ...any)
}

// Result is what was measured, ready for JSON.
type Result struct {
	MeanRelativeArea float64        `json:"mean_relative_area"` // over the sets that are not degenerate
	Sets             map[string]Set `json:"sets"`
	SuggestMS        Quantiles      `json:"suggest_ms"` // per plan
	RSSMB            float64        `json:"rss_mb"`
	Seeds            int            `json:"seeds"`
	Strategy         string         `json:"strategy"`
}

// Set is what was measured on one table.
type Set struct {
	RelativeArea  float64   `json:"relative_area"`
	StandardError float64   `json:"relative_area_se"`
	ToTop1        float64   `json:"evaluations_to_top1pct"`
	ToTop5        float64   `json:"evaluations_to_top5pct"`
	ToBest99      float64   `json:"evaluations_to_99pct_of_best"`
	RandomToTop1  float64   `json:"random_evaluations_to_top1pct"`
	RandomToTop5  float64   `json:"random_evaluations_to_top5pct"`
	SuggestMS     Quantiles `json:"suggest_ms"`
	Points        int       `json:"points"`
	Budget        int       `json:"budget"`
	// Degenerate says that random search is left with less than a hundredth of
	// the median's regret: most starts have found the best already, the ratio is
	// noise, and the mean over sets leaves it out.
	Degenerate bool      `json:"degenerate,omitempty"`
	Areas      []float64 `json:"areas"` // by seed, over the mean area of random search
}

// Quantiles are of milliseconds of wall time.
type Quantiles struct {
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
	Max float64 `json:"max"`
}

// Run measures p. It runs campaigns one after another, so that times mean
// something.
func Run(ctx context.Context, p Proposer, o Options) (Result, error) {
	o = o.withDefaults()
	tables, err := Tables(o.Data, o.Sets)
	if err != nil {
		return Result{}, err
	}
	res := Result{Sets: make(map[string]Set), Seeds: o.Seeds, Strategy: o.Strategy}
	var all []float64
	counted := 0.0
	for _, t := range tables {
		s, times, err := t.measure(ctx, p, o)
		if err != nil {
			return res, fmt.Errorf("bench table %s: %w", t.Name, err)
		}
		res.Sets[t.Name] = s
		if !s.Degenerate {
			counted++
			res.MeanRelativeArea += (s.RelativeArea - res.MeanRelativeArea) / counted
		}
		all = append(all, times...)
		o.Progress("%-28s area %.3f ± %.3f  top 1 %% after %.1f (random %.1f)  top 5 %% after %.1f (random %.1f)  %.1f ms p50, %.1f ms p95\n",
			t.Name, s.RelativeArea, s.StandardError, s.ToTop1, s.RandomToTop1, s.ToTop5, s.RandomToTop5, s.SuggestMS.P50, s.SuggestMS.P95)
	}
	res.SuggestMS = quantiles(all)
	res.RSSMB = peakMB()
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

// measure runs the campaigns of one table.
func (t *Table) measure(ctx context.Context, p Proposer, o Options) (Set, []float64, error) {
	s := Set{Points: len(t.Value), Budget: t.budget(o)}
	starts := min(o.Starts, s.Budget)
	var times []float64
	random := 0.0
	for seed := 1; seed <= o.Seeds; seed++ {
		first := t.starts(seed, starts)
		trace, ms, err := t.campaign(ctx, p, o, uint64(seed), first, s.Budget)
		if err != nil {
			return s, nil, fmt.Errorf("seed %d: %w", seed, err)
		}
		times = append(times, ms...)
		share := 1 / float64(o.Seeds)
		s.Areas = append(s.Areas, t.area(trace, starts))
		random += share * t.randomArea(first, s.Budget)
		s.ToTop1 += share * t.evaluationsTo(trace, s.Budget, t.top(0.01))
		s.ToTop5 += share * t.evaluationsTo(trace, s.Budget, t.top(0.05))
		s.ToBest99 += share * t.evaluationsTo(trace, s.Budget, t.near99)
		s.RandomToTop1 += share * t.randomTo(first, s.Budget, t.top(0.01))
		s.RandomToTop5 += share * t.randomTo(first, s.Budget, t.top(0.05))
	}
	s.Degenerate = random < 0.01*float64(s.Budget-starts)
	if random == 0 {
		random = 1 // every start was the best point: nothing is left to regret
	}
	for i := range s.Areas {
		s.Areas[i] /= random
		s.RelativeArea += s.Areas[i] / float64(o.Seeds)
	}
	for _, a := range s.Areas {
		s.StandardError += (a - s.RelativeArea) * (a - s.RelativeArea)
	}
	s.StandardError = math.Sqrt(s.StandardError / math.Max(1, float64(o.Seeds-1)) / float64(o.Seeds))
	s.SuggestMS = quantiles(times)
	return s, times, nil
}

// starts draws the starting points of a seed.
func (t *Table) starts(seed, n int) []int {
	h := fnv.New64a()
	fmt.Fprint(h, t.Name)
	return rand.New(rand.NewPCG(uint64(seed), h.Sum64())).Perm(len(t.Value))[:n]
}

// campaign returns the rows in the order they were evaluated, and the
// milliseconds of each plan.
func (t *Table) campaign(ctx context.Context, p Proposer, o Options, seed uint64, first []int, budget int) ([]int, []float64, error) {
	rows := make(map[string]int, len(t.Settings))
	for i, s := range t.Settings {
		rows[key(s)] = i
	}
	b := lab.Brief{
		CampaignID: lab.CampaignID{15: byte(seed)}, Space: t.Space, Objectives: []lab.Objective{t.Objective},
		Policy: lab.PlanPolicy{Planner: o.Strategy, Batch: o.Batch}, Budget: budget, Seed: seed,
	}
	var trace []int
	var times []float64
	done := make([]bool, len(t.Value))
	observe := func(row int) error {
		if done[row] {
			return lab.Errorf(lab.Internal, "the planner repeated row %d", row)
		}
		done[row] = true
		trace = append(trace, row)
		b.Known = append(b.Known, lab.Known{
			Number: len(trace), Settings: t.Settings[row],
			Observed: []lab.Measured{{Name: t.Objective.Name, Value: t.Value[row], Unit: t.Objective.Unit}},
		})
		return nil
	}
	for _, row := range first {
		if err := observe(row); err != nil {
			return nil, nil, err
		}
	}
	for len(trace) < budget {
		b.Round++
		b.First, b.Want = len(trace)+1, min(o.Batch, budget-len(trace))
		begin := time.Now()
		plan, err := p.Propose(ctx, b)
		if err != nil {
			return nil, nil, err
		}
		times = append(times, float64(time.Since(begin).Nanoseconds())/1e6)
		if len(plan.Proposals) == 0 {
			return nil, nil, lab.Errorf(lab.Internal, "the planner proposed nothing after %d evaluations", len(trace))
		}
		for _, q := range plan.Proposals {
			row, ok := rows[key(q.Settings)]
			if !ok {
				return nil, nil, lab.Errorf(lab.Internal, "the planner proposed %s, which is not in the pool", key(q.Settings))
			}
			if err := observe(row); err != nil {
				return nil, nil, err
			}
		}
	}
	return trace, times, nil
}

func key(settings []lab.Setting) string {
	parts := make([]string, len(settings))
	for i, s := range settings {
		if parts[i] = s.Value.Label(); s.Value.Kind() == lab.IsNumber {
			parts[i] = strconv.FormatFloat(s.Value.Number(), 'g', -1, 64)
		}
	}
	return strings.Join(parts, "\x00")
}

// area sums the loss of the best so far after the starts.
func (t *Table) area(trace []int, starts int) float64 {
	best, sum := math.Inf(1), 0.0
	for i, row := range trace {
		best = math.Min(best, t.loss[row])
		if i >= starts {
			sum += best
		}
	}
	return sum
}

// top returns whether a row is among the best share of points.
func (t *Table) top(share float64) func(int) bool {
	most := int(math.Ceil(share * float64(len(t.rank))))
	return func(row int) bool { return t.rank[row] < most }
}

// near99 returns whether a row comes within 1 % of the best: of its value for
// an objective to be maximised, and of the way from the median otherwise.
func (t *Table) near99(row int) bool {
	if t.Objective.Direction == lab.Maximize {
		best := slices.Max(t.Value)
		if best > 0 {
			return t.Value[row] >= 0.99*best
		}
	}
	return t.loss[row] <= 0.01
}

// evaluationsTo counts the evaluations up to the first that is good, or one
// more than the budget.
func (t *Table) evaluationsTo(trace []int, budget int, good func(int) bool) float64 {
	if i := slices.IndexFunc(trace, good); i >= 0 {
		return float64(i + 1)
	}
	return float64(budget + 1)
}

// randomArea returns the expected area of random search from the given starts:
// the chance that none of k further draws is among the m better points is
// C(n-m, k)/C(n, k).
func (t *Table) randomArea(first []int, budget int) float64 {
	best := math.Inf(1)
	used := make([]bool, len(t.loss))
	for _, row := range first {
		best = math.Min(best, t.loss[row])
		used[row] = true
	}
	var rest []float64
	for row, l := range t.loss {
		if !used[row] {
			rest = append(rest, l)
		}
	}
	slices.Sort(rest)
	sum := 0.0
	for k := 1; k <= budget-len(first); k++ {
		none, expected := 1.0, 0.0 // none: no draw among those passed so far
		for m, l := range rest {
			if l >= best || none < 1e-15 {
				break
			}
			next := none * math.Max(0, float64(len(rest)-m-k)) / float64(len(rest)-m)
			expected += l * (none - next)
			none = next
		}
		sum += expected + none*best
	}
	return sum
}

// randomTo returns the expected evaluations of random search to a good point,
// one more than the budget where there is none.
func (t *Table) randomTo(first []int, budget int, good func(int) bool) float64 {
	used := make([]bool, len(t.loss))
	for i, row := range first {
		if good(row) {
			return float64(i + 1)
		}
		used[row] = true
	}
	n, m := 0, 0
	for row := range t.loss {
		if !used[row] {
			n++
			if good(row) {
				m++
			}
		}
	}
	expected, none := float64(len(first)), 1.0
	for k := range budget - len(first) + 1 {
		expected += none
		none *= math.Max(0, float64(n-m-k)) / math.Max(1, float64(n-k))
	}
	return expected
}

func quantiles(ms []float64) Quantiles {
	if len(ms) == 0 {
		return Quantiles{}
	}
	s := slices.Clone(ms)
	slices.Sort(s)
	at := func(p float64) float64 { return s[min(len(s)-1, int(p*float64(len(s))))] }
	return Quantiles{P50: at(0.5), P95: at(0.95), Max: s[len(s)-1]}
}

// peakMB returns the most memory that the process has had, in megabytes, or 0
// where the system does not say.
func peakMB() float64 {
	body, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(body)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			if err == nil {
				return kb / 1024
			}
		}
	}
	return 0
}
