package bench

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/planner/acq"
)

// Several is what was measured on all objectives of a table together. The
// volume is that which the outcomes dominate, from the worst of the table, over
// that of the table's own front.
type Several struct {
	Volume       float64   `json:"hypervolume"`        // at the end of the budget
	RandomVolume float64   `json:"random_hypervolume"` // of random search from the same starts
	RelativeArea float64   `json:"relative_area"`      // under the missing volume, over that of random search
	Interval     Interval  `json:"relative_area_ci95"`
	Areas        []float64 `json:"areas"`
}

// randomCampaigns is how many campaigns of random search to a seed stand for
// its expectation.
const randomCampaigns = 24

// measureSeveral runs campaigns on all objectives.
func (t *Table) measureSeveral(ctx context.Context, p Proposer, o Options) (*Several, error) {
	budget := t.budget(o)
	starts := min(o.Starts, budget)
	missing := t.missingVolume()
	s := &Several{}
	random, share := 0.0, 1/float64(o.Seeds)
	for seed := 1; seed <= o.Seeds; seed++ {
		first := t.starts(seed, starts)
		trace, _, err := t.lookUp(ctx, p, o, uint64(seed), first, budget, t.Objectives)
		if err != nil {
			return nil, fmt.Errorf("seed %d: %w", seed, err)
		}
		curve := missing(trace)
		s.Areas = append(s.Areas, total(curve[starts:]))
		s.Volume += share * (1 - curve[budget-1])
		rng := rand.New(rand.NewPCG(uint64(seed), 22))
		for range randomCampaigns {
			blind := slices.Clone(first)
			for _, row := range rng.Perm(len(t.Value)) {
				if len(blind) < budget && !slices.Contains(first, row) {
					blind = append(blind, row)
				}
			}
			curve := missing(blind)
			random += share / randomCampaigns * total(curve[starts:])
			s.RandomVolume += share / randomCampaigns * (1 - curve[budget-1])
		}
	}
	if random == 0 {
		random = 1 // the starts are the front: nothing is missing
	}
	for i := range s.Areas {
		s.Areas[i] /= random
	}
	s.RelativeArea, s.Interval = mean(s.Areas), interval(s.Areas)
	return s, nil
}

// missingVolume returns what works out, after each row of a trace, the share of
// the front's volume that is not yet dominated.
func (t *Table) missingVolume() func(trace []int) []float64 {
	m := len(t.Objectives)
	scaled := make([][]float64, len(t.Value)) // 0 at the worst and 1 at the best; nil where something is missing
	for row := range scaled {
		scaled[row] = make([]float64, m)
	}
	for j, o := range t.Objectives {
		low, high := math.Inf(1), math.Inf(-1)
		for _, v := range t.Outcomes[j] {
			if !math.IsNaN(v) {
				low, high = math.Min(low, v), math.Max(high, v)
			}
		}
		for row, v := range t.Outcomes[j] {
			switch {
			case math.IsNaN(v):
				scaled[row] = nil
			case scaled[row] != nil && high > low && o.Direction == lab.Minimize:
				scaled[row][j] = (high - v) / (high - low)
			case scaled[row] != nil && high > low:
				scaled[row][j] = (v - low) / (high - low)
			}
		}
	}
	var all [][]float64
	for _, y := range scaled {
		if y != nil {
			all = append(all, y)
		}
	}
	ref := make([]float64, m)
	whole := acq.NewFront(all, ref).Hypervolume()
	return func(trace []int) []float64 {
		front := acq.NewFront(nil, ref)
		out := make([]float64, len(trace))
		for i, row := range trace {
			if scaled[row] != nil {
				front.Add(scaled[row])
			}
			out[i] = 1
			if whole > 0 {
				out[i] = math.Max(0, 1-front.Hypervolume()/whole)
			}
		}
		return out
	}
}
