package bench

import (
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/athanor-lab/athanor/lab"
)

// measure runs the campaigns of one table.
func (t *Table) measure(ctx context.Context, p Proposer, o Options) (Set, costs, error) {
	s := Set{Points: len(t.Value), Skipped: t.Skipped, Budget: t.budget(o), Kind: t.kind()}
	starts := min(o.Starts, s.Budget)
	var spent costs
	random, randomCovered := 0.0, 0.0
	var firsts [][]int
	var top1 []float64
	share := 1 / float64(o.Seeds)
	for seed := 1; seed <= o.Seeds; seed++ {
		first := t.starts(seed, starts)
		firsts = append(firsts, first)
		trace, c, err := t.campaign(ctx, p, o, uint64(seed), first, s.Budget)
		if err != nil {
			return s, spent, fmt.Errorf("seed %d: %w", seed, err)
		}
		spent.add(c)
		s.Areas = append(s.Areas, t.area(trace, starts))
		random += share * t.randomArea(first, s.Budget)
		top1 = append(top1, t.evaluationsTo(trace, s.Budget, t.top(0.01)))
		s.ToTop5 += share * t.evaluationsTo(trace, s.Budget, t.top(0.05))
		s.ToBest99 += share * t.evaluationsTo(trace, s.Budget, t.near99)
		s.RandomToTop1 += share * t.randomTo(first, s.Budget, t.top(0.01))
		s.RandomToTop5 += share * t.randomTo(first, s.Budget, t.top(0.05))
		s.Coverage += share * t.coverage(trace)
		randomCovered += share * t.randomCoverage(first, s.Budget)
	}
	s.ToTop1 = mean(top1)
	s.Enhancement = s.Coverage / randomCovered
	s.Acceleration = t.acceleration(top1, firsts, s.Budget)
	s.Degenerate = random < 0.01*float64(s.Budget-starts)
	if random == 0 {
		random = 1 // every start was the best point: nothing is left to regret
	}
	for i := range s.Areas {
		s.Areas[i] /= random
	}
	t.random = random
	s.RelativeArea, s.Interval = mean(s.Areas), interval(s.Areas)
	for _, a := range s.Areas {
		s.StandardError += (a - s.RelativeArea) * (a - s.RelativeArea)
	}
	s.StandardError = math.Sqrt(s.StandardError / math.Max(1, float64(o.Seeds-1)) / float64(o.Seeds))
	s.SuggestMS, s.SuggestCPU, s.AllocMB = quantiles(spent.wallMS), quantiles(spent.cpuMS), mean(spent.allocMB)
	return s, spent, nil
}

// kind says whether the table has choices.
func (t *Table) kind() string {
	for _, p := range t.Space.Parameters {
		if p.Type == lab.Categorical {
			return "categorical"
		}
	}
	return "numeric"
}

// starts draws the starting points of a seed.
func (t *Table) starts(seed, n int) []int {
	h := fnv.New64a()
	fmt.Fprint(h, t.Name)
	return rand.New(rand.NewPCG(uint64(seed), h.Sum64())).Perm(len(t.Value))[:n]
}

// campaign returns the rows in the order they were evaluated, by the first
// objective.
func (t *Table) campaign(ctx context.Context, p Proposer, o Options, seed uint64, first []int, budget int) ([]int, costs, error) {
	return t.lookUp(ctx, p, o, seed, first, budget, t.Objectives[:1])
}

// lookUp runs one campaign on some of the objectives.
func (t *Table) lookUp(ctx context.Context, p Proposer, o Options, seed uint64, first []int, budget int, objectives []lab.Objective) ([]int, costs, error) {
	rows := make(map[string]int, len(t.Settings))
	for i, s := range t.Settings {
		rows[key(s)] = i
	}
	b := lab.Brief{
		CampaignID: lab.CampaignID{15: byte(seed)}, Space: t.Space, Objectives: objectives,
		Policy: lab.PlanPolicy{Planner: o.Strategy, Batch: o.Batch}, Budget: budget, Seed: seed,
	}
	var trace []int
	var spent costs
	done := make([]bool, len(t.Value))
	observe := func(row int) error {
		if done[row] {
			return lab.Errorf(lab.Internal, "the planner repeated row %d", row)
		}
		done[row] = true
		trace = append(trace, row)
		k := lab.Known{Number: len(trace), Settings: t.Settings[row]}
		for j, o := range objectives {
			if y := t.Outcomes[j][row]; !math.IsNaN(y) {
				k.Observed = append(k.Observed, lab.Measured{Name: o.Name, Value: y, Unit: o.Unit})
			}
		}
		b.Known = append(b.Known, k)
		return nil
	}
	for _, row := range first {
		if err := observe(row); err != nil {
			return nil, spent, err
		}
	}
	for len(trace) < budget {
		b.Round++
		b.First, b.Want = len(trace)+1, min(o.Batch, budget-len(trace))
		var plan lab.Plan
		if err := spent.of(func() (err error) { plan, err = p.Propose(ctx, b); return err }); err != nil {
			return nil, spent, err
		}
		if len(plan.Proposals) == 0 {
			return nil, spent, lab.Errorf(lab.Internal, "the planner proposed nothing after %d evaluations", len(trace))
		}
		for _, q := range plan.Proposals {
			row, ok := rows[key(q.Settings)]
			if !ok {
				return nil, spent, lab.Errorf(lab.Internal, "the planner proposed %s, which is not in the pool", key(q.Settings))
			}
			if err := observe(row); err != nil {
				return nil, spent, err
			}
		}
	}
	return trace, spent, nil
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
