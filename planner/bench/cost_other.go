//go:build !unix

package bench

import "time"

var begin = time.Now()

// cpuTime returns the time since the program began, for want of the
// processor's.
func cpuTime() time.Duration { return time.Since(begin) }
