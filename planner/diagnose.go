package planner

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/planner/acq"
)

const (
	// weighed is how many of the most promising candidates tell what may still be
	// found.
	weighed = 48
	// probed is how many experiments importance is read off.
	probed = 24
	// leastShown is from how many points on leaving one out says anything.
	leastShown = 4
)

// diagnose returns the health of the model and what may still be found among the
// candidates of s, before any is chosen.
func (w *writer) diagnose(s *search) *lab.Diagnostics {
	d := &lab.Diagnostics{Trust: lab.TrustGood, Models: []lab.ModelFit{}}
	if w.model.singular {
		d.Warnings = append(d.Warnings, "Some hyperparameters could not be fitted and were left at their prior; do not lean on the intervals.")
		d.Trust = lab.TrustFair
	}
	for j, r := range w.model.responses {
		m := w.fitOf(j, r)
		d.Models = append(d.Models, m)
		worst, why := verdict(m)
		d.Warnings = append(d.Warnings, why...)
		if worst == lab.TrustPoor || d.Trust == lab.TrustGood {
			d.Trust = worst
		}
	}
	if len(d.Models) == 0 {
		d.Trust = lab.TrustPoor
		d.Warnings = append(d.Warnings, "No experiment has given an outcome yet.")
	}
	if len(w.model.responses) == 1 && s != nil {
		d.Stop = w.stopping(s)
	}
	return d
}

// fitOf describes the model of response j.
func (w *writer) fitOf(j int, r *response) lab.ModelFit {
	h := w.model.health[j]
	m := lab.ModelFit{Objective: r.objective.Name, Points: len(r.rows), Explained: h.Explained}
	noise := 0.0
	for k := range w.model.members {
		e := &w.model.members[k]
		m.Members = append(m.Members, lab.MemberFit{Name: e.prior.Name, Weight: e.weight, LogDensity: finite(e.density[j])})
		noise += e.weight * e.posts[j].Params.Noise
	}
	m.Noise = math.Sqrt(noise) * r.sd
	for i, mean := range h.Mean {
		z := math.Abs(h.Y[i]-mean) / h.SD[i]
		for share, bound := range map[*float64]float64{&m.Covered50: 0.6745, &m.Covered80: 1.2816, &m.Covered95: 1.96} {
			if z <= bound {
				*share += 1 / float64(len(h.Mean))
			}
		}
	}
	if len(h.Mean) == len(r.rows) && len(r.rows) >= leastShown {
		for i, row := range r.rows {
			p := r.predict(h.Mean[i], 0, h.SD[i])
			m.LeftOut = append(m.LeftOut, lab.LeftOut{Number: w.t.known[row].number, Observed: r.sign * r.value[i], Mean: p.Mean, Low: p.Low, High: p.High})
		}
	}
	m.Importance = w.importance(j, r)
	for k, sc := range r.scores {
		t := lab.TrendFit{Source: "networks", Used: r.trends != nil, Gain: r.preferred}
		if sc.source >= 0 {
			t.Source, t.Version = w.t.brief.Sources[sc.source].Name, w.t.brief.Sources[sc.source].Version
		}
		if t.Used {
			t.Slope = w.slope(j, k)
		}
		m.Trends = append(m.Trends, t)
	}
	return m
}

// importance reads off how far the mean moves when one parameter takes other
// values at experiments that were done, by the first member: the share of each
// parameter in the sum over all.
func (w *writer) importance(j int, r *response) []lab.Importance {
	post, s := w.model.members[0].posts[j], w.tools.posts[0][j]
	moved := make([]float64, len(w.t.brief.Space.Parameters))
	step := max(1, len(r.rows)/probed)
	for i := 0; i < len(r.rows); i += step {
		e := &w.t.known[r.rows[i]]
		at := post.Mean(e.row, s)
		x := slices.Clone(e.row)
		for c, col := range w.t.space.Columns() {
			var others []float64
			switch {
			case col.Constant, w.t.space.Absent(e.state, c):
			case col.Levels > 0:
				for l := 0; l < col.Levels; l += max(1, col.Levels/4) {
					others = append(others, float64(l))
				}
			default:
				others = []float64{0.1, 0.5, 0.9}
			}
			sum, n := 0.0, 0.0
			for _, v := range others {
				if v == e.row[c] {
					continue
				}
				x[c] = v
				sum += math.Abs(post.Mean(x, s) - at)
				n++
			}
			x[c] = e.row[c]
			if n > 0 {
				moved[col.Parameter] += sum / n
			}
		}
	}
	total := 0.0
	for _, v := range moved {
		total += v
	}
	out := make([]lab.Importance, 0, len(moved))
	for i, v := range moved {
		share := 1 / float64(len(moved))
		if total > 0 {
			share = v / total
		}
		out = append(out, lab.Importance{Parameter: w.t.brief.Space.Parameters[i].Name, Share: share})
	}
	slices.SortStableFunc(out, func(a, b lab.Importance) int { return cmp.Compare(b.Share, a.Share) })
	return out
}

// verdict says how far to trust the model of an objective, and why not farther.
func verdict(m lab.ModelFit) (lab.Trust, []string) {
	var why []string
	trust := lab.TrustGood
	fair := func(format string, args ...any) {
		why = append(why, m.Objective+": "+fmt.Sprintf(format, args...))
		if trust == lab.TrustGood {
			trust = lab.TrustFair
		}
	}
	if m.Points < 2*leastShown {
		fair("only %d points; how well the model predicts cannot be judged yet.", m.Points)
		return lab.TrustPoor, why
	}
	switch {
	case m.Explained < 0.1:
		fair("left out one by one, %.0f %% of the variance is explained: the model hardly predicts, and proposals are mostly exploration.", 100*math.Max(0, m.Explained))
		trust = lab.TrustPoor
	case m.Explained < 0.5:
		fair("left out one by one, %.0f %% of the variance is explained: expect to be surprised.", 100*m.Explained)
	}
	// Two standard errors of the share that should be covered.
	if least := 0.95 - 2*math.Sqrt(0.95*0.05/float64(m.Points)); m.Covered95 < least {
		fair("%.0f %% of the outcomes lie within their 95 %% interval: intervals are too narrow.", 100*m.Covered95)
	}
	var odd []string
	for _, l := range m.LeftOut {
		half := (l.High - l.Low) / 2
		if half > 0 && math.Abs(l.Observed-l.Mean) > 2*half {
			odd = append(odd, fmt.Sprintf("#%d", l.Number))
		}
	}
	if len(odd) > 0 && len(odd) <= 5 {
		fair("%s lies far from what all others say of it: look whether the measurement is right.", strings.Join(odd, ", "))
	}
	return trust, why
}

// stopping says what may still be found. Stopping is advised where no candidate
// is likely to be better by what would matter, a hundredth of the range between
// the quartiles (after the idea of Wilson, Stopping Bayesian optimization with
// probabilistic regret bounds, 2024, https://arxiv.org/abs/2402.16811), or where
// the last experiments brought nothing.
func (w *writer) stopping(s *search) *lab.Outlook {
	r := w.model.responses[0]
	values := w.t.judgedValues(r)
	n := len(values)
	inOrder := slices.Clone(values)
	slices.Sort(values)
	spread := values[n*3/4] - values[n/4]
	out := &lab.Outlook{Least: 0.01 * spread, Unit: r.objective.Unit}
	best := r.value[r.best]
	for _, c := range s.heap[:min(weighed, len(s.heap))] {
		at := s.feature(c.id)
		if f := w.t.fidelity; f != nil {
			at = f.targeted(at, nil)
		}
		mean, sd, _ := w.moments(at, 0)
		sd = math.Min(sd, r.most())
		bar := (r.warp.to(best+out.Least) - r.mean) / r.sd
		out.Chance = math.Max(out.Chance, acq.Phi((mean-bar)/math.Max(sd, 1e-9)))
		out.Regret = math.Max(out.Regret, r.sign*r.original(mean+1.96*sd)-best)
	}
	groups := w.model.metric.Groups
	if n < 3*groups || n < 10 {
		return out
	}
	window := max(5, groups)
	before := math.Inf(-1)
	for _, v := range inOrder[:n-window] {
		before = math.Max(before, v)
	}
	switch {
	case out.Chance < 0.05:
		out.Advised = true
		out.Why = fmt.Sprintf("No candidate is likelier than %s to beat the best %s by %s.", percent(math.Max(out.Chance, 0.01)), r.objective.Name, quantity(out.Least, out.Unit))
	case best-before <= 0.1*spread:
		out.Advised = true
		out.Why = fmt.Sprintf("The last %d points improved %s by no more than %s.", window, r.objective.Name, quantity(0.1*spread, out.Unit))
	}
	return out
}

// judgedValues returns the values of a response that count for the answer, in the
// order of the experiments, or all where none does.
func (t *task) judgedValues(r *response) []float64 {
	var out []float64
	for i, row := range r.rows {
		if t.judged(t.known[row].state) {
			out = append(out, r.value[i])
		}
	}
	if out == nil {
		return slices.Clone(r.value)
	}
	return out
}
