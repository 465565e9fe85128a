package instrument

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/stat"

	"github.com/athanor-lab/athanor/sim/truth"
	"github.com/athanor-lab/athanor/sim/world"
	"github.com/athanor-lab/athanor/sim/xrd"
)

func effect(t testing.TB, kind world.EffectKind, data any) world.Effect {
	t.Helper()
	raw, err := json.Marshal(data)
	if err != nil {
		t.Fatal(err)
	}
	return world.Effect{Effect: kind, Data: raw}
}

var chamber = Furnace{AmbientCelsius: 25, PowerW: 3000, CapacityJK: 2000, WallWK: 0.6, RadiantM2: 0.004}

// TestFurnaceFollowsItsProgram wants a ramp at its rate, a hold at its target,
// and a chamber that cools as its heat balance says.
func TestFurnaceFollowsItsProgram(t *testing.T) {
	t.Parallel()
	trace := chamber.program(fire{TargetCelsius: 850, RateKMin: 10, HoldS: 7200})
	if rate := (trace[60] - trace[30]) / 30; math.Abs(rate-10) > 0.2 {
		t.Errorf("the ramp is %.2f K/min, want 10", rate)
	}
	hold := trace[110:190] // 82.5 min of ramp, two hours of hold
	for _, c := range hold {
		if math.Abs(c-850) > 3 {
			t.Fatalf("in the hold it is at %.1f °C, want 850 ± 3: %v", c, hold)
		}
	}
	if end := trace[len(trace)-1]; end > safeCelsius {
		t.Errorf("it opens at %.1f °C", end)
	}
	// Heat balance of the cooling chamber: C·dT/dt = −loss.
	for i := 210; i < 240; i++ {
		got, want := (trace[i+1]-trace[i-1])/2/traceS*chamber.CapacityJK, -chamber.loss(trace[i])
		if math.Abs(got-want) > 0.01*math.Abs(want)+3 {
			t.Errorf("at %.1f °C it loses %.0f W, its balance says %.0f", trace[i], -got, -want)
		}
	}
}

// TestFurnaceHasItsLimits wants a ramp that is too steep to lag at full power,
// and a thermocouple that shows too much to leave the chamber colder.
func TestFurnaceHasItsLimits(t *testing.T) {
	t.Parallel()
	steep := chamber.program(fire{TargetCelsius: 1200, RateKMin: 50})
	if at := 24; steep[at] > 1199 { // 23.5 min if it could follow
		t.Errorf("it is at %.0f °C after %d min, faster than its heater can", steep[at], at)
	}
	weak := chamber
	weak.PowerW = 500 // balances its losses below 1200 °C
	p := weak.program(fire{TargetCelsius: 1200, RateKMin: 10})
	peak := 0.0
	for _, c := range p {
		peak = max(peak, c)
	}
	if math.Abs(weak.loss(peak)-500) > 5 {
		t.Errorf("it ends at %.0f °C where it loses %.0f W, with a heater of 500 W", peak, weak.loss(peak))
	}
	off := chamber
	off.OffsetK = 20
	if got := off.program(fire{TargetCelsius: 850, RateKMin: 10, HoldS: 7200})[180]; math.Abs(got-830) > 3 {
		t.Errorf("with a thermocouple 20 K too high the chamber is at %.1f °C, want 830", got)
	}
}

// TestScanSeesThePowder doses and fires a crucible as the devices would, and
// wants the scan's shares to be those of the world, and repeated counts to
// scatter about them.
func TestScanSeesThePowder(t *testing.T) {
	t.Parallel()
	const seed = 9
	trace := chamber.program(fire{TargetCelsius: 800, RateKMin: 10, HoldS: 7200})
	history := []world.Effect{
		effect(t, world.Dispensed, Dose{"Co3O4", 802.65}), effect(t, world.Dispensed, Dose{"Li2CO3", 369.44}),
		effect(t, world.Heated, Firing{traceS, trace[:100]}), effect(t, world.Heated, Firing{traceS, trace[100:]}),
	}
	p, err := Powder(truth.Cobaltate, history)
	if err != nil {
		t.Fatal(err)
	}
	if whole := truth.Cobaltate.Fire(truth.Powder{}.Add(369.44, 802.65), trace, traceS); math.Abs(whole.LiCoO2-p.LiCoO2) > 1e-9 {
		t.Errorf("a firing in two parts makes %.6f mg, in one %.6f", p.LiCoO2, whole.LiCoO2)
	}
	want := p.LiCoO2 / p.Mass()
	if want < 0.05 || want > 0.95 {
		t.Fatalf("the share to be measured is %.3f: choose another firing", want)
	}
	d := Diffractometer{Counts: 2e4, Displacement: 0.01}
	in := xrd.Standard
	in.From, in.To = 15, 75
	var got []float64
	r := rand.New(rand.NewPCG(seed, 0))
	for range 40 {
		s, counts, err := d.measure(in, 0.2, p, r)
		if err != nil || len(counts) != in.Points() {
			t.Fatal(err, len(counts))
		}
		if sum := s.LiCoO2 + s.Co3O4 + s.Li2CO3; math.Abs(sum-1) > 1e-4 {
			t.Errorf("the shares are %+v, which is %g together", s, sum)
		}
		got = append(got, s.LiCoO2)
	}
	if mean, sd := stat.Mean(got, nil), stat.StdDev(got, nil); math.Abs(mean-want) > 0.02 || sd == 0 || sd > 0.03 {
		t.Errorf("seed %d: scans say %.4f ± %.4f, the world %.4f", seed, mean, sd, want)
	}
	mass, err := massMG(history)
	if err != nil || math.Abs(mass-p.Mass()) > 1e-9 {
		t.Errorf("the balance sees %.3f mg, %v; the world has %.3f", mass, err, p.Mass())
	}
}

// TestBalanceDriftsAndRounds reads one mass often.
func TestBalanceDriftsAndRounds(t *testing.T) {
	t.Parallel()
	const seed, n = 2, 20000
	r := rand.New(rand.NewPCG(seed, 0))
	b := Balance{NoiseMG: 0.5, DriftPerDay: 0.01, ResolutionMG: 0.1}
	var got []float64
	for range n {
		x := b.read(1000, 43200, r)
		if math.Abs(x*10-math.Round(x*10)) > 1e-6 {
			t.Fatalf("the display shows %v", x)
		}
		got = append(got, x)
	}
	if mean, sd := stat.Mean(got, nil), stat.StdDev(got, nil); math.Abs(mean-1005) > 0.03 || math.Abs(sd-0.5) > 0.02 {
		t.Errorf("seed %d: readings are %.3f ± %.3f, want 1005 ± 0.5", seed, mean, sd)
	}
}

// TestAbsorbanceFollowsBeer reads solutions: proportional to the concentration
// where there is light, and no more than stray light allows where there is none.
func TestAbsorbanceFollowsBeer(t *testing.T) {
	t.Parallel()
	const seed = 6
	s := Spectrometer{Stray: 0.0005, Counts: 1e8}
	r := rand.New(rand.NewPCG(seed, 0))
	for _, a := range []float64{0.05, 0.5, 1} {
		// Stray light takes log10((10^-A + s)/(1 + s)) off.
		want := -math.Log10((math.Pow(10, -a) + s.Stray) / (1 + s.Stray))
		if got := s.read(a, r); math.Abs(got-want) > 0.003 {
			t.Errorf("seed %d: absorbance %g is read as %g, want %g", seed, a, got, want)
		}
	}
	if got, limit := s.read(8, r), -math.Log10(s.Stray/(1+s.Stray)); math.Abs(got-limit) > 0.05 {
		t.Errorf("seed %d: a black solution is read as %g, stray light ends at %g", seed, got, limit)
	}
	if productBand.at(productBand.peakNM) != productBand.epsilon || productBand.at(700) > 1 {
		t.Error("the band is not where it is")
	}
}

// TestSaltsAreBasic compares the balance of charges with the textbook's
// approximation pH = (pKw + pKa + log C)/2, and water with itself.
func TestSaltsAreBasic(t *testing.T) {
	t.Parallel()
	for _, molar := range []float64{0.01, 0.1, 1} {
		want := (waterPK + 4.756 + math.Log10(molar)) / 2
		if got := saltPH(4.756, molar); math.Abs(got-want) > 0.002 {
			t.Errorf("%g mol/L of acetate have pH %.4f, want %.4f", molar, got, want)
		}
	}
	if got := saltPH(0, 0); math.Abs(got-waterPK/2) > 1e-6 {
		t.Errorf("water has pH %g", got)
	}
}

// TestTipsWear dispenses with new and with worn tips.
func TestTipsWear(t *testing.T) {
	t.Parallel()
	const seed, n = 8, 20000
	r := rand.New(rand.NewPCG(seed, 0))
	spread := func(h Handler) (mean, sd float64) {
		var v []float64
		for range n {
			v = append(v, h.portion(dispense{VolumeUL: 100}, r.NormFloat64).VolumeUL())
		}
		return stat.Mean(v, nil), stat.StdDev(v, nil)
	}
	h := Handler{StockMolar: 1, VolumeCV: 0.01, FloorUL: 0.5, OffsetUL: -0.3}
	mean, sd := spread(h)
	if want := math.Hypot(0.5, 1); math.Abs(mean-99.7) > 0.05 || math.Abs(sd-want) > 0.03 {
		t.Errorf("seed %d: 100 µL are %.3f ± %.3f, want 99.7 ± %.3f", seed, mean, sd, want)
	}
	h.VolumeCV += 200 * 0.0005 // two hundred dispenses later
	if _, worn := spread(h); math.Abs(worn-math.Hypot(0.5, 11)) > 0.3 {
		t.Errorf("seed %d: with worn tips the deviation is %.2f µL, want %.2f", seed, worn, math.Hypot(0.5, 11))
	}
}
