package world

import (
	"context"
	"time"
)

// Clock runs through the world's time faster than life.
type Clock struct {
	speed float64 // world seconds to a second of the wall
	start time.Time
	base  float64 // world seconds at start
}

// NewClock returns a clock that shows base seconds now and runs speed times as
// fast as the wall's. It panics when speed is not positive.
func NewClock(speed, base float64) *Clock {
	if !(speed > 0) {
		panic("world: the clock's speed is not positive")
	}
	return &Clock{speed: speed, start: time.Now(), base: base}
}

// Seconds returns the age of the world in seconds of its own time.
func (c *Clock) Seconds() float64 { return c.base + c.speed*time.Since(c.start).Seconds() }

// Wall returns how long the wall's clock takes for world seconds.
func (c *Clock) Wall(seconds float64) time.Duration {
	return time.Duration(seconds / c.speed * float64(time.Second))
}

// Sleep waits for world seconds, or until ctx ends and then returns the cause.
func (c *Clock) Sleep(ctx context.Context, seconds float64) error {
	d := c.Wall(seconds)
	if d <= 0 {
		return context.Cause(ctx)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
