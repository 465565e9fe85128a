package planner_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"testing"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/planner"
)

var (
	problems    = flag.Int("problems", 600, "random problems in TestProposalsAreNewAndFeasible")
	problemSeed = flag.Uint64("problem-seed", 1, "seed of the first random problem")
)

// TestProposalsAreNewAndFeasible makes random problems of every kind of
// parameter with repeated, constant, failed, pending and missing data, and
// wants complete plans: nothing repeated, nothing infeasible, nothing that is
// not a finite number.
func TestProposalsAreNewAndFeasible(t *testing.T) {
	t.Parallel()
	p := planner.New(planner.Options{Feasible: halfPlane, Active: branches, Costs: byLength})
	for i := range *problems {
		seed := *problemSeed + uint64(i)
		if why := try(p, seed); why != "" {
			t.Fatalf("seed %d: %s\nreplay: go test ./planner -run TestProposalsAreNewAndFeasible -problems 1 -problem-seed %d", seed, why, seed)
		}
	}
}

// try proposes for the random problem of a seed and returns what is wrong.
func try(p *planner.Planner, seed uint64) (why string) {
	defer func() {
		if r := recover(); r != nil {
			why = fmt.Sprintf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	rng := rand.New(rand.NewPCG(seed, 7))
	b := randomBrief(rng)
	plan, err := p.Propose(context.Background(), b)
	if err != nil {
		return err.Error()
	}
	body, err := json.Marshal(plan)
	if err != nil {
		return err.Error()
	}
	if seed%7 == 0 {
		again, err := planner.New(planner.Options{Feasible: halfPlane, Active: branches, Costs: byLength}).Propose(context.Background(), b)
		if err != nil {
			return err.Error()
		}
		if other, _ := json.Marshal(again); string(other) != string(body) {
			return "another planner answers the same brief otherwise"
		}
	}
	return faults(b, plan)
}

// faults returns what is wrong with a plan for a brief.
func faults(b lab.Brief, plan lab.Plan) string {
	if len(plan.Proposals) > b.Want {
		return fmt.Sprintf("%d proposals, %d wanted", len(plan.Proposals), b.Want)
	}
	if plan.Exhausted != (len(plan.Proposals) < b.Want) {
		return fmt.Sprintf("exhausted is %t with %d of %d proposals", plan.Exhausted, len(plan.Proposals), b.Want)
	}
	if len(plan.Proposals) < b.Want && size(b.Space) > float64(len(b.Known)+len(b.Pending)+b.Want)*50 && len(b.Space.Constraints) == 0 && b.Safe == nil {
		return "claims that a large space is exhausted"
	}
	seen := make(map[string]bool)
	for _, k := range b.Known {
		seen[text(k.Settings)] = true
	}
	for _, k := range b.Pending {
		seen[text(k.Settings)] = true
	}
	feasible, _ := halfPlane(b.Space)
	for i, q := range plan.Proposals {
		if seen[text(q.Settings)] {
			return fmt.Sprintf("proposal %d repeats %s", i, text(q.Settings))
		}
		seen[text(q.Settings)] = true
		if why := outside(b.Space, q.Settings); why != "" {
			return fmt.Sprintf("proposal %d is outside the space: %s", i, why)
		}
		if ok, _ := feasible(q.Settings); len(b.Space.Constraints) > 0 && !ok {
			return fmt.Sprintf("proposal %d breaks the constraint: %s", i, text(q.Settings))
		}
		if why := unsafe(b, q.Settings); why != "" {
			return fmt.Sprintf("proposal %d %s", i, why)
		}
		if q.Number != b.First+i || q.Reason == "" || q.ExperimentID.IsZero() {
			return fmt.Sprintf("proposal %d is incomplete: number %d, reason %q", i, q.Number, q.Reason)
		}
		for _, pr := range q.Predictions {
			if !finite(pr.Mean) || !finite(pr.Sigma) || !finite(pr.Low) || !finite(pr.High) || pr.Low > pr.High || pr.Sigma < 0 {
				return fmt.Sprintf("proposal %d predicts %+v", i, pr)
			}
		}
	}
	return ""
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

func text(s []lab.Setting) string {
	out := ""
	for _, x := range s {
		b, _ := json.Marshal(x.Value)
		out += x.Name + "=" + string(b) + " "
	}
	return out
}

// outside says in what way settings are not of the space.
func outside(s lab.Space, settings []lab.Setting) string {
	row := make([]lab.Value, len(s.Parameters))
	there := whole(s, settings)
	if len(there) != len(settings) {
		return fmt.Sprintf("%d settings of %d parameters that are there", len(settings), len(there))
	}
	for k, set := range settings {
		if set.Name != there[k].Name {
			return fmt.Sprintf("%s in the place of %s", set.Name, there[k].Name)
		}
	}
	k := 0
	for i, p := range s.Parameters {
		if k == len(settings) || settings[k].Name != p.Name {
			continue // absent
		}
		v := settings[k].Value
		k++
		row[i] = v
		x := v.Number()
		switch {
		case p.Type == lab.Continuous && !(x >= *p.Min && x <= *p.Max):
			return fmt.Sprint(p.Name, x)
		case p.Type == lab.Integer && !(x >= *p.Min && x <= *p.Max && x == math.Round(x)):
			return fmt.Sprint(p.Name, x)
		case p.Type == lab.Discrete && !slices.Contains(p.Values, x):
			return fmt.Sprint(p.Name, x)
		case p.Type == lab.Categorical && !slices.Contains(p.Levels, v.Label()):
			return fmt.Sprint(p.Name, v)
		case p.Type == lab.Composition:
			sum, nonzero := 0.0, 0
			for _, f := range v.Parts() {
				sum += f
				if f > 0 {
					nonzero++
				}
				if p.Step != nil && math.Abs(f / *p.Step - math.Round(f / *p.Step)) > 1e-6 || f < 0 {
					return fmt.Sprint(p.Name, v)
				}
			}
			if math.Abs(sum-*p.Sum) > 1e-9 || p.MaxNonzero != nil && nonzero > *p.MaxNonzero || len(v.Parts()) != len(p.Parts) {
				return fmt.Sprint(p.Name, v)
			}
		}
	}
	if len(s.Pool) > 0 && !slices.ContainsFunc(s.Pool, func(r []lab.Value) bool {
		return slices.EqualFunc(r, row, lab.Value.Equal)
	}) {
		return "not in the pool"
	}
	return ""
}

// size is a lower bound of the number of points of a space.
func size(s lab.Space) float64 {
	if len(s.Pool) > 0 {
		return 1
	}
	n := 1.0
	for _, p := range s.Parameters {
		if p.When != "" {
			continue
		}
		switch p.Type {
		case lab.Continuous:
			if *p.Max > *p.Min {
				n *= 1e3
			}
		case lab.Integer:
			n *= *p.Max - *p.Min + 1
		case lab.Discrete:
			n *= float64(len(p.Values))
		case lab.Categorical:
			n *= float64(len(p.Levels))
		default: // a composition, which has enough
		}
	}
	return n
}

// halfPlane is the constraint of the random problems: the numbers, each in
// units of its range, average at most 0.6, and the first level of the first
// choice does not go with a high first number.
// branches are the conditions of the random problems: a parameter is there where
// the one that its condition names is there and in the upper half of what it can be.
func upper(p lab.Parameter, v lab.Value) bool {
	switch p.Type {
	case lab.Categorical:
		return v.Label() != p.Levels[0]
	case lab.Composition:
		return v.Parts()[0] >= *p.Sum/2
	case lab.Discrete:
		return v.Number() > p.Values[0]
	default:
		return v.Number() >= (*p.Min+*p.Max)/2
	}
}

// whole returns the settings that are there of some.
func whole(s lab.Space, settings []lab.Setting) []lab.Setting {
	active, _ := branches(s)
	there := active(settings)
	var out []lab.Setting
	for i, p := range s.Parameters {
		if k := slices.IndexFunc(settings, func(set lab.Setting) bool { return set.Name == p.Name }); there[i] {
			set := lab.Setting{Name: p.Name}
			if k >= 0 {
				set = settings[k]
			}
			out = append(out, set)
		}
	}
	return out
}

// randomBrief makes a problem with 1 to 60 parameters and 0 to 300 experiments,
// most of them small, so that many can be tried.
// byLength prices an experiment by how many settings it has and by its first number.
// addFidelity makes of one problem in six one whose answer is judged at a value of
// one of its parameters, on which no other depends.
// addSafeStart makes of one problem in six one that begins at points declared safe.
// unsafe says in what way a proposal of a problem with few experiments is farther
// than a step from what is declared safe or kept.
func unsafe(b lab.Brief, settings []lab.Setting) string {
	if b.Safe == nil || len(b.Known) >= 8 {
		return ""
	}
	safe := [][]lab.Setting{}
	for _, p := range b.Safe.Points {
		var s []lab.Setting
		for _, q := range b.Space.Parameters {
			if v, ok := p[q.Name]; ok {
				s = append(s, lab.Setting{Name: q.Name, Value: v})
			}
		}
		safe = append(safe, s)
	}
	for _, k := range b.Known {
		kept := !k.Failed && len(k.Observed) > 0
		for _, l := range b.Safe.Limits {
			for _, m := range k.Observed {
				kept = kept && (m.Name != l.Objective || l.Kept(m.Value))
			}
		}
		if kept {
			safe = append(safe, k.Settings)
		}
	}
	if !slices.ContainsFunc(safe, func(s []lab.Setting) bool { return within(b, s, settings) }) {
		return "is more than a step from all that is safe: " + text(settings)
	}
	return ""
}

// within reports whether two experiments are a step apart at most.
func within(b lab.Brief, a, c []lab.Setting) bool {
	if len(a) != len(c) {
		return false
	}
	for i, s := range a {
		p := b.Space.Parameters[slices.IndexFunc(b.Space.Parameters, func(q lab.Parameter) bool { return q.Name == s.Name })]
		if s.Name != c[i].Name || p.Type == lab.Categorical && s.Value.Label() != c[i].Value.Label() {
			return false
		}
		apart := math.Abs(s.Value.Number() - c[i].Value.Number())
		span := 1.0
		switch {
		case p.Type == lab.Categorical:
			continue
		case p.Type == lab.Composition:
			apart = 0
			for k, v := range s.Value.Parts() {
				apart = math.Max(apart, math.Abs(v-c[i].Value.Parts()[k]) / *p.Sum)
			}
		case p.Type == lab.Discrete:
			span = slices.Max(p.Values) - slices.Min(p.Values)
		case p.Scale == "log":
			apart = math.Abs(math.Log(s.Value.Number() / c[i].Value.Number()))
			span = math.Log(*p.Max / *p.Min)
		default:
			span = *p.Max - *p.Min
		}
		if apart > b.Safe.Within*span*(1+1e-6) {
			return false
		}
	}
	return true
}

// fillData adds experiments: some repeated, some failed, some constant, some
// on a scale of their own.
// randomSettings draws from the space by means of its own.
func named(s lab.Space, row []lab.Value) []lab.Setting {
	out := make([]lab.Setting, 0, len(row))
	for i, v := range row {
		if v.Kind() != lab.Absent {
			out = append(out, lab.Setting{Name: s.Parameters[i].Name, Value: v})
		}
	}
	return out
}

func values(s lab.Space, settings []lab.Setting) []lab.Value {
	out := make([]lab.Value, len(s.Parameters))
	for i, p := range s.Parameters {
		for _, set := range settings {
			if set.Name == p.Name {
				out[i] = set.Value
			}
		}
	}
	return out
}
