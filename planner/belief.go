package planner

import (
	"math"

	"github.com/athanor-lab/athanor/planner/gp"
)

// The prior of the slope with which outcomes follow the score of the literature,
// both in standard deviations: b ~ N(faith, doubt²). A good ranking gains nearly
// all of it from the first experiment on, a useless or misleading one is found
// out.
const (
	faith = 0.4
	doubt = 0.8
)

// halfHeeded is after how many outcomes half of the ratings count.
const halfHeeded = 10

// heed is the share of the ratings of settings that counts after n outcomes,
// 1/(1 + (n/halfHeeded)²). That outcomes follow such a score over the whole space says
// less and less of the few best places that a campaign comes to search, and what each
// setting does on average the outcomes tell themselves. What claims say of single
// places counts as long as the slope has it.
func heed(n int) float64 {
	ratio := float64(n) / halfHeeded
	return 1 / (1 + ratio*ratio)
}

// belief is the posterior of one objective under one prior, with what published
// work says of it. Without knowledge it is the posterior itself.
//
// With it, outcomes have the trend b·s(x): the slope is learned from them and the
// score fades where experiments are near, since s is known there,
//
//	mean(x) = m(x) + b·r(x),  variance(x) = v(x) + var(b)·r(x)²,
//
// with m and v of the posterior and r(x) the score, as far as it is heeded, less what
// the model expects of it given that of the experiments. Hyperparameters are fitted without it,
// so that what a paper brings is exact: leaving it out changes b and r alone.
type belief struct {
	*gp.Posterior
	trend *trend
}

// trend is the learned slope of a score.
type trend struct {
	knowledge *knowledge
	without   int     // the paper left out; below 0 none
	side      gp.Side // of the score, from which the slope is learned
	share     float64 // of the ratings that is heeded
	heeded    gp.Side // of the score as far as it is heeded
	slope     float64
	precision float64 // 1/var(b)
	believed  []believed
}

// believed is a point that was taken as done: it says as much of the slope as its
// residual score weighs against the variance that it had.
type believed struct {
	x        []float64
	variance float64
}

// informed joins a posterior with what is known of its objective from elsewhere.
func informed(p *gp.Posterior, k *knowledge, rows [][]float64, without int) *belief {
	b := &belief{Posterior: p}
	if k == nil {
		return b
	}
	t := &trend{knowledge: k, without: without, share: heed(len(rows))}
	scores := make([]float64, len(rows))
	for i, x := range rows {
		scores[i] = k.score(x, without)
	}
	t.side = p.Side(scores)
	t.heeded = t.side
	if len(k.effects) > 0 {
		for i, x := range rows {
			scores[i] = k.heeded(x, without, t.share)
		}
		t.heeded = p.Side(scores)
	}
	t.precision = 1/(doubt*doubt) + t.side.Information
	t.slope = (faith/(doubt*doubt) + t.side.Cross) / t.precision
	b.trend = t
	return b
}

// residual is r(x), given what the model expects of the heeded score there.
func (t *trend) residual(x []float64, beside float64) float64 {
	return t.knowledge.heeded(x, t.without, t.share) - beside
}

// Screen returns the mean at x and a bound of the variance.
func (b *belief) Screen(x []float64, rows int, s *gp.Scratch) (mean, bound float64) {
	t := b.trend
	if t == nil {
		return b.Posterior.Screen(x, rows, s)
	}
	mean, beside, bound := b.Posterior.ScreenBeside(x, rows, &t.heeded, s)
	r := t.residual(x, beside)
	return mean + t.slope*r, bound + r*r/t.precision
}

// Bound returns the mean at x and a closer bound of the variance.
func (b *belief) Bound(x []float64, q *gp.Local, s *gp.Scratch) (mean, bound float64) {
	mean, bound = b.Posterior.Bound(x, q, s)
	if t := b.trend; t != nil {
		_, beside, _ := b.Posterior.ScreenBeside(x, 0, &t.heeded, s)
		r := t.residual(x, beside)
		mean, bound = mean+t.slope*r, bound+r*r/t.precision
	}
	return mean, bound
}

// Predict returns mean and variance at x.
func (b *belief) Predict(x []float64, s *gp.Scratch) (mean, variance float64) {
	return b.Screen(x, math.MaxInt, s)
}

// Mean returns the mean at x.
func (b *belief) Mean(x []float64, s *gp.Scratch) float64 {
	mean, _ := b.Screen(x, 0, s)
	return mean
}

// Append takes the point at x as done with the outcome that is expected of it,
// and returns that.
func (b *belief) Append(x []float64, s *gp.Scratch) float64 {
	t := b.trend
	if t == nil {
		return b.Posterior.Append(x, s)
	}
	_, variance := b.Posterior.Predict(x, s)
	mean, _ := b.Screen(x, 0, s)
	b.Posterior.Append(x, s)
	t.believe(believed{x, variance + b.Params.Noise}, b, s)
	return mean
}

// believe sharpens the slope by a believed point.
func (t *trend) believe(e believed, b *belief, s *gp.Scratch) {
	_, beside, _ := b.Posterior.ScreenBeside(e.x, 0, &t.side, s)
	r := t.knowledge.score(e.x, t.without) - beside
	t.precision += r * r / e.variance
	t.believed = append(t.believed, e)
}

// apart returns the belief without one paper, or without any: the posterior is
// shared, and what was believed is believed again.
func (b *belief) apart(rows [][]float64, without int, all bool) *belief {
	if b.trend == nil || all {
		return &belief{Posterior: b.Posterior}
	}
	out := informed(b.Posterior, b.trend.knowledge, rows, without)
	s := b.NewScratch()
	for _, e := range b.trend.believed {
		out.trend.believe(e, out, s)
	}
	return out
}
