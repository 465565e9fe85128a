package planner

import (
	"slices"

	"github.com/athanor-lab/athanor/planner/gp"
	"github.com/athanor-lab/athanor/planner/space"
)

// kind says what a space is made of, which decides what is believed of it
// before there is data.
type kind uint8

const (
	numbers kind = iota // numbers alone
	choices             // choices, and at most numbers with a few settings
	mixed               // choices beside numbers with many settings
)

// manySettings is from how many settings on a number beside choices may have an
// optimum between its bounds that a model should find. Fewer act as choices.
const manySettings = 6

// kind returns the kind of the task's space.
func (t *task) kind() kind {
	k := numbers
	for _, c := range t.space.Columns() {
		if c.Levels > 1 {
			k = choices
		}
	}
	if k == numbers {
		return k
	}
	if slices.ContainsFunc(t.space.Columns(), curved) {
		return mixed
	}
	return k
}

// curved reports whether a column is a number with many settings.
func curved(c space.Column) bool {
	return c.Levels == 0 && !c.Constant && c.Settings >= manySettings
}

// priors chooses by the kind of space. Choices want long scales, which are
// nearly additive, and numbers an average of three priors: long scales mislead
// on these, and short ones waste the tables of choices. Where both are, all
// four are averaged, with scales between for the choices in the short ones and
// for the numbers in the long one. Several objectives get two members, the
// least alike: each costs as many fits as there are objectives, and the others
// were not seen to add anything.
func (t *task) priors(m gp.Metric, points, objectives int) []gp.Prior {
	groups := m.Groups
	k := t.kind()
	if k == choices {
		return []gp.Prior{gp.Reactive()}
	}
	between := make([]gp.GroupScale, groups)
	long := make([]gp.GroupScale, groups)
	for c, col := range t.space.Columns() {
		if g := m.Columns[c].Group; g >= 0 && curved(col) {
			long[g] = gp.Between()
		}
		for _, table := range m.Columns[c].Tables {
			between[table.Group] = gp.Between()
		}
	}
	average := []gp.Prior{gp.Short(), gp.Scaled(groups), gp.Smooth(groups)}
	for i := range average {
		average[i].ByGroup = between
	}
	switch {
	case points > ensembleMax:
		return average[1:2]
	case k == mixed:
		additive := gp.Long(groups)
		additive.ByGroup = long
		if objectives > 1 {
			return []gp.Prior{average[0], additive}
		}
		return append(average, additive)
	case objectives > 1:
		return []gp.Prior{average[0], average[2]}
	default:
		return average
	}
}

const (
	// fewestStarts is how many experiments are spread evenly before a model
	// decides. Two serve about as well as five, and ten are worse.
	fewestStarts = 5
	mostStarts   = 8
)

// starts is how many experiments are spread before a model decides: where choices
// meet numbers, more, the more levels and numbers there are. A model that has
// seen too little of either goes from corner to corner.
func (t *task) starts() int {
	if t.kind() != mixed {
		return fewestStarts
	}
	levels, numbers := 0, 0
	for _, c := range t.space.Columns() {
		if c.Levels > 0 {
			levels = max(levels, c.Levels)
		} else if !c.Constant {
			numbers++
		}
	}
	return max(fewestStarts, min(mostStarts, 1+levels+numbers))
}
