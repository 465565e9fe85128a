package sdk

import (
	"time"

	"github.com/athanor-lab/athanor/devices"
)

// labClock tells the laboratory's time from its beats. Of the last beats it
// believes the one that came fastest, which is the one that seems latest. It
// counts from a start of its own, so that a wall clock that jumps does not
// move it.
type labClock struct {
	trusted bool // without beats, the machine's clock
	start   time.Time
	offsets []time.Duration // laboratory minus start's count, newest last
}

// beatsMax is how many beats are remembered: a minute of them.
const beatsMax = 60

// count is the device's own time.
func (c *labClock) count() time.Time { return c.start.Add(time.Since(c.start)) }

func (c *labClock) hear(ts time.Time) {
	c.offsets = append(c.offsets, ts.Sub(c.count()))
	c.offsets = c.offsets[max(0, len(c.offsets)-beatsMax):]
}

func (c *labClock) offset() (best, spread time.Duration) {
	best, least := c.offsets[0], c.offsets[0]
	for _, o := range c.offsets {
		best, least = max(best, o), min(least, o)
	}
	return best, best - least
}

// now returns the laboratory's time, if it is known.
func (c *labClock) now() (time.Time, bool) {
	if len(c.offsets) == 0 {
		return time.Now(), c.trusted
	}
	offset, _ := c.offset()
	return c.count().Add(offset), true
}

func (c *labClock) state() *devices.ClockState {
	switch {
	case len(c.offsets) > 0:
		offset, spread := c.offset()
		return &devices.ClockState{OffsetMS: ms(offset), ErrMS: ms(spread), Source: "beat"}
	case c.trusted:
		return &devices.ClockState{Source: "ntp"}
	default:
		return &devices.ClockState{Source: "none"}
	}
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
