package planner

import (
	"fmt"
	"math"
	"slices"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/planner/acq"
	"github.com/athanor-lab/athanor/planner/space"
)

// writer puts a decision into the words of the laboratory. Its predictions are
// of the model before anything unfinished was believed, apart from the variance.
type writer struct {
	t     *task
	model *surrogate
	tools tools
	// health is of the model before anything was chosen.
	health *lab.Diagnostics
}

func (t *task) writer(m *surrogate) *writer { return &writer{t: t, model: m, tools: m.tools()} }

// moments returns mean and standard deviation of f for objective j over all
// members, and of an observation.
func (w *writer) moments(x []float64, j int) (mean, sd, observed float64) {
	square, noise := 0.0, 0.0
	for k := range w.model.members {
		share := w.model.members[k].weight
		p := w.model.members[k].posts[j]
		m, v := p.Predict(x, w.tools.posts[k][j])
		mean += share * m
		square += share * (m*m + v)
		noise += share * p.Params.Noise
	}
	v := math.Max(0, square-mean*mean)
	return mean, math.Sqrt(v), math.Sqrt(v + noise)
}

// predictions returns what is expected of every objective at features x.
func (w *writer) predictions(x []float64) []lab.Prediction {
	out := []lab.Prediction{}
	if len(w.model.members) == 0 {
		return out
	}
	for j, r := range w.model.responses {
		p := r.predict(w.moments(x, j))
		p.Models = w.t.leansOn(r)
		out = append(out, p)
	}
	return out
}

// proposal writes a chosen candidate and those that lost to it.
func (w *writer) proposal(s *search, c candidate, others []candidate) lab.Proposal {
	x := s.feature(c.id)
	p := lab.Proposal{
		Settings: s.settings(c), Predictions: w.predictions(x),
		Acquisition: &lab.Acquisition{Name: w.acquisition(), Value: finite(c.value)},
		Nearest:     w.t.nearest(s.state(c.id)),
	}
	for _, o := range others {
		p.Losers = append(p.Losers, lab.Candidate{
			Settings: s.settings(o), Predictions: w.predictions(s.feature(o.id)), Acquisition: finite(o.value),
		})
	}
	p.Influences, p.Unaided = w.influences(s, c)
	p.Reason = w.reason(x, s.state(c.id), p)
	return p
}

// finite keeps a value writable as JSON.
func finite(v float64) float64 { return math.Max(-1e300, math.Min(1e300, v)) }

// acquisition names what was maximised.
func (w *writer) acquisition() string {
	name := "log expected improvement"
	switch n := len(w.model.responses); {
	case n == 0:
		return "log probability of success × novelty"
	case n > hypervolumeMax:
		name = "log expected improvement of randomly weighted objectives"
	case n > 1:
		name = "log expected hypervolume improvement"
	}
	if w.model.success != nil {
		name += " × probability of success"
	}
	return name
}

// nearest returns the up to three finished or running experiments most like a
// state.
func (t *task) nearest(state []float64) []lab.Neighbour {
	f := make([]float64, len(state))
	t.space.Features(state, f)
	cols := t.space.Columns()
	var best []lab.Neighbour
	for _, list := range [2][]experiment{t.known, t.pending} {
		for _, e := range list {
			n := lab.Neighbour{Number: e.number, Distance: distance(cols, f, e.features)}
			at := len(best)
			for at > 0 && n.Distance < best[at-1].Distance {
				at--
			}
			if at < neighbours {
				best = slices.Insert(best, at, n)
				best = best[:min(neighbours, len(best))]
			}
		}
	}
	return best
}

// neighbours is how many earlier experiments a proposal is compared with.
const neighbours = 3

// distance is Euclidean in the features; two levels of a choice are 1 apart, and so
// are any value and none.
func distance(cols []space.Column, a, b []float64) float64 {
	s := 0.0
	for c, col := range cols {
		d := a[c] - b[c]
		if d != 0 && (col.Levels > 0 || col.Optional && math.Min(a[c], b[c]) == space.AbsentFeature) {
			d = 1
		}
		s += d * d
	}
	return math.Sqrt(s)
}

func startNote(known, n0 int) string {
	if known == 0 {
		return fmt.Sprintf("Nothing is known yet: the first %d experiments are spread evenly over the space; a model decides from then on.", n0)
	}
	return fmt.Sprintf("%d of %d starting experiments are done: the spread over the space is completed first.", known, n0)
}

// notes tells of the decision as a whole: model, fit, noise, advice.
func (w *writer) notes() []string {
	var out []string
	if w.t.purse != nil {
		out = append(out, w.t.costNote())
	}
	if w.t.guard != nil {
		out = append(out, w.t.guardNote())
	}
	if w.t.fidelity != nil {
		out = append(out, w.t.fidelityNote())
	}
	if len(w.model.members) > 0 {
		out = append(out, w.modelNote())
	}
	for j, r := range w.model.responses {
		out = append(out, w.healthNote(j, r))
	}
	if w.model.success != nil {
		failed := 0
		for _, e := range w.t.known {
			if e.failed {
				failed++
			}
		}
		out = append(out, fmt.Sprintf("%d of %d experiments failed; a classifier of success weighs every candidate.", failed, len(w.t.known)))
	}
	out = append(out, w.sourceNotes()...)
	out = append(out, w.evidenceNotes()...)
	out = append(out, w.health.Warnings...)
	if st := w.health.Stop; st != nil && st.Advised {
		out = append(out, "Consider stopping: "+st.Why)
	}
	return out
}

func (w *writer) modelNote() string {
	kind := [...]string{numbers: "numbers alone", choices: "choices", mixed: "choices and numbers"}[w.t.kind()]
	s := "Gaussian process with " + w.model.members[0].prior.Name
	if n := len(w.model.members); n > 1 {
		s = fmt.Sprintf("Average of %d Gaussian processes (", n)
		for k, m := range w.model.members {
			if k > 0 {
				s += ", "
			}
			s += m.prior.Name
			if k > 0 && m.weight != w.model.members[0].weight {
				s += fmt.Sprintf(" at %s of the weight of the others, for how well it predicts", percent(m.weight/w.model.members[0].weight))
			}
		}
		s += ")"
	}
	return fmt.Sprintf("%s, the prior for a space of %s; %d length scales.", s, kind, w.model.metric.Groups)
}

// healthNote says how well the model predicts what it was not shown.
func (w *writer) healthNote(j int, r *response) string {
	n := len(r.rows)
	h := w.model.health[j]
	noise := math.Sqrt(w.model.members[0].posts[j].Params.Noise) * r.sd
	s := fmt.Sprintf("%s: %d points", r.objective.Name, n)
	if n >= 4 {
		s += fmt.Sprintf("; left out one by one, %.0f %% of the variance is explained and %.0f %% lie within their 95 %% interval", 100*h.Explained, 100*h.Covered)
	}
	return s + fmt.Sprintf("; noise of a measurement about %s.", withUnit(digits(noise, 2), r.objective.Unit))
}

// chance returns the probability that the outcome at x beats the best so far,
// by the members' average.
func (w *writer) chance(x []float64) float64 {
	s := 0.0
	best := w.model.responses[0].data.Y[w.model.responses[0].best]
	for k := range w.model.members {
		m, v := w.model.members[k].posts[0].Predict(x, w.tools.posts[k][0])
		s += w.model.members[k].weight * acq.Phi((m-best)/math.Sqrt(v))
	}
	return s
}
