package space

import (
	"math"
	"slices"
	"strconv"

	"github.com/athanor-lab/athanor/lab"
)

// param is a parameter with its columns and what it can be set to.
type param struct {
	lab.Parameter
	optional bool   // it is absent where its condition does not hold
	path     string // as in "space.parameters[2]", for complaints
	column   int    // its first column
	width    int
	min, max float64
	log      bool
	decimals int       // of a continuous parameter: how finely it is set
	digits   int       // the same on a log scale
	values   []float64 // of a discrete one, ascending
	steps    int       // of a composition: grid steps in the whole sum
	sum      float64
	nonzero  int // of a composition: at most this many parts
	tables   []float64
}

// fineSteps is how many settings a continuous parameter or composition without
// a grid is resolved into, at least. Finer differences no laboratory can set.
const fineSteps = 1000

// compileParam checks one parameter by itself. A pool says what the range of a
// parameter without bounds is.
func compileParam(p lab.Parameter, path string, column int, pool []lab.Value) (param, error) {
	q := param{Parameter: p, path: path, column: column, width: 1}
	switch p.Type {
	case lab.Continuous, lab.Integer:
		return q.bounded(pool)
	case lab.Discrete:
		for i, v := range p.Values {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return q, lab.Errorf(lab.Invalid, "%s.values[%d] is not a finite number", path, i)
			}
		}
		q.values = slices.Clone(p.Values)
		for _, v := range pool {
			if v.Kind() == lab.IsNumber {
				q.values = append(q.values, v.Number())
			}
		}
		slices.Sort(q.values)
		q.values = slices.Compact(q.values)
		if len(q.values) == 0 {
			return q, lab.Errorf(lab.Invalid, "%s.values is empty; list at least one number", path)
		}
		q.min, q.max = q.values[0], q.values[len(q.values)-1]
		return q.scaled()
	case lab.Categorical:
		return q.categorical()
	case lab.Composition:
		return q.composition()
	default:
		return q, lab.Errorf(lab.Invalid, "%s.type is %q; it is one of continuous, integer, discrete, categorical, composition", path, p.Type)
	}
}

func (q param) bounded(pool []lab.Value) (param, error) {
	q.min, q.max = math.Inf(1), math.Inf(-1)
	for _, v := range pool {
		if v.Kind() == lab.IsNumber {
			q.min, q.max = math.Min(q.min, v.Number()), math.Max(q.max, v.Number())
		}
	}
	if q.Min != nil {
		q.min = *q.Min
	}
	if q.Max != nil {
		q.max = *q.Max
	}
	if math.IsInf(q.min, 0) || math.IsInf(q.max, 0) || math.IsNaN(q.min) || math.IsNaN(q.max) || math.IsInf(q.max-q.min, 0) {
		return q, lab.Errorf(lab.Invalid, "%s needs a finite min and max", q.path)
	}
	if q.min > q.max {
		return q, lab.Errorf(lab.Invalid, "%s spans [%g, %g]; min must not exceed max", q.path, q.min, q.max)
	}
	if q.Type == lab.Integer {
		lo, hi := math.Ceil(q.min), math.Floor(q.max)
		if lo > hi {
			return q, lab.Errorf(lab.Invalid, "%s has no whole number in [%g, %g]", q.path, q.min, q.max)
		}
		if hi-lo > 1<<53 || math.Abs(lo) > 1<<53 || math.Abs(hi) > 1<<53 {
			return q, lab.Errorf(lab.Invalid, "%s spans [%g, %g]; whole numbers are exact up to 2^53", q.path, q.min, q.max)
		}
		q.min, q.max = lo, hi
	}
	q.digits = 3
	if q.max < 3*q.min {
		q.digits = 5
	}
	if q.max > q.min {
		q.decimals = int(math.Ceil(math.Log10(fineSteps / (q.max - q.min))))
	}
	return q.scaled()
}

func (q param) scaled() (param, error) {
	switch q.Scale {
	case "", "linear":
	case "log":
		if q.min <= 0 {
			return q, lab.Errorf(lab.Invalid, "%s has a log scale and reaches %g; a log scale needs numbers above 0", q.path, q.min)
		}
		q.log = true
	default:
		return q, lab.Errorf(lab.Invalid, `%s.scale is %q; it is "linear" or "log"`, q.path, q.Scale)
	}
	return q, nil
}

func (q param) categorical() (param, error) {
	if len(q.Levels) == 0 {
		return q, lab.Errorf(lab.Invalid, "%s.levels is empty; list at least one level", q.path)
	}
	seen := make(map[string]bool, len(q.Levels))
	for i, l := range q.Levels {
		if seen[l] {
			return q, lab.Errorf(lab.Invalid, "%s.levels[%d] %q is listed twice", q.path, i, l)
		}
		seen[l] = true
	}
	if len(q.DescriptorValues) > 0 {
		if len(q.DescriptorValues) != len(q.Levels) {
			return q, lab.Errorf(lab.Invalid, "%s has %d rows of descriptors for %d levels; give one row to a level", q.path, len(q.DescriptorValues), len(q.Levels))
		}
		for i, row := range q.DescriptorValues {
			if len(row) != len(q.DescriptorValues[0]) {
				return q, lab.Errorf(lab.Invalid, "%s.descriptor_values[%d] has %d numbers, the first row %d", q.path, i, len(row), len(q.DescriptorValues[0]))
			}
		}
		q.tables = descriptorDistances(q.DescriptorValues)
		if q.When != "" && q.tables != nil {
			q.tables = withAbsent(q.tables, len(q.Levels))
		}
	}
	return q, nil
}

func (q param) composition() (param, error) {
	if len(q.Parts) == 0 {
		return q, lab.Errorf(lab.Invalid, "%s.parts is empty; name at least one part", q.path)
	}
	q.width, q.sum, q.steps, q.nonzero = len(q.Parts), 1, fineSteps, len(q.Parts)
	if q.Sum != nil {
		q.sum = *q.Sum
	}
	if !(q.sum > 0) || math.IsInf(q.sum, 0) {
		return q, lab.Errorf(lab.Invalid, "%s.sum is %g; it must be above 0", q.path, q.sum)
	}
	if q.Step != nil {
		n := q.sum / *q.Step
		if !(*q.Step > 0) || n < 1 || n > 1e9 || math.Abs(n-math.Round(n)) > 1e-6*n {
			return q, lab.Errorf(lab.Invalid, "%s.step %g does not divide the sum %g", q.path, *q.Step, q.sum)
		}
		q.steps = int(math.Round(n))
	}
	if q.MaxNonzero != nil {
		if *q.MaxNonzero < 1 {
			return q, lab.Errorf(lab.Invalid, "%s.max_nonzero is %d; at least one part must be there", q.path, *q.MaxNonzero)
		}
		q.nonzero = min(q.nonzero, *q.MaxNonzero)
	}
	return q, nil
}

// unit returns v scaled so that the bounds are 0 and 1.
func (q *param) unit(v float64) float64 {
	switch {
	case q.Type == lab.Composition:
		return v / q.sum
	case q.max == q.min:
		return v - q.min
	case q.log:
		return math.Log(v/q.min) / math.Log(q.max/q.min)
	default:
		return (v - q.min) / (q.max - q.min)
	}
}

// natural returns the setting nearest to what unit scales to u.
func (q *param) natural(u float64) float64 {
	v := q.min + u*(q.max-q.min)
	if q.log {
		v = q.min * math.Pow(q.max/q.min, u)
	}
	return q.snap(v)
}

// snap returns the setting nearest to v.
func (q *param) snap(v float64) float64 {
	switch q.Type {
	case lab.Integer:
		v = math.Round(v)
	case lab.Discrete:
		return q.values[q.nearest(v)]
	case lab.Continuous:
		if q.max == q.min {
			return q.min
		}
		v = q.round(v)
	default: // the others have no number
	}
	return math.Min(q.max, math.Max(q.min, v))
}

// nearest returns the index of the discrete value nearest to v.
func (q *param) nearest(v float64) int {
	i, _ := slices.BinarySearch(q.values, v)
	if i == len(q.values) || i > 0 && v-q.values[i-1] <= q.values[i]-v {
		i--
	}
	return i
}

// round keeps decimals behind the point, or on a log scale some digits. It goes
// through the decimal text, so that the result is the float64 a person's number
// would be.
func (q *param) round(v float64) float64 {
	var s string
	switch {
	case q.log:
		s = strconv.FormatFloat(v, 'e', q.digits-1, 64)
	case q.decimals >= 0 && q.decimals <= 22 && math.Abs(v)*tens[q.decimals] < 1<<53:
		// Both are exact, so that the quotient is the float64 nearest to it.
		return math.Round(v*tens[q.decimals]) / tens[q.decimals]
	case q.decimals >= 0:
		s = strconv.FormatFloat(v, 'f', min(q.decimals, 300), 64)
	default:
		p := math.Pow(10, float64(-q.decimals))
		return math.Round(v/p) * p
	}
	r, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return v
	}
	return r
}

// tens are the powers of ten that a float64 holds exactly.
var tens = [23]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// count returns how many settings the parameter has, or limit+1 when more.
func (q *param) count(limit int) int {
	switch q.Type {
	case lab.Integer:
		return int(math.Min(q.max-q.min+1, float64(limit+1)))
	case lab.Discrete:
		return min(len(q.values), limit+1)
	case lab.Categorical:
		return min(len(q.Levels), limit+1)
	case lab.Composition:
		return q.countMixtures(limit)
	default:
		if q.max == q.min {
			return 1
		}
		return limit + 1
	}
}
