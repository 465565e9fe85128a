// Package planner decides which experiments to do next: a [lab.Brief] goes in,
// a complete [lab.Plan] comes out.
//
// A plan is a pure function of its brief: no clock, no input or output, no
// randomness but the brief's seed, sums in a fixed order. Equal briefs give
// equal plans, byte for byte on one architecture, whatever was planned before
// and however many processors there are.
//
// A campaign begins with a few evenly spread experiments, and from then on asks
// Gaussian processes: priors are chosen by the kind of space, which is one of
// numbers, of choices or of both, candidates are weighed by the logarithm of the
// expected improvement (of the hypervolume for two or three objectives), failed
// experiments teach where not to go, and experiments still running count as done
// with the result that the model expects. No proposal repeats an experiment or
// breaks a constraint; where fewer are left than wanted, the plan says so. A
// space with a continuous number always has more: where it grows crowded,
// proposals come closer to each other and their settings get more digits.
package planner
