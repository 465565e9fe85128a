// Package embedded starts the servers that "athanor up" runs beside itself on one machine: PostgreSQL from the machine's own
// binaries, a Temporal server (the program athanor-temporal), and an MQTT broker inside this process.
//
// A data directory belongs to one process at a time: call [LockDir] first, [CheckFormat] second, and start servers after that.
//
// The three die differently, on purpose. PostgreSQL outlives a parent that is killed and is adopted by the next one, because a
// database should not be torn down by somebody else's crash. athanor-temporal ends with its parent, since it starts again in half a
// second. Either is started again, on the same port, when it dies by itself. The broker keeps nothing: devices and dispatchers send
// again what was not acknowledged, so that no message depends on it.
//
// Everything listens on loopback only.
package embedded
