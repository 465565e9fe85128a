package space_test

import (
	"math/rand/v2"
	"testing"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/planner/space"
)

// branching has an amount where there is a base, and a speed where the amount is
// more than 2.
func branching(amount lab.Parameter) (lab.Space, space.Rules) {
	amount.Name, amount.When = "amount", "base != 'none'"
	s := lab.Space{Parameters: []lab.Parameter{
		{Name: "speed", Type: lab.Integer, Min: new(1.0), Max: new(4.0), When: "amount > 2"},
		{Name: "base", Type: lab.Categorical, Levels: []string{"none", "KOAc", "CsOAc"}},
		amount,
	}}
	return s, space.Rules{Active: func(settings []lab.Setting) []bool {
		has := map[string]lab.Value{}
		for _, x := range settings {
			has[x.Name] = x.Value
		}
		based := has["base"].Label() != "none"
		return []bool{based && has["amount"].Number() > 2, true, based}
	}}
}

// TestAbsentPointsAreOne lists a space with branches: without a base there is one
// point, whatever amount and speed would be.
func TestAbsentPointsAreOne(t *testing.T) {
	t.Parallel()
	s, rules := branching(lab.Parameter{Type: lab.Discrete, Values: []float64{1, 2, 3}})
	sp, err := space.Compile(s, rules)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := sp.Len(), 1+2*(2+4); got != want {
		t.Errorf("%d points, want %d: one without base, and with each two without and four with a speed", got, want)
	}
	for i := range sp.Len() {
		state, err := sp.Read(sp.Settings(sp.State(i)))
		if err != nil || sp.Key(state) != sp.KeyAt(i) {
			t.Errorf("%s reads back as another point, %v", space.Describe(sp.Settings(sp.State(i))), err)
		}
	}
}

// TestWalksKeepToConditions walks, jitters and snaps, and wants every state to have
// the parameters that are there and no other.
func TestWalksKeepToConditions(t *testing.T) {
	t.Parallel()
	s, rules := branching(lab.Parameter{Type: lab.Continuous, Min: new(0.5), Max: new(4.0)})
	sp, err := space.Compile(s, rules)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(2, 2))
	seen := map[int]int{} // by number of settings
	whole := func(how string, x []float64) {
		settings := sp.Settings(x)
		if _, err := sp.Read(settings); err != nil {
			t.Fatalf("%s: %s: %v", how, space.Describe(settings), err)
		}
		seen[len(settings)]++
	}
	u, state, next := make([]float64, sp.Width()), make([]float64, sp.Width()), make([]float64, sp.Width())
	for range 300 {
		for i := range u {
			u[i] = rng.Float64()
		}
		sp.FromUnit(u, state)
		whole("drawn", state)
		sp.Jitter(rng, state, 0.3, next)
		whole("jittered", next)
		sp.Snap(next)
		whole("snapped", next)
		sp.Moves(state, 0.3, func(x []float64) { whole("moved", x) })
	}
	if len(seen) != 3 {
		t.Errorf("states with %v settings, want some with 1, 2 and 3", seen)
	}
}

// TestSettingsOfAbsentParametersAreRefused wants a complaint about what is given and
// should be absent, and about what is missing and should be there.
func TestSettingsOfAbsentParametersAreRefused(t *testing.T) {
	t.Parallel()
	s, rules := branching(lab.Parameter{Type: lab.Continuous, Min: new(0.5), Max: new(4.0)})
	sp, err := space.Compile(s, rules)
	if err != nil {
		t.Fatal(err)
	}
	none, base, amount := lab.Label("none"), lab.Label("KOAc"), lab.Number(1)
	for _, settings := range [][]lab.Setting{
		{{Name: "base", Value: none}, {Name: "amount", Value: amount}},
		{{Name: "base", Value: base}},
		{{Name: "base", Value: base}, {Name: "amount", Value: amount}, {Name: "speed", Value: lab.Number(2)}},
	} {
		if _, err := sp.Read(settings); lab.KindOf(err) != lab.Invalid {
			t.Errorf("%s: %v, want a complaint", space.Describe(settings), err)
		}
	}
	if _, err := sp.Read([]lab.Setting{{Name: "base", Value: none}}); err != nil {
		t.Errorf("without a base: %v, want none", err)
	}
	if _, err := space.Compile(s, space.Rules{}); lab.KindOf(err) != lab.Invalid {
		t.Errorf("compiled without a way to work conditions out: %v, want a complaint", err)
	}
}
