package planner

import (
	"context"
	"math"
	"slices"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/planner/gp"
)

// hypervolumeMax is the number of objectives up to which the hypervolume is
// improved; more are weighed together at random, anew for each experiment.
const hypervolumeMax = 3

// bayes proposes an even spread while little is known, and then what the
// surrogate finds most worth doing.
func (t *task) bayes(ctx context.Context, plan *lab.Plan) error {
	n0 := t.starts()
	if t.brief.Budget > 0 {
		n0 = max(2, min(n0, (t.brief.Budget+1)/3))
	}
	want := t.brief.Want
	ps, err := t.seeded(want)
	if err != nil {
		return err
	}
	if n := len(ps); n > 0 {
		plan.Proposals = ps
		plan.Notes = append(plan.Notes, t.seedNote(n))
		if want -= n; want == 0 {
			return nil
		}
	}
	if t.read() {
		n0 = min(n0, seeds)
	}
	if len(t.scores) > 0 && len(plan.Proposals) == 0 {
		n0 = min(n0, openers)
		ps, err := t.open()
		if err != nil {
			return err
		}
		plan.Proposals = ps
		if want -= len(ps); want == 0 {
			plan.Notes = append(plan.Notes, startNote(0, n0))
			return nil
		}
	}
	if spread := min(want, n0-len(t.known)-len(t.pending)-len(plan.Proposals)); spread > 0 || len(t.known) == 0 {
		if len(t.known) == 0 {
			spread = want
		}
		next, reason := strategies["sobol"](t)
		ps, err := t.drawn(t.declared(t.faithful(next)), reason, spread)
		if err != nil {
			return err
		}
		plan.Proposals = append(plan.Proposals, ps...)
		plan.Notes = append(plan.Notes, startNote(len(t.known), n0))
		if t.guard != nil {
			plan.Notes = append(plan.Notes, t.guardNote())
		}
		if want -= len(ps); want == 0 || len(ps) < spread {
			return nil
		}
	}
	ps, w, err := t.modelled(ctx, want, plan.Proposals)
	if err != nil {
		return err
	}
	plan.Proposals = append(plan.Proposals, ps...)
	plan.Notes = append(plan.Notes, w.notes()...)
	plan.Diagnostics = w.health
	return nil
}

// modelled proposes want experiments by the surrogate, believing in the pending
// ones and those already in the plan. The writer knows what there is to tell of it.
func (t *task) modelled(ctx context.Context, want int, planned []lab.Proposal) ([]lab.Proposal, *writer, error) {
	t.deepen()
	t.running = len(t.known)
	running := slices.Clone(t.pending)
	for _, p := range planned {
		e, err := t.experiment(0, p.Settings)
		if err != nil {
			return nil, nil, err
		}
		running = append(running, e)
	}
	var responses []*response
	for j := range t.brief.Objectives {
		if r := t.responseOf(j); r != nil {
			responses = append(responses, r)
		}
	}
	spare := len(running) + want
	model := t.learn(responses, spare)
	model.success, model.caution = t.classify(model.metric)
	t.instruct(model)
	w := t.writer(model)
	if len(responses) <= hypervolumeMax {
		ps, err := t.greedy(ctx, w, running, want)
		return ps, w, err
	}
	var out []lab.Proposal
	for len(out) < want {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		acting := t.learn([]*response{t.scalarise(responses, len(out))}, spare)
		acting.success, acting.caution = model.success, model.caution
		model.singular = model.singular || acting.singular
		t.aim(acting)
		t.believeAll(acting, running)
		s, err := t.newSearch(acting)
		if err != nil {
			return nil, nil, err
		}
		if w.health == nil {
			w.health = w.diagnose(s)
		}
		c, others, err := s.next()
		if err != nil || c == nil {
			return out, w, err
		}
		out = append(out, w.proposal(s, *c, others))
		running = append(running, experiment{state: s.state(c.id), row: s.feature(c.id)})
	}
	return out, w, nil
}

// greedy proposes one experiment after another by the writer's model, each
// believing in those before it.
func (t *task) greedy(ctx context.Context, w *writer, running []experiment, want int) ([]lab.Proposal, error) {
	t.aim(w.model)
	t.believeAll(w.model, running)
	s, err := t.newSearch(w.model)
	if err != nil {
		return nil, err
	}
	w.health = w.diagnose(s)
	var out []lab.Proposal
	for len(out) < want {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		c, others, err := s.next()
		if err != nil || c == nil {
			return out, err
		}
		out = append(out, w.proposal(s, *c, others))
		s.settle(c)
	}
	return out, nil
}

// believeAll takes running experiments as done.
func (t *task) believeAll(s *surrogate, running []experiment) {
	tools := s.tools()
	for _, e := range running {
		s.believe(e.row, &tools)
	}
}

// classifyMax is the number of experiments that the classifier learns from;
// of more the latest are taken.
const classifyMax = 300

// classify learns where experiments fail; it returns nil when none did. The
// caution grows with the share c that failed, as 1/(1-c)²: where gains beyond
// the edge of what works seem large, a probability alone would have the edge
// crossed again and again. (Interpolating by the share of failures is an idea
// of Hickman, Aldeghi & Aspuru-Guzik, Anubis: Bayesian optimization with unknown
// feasibility constraints, 2023.)
func (t *task) classify(m gp.Metric) (success *gp.Classifier, caution float64) {
	known := t.known[max(0, len(t.known)-classifyMax):]
	var x [][]float64
	var ok []bool
	worked := 0.5
	for _, e := range known {
		x = append(x, e.features)
		ok = append(ok, !e.failed)
		if !e.failed {
			worked++
		}
	}
	if worked == float64(len(known))+0.5 {
		return nil, 0
	}
	share := worked / float64(len(known)+1)
	return gp.Classify(m, x, ok), 1 / (share * share)
}

// scalarise weighs all objectives together by an augmented Chebyshev function
// with random weights, so that every trade-off is met sooner or later (Knowles,
// ParEGO, IEEE Trans. Evol. Comput. 10, 2006). Experiments that lack an
// objective are left out.
func (t *task) scalarise(responses []*response, draw int) *response {
	rng := t.rng(streamWeights + uint64(draw)<<8)
	weights := make([]float64, len(responses))
	total := 0.0
	for j := range weights {
		weights[j] = rng.ExpFloat64()
		total += weights[j]
	}
	low, span := make([]float64, len(responses)), make([]float64, len(responses))
	for j, r := range responses {
		low[j] = slices.Min(r.value)
		if span[j] = slices.Max(r.value) - low[j]; span[j] == 0 {
			span[j] = 1
		}
	}
	out := &response{sign: 1}
	out.objective.Name = "weighted objectives"
	var samples []sample
	for i, row := range responses[0].rows {
		worst, sum, whole := 0.0, 0.0, true
		for j, r := range responses {
			at := i
			if j > 0 {
				at = slices.IndexFunc(r.rows, func(q int) bool { return t.known[q].key == t.known[row].key })
			}
			if at < 0 {
				whole = false
				break
			}
			loss := weights[j] / total * (1 - (r.value[at]-low[j])/span[j])
			worst = math.Max(worst, loss)
			sum += loss
		}
		if whole {
			samples = append(samples, sample{row: row, value: -worst - 0.05*sum})
		}
	}
	if len(samples) == 0 {
		return responses[0]
	}
	out.gather(t, samples)
	return out
}
