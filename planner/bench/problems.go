package bench

import (
	"math"
	"math/rand/v2"
	"strconv"

	"github.com/athanor-lab/athanor/lab"
)

// problem is a function that answers proposals, or a family of them: each seed
// draws its own constants, so that no default can be tuned to one of them.
//
// A point is a row with a number to a parameter: its setting, or the index of
// its level; a composition has a number to a part.
type problem struct {
	name       string
	kind       string // "numeric", "mixed", "composition", "constrained", "noisy", "failing" or "several"
	parameters []lab.Parameter
	conditions []condition            // known before the first experiment
	works      func(x []float64) bool // nil for all; where it does not, an experiment fails
	noise      float64                // standard deviation over the distance of best and median
	objectives int                    // 2 or 3 where there are several; all are to be maximised
	budget     int
	value      func(x []float64) []float64
	draw       func(rng *rand.Rand) func(x []float64) []float64 // of a family, in place of value

	optimum *float64  // the best of a single objective where it is known, otherwise it is searched for
	corner  []float64 // with several: from where the volume counts, by default the medians of the space
	volume  float64   // with several: the published volume of the best front, 0 where it is searched for
}

// condition is a constraint that is known, as CEL over the parameters and the
// same in Go. One that is linear has its coefficients, in the order of the
// parameters, and the most that their sum may be.
type condition struct {
	expr   string
	meets  func(x []float64) bool
	linear []float64
	most   float64
}

// atMost is the condition that the sum of the parameters, each times its
// coefficient, is at most a number; expr says the same.
func atMost(most float64, expr string, coefficients ...float64) condition {
	return condition{expr: expr, linear: coefficients, most: most, meets: func(x []float64) bool {
		sum := 0.0
		for i, c := range coefficients {
			sum += c * x[i]
		}
		return sum <= most
	}}
}

// problems is the suite: published functions, and families of our own.
func problems() []problem {
	suite := append(numeric(), published()...)
	suite = append(suite, fronts()...)
	return append(suite, families()...)
}

// budgetOf is how many experiments a campaign on a function with d parameters
// has.
func budgetOf(d int) int { return min(10*d+10, 60) }

// numeric are functions of numbers, plain, constrained, noisy and failing.
func numeric() []problem {
	suite := []problem{
		fixed("branin", box(2, -5, 10, 0, 15), func(x []float64) []float64 { return []float64{-branin(x)} }),
		fixed("hartmann3", box(3, 0, 1), func(x []float64) []float64 { return []float64{hartmann3(x)} }),
		fixed("hartmann6", box(6, 0, 1), func(x []float64) []float64 { return []float64{hartmann6(x)} }),
		{name: "ackley5", kind: "numeric", budget: budgetOf(5), parameters: box(5, -5, 10), draw: shiftedAckley(5), optimum: new(0.0)},
		{name: "ackley10", kind: "numeric", budget: budgetOf(10), parameters: box(10, -5, 10), draw: shiftedAckley(10), optimum: new(0.0)},
		fixed("rosenbrock4", box(4, -2, 2), func(x []float64) []float64 { return []float64{-math.Log1p(rosenbrock(x))} }),
		fixed("levy4", box(4, -10, 10), func(x []float64) []float64 { return []float64{-levy(x)} }),
		fixed("michalewicz5", box(5, 0, math.Pi), func(x []float64) []float64 { return []float64{michalewicz(x)} }),
	}
	for i, best := range []float64{-0.397887, 3.86278, 3.32237, 0, 0, 0, 0, 4.687658} {
		suite[i].optimum = new(best)
	}
	branin2, hartmann3d, hartmann6d, levy4 := suite[0], suite[1], suite[2], suite[6]

	half := branin2
	half.name, half.kind = "branin-constrained", "constrained"
	half.conditions = []condition{atMost(8, "x1 + x2 <= 8.0", 1, 1)}
	simplex := hartmann6d
	simplex.name, simplex.kind = "hartmann6-constrained", "constrained"
	simplex.conditions = []condition{atMost(2.2, "x1 + x2 + x3 + x4 + x5 + x6 <= 2.2", 1, 1, 1, 1, 1, 1)}
	loud, louder, loudest := branin2, hartmann6d, levy4
	loud.name, loud.kind, loud.noise = "branin-noisy", "noisy", 0.05
	louder.name, louder.kind, louder.noise = "hartmann6-noisy", "noisy", 0.05
	loudest.name, loudest.kind, loudest.noise = "levy4-noisy", "noisy", 0.05
	failing := hartmann3d
	failing.name, failing.kind = "hartmann3-failing", "failing"
	failing.works = func(x []float64) bool { return x[0]+x[1]+0.5*x[2] <= 1.3 }
	return append(suite, half, simplex, loud, louder, loudest, failing)
}

// fixed is a problem of numbers without constants to draw.
func fixed(name string, ps []lab.Parameter, f func([]float64) []float64) problem {
	return problem{name: name, kind: "numeric", budget: budgetOf(len(ps)), parameters: ps, value: f}
}

// box is n numbers x1 … xn between bounds: two for all, or two to each.
func box(n int, bounds ...float64) []lab.Parameter {
	var ps []lab.Parameter
	for i := range n {
		k := 2 * i % len(bounds)
		ps = append(ps, number("x"+strconv.Itoa(i+1), bounds[k], bounds[k+1]))
	}
	return ps
}

func number(name string, low, high float64) lab.Parameter {
	return lab.Parameter{Name: name, Type: lab.Continuous, Min: &low, Max: &high, Unit: "1"}
}

func integer(name string, low, high float64) lab.Parameter {
	p := number(name, low, high)
	p.Type = lab.Integer
	return p
}

func choice(name string, n int) lab.Parameter {
	p := lab.Parameter{Name: name, Type: lab.Categorical}
	for i := range n {
		p.Levels = append(p.Levels, string(rune('a'+i)))
	}
	return p
}

// branin is the function of Dixon & Szegö, Towards Global Optimisation 2 (1978).
func branin(x []float64) float64 {
	q := x[1] - 5.1/(4*math.Pi*math.Pi)*x[0]*x[0] + 5/math.Pi*x[0] - 6
	return q*q + 10*(1-1/(8*math.Pi))*math.Cos(x[0]) + 10
}

// hartmann is a sum of four bumps, after Hartman (1973) as printed by Dixon &
// Szegö (1978).
func hartmann(x []float64, a, p [4][]float64) float64 {
	sum := 0.0
	for i, height := range [4]float64{1, 1.2, 3, 3.2} {
		e := 0.0
		for j, v := range x {
			e += a[i][j] * (v - p[i][j]) * (v - p[i][j])
		}
		sum += height * math.Exp(-e)
	}
	return sum
}

func hartmann3(x []float64) float64 {
	return hartmann(x,
		[4][]float64{{3, 10, 30}, {0.1, 10, 35}, {3, 10, 30}, {0.1, 10, 35}},
		[4][]float64{{0.3689, 0.1170, 0.2673}, {0.4699, 0.4387, 0.7470}, {0.1091, 0.8732, 0.5547}, {0.03815, 0.5743, 0.8828}})
}

func hartmann6(x []float64) float64 {
	return hartmann(x,
		[4][]float64{{10, 3, 17, 3.5, 1.7, 8}, {0.05, 10, 17, 0.1, 8, 14}, {3, 3.5, 1.7, 10, 17, 8}, {17, 8, 0.05, 10, 0.1, 14}},
		[4][]float64{
			{0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886},
			{0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991},
			{0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650},
			{0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381},
		})
}

// rosenbrock is the curved valley of Rosenbrock, Comput. J. 3 (1960).
func rosenbrock(x []float64) float64 {
	sum := 0.0
	for i := range len(x) - 1 {
		a, b := x[i+1]-x[i]*x[i], 1-x[i]
		sum += 100*a*a + b*b
	}
	return sum
}

// ackley has its minimum 0 at 0 (Ackley, A Connectionist Machine for Genetic
// Hillclimbing, 1987).
func ackley(x []float64) float64 {
	square, wave := 0.0, 0.0
	for _, v := range x {
		square += v * v / float64(len(x))
		wave += math.Cos(2*math.Pi*v) / float64(len(x))
	}
	return -20*math.Exp(-0.2*math.Sqrt(square)) - math.Exp(wave) + 20 + math.E
}

// shiftedAckley draws where the minimum of n numbers is, away from the middle.
func shiftedAckley(n int) func(rng *rand.Rand) func([]float64) []float64 {
	return func(rng *rand.Rand) func([]float64) []float64 {
		shift := make([]float64, n)
		for i := range shift {
			shift[i] = -3 + 10*rng.Float64()
		}
		z := make([]float64, n)
		return func(x []float64) []float64 {
			for i := range z {
				z[i] = x[i] - shift[i]
			}
			return []float64{-ackley(z)}
		}
	}
}

// levy has its minimum 0 at (1, …, 1) (Laguna & Martí, Experimental testing of
// advanced scatter search designs for global optimization of multimodal
// functions, J. Glob. Optim. 33, 2005).
func levy(x []float64) float64 {
	w := func(i int) float64 { return 1 + (x[i]-1)/4 }
	square := func(v float64) float64 { return v * v }
	last := len(x) - 1
	sum := square(math.Sin(math.Pi*w(0))) + square(w(last)-1)*(1+square(math.Sin(2*math.Pi*w(last))))
	for i := range last {
		sum += square(w(i)-1) * (1 + 10*square(math.Sin(math.Pi*w(i)+1)))
	}
	return sum
}

// michalewicz has narrow valleys, here hills: 1.801303 in two numbers and
// 4.687658 in five is the most (Michalewicz, Genetic Algorithms + Data Structures
// = Evolution Programs, 1992).
func michalewicz(x []float64) float64 {
	sum := 0.0
	for i, v := range x {
		sum += math.Sin(v) * math.Pow(math.Sin(float64(i+1)*v*v/math.Pi), 20)
	}
	return sum
}
