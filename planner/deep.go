package planner

import (
	"fmt"

	"github.com/athanor-lab/athanor/planner/net"
	"github.com/athanor-lab/athanor/planner/space"
)

const (
	// deepFrom is from how many points on an ensemble of networks learns from all
	// of them, and Gaussian processes from what it leaves unexplained at some.
	deepFrom = 1000
	// deepRows is how many points these then learn from: those that say most.
	deepRows = 600
)

// deepen trains an ensemble for each objective with many points. What it says
// becomes a trend, as that of a source does; at points that it learned from it is
// what the networks say that were not shown them, so that the trend is as good
// there as anywhere.
func (t *task) deepen() {
	var sum map[int]float64
	for j := range t.brief.Objectives {
		r := t.responseOf(j)
		if r == nil || len(r.rows) <= deepFrom {
			continue
		}
		if sum == nil {
			sum = make(map[int]float64)
		}
		var x [][]float64
		for i, row := range r.rows {
			x = append(x, t.inputs(t.known[row].features))
			sum[row] += r.data.Y[i]
		}
		config := net.Config{Seed: t.brief.Seed + uint64(j)}
		e := net.Fit(x, r.data.Y, config)
		s := &score{source: -1, objective: j, rows: len(x), known: make(map[string]float64), deep: e.Predictor(), task: t}
		for i, v := range e.OutOfBag(x, config) {
			s.known[t.known[r.rows[i]].key] = v
		}
		t.scores = append(t.scores, s)
	}
	if sum == nil {
		return
	}
	for _, list := range [2][]experiment{t.known, t.pending} {
		for i := range list {
			list[i].row = t.row(list[i].state, list[i].features)
		}
	}
	var rows []int
	for row := range t.known {
		if _, ok := sum[row]; ok {
			rows = append(rows, row)
		}
	}
	y := make([]float64, len(rows))
	for i, row := range rows {
		y[i] = sum[row]
	}
	t.kept = make(map[int]bool)
	for _, i := range telling(y, min(deepRows, len(y))) {
		t.kept[rows[i]] = true
	}
}

// inputs returns features as networks want them: a column to each level of a
// choice.
func (t *task) inputs(features []float64) []float64 {
	var out []float64
	for c, col := range t.space.Columns() {
		switch {
		case col.Constant:
		case col.Levels > 0:
			at := len(out)
			out = append(out, make([]float64, col.Levels)...)
			if l := int(features[c]); l < col.Levels { // else it is absent
				out[at+l] = 1
			}
		case col.Optional:
			// In the middle where there is none, and told so.
			there, v := 1.0, features[c]
			if v == space.AbsentFeature {
				there, v = 0, 0.5
			}
			out = append(out, v, there)
		default:
			out = append(out, features[c])
		}
	}
	return out
}

// keep leaves out of a response what the Gaussian processes are not to learn
// from.
func (r *response) keep(t *task) {
	if t.kept == nil {
		return
	}
	all := *r
	r.rows, r.value, r.best = nil, nil, 0
	d := &r.data
	d.X, d.Y, d.Reps, d.Squares, d.Known = nil, nil, nil, nil, nil
	for i, row := range all.rows {
		if !t.kept[row] {
			continue
		}
		r.rows, r.value = append(r.rows, row), append(r.value, all.value[i])
		d.X, d.Y = append(d.X, all.data.X[i]), append(d.Y, all.data.Y[i])
		d.Reps, d.Squares, d.Known = append(d.Reps, all.data.Reps[i]), append(d.Squares, all.data.Squares[i]), append(d.Known, all.data.Known[i])
	}
	if len(r.value) == 0 {
		*r = all
		return
	}
	r.best = r.top(t)
}

// deepNote tells of the ensemble behind objective j.
func (w *writer) deepNote(j, k int, s *score) string {
	name := w.t.brief.Objectives[s.objective].Name
	if w.model.responses[j].trends == nil {
		return fmt.Sprintf("%s: an ensemble of networks learned from all %d points and is not used, since what it was not shown is predicted no better with it.", name, s.rows)
	}
	return fmt.Sprintf("%s: an ensemble of networks learned from all %d points; the Gaussian process follows it with a slope of %s and learns from %d.",
		name, s.rows, digits(w.slope(j, k), 2), len(w.model.responses[j].rows))
}
