// Package evidence turns what papers say into what a planner can use.
//
// [Claims] maps findings to the parameters of a campaign's space: units by UCUM,
// names by their words and by synonyms that a person may edit. A [Prior] is a
// density over the space, one kernel to a claim, weighed by how relevant its paper
// is; [Prior.Shares] says exactly how much of it each paper brought, and
// [Prior.Exponent] how much of it to believe after experiments. [Prior.Seeds]
// picks first experiments.
//
// An [Analogy] is the same for one number and many recipes: what others used for
// similar materials.
//
// All are pure functions of their arguments. Densities are relative to the uniform
// one, so that 1 means that the literature says nothing.
package evidence
