package space

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/athanor-lab/athanor/lab"
)

func itoa(i int) string { return strconv.Itoa(i) }

// read writes a value of the parameter into its columns of state. Numbers
// beyond the bounds or between the values are taken as they are: they may be
// data, and a pool may hold them.
func (q *param) read(v lab.Value, state []float64) error {
	switch q.Type {
	case lab.Categorical:
		if v.Kind() != lab.IsLabel {
			return lab.Errorf(lab.Invalid, "%s is %s; it is one of the levels %s", q.Name, v, q.someLevels())
		}
		i := slices.Index(q.Levels, v.Label())
		if i < 0 {
			return lab.Errorf(lab.Invalid, "%s has no level %q; it is one of %s", q.Name, v.Label(), q.someLevels())
		}
		state[q.column] = float64(i)
	case lab.Composition:
		x := v.Parts()
		if v.Kind() != lab.IsParts || len(x) != q.width {
			return lab.Errorf(lab.Invalid, "%s is %s; it is a list of %d numbers, one to each of %s", q.Name, v, q.width, strings.Join(q.Parts, ", "))
		}
		for i, f := range x {
			if math.IsNaN(f) || math.IsInf(f, 0) || f < 0 {
				return lab.Errorf(lab.Invalid, "%s has %g of %s; a part is a number from 0", q.Name, f, q.Parts[i])
			}
			state[q.column+i] = f
		}
	default:
		x := v.Number()
		if v.Kind() != lab.IsNumber || math.IsNaN(x) || math.IsInf(x, 0) {
			return lab.Errorf(lab.Invalid, "%s is %s; it is a finite number", q.Name, v)
		}
		if q.log && x <= 0 {
			return lab.Errorf(lab.Invalid, "%s is %g; its scale is log, which needs a number above 0", q.Name, x)
		}
		state[q.column] = x
	}
	return nil
}

func (q *param) someLevels() string {
	if len(q.Levels) > 6 {
		return strings.Join(q.Levels[:6], ", ") + ", …"
	}
	return strings.Join(q.Levels, ", ")
}

// Read returns the state of settings, which name each parameter that is there
// once, no other, and in any order. Errors are of kind [lab.Invalid].
func (s *Space) Read(settings []lab.Setting) ([]float64, error) {
	state := make([]float64, s.width)
	seen := make([]bool, len(s.params))
	for k, set := range settings {
		i := k
		if k >= len(s.params) || s.params[k].Name != set.Name {
			i = slices.IndexFunc(s.params, func(p param) bool { return p.Name == set.Name })
		}
		if i < 0 {
			return nil, lab.Errorf(lab.Invalid, "setting %q is no parameter of the space", set.Name)
		}
		if seen[i] {
			return nil, lab.Errorf(lab.Invalid, "setting %q is given twice", set.Name)
		}
		seen[i] = true
		if set.Unit != "" && set.Unit != s.params[i].Unit {
			return nil, lab.Errorf(lab.Invalid, "setting %q is in %s; the parameter is in %q", set.Name, set.Unit, s.params[i].Unit)
		}
		if err := s.params[i].read(set.Value, state); err != nil {
			return nil, err
		}
	}
	for i, set := range seen {
		switch p := &s.params[i]; {
		case set:
		case p.optional:
			p.clear(state)
		default:
			return nil, lab.Errorf(lab.Invalid, "no setting for parameter %q", p.Name)
		}
	}
	return state, s.check(state)
}

// Settings returns a state as settings in the order of the space, without the
// parameters that are absent.
func (s *Space) Settings(state []float64) []lab.Setting {
	out := make([]lab.Setting, 0, len(s.params))
	for i := range s.params {
		if p := &s.params[i]; !p.absent(state) {
			out = append(out, lab.Setting{Name: p.Name, Value: p.value(state), Unit: p.Unit})
		}
	}
	return out
}

func (q *param) value(state []float64) lab.Value {
	switch q.Type {
	case lab.Categorical:
		return lab.Label(q.Levels[int(state[q.column])])
	case lab.Composition:
		return lab.Parts(state[q.column : q.column+q.width])
	default:
		return lab.Number(state[q.column])
	}
}

// Describe writes settings as a person would: "base KOAc, temperature 105 Cel".
func Describe(settings []lab.Setting) string {
	parts := make([]string, len(settings))
	for i, s := range settings {
		parts[i] = s.Name + " " + s.Value.String()
		if s.Unit != "" && s.Unit != "1" {
			parts[i] += " " + string(s.Unit)
		}
	}
	return strings.Join(parts, ", ")
}
