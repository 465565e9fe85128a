// Package workflows carries a campaign from submission to its last outcome.
//
// [Campaign] repeats rounds: propose, carry out, look again. [Experiment]
// carries out one proposal, step by step. Both are deterministic: they decide
// the order of things and touch nothing; all contact with the world is in
// [Activities].
//
// Names lead home. The workflow of a campaign has the campaign's ID, that of an
// experiment the experiment's, and a dispatched command's activity the
// command's UUID. A device's answer therefore finds its way with no table of
// tokens, through any process ([Completer]).
//
// A command's activity ends when its device has answered, not when it was
// published. It is retried for ever under one ID; only a deliberate repetition
// of a step has another.
package workflows
