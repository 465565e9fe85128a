package bench

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"

	"github.com/athanor-lab/athanor/lab"
)

// Knowledge is what a ranking of settings from outside is worth to the planner: the
// regret area of campaigns that were given one, over that of campaigns that were
// not. Both begin with nothing done, so that each chooses its own starts.
type Knowledge struct {
	// Relative is the mean over sets by the ranking's correlation with the truth.
	Relative map[string]float64          `json:"area_over_none"`
	Interval map[string]Interval         `json:"area_over_none_ci95"`
	Sets     map[string]KnowledgeOfTable `json:"sets"`
	Seeds    int                         `json:"seeds"`
	Budget   int                         `json:"budget"`
}

// KnowledgeOfTable is the same of one table.
type KnowledgeOfTable struct {
	None     float64            `json:"area_none"` // in units of the median's regret times evaluations
	Relative map[string]float64 `json:"area_over_none"`
}

// correlations of the rankings that are tried.
var correlations = []float64{0.6, 0.3, 0, -0.3}

const (
	knowledgeBudget = 40
	knowledgeStarts = 5 // evaluations before the area counts
	mostLevels      = 40
)

// RunKnowledge measures p on the tables of o whose parameters all have few levels,
// as settings that can be ranked one by one have.
func RunKnowledge(ctx context.Context, p Proposer, o Options) (Knowledge, error) {
	o = o.withDefaults()
	tables, err := Tables(o.Data, o.Sets)
	if err != nil {
		return Knowledge{}, err
	}
	out := Knowledge{Relative: map[string]float64{}, Interval: map[string]Interval{}, Sets: map[string]KnowledgeOfTable{}, Seeds: o.Seeds, Budget: knowledgeBudget}
	var counted []byRanking
	for _, t := range tables {
		levels := t.levels()
		if levels == nil || len(t.Value) < 3*knowledgeBudget {
			continue
		}
		areas := byRanking{}
		for seed := 1; seed <= o.Seeds; seed++ {
			a, err := t.informed(ctx, p, o, uint64(seed), nil)
			if err != nil {
				return out, fmt.Errorf("bench table %s, seed %d: %w", t.Name, seed, err)
			}
			areas[unread] = append(areas[unread], a)
			for _, rho := range correlations {
				e := t.ranking(levels, rho, uint64(seed))
				if a, err = t.informed(ctx, p, o, uint64(seed), e); err != nil {
					return out, fmt.Errorf("bench table %s, seed %d: %w", t.Name, seed, err)
				}
				areas[name(rho)] = append(areas[name(rho)], a)
			}
		}
		none := mean(areas[unread])
		if none < 0.01*(knowledgeBudget-knowledgeStarts) {
			continue // nothing is left to gain
		}
		k := KnowledgeOfTable{None: none, Relative: map[string]float64{}}
		for _, rho := range correlations {
			k.Relative[name(rho)] = mean(areas[name(rho)]) / none
		}
		counted = append(counted, areas)
		out.Sets[t.Name] = k
		o.Progress("%-28s area without %.2f; over it with a ranking of correlation 0.6: %.2f, 0.3: %.2f, 0: %.2f, -0.3: %.2f\n",
			t.Name, none, k.Relative["0.6"], k.Relative["0.3"], k.Relative["0"], k.Relative["-0.3"])
	}
	for _, rho := range correlations {
		n := name(rho)
		for _, k := range out.Sets {
			out.Relative[n] += k.Relative[n] / float64(len(out.Sets))
		}
		out.Interval[n] = ratios(counted, n)
	}
	return out, nil
}

// byRanking are the areas of one table's campaigns by seed, to a ranking.
type byRanking map[string][]float64

// unread stands for no ranking.
const unread = ""

// ratios returns the 95 % bootstrap interval of the mean over tables of the area
// with a ranking over that without, seeds drawn anew for each table, the same for
// both. Areas are as good as nothing in most campaigns and large in a few, so that
// eight seeds say little.
func ratios(tables []byRanking, ranking string) Interval {
	rng := rand.New(rand.NewPCG(uint64(len(tables)), 22))
	drawn := make([]float64, resamples)
	for i := range drawn {
		for _, t := range tables {
			with, without := 0.0, 0.0
			for range t[unread] {
				s := rng.IntN(len(t[unread]))
				with += t[ranking][s]
				without += t[unread][s]
			}
			drawn[i] += with / math.Max(without, 1e-12) / float64(len(tables))
		}
	}
	slices.Sort(drawn)
	return Interval{drawn[resamples/40], drawn[resamples-1-resamples/40]}
}

func name(rho float64) string { return strconv.FormatFloat(rho, 'g', -1, 64) }

// levels returns the distinct values of each parameter, or nil where one has many.
func (t *Table) levels() [][]lab.Value {
	out := make([][]lab.Value, len(t.Space.Parameters))
	for _, row := range t.Settings {
		for i, s := range row {
			if !slices.ContainsFunc(out[i], func(v lab.Value) bool { return v.String() == s.Value.String() }) {
				if out[i] = append(out[i], s.Value); len(out[i]) > mostLevels {
					return nil
				}
			}
		}
	}
	return out
}

// ranking makes the scores of all levels: the true main effects, and noise of the
// same form, so that their sum correlates with the outcomes as wanted or as far as
// main effects can.
func (t *Table) ranking(levels [][]lab.Value, rho float64, seed uint64) *lab.Evidence {
	rng := rand.New(rand.NewPCG(seed, 77))
	n := len(t.Value)
	truth, noise := make([]float64, n), make([]float64, n)
	effects, random := make([][]float64, len(levels)), make([][]float64, len(levels))
	index := make([][]int, n)
	better := func(i int) float64 {
		if t.Objectives[0].Direction == lab.Minimize {
			return -t.Value[i]
		}
		return t.Value[i]
	}
	mean := 0.0
	for i := range n {
		mean += better(i) / float64(n)
	}
	for k, ls := range levels {
		effects[k], random[k] = make([]float64, len(ls)), make([]float64, len(ls))
		count := make([]float64, len(ls))
		for i, row := range t.Settings {
			l := slices.IndexFunc(ls, func(v lab.Value) bool { return v.String() == row[k].Value.String() })
			index[i] = append(index[i], l)
			effects[k][l] += better(i) - mean
			count[l]++
		}
		for l := range ls {
			effects[k][l] /= count[l]
			random[k][l] = rng.NormFloat64()
		}
	}
	outcome := make([]float64, n)
	for i := range n {
		outcome[i] = better(i)
		for k, l := range index[i] {
			truth[i] += effects[k][l]
			noise[i] += random[k][l]
		}
	}
	a := math.Max(-1, math.Min(1, rho/math.Max(1e-9, correlation(truth, outcome))))
	b := math.Sqrt(1 - a*a)
	e := &lab.Evidence{Version: "ranking " + name(rho), Papers: []lab.Cited{{ID: "ranking", Relevance: 1}}}
	sdTruth, sdNoise := deviation(truth), deviation(noise)
	for k, ls := range levels {
		for l, v := range ls {
			e.Ratings = append(e.Ratings, lab.Rating{
				Paper: "ranking", Settings: []lab.Setting{{Name: t.Space.Parameters[k].Name, Value: v}},
				Score: a*effects[k][l]/sdTruth + b*random[k][l]/sdNoise,
			})
		}
	}
	return e
}

func deviation(v []float64) float64 {
	mean, s := 0.0, 0.0
	for _, x := range v {
		mean += x / float64(len(v))
	}
	for _, x := range v {
		s += (x - mean) * (x - mean) / float64(len(v))
	}
	return math.Max(1e-12, math.Sqrt(s))
}

func correlation(a, b []float64) float64 {
	var ma, mb, ab float64
	n := float64(len(a))
	for i := range a {
		ma += a[i] / n
		mb += b[i] / n
	}
	for i := range a {
		ab += (a[i] - ma) * (b[i] - mb) / n
	}
	return ab / (deviation(a) * deviation(b))
}

// informed runs one campaign from nothing and returns its regret area.
func (t *Table) informed(ctx context.Context, p Proposer, o Options, seed uint64, e *lab.Evidence) (float64, error) {
	trace, _, err := t.campaign(ctx, reader{p, e}, o, seed, nil, knowledgeBudget)
	if err != nil {
		return 0, err
	}
	return t.area(trace, knowledgeStarts), nil
}

// reader gives a planner evidence.
type reader struct {
	Proposer
	evidence *lab.Evidence
}

// Propose implements [Proposer].
func (r reader) Propose(ctx context.Context, b lab.Brief) (lab.Plan, error) {
	b.Evidence = r.evidence
	return r.Proposer.Propose(ctx, b)
}
