package planner

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/planner/space"
)

// seeds is how many experiments of a campaign with literature go where it is
// densest, apart from each other, before a model decides.
const seeds = 3

// surveyed is how many places of a space that is not listed are weighed for seeds.
const surveyed = 4096

// knowledgeOf returns what is known of a response's objective from elsewhere.
func (t *task) knowledgeOf(r *response) *knowledge {
	j := slices.IndexFunc(t.brief.Objectives, func(o lab.Objective) bool { return o.Name == r.objective.Name })
	if j < 0 {
		return nil
	}
	return t.learned(j)
}

// inform joins every member's beliefs with what is known from elsewhere.
func (t *task) inform(s *surrogate) {
	for j, r := range s.responses {
		k := t.knowledgeOf(r)
		for i := range s.members {
			b := s.members[i].posts[j]
			*b = *informed(b.Posterior, k, r.data.X, -1)
		}
	}
}

// seeded proposes up to want experiments where the literature says that it is
// best, each time leaving what the experiments so far and those before it cover.
func (t *task) seeded(want int) ([]lab.Proposal, error) {
	want = min(want, seeds-len(t.known)-len(t.pending))
	if t.brief.Evidence == nil || want < 1 {
		return nil, nil
	}
	k := t.learned(0)
	if k == nil {
		return nil, nil
	}
	var states, features [][]float64
	var value []float64
	n := surveyed
	if t.space.Listed() {
		n = t.space.Len()
	}
	var failed error
	t.survey(n, func(x, state []float64) {
		ok, err := t.free(state)
		if err != nil {
			failed = err
		}
		if ok {
			states, features = append(states, slices.Clone(state)), append(features, slices.Clone(x))
			value = append(value, k.raw(x, -1))
		}
	})
	if failed != nil {
		return nil, failed
	}
	leave := func(x []float64) {
		for i, f := range features {
			value[i] += math.Log(math.Max(1e-12, 1-t.alike(x, f)))
		}
	}
	for _, list := range [2][]experiment{t.known, t.pending} {
		for _, e := range list {
			leave(e.features)
		}
	}
	var out []lab.Proposal
	for len(out) < want {
		best := -1
		for i, v := range value {
			if !math.IsInf(v, -1) && (best < 0 || v > value[best]) {
				best = i
			}
		}
		if best < 0 {
			break
		}
		x := features[best]
		p := lab.Proposal{
			Settings: t.space.Settings(states[best]), Predictions: []lab.Prediction{}, Nearest: t.nearest(states[best]),
			Acquisition: &lab.Acquisition{Name: seedGain, Value: k.raw(x, -1)},
			Influences:  k.influences(x),
		}
		p.Reason = fmt.Sprintf("Experiment #%d is where the literature says that it is best, apart from those before it%s.", t.brief.First+len(out), t.cited(p.Influences))
		t.take(states[best])
		out = append(out, p)
		leave(x)
		value[best] = math.Inf(-1)
	}
	return out, nil
}

// seedGain names what seeds maximise.
const seedGain = "log density of the literature"

// alike is 1 for equal places and falls to 0 with their distance.
func (t *task) alike(a, b []float64) float64 {
	d := 0.0
	for c, col := range t.space.Columns() {
		switch {
		case col.Levels == 0 && math.Min(a[c], b[c]) != space.AbsentFeature:
			d += (a[c] - b[c]) * (a[c] - b[c])
		case a[c] != b[c]:
			d += 0.25
		}
	}
	return math.Exp(-d / (2 * 0.25 * 0.25))
}

// influences are those of a place that only the literature chose.
func (k *knowledge) influences(x []float64) []lab.Influence {
	all := k.raw(x, -1)
	var out []lab.Influence
	for p, id := range k.papers {
		out = append(out, lab.Influence{Paper: id, Gain: all - k.raw(x, p)})
	}
	return shared(out)
}

// influences says how far each paper moved a candidate, and which place it would
// have had if nothing had been read.
func (w *writer) influences(s *search, c candidate) ([]lab.Influence, int) {
	k := s.model.knowledge()
	if k == nil {
		return nil, 0
	}
	x := s.feature(c.id)
	tools := s.model.tools()
	value, mean := s.model.worth(x, exact, &tools), w.t.expected(s.model, x, &tools)
	var out []lab.Influence
	for p, id := range k.papers {
		other := w.t.apart(s.model, p, false)
		in := lab.Influence{Paper: id, Gain: finite(value - other.worth(x, exact, &tools))}
		in.Shift = mean - w.t.expected(other, x, &tools)
		out = append(out, in)
	}
	unaided := w.t.apart(s.model, -1, true)
	rank, bar := 1, unaided.worth(x, exact, &tools)
	for _, o := range s.heap {
		f := s.feature(o.id)
		if o.id != c.id && unaided.worth(f, screened, &tools) > bar && unaided.worth(f, exact, &tools) > bar {
			rank++
		}
	}
	return shared(out), rank
}

// expected is what the members expect of the first objective on average, in its
// own unit.
func (t *task) expected(s *surrogate, x []float64, w *tools) float64 {
	mean := 0.0
	for k := range s.members {
		mean += s.members[k].weight * s.members[k].posts[0].Mean(x, w.posts[k][0])
	}
	return s.responses[0].original(mean)
}

// knowledge returns what is known from elsewhere of any of the responses, with
// all papers; nil when nothing is.
func (s *surrogate) knowledge() *knowledge {
	for _, m := range s.members {
		for _, b := range m.posts {
			if b.trend != nil {
				return b.trend.knowledge
			}
		}
	}
	return nil
}

// apart returns the surrogate without one paper or without any.
func (t *task) apart(s *surrogate, without int, all bool) *surrogate {
	out := *s
	out.members = slices.Clone(s.members)
	var running [][]float64
	for k := range out.members {
		m := &out.members[k]
		m.posts = slices.Clone(m.posts)
		for j, b := range m.posts {
			if b.trend != nil && running == nil {
				for _, e := range b.trend.believed {
					running = append(running, e.x)
				}
			}
			m.posts[j] = b.apart(s.responses[j].data.X, without, all)
		}
	}
	// What is to be beaten is told anew, since it may rest on the model's mean.
	t.aim(&out)
	tools := out.tools()
	for k := range out.members {
		m := &out.members[k]
		for _, x := range running {
			for j, b := range m.posts {
				tools.mean[j] = b.Mean(x, tools.posts[k][j])
			}
			m.gain.believe(tools.mean)
		}
	}
	return &out
}

// shared works out the shares and puts the paper that did most first. Papers that
// moved nothing are left out.
func shared(all []lab.Influence) []lab.Influence {
	all = slices.DeleteFunc(all, func(i lab.Influence) bool { return i.Gain == 0 && i.Shift == 0 })
	total := 0.0
	for _, i := range all {
		total += math.Abs(i.Gain)
	}
	for i := range all {
		if total > 0 {
			all[i].Share = math.Abs(all[i].Gain) / total
		}
	}
	slices.SortStableFunc(all, func(a, b lab.Influence) int { return cmp.Compare(b.Share, a.Share) })
	return all
}

// cited names the papers that did most, for a sentence.
func (t *task) cited(all []lab.Influence) string {
	text := ""
	for i, in := range all {
		if i == 2 || in.Share < 0.05 {
			break
		}
		if text != "" {
			text += ", "
		}
		text += percent(in.Share) + " " + t.called(in.Paper)
	}
	if text == "" {
		return ""
	}
	return " (moved by papers: " + text + ")"
}

// called returns the title of a paper, shortened, or its id.
func (t *task) called(id string) string {
	i := slices.IndexFunc(t.brief.Evidence.Papers, func(p lab.Cited) bool { return p.ID == id })
	if i < 0 || t.brief.Evidence.Papers[i].Title == "" {
		return id
	}
	title := []rune(t.brief.Evidence.Papers[i].Title)
	if len(title) > 60 {
		return "“" + string(title[:60]) + "…”"
	}
	return "“" + string(title) + "”"
}

func (t *task) seedNote(n int) string {
	return fmt.Sprintf("%d of %d first experiments go where %d papers say that it is best; evidence %.12s.", n, seeds, len(t.brief.Evidence.Papers), t.brief.Evidence.Version)
}

// evidenceNotes say how much of the literature is still heeded.
func (w *writer) evidenceNotes() []string {
	var out []string
	for j, r := range w.model.responses {
		var some *trend
		slope, sd, n := 0.0, 0.0, 0.0
		for k := range w.model.members {
			if t := w.model.members[k].posts[j].trend; t != nil {
				weight := w.model.members[k].weight
				slope += weight * t.slope
				sd += weight / math.Sqrt(t.precision)
				n += weight
				some = t
			}
		}
		if some != nil {
			ratings := ""
			if len(some.knowledge.effects) > 0 {
				ratings = fmt.Sprintf("; after %d outcomes %s of what is said of single settings counts", len(r.rows), percent(some.share))
			}
			out = append(out, fmt.Sprintf("%s follows the score of %d papers with a slope of %.2f ± %.2f (%.2f ± %.2f before the first experiment; 0 would say that they mislead or say nothing)%s; evidence %.12s.",
				r.objective.Name, len(w.t.brief.Evidence.Papers), slope/n, sd/n, faith, doubt, ratings, w.t.brief.Evidence.Version))
		}
	}
	return out
}
