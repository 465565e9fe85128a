package space_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/planner/space"
)

func mixed() lab.Space {
	return lab.Space{Parameters: []lab.Parameter{
		{Name: "temperature", Type: lab.Continuous, Min: new(90.0), Max: new(120.0), Unit: "Cel"},
		{Name: "pressure", Type: lab.Continuous, Min: new(1e-3), Max: new(10.0), Scale: "log", Unit: "bar"},
		{Name: "cycles", Type: lab.Integer, Min: new(1.0), Max: new(8.0)},
		{Name: "concentration", Type: lab.Discrete, Values: []float64{0.153, 0.057, 0.1}},
		{Name: "base", Type: lab.Categorical, Levels: []string{"KOAc", "KOPiv", "CsOAc"}},
		{Name: "metals", Type: lab.Composition, Parts: []string{"Ni", "Fe", "Co"}, Step: new(0.1), MaxNonzero: new(2)},
	}}
}

func compile(t *testing.T, s lab.Space, feasible func([]lab.Setting) (bool, error)) *space.Space {
	t.Helper()
	sp, err := space.Compile(s, space.Rules{Feasible: feasible})
	if err != nil {
		t.Fatal(err)
	}
	return sp
}

// TestSettingsReadBack sends states there and back.
func TestSettingsReadBack(t *testing.T) {
	t.Parallel()
	sp := compile(t, mixed(), nil)
	rng := rand.New(rand.NewPCG(1, 1))
	u, state := make([]float64, sp.Width()), make([]float64, sp.Width())
	for range 500 {
		for i := range u {
			u[i] = rng.Float64()
		}
		sp.FromUnit(u, state)
		got, err := sp.Read(sp.Settings(state))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(state, got); diff != "" {
			t.Fatalf("state differs after Settings and Read (-want +got):\n%s", diff)
		}
		snapped := append([]float64(nil), state...)
		sp.Snap(snapped)
		if sp.Key(snapped) != sp.Key(state) {
			t.Fatalf("state %v is snapped to %v, want it to be on the grid already", state, snapped)
		}
	}
}

// TestContinuousSettingsAreRound holds that people see numbers that can be set.
func TestContinuousSettingsAreRound(t *testing.T) {
	t.Parallel()
	sp := compile(t, mixed(), nil)
	state := make([]float64, sp.Width())
	u := make([]float64, sp.Width())
	for i := range u {
		u[i] = 1.0 / 3
	}
	sp.FromUnit(u, state)
	got := space.Describe(sp.Settings(state))
	want := "temperature 100 Cel, pressure 0.0215 bar, cycles 3, concentration 0.1, base KOPiv, metals 0.5:0.5:0"
	if got != want {
		t.Errorf("a third of the way is %q, want %q", got, want)
	}
}

// TestMixturesAreCounted compares the formula, the listing and brute force.
func TestMixturesAreCounted(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ parts, steps, nonzero, want int }{
		{3, 10, 3, 66}, {3, 10, 2, 30}, {6, 10, 4, 2121}, {4, 1, 4, 4}, {1, 5, 1, 1}, {5, 20, 1, 5},
	} {
		sp := compile(t, lab.Space{Parameters: []lab.Parameter{{
			Name: "m", Type: lab.Composition, Parts: make([]string, c.parts), Step: new(1 / float64(c.steps)), MaxNonzero: new(c.nonzero),
		}}}, nil)
		if !sp.Listed() || sp.Len() != c.want {
			t.Errorf("%d parts in %d steps with at most %d: %d mixtures, want %d", c.parts, c.steps, c.nonzero, sp.Len(), c.want)
		}
		for i := range sp.Len() {
			sum, nonzero := 0.0, 0
			for _, f := range sp.State(i) {
				sum += f
				if f > 0 {
					nonzero++
				}
			}
			if math.Abs(sum-1) > 1e-12 || nonzero > c.nonzero {
				t.Fatalf("mixture %v is not on the simplex with at most %d parts", sp.State(i), c.nonzero)
			}
		}
	}
}

// TestLargeSpacesAreNotListed holds that no Cartesian product beyond the limit
// is made, whatever its size.
func TestLargeSpacesAreNotListed(t *testing.T) {
	t.Parallel()
	var s lab.Space
	for _, n := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		s.Parameters = append(s.Parameters, lab.Parameter{Name: n, Type: lab.Integer, Min: new(0.0), Max: new(1e9)})
	}
	if sp := compile(t, s, nil); sp.Listed() || sp.Len() != 0 {
		t.Errorf("10^72 points: listed %t with %d, want neither", sp.Listed(), sp.Len())
	}
	s = lab.Space{Parameters: []lab.Parameter{
		{Name: "a", Type: lab.Integer, Min: new(1.0), Max: new(200.0)}, {Name: "b", Type: lab.Integer, Min: new(1.0), Max: new(250.0)},
	}}
	if sp := compile(t, s, nil); !sp.Listed() || sp.Len() != space.EnumerateMax {
		t.Errorf("50,000 points: listed %t with %d, want all", sp.Listed(), sp.Len())
	}
}

// TestListLeavesOutWhatIsInfeasible counts under a constraint and in a pool
// with equal rows.
func TestListLeavesOutWhatIsInfeasible(t *testing.T) {
	t.Parallel()
	s := lab.Space{Parameters: []lab.Parameter{
		{Name: "n", Type: lab.Integer, Min: new(0.0), Max: new(9.0)}, {Name: "c", Type: lab.Categorical, Levels: []string{"x", "y"}},
	}}
	even := func(settings []lab.Setting) (bool, error) { return math.Mod(settings[0].Value.Number(), 2) == 0, nil }
	if sp := compile(t, s, even); sp.Len() != 10 {
		t.Errorf("%d points, want the 10 with an even n", sp.Len())
	}
	s.Pool = [][]lab.Value{{lab.Number(2), lab.Label("x")}, {lab.Number(3), lab.Label("x")}, {lab.Number(2), lab.Label("x")}, {lab.Number(77), lab.Label("y")}}
	if sp := compile(t, s, even); sp.Len() != 1 {
		t.Errorf("%d points of the pool, want 1: one is odd twice over, one repeats", sp.Len())
	}
}

// TestMovesStayInTheSpace walks at random by moves and jitter.
func TestMovesStayInTheSpace(t *testing.T) {
	t.Parallel()
	sp := compile(t, mixed(), nil)
	rng := rand.New(rand.NewPCG(2, 2))
	state := make([]float64, sp.Width())
	sp.FromUnit(make([]float64, sp.Width()), state)
	next := make([]float64, sp.Width())
	check := func(x []float64, how string) {
		snapped := append([]float64(nil), x...)
		sp.Snap(snapped)
		if sp.Key(snapped) != sp.Key(x) {
			t.Fatalf("%s leaves the space: %s", how, space.Describe(sp.Settings(x)))
		}
	}
	for range 300 {
		var all [][]float64
		sp.Moves(state, []float64{0.3, 0.05, 0.001}[rng.IntN(3)], func(x []float64) {
			check(x, "a move")
			if sp.Key(x) == sp.Key(state) {
				t.Fatalf("a move from %v stays there", state)
			}
			all = append(all, append([]float64(nil), x...))
		})
		if len(all) < 8 {
			t.Fatalf("%d moves from %v, want one to each parameter at least", len(all), state)
		}
		copy(state, all[rng.IntN(len(all))])
		sp.Jitter(rng, state, 0.1, next)
		check(next, "jitter")
	}
}

// TestDescriptorsAreDistances gives two useful columns, one constant, one that
// repeats another and one that is not finite.
func TestDescriptorsAreDistances(t *testing.T) {
	t.Parallel()
	s := lab.Space{Parameters: []lab.Parameter{{
		Name: "ligand", Type: lab.Categorical, Levels: []string{"a", "b", "c"},
		DescriptorValues: [][]float64{{0, 0, 7, 0, math.NaN()}, {1, 10, 7, 0.1, 2}, {2, 20.1, 7, 0, 3}},
	}}}
	col := compile(t, s, nil).Columns()[0]
	d := col.Distances
	if len(d) != 9 || d[0] != 0 || math.Abs(d[2]-d[6]) > 1e-12 {
		t.Fatalf("distances %v, want a symmetric 3×3 with zeros on the diagonal", d)
	}
	top := math.Max(d[1], math.Max(d[2], d[5]))
	if math.Abs(top-1) > 1e-12 || !(d[1] > 0.5) || !(d[2] > 0.5) {
		t.Errorf("distances %v, want the largest 1 and all levels told apart", d)
	}
	s.Parameters[0].DescriptorValues = [][]float64{{7}, {7}, {7}}
	if d := compile(t, s, nil).Columns()[0].Distances; d != nil {
		t.Errorf("descriptors that tell nothing give distances %v, want none", d)
	}
}

// TestCompileSaysWhatIsWrong wants the path and the fault in every complaint.
func TestCompileSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	one := func(p lab.Parameter) lab.Space {
		p.Name = "p"
		return lab.Space{Parameters: []lab.Parameter{p}}
	}
	for name, c := range map[string]struct {
		space lab.Space
		want  string
	}{
		"NoParameters":   {lab.Space{}, "space.parameters is empty"},
		"NoName":         {lab.Space{Parameters: []lab.Parameter{{}}}, "space.parameters[0].name is empty"},
		"NoType":         {one(lab.Parameter{}), "space.parameters[0].type"},
		"NoBounds":       {one(lab.Parameter{Type: lab.Continuous}), "needs a finite min and max"},
		"Backwards":      {one(lab.Parameter{Type: lab.Continuous, Min: new(2.0), Max: new(1.0)}), "min must not exceed max"},
		"Infinite":       {one(lab.Parameter{Type: lab.Continuous, Min: new(0.0), Max: new(math.Inf(1))}), "finite min and max"},
		"LogOfZero":      {one(lab.Parameter{Type: lab.Continuous, Min: new(0.0), Max: new(1.0), Scale: "log"}), "log scale"},
		"NoSuchScale":    {one(lab.Parameter{Type: lab.Continuous, Min: new(0.0), Max: new(1.0), Scale: "cubic"}), `.scale is "cubic"`},
		"NoWholeNumber":  {one(lab.Parameter{Type: lab.Integer, Min: new(0.2), Max: new(0.8)}), "no whole number"},
		"NoValues":       {one(lab.Parameter{Type: lab.Discrete}), ".values is empty"},
		"NaNValue":       {one(lab.Parameter{Type: lab.Discrete, Values: []float64{1, math.NaN()}}), ".values[1]"},
		"NoLevels":       {one(lab.Parameter{Type: lab.Categorical}), ".levels is empty"},
		"LevelTwice":     {one(lab.Parameter{Type: lab.Categorical, Levels: []string{"a", "a"}}), "listed twice"},
		"FewDescriptors": {one(lab.Parameter{Type: lab.Categorical, Levels: []string{"a", "b"}, DescriptorValues: [][]float64{{1}}}), "1 rows of descriptors for 2 levels"},
		"NoParts":        {one(lab.Parameter{Type: lab.Composition}), ".parts is empty"},
		"StepTooLong":    {one(lab.Parameter{Type: lab.Composition, Parts: []string{"a", "b"}, Step: new(0.3)}), "does not divide"},
		"NoneNonzero":    {one(lab.Parameter{Type: lab.Composition, Parts: []string{"a", "b"}, MaxNonzero: new(0)}), ".max_nonzero is 0"},
		"PoolTooShort":   {lab.Space{Parameters: mixed().Parameters, Pool: [][]lab.Value{{lab.Number(1)}}}, "space.pool[0] has 1 values for 6"},
		"PoolNotRead":    {lab.Space{Parameters: mixed().Parameters, Candidates: &lab.File{File: "pool.csv"}}, "pool.csv"},
		"SameName":       {lab.Space{Parameters: append(mixed().Parameters, mixed().Parameters[0])}, `"temperature" is used twice`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := space.Compile(c.space, space.Rules{})
			if lab.KindOf(err) != lab.Invalid || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %q of kind %q, want one of kind invalid with %q", err, lab.KindOf(err), c.want)
			}
		})
	}
}

// TestFinerSettingsHaveADigitMore holds that a space goes on where its settings
// end, and stays what it was.
func TestFinerSettingsHaveADigitMore(t *testing.T) {
	t.Parallel()
	low, high := 0.0, 1.0
	sp, err := space.Compile(lab.Space{Parameters: []lab.Parameter{{Name: "x", Type: lab.Continuous, Min: &low, Max: &high}}}, space.Rules{})
	if err != nil {
		t.Fatal(err)
	}
	fine := sp.Finer().Finer()
	state := []float64{0}
	for u, want := range map[float64][2]float64{0.123456: {0.123, 0.12346}, 0.9999: {1, 0.9999}} {
		sp.FromUnit([]float64{u}, state)
		if state[0] != want[0] {
			t.Errorf("%g is %v, want %v", u, state[0], want[0])
		}
		fine.FromUnit([]float64{u}, state)
		if state[0] != want[1] {
			t.Errorf("%g is %v two digits finer, want %v", u, state[0], want[1])
		}
	}
	if sp.Resolution() != 0.001 || fine.Resolution() > 1.01e-5 {
		t.Errorf("resolutions %g and %g, want 1e-3 and 1e-5", sp.Resolution(), fine.Resolution())
	}
}
