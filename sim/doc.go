// Package sim runs simulated laboratories. A laboratory is described in YAML
// ([Load], [Default]); [Open] gives it a directory that holds its matter and its
// devices' journals, and [Lab.Run] starts every device as an ordinary client of
// the broker. Nobody on the bus can tell it from a real one, but for
// "ldp:simulated" in the descriptors.
//
// Killing the process at any moment and opening the directory again goes on
// with the same matter in the same places: see [world.World].
package sim
