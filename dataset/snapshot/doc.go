// Package snapshot freezes rows of the laboratory's memory under a name that is
// the hash of what is in them.
//
// A snapshot is a folder: manifest.json, data/rows.jsonl with the rows by key,
// data/index.jsonl with the hash, condition and groups of each, and
// splits/<name>.jsonl with the part of each row. The manifest is canonical JSON
// (RFC 8785) with the hash of every file; its own hash is the name of the
// snapshot. The same rows and options give the same name, whenever and wherever.
//
// What is easily taken wrong: rows are not split one by one. Those with equal
// conditions in whatever units, or with a group in common (a plate, a sample, a
// replicate), stay together, and the [Leaks] of every split are counted from
// what was written, not promised.
package snapshot
