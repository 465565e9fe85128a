package bench

import (
	"math"
	"math/rand/v2"
	"strconv"

	"github.com/athanor-lab/athanor/lab"
)

// published are functions of mixed spaces and of constrained ones as others
// have published them.
func published() []problem {
	var binary []lab.Parameter
	for i := range binaries {
		binary = append(binary, integer("b"+strconv.Itoa(i+1), 0, 1))
	}
	options := func(name string) lab.Parameter {
		p := lab.Parameter{Name: name, Type: lab.Categorical}
		for i := range catOptions {
			p.Levels = append(p.Levels, "x_"+strconv.Itoa(i))
		}
		return p
	}
	step, most := mixtureStep, 3
	mixture := lab.Parameter{
		Name: "mixture", Type: lab.Composition, Parts: []string{"a", "b", "c", "d"}, Step: &step, MaxNonzero: &most, Unit: "1",
	}
	var sixteenths []float64
	for i := range 99 {
		sixteenths = append(sixteenths, 0.0625*float64(i+1))
	}
	shell, head := lab.Parameter{Name: "shell", Type: lab.Discrete, Values: sixteenths}, lab.Parameter{Name: "head", Type: lab.Discrete, Values: sixteenths}
	vessel := fixed("pressure-vessel", []lab.Parameter{shell, head, number("radius", 10, 50), number("length", 150, 200)},
		func(x []float64) []float64 { return []float64{-pressureVessel(x)} })
	vessel.kind, vessel.optimum = "constrained", new(-6059.714335)
	vessel.conditions = []condition{
		atMost(0, "0.0193 * radius - shell <= 0.0", -1, 0, 0.0193, 0),
		atMost(0, "0.00954 * radius - head <= 0.0", 0, -1, 0.00954, 0),
		{
			expr:  "pi() * radius * radius * length + 4.0 / 3.0 * pi() * radius * radius * radius >= 1296000.0",
			meets: func(x []float64) bool { return math.Pi*x[2]*x[2]*x[3]+4.0/3.0*math.Pi*x[2]*x[2]*x[2] >= 1296000 },
		},
	}
	gramacy := fixed("gramacy", box(2, 0, 1), func(x []float64) []float64 { return []float64{-x[0] - x[1]} })
	gramacy.kind, gramacy.works, gramacy.optimum = "failing", gramacyWorks, new(-0.599788)
	gramacy.conditions = []condition{{
		expr: "x1 * x1 + x2 * x2 <= 1.5", meets: func(x []float64) bool { return x[0]*x[0]+x[1]*x[1] <= 1.5 },
	}}
	return []problem{
		{
			name: "ackley-binary", kind: "mixed", budget: budgetOf(binaries + 3), parameters: append(binary, box(3, 0, 1)...),
			draw: binaryAckley, optimum: new(0.0),
		},
		{
			name: "cat-michalewicz", kind: "mixed", budget: budgetOf(2), parameters: []lab.Parameter{options("a"), options("b")},
			value: catMichalewicz, optimum: new(1.80107028931), // at levels 14 and 10
		},
		{
			name: "ackley-simplex", kind: "composition", budget: budgetOf(3), parameters: []lab.Parameter{mixture},
			draw: simplexAckley, optimum: new(0.0),
		},
		vessel, gramacy,
	}
}

// binaries is how many of the numbers of [binaryAckley] are 0 or 1.
const binaries = 10

// binaryAckley is Ackley's function of binary and three continuous numbers, its
// minimum where the seed says (Bliek, Verwer & de Weerdt, Black-box mixed-variable
// optimization using a surrogate model that satisfies integer constraints, GECCO
// 2021; as AckleyMixed of BoTorch, with 10 binary numbers in place of 50).
func binaryAckley(rng *rand.Rand) func([]float64) []float64 {
	top := make([]float64, binaries+3)
	for i := range top {
		if top[i] = rng.Float64(); i < binaries {
			top[i] = math.Round(top[i])
		}
	}
	return func(x []float64) []float64 {
		z := make([]float64, len(top))
		for i := range z {
			z[i] = x[i] - top[i]
		}
		return []float64{-ackley(z)}
	}
}

// catOptions is how many levels each choice of [catMichalewicz] has.
const catOptions = 21

// catMichalewicz is Michalewicz's function on a grid whose ticks are levels
// without order (Häse et al., Olympus, Mach. Learn. Sci. Technol. 2, 2021). The
// best are levels 14 and 10.
func catMichalewicz(x []float64) []float64 {
	return []float64{michalewicz([]float64{math.Pi * x[0] / (catOptions - 1), math.Pi * x[1] / (catOptions - 1)})}
}

// mixtureStep is the grid of [simplexAckley].
const mixtureStep = 0.01

// simplexAckley is Ackley's function of a composition: the seed draws which
// three of the four parts the best has, each a tenth or more, and ten times the
// distance from it counts.
func simplexAckley(rng *rand.Rand) func([]float64) []float64 {
	const least, steps = 10, 100
	top := make([]float64, 4)
	parts, left := rng.Perm(4)[:3], steps-3*least
	for k, i := range parts {
		more := left
		if k < 2 {
			more = rng.IntN(left + 1)
		}
		left -= more
		top[i] = float64(least+more) / steps
	}
	return func(x []float64) []float64 {
		z := make([]float64, len(top))
		for i := range z {
			z[i] = 10 * (x[i] - top[i])
		}
		return []float64{-ackley(z)}
	}
}

// pressureVessel is the cost of a vessel by the thickness of its shell and
// heads, its radius and its length, in inches (Sandgren, 1988; as Coello Coello &
// Mezura Montes, Constraint-handling in genetic algorithms through the use of
// dominance-based tournament selection, Adv. Eng. Inform. 16, 2002, have it, with
// 6059.946; the least that is known is 6059.714).
func pressureVessel(x []float64) float64 {
	shell, head, radius, length := x[0], x[1], x[2], x[3]
	return 0.6224*shell*radius*length + 1.7781*head*radius*radius + 3.1661*shell*shell*length + 19.84*shell*shell*radius
}

// gramacyWorks is the constraint that has to be found out of the problem of
// Gramacy et al., Modeling an augmented Lagrangian for blackbox constrained
// optimization, Technometrics 58 (2016). It is active at the best, 0.5998.
func gramacyWorks(x []float64) bool {
	return 1.5-x[0]-2*x[1]-0.5*math.Sin(2*math.Pi*(x[0]*x[0]-2*x[1])) <= 0
}
