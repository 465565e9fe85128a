package planner

import (
	"fmt"
	"math"
	"slices"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/planner/gp"
	"github.com/athanor-lab/athanor/planner/net"
	"github.com/athanor-lab/athanor/planner/space"
)

// score is what a source says of one objective: mean 0 and variance 1 over the
// source's own points, larger is better. The outcome is expected to follow it
// with a slope that is learned, so that a source which misleads is found out.
type score struct {
	source    int // of the brief; -1 for what [task.deepen] learned
	objective int
	rows      int                // that the space could read
	known     map[string]float64 // of predictions: what was predicted where
	post      *gp.Posterior
	scratch   *gp.Scratch
	deep      *net.Predictor // in place of post
	task      *task          // whose inputs it has
}

const (
	// sourceRows is how many points of a source are learned from; of more those
	// that say most are taken.
	sourceRows = 400
	// slopeMean and slopeSD are of the slope before there is data.
	slopeMean, slopeSD = 0.6, 0.5
)

// checkSources refuses sources that are not whole.
func checkSources(b lab.Brief) error {
	for i, s := range b.Sources {
		if s.Name == "" {
			return lab.Errorf(lab.Invalid, "brief.sources[%d].name is empty", i)
		}
		if len(s.Points) != len(s.Outcomes) {
			return lab.Errorf(lab.Invalid, "brief.sources[%d] has %d points and %d outcomes", i, len(s.Points), len(s.Outcomes))
		}
		for k, p := range s.Points {
			if len(p) != len(b.Space.Parameters) || len(s.Outcomes[k]) != len(s.Objectives) {
				return lab.Errorf(lab.Invalid, "brief.sources[%d].points[%d] has %d values for %d parameters and %d outcomes for %d objectives", i, k, len(p), len(b.Space.Parameters), len(s.Outcomes[k]), len(s.Objectives))
			}
			for _, v := range s.Outcomes[k] {
				if math.IsNaN(v) || math.IsInf(v, 0) {
					return lab.Errorf(lab.Invalid, "brief.sources[%d].outcomes[%d] has %g; an outcome is a finite number", i, k, v)
				}
			}
		}
	}
	return nil
}

// readSources learns a score from every source for every objective that it
// speaks of. Points that the space cannot read, as those with a level that it
// does not have, are left out.
func (t *task) readSources() {
	for i, s := range t.brief.Sources {
		var states [][]float64
		var at []int
		for k, p := range s.Points {
			settings := make([]lab.Setting, 0, len(p))
			for c, v := range p {
				if v.Kind() != lab.Absent {
					settings = append(settings, lab.Setting{Name: t.brief.Space.Parameters[c].Name, Value: v})
				}
			}
			if state, err := t.space.Read(settings); err == nil {
				states, at = append(states, state), append(at, k)
			}
		}
		for j, o := range t.brief.Objectives {
			if c := slices.Index(s.Objectives, o.Name); c >= 0 && len(states) >= 3 {
				values := make([]float64, len(states))
				for k, row := range at {
					values[k] = s.Outcomes[row][c]
					if o.Direction == lab.Minimize {
						values[k] = -values[k]
					}
				}
				if sc := t.scoreOf(states, values, s.Kind == lab.SourcePredictions); sc != nil {
					sc.source, sc.objective = i, j
					t.scores = append(t.scores, sc)
				}
			}
		}
	}
}

// leastExplained is the share of its own variance, left out one by one, that a
// source of data must explain: what does not predict itself predicts nothing.
const leastExplained = 0.1

// scoreOf fits a Gaussian process to what a source holds. It returns nil where
// all of it is the same, or nothing but noise.
func (t *task) scoreOf(states [][]float64, values []float64, predicted bool) *score {
	if slices.Max(values) == slices.Min(values) {
		return nil
	}
	if t.kind() == choices {
		w := newWarp(values)
		for i, v := range values {
			values[i] = w.to(v)
		}
	}
	mean, sd := moments(values)
	s := &score{rows: len(values)}
	if predicted {
		s.known = make(map[string]float64, len(values))
	}
	// Repeated points count once, with their mean.
	index := make(map[string]int)
	var x [][]float64
	var y, n []float64
	for i, state := range states {
		key := t.space.Key(state)
		at, ok := index[key]
		if !ok {
			at = len(x)
			index[key] = at
			f := make([]float64, len(state))
			t.space.Features(state, f)
			x, y, n = append(x, f), append(y, 0), append(n, 0)
		}
		n[at]++
		y[at] += ((values[i]-mean)/sd - y[at]) / n[at]
		if predicted {
			s.known[key] = y[at]
		}
	}
	metric := t.metric()
	data := gp.Observations(x, y)
	data.Reps = n
	problem := gp.NewProblem(metric, data)
	stages := stagesOf(problem, data.Y)
	if len(y) > sourceRows {
		problem = problem.Subset(telling(y, sourceRows))
	}
	prior := t.priors(metric, ensembleMax+1, 1)[0]
	fitted := surrogate{metric: metric}
	var h gp.Params
	s.post, h = fitted.fit(problem, stages, prior, 0)
	if !predicted && check(problem, stages, prior.Kernel, h).Explained < leastExplained {
		return nil
	}
	s.scratch = s.post.NewScratch()
	return s
}

// at returns the score at a state with features x.
func (s *score) at(key func() string, x []float64) float64 {
	if s.known != nil {
		if v, ok := s.known[key()]; ok {
			return v
		}
	}
	if s.deep != nil {
		mean, _, _ := s.deep.At(s.task.inputs(x))
		return mean
	}
	return s.post.Mean(x, s.scratch)
}

// row returns features as the models see them: with the scores behind. Without
// scores it is the features themselves.
func (t *task) row(state, features []float64) []float64 {
	if len(t.scores) == 0 {
		return features
	}
	out := append(make([]float64, 0, len(features)+len(t.scores)), features...)
	for _, s := range t.scores {
		out = append(out, s.at(func() string { return t.space.Key(state) }, features))
	}
	return out
}

// trendsOf returns the trends that the outcomes of objective j are expected to
// follow, and the scores that they are.
func (t *task) trendsOf(j int) ([]gp.Trend, []*score) {
	var out []gp.Trend
	var of []*score
	for k, s := range t.scores {
		if s.objective == j {
			out = append(out, gp.Trend{Column: t.space.Width() + k, SD: slopeSD})
			of = append(of, s)
		}
	}
	for i := range out {
		out[i].Mean = slopeMean / float64(len(out))
	}
	return out, of
}

// openers is how many experiments the start is cut to where sources say where
// to begin; the first is at the best place by the first objective's.
const openers = 4

// opener returns the free state of highest score, or nil without scores or
// after the first experiment.
func (t *task) opener() ([]float64, error) {
	if len(t.scores) == 0 || len(t.known)+len(t.pending) > 0 {
		return nil, nil
	}
	best, top := []float64(nil), math.Inf(-1)
	weigh := func(state, features []float64) error {
		v := 0.0
		for k, r := range t.row(state, features)[len(features):] {
			if t.scores[k].objective == t.scores[0].objective {
				v += r
			}
		}
		if v <= top {
			return nil
		}
		if ok, err := t.free(state); err != nil || !ok {
			return err
		}
		best, top = slices.Clone(state), v
		return nil
	}
	if t.space.Listed() {
		for i := range t.space.Len() {
			if err := weigh(t.space.State(i), t.space.Feature(i)); err != nil {
				return nil, err
			}
		}
		return best, nil
	}
	sequence := space.NewSobol(t.space.Width(), space.Mix(t.brief.Seed, streamCandidates, 0))
	u, state, f := make([]float64, t.space.Width()), make([]float64, t.space.Width()), make([]float64, t.space.Width())
	for i := range uint32(sampled) {
		sequence.At(i, u)
		t.space.FromUnit(u, state)
		t.space.Features(state, f)
		if err := weigh(state, f); err != nil {
			return nil, err
		}
	}
	return best, nil
}

// open proposes the opener, if there is one.
func (t *task) open() ([]lab.Proposal, error) {
	state, err := t.opener()
	if err != nil || state == nil {
		return nil, err
	}
	t.take(state)
	s := t.brief.Sources[t.scores[0].source]
	return []lab.Proposal{{
		Settings: t.space.Settings(state), Predictions: []lab.Prediction{},
		Reason: fmt.Sprintf("Experiment #%d is where %s expects the best %s; nothing is known yet from here.", t.brief.First, s.Name, t.brief.Objectives[t.scores[0].objective].Name),
	}}, nil
}

// sourceNotes say of every source what came of it.
func (w *writer) sourceNotes() []string {
	var out []string
	for j, r := range w.model.responses {
		for k, sc := range r.scores {
			if sc.source < 0 {
				out = append(out, w.deepNote(j, k, sc))
			}
		}
	}
	for i, s := range w.t.brief.Sources {
		if s.Fault != "" {
			out = append(out, fmt.Sprintf("%s could not be asked (%s): the plan is made without it.", s.Name, s.Fault))
			continue
		}
		used := false
		for j, r := range w.model.responses {
			for k, sc := range r.scores {
				if sc.source != i {
					continue
				}
				used = true
				if r.trends == nil {
					out = append(out, fmt.Sprintf("%s was not asked about %s: left out one by one, its %d outcomes gain %s nats each by it, too little to tell from chance.", named(s), w.t.brief.Objectives[r.index].Name, len(r.rows), digits(r.preferred, 2)))
					continue
				}
				out = append(out, fmt.Sprintf("%s: %s follows %s with a slope of %s (%d points; 1 is all the way, 0 not at all).",
					named(s), w.t.brief.Objectives[r.index].Name, s.Name, digits(w.slope(j, k), 2), sc.rows))
			}
		}
		if !used {
			out = append(out, named(s)+" says nothing of this space: it has fewer than three points that can be set here, or no pattern in them.")
		}
	}
	return out
}

// slope is the members' average of the slope of trend k of response j.
func (w *writer) slope(j, k int) float64 {
	v := 0.0
	for _, m := range w.model.members {
		v += m.weight * m.posts[j].Slope(k)
	}
	return v
}

// named writes a source with its version.
func named(s lab.Source) string {
	kind := "Earlier data"
	if s.Kind == lab.SourcePredictions {
		kind = "Model"
	}
	if v := s.Version; v != "" {
		return kind + " " + s.Name + " " + v[:min(12, len(v))]
	}
	return kind + " " + s.Name
}

// leansOn names the sources whose trends a response follows.
func (t *task) leansOn(r *response) []string {
	if r.trends == nil {
		return nil
	}
	var out []string
	for _, sc := range r.scores {
		name := "networks"
		if sc.source >= 0 {
			s := t.brief.Sources[sc.source]
			if name = s.Name; s.Version != "" {
				name += "@" + s.Version
			}
		}
		out = append(out, name)
	}
	return out
}
