package truth_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/sim/truth"
)

// TestFunctionsMatchTheirReferences evaluates the surfaces at points whose
// values are published or follow by hand from the formula.
func TestFunctionsMatchTheirReferences(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		f    truth.Function
		x    []float64
		want float64
	}{
		{truth.Branin, []float64{-math.Pi, 12.275}, 0.397887},     // Dixon & Szegö (1978)
		{truth.Branin, []float64{9.42478, 2.475}, 0.397887},       // Dixon & Szegö (1978)
		{truth.Branin, []float64{0, 0}, 36 + 20 - 10/(8*math.Pi)}, // r² + 2s − s·t
		{truth.Hartmann3, []float64{0.114614, 0.555649, 0.852547}, -3.86278},
		{truth.Hartmann6, []float64{0.20169, 0.150011, 0.476874, 0.275332, 0.311652, 0.6573}, -3.32237},
		{truth.Ackley(2), []float64{0, 0}, 0},
		{truth.Ackley(2), []float64{1, 1}, 20 - 20*math.Exp(-0.2)},
		{truth.Alloy, []float64{0.55, 0.30, 0.15}, 0.30},
		{truth.Alloy, []float64{1, 0, 0}, 0.30 + 0.8*(0.45*0.45+0.3*0.3+0.15*0.15)},
	} {
		if got := c.f.At(c.x); math.Abs(got-c.want) > 1e-5 {
			t.Errorf("%s(%v) = %.7f, want %.7f", c.f.Name(), c.x, got, c.want)
		}
	}
}

// TestOptimaAreTheBest compares each surface's stated optimum with its value at
// the stated places and with a descent from random starts.
func TestOptimaAreTheBest(t *testing.T) {
	t.Parallel()
	const seed = 11
	for _, f := range truth.Functions() {
		for _, x := range f.Optima {
			if got := f.At(x); math.Abs(got-f.Best) > 1e-5 {
				t.Errorf("%s(%v) = %.8f, want its optimum %.8f", f.Name(), x, got, f.Best)
			}
		}
		rng, least := rand.New(rand.NewPCG(seed, 0)), math.Inf(1)
		for range 60 {
			least = min(least, descend(f, rng))
		}
		if least < f.Best-1e-6 {
			t.Errorf("%s: seed %d found %.8f, below the stated optimum %.8f", f.Name(), seed, least, f.Best)
		}
	}
}

// descend walks downhill from a random point by shrinking random steps; on a
// simplex it steps from one fraction to another.
func descend(f truth.Function, rng *rand.Rand) float64 {
	x := make([]float64, len(f.Axes))
	for j, a := range f.Axes {
		x[j] = a.Min + rng.Float64()*(a.Max-a.Min)
	}
	if f.Simplex {
		sum := 0.0
		for _, v := range x {
			sum += v
		}
		for j := range x {
			x[j] /= sum
		}
	}
	y := f.At(x)
	for i := range 3000 {
		next, j := append([]float64(nil), x...), rng.IntN(len(x))
		step := rng.NormFloat64() * math.Pow(0.997, float64(i)) * (f.Axes[j].Max - f.Axes[j].Min) / 4
		next[j] += step
		if f.Simplex {
			next[(j+1)%len(x)] -= step
		}
		inside := true
		for k, a := range f.Axes {
			inside = inside && next[k] >= a.Min && next[k] <= a.Max
		}
		if inside {
			if z := f.At(next); z < y {
				x, y = next, z
			}
		}
	}
	return y
}

// TestFunctionMeasures answers settings by name and refuses what is no point.
func TestFunctionMeasures(t *testing.T) {
	t.Parallel()
	got, err := truth.Branin.Measure(settings("x2", 2.275, "x1", math.Pi))
	if err != nil || len(got) != 1 || math.Abs(got[0].Value-0.397887) > 1e-6 || got[0].Unit != "1" {
		t.Errorf("branin at its minimum answers %+v, %v", got, err)
	}
	for _, c := range []struct {
		f    truth.Function
		at   []lab.Setting
		want string
	}{
		{truth.Branin, settings("x1", 0.0), `parameter "x2" is missing`},
		{truth.Branin, settings("x1", 0.0, "x2", 99.0), "x2 = 99 is not a number from 0 to 15"},
		{truth.Branin, settings("x1", 0.0, "x2", math.NaN()), "x2 = NaN is not a number"},
		{truth.Alloy, settings("Ni", 0.5, "Fe", 0.4, "Co", 0.4), "the fractions add up to 1.3, not to 1"},
	} {
		if _, err := c.f.Measure(c.at); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s at %v: got %v, want an error with %q", c.f.Name(), c.at, err, c.want)
		}
	}
	if p := truth.Alloy.Space().Parameters; len(p) != 1 || p[0].Type != lab.Composition || len(p[0].Parts) != 3 {
		t.Errorf("space of a simplex is %+v, want one composition", p)
	}
}
