// Package space turns a laboratory's search space into rows of float64 and
// back.
//
// A [Space] is compiled once from a [lab.Space]. A state is a row with a column
// to a scalar parameter and one to each part of a composition; it holds the
// value itself (for a categorical parameter the index of its level), already
// snapped to what the parameter can be set to, so that two states are the same
// experiment exactly when their [Space.Key] is the same. [Space.Features] are the
// same columns scaled to [0, 1] for a model.
//
// Spaces of at most [EnumerateMax] points are listed whole, candidates that break
// a constraint left out; larger ones are only ever sampled and walked.
package space
