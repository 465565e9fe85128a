// Package conformance tries a device against LDP/1 from outside: black box,
// over any broker, any implementation.
//
// [Run] takes the device's bus, sends it commands, good and bad, kills its
// process when it is told how, and returns a [Report] of named checks, which
// are documented by [Checks]. A check that cannot be made says so and why; it
// is skipped and never passed.
//
// # What moves
//
// The kit moves the device: it runs the example of every action (Config.Examples
// or ldp:example in the descriptor) and, when there is one, a long command that
// it cancels and kills. Limits are tried while the device is stopped, where a
// command within its limits is refused with interlock and one beyond them with
// bad_params, so that nothing moves for them. Run it against a device that
// nobody else uses, with a journal of its own: it takes leases with epochs of
// its own choice.
package conformance
