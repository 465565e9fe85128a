// Package scheduletest helps to test books of reservations: one in memory, the
// suite that every [schedule.Book] passes, and random laboratories.
package scheduletest

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/schedule"
)

var _ schedule.Book = (*Book)(nil)

// Book is a [schedule.Book] in memory. Its zero value is an empty laboratory.
type Book struct {
	// Now is the clock; nil is [time.Now].
	Now func() time.Time

	mu       sync.Mutex
	epoch    int64
	state    schedule.State
	requests map[string]*entry
	ended    map[lab.ExperimentID]bool
	sequence int // of requests, so that equal times keep their order
}

// entry is a request that was granted, or waits.
type entry struct {
	request schedule.Request
	grant   *schedule.Grant
	first   []string // roles that it was the first to get
	told    bool
}

// Save tells the book of a device.
func (b *Book) Save(_ context.Context, d lab.Device) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := slices.IndexFunc(b.state.Devices, func(old schedule.Device) bool { return old.ID == d.ID })
	if i < 0 {
		b.state.Devices = append(b.state.Devices, schedule.DeviceOf(d, 0))
		return nil
	}
	b.state.Devices[i] = schedule.DeviceOf(d, b.state.Devices[i].Used)
	return nil
}

// Held returns who holds what.
func (b *Book) Held() []schedule.Held {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.state.Held)
}

// Reserve implements [schedule.Book].
func (b *Book) Reserve(_ context.Context, r schedule.Request) (schedule.Grant, bool, error) {
	if err := r.Check(); err != nil {
		return schedule.Grant{}, false, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.requests == nil {
		b.requests = make(map[string]*entry)
	}
	e := b.requests[r.ID]
	switch {
	case b.ended[r.Experiment]:
		return schedule.Grant{}, false, lab.Errorf(lab.Conflict, "reserve %s: experiment %d of %s has ended", r.ID, r.Number, r.Campaign)
	case e == nil:
		e = &entry{request: r}
		b.requests[r.ID] = e
		b.state.Waiting = append(b.state.Waiting, schedule.Waiting{Request: r, Since: b.now()})
	case e.request.Experiment != r.Experiment:
		return schedule.Grant{}, false, lab.Errorf(lab.Conflict, "reserve %s: the id belongs to experiment %d of %s", r.ID, e.request.Number, e.request.Campaign)
	}
	if e.grant == nil {
		b.decide()
	}
	if e.grant == nil {
		return schedule.Grant{}, false, nil
	}
	e.told = true
	return *e.grant, true, nil
}

// Release implements [schedule.Book].
func (b *Book) Release(_ context.Context, experiment lab.ExperimentID, roles []string) ([]schedule.Grant, error) {
	if len(roles) == 0 {
		return nil, lab.Errorf(lab.Invalid, "release of experiment %s names no role; End frees all", experiment)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.free(experiment, roles)
	maps.DeleteFunc(b.requests, func(_ string, e *entry) bool {
		return e.request.Experiment == experiment && e.grant != nil &&
			slices.ContainsFunc(e.grant.Holds, func(h schedule.Hold) bool { return slices.Contains(roles, h.Role) })
	})
	return b.decide(), nil
}

// End implements [schedule.Book].
func (b *Book) End(_ context.Context, experiment lab.ExperimentID) ([]schedule.Grant, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended == nil {
		b.ended = make(map[lab.ExperimentID]bool)
	}
	b.ended[experiment] = true
	b.state.Held = slices.DeleteFunc(b.state.Held, func(h schedule.Held) bool { return h.Experiment == experiment })
	b.state.Waiting = slices.DeleteFunc(b.state.Waiting, func(w schedule.Waiting) bool { return w.Request.Experiment == experiment })
	b.state.Active = slices.DeleteFunc(b.state.Active, func(a schedule.Active) bool { return a.Experiment == experiment })
	maps.DeleteFunc(b.requests, func(_ string, e *entry) bool { return e.request.Experiment == experiment })
	return b.decide(), nil
}

// Sweep implements [schedule.Book].
func (b *Book) Sweep(context.Context) ([]schedule.Grant, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.decide()
	var out []schedule.Grant
	for _, e := range b.requests {
		if e.grant != nil && !e.told {
			out = append(out, *e.grant)
		}
	}
	slices.SortFunc(out, func(x, y schedule.Grant) int { return int(x.Holds[0].Epoch - y.Holds[0].Epoch) })
	return out, nil
}

// Told implements [schedule.Book].
func (b *Book) Told(_ context.Context, request string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.requests[request]; e != nil {
		e.told = true
	}
	return nil
}

// Abandon implements [schedule.Book].
func (b *Book) Abandon(_ context.Context, request string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.requests[request]
	if e == nil {
		return nil
	}
	b.state.Waiting = slices.DeleteFunc(b.state.Waiting, func(w schedule.Waiting) bool { return w.Request.ID == request })
	if len(e.first) > 0 {
		b.free(e.request.Experiment, e.first)
	}
	delete(b.requests, request)
	return nil
}

// Why implements [schedule.Book].
func (b *Book) Why(_ context.Context, request string) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.requests[request]
	switch {
	case e == nil:
		return "", lab.Errorf(lab.NotFound, "request %q is not in the book", request)
	case e.grant != nil:
		return e.grant.String(), nil
	default:
		return b.state.Why(e.request), nil
	}
}

func (b *Book) now() time.Time {
	b.sequence++
	if b.Now != nil {
		return b.Now()
	}
	return time.Now().Add(time.Duration(b.sequence)) // strictly later than the one before
}

// free takes roles from the experiment.
func (b *Book) free(experiment lab.ExperimentID, roles []string) {
	gone := func(role string) bool { return slices.Contains(roles, role) }
	held := b.state.Held[:0:0]
	for _, h := range b.state.Held {
		if h.Experiment == experiment {
			h.Roles = slices.DeleteFunc(slices.Clone(h.Roles), gone)
			h.Kept = slices.DeleteFunc(slices.Clone(h.Kept), gone)
		}
		if len(h.Roles) > 0 {
			held = append(held, h)
		}
	}
	b.state.Held = held
}

// decide grants what can be granted and returns it.
func (b *Book) decide() []schedule.Grant {
	b.state.Now = b.now()
	var out []schedule.Grant
	for _, d := range b.state.Decide() {
		e := b.requests[d.Request.ID]
		g := schedule.Grant{Request: d.Request.ID, Workflow: d.Request.Workflow, Activity: d.Request.Activity}
		for _, a := range d.Devices {
			h := slices.IndexFunc(b.state.Held, func(h schedule.Held) bool { return h.Device == a.Device })
			if !a.Held {
				b.epoch++
				b.state.Held[h].Epoch = b.epoch
				i := slices.IndexFunc(b.state.Devices, func(x schedule.Device) bool { return x.ID == a.Device })
				b.state.Devices[i].Used = b.epoch
				e.first = append(e.first, a.Role)
			}
			g.Holds = append(g.Holds, schedule.Hold{Role: a.Role, Device: a.Device, Epoch: b.state.Held[h].Epoch})
		}
		e.grant = &g
		out = append(out, g)
	}
	return out
}
