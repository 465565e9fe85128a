package space

// Unit returns a value of a column's parameter as its feature: from 0 to 1
// between the limits, on the parameter's scale. The column is not that of a
// choice.
func (s *Space) Unit(c Column, v float64) float64 { return s.params[c.Parameter].unit(v) }
