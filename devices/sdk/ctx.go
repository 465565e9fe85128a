package sdk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/lab"
)

// Clock is the time of a driver's world. In a simulation it may run faster
// than life; leases, beats and expiry stay with the wall.
type Clock interface {
	Now() time.Time
	// Sleep returns after d, or with the context's cause when ctx is done.
	Sleep(ctx context.Context, d time.Duration) error
}

// wall is the Clock of the real world.
type wall struct{}

func (wall) Now() time.Time { return time.Now() }

func (wall) Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Ctx is what a command's function gets: a context that ends when the command
// is cancelled, stopped or out of time, and what belongs to the command.
type Ctx struct {
	context.Context //nolint:containedctx // it is one

	d     *Device
	e     *entry
	cmd   devices.Cmd
	ckpt  json.RawMessage
	again bool

	pausable bool
	blobs    []devices.Blob // attached, in their order
}

// CommandID returns the command's id.
func (c *Ctx) CommandID() string { return c.cmd.ID }

// Name returns the command's name.
func (c *Ctx) Name() string { return c.cmd.Name }

// Params returns the parameters as they were sent.
func (c *Ctx) Params() json.RawMessage { return c.cmd.Params }

// Samples returns the samples that the command is about, and their slots.
func (c *Ctx) Samples() []lab.SampleRef { return c.cmd.Samples }

// Upload returns where much raw data would go, or nil when the laboratory takes
// none: then [Ctx.Attach] takes only what goes inside an event.
func (c *Ctx) Upload() *devices.Upload { return c.cmd.Upload }

// Now returns the driver's time.
func (c *Ctx) Now() time.Time { return c.d.cfg.Clock.Now() }

// Sleep waits for d of the driver's time. It ends early, with an error to
// return, when the command is to end. While a [Pausable] command is paused it
// stands still.
func (c *Ctx) Sleep(d time.Duration) error {
	if !c.pausable {
		return c.d.cfg.Clock.Sleep(c.Context, d)
	}
	return c.sleep(d, true)
}

// Restarted reports whether the device's process died at this command before.
func (c *Ctx) Restarted() bool { return c.again }

// Progress says how far the command is, from 0 to 1. It may be called often;
// at most ten a second are reported.
func (c *Ctx) Progress(fraction float64) { c.d.progress(c.e, min(max(fraction, 0), 1)) }

// Checkpoint writes v down, so that a crash from here on resumes with it. It
// returns when v is on the disk; on an error the command should end.
func (c *Ctx) Checkpoint(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write checkpoint of %s: %w", c.cmd.Name, err)
	}
	return c.d.checkpoint(c.e, b)
}

// Resumed reads the last checkpoint into v and reports whether there is one.
func (c *Ctx) Resumed(v any) bool {
	return len(c.ckpt) > 0 && json.Unmarshal(c.ckpt, v) == nil
}

// ErrInDoubt is what a function returns that cannot tell what has happened: a
// person will have to.
var ErrInDoubt = errors.New("in doubt")

// Fault is an error that says more than that something failed.
type Fault struct {
	Effect    lab.Effect   // what has happened all the same; "" is unknown
	Code      devices.Code // "" is device_fault
	Retryable bool         // that trying again with a new command makes sense
	Err       error
}

func (f Fault) Error() string {
	if f.Err == nil {
		return "device fault"
	}
	return f.Err.Error()
}

func (f Fault) Unwrap() error { return f.Err }

// The causes that end a command's context.
var (
	errCancelled = errors.New("the command was cancelled")
	errStopped   = errors.New("the device was stopped")
	errTimeout   = errors.New("the command ran longer than its timeout")
	errOrphaned  = errors.New("the laboratory was silent for too long")
	errShutdown  = errors.New("the device is shutting down")
	errDead      = errors.New("the device was killed")
)
