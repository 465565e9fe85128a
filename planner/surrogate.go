package planner

import (
	"cmp"
	"math"
	"slices"

	"github.com/athanor-lab/athanor/planner/gp"
)

// surrogate is all that is believed of the objectives: members that differ in
// their prior and are averaged, each with one Gaussian process
// to an objective, and a classifier of success once something failed.
type surrogate struct {
	metric    gp.Metric
	fidelity  *fidelity
	responses []*response
	members   []member
	success   *gp.Classifier
	caution   float64  // how much more than a gain its failing counts
	health    []gp.Fit // per objective, of the first member
	singular  bool     // a fit was given up for the prior
}

// member is one prior's view.
type member struct {
	prior   gp.Prior
	weight  float64   // of all members 1
	density []float64 // per objective, of an outcome left out
	posts   []*belief
	gain    gain
}

// metric gives every varying number a length scale of its own, and every choice
// one by Hamming distance and, where its levels have descriptors, one by these. A
// parameter that is absent from two points does not tell them apart.
func (t *task) metric() gp.Metric {
	var m gp.Metric
	for _, c := range t.space.Columns() {
		col := gp.Column{Group: -1}
		switch {
		case c.Constant:
		case c.Levels > 0:
			n := c.Levels
			if c.Optional {
				n++ // absent is a level more
			}
			if c.Distances != nil {
				col.Tables = append(col.Tables, gp.Table{Group: m.Groups, N: n, D: c.Distances})
				m.Groups++
			}
			col.Tables = append(col.Tables, gp.Hamming(m.Groups, n))
			m.Groups++
		default:
			col.Optional = c.Optional
			col.Group = m.Groups
			m.Groups++
		}
		m.Columns = append(m.Columns, col)
	}
	return m
}

// ensembleMax is the number of points up to which members are averaged; one
// serves above, where the data outweighs any prior.
const ensembleMax = 300

// learn fits the surrogate to the responses. spare is how many points will be
// appended.
func (t *task) learn(responses []*response, spare int) *surrogate {
	s := &surrogate{metric: t.metric(), fidelity: t.fidelity, responses: responses}
	points := 0
	for _, r := range responses {
		points = max(points, len(r.rows))
	}
	if len(responses) > 0 {
		for _, pr := range t.priors(s.metric, points, len(responses)) {
			s.members = append(s.members, member{prior: pr})
		}
	}
	for k := range s.members {
		s.members[k].weight = 1 / float64(len(s.members))
	}
	for _, r := range responses {
		s.weighTrends(r)
		problem := gp.NewProblem(s.trended(r.trends), r.data)
		stages := stagesOf(problem, r.data.Y)
		for k := range s.members {
			m := &s.members[k]
			post, h := s.fit(problem, stages, m.prior, spare)
			m.posts = append(m.posts, &belief{Posterior: post})
			left := check(problem, stages, m.prior.Kernel, h)
			m.density = append(m.density, left.LogDensity)
			if k == 0 {
				s.health = append(s.health, left)
			}
		}
	}
	if len(responses) == 1 && points <= ensembleMax && t.kind() == numbers {
		s.challenge(responses[0], gp.Reactive(), spare)
	}
	t.inform(s)
	return s
}

// leastWeight is the weight beside a full member below which one is left out.
const leastWeight = 0.01

// challenge adds a member under a prior that is wrong more often than right, with
// the weight that it earns: 1 where it predicts the outcomes, left out one by
// one, as well as the best of the others, and e⁻ᵟ of that where it is δ nats
// behind in all. Noisy outcomes that rise all one way want scales as long as this
// one's, and nothing but such a comparison tells them from others. Weighing all
// members so would not do: few points prefer what is too sure of itself.
func (s *surrogate) challenge(r *response, prior gp.Prior, spare int) {
	problem := gp.NewProblem(s.trended(r.trends), r.data)
	stages := stagesOf(problem, r.data.Y)
	best := math.Inf(-1)
	for _, m := range s.members {
		best = math.Max(best, m.density[0])
	}
	post, h := s.fit(problem, stages, prior, spare)
	density := check(problem, stages, prior.Kernel, h).LogDensity
	weight := math.Exp(-math.Max(0, best-density) * float64(problem.Len()))
	if !(weight >= leastWeight) {
		return
	}
	n := float64(len(s.members))
	for k := range s.members {
		s.members[k].weight = 1 / (n + weight)
	}
	s.members = append(s.members, member{prior: prior, weight: weight / (n + weight), posts: []*belief{{Posterior: post}}, density: []float64{density}})
}

// fewestToJudge is from how many points on a source can be given up.
const fewestToJudge = 4

// worthAsking is by how many nats in all the outcomes, left out one by one, must
// be predicted better with a source than without.
const worthAsking = 1

// weighTrends drops the trends of a response where the outcomes are not predicted
// much better with them. Learning the slope alone would not do: until it is
// learned a source that misleads costs a quarter of a short campaign's gain, and
// one that is right shows it in four outcomes.
func (s *surrogate) weighTrends(r *response) {
	if len(r.trends) == 0 || len(r.rows) < fewestToJudge {
		return
	}
	var density [2]float64
	for k, trends := range [2][]gp.Trend{nil, r.trends} {
		problem := gp.NewProblem(s.trended(trends), r.data)
		stages := stagesOf(problem, r.data.Y)
		prior := s.members[0].prior
		_, h := s.fit(problem, stages, prior, 0)
		density[k] = check(problem, stages, prior.Kernel, h).LogDensity
	}
	if r.preferred = density[1] - density[0]; r.preferred*float64(len(r.rows)) < worthAsking {
		r.trends = nil
	}
}

// stage is a part of the data on which hyperparameters are searched for some
// iterations before the next, larger one.
type stage struct {
	problem    *gp.Problem
	iterations int
}

// stagesOf plans the search: all of it on up to 60 points; more points only
// polish what 60, and then 160, have found, for an iteration costs their cube. With
// the curvature that the first search has met, six iterations of the second end
// lower than eight without.
func stagesOf(p *gp.Problem, y []float64) []stage {
	n := p.Len()
	switch {
	case n <= 60:
		return []stage{{p, 40}}
	case n <= 160:
		return []stage{{p.Subset(telling(y, 60)), 30}, {p, 6}}
	default:
		return []stage{{p.Subset(telling(y, 60)), 30}, {p.Subset(telling(y, 160)), 7}}
	}
}

// telling returns n rows that say most: the best third of them by outcome, the
// rest evenly through the campaign, in order.
func telling(y []float64, n int) []int {
	order := make([]int, len(y))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(y[b], y[a]) })
	rows := slices.Clone(order[:n/3])
	rest := slices.Clone(order[n/3:])
	slices.Sort(rest)
	for k := range n - n/3 {
		rows = append(rows, rest[k*len(rest)/(n-n/3)])
	}
	slices.Sort(rows)
	return rows
}

// fit returns the posterior of p at hyperparameters found in stages. Where the
// search ends in a singular matrix the prior's own are taken.
func (s *surrogate) fit(p *gp.Problem, stages []stage, prior gp.Prior, spare int) (*gp.Posterior, gp.Params) {
	h := prior.Start(s.metric.Groups)
	var search gp.Search
	for _, st := range stages {
		h, _ = st.problem.FitOn(prior, h, st.iterations, &search)
	}
	post, err := p.Posterior(prior.Kernel, h, spare)
	for add := 1e-4; err != nil; add *= 10 {
		// More noise than the prior's makes any matrix positive definite.
		s.singular = true
		h = prior.Start(s.metric.Groups)
		h.Noise += add * h.Output
		post, err = p.Posterior(prior.Kernel, h, spare)
	}
	return post, h
}

// check leaves one out, on the largest part of the data that was searched.
func check(p *gp.Problem, stages []stage, kernel gp.Kernel, h gp.Params) gp.Fit {
	if p.Len() > ensembleMax {
		p = stages[len(stages)-1].problem
	}
	f, err := p.LeaveOneOut(kernel, h)
	if err != nil {
		return gp.Fit{}
	}
	return f
}
