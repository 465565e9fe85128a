// Package rig is what a bench stands on: this program again as a child in
// another role, a broker that can be killed, and a look at how much memory and
// how many file descriptors processes take.
//
// A child ends with its parent: it reads its standard input, which the parent
// holds open, and a broker that is not ours is told by the kernel. Every child
// is ended by its own process id.
package rig
