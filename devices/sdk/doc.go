// Package sdk is the device's half of LDP/1: what an author of a driver needs,
// and no more.
//
// A driver is a [Device] with a function to a command, registered by [Handle],
// whose parameters, units and limits are the fields of a struct. [Device.Run]
// does the rest: it describes the device, refuses what is not allowed, writes
// down each command before the first movement and its end before it is
// reported, answers repeated commands from that journal, and after a crash
// treats what was under way as its recovery class says.
//
// # What a driver must do
//
// Choose the recovery class of a command truthfully: [Repeat] only when doing
// it again changes nothing, [Resume] only when the function starts at its last
// checkpoint, [Probe] only when the effect can be seen. Otherwise [Manual],
// which leaves a person to say. End soon when the context is done, in a safe
// position. Command functions run beside each other only where [Alongside] or
// Config.Parallel allows it.
package sdk
