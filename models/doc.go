// Package models keeps what predicts the outcome of an experiment before it is
// done, and is known to a campaign by name.
//
// A [Model] is one of three things: an ensemble of networks that [Train] fitted
// on a table of experiments, a table of predictions that somebody made, or an
// endpoint that speaks the Open Inference Protocol v2 over HTTP (KServe, Triton,
// MLServer; https://github.com/kserve/open-inference-protocol). A model never
// changes: its version is the SHA-256 of all that it is, and training anew on
// other rows makes another version of the same name.
//
// A campaign that names a model takes a [lab.Source] of it into each brief: what
// the model predicts at the candidates, which the planner follows as far as the
// campaign's own outcomes bear it out. An endpoint that does not answer is a
// source with a fault, never an error: no campaign stops for it.
package models
