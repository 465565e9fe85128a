// Package ord reads and writes reactions of the Open Reaction Database: binary
// and text protocol buffers, gzipped or not, a Dataset or one Reaction.
//
// [Read] gives messages of the schema in schema.binpb (a descriptor set of
// reaction.proto and dataset.proto, Apache License 2.0), so that a file
// round-trips field by field. [Open] gives a table with a row to a reaction:
// its components by role, conditions, and products with their measurements,
// units in UCUM. The whole reaction stands in the last column as JSON, so that
// what has no column of its own is not lost.
//
// What is easily taken wrong: numbers are of 32 bits, and are written with the
// digits that tell them apart, not with those of 64 bits.
package ord
