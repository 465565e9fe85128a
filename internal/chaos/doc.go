// Package chaos kills everything that takes part in a command, again and again,
// and asks the physical world whether anything happened twice or was lost.
//
// Devices, gateways and the broker are processes of their own that die by
// SIGKILL: at random moments, and devices at every point of their algorithm. A
// proxy between them cuts links, holds them, and repeats and reorders what
// passes. A journal loses what was not synced, as in a power cut. Commands are
// sent twice, and senders whose lease has ended send theirs all the same.
//
// The judge is the world's ledger, package sim/world, in which a movement that
// happened twice stands twice. Neither the gateways nor whoever dispatches see
// it. A silent double is a command that moved something twice, or that nobody
// had the right to send and that moved something. A silent loss is a command
// whose reported end is not what happened, or that never ended.
package chaos
