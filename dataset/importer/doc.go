// Package importer turns tables of others into rows in the words of the
// laboratory, and loses nothing on the way.
//
// [Propose] reads a table once and writes a [Mapping]: what each column is, of
// which type and unit, how that was found and how sure it is. A person may edit
// it as YAML. [Run] then reads the table again: a row is imported whole or held
// back whole, a [Held] row saying which cell is wrong, why, and what would be
// right; [Replay] takes held rows after they were edited. Every cell of every
// physical row goes into the ledger with one of six fates, and [Check] rebuilds
// the table from the ledger and the rows, and compares.
//
// What is easily taken wrong: what is ambiguous is never imported. "%", "M",
// "C", "eq" and their like, a number whose unit is not said anywhere, and text
// in a guessed encoding are held back until the mapping confirms them.
//
// An import is named by its bytes and its mapping: the same two give the same
// rows with the same ids, whenever and however often.
package importer
