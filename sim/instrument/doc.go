// Package instrument holds the devices of a simulated laboratory. Each is an
// ordinary device behind devices/sdk, reached the way a real one is; what it
// does to matter it does in a [world.World].
//
// Most commands recover by probe: after a crash the device looks at the
// world's ledger to see whether the effect took place, which is what a balance,
// a gripper's force or a camera tells a real one. A [Heater] resumes its
// program from a checkpoint.
//
// What a reader could get wrong:
//
//   - A device works in the world's time, which runs faster than life; limits
//     and parameters such as the time of a hold are in the world's seconds,
//     typical durations are told in seconds of the wall, since that is what a
//     scheduler waits.
//   - Noise is keyed by its cause, see [world.Cause], so that a laboratory that
//     was killed measures what an undisturbed one does.
//   - A sample comes into the world at the first dispense. Its vial holds the
//     substrate and, in equal amount, an internal standard, weighed in before.
package instrument
