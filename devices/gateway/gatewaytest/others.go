package gatewaytest

import (
	"context"
	"sync"

	"github.com/athanor-lab/athanor/devices/gateway"
	"github.com/athanor-lab/athanor/lab"
)

var (
	_ gateway.Fleet     = (*Fleet)(nil)
	_ gateway.Completer = (*Completer)(nil)
)

// Fleet is a [gateway.Fleet] in memory. The zero value is empty.
type Fleet struct {
	mu      sync.Mutex
	devices map[string]lab.Device
	changed chan struct{}
}

// Save implements [gateway.Fleet].
func (f *Fleet) Save(_ context.Context, d lab.Device) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.devices == nil {
		f.devices = map[string]lab.Device{}
	}
	if old, ok := f.devices[d.ID]; ok && (old.Boot > d.Boot || old.Boot == d.Boot && old.SeenAt.After(d.SeenAt)) {
		return nil
	}
	f.devices[d.ID] = d
	if f.changed != nil {
		close(f.changed)
		f.changed = nil
	}
	return nil
}

// Await returns a device once it is as ok wants it, or what is known of it when
// ctx ends.
func (f *Fleet) Await(ctx context.Context, id string, ok func(lab.Device) bool) (lab.Device, error) {
	for {
		f.mu.Lock()
		d := f.devices[id]
		if d.ID != "" && ok(d) {
			f.mu.Unlock()
			return d, nil
		}
		if f.changed == nil {
			f.changed = make(chan struct{})
		}
		changed := f.changed
		f.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return d, context.Cause(ctx)
		}
	}
}

// Completer is a [gateway.Completer] that remembers what it was told.
type Completer struct {
	// Refuse, when set before use, may refuse to be told.
	Refuse func(lab.Result) error

	mu      sync.Mutex
	told    map[lab.CommandID][]lab.Result
	changed chan struct{}
}

// Complete implements [gateway.Completer].
func (c *Completer) Complete(_ context.Context, r lab.Result) error {
	if c.Refuse != nil {
		if err := c.Refuse(r); err != nil {
			return err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.told == nil {
		c.told = map[lab.CommandID][]lab.Result{}
	}
	c.told[r.CommandID] = append(c.told[r.CommandID], r)
	if c.changed != nil {
		close(c.changed)
		c.changed = nil
	}
	return nil
}

// Told returns all that was told of a command.
func (c *Completer) Told(id lab.CommandID) []lab.Result {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]lab.Result(nil), c.told[id]...)
}

// Await returns the last result of a command once there is one that ok wants.
func (c *Completer) Await(ctx context.Context, id lab.CommandID, ok func(lab.Result) bool) (lab.Result, error) {
	for {
		c.mu.Lock()
		for _, r := range c.told[id] {
			if ok(r) {
				c.mu.Unlock()
				return r, nil
			}
		}
		if c.changed == nil {
			c.changed = make(chan struct{})
		}
		changed := c.changed
		c.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return lab.Result{}, context.Cause(ctx)
		}
	}
}
