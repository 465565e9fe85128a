// Package truth holds what a simulated laboratory finds out: response surfaces
// with known optima, a chemical reaction, and tables of real measurements.
//
// A [Function] is a test surface of the optimisation literature. A [Reaction]
// is a mechanism with rate constants, integrated over the temperatures that a
// vial has really seen. A [Table] answers with the measured row and with
// nothing else: there is no interpolation, and so no artefact of one.
//
// Nothing here adds noise: noise belongs to the instruments that measure. What
// is here never reaches a planner; scores read it separately.
package truth
