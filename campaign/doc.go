// Package campaign reads, checks and compiles campaign documents.
//
// [Parse] turns YAML or JSON into a [lab.Document] and [Check] reads the whole
// of it the way the laboratory will: every complaint names the path, what is
// wrong and what would be right, and all of them are told at once. [Load] does
// both and adds lines and columns; it is what an edge of the house calls.
// [Compile] turns a document that passed into a [Program] that computes the
// settings of devices, the values of objectives and the verdict of stop rules.
//
// What a reader could get wrong:
//
//   - A document that passed [Check] without capabilities may still ask for
//     what no device can do; check again with them before anything moves.
//   - Numbers in expressions are bare: they are in the unit that stands beside
//     the parameter, the objective or the step's parameter, and only a step's
//     parameters are converted, into the unit of the device.
//   - Files that a document names are read by [Resolve] only. A document with
//     candidates that is not resolved has no points.
//   - [Notes] are not problems: they say what a document asks for that has no
//     effect yet.
//
// The package does no I/O of its own and never reads the clock. The language is
// described for its authors in docs/formats/campaign-1.md.
package campaign
