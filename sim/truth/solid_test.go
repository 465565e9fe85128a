package truth_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/athanor-lab/athanor/sim/truth"
)

func fired(celsius, hours float64) truth.Powder {
	p := truth.Powder{}.Add(369.44, 802.65) // ten mmol of LiCoO2
	steps := make([]float64, int(hours*60))
	for i := range steps {
		steps[i] = celsius
	}
	return truth.Cobaltate.Fire(p, steps, 60)
}

// TestFiringFollowsAvrami compares an isothermal firing with the closed formula.
func TestFiringFollowsAvrami(t *testing.T) {
	t.Parallel()
	s := truth.Cobaltate
	for _, celsius := range []float64{700, 750, 800} {
		got := fired(celsius, 1)
		k := s.K0 * math.Exp(-s.E/8.31446261815324*(1/(celsius+273.15)-1/truth.ReferenceK)) * 3600
		want := 10 * (1 - math.Exp(-math.Pow(k, s.N)))
		if math.Abs(got.Formed-want) > 1e-3*want {
			t.Errorf("an hour at %g °C forms %.4f mmol, Avrami says %.4f", celsius, got.Formed, want)
		}
	}
}

// TestFiringHasABestTemperature wants cold powders unreacted, hot ones to lose
// lithium, and the best between 800 and 950 °C.
func TestFiringHasABestTemperature(t *testing.T) {
	t.Parallel()
	share := func(celsius float64) float64 {
		p := fired(celsius, 6)
		return p.LiCoO2 / p.Mass()
	}
	best, at := 0.0, 0.0
	for c := 500.0; c <= 1200; c += 10 {
		if s := share(c); s > best {
			best, at = s, c
		}
	}
	if at < 800 || at > 950 || best < 0.95 || share(550) > 0.1 || share(1150) > 0.3 {
		t.Errorf("the best is %.3f at %g °C; 550 °C gives %.3f, 1150 °C %.3f", best, at, share(550), share(1150))
	}
}

// TestMassIsKept fires mixtures in any way, and wants the mass of the powder and
// of what went into the air to be that of what was weighed in and taken up, and
// no phase to be less than nothing.
func TestMassIsKept(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		li, co := rapid.Float64Range(0, 2000).Draw(t, "li2co3"), rapid.Float64Range(0, 2000).Draw(t, "co3o4")
		p := truth.Powder{}.Add(li, co)
		in := li + co
		for range rapid.IntRange(1, 4).Draw(t, "firings") {
			celsius := rapid.SliceOfN(rapid.Float64Range(20, 1300), 1, 50).Draw(t, "celsius")
			p = truth.Cobaltate.Fire(p, celsius, rapid.Float64Range(1, 3600).Draw(t, "step"))
			// 1e-4: the molar masses of both sides, rounded as tables have them, differ by so much.
			if out := p.Mass() + p.Gas - p.Oxygen; math.Abs(out-in) > 1e-4*in+1e-9 {
				t.Fatalf("%g mg are %g mg after firing: %+v", in, out, p)
			}
			if min(p.Li2CO3, p.Co3O4, p.LiCoO2, p.Gas, p.Oxygen) < -1e-9 {
				t.Fatalf("less than nothing: %+v", p)
			}
			if rapid.Bool().Draw(t, "more") {
				p = p.Add(10, 20)
				in += 30
			}
		}
	})
}
