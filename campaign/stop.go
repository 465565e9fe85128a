package campaign

import (
	"fmt"
	"slices"

	"github.com/athanor-lab/athanor/expr"
	"github.com/athanor-lab/athanor/lab"
)

// History is what stop rules look at.
type History struct {
	// Known are the experiments that ended. Their order is that of their
	// numbers, whatever the order of the slice.
	Known []lab.Known
}

// Stop evaluates the stop rules and returns the first that is met, as its
// author wrote it. A rule that asks for the best of what has not been observed
// yet is not met.
func (p *Program) Stop(h History) (rule string, stop bool, err error) {
	known := p.judged(h.Known)
	slices.SortFunc(known, func(a, b lab.Known) int { return a.Number - b.Number })
	for i, x := range p.stop {
		unknown := false
		met, err := x.Bool(stopVars(p.doc.Objectives, h.Known, known, &unknown))
		if err != nil && !unknown {
			return "", false, lab.Errorf(lab.Invalid, "stop rule %d: %w", i+1, err)
		}
		if err == nil && met {
			return x.Source(), true, nil
		}
	}
	return "", false, nil
}

// judged returns the experiments that count for the answer: those at the target of
// the fidelity, where there is one.
func (p *Program) judged(known []lab.Known) []lab.Known {
	var out []lab.Known
	for _, k := range known {
		if p.doc.Plan.Fidelity.Met(k.Settings) {
			out = append(out, k)
		}
	}
	return out
}

// stopVars are the names of stop rules: counts are of all experiments, the best of
// those that are judged; unknown is set when a rule asked for what has not been
// observed yet.
func stopVars(objectives []lab.Objective, all, known []lab.Known, unknown *bool) map[string]any {
	call := func(f func(name string) (float64, error)) expr.Call {
		return func(args []any) (any, error) {
			name, _ := args[0].(string)
			return f(name)
		}
	}
	return map[string]any{
		varDone: float64(len(all)),
		fnBest: call(func(name string) (float64, error) {
			o, err := objectiveOf(objectives, name)
			if err != nil {
				return 0, err
			}
			x, _, ok := best(o, known)
			if !ok {
				*unknown = true
				return 0, fmt.Errorf("%s has not been observed yet", name)
			}
			return x, nil
		}),
		fnSince: call(func(name string) (float64, error) {
			if name == hypervolume {
				return float64(sinceFront(objectives, known)), nil
			}
			o, err := objectiveOf(objectives, name)
			if err != nil {
				return 0, err
			}
			_, since, _ := best(o, known)
			return float64(since), nil
		}),
		fnCount: call(func(name string) (float64, error) { return count(name, all) }),
	}
}

func objectiveOf(objectives []lab.Objective, name string) (lab.Objective, error) {
	for _, o := range objectives {
		if o.Name == name {
			return o, nil
		}
	}
	return lab.Objective{}, fmt.Errorf("there is no objective %q", name)
}

func count(state string, known []lab.Known) (float64, error) {
	n := 0
	for _, k := range known {
		if state == countDone || k.Failed == (state == countFailures) {
			n++
		}
	}
	if !slices.Contains([]string{countDone, countWell, countFailures}, state) {
		return 0, fmt.Errorf("there is no count of %q", state)
	}
	return float64(n), nil
}

// observed returns the value of an objective in an experiment.
func observed(k lab.Known, name string) (float64, bool) {
	if k.Failed {
		return 0, false
	}
	for _, m := range k.Observed {
		if m.Name == name {
			return m.Value, true
		}
	}
	return 0, false
}

// best returns the best value of an objective and how many experiments that
// observed it have come since.
func best(o lab.Objective, known []lab.Known) (value float64, since int, ok bool) {
	for _, k := range known {
		x, seen := observed(k, o.Name)
		switch {
		case !seen:
		case !ok || o.Direction.Better(x, value):
			value, since, ok = x, 0, true
		default:
			since++
		}
	}
	return value, since, ok
}

// sinceFront returns how many experiments have come since the Pareto front of
// all objectives grew. The hypervolume under any reference point that is worse
// than all that was seen grows exactly then: a new point adds volume if and
// only if no earlier one is at least as good in every objective.
func sinceFront(objectives []lab.Objective, known []lab.Known) int {
	var front [][]float64
	since := 0
	for _, k := range known {
		point := make([]float64, 0, len(objectives))
		for _, o := range objectives {
			if x, ok := observed(k, o.Name); ok {
				point = append(point, x)
			}
		}
		if len(point) < len(objectives) {
			continue
		}
		if slices.ContainsFunc(front, func(q []float64) bool { return covers(objectives, q, point) }) {
			since++
			continue
		}
		front = slices.DeleteFunc(front, func(q []float64) bool { return covers(objectives, point, q) })
		front = append(front, point)
		since = 0
	}
	return since
}

// covers reports whether a is at least as good as b in every objective.
func covers(objectives []lab.Objective, a, b []float64) bool {
	for i, o := range objectives {
		if o.Direction.Better(b[i], a[i]) {
			return false
		}
	}
	return true
}
