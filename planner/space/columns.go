package space

import "github.com/athanor-lab/athanor/lab"

// Column says what a column of the features is.
type Column struct {
	Parameter int // index in the space
	Part      int // of a composition
	Constant  bool
	Settings  int // how many values it can take; more than 1000 count as 1001
	// Levels is the number of levels of a categorical parameter, else 0.
	Levels int
	// Optional says that the parameter may be absent: its feature is then
	// [AbsentFeature] or, of a categorical one, Levels.
	Optional bool
	// Distances are the squares of the distances between levels by their
	// descriptors, Levels×Levels by rows, the largest 1; nil without descriptors. Of
	// an optional column there is a row and a column more, for absent.
	Distances []float64
}

// Columns describes the features, in their order.
func (s *Space) Columns() []Column {
	out := make([]Column, 0, s.width)
	for i := range s.params {
		p := &s.params[i]
		for k := range p.width {
			c := Column{Parameter: i, Part: k, Settings: p.count(1000), Optional: p.optional}
			switch p.Type {
			case lab.Categorical:
				c.Levels, c.Distances, c.Constant = len(p.Levels), p.tables, len(p.Levels) == 1
			case lab.Composition:
				c.Constant, c.Settings = p.width == 1, min(1001, p.steps+1)
			default:
				c.Constant = p.max == p.min
			}
			// One that is there or not varies, whatever it is.
			c.Constant = c.Constant && !p.optional
			out = append(out, c)
		}
	}
	return out
}

// Parameter returns parameter i of the space.
func (s *Space) Parameter(i int) lab.Parameter { return s.params[i].Parameter }

// Natural returns a distance in the features of a column in the unit of its
// parameter; it has none on a log scale, where ok is false.
func (s *Space) Natural(c Column, distance float64) (d float64, ok bool) {
	p := &s.params[c.Parameter]
	if p.Type == lab.Composition {
		return distance * p.sum, true
	}
	return distance * (p.max - p.min), !p.log
}

// Place returns the column of parameter i, which is no composition, with what a
// value of it is in a state and in the features.
func (s *Space) Place(i int, v lab.Value) (column int, state, feature float64, err error) {
	p := &s.params[i]
	if p.Type == lab.Composition {
		return 0, 0, 0, lab.Errorf(lab.Invalid, "%s is a composition; it has a column to a part", p.Name)
	}
	x := make([]float64, s.width)
	if err := p.read(v, x); err != nil {
		return 0, 0, 0, err
	}
	state = x[p.column]
	if feature = state; p.Type != lab.Categorical {
		feature = p.unit(state)
	}
	return p.column, state, feature, nil
}

// Lists reports whether a state is among the listed candidates.
func (s *Space) Lists(state []float64) bool {
	_, ok := s.index[s.Key(state)]
	return ok
}
