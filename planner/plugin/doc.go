// Package plugin asks planners in other processes: a Brief goes out as JSON by
// HTTP, a Plan comes back.
//
// What comes back is not believed. An answer that is late, malformed, outside
// the space, against its constraints or a repetition is refused with the reason,
// the built-in planner decides instead, and both are told in the plan's notes:
// a campaign never waits for a plug-in, nor does what one got wrong. The formats
// are described in docs/formats/plan-1.md.
package plugin
