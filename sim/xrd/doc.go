// Package xrd computes powder diffraction patterns from crystal structures:
// positions by Bragg's law, intensities by structure factors, peaks as
// pseudo-Voigts of the instrument's and the crystallites' widths, and counts
// that scatter by Poisson.
//
// It is kinematical: no absorption, no extinction, no anomalous dispersion, and
// crystallites without a preferred orientation. That is what a diffractometer in
// Bragg–Brentano geometry shows of a fine powder, to a few per cent of the
// intensities.
//
// The formulas are those of V. K. Pecharsky & P. Y. Zavalij, Fundamentals of
// Powder Diffraction and Structural Characterization of Materials, 2nd ed.,
// Springer, 2009, chapters 7–8, unless a function says otherwise. Lengths are
// in Å, angles in degrees of 2θ, masses in grams.
package xrd
