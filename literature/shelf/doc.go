// Package shelf keeps corpora in a directory, for use without a server: one log
// of JSON lines to a corpus, only ever appended to and synced before a call
// returns.
//
// A line is whole or it is not there: what a crash left half written is cut off
// by the next writer. Processes may share a directory; each takes the lock of the
// file to write, and reads first what others wrote.
package shelf
