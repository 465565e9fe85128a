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
func halfPlane(s lab.Space) (func([]lab.Setting) (bool, error), error) {
	return func(settings []lab.Setting) (bool, error) {
		sum, n, k := 0.0, 0.0, 0
		for _, p := range s.Parameters {
			if k == len(settings) || settings[k].Name != p.Name {
				continue // absent
			}
			k++
			if p.Min == nil || *p.Max <= *p.Min {
				continue
			}
			sum += (settings[k-1].Value.Number() - *p.Min) / (*p.Max - *p.Min)
			n++
		}
		return n == 0 || sum/n <= 0.6, nil
	}, nil
}

// branches are the conditions of the random problems: a parameter is there where
// the one that its condition names is there and in the upper half of what it can be.
func branches(s lab.Space) (func([]lab.Setting) []bool, error) {
	return func(settings []lab.Setting) []bool {
		var there func(name string) bool
		there = func(name string) bool {
			i := slices.IndexFunc(s.Parameters, func(p lab.Parameter) bool { return p.Name == name })
			parent := s.Parameters[i].When
			if parent == "" {
				return true
			}
			at := slices.IndexFunc(s.Parameters, func(p lab.Parameter) bool { return p.Name == parent })
			k := slices.IndexFunc(settings, func(set lab.Setting) bool { return set.Name == parent })
			return k >= 0 && there(parent) && upper(s.Parameters[at], settings[k].Value)
		}
		out := make([]bool, len(s.Parameters))
		for i, p := range s.Parameters {
			out[i] = there(p.Name)
		}
		return out
	}, nil
}

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
func randomBrief(rng *rand.Rand) lab.Brief {
	var b lab.Brief
	b.CampaignID[3], b.Seed = byte(rng.IntN(256)), rng.Uint64()
	b.Round, b.Want, b.Budget = 1+rng.IntN(20), 1+rng.IntN(5), rng.IntN(100)
	d := 1 + rng.IntN(6)
	if rng.IntN(8) == 0 {
		d = 1 + rng.IntN(20)
	}
	if rng.IntN(40) == 0 {
		d = 1 + rng.IntN(60)
	}
	for i := range d {
		b.Space.Parameters = append(b.Space.Parameters, randomParameter(rng, i))
	}
	if rng.IntN(3) == 0 {
		for i := 1; i < d; i++ {
			if rng.IntN(2) == 0 {
				b.Space.Parameters[i].When = b.Space.Parameters[rng.IntN(i)].Name
			}
		}
		if rng.IntN(2) == 0 { // conditions may be before what they name
			slices.Reverse(b.Space.Parameters)
		}
	}
	if rng.IntN(3) == 0 {
		b.Space.Constraints = []lab.Constraint{{Expr: "half plane"}}
	}
	if rng.IntN(3) == 0 {
		for range 1 + rng.IntN(80) {
			b.Space.Pool = append(b.Space.Pool, values(b.Space, randomSettings(rng, b.Space)))
		}
	}
	for i := range 1 + rng.IntN(3) + rng.IntN(2)*rng.IntN(3) {
		o := lab.Objective{Name: fmt.Sprint("y", i), Direction: lab.Maximize, Unit: "%"}
		if rng.IntN(2) == 0 {
			o.Direction = lab.Minimize
		}
		b.Objectives = append(b.Objectives, o)
	}
	fillData(rng, &b)
	addFidelity(rng, &b)
	addSafeStart(rng, &b)
	b.First = len(b.Known) + len(b.Pending) + 1
	b.Policy.Planner = "auto"
	if rng.IntN(3) == 0 {
		b.Policy.Planner = planner.Strategies()[rng.IntN(len(planner.Strategies()))]
	}
	return b
}

// byLength prices an experiment by how many settings it has and by its first number.
func byLength(lab.Space, lab.CostRule) (func([]lab.Setting) (float64, error), error) {
	return func(settings []lab.Setting) (float64, error) {
		cost := float64(len(settings))
		for _, s := range settings {
			if v := math.Abs(s.Value.Number()); v < 1e6 {
				return cost + v, nil
			}
		}
		return cost, nil
	}, nil
}

// addFidelity makes of one problem in six one whose answer is judged at a value of
// one of its parameters, on which no other depends.
func addFidelity(rng *rand.Rand, b *lab.Brief) {
	i := rng.IntN(len(b.Space.Parameters))
	p := b.Space.Parameters[i]
	names := func(q lab.Parameter) bool { return q.When == p.Name }
	if rng.IntN(6) > 0 || p.Type == lab.Composition || p.When != "" || slices.ContainsFunc(b.Space.Parameters, names) {
		return
	}
	var target lab.Value
	switch p.Type {
	case lab.Categorical:
		target = lab.Label(p.Levels[rng.IntN(len(p.Levels))])
	case lab.Discrete:
		target = lab.Number(p.Values[rng.IntN(len(p.Values))])
	default:
		target = lab.Number(*p.Max)
	}
	b.Fidelity = &lab.FidelityRule{Fidelity: lab.Fidelity{Parameter: p.Name, Target: target, Cost: "by length"}}
}

// addSafeStart makes of one problem in six one that begins at points declared safe.
func addSafeStart(rng *rand.Rand, b *lab.Brief) {
	if rng.IntN(6) > 0 {
		return
	}
	b.Safe = &lab.SafeStart{Within: []float64{0.02, 0.1, 0.5}[rng.IntN(3)], Chance: 0.6 + 0.39*rng.Float64()}
	for range 1 + rng.IntN(3) {
		point := map[string]lab.Value{}
		for _, s := range randomSettings(rng, b.Space) {
			point[s.Name] = s.Value
		}
		b.Safe.Points = append(b.Safe.Points, point)
	}
	if rng.IntN(2) == 0 {
		most := rng.NormFloat64()
		b.Safe.Limits = []lab.Limit{{Objective: b.Objectives[0].Name, Max: &most}}
	}
}

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
func fillData(rng *rand.Rand, b *lab.Brief) {
	scale := []float64{1, 1, 1, 1e-9, 1e12}[rng.IntN(5)]
	constant, failing := rng.IntN(8) == 0, rng.Float64()
	if rng.IntN(2) == 0 {
		failing = 0
	}
	n := rng.IntN(25)
	if rng.IntN(6) == 0 {
		n = rng.IntN(61)
	}
	if rng.IntN(60) == 0 {
		n = rng.IntN(301)
	}
	for i := range n {
		s := randomSettings(rng, b.Space)
		if len(b.Space.Pool) > 0 && rng.IntN(10) > 0 {
			s = named(b.Space, b.Space.Pool[rng.IntN(len(b.Space.Pool))])
		}
		if i > 0 && rng.IntN(5) == 0 {
			s = b.Known[rng.IntN(i)].Settings
		}
		k := lab.Known{Number: i + 1, Settings: s, Failed: rng.Float64() < failing}
		for _, o := range b.Objectives {
			y := rng.NormFloat64() * scale
			if constant {
				y = 3 * scale
			}
			if rng.IntN(4) == 0 {
				y = 0
			}
			m := lab.Measured{Name: o.Name, Value: y, Unit: o.Unit}
			if rng.IntN(3) == 0 {
				sigma := math.Abs(rng.NormFloat64()) * scale
				m.Sigma = &sigma
			}
			if !k.Failed && rng.IntN(12) > 0 {
				k.Observed = append(k.Observed, m)
			}
		}
		b.Known = append(b.Known, k)
	}
	for i := range rng.IntN(4) * rng.IntN(2) {
		b.Pending = append(b.Pending, lab.Pending{Number: n + i + 1, Settings: randomSettings(rng, b.Space)})
	}
}

func randomParameter(rng *rand.Rand, i int) lab.Parameter {
	p := lab.Parameter{Name: fmt.Sprint("p", i)}
	low := math.Round(rng.NormFloat64()*50) / 10
	switch rng.IntN(6) {
	case 0, 1:
		high := low + math.Exp(4*rng.NormFloat64())
		if rng.IntN(10) == 0 {
			high = low
		}
		p.Type, p.Min, p.Max = lab.Continuous, &low, &high
		if rng.IntN(4) == 0 {
			low, high = 1e-4, 1e-4+math.Abs(high)
			p.Scale = "log"
		}
	case 2:
		low = math.Round(low)
		high := low + float64(rng.IntN(30))
		p.Type, p.Min, p.Max = lab.Integer, &low, &high
	case 3:
		p.Type = lab.Discrete
		for k := range 1 + rng.IntN(5) {
			p.Values = append(p.Values, low+float64(k)*0.1)
		}
	case 4:
		p.Type = lab.Categorical
		for k := range 1 + rng.IntN(5) {
			p.Levels = append(p.Levels, fmt.Sprint("level ", k))
			if i%2 == 0 {
				p.DescriptorValues = append(p.DescriptorValues, []float64{rng.NormFloat64(), float64(k), 3})
			}
		}
	default:
		p.Type = lab.Composition
		for k := range 2 + rng.IntN(4) {
			p.Parts = append(p.Parts, fmt.Sprint("part ", k))
		}
		sum := []float64{1, 100}[rng.IntN(2)]
		p.Sum = &sum
		if rng.IntN(2) == 0 {
			step := sum / float64(2+rng.IntN(20))
			p.Step = &step
		}
		if rng.IntN(2) == 0 {
			most := 1 + rng.IntN(len(p.Parts))
			p.MaxNonzero = &most
		}
	}
	return p
}

// randomSettings draws from the space by means of its own.
func randomSettings(rng *rand.Rand, s lab.Space) []lab.Setting {
	var row []lab.Value
	for _, p := range s.Parameters {
		switch p.Type {
		case lab.Continuous:
			row = append(row, lab.Number(math.Min(*p.Max, *p.Min+rng.Float64()*(*p.Max-*p.Min))))
		case lab.Integer:
			row = append(row, lab.Number(*p.Min+float64(rng.IntN(int(*p.Max-*p.Min)+1))))
		case lab.Discrete:
			row = append(row, lab.Number(p.Values[rng.IntN(len(p.Values))]))
		case lab.Categorical:
			row = append(row, lab.Label(p.Levels[rng.IntN(len(p.Levels))]))
		default:
			parts := make([]float64, len(p.Parts))
			steps := 10
			if p.Step != nil {
				steps = int(math.Round(*p.Sum / *p.Step))
			}
			most := len(parts)
			if p.MaxNonzero != nil {
				most = *p.MaxNonzero
			}
			counts := make([]int, most)
			for range steps {
				counts[rng.IntN(most)]++
			}
			for k, at := range rng.Perm(len(parts))[:most] {
				parts[at] = float64(counts[k]) * *p.Sum / float64(steps)
			}
			row = append(row, lab.Parts(parts))
		}
	}
	return whole(s, named(s, row))
}

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
