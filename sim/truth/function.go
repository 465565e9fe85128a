package truth

import (
	"math"

	"github.com/athanor-lab/athanor/lab"
)

// Function is a response surface whose optimum is known. Its response is
// dimensionless, and minimised as in the literature.
type Function struct {
	Title  string
	Source string // where formula and reference values were published
	Axes   []Axis
	// Simplex says that the coordinates are fractions that add up to one.
	Simplex bool
	Best    float64     // the smallest response
	Optima  [][]float64 // where it is reached
	at      func(x []float64) float64
}

// Axis is a coordinate of a [Function] with its bounds.
type Axis struct {
	Name     string
	Min, Max float64
}

// simplexTolerance is how far the sum of fractions may be from one: above the
// rounding of six fractions, below any step that a balance could weigh.
const simplexTolerance = 1e-6

// At returns the response at x, which has a number to an axis. Cost: O(axes).
func (f Function) At(x []float64) float64 {
	if len(x) != len(f.Axes) {
		panic("truth: point has another dimension than the function")
	}
	return f.at(x)
}

// Name is the name of the surface, as laboratories ask for it.
func (f Function) Name() string { return f.Title }

// Params describes the coordinates as parameters of a command.
func (f Function) Params() []lab.ParamSpec {
	specs := make([]lab.ParamSpec, len(f.Axes))
	for i, a := range f.Axes {
		specs[i] = lab.ParamSpec{Name: a.Name, Type: "number", Unit: "1", Min: &a.Min, Max: &a.Max, Required: true}
	}
	return specs
}

// Results describes the response as a result of a command.
func (f Function) Results() []lab.ParamSpec {
	return []lab.ParamSpec{{Name: "response", Type: "number", Unit: "1", Required: true}}
}

// Space is the search space of the function. The coordinates of a simplex are
// one composition named "mixture".
func (f Function) Space() lab.Space {
	if f.Simplex {
		p := lab.Parameter{Name: "mixture", Type: lab.Composition, Unit: "1"}
		for _, a := range f.Axes {
			p.Parts = append(p.Parts, a.Name)
		}
		return lab.Space{Parameters: []lab.Parameter{p}}
	}
	var s lab.Space
	for _, a := range f.Axes {
		s.Parameters = append(s.Parameters, lab.Parameter{Name: a.Name, Type: lab.Continuous, Min: &a.Min, Max: &a.Max, Unit: "1"})
	}
	return s
}

// Measure answers the coordinates in settings, one to an axis in any order. It
// returns an Invalid error for a coordinate that is missing, out of bounds or no
// number, and for fractions that do not add up to one.
func (f Function) Measure(settings []lab.Setting) ([]lab.Measured, error) {
	x, sum := make([]float64, len(f.Axes)), 0.0
	for i, a := range f.Axes {
		v, err := valueOf(settings, a.Name)
		if err != nil {
			return nil, lab.Errorf(lab.Invalid, "measure %s: %w", f.Title, err)
		}
		if x[i] = v.Number(); !(x[i] >= a.Min && x[i] <= a.Max) {
			return nil, lab.Errorf(lab.Invalid, "measure %s: %s = %v is not a number from %g to %g", f.Title, a.Name, v, a.Min, a.Max)
		}
		sum += x[i]
	}
	if f.Simplex && math.Abs(sum-1) > simplexTolerance {
		return nil, lab.Errorf(lab.Invalid, "measure %s: the fractions add up to %g, not to 1", f.Title, sum)
	}
	return []lab.Measured{{Name: "response", Value: f.at(x), Unit: "1"}}, nil
}

// valueOf returns the value of the setting of a name.
func valueOf(settings []lab.Setting, name string) (lab.Value, error) {
	for _, s := range settings {
		if s.Name == name {
			return s.Value, nil
		}
	}
	return lab.Value{}, lab.Errorf(lab.Invalid, "parameter %q is missing", name)
}

// Functions lists the surfaces by which planners and laboratories are tested.
func Functions() []Function {
	return []Function{Branin, Hartmann3, Hartmann6, Ackley(5), Alloy}
}
