// Package world is the matter of a simulated laboratory: its clock, its
// samples and where they are, and the ledger of everything that physically
// happened.
//
// The ledger is an append-only file of [Effect]s, one JSON object a line, each
// on disk before [World.Record] returns. It is the only state: opening a world
// replays it, so a laboratory that was killed at any moment goes on with the
// matter that it had. A device that does something records the effect and so
// has done it; one that was killed before has not. That makes an effect
// observable afterwards, which is what recovery by probe needs.
//
// The orchestrator never sees the ledger. Tests judge by it: [ReadLedger]
// counts the effects of each command, and a physical effect that happened
// twice stands there twice, because the world does not forbid what physics
// allows.
package world
