// Package acq has the acquisition functions: what a candidate is worth, given
// the mean and the standard deviation that a model predicts of its outcomes.
// Outcomes are maximised. All values are logarithms, so that candidates far
// from any gain can still be told apart. The package knows only float64.
package acq
