package truth_test

import (
	"math"
	"testing"

	"github.com/athanor-lab/athanor/sim/truth"
)

// point is a setting of the numeric parameters of the demonstration.
type point struct{ celsius, molar, cosolvent float64 }

// climb walks uphill from p by halving coordinate steps, inside the bounds of
// the demonstration, and returns where it ends and the yield there.
func climb(base string, p point) (point, float64) {
	clamp := func(x, lo, hi float64) float64 { return math.Min(hi, math.Max(lo, x)) }
	best := truth.Demo.Yield(base, p.celsius, p.molar, p.cosolvent)
	for step := 0.25; step > 1e-7; {
		moved := false
		for _, d := range []point{{80, 0, 0}, {-80, 0, 0}, {0, 0.45, 0}, {0, -0.45, 0}, {0, 0, 1}, {0, 0, -1}} {
			q := point{clamp(p.celsius+step*d.celsius, 60, 140), clamp(p.molar+step*d.molar, 0.05, 0.5), clamp(p.cosolvent+step*d.cosolvent, 0, 1)}
			if y := truth.Demo.Yield(base, q.celsius, q.molar, q.cosolvent); y > best {
				p, best, moved = q, y, true
			}
		}
		if !moved {
			step /= 2
		}
	}
	return p, best
}

// TestDemoHasOneOptimum climbs from a grid of starts for every base: all end at
// the same place, which lies inside the bounds, and one base is clearly best.
func TestDemoHasOneOptimum(t *testing.T) {
	t.Parallel()
	tops := map[string]float64{}
	for base := range truth.Demo.Bases {
		var top point
		for i, start := range starts() {
			p, y := climb(base, start)
			if i == 0 {
				top, tops[base] = p, y
				continue
			}
			if math.Abs(y-tops[base]) > 1e-6 || math.Abs(p.celsius-top.celsius) > 0.05 {
				t.Errorf("%s: from %v the top is %.6f %% at %v, from %v it is %.6f %% at %v", base, start, y, p, starts()[0], tops[base], top)
			}
		}
		t.Logf("%s: %.3f %% at %.2f °C, %.4f mol/L, cosolvent %.3f", base, tops[base], top.celsius, top.molar, top.cosolvent)
		if top.celsius < 65 || top.celsius > 135 || top.molar < 0.07 || top.molar > 0.45 || top.cosolvent < 0.1 || top.cosolvent > 0.9 {
			t.Errorf("%s: the top %v is at the border of the space", base, top)
		}
	}
	best, second := 0.0, 0.0
	for _, y := range tops {
		if y > best {
			best, second = y, best
		} else if y > second {
			second = y
		}
	}
	if best-second < 1 {
		t.Errorf("best base yields %.3f %%, the second %.3f %%; want one to be better by 1 %%", best, second)
	}
	if best < 80 || best > 99 {
		t.Errorf("best yield is %.3f %%, want something worth the search, from 80 to 99 %%", best)
	}
}

func starts() []point {
	var all []point
	for _, c := range []float64{60, 85, 115, 140} {
		for _, m := range []float64{0.05, 0.2, 0.5} {
			for _, s := range []float64{0, 0.5, 1} {
				all = append(all, point{c, m, s})
			}
		}
	}
	return all
}

// TestAdvanceIsExact compares the closed form with small explicit steps, and
// wants all fractions to add up to one.
func TestAdvanceIsExact(t *testing.T) {
	t.Parallel()
	for base := range truth.Demo.Bases {
		for _, celsius := range []float64{60, 100, 140} {
			start := truth.Fresh(base, 0.2, 0.4)
			whole, steps := truth.Demo.Advance(start, celsius, 3600), start
			for range 3600 {
				steps = truth.Demo.Advance(steps, celsius, 1)
			}
			if math.Abs(whole.Product-steps.Product) > 1e-12 || math.Abs(whole.Side-steps.Side) > 1e-12 {
				t.Errorf("%s at %g °C: one step of an hour gives %+v, 3600 of a second %+v", base, celsius, whole, steps)
			}
			if sum := whole.Substrate + whole.Product + whole.Decomposed + whole.Side; math.Abs(sum-1) > 1e-12 {
				t.Errorf("%s at %g °C: fractions add up to %g, want 1", base, celsius, sum)
			}
		}
	}
}

// TestAdvanceWhereRatesMeet looks at the point where κ = k2, at which the
// closed form divides zero by zero: the yield must be smooth across it.
func TestAdvanceWhereRatesMeet(t *testing.T) {
	t.Parallel()
	last := truth.Demo.Yield("KOAc", 60, 0.5, 1)
	for celsius := 60.01; celsius < 200; celsius += 0.01 {
		y := truth.Demo.Yield("KOAc", celsius, 0.5, 1)
		if math.IsNaN(y) || math.Abs(y-last) > 0.1 {
			t.Fatalf("at %.2f °C the yield jumps from %g to %g", celsius, last, y)
		}
		last = y
	}
}

// TestHeatComesNearTheIdealHour compares a vial that had to warm up with one
// that was hot at once: the surface that planners see is the documented one.
func TestHeatComesNearTheIdealHour(t *testing.T) {
	t.Parallel()
	for base := range truth.Demo.Bases {
		for _, celsius := range []float64{70, 100, 130} {
			ideal := truth.Demo.Yield(base, celsius, 0.2, 0.4)
			warmed := 100 * truth.Demo.Heat(truth.Fresh(base, 0.2, 0.4), 25, celsius, 60, 0, 3900).Product
			if math.Abs(ideal-warmed) > 3 {
				t.Errorf("%s at %g °C: ideal %.2f %%, with warm-up %.2f %%; want them within 3 %%", base, celsius, ideal, warmed)
			}
		}
	}
	whole := truth.Demo.Heat(truth.Fresh("KOPiv", 0.2, 0.4), 25, 110, 60, 0, 3900)
	parts := truth.Fresh("KOPiv", 0.2, 0.4)
	for i := range 13 {
		parts = truth.Demo.Heat(parts, 25, 110, 60, float64(i)*300, float64(i+1)*300)
	}
	if math.Abs(whole.Product-parts.Product) > 1e-5 {
		t.Errorf("a program in one part yields %g, in 13 parts %g", whole.Product, parts.Product)
	}
	if y := truth.Demo.Yield("NaCl", 100, 0.2, 0.5); y != 0 {
		t.Errorf("a vial without a base yields %g %%, want 0", y)
	}
}
