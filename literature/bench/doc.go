// Package bench measures the literature packages on sets of real papers: how well
// they rank, how much reading they save, what they extract and how much the
// recipes of other people say about a new one.
//
// It reads the sets from a directory by the form of their files, never by their
// names, and a set that is absent leaves its numbers null.
package bench
