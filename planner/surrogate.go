package planner

import (
	"cmp"
	"math"
	"slices"

	"github.com/athanor-lab/athanor/planner/acq"
	"github.com/athanor-lab/athanor/planner/gp"
)

// surrogate is all that is believed of the objectives: members that differ in
// their prior and are averaged with equal weight, each with one Gaussian process
// to an objective, and a classifier of success once something failed.
type surrogate struct {
	metric    gp.Metric
	responses []*response
	members   []member
	success   *gp.Classifier
	caution   float64  // how much more than a gain its failing counts
	health    []gp.Fit // per objective, of the first member
	singular  bool     // a fit was given up for the prior
}

// member is one prior's view.
type member struct {
	prior gp.Prior
	posts []*gp.Posterior
	gain  gain
}

// gain is what an outcome would be worth: the logarithm of its expectation. It
// must not fall when a standard deviation grows.
type gain interface {
	value(mean, sd []float64) float64
	// believe takes the means of a pending or chosen experiment as its outcome.
	believe(mean []float64)
}

// metric gives every varying number a length scale of its own, and every choice
// one by Hamming distance and, where its levels have descriptors, one by these.
func (t *task) metric() gp.Metric {
	var m gp.Metric
	for _, c := range t.space.Columns() {
		col := gp.Column{Group: -1}
		switch {
		case c.Constant:
		case c.Levels > 0:
			if c.Distances != nil {
				col.Tables = append(col.Tables, gp.Table{Group: m.Groups, N: c.Levels, D: c.Distances})
				m.Groups++
			}
			col.Tables = append(col.Tables, gp.Hamming(m.Groups, c.Levels))
			m.Groups++
		default:
			col.Group = m.Groups
			m.Groups++
		}
		m.Columns = append(m.Columns, col)
	}
	return m
}

// nominal reports whether the space has a choice among levels.
func (t *task) nominal() bool {
	for _, c := range t.space.Columns() {
		if c.Levels > 1 {
			return true
		}
	}
	return false
}

// ensembleMax is the number of points up to which members are averaged; one
// serves above, where the data outweighs any prior.
const ensembleMax = 300

// priors chooses by the kind of space: long scales where there are choices,
// which are nearly additive, and an average of three for numbers
// (reference/planner.md 4.4, E1, E2, E8).
func (t *task) priors(groups, points int) []gp.Prior {
	switch {
	case t.nominal():
		return []gp.Prior{gp.Long(groups)}
	case points > ensembleMax:
		return []gp.Prior{gp.Scaled(groups)}
	default:
		return []gp.Prior{gp.Short(), gp.Scaled(groups), gp.Smooth(groups)}
	}
}

// learn fits the surrogate to the responses. spare is how many points will be
// appended.
func (t *task) learn(responses []*response, spare int) *surrogate {
	s := &surrogate{metric: t.metric(), responses: responses}
	points := 0
	for _, r := range responses {
		points = max(points, len(r.rows))
	}
	if len(responses) > 0 {
		for _, pr := range t.priors(s.metric.Groups, points) {
			s.members = append(s.members, member{prior: pr})
		}
	}
	for _, r := range responses {
		problem := gp.NewProblem(s.metric, r.data)
		stages := stagesOf(problem, r)
		for k := range s.members {
			m := &s.members[k]
			post, h := s.fit(problem, stages, m.prior, spare)
			m.posts = append(m.posts, post)
			if k == 0 {
				s.health = append(s.health, check(problem, stages, m.prior.Kernel, h))
			}
		}
	}
	return s
}

// stage is a part of the data on which hyperparameters are searched for some
// iterations before the next, larger one.
type stage struct {
	problem    *gp.Problem
	iterations int
}

// stagesOf plans the search: all of it on up to 60 points; more points only
// polish what 60, and then 160, have found, for an iteration costs their cube.
func stagesOf(p *gp.Problem, r *response) []stage {
	n := p.Len()
	switch {
	case n <= 60:
		return []stage{{p, 40}}
	case n <= 160:
		return []stage{{p.Subset(telling(r.data.Y, 60)), 30}, {p, 8}}
	default:
		return []stage{{p.Subset(telling(r.data.Y, 60)), 30}, {p.Subset(telling(r.data.Y, 160)), 10}}
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
	for _, st := range stages {
		h, _ = st.problem.Fit(prior, h, st.iterations)
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

// improvement is the gain of a single objective.
type improvement struct{ best, noise float64 }

func (g *improvement) value(mean, sd []float64) float64 {
	return acq.LogEI(mean[0], sd[0], g.best) + acq.LogAugmentation(sd[0], g.noise)
}

func (g *improvement) believe(mean []float64) { g.best = math.Max(g.best, mean[0]) }

// trade is the gain of two or three objectives.
type trade struct {
	front *acq.Front
	noise []float64
}

func (g *trade) value(mean, sd []float64) float64 {
	news := math.Inf(-1)
	for j, n := range g.noise {
		news = math.Max(news, acq.LogAugmentation(sd[j], n))
	}
	return g.front.LogEHVI(mean, sd) + news
}

func (g *trade) believe(mean []float64) { g.front.Add(mean) }

// noise returns the standard deviation of an observation of objective j that
// augments the gain, or 0. Only where the noise has no prior is it augmented:
// there some of what no length scale explains is taken for noise, and the best
// point would be measured again and again. Elsewhere it costs more than it gives.
func (m *member) noise(j int) float64 {
	if m.prior.Noise != gp.Flat() {
		return 0
	}
	return math.Sqrt(m.posts[j].Params.Noise)
}

// noisy is the share of noise in the variance of the outcomes above which the
// best posterior mean, not the best observation, is what is to be beaten.
const noisy = 0.05

// aim sets what each member's gain is measured against.
func (t *task) aim(s *surrogate) {
	for k := range s.members {
		m := &s.members[k]
		outcomes := t.beliefs(s, m)
		if len(s.responses) == 1 {
			g := &improvement{best: math.Inf(-1), noise: m.noise(0)}
			for _, y := range outcomes {
				g.best = math.Max(g.best, y[0])
			}
			m.gain = g
			continue
		}
		g := &trade{front: acq.NewFront(outcomes, reference(outcomes, len(s.responses)))}
		for j := range m.posts {
			g.noise = append(g.noise, m.noise(j))
		}
		m.gain = g
	}
}

// beliefs returns the outcomes at every point where all objectives were
// observed: as observed, or where noise is large as the member believes.
func (t *task) beliefs(s *surrogate, m *member) [][]float64 {
	var out [][]float64
	first := s.responses[0]
	scratch := make([]*gp.Scratch, len(m.posts))
	for j, p := range m.posts {
		scratch[j] = p.NewScratch()
	}
	for i, row := range first.rows {
		y := make([]float64, 0, len(s.responses))
		for j, r := range s.responses {
			at := i
			if j > 0 {
				at = slices.IndexFunc(r.rows, func(q int) bool { return t.known[q].key == t.known[row].key })
			}
			if at < 0 {
				break
			}
			v := r.data.Y[at]
			if m.posts[j].Params.Noise > noisy {
				v = m.posts[j].Mean(r.data.X[at], scratch[j])
			}
			y = append(y, v)
		}
		if len(y) == len(s.responses) {
			out = append(out, y)
		}
	}
	return out
}

// reference returns the point above which hypervolume counts: a tenth of the
// front's range below its worst in each objective. Where no experiment has all
// objectives it is their mean.
func reference(outcomes [][]float64, objectives int) []float64 {
	front := acq.Nondominated(outcomes)
	if len(front) == 0 {
		return make([]float64, objectives)
	}
	var ref []float64
	for j := range objectives {
		low, high := math.Inf(1), math.Inf(-1)
		for _, i := range front {
			low, high = math.Min(low, outcomes[i][j]), math.Max(high, outcomes[i][j])
		}
		span := high - low
		if span == 0 {
			for _, y := range outcomes {
				span = math.Max(span, low-y[j])
			}
		}
		ref = append(ref, low-0.1*math.Max(span, 0.1))
	}
	return ref
}
