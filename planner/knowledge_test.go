package planner_test

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/planner"
)

// papers says that KOPiv in BuCN near 115 °C was good, which is not where yieldOf
// is best, by two papers, and mentions one that claims nothing of weight.
func papers() *lab.Evidence {
	at := func(base, solvent string, celsius float64) []lab.Setting {
		return []lab.Setting{
			{Name: "base", Value: lab.Label(base)},
			{Name: "solvent", Value: lab.Label(solvent)},
			{Name: "temperature", Value: lab.Number(celsius), Unit: "Cel"},
		}
	}
	return &lab.Evidence{
		Version: "0123456789abcdef", Papers: []lab.Cited{{ID: "a", Title: "Pivalates in nitriles", Relevance: 0.9}, {ID: "b", Relevance: 0.5}, {ID: "c", Relevance: 0}},
		Claims: []lab.Claim{
			{Paper: "a", Settings: at("KOPiv", "BuCN", 115), Weight: 0.8},
			{Paper: "a", Settings: at("KOPiv", "BuCN", 117), Weight: 0.4},
			{Paper: "b", Settings: at("KOPiv", "DMAc", 112)[:2], Weight: 0.4},
			{Paper: "c", Settings: at("KOAc", "DMAc", 95), Weight: 0},
		},
		Ratings: []lab.Rating{{Paper: "b", Settings: []lab.Setting{{Name: "concentration", Value: lab.Number(0.153)}}, Score: 0.5}},
	}
}

// TestEvidenceMovesPlans wants the first plan to follow the papers, every proposal
// to name those that moved it with shares that add up, and the same brief to give
// the same bytes.
func TestEvidenceMovesPlans(t *testing.T) {
	t.Parallel()
	b := arylation()
	b.Want, b.Evidence = 1, papers()
	first := propose(t, b)
	p := first.Proposals[0]
	if base, solvent := p.Settings[0].Value.Label(), p.Settings[1].Value.Label(); base != "KOPiv" || solvent != "BuCN" {
		t.Errorf("the first proposal is %s in %s, want what the papers say: KOPiv in BuCN", base, solvent)
	}
	if d := math.Abs(p.Settings[2].Value.Number() - 115.5); d > 3 {
		t.Errorf("the first proposal is %.3g °C from where the papers' claims meet", d)
	}
	if len(p.Influences) != 2 || p.Influences[0].Paper != "a" {
		t.Fatalf("influences are %+v, want papers a and b, a first", p.Influences)
	}
	for range 6 {
		run(&b, propose(t, b), observeYield)
	}
	b.Want = 2
	plan := propose(t, b)
	for _, p := range plan.Proposals {
		sum := 0.0
		for _, i := range p.Influences {
			if i.Paper == "c" {
				t.Error("a paper whose claims weigh nothing moved a proposal")
			}
			sum += i.Share
		}
		if len(p.Influences) > 0 && math.Abs(sum-1) > 1e-9 {
			t.Errorf("the shares add up to %g", sum)
		}
		if p.Unaided < 1 {
			t.Errorf("the proposal's place without literature is %d, want one from 1", p.Unaided)
		}
	}
	one, _ := json.Marshal(plan)
	other, _ := json.Marshal(propose(t, b))
	if string(one) != string(other) {
		t.Error("the same brief gave two plans")
	}
	if without := arylation(); propose(t, without).BriefHash == first.BriefHash {
		t.Error("evidence is not part of what a brief is known by")
	}
}

// TestWrongEvidenceIsFoundOut runs a campaign whose papers point to a bad place,
// and wants it to end as well as one that had read nothing, within a little.
func TestWrongEvidenceIsFoundOut(t *testing.T) {
	t.Parallel()
	best := func(e *lab.Evidence) float64 {
		b := arylation()
		b.Want, b.Evidence = 1, e
		top := math.Inf(-1)
		for range 20 {
			run(&b, propose(t, b), observeYield)
			top = math.Max(top, b.Known[len(b.Known)-1].Observed[0].Value)
		}
		return top
	}
	wrong := papers()
	for i := range wrong.Claims {
		wrong.Claims[i].Settings[0].Value = lab.Label("KOAc")
	}
	if with, without := best(wrong), best(nil); with < without-2 {
		t.Errorf("after 20 experiments %.1f %% with misleading papers, %.1f %% without any", with, without)
	}
}

// TestPapersFade wants what papers do to what is expected to fall as outcomes come:
// to little what claims of places do, and to next to nothing what ratings of settings do.
func TestPapersFade(t *testing.T) {
	t.Parallel()
	rated := papers()
	rated.Claims = nil
	for i, l := range []string{"KOAc", "KOPiv"} {
		rated.Ratings = append(rated.Ratings, lab.Rating{Paper: "a", Settings: []lab.Setting{{Name: "base", Value: lab.Label(l)}}, Score: float64(i) - 0.5})
	}
	for _, c := range []struct {
		name string
		e    *lab.Evidence
		left float64
	}{{"claims and ratings", papers(), 0.1}, {"ratings alone", rated, 0.05}} {
		b := arylation()
		b.Want, b.Evidence = 1, c.e
		shift := func(p lab.Proposal) float64 {
			s := 0.0
			for _, i := range p.Influences {
				s += math.Abs(i.Shift)
			}
			return s
		}
		var early, late float64
		for n := range 24 {
			plan := propose(t, b)
			switch {
			case n >= 3 && n < 9:
				early += shift(plan.Proposals[0])
			case n >= 18:
				late += shift(plan.Proposals[0])
			}
			run(&b, plan, observeYield)
		}
		if !(late < early*c.left) {
			t.Errorf("%s shift proposals 19 to 24 by %.3g in all, proposals 4 to 9 by %.3g; want less than %.3g of it", c.name, late, early, c.left)
		}
	}
}

// TestOddEvidenceIsHarmless gives random briefs evidence of all sorts: names that
// the space lacks, values outside, papers that are not listed, weights of nothing.
func TestOddEvidenceIsHarmless(t *testing.T) {
	t.Parallel()
	p := planner.New(planner.Options{Feasible: halfPlane, Active: branches, Costs: byLength})
	for seed := range uint64(100) {
		rng := rand.New(rand.NewPCG(seed, 5))
		b := randomBrief(rng)
		e := &lab.Evidence{Version: "odd"}
		for range rng.IntN(6) {
			c := lab.Claim{Paper: string(rune('a' + rng.IntN(4))), Weight: float64(rng.IntN(3)-1) * rng.ExpFloat64()}
			r := lab.Rating{Paper: "r", Score: rng.NormFloat64()}
			for _, q := range b.Space.Parameters {
				if rng.IntN(2) == 0 {
					continue
				}
				s := lab.Setting{Name: q.Name, Value: lab.Number(rng.NormFloat64())}
				switch {
				case len(q.Levels) > 0:
					s.Value = lab.Label(q.Levels[rng.IntN(len(q.Levels))])
				case len(q.Values) > 0:
					s.Value = lab.Number(q.Values[rng.IntN(len(q.Values))])
				case q.Min != nil && rng.IntN(3) > 0:
					s.Value = lab.Number(*q.Min + rng.Float64()*(*q.Max-*q.Min))
				}
				c.Settings, r.Settings = append(c.Settings, s), append(r.Settings, s)
			}
			c.Settings = append(c.Settings, lab.Setting{Name: "unheard of", Value: lab.Number(1)})
			e.Claims, e.Ratings = append(e.Claims, c), append(e.Ratings, r)
		}
		b.Evidence = e
		plan, err := p.Propose(t.Context(), b)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if why := faults(b, plan); why != "" {
			t.Fatalf("seed %d: %s", seed, why)
		}
		if _, err := json.Marshal(plan); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
}
