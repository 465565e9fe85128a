package instrument

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/stat"

	"github.com/athanor-lab/athanor/sim/truth"
	"github.com/athanor-lab/athanor/sim/world"
)

// TestPortionsHaveTheirErrors dispenses often and looks at mean and spread: they
// are those of three independent pipette strokes.
func TestPortionsHaveTheirErrors(t *testing.T) {
	t.Parallel()
	const seed, n = 3, 20000
	h, rng, molar := Handler{StockMolar: 2, VolumeCV: 0.02}, rand.New(rand.NewPCG(seed, 0)), 0.5
	var volumes, molars, parts []float64
	for range n {
		p := h.portion(dispense{Substance: "KOAc", VolumeUL: 800, Concentration: &molar, Cosolvent: 0.25}, rng.NormFloat64)
		m := mix([]Portion{p})
		volumes, molars, parts = append(volumes, p.VolumeUL()), append(molars, m.BaseMolar), append(parts, m.CosolventPart)
	}
	// 200, 450 and 150 µL with 2 % each
	wantSD := 0.02 * math.Sqrt(200*200+450*450+150*150)
	for name, c := range map[string]struct{ got, want, tolerance float64 }{
		"mean volume":        {stat.Mean(volumes, nil), 800, 5 * wantSD / math.Sqrt(n)},
		"spread of volumes":  {stat.StdDev(volumes, nil), wantSD, 0.03 * wantSD},
		"mean concentration": {stat.Mean(molars, nil), 0.5, 0.001},
		"mean cosolvent":     {stat.Mean(parts, nil), 0.25, 0.001},
	} {
		if math.Abs(c.got-c.want) > c.tolerance {
			t.Errorf("seed %d: %s is %g, want %g ± %g", seed, name, c.got, c.want, c.tolerance)
		}
	}
	exact := Handler{StockMolar: 2}.portion(dispense{VolumeUL: 800}, rng.NormFloat64)
	if exact.StockUL != 800 || exact.SolventUL != 0 {
		t.Errorf("without a concentration the stock is dispensed as it is; got %+v", exact)
	}
}

// TestPeaksScatterByPoisson measures one mixture often: the ratio of areas has
// the mean of the yield and the spread of two Poisson counts, however the
// injected volume varies.
func TestPeaksScatterByPoisson(t *testing.T) {
	t.Parallel()
	const seed, n = 4, 20000
	rng := rand.New(rand.NewPCG(seed, 0))
	h, m := HPLC{Counts: 1e4, InjectionCV: 0.05}, truth.Mixture{Product: 0.64, Substrate: 0.36}
	var yields []float64
	for range n {
		p := h.peaks(m, rng)
		if p.ByproductArea != 0 {
			t.Fatalf("a mixture without byproducts shows %g counts of them", p.ByproductArea)
		}
		yields = append(yields, p.Area/p.StandardArea)
	}
	wantSD := 0.64 * math.Sqrt(1/6400.0+1/1e4)
	if mean, sd := stat.Mean(yields, nil), stat.StdDev(yields, nil); math.Abs(mean-0.64) > 1e-3 || math.Abs(sd-wantSD) > 0.05*wantSD {
		t.Errorf("seed %d: yields are %.4f ± %.5f, want 0.64 ± %.5f", seed, mean, sd, wantSD)
	}
}

// TestContentsFollowTheHistory reads a vial from what was done to it: two
// portions mix, and a hold in two parts is the hold in one.
func TestContentsFollowTheHistory(t *testing.T) {
	t.Parallel()
	effect := func(kind world.EffectKind, data any) world.Effect {
		raw, err := json.Marshal(data)
		if err != nil {
			t.Fatal(err)
		}
		return world.Effect{Effect: kind, Data: raw}
	}
	base := effect(world.Dispensed, Portion{Substance: "KOPiv", StockUL: 100, StockMolar: 1})
	solvents := effect(world.Dispensed, Portion{Substance: "KOPiv", SolventUL: 600, CosolventUL: 300, StockMolar: 1})
	heat := func(from, to float64) world.Effect {
		return effect(world.Heated, Heating{AmbientCelsius: 25, TargetCelsius: 110, TauS: 60, FromS: from, ToS: to})
	}
	whole, err := Contents(truth.Demo, []world.Effect{base, solvents, heat(0, 3900)})
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(whole.BaseMolar-0.1) > 1e-12 || math.Abs(whole.CosolventPart-1.0/3) > 1e-12 || whole.Base != "KOPiv" {
		t.Errorf("the mixture is %+v, want 0.1 mol/L KOPiv with a third of cosolvent", whole)
	}
	if want := truth.Demo.Yield("KOPiv", 110, 0.1, 1.0/3) / 100; math.Abs(whole.Product-want) > 0.03 {
		t.Errorf("product is %g, want near the ideal hour's %g", whole.Product, want)
	}
	halves, err := Contents(truth.Demo, []world.Effect{base, solvents, heat(0, 1950), heat(1950, 3900)})
	if err != nil || math.Abs(whole.Product-halves.Product) > 1e-5 {
		t.Errorf("a hold in two parts gives %g, %v, in one %g", halves.Product, err, whole.Product)
	}
	if _, err := Contents(truth.Demo, []world.Effect{{Effect: world.Heated, Data: json.RawMessage(`"x"`)}}); err == nil {
		t.Error("an effect that is no heating is read as one")
	}
}
