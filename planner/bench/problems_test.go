package bench

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestFunctionsHaveTheirPublishedValues checks each where its paper or its
// optimum says what it is, and the others by the implementations of BoTorch 0.18.1.
func TestFunctionsHaveTheirPublishedValues(t *testing.T) {
	t.Parallel()
	ones := []float64{1, 1, 1, 1}
	for _, c := range []struct {
		name string
		got  float64
		want float64
		near float64
	}{
		{"branin", branin([]float64{-math.Pi, 12.275}), 0.397887, 1e-6},
		{"branin", branin([]float64{9.42478, 2.475}), 0.397887, 1e-6},
		{"hartmann3", hartmann3([]float64{0.114614, 0.555649, 0.852547}), 3.86278, 1e-5},
		{"hartmann6", hartmann6([]float64{0.20169, 0.150011, 0.476874, 0.275332, 0.311652, 0.6573}), 3.32237, 1e-5},
		{"ackley", ackley(make([]float64, 10)), 0, 1e-14},
		{"ackley", ackley([]float64{1, 0}), 2.63753, 1e-5},
		{"rosenbrock", rosenbrock(ones), 0, 0},
		{"levy", levy(ones), 0, 1e-30},
		{"levy", levy([]float64{0, 0, 0, 0}), 0.897533662350923, 1e-12},
		{"michalewicz", michalewicz([]float64{2.20290552, 1.57079633}), 1.80130341, 1e-8},
		{"michalewicz", michalewicz([]float64{2.202906, 1.570796, 1.284992, 1.923058, 1.720470}), 4.687658, 1e-6},
		{"cat-michalewicz", catMichalewicz([]float64{14, 10})[0], 1.80107028931, 1e-10},
		{"pressure-vessel", pressureVessel([]float64{0.8125, 0.4375, 42.0984456, 176.6365958}), 6059.714335, 1e-3},
		// Of Coello Coello & Mezura Montes (2002), table 4.
		{"pressure-vessel", pressureVessel([]float64{0.8125, 0.4375, 42.097398, 176.654047}), 6059.946341, 1e-2},
		{"zdt1", zdt1([]float64{0.25, 0, 0, 0})[1], 0.5, 1e-15},
		{"zdt1", zdt1([]float64{0, 1, 1, 1})[1], 10, 0},
		{"currin", braninCurrin([]float64{0.5, 0.25})[1], 10.129316760328459, 1e-12},
		{"branin-currin", braninCurrin([]float64{0.5, 0.25})[0], branin([]float64{2.5, 3.75}), 0},
		{"dtlz2", dtlz2([]float64{0.5, 0.5, 0.5, 0.5, 0.5, 0.5}, 2)[0], math.Sqrt2 / 2, 1e-15},
		{"dtlz2, three", dtlz2([]float64{0.5, 0.5, 0.5, 0.5, 0.5, 0.5}, 3)[0], 0.5, 1e-15},
		{"dtlz2, three", dtlz2([]float64{0.5, 0.5, 0.5, 0.5, 0.5, 0.5}, 3)[2], math.Sqrt2 / 2, 1e-15},
		{"vehicle-safety, mass", vehicleSafety([]float64{1, 1, 1, 1, 1})[0], 1661.7078225, 1e-9},
		{"vehicle-safety, acceleration", vehicleSafety([]float64{1.5, 2, 2.5, 1.2, 2.8})[1], 8.087661, 1e-12},
		{"vehicle-safety, intrusion", vehicleSafety([]float64{1.5, 2, 2.5, 1.2, 2.8})[2], 0.153976, 1e-12},
	} {
		if !(math.Abs(c.got-c.want) <= c.near) {
			t.Errorf("%s = %.10g, want %.10g", c.name, c.got, c.want)
		}
	}
}

// TestGramacyIsActiveAtItsBest walks over the constraint at the best that the
// paper has.
func TestGramacyIsActiveAtItsBest(t *testing.T) {
	t.Parallel()
	if !gramacyWorks([]float64{0.1954, 0.4045}) || gramacyWorks([]float64{0.1944, 0.4035}) {
		t.Error("the constraint is not met at (0.1954, 0.4045) alone")
	}
}

// TestIslandsKeepMiddleAndEnds looks along the front of DTLZ2.
func TestIslandsKeepMiddleAndEnds(t *testing.T) {
	t.Parallel()
	for angle, want := range map[float64]bool{0: true, 0.25: false, 0.5: true, 0.75: false, 1: true} {
		if got := onIslands(dtlz2([]float64{angle, 0.5, 0.5, 0.5}, 2)); got != want {
			t.Errorf("at %g of the quarter circle it works: %t, want %t", angle, got, want)
		}
	}
}

// TestSnarAgreesWithAnotherSolver compares with LSODA of ODEPACK at a tolerance
// of 1e-11, and adds up what went in.
func TestSnarAgreesWithAnotherSolver(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ x, want [4]float64 }{
		{[4]float64{1.567, 4.445, 0.3055, 86.42}, [4]float64{1190.2594431592554, 28.756333702410302}},
		{[4]float64{0.948, 2.82, 0.371, 59.55}, [4]float64{4308.247089260075, 12.43225828982728}},
		{[4]float64{0.82, 3.271, 0.2915, 31.94}, [4]float64{3950.0993300640134, 15.627479341329387}},
	} {
		got := snar(c.x[:])
		if math.Abs(got[0]+c.want[0]) > 1e-4 || math.Abs(got[1]-c.want[1]) > 1e-6 {
			t.Errorf("at %v yield and E-factor are %.9g, want %.9g", c.x, got, c.want[:2])
		}
	}
	c := snarReactor(2, 5, 0.5, 120)
	if halide, amine := c[0]+c[2]+c[3]+c[4], c[1]+c[2]+c[3]+2*c[4]; math.Abs(halide-0.5) > 1e-9 || math.Abs(amine-2.5) > 1e-9 {
		t.Errorf("%g of 0.5 halide and %g of 2.5 amine come out", halide, amine)
	}
}

// TestFamiliesHaveTheirOptimum draws constants and looks where they say.
func TestFamiliesHaveTheirOptimum(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		f := simplexAckley(rand.New(rand.NewPCG(seed, 11)))
		found := false
		for a := 0; a <= 100; a++ {
			for b := 0; a+b <= 100; b++ {
				for _, x := range [][]float64{
					{float64(a) / 100, float64(b) / 100, float64(100-a-b) / 100, 0},
					{float64(a) / 100, float64(b) / 100, 0, float64(100-a-b) / 100},
					{float64(a) / 100, 0, float64(b) / 100, float64(100-a-b) / 100},
					{0, float64(a) / 100, float64(b) / 100, float64(100-a-b) / 100},
				} {
					if y := f(x)[0]; y > 1e-9 {
						t.Fatalf("seed %d: %g at %v is above 0", seed, y, x)
					} else if y > -1e-6 {
						found = true
					}
				}
			}
		}
		if !found {
			t.Errorf("seed %d: no composition of three parts reaches 0", seed)
		}
	}
}
