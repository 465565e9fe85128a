package xrd

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestLinesAreWhereBraggSays holds every line of every shipped structure against
// the spacing formula of its crystal system, and its peak in a counted pattern
// against that line: both within 0.02°.
func TestLinesAreWhereBraggSays(t *testing.T) {
	t.Parallel()
	const seed = 1
	worst := 0.0
	for name, s := range Library {
		lines, err := s.Lines(0.8)
		if err != nil {
			t.Fatal(err)
		}
		in := Standard
		in.Monochromatic, in.Background, in.Hump = true, 1, 0
		y := make([]float64, in.Points())
		in.Expected(y, []Phase{{Lines: lines, Grams: 1}}, 1)
		top := 0.0
		for _, v := range y {
			top = max(top, v)
		}
		for i := range y {
			y[i] *= 1e6 / top
		}
		in.Count(y, rand.New(rand.NewPCG(seed, 0)))
		for i, l := range lines {
			want := braggOf(s, l)
			if math.Abs(l.TwoTheta(CuKa1)-want) > 1e-6 {
				t.Errorf("%s %d%d%d is at %.4f°, want %.4f°", name, l.H, l.K, l.L, l.TwoTheta(CuKa1), want)
			}
			alone := (i == 0 || l.TwoTheta(CuKa1)-lines[i-1].TwoTheta(CuKa1) > 1) && (i == len(lines)-1 || lines[i+1].TwoTheta(CuKa1)-l.TwoTheta(CuKa1) > 1)
			if !alone || want < in.From+1 || want > in.To-1 {
				continue
			}
			at, height := top3(in, y, want)
			if height < 1e4 { // a hundredth of the strongest: less is not seen
				continue
			}
			worst = max(worst, math.Abs(at-want))
			if math.Abs(at-want) > 0.02 {
				t.Errorf("seed %d: the peak of %s %d%d%d is at %.4f°, Bragg's law says %.4f°", seed, name, l.H, l.K, l.L, at, want)
			}
		}
	}
	t.Logf("the worst peak is %.4f° off", worst)
}

// braggOf returns where a line is by the textbook's formula for 1/d² of the
// crystal system.
func braggOf(s Structure, l Line) float64 {
	h, k, m := float64(l.H), float64(l.K), float64(l.L)
	var q float64
	switch {
	case s.Gamma == 120:
		q = 4./3*(h*h+h*k+k*k)/(s.A*s.A) + m*m/(s.C*s.C)
	case s.Beta != 90:
		sin, cos := math.Sincos(s.Beta * math.Pi / 180)
		q = (h*h/(s.A*s.A) + k*k*sin*sin/(s.B*s.B) + m*m/(s.C*s.C) - 2*h*m*cos/(s.A*s.C)) / (sin * sin)
	default:
		q = h*h/(s.A*s.A) + k*k/(s.B*s.B) + m*m/(s.C*s.C)
	}
	return 2 * math.Asin(CuKa1/2*math.Sqrt(q)) * 180 / math.Pi
}

// top3 returns the middle of the peak near an angle, weighted above its half
// height, and its height.
func top3(in Instrument, y []float64, near float64) (at, height float64) {
	mid := int(math.Round((near - in.From) / in.Step))
	lo, hi := max(0, mid-15), min(len(y)-1, mid+15)
	for i := lo; i <= hi; i++ {
		height = max(height, y[i])
	}
	sum, weight := 0.0, 0.0
	for i := lo; i <= hi; i++ {
		if y[i] > height/2 {
			sum += (y[i] - height/2) * (in.From + float64(i)*in.Step)
			weight += y[i] - height/2
		}
	}
	return sum / weight, height
}

// TestStructuresWeighWhatTheyShould holds the density of each cell, which counts
// the atoms that the space group makes, against handbooks.
func TestStructuresWeighWhatTheyShould(t *testing.T) {
	t.Parallel()
	// g/cm³, CRC Handbook of Chemistry and Physics; X-ray densities where it has
	// none for the pure crystal.
	for name, want := range map[string]float64{
		"Si": 2.329, "NaCl": 2.164, "MgO": 3.584, "CaF2": 3.180, "Al2O3": 3.987, "TiO2": 4.249, "Co3O4": 6.056, "LiCoO2": 5.054, "Li2CO3": 2.097,
	} {
		got, err := Library[name].Density()
		if err != nil || math.Abs(got-want) > 0.006*want {
			t.Errorf("%s weighs %.3f g/cm³ (%v), want %.3f", name, got, err, want)
		}
	}
	if len(Library) != 9 {
		t.Errorf("%d structures are shipped, and 9 are weighed", len(Library))
	}
}

// TestIntensitiesAreThoseOfTheCards compares the strongest lines of silicon,
// rock salt and periclase with their powder diffraction cards.
func TestIntensitiesAreThoseOfTheCards(t *testing.T) {
	t.Parallel()
	// Relative intensities of ICDD cards 27-1402, 5-628 and 4-829, in the order
	// of the lines; 10 is how far an idealised powder may be off.
	for name, want := range map[string][]float64{
		"Si": {100, 55, 30, 6, 11}, "NaCl": {13, 100, 55, 2, 15}, "MgO": {10, 100, 52, 4, 12},
	} {
		lines, err := Library[name].Lines(1)
		if err != nil {
			t.Fatal(err)
		}
		var got []float64
		top := 0.0
		for _, l := range lines[:len(want)] {
			sin := CuKa1 / 2 / l.D
			cos2 := 1 - 2*sin*sin
			i := l.Strength * (1 + cos2*cos2) / (sin * sin * math.Sqrt(1-sin*sin))
			got, top = append(got, i), max(top, i)
		}
		for i := range got {
			if got[i] *= 100 / top; math.Abs(got[i]-want[i]) > 10 {
				t.Errorf("%s: line %d%d%d has %.0f, its card %.0f", name, lines[i].H, lines[i].K, lines[i].L, got[i], want[i])
			}
		}
	}
}

// TestCountsScatterByPoisson wants mean and variance of counts to be the
// expected value, from far below one to many thousands.
func TestCountsScatterByPoisson(t *testing.T) {
	t.Parallel()
	const seed, n = 3, 200_000
	r := rand.New(rand.NewPCG(seed, 0))
	for _, mean := range []float64{0, 0.05, 1, 9.9, 10.1, 60, 1e4} {
		sum, squares := 0.0, 0.0
		for range n {
			k := poisson(mean, r)
			if k < 0 || k != math.Floor(k) {
				t.Fatalf("seed %d: %g is no count", seed, k)
			}
			sum += k
			squares += (k - mean) * (k - mean)
		}
		if got := sum / n; math.Abs(got-mean) > 5*math.Sqrt(mean/n) {
			t.Errorf("seed %d: the mean of counts is %g, want %g", seed, got, mean)
		}
		// The variance of a variance of a Poisson variable is (2μ² + μ)/n.
		if got := squares / n; math.Abs(got-mean) > 5*math.Sqrt((2*mean*mean+mean)/n) {
			t.Errorf("seed %d: the variance of counts is %g, want %g", seed, got, mean)
		}
	}
}

// TestQuantifyFindsTheMixture counts mixtures and wants their shares back.
func TestQuantifyFindsTheMixture(t *testing.T) {
	t.Parallel()
	const seed = 5
	r := rand.New(rand.NewPCG(seed, 0))
	var phases []Phase
	for _, name := range []string{"LiCoO2", "Co3O4", "Li2CO3"} {
		lines, err := Library[name].Lines(1)
		if err != nil {
			t.Fatal(err)
		}
		phases = append(phases, Phase{Lines: lines})
	}
	in := Standard
	for _, want := range [][]float64{{1, 0, 0}, {0.5, 0.3, 0.2}, {0, 0.7, 0.3}, {0.95, 0.05, 0}} {
		for i := range phases {
			phases[i].Grams = want[i]
		}
		y := make([]float64, in.Points())
		in.Expected(y, phases, 3e5)
		in.AddBackground(y, 1)
		in.Count(y, r)
		got, residual, err := in.Quantify(y, phases)
		if err != nil {
			t.Fatal(err)
		}
		for i := range want {
			if math.Abs(got[i]-want[i]) > 0.03 {
				t.Errorf("seed %d: shares are %.3f, want %v", seed, got, want)
				break
			}
		}
		if !(residual > 0 && residual < 0.3) {
			t.Errorf("seed %d: Rwp is %g", seed, residual)
		}
	}
	if _, _, err := in.Quantify([]float64{1}, phases); err == nil {
		t.Error("a scan of one point is quantified")
	}
}

// TestBadStructuresAreRefused reads structures that are wrong.
func TestBadStructuresAreRefused(t *testing.T) {
	t.Parallel()
	good := Library["NaCl"]
	for name, spoil := range map[string]func(*Structure){
		"UnknownElement": func(s *Structure) { s.Sites = []Site{{"Xx", 0, 0, 0}} },
		"TwoParts":       func(s *Structure) { s.Generators = []string{"x,y"} },
		"NoNumber":       func(s *Structure) { s.Generators = []string{"x+1/q,y,z"} },
		"NotClosed":      func(s *Structure) { s.Generators = []string{"x+1/997,y,z"} },
	} {
		s := good
		spoil(&s)
		if _, err := s.Lines(1); err == nil {
			t.Errorf("%s: lines of a wrong structure", name)
		}
	}
	if _, err := good.Lines(0); err == nil {
		t.Error("lines down to no spacing at all")
	}
	for _, in := range []Instrument{{}, {From: 10, To: 5, Step: 1, RadiusMM: 1}, {From: 10, To: 90, Step: 1e-9, RadiusMM: 1}, {From: 10, To: 90, Step: 1}} {
		if in.Check() == nil {
			t.Errorf("instrument %+v is good", in)
		}
	}
}

// BenchmarkPattern computes and counts patterns of 4001 points of a mixture of
// three phases whose crystallites differ from one to the next.
func BenchmarkPattern(b *testing.B) {
	var phases []Phase
	for _, name := range []string{"Si", "NaCl", "MgO"} {
		lines, err := Library[name].Lines(CuKa1 / 2 / math.Sin(45*math.Pi/180))
		if err != nil {
			b.Fatal(err)
		}
		phases = append(phases, Phase{Lines: lines, Grams: 1. / 3})
	}
	in, r := Standard, rand.New(rand.NewPCG(1, 0))
	y := make([]float64, in.Points())
	for b.Loop() {
		clear(y)
		for i := range phases {
			phases[i].CrystallitesA = 300 + 700*r.Float64()
		}
		in.Expected(y, phases, 1e6)
		in.AddBackground(y, 1)
		in.Count(y, r)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "patterns/s")
}
