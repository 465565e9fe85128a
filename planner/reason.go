package planner

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/planner/space"
)

// reason says in a sentence or two what a proposal trades off.
func (w *writer) reason(x, state []float64, p lab.Proposal) string {
	var s string
	at, predictions := x, p.Predictions
	cheap := w.cheaply(x, state)
	if cheap != "" { // what it is done for is at the target
		at = w.t.fidelity.targeted(x, nil)
		predictions = w.predictions(at)
	}
	switch n := len(w.model.responses); n {
	case 0:
		s = "Nothing has succeeded yet: this is the likeliest to succeed among what is least known"
	case 1:
		s = w.expectation(at, predictions[0])
	default:
		s = w.balance(predictions)
	}
	if cheap != "" {
		s = "At the target: " + strings.ToLower(s[:1]) + s[1:] + cheap
	}
	if w.model.success != nil {
		prob, _ := w.model.success.Predict(x, w.tools.success)
		s += "; succeeds with a probability of " + percent(prob)
	}
	return s + "; " + w.t.novelty(state) + w.t.cited(p.Influences) + "."
}

// expectation compares a single objective with the best so far.
func (w *writer) expectation(x []float64, q lab.Prediction) string {
	r := w.model.responses[0]
	best := r.sign * r.value[r.best]
	number := w.t.known[r.rows[r.best]].number
	if !w.t.judged(w.t.known[r.rows[r.best]].state) {
		return "Expected to reach " + estimate(q) + ", where nothing has been measured at the target yet"
	}
	diff := r.sign * (q.Mean - best)
	side := "short of"
	if diff > 0 {
		side = "better than"
	}
	s := fmt.Sprintf("Expected to reach %s, %s %s the best so far (#%d)", estimate(q), digits(math.Abs(diff), 2), side, number)
	switch chance := w.chance(x); {
	case diff > 0:
		return s + ", which it beats with a probability of " + percent(chance)
	case chance >= 0.05:
		return s + ", but uncertain enough to beat it with a probability of " + percent(chance)
	default:
		return s + ", which it will hardly beat (" + percent(chance) + ")"
	}
}

// estimate writes a prediction with the half-width of its 95 % interval.
func estimate(q lab.Prediction) string {
	half := 1.96 * q.Sigma
	return figure(q.Mean, half) + " ± " + withUnit(digits(half, 2), q.Unit)
}

// balance lists the expectations of several objectives.
func (w *writer) balance(ps []lab.Prediction) string {
	parts := make([]string, len(ps))
	for i, q := range ps {
		parts[i] = q.Objective + " " + estimate(q)
	}
	return "Expected " + strings.Join(parts, ", ") + ": the largest expected growth of what the best trade-offs cover"
}

// novelty says what a state has that no experiment before it had.
func (t *task) novelty(state []float64) string {
	all := append(append([]experiment(nil), t.known...), t.pending...)
	if len(all) == 0 {
		return "nothing is known yet"
	}
	f := make([]float64, len(state))
	t.space.Features(state, f)
	cols := t.space.Columns()
	// A level never tried, else the number farthest from any tried.
	widest, at := 0.1, -1
	for c, col := range cols {
		if t.space.Absent(state, c) {
			continue
		}
		gap := math.Inf(1)
		for _, e := range all {
			if !t.space.Absent(e.state, c) {
				gap = math.Min(gap, math.Abs(f[c]-e.features[c]))
			}
		}
		if p := t.space.Parameter(col.Parameter); col.Optional && math.IsInf(gap, 1) {
			return "the first experiment with any " + p.Name
		}
		if col.Levels > 0 && gap > 0 {
			p := t.space.Parameter(col.Parameter)
			return fmt.Sprintf("the first experiment with %s %s", p.Name, p.Levels[int(state[c])])
		}
		if col.Levels == 0 && !col.Constant && gap > widest {
			widest, at = gap, c
		}
	}
	if at >= 0 {
		return t.unexplored(cols[at], state[at], widest)
	}
	return t.variation(state, f, cols, all)
}

// unexplored tells of a number far from any tried.
func (t *task) unexplored(col space.Column, value, gap float64) string {
	p := t.space.Parameter(col.Parameter)
	name := p.Name
	if p.Type == lab.Composition {
		name = p.Parts[col.Part]
	}
	if d, ok := t.space.Natural(col, gap); ok {
		return fmt.Sprintf("explores %s %s, where nothing is known within %s", name, quantity(value, p.Unit), quantity(d, p.Unit))
	}
	return fmt.Sprintf("explores %s %s, far from anything known", name, quantity(value, p.Unit))
}

// variation tells how a state differs from the experiment most like it.
func (t *task) variation(state, f []float64, cols []space.Column, all []experiment) string {
	best, at := math.Inf(1), 0
	for i, e := range all {
		if d := distance(cols, f, e.features); d < best {
			best, at = d, i
		}
	}
	mine, theirs := t.space.Settings(state), t.space.Settings(all[at].state)
	var changes []string
	for _, p := range t.brief.Space.Parameters {
		has := func(s lab.Setting) bool { return s.Name == p.Name }
		i, j := slices.IndexFunc(mine, has), slices.IndexFunc(theirs, has)
		switch {
		case i < 0 && j < 0:
		case j < 0:
			changes = append(changes, "with "+p.Name+" "+withUnit(mine[i].Value.String(), p.Unit))
		case i < 0:
			changes = append(changes, "without "+p.Name)
		case !mine[i].Value.Equal(theirs[j].Value):
			changes = append(changes, fmt.Sprintf("%s %s instead of %s", p.Name, mine[i].Value, withUnit(theirs[j].Value.String(), p.Unit)))
		}
	}
	switch {
	case len(changes) == 0:
		return fmt.Sprintf("all but repeats #%d", all[at].number)
	case len(changes) > 3:
		return fmt.Sprintf("between earlier experiments, most like #%d", all[at].number)
	default:
		return fmt.Sprintf("varies #%d: %s", all[at].number, strings.Join(changes, ", "))
	}
}

// units that read better than their code.
var spoken = [...]struct{ code, word string }{
	{"1", ""}, {"Cel", "°C"}, {"uL", "µL"}, {"umol", "µmol"}, {"ug", "µg"}, {"um", "µm"}, {"us", "µs"}, {"[pH]", ""}, {"deg", "°"},
}

// quantity writes a number with its unit, to three digits.
func quantity(v float64, unit lab.Unit) string { return withUnit(digits(v, 3), unit) }

func withUnit(number string, unit lab.Unit) string {
	word := string(unit)
	for _, s := range spoken {
		if s.code == word {
			word = s.word
		}
	}
	if word == "" {
		return number
	}
	return number + " " + word
}

// figure writes a number as finely as its uncertainty deserves: to a tenth of
// the place of its first digit.
func figure(v, uncertainty float64) string {
	if !(uncertainty > 0) || math.IsInf(uncertainty, 0) {
		return digits(v, 4)
	}
	places := 1 - int(math.Floor(math.Log10(uncertainty)))
	size := 0
	if v != 0 {
		size = int(math.Floor(math.Log10(math.Abs(v))))
	}
	return digits(v, min(6, max(2, size+1+places)))
}

// digits writes v with n significant digits, without an exponent where that
// stays readable.
func digits(v float64, n int) string {
	if v == 0 {
		return "0"
	}
	size := math.Floor(math.Log10(math.Abs(v)))
	if size >= 6 || size < -4 {
		return strconv.FormatFloat(v, 'g', n, 64)
	}
	return strconv.FormatFloat(v, 'f', max(0, n-1-int(size)), 64)
}

// percent writes a probability as a person would say it.
func percent(p float64) string {
	switch {
	case p < 0.01:
		return "less than 1 %"
	case p > 0.99:
		return "more than 99 %"
	default:
		return fmt.Sprintf("%.0f %%", 100*p)
	}
}
