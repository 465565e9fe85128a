// Package e2e tries whole laboratories: the program that users run, its real
// servers, and devices on a real broker. It has tests only; they run
// bin/athanor, which `make build` leaves there.
package e2e
