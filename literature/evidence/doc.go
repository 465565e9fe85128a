// Package evidence turns what papers say into what a planner can use.
//
// [Mapping.Claims] maps findings to the parameters of a campaign's space: units by
// UCUM, names by their words and by synonyms that a person may edit. [Record] weighs
// them, each by how relevant and credible its paper is, into the evidence that a
// planner reads: a record that names itself by its content. [Credibilities] says what
// the laboratory's own outcomes make of each paper.
//
// An [Analogy] is the same for one number and many recipes: what others used for
// similar materials.
//
// All are pure functions of their arguments. Densities are relative to the uniform
// one, so that 1 means that nothing is known.
package evidence
