// Package gp is Gaussian-process regression for the size of data that a
// laboratory makes: up to about a thousand observations, priors that mean
// something at five, and a suggestion in milliseconds.
//
// The model of an outcome y at a point x is
//
//	y(x) = m + f(x) + e,  f ~ GP(0, s2f·k(r)),  e ~ N(0, s2/reps + known)
//	r² = Σ_g d_g(x, x')² / l_g²
//
// where d_g is the distance of two points within a group of columns that share
// a length scale l_g ([Metric]). The constant m is profiled out by generalised
// least squares; l_g, s2 and, where the [Prior] leaves it free, s2f are the
// maximum of the posterior, found by L-BFGS with analytic gradients ([Fit]).
// Rasmussen & Williams, Gaussian Processes for Machine Learning (2006), chapters
// 2, 3 and 5, http://gaussianprocess.org/gpml.
//
// The package knows only float64, has no randomness, and adds up in a fixed
// order: equal data give equal bits. An evaluation of the likelihood costs
// O(n³), a prediction O(n²) and its mean alone O(n).
package gp
