// Package net is deep ensembles: several small neural networks that differ by
// where they began, what they were shown and what they believe where they were
// shown nothing, and whose disagreement is their uncertainty. They learn from
// thousands of points in seconds of one core, where a Gaussian process takes
// minutes.
//
// A member is the sum of a network that is trained and one that is not,
//
//	f_k(x) = g_k(x) + β·p_k(x),  g, p: inputs → hidden → hidden → 1, SiLU
//
// trained by Adam on all folds of the points but one (Lakshminarayanan, Pritzel &
// Blundell, Simple and scalable predictive uncertainty estimation using deep
// ensembles, 2017, https://arxiv.org/abs/1612.01474; the untrained part after
// Osband, Aslanides & Cassirer, Randomized prior functions for deep reinforcement
// learning, 2018, https://arxiv.org/abs/1806.03335). The spread of the members is
// scaled, and the noise of an observation found, on points that no member saw
// ([Ensemble.Calibrate]).
//
// The package knows only float64. All randomness is the seed's and sums have one
// order: equal data and seeds give equal bits.
package net
