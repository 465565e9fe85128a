package bench

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/planner/space"
)

// SyntheticOptions say what of the suite to run.
type SyntheticOptions struct {
	Problems []string // names or kinds; none for all
	Seeds    int      // campaigns to a problem, default 10
	Batches  []int    // proposals to a plan, default 1 and 4
	Strategy string   // the policy's planner, default "auto"
	Traces   string   // a directory with the traces of other planners; none without. Compared are plans of one
	Progress func(format string, args ...any)
}

// SyntheticResult is what was measured, ready for JSON.
type SyntheticResult struct {
	MeanRelativeArea float64                     `json:"mean_relative_area"`
	Kinds            map[string]float64          `json:"kinds"` // mean relative area by kind of problem
	Problems         map[string]SyntheticProblem `json:"problems"`
	Peers            map[string]Peer             `json:"peers,omitempty"` // by setting, as "optuna-tpe", and the best of a package, as "best optuna"
	SuggestMS        Quantiles                   `json:"suggest_ms"`      // wall time of a plan
	SuggestCPU       Quantiles                   `json:"suggest_cpu_ms"`  // processor time of a plan
	RSSMB            float64                     `json:"rss_mb"`
	Seeds            int                         `json:"seeds"`
	Strategy         string                      `json:"strategy"`
}

// SyntheticProblem is what was measured on one problem with one batch size. A
// regret is 0 at the best that there is and 1 at the median of the space, or of
// several objectives the share of the volume that is missing.
type SyntheticProblem struct {
	Kind          string    `json:"kind"`
	Batch         int       `json:"batch"`
	Budget        int       `json:"budget"`
	RelativeArea  float64   `json:"relative_area"` // under the regret from the sixth experiment, over that of random search
	StandardError float64   `json:"relative_area_se"`
	ToSobol       float64   `json:"area_relative_to_sobol"`
	Regret        float64   `json:"regret"` // at the end, the mean
	MedianRegret  float64   `json:"median_regret"`
	RandomRegret  float64   `json:"random_regret"`
	SobolRegret   float64   `json:"sobol_regret"`
	SuggestMS     Quantiles `json:"suggest_ms"`
	SuggestCPU    Quantiles `json:"suggest_cpu_ms"`
	Areas         []float64 `json:"areas"`   // by seed, over the mean area of random search
	Regrets       []float64 `json:"regrets"` // by seed

	Peers map[string]PeerSet `json:"peers,omitempty"`

	random float64 // the mean area of random search
}

const (
	// warmUp is how many experiments a campaign is given to begin with, the same
	// for every planner. They do not count for its area.
	warmUp = 5
	// baselines is how many campaigns to a seed random and Sobol search are
	// measured by.
	baselines = 24
)

// RunSynthetic measures p on functions whose optimum is known. The key of a
// problem is its name and batch, as "branin/4". Constraints of the suite are
// CEL over the parameters; p must be able to check them.
func RunSynthetic(ctx context.Context, p Proposer, o SyntheticOptions) (SyntheticResult, error) {
	o = o.withDefaults()
	res := SyntheticResult{Kinds: make(map[string]float64), Problems: make(map[string]SyntheticProblem), Seeds: o.Seeds, Strategy: o.Strategy}
	suite, err := chosen(o.Problems)
	if err != nil {
		return res, err
	}
	var traces []SyntheticTrace
	if o.Traces != "" {
		if traces, err = SyntheticTraces(o.Traces); err != nil {
			return res, err
		}
	}
	versus := newVersus()
	counts := make(map[string]float64)
	var all costs
	for _, q := range suite {
		drawn, err := instances(q, o.Seeds)
		if err != nil {
			return res, fmt.Errorf("bench problem %s: %w", q.name, err)
		}
		for _, batch := range o.Batches {
			s, spent, err := measureSynthetic(ctx, p, drawn, batch, o.Strategy)
			if err != nil {
				return res, fmt.Errorf("bench problem %s: %w", q.name, err)
			}
			if batch == 1 {
				if s.Peers, err = compareSynthetic(s, drawn, traces, versus); err != nil {
					return res, fmt.Errorf("bench problem %s: %w", q.name, err)
				}
			}
			res.Problems[fmt.Sprintf("%s/%d", q.name, batch)] = s
			counts[q.kind]++
			res.Kinds[q.kind] += (s.RelativeArea - res.Kinds[q.kind]) / counts[q.kind]
			res.MeanRelativeArea += (s.RelativeArea - res.MeanRelativeArea) / float64(len(res.Problems))
			all.add(spent)
			o.Progress("%-22s batch %d  area %.3f ± %.3f (of Sobol's %.3f)  regret %.4f, median %.4f, random %.3f  %.1f ms p50, %.1f ms p95\n",
				q.name, batch, s.RelativeArea, s.StandardError, s.ToSobol, s.Regret, s.MedianRegret, s.RandomRegret, s.SuggestMS.P50, s.SuggestMS.P95)
		}
	}
	res.SuggestMS, res.SuggestCPU = quantiles(all.wallMS), quantiles(all.cpuMS)
	res.RSSMB = peakMB()
	res.Peers = versus.summary(func(name string) side {
		s := res.Problems[name+"/1"]
		return side{s.Kind, s.SuggestCPU.P50, s.Peers}
	})
	return res, nil
}

func (o SyntheticOptions) withDefaults() SyntheticOptions {
	if o.Seeds < 1 {
		o.Seeds = 10
	}
	if len(o.Batches) == 0 {
		o.Batches = []int{1, 4}
	}
	if o.Strategy == "" {
		o.Strategy = "auto"
	}
	if o.Progress == nil {
		o.Progress = func(string, ...any) {}
	}
	return o
}

// chosen returns the problems of the given names and kinds.
func chosen(names []string) ([]problem, error) {
	suite := problems()
	if len(names) == 0 {
		return suite, nil
	}
	var out []problem
	for _, n := range names {
		found := false
		for _, q := range suite {
			if q.name == n || q.kind == n {
				out, found = append(out, q), true
			}
		}
		if !found {
			var have []string
			for _, q := range suite {
				have = append(have, q.name)
			}
			return nil, lab.Errorf(lab.NotFound, "bench problem %q is not in the suite; it has %s", n, strings.Join(have, ", "))
		}
	}
	return out, nil
}

// measureSynthetic runs one campaign to an instance.
func measureSynthetic(ctx context.Context, p Proposer, instances []*instance, batch int, strategy string) (SyntheticProblem, costs, error) {
	q := instances[0].problem
	s := SyntheticProblem{Kind: q.kind, Batch: batch, Budget: q.budget}
	var spent costs
	random, sobol := 0.0, 0.0
	share := 1 / float64(len(instances))
	for i, in := range instances {
		seed := uint64(i + 1)
		trace, c, err := in.campaign(ctx, p, batch, strategy, seed)
		if err != nil {
			return s, spent, fmt.Errorf("seed %d: %w", seed, err)
		}
		spent.add(c)
		loss := in.losses(trace)
		s.Areas = append(s.Areas, total(loss[warmUp:]))
		s.Regrets = append(s.Regrets, loss[len(loss)-1])
		for k := range uint64(baselines) {
			for how, next := range [2]func([]float64){in.uniform(seed, k), in.even(seed, k)} {
				loss := in.losses(in.blind(in.starts, in.budget, next))
				area, regret := total(loss[warmUp:])*share/baselines, loss[len(loss)-1]*share/baselines
				if how == 0 {
					random, s.RandomRegret = random+area, s.RandomRegret+regret
				} else {
					sobol, s.SobolRegret = sobol+area, s.SobolRegret+regret
				}
			}
		}
	}
	s.random = random
	for i := range s.Areas {
		s.ToSobol += s.Areas[i] / sobol * share
		s.Areas[i] /= random
		s.RelativeArea += s.Areas[i] * share
		s.Regret += s.Regrets[i] * share
	}
	for _, a := range s.Areas {
		s.StandardError += (a - s.RelativeArea) * (a - s.RelativeArea)
	}
	s.StandardError = math.Sqrt(s.StandardError / math.Max(1, float64(len(instances)-1)) * share)
	sorted := slices.Clone(s.Regrets)
	slices.Sort(sorted)
	s.MedianRegret = (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
	s.SuggestMS, s.SuggestCPU = quantiles(spent.wallMS), quantiles(spent.cpuMS)
	return s, spent, nil
}

func total(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	return sum
}

// uniform draws points of the unit cube.
func (in *instance) uniform(seed, k uint64) func(u []float64) {
	rng := rand.New(rand.NewPCG(seed, space.Mix(13, k, 0)))
	return func(u []float64) {
		for i := range u {
			u[i] = rng.Float64()
		}
	}
}

// even walks a scrambled Sobol sequence.
func (in *instance) even(seed, k uint64) func(u []float64) {
	sequence, index := space.NewSobol(in.space.Width(), space.Mix(14, seed, k)), uint32(0)
	return func(u []float64) {
		sequence.At(index, u)
		index++
	}
}

// blind is a campaign that goes on from its starts up to n experiments, knows
// the constraints and learns nothing.
func (in *instance) blind(starts [][]float64, n int, next func([]float64)) [][]float64 {
	trace := slices.Clone(starts)
	u := make([]float64, in.space.Width())
	for len(trace) < n {
		next(u)
		x := make([]float64, len(u))
		in.space.FromUnit(u, x)
		if in.meets(x) {
			trace = append(trace, x)
		}
	}
	return trace
}

// campaign returns the points in the order they were tried, and what each plan
// took.
func (in *instance) campaign(ctx context.Context, p Proposer, batch int, strategy string, seed uint64) ([][]float64, costs, error) {
	b := lab.Brief{
		CampaignID: lab.CampaignID{15: byte(seed)}, Space: in.lab(), Objectives: in.directions(),
		Policy: lab.PlanPolicy{Planner: strategy, Batch: batch}, Budget: in.budget, Seed: seed,
	}
	rng := noise(seed)
	var trace [][]float64
	var spent costs
	observe := func(x []float64, settings []lab.Setting) {
		trace = append(trace, x)
		observed := in.observe(x, rng)
		b.Known = append(b.Known, lab.Known{Number: len(trace), Settings: settings, Observed: observed, Failed: observed == nil})
	}
	for _, x := range in.starts {
		observe(x, in.space.Settings(x))
	}
	for len(trace) < in.budget {
		b.Round++
		b.First, b.Want = len(trace)+1, min(batch, in.budget-len(trace))
		var plan lab.Plan
		if err := spent.of(func() (err error) { plan, err = p.Propose(ctx, b); return err }); err != nil {
			return nil, spent, err
		}
		if len(plan.Proposals) == 0 {
			return nil, spent, lab.Errorf(lab.Internal, "the planner proposed nothing after %d experiments", len(trace))
		}
		for _, q := range plan.Proposals {
			x, err := in.space.Read(q.Settings)
			if err != nil {
				return nil, spent, err
			}
			if !in.meets(x) {
				return nil, spent, lab.Errorf(lab.Internal, "the planner proposed %s, which breaks a constraint of %s", space.Describe(q.Settings), in.name)
			}
			observe(x, q.Settings)
		}
	}
	return trace, spent, nil
}
