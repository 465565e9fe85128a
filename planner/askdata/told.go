package askdata

import (
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/athanor-lab/athanor/lab"
)

// Experiment is one experiment by names.
type Experiment struct {
	Settings map[string]lab.Value
	Observed map[string]float64
	Sigma    map[string]float64
	Failed   bool
}

// Gather reads experiments in the space, numbered in their order. Its errors are
// of kind [lab.Invalid] and name the place.
func Gather(es []Experiment, s lab.Space, objectives []lab.Objective) (Table, error) {
	var t Table
	for i, e := range es {
		if err := t.gather(i, e, s, objectives); err != nil {
			return Table{}, err
		}
	}
	return t, nil
}

func (t *Table) gather(i int, e Experiment, s lab.Space, objectives []lab.Objective) error {
	var settings []lab.Setting
	for _, p := range s.Parameters {
		v, ok := e.Settings[p.Name]
		if p.When != "" && v.Kind() == lab.Absent {
			continue
		}
		if !ok {
			return lab.Errorf(lab.Invalid, "experiments[%d].settings has no %q; every experiment has a value for each parameter", i, p.Name)
		}
		if why := misfit(v, p); why != "" {
			return lab.Errorf(lab.Invalid, "experiments[%d].settings.%s is %s; %s", i, p.Name, v, why)
		}
		settings = append(settings, lab.Setting{Name: p.Name, Value: v, Unit: p.Unit})
	}
	for _, name := range slices.Sorted(maps.Keys(e.Settings)) {
		if !slices.ContainsFunc(s.Parameters, func(p lab.Parameter) bool { return p.Name == name }) {
			return lab.Errorf(lab.Invalid, "experiments[%d].settings has %q, which is no parameter of the space", i, name)
		}
	}
	for _, outcomes := range []map[string]float64{e.Observed, e.Sigma} {
		for _, name := range slices.Sorted(maps.Keys(outcomes)) {
			if !slices.ContainsFunc(objectives, func(o lab.Objective) bool { return o.Name == name }) {
				return lab.Errorf(lab.Invalid, "experiments[%d] has an outcome of %q, which is no objective", i, name)
			}
		}
	}
	var observed []lab.Measured
	for _, o := range objectives {
		y, ok := e.Observed[o.Name]
		sigma, known := e.Sigma[o.Name]
		switch {
		case known && !ok:
			return lab.Errorf(lab.Invalid, "experiments[%d].sigma has %q and observed has not; give both or neither", i, o.Name)
		case known && (sigma < 0 || math.IsNaN(sigma) || math.IsInf(sigma, 0)):
			return lab.Errorf(lab.Invalid, "experiments[%d].sigma.%s is %g; a standard deviation is a number from 0", i, o.Name, sigma)
		case ok && (math.IsNaN(y) || math.IsInf(y, 0)):
			return lab.Errorf(lab.Invalid, "experiments[%d].observed.%s is %g; leave out what is missing", i, o.Name, y)
		}
		if !ok {
			continue
		}
		m := lab.Measured{Name: o.Name, Value: y, Unit: o.Unit}
		if known {
			m.Sigma = &sigma
		}
		observed = append(observed, m)
	}
	if e.Failed && observed != nil {
		return lab.Errorf(lab.Invalid, "experiments[%d] failed and has an outcome; one of the two is wrong", i)
	}
	if e.Failed || observed != nil {
		t.Known = append(t.Known, lab.Known{Number: i + 1, Settings: settings, Observed: observed, Failed: e.Failed})
	} else {
		t.Pending = append(t.Pending, lab.Pending{Number: i + 1, Settings: settings})
	}
	return nil
}

// misfit says what a value of a parameter would be, where v is none.
func misfit(v lab.Value, p lab.Parameter) string {
	switch p.Type {
	case lab.Categorical:
		if !slices.Contains(p.Levels, v.Label()) {
			return "it is one of " + strings.Join(p.Levels, ", ")
		}
	case lab.Composition:
		if len(v.Parts()) != len(p.Parts) {
			return "it is a list of numbers, one to each of " + strings.Join(p.Parts, ", ")
		}
	default:
		if v.Kind() != lab.IsNumber {
			return "it is a number"
		}
		if p.Type == lab.Integer && v.Number() != math.Round(v.Number()) {
			return "it is a whole number"
		}
	}
	return ""
}
