package conformance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Check is something that a device must do.
type Check struct {
	Name  string // group, dot, name: as in "repeat.burst"
	Title string // what must be so
	Needs string // letters of the profile without which the check is skipped

	run func(ctx context.Context, b *bench) error
	raw bool // made without first making the device ready for commands
}

// Checks returns every check of the kit, in the order in which they are made.
func Checks() []Check {
	return slices.Concat(births, commands, repeats, refusals, params, leases, cancels, pauses, watches, stops, alarms, supplies, blobs, hands, links, crashes, recalls, whole)
}

// skipped is why a check could not be made.
type skipped string

func (s skipped) Error() string { return string(s) }

func skip(format string, args ...any) error { return skipped(fmt.Sprintf(format, args...)) }

// Run makes the checks. A device that cannot be reached fails the first and has
// the others skipped; ctx ends the run early, and what was not made is skipped.
func Run(ctx context.Context, cfg Config) Report {
	cfg = cfg.withDefaults()
	r := Report{Lab: cfg.Lab, Device: cfg.Device, Seed: cfg.Seed, Started: time.Now().UTC()}
	b := newBench(cfg)
	err := b.open(ctx)
	for _, c := range Checks() {
		if !cfg.wants(c.Name) {
			continue
		}
		began := time.Now()
		x := Result{Check: c.Name, Title: c.Title}
		switch {
		case err != nil:
			x.Outcome, x.Message = Failed, err.Error()
			err = nil
			b.lost = true
		case b.lost:
			x.Outcome, x.Message = Skipped, "the device was not reached"
		default:
			x.Outcome, x.Message = b.make(ctx, c)
		}
		x.TookMS = float64(time.Since(began).Microseconds()) / 1000
		r.add(x)
		if cfg.Each != nil {
			cfg.Each(x)
		}
	}
	b.mu.Lock()
	r.Kind, r.SDK, r.Profile = b.about.Kind, b.conn.SDK, b.profile
	b.mu.Unlock()
	b.close()
	r.TookMS = float64(time.Since(r.Started).Microseconds()) / 1000
	return r
}

// wants reports whether a check is asked for.
func (c Config) wants(check string) bool {
	return len(c.Only) == 0 || slices.Contains(c.Only, check) || slices.Contains(c.Only, group(check))
}

// make makes one check.
func (b *bench) make(ctx context.Context, c Check) (Outcome, string) {
	for _, letter := range c.Needs {
		if !strings.ContainsRune(b.profile, letter) {
			return Skipped, fmt.Sprintf("the device's profile is %q, without %c", b.profile, letter)
		}
	}
	var err error
	if ctx.Err() != nil {
		return Skipped, "the run was ended before it"
	}
	if !c.raw {
		if err = b.ready(ctx); err != nil {
			err = fmt.Errorf("the device did not come to be ready: %w", err)
		}
	}
	if err == nil {
		err = c.run(ctx, b)
	}
	why, ok := errors.AsType[skipped](err)
	switch {
	case ok:
		return Skipped, string(why)
	case ctx.Err() != nil:
		return Skipped, "the run was ended in the middle of it"
	case err != nil:
		return Failed, err.Error()
	default:
		return Passed, ""
	}
}
