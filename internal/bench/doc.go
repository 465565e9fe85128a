// Package bench measures the way of a command: a real broker, a real database,
// a real gateway, and devices made with the SDK in processes of their own, all
// on this machine.
//
// Times are those that the laboratory sees: from the call that dispatches to
// the event that arrives at the gateway.
package bench
