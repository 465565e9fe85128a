// Package postgres keeps the laboratory's records. All SQL of the house is
// here, one file to an aggregate, behind the ports of the packages that use it.
//
// # What can be relied on
//
// Every method may be repeated: it then returns what the first call stored. What
// was said to be stored survives the loss of power. The exceptions can be asked
// for again: a device's heartbeat, a command's events before its last, and the
// note that a result was told; these are committed without waiting for the disk.
//
// A database that cannot be reached, is shutting down, or has no space left is
// [lab.Unavailable], with what happened; trying again is right, and nothing is
// half written.
//
// # Migrations
//
// The schema goes forward only, by the numbered files in migrations/, each in
// its own transaction and all under one advisory lock, so that any number of
// processes may start at once. The runner is ours: it is a page long, speaks pgx
// as all else here, and refuses a database that a newer program has brought
// further, which matters most.
package postgres
