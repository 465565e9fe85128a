package bench

import (
	"math"
	"math/rand/v2"

	"github.com/athanor-lab/athanor/lab"
)

// problem is a function that answers proposals, or a family of them: each seed
// draws its own constants, so that no default can be tuned to one of them.
//
// A point is a row with a number to a parameter: its setting, or the index of
// its level.
type problem struct {
	name       string
	kind       string // "numeric", "mixed", "constrained", "noisy", "failing" or "several"
	parameters []lab.Parameter
	constraint string                 // CEL over the parameters; meets is the same in Go
	meets      func(x []float64) bool // nil for all
	works      func(x []float64) bool // nil for all; where it does not, an experiment fails
	noise      float64                // standard deviation over the distance of best and median
	objectives int                    // 1 or 2, all to be maximised
	budget     int
	draw       func(rng *rand.Rand) func(x []float64) []float64
}

// problems is the suite.
func problems() []problem {
	suite := []problem{
		fixed("branin", 30, box(2, -5, 10, 0, 15), func(x []float64) []float64 { return []float64{-branin(x)} }),
		fixed("hartmann3", 30, box(3, 0, 1), func(x []float64) []float64 { return []float64{hartmann3(x)} }),
		fixed("hartmann6", 50, box(6, 0, 1), func(x []float64) []float64 { return []float64{hartmann6(x)} }),
		{name: "ackley5", kind: "numeric", budget: 50, parameters: box(5, -5, 10), draw: shiftedAckley},
		fixed("rosenbrock4", 50, box(4, -2, 2), func(x []float64) []float64 { return []float64{-math.Log1p(rosenbrock(x))} }),
	}
	branin2, hartmann3d, hartmann6d := suite[0], suite[1], suite[2]

	half := branin2
	half.name, half.kind = "branin-constrained", "constrained"
	half.constraint, half.meets = "x1 + x2 <= 8.0", func(x []float64) bool { return x[0]+x[1] <= 8 }
	simplex := hartmann6d
	simplex.name, simplex.kind = "hartmann6-constrained", "constrained"
	simplex.constraint = "x1 + x2 + x3 + x4 + x5 + x6 <= 2.2"
	simplex.meets = func(x []float64) bool { return x[0]+x[1]+x[2]+x[3]+x[4]+x[5] <= 2.2 }
	loud, louder := branin2, hartmann6d
	loud.name, loud.kind, loud.noise = "branin-noisy", "noisy", 0.05
	louder.name, louder.kind, louder.noise = "hartmann6-noisy", "noisy", 0.05
	failing := hartmann3d
	failing.name, failing.kind = "hartmann3-failing", "failing"
	failing.works = func(x []float64) bool { return x[0]+x[1]+0.5*x[2] <= 1.3 }
	suite = append(suite, half, simplex, loud, louder, failing)

	zdt1 := fixed("zdt1", 40, box(4, 0, 1), func(x []float64) []float64 {
		g := 1 + 3*(x[1]+x[2]+x[3])
		return []float64{-x[0], -g * (1 - math.Sqrt(x[0]/g))}
	})
	bnh := fixed("bnh", 30, box(2, 0, 5, 0, 3), func(x []float64) []float64 {
		return []float64{-4 * (x[0]*x[0] + x[1]*x[1]), -((x[0]-5)*(x[0]-5) + (x[1]-5)*(x[1]-5))}
	})
	bnh.constraint = "(x1 - 5.0) * (x1 - 5.0) + x2 * x2 <= 25.0"
	bnh.meets = func(x []float64) bool { return (x[0]-5)*(x[0]-5)+x[1]*x[1] <= 25 }
	zdt1.kind, zdt1.objectives, bnh.kind, bnh.objectives = "several", 2, "several", 2
	return append(append(suite, zdt1, bnh), families()...)
}

// fixed is a problem without constants to draw.
func fixed(name string, budget int, ps []lab.Parameter, f func([]float64) []float64) problem {
	return problem{name: name, kind: "numeric", budget: budget, parameters: ps, draw: func(*rand.Rand) func([]float64) []float64 { return f }}
}

// box is n numbers x1 … xn between bounds: two for all, or two to each.
func box(n int, bounds ...float64) []lab.Parameter {
	var ps []lab.Parameter
	for i := range n {
		k := 2 * i % len(bounds)
		ps = append(ps, number("x"+string(rune('1'+i)), bounds[k], bounds[k+1]))
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
			{0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886}, {0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991},
			{0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650}, {0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381},
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

// shiftedAckley draws where the minimum is, away from the middle.
func shiftedAckley(rng *rand.Rand) func([]float64) []float64 {
	shift := make([]float64, 5)
	for i := range shift {
		shift[i] = -3 + 10*rng.Float64()
	}
	z := make([]float64, 5)
	return func(x []float64) []float64 {
		for i := range z {
			z[i] = x[i] - shift[i]
		}
		return []float64{-ackley(z)}
	}
}
