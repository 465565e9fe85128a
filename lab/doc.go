// Package lab is the vocabulary of the laboratory: the nouns that every other
// package speaks and the few rules that make a value of them valid.
//
// A scientist submits a [Document], which becomes a [Campaign]. Each round the
// planner answers a [Brief] with a [Plan]: a complete document that never
// changes and leaves its executor no choice. Every [Proposal] in it becomes an
// experiment, whose steps are compiled to [Command]s when their inputs exist. A
// device answers each command with one [Result]; results, settings, prediction
// and reason become an [Outcome] in the dataset.
//
//	Document → Campaign → Brief → Plan → Proposal → Command → Result → Outcome
//
// The package holds data and the rules of single values only. It imports
// nothing but the standard library, does no I/O and never reads the clock.
// JSON is snake_case, times are UTC, and what workflows carry is slices.
package lab
