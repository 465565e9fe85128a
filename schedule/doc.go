// Package schedule decides who gets which device when, and can say why.
//
// An experiment asks for all the devices that a step needs with one [Request];
// a [Book] answers with one [Grant] or lets it wait, never with a part of it.
// What a book decides is a pure function of a [State], [State.Decide], so that
// the book in memory and the one in the database decide alike.
//
// # No deadlock
//
// A sample that has been worked on stays where it is until its next station is
// free, so an experiment holds one station while it waits for another. Were
// that all, two experiments that pass the same stations in opposite directions
// would wait for each other for ever. Therefore an experiment is admitted, when
// its first request is granted, only if the graph "is held while it waits for"
// over the capabilities of all admitted experiments has no cycle in which two
// experiments meet. Whoever holds a station furthest down such a graph waits
// for no one, so it ends, and then the next. Capabilities that one device
// offers together count as one, because holding it takes both. See
// [State.Why] for what a waiting experiment is told.
//
// # Order
//
// The campaign that holds the fewest devices comes first, then the oldest
// request; a request that waits gains on the others, one device for every
// [AgeStep], so none waits for ever. A request that cannot be granted does not
// keep free devices from those behind it: claims without a grant would bring
// back the deadlock.
package schedule
