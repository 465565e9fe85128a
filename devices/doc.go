// Package devices is LDP/1, the contract between the laboratory and its
// devices: topics, messages, codes, and the [Bus] that carries them.
//
// The device's half of the conversation is package sdk, the laboratory's is
// package gateway. Both are written against Bus, so the same code runs over
// MQTT, in memory and under simulation.
//
// # What to rely on
//
// The broker is a pipe that loses, repeats and reorders. Nothing but the
// device's journal is relied on: a command's id is chosen by its sender, and
// sending the same bytes again asks the device what became of them. A device
// answers a known id with the event that it wrote down and never moves for it
// again.
//
// # What is strict
//
// [Cmd] and [Ctl] are closed: an unknown field is refused, so nothing that
// matters for safety is silently passed over. Messages from devices are open:
// unknown fields are ignored, so that a newer device can speak to an older
// laboratory. Every message has a size limit, and no decoder accepts a
// repeated key, a number beyond float64 or text that is not UTF-8.
//
// The contract for authors of devices is docs/formats/ldp-1.md.
package devices
