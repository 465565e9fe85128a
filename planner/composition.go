package planner

import "github.com/athanor-lab/athanor/lab"

// shares writes a setting of a composition in the features of the space: a column to a
// part, with its share of the sum. It returns nothing for any other setting, and for
// shares that are none.
func (t *task) shares(s lab.Setting) (columns []int, at []float64) {
	x := s.Value.Parts()
	for c, col := range t.space.Columns() {
		p := t.space.Parameter(col.Parameter)
		if p.Name != s.Name || p.Type != lab.Composition || col.Constant || len(x) != len(p.Parts) {
			continue
		}
		sum := 1.0
		if p.Sum != nil {
			sum = *p.Sum
		}
		share := x[col.Part] / sum
		if !(share >= 0 && share <= 1) {
			return nil, nil
		}
		columns, at = append(columns, c), append(at, share)
	}
	return columns, at
}
