package schedule

import (
	"cmp"
	"slices"
	"time"

	"github.com/athanor-lab/athanor/lab"
)

// AgeStep is how long a request waits to gain one held device on the others.
const AgeStep = 30 * time.Second

// Device is what a decision needs to know of a device.
type Device struct {
	ID           string
	Capabilities []string
	Ready        bool   // may be granted
	Idle         bool   // ready, and not at the end of an earlier command
	Why          string // why it is not ready, as in "is offline"
	Used         int64  // epoch of its latest grant; 0 for never
	// Next, when set, is the only request that may get it: it was granted it next
	// by the laboratory that went on after a backup, and comes to it again.
	Next string
}

// DeviceOf returns what a decision needs of d. A busy device is ready: when
// nobody holds it, it ends a command whose experiment let go, and the device
// itself refuses until it has.
func DeviceOf(d lab.Device, used int64) Device {
	out := Device{ID: d.ID, Used: used, Ready: true, Idle: d.Op == "idle"}
	for _, c := range d.Capabilities {
		out.Capabilities = append(out.Capabilities, c.Name)
	}
	switch {
	case d.Conn != "online":
		out.Ready, out.Why = false, "is "+cmp.Or(d.Conn, "not connected")
	case d.Mode != "remote":
		out.Ready, out.Why = false, "is in "+cmp.Or(d.Mode, "an unknown")+" mode"
	case d.Op != "idle" && d.Op != "busy":
		out.Ready, out.Why = false, "is in state "+cmp.Or(d.Op, "unknown")
	}
	return out
}

// Held is a device in the hands of an experiment.
type Held struct {
	Device     string
	Experiment lab.ExperimentID
	Campaign   lab.CampaignID
	Number     int
	Epoch      int64
	Roles      []string // that the device plays, at least one
	Kept       []string // those of Roles that are held between steps
}

// Waiting is a request that is not granted yet.
type Waiting struct {
	Request Request
	Since   time.Time
	Why     string // as [State.Why] says, where somebody asked; no decision depends on it
}

// Active is an experiment that has been admitted and has not ended.
type Active struct {
	Experiment lab.ExperimentID
	Campaign   lab.CampaignID
	Number     int
	Routes     [][]string
	Waits      []Wait
}

// State is all that a decision depends on.
type State struct {
	Now     time.Time
	Devices []Device // any order
	Held    []Held
	Waiting []Waiting
	Active  []Active
	// Next, unless it is zero, is the only experiment that may be admitted, as
	// [Device.Next] is.
	Next lab.ExperimentID
}

// Assigned is a device for a role.
type Assigned struct {
	Role   string
	Device string
	Held   bool // by the experiment already: keep its epoch
}

// Decision is a request that is granted now, with a device to each need.
type Decision struct {
	Request Request
	Devices []Assigned
	Admit   bool // the experiment is admitted by it
}

// Decide returns the requests that are granted now, in the order of their
// grants, and leaves s as it is afterwards, new epochs aside.
//
// Cost: O(w log w) for w waiting requests and again for every grant, and
// O(devices) for every request that is looked at.
func (s *State) Decide() []Decision {
	if len(s.Waiting) == 0 {
		return nil
	}
	var (
		out  []Decision
		t    = s.tally()
		left = slices.Clone(s.Waiting)
	)
	for len(left) > 0 {
		t.sort(left, s.Now)
		next := left[:0:0]
		granted := false
		for i, w := range left {
			d, ok := t.try(w.Request)
			if !ok {
				continue // grants only take away, so it stays impossible in this pass
			}
			t.apply(d)
			out = append(out, d)
			next, granted = slices.Clone(left[i+1:]), true
			break
		}
		if !granted {
			break
		}
		left = next // those before were found impossible; ranks have changed, so sort again
	}
	s.Waiting = slices.DeleteFunc(s.Waiting, func(w Waiting) bool {
		return slices.ContainsFunc(out, func(d Decision) bool { return d.Request.ID == w.Request.ID })
	})
	s.Held, s.Active = t.held, t.active
	return out
}

// tally is a state arranged for deciding.
type tally struct {
	devices  []Device
	held     []Held
	active   []Active
	holder   map[string]int // device → index in held
	holdings map[lab.CampaignID]int
	classes  classes
	next     lab.ExperimentID
}

func (s *State) tally() *tally {
	t := &tally{
		devices:  slices.Clone(s.Devices),
		held:     slices.Clone(s.Held),
		active:   slices.Clone(s.Active),
		holder:   make(map[string]int, len(s.Held)),
		holdings: make(map[lab.CampaignID]int),
		classes:  classesOf(s.Devices),
		next:     s.Next,
	}
	slices.SortFunc(t.devices, func(a, b Device) int {
		if a.Idle != b.Idle {
			if a.Idle {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(a.Used, b.Used), cmp.Compare(a.ID, b.ID))
	})
	for i, h := range t.held {
		t.holder[h.Device] = i
		t.holdings[h.Campaign]++
	}
	return t
}

// sort puts the request to be served first in front.
func (t *tally) sort(ws []Waiting, now time.Time) {
	rank := func(w Waiting) int {
		return t.holdings[w.Request.Campaign] - int(max(0, now.Sub(w.Since))/AgeStep)
	}
	slices.SortStableFunc(ws, func(a, b Waiting) int {
		return cmp.Or(
			cmp.Compare(rank(a), rank(b)),
			a.Since.Compare(b.Since),
			cmp.Compare(a.Request.Number, b.Request.Number),
			cmp.Compare(a.Request.ID, b.Request.ID),
		)
	})
}

// try returns how r could be granted.
func (t *tally) try(r Request) (Decision, bool) {
	devices, ok := t.assign(r)
	if !ok {
		return Decision{}, false
	}
	d := Decision{Request: r, Devices: devices}
	if !t.admitted(r.Experiment) {
		if t.obstacle(r) != "" {
			return Decision{}, false
		}
		d.Admit = true
	}
	return d, true
}

func (t *tally) admitted(e lab.ExperimentID) bool {
	return slices.ContainsFunc(t.active, func(a Active) bool { return a.Experiment == e })
}

// apply takes the devices of d away from the others. Used is approximate until
// the book has drawn the epoch: larger than any other.
func (t *tally) apply(d Decision) {
	r := d.Request
	for _, a := range d.Devices {
		i, ok := t.holder[a.Device]
		if !ok {
			i = len(t.held)
			t.holder[a.Device] = i
			t.held = append(t.held, Held{Device: a.Device, Experiment: r.Experiment, Campaign: r.Campaign, Number: r.Number})
			t.holdings[r.Campaign]++
		}
		h := &t.held[i]
		h.Roles, h.Kept = slices.Clone(h.Roles), slices.Clone(h.Kept)
		if !slices.Contains(h.Roles, a.Role) {
			h.Roles = append(h.Roles, a.Role)
		}
		if slices.Contains(r.Keep, a.Role) && !slices.Contains(h.Kept, a.Role) {
			h.Kept = append(h.Kept, a.Role)
		}
	}
	if d.Admit {
		t.active = append(t.active, Active{Experiment: r.Experiment, Campaign: r.Campaign, Number: r.Number, Routes: r.Routes, Waits: r.Waits})
	}
}

// assign finds a device for every need of r, or reports that there is none now.
func (t *tally) assign(r Request) ([]Assigned, bool) {
	out := make([]Assigned, len(r.Needs))
	taken := make(map[string]bool, len(r.Needs))
	order := make([]int, 0, len(r.Needs))
	for i, n := range r.Needs {
		if h := t.heldAs(r.Experiment, n); h != "" {
			out[i] = Assigned{Role: n.Role, Device: h, Held: true}
			taken[h] = true
			continue
		}
		order = append(order, i)
	}
	// Few needs have few choices: try them in turn, pinned ones first.
	slices.SortStableFunc(order, func(a, b int) int { return -cmp.Compare(len(r.Needs[a].Device), len(r.Needs[b].Device)) })
	var place func(k int) bool
	place = func(k int) bool {
		if k == len(order) {
			return true
		}
		n := r.Needs[order[k]]
		for i := range t.devices {
			d := &t.devices[i]
			if taken[d.ID] || !t.suits(d, n) || d.Next != "" && d.Next != r.ID {
				continue
			}
			taken[d.ID] = true
			out[order[k]] = Assigned{Role: n.Role, Device: d.ID}
			if place(k + 1) {
				return true
			}
			delete(taken, d.ID)
		}
		return false
	}
	return out, place(0)
}

// heldAs returns the device that e holds and that answers n: the one with its
// role, or the one that n insists on when it is kept between steps.
func (t *tally) heldAs(e lab.ExperimentID, n Need) string {
	for _, h := range t.held {
		if h.Experiment == e && (slices.Contains(h.Roles, n.Role) || h.Device == n.Device && len(h.Kept) > 0) {
			return h.Device
		}
	}
	return ""
}

// suits reports whether d is free and what n asks for.
func (t *tally) suits(d *Device, n Need) bool {
	if !d.Ready || n.Device != "" && n.Device != d.ID || !slices.Contains(d.Capabilities, n.Capability) {
		return false
	}
	_, held := t.holder[d.ID]
	return !held
}
