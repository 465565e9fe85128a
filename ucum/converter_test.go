package ucum_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/athanor-lab/athanor/ucum"
)

// converted are pairs of units on scales of every kind.
var converted = [][2]string{
	{"Cel", "K"},
	{"K", "Cel"},
	{"[degF]", "Cel"},
	{"[degRe]", "[degF]"},
	{"mCel", "K"},
	{"h", "s"},
	{"a", "s"},
	{"%{mol}", "1"},
	{"mol/L", "m-3"},
	{"mol", "1"},
	{"umol/mL", "m-3"},
	{"m-3", "mol/L"},
	{"1", "mmol"},
	{"km", "m"},
	{"[in_i]", "m"},
	{"[psi]", "Pa"},
	{"eV", "J"},
	{"[pH]", "mol/L"},
	{"deg", "rad"},
	{"Ym", "ym"},
	{"g", "g"},
	{"dB", "1"},
}

// FuzzConverter wants of every number what [ucum.Convert] makes of it, which computes with big fractions.
func FuzzConverter(f *testing.F) {
	for i := range converted {
		for _, x := range []float64{0, math.Copysign(0, -1), 1, 25, -40, 6.3, 0.1, 1e-7, 1e15, 1e16, 1<<53 - 1, 1 << 53, 0.30000000000000004, 5e-324, math.MaxFloat64, math.Inf(1), math.NaN()} {
			f.Add(i, x)
		}
	}
	f.Fuzz(func(t *testing.T, i int, x float64) {
		if i < 0 {
			i = -(i + 1)
		}
		wantConverted(t, converted[i%len(converted)], x)
	})
}

func TestConverter(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	for range 20_000 {
		x := float64(rng.IntN(2_000_000)-1_000_000) / math.Pow10(rng.IntN(12))
		wantConverted(t, converted[rng.IntN(len(converted))], x)
		wantConverted(t, converted[rng.IntN(len(converted))], math.Float64frombits(rng.Uint64()))
	}
	if _, err := ucum.NewConverter(parse(t, "g"), parse(t, "s")); err == nil {
		t.Error("grams were made seconds")
	}
}

func parse(t *testing.T, code string) ucum.Unit {
	t.Helper()
	u, err := ucum.Parse(code)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func wantConverted(t *testing.T, units [2]string, x float64) {
	t.Helper()
	from, to := parse(t, units[0]), parse(t, units[1])
	c, err := ucum.NewConverter(from, to)
	if err != nil {
		t.Fatal(err)
	}
	want, wantErr := ucum.Convert(x, from, to)
	got, err := c.Convert(x)
	if (err == nil) != (wantErr == nil) || math.Float64bits(got) != math.Float64bits(want) {
		t.Errorf("%v %s is %v %s (%v), want %v (%v)", x, from, got, to, err, want, wantErr)
	}
}

func BenchmarkConverter(b *testing.B) {
	from, _ := ucum.Parse("Cel")
	to, _ := ucum.Parse("K")
	c, err := ucum.NewConverter(from, to)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := c.Convert(37.47); err != nil {
			b.Fatal(err)
		}
	}
}
