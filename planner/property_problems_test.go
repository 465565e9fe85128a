package planner_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/planner"
)

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
