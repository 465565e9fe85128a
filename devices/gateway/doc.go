// Package gateway is the laboratory's half of LDP/1.
//
// A [Dispatcher] says things to devices: it enters a command with its exact
// bytes in the [Ledger], then publishes the lease and the command. A [Gateway]
// listens: it folds events into the ledger, tells the [Completer] how a command
// ended and the [Fleet] how a device is, sends again what got no answer, keeps
// leases alive, and reports a command in doubt when its deadline has passed.
//
// # What to rely on
//
// The ledger holds all state; a gateway that dies leaves nothing behind that
// another, or its next self, does not take up. Any number of them may run:
// events are divided between them, and what is done twice is harmless, because
// the same bytes under the same id never move anything twice, and folding and
// telling are idempotent.
//
// Sending again is asking: a device answers an id that it knows with what it
// wrote down. A doubt is never ended by trying; only the device's own answer or
// a person does.
package gateway
