package planner

import (
	"slices"
	"strings"

	"github.com/athanor-lab/athanor/lab"
)

// Streams of randomness of the strategies.
const (
	streamLatin uint64 = iota + 101
	streamGrid
	streamEvolution
)

// strategies are what a policy may ask for by name. Those without a model draw
// points one after another; see [task.drawn].
var strategies = map[string]func(t *task) (next func() ([]float64, error), reason string){
	"sobol": func(t *task) (func() ([]float64, error), string) {
		return t.sobolStates(), "the next of an even spread over the space (a scrambled Sobol sequence), made before any model decides"
	},
	"random": func(t *task) (func() ([]float64, error), string) {
		return t.randomStates(), "drawn uniformly at random"
	},
	"latin-hypercube": (*task).latinStates,
	"grid":            (*task).gridStates,
	"cma-es":          (*task).evolvedStates,
}

// Strategies returns the names that a policy may give as its planner.
func Strategies() []string {
	names := []string{"auto", "bayes"}
	for name := range strategies {
		names = append(names, name)
	}
	slices.Sort(names[2:])
	return names
}

// unknownStrategy says which strategies there are.
func unknownStrategy(name string) error {
	return lab.Errorf(lab.Invalid, "brief.policy.planner is %q; it is one of %s", name, strings.Join(Strategies(), ", "))
}
