package schedule

import (
	"slices"

	"github.com/athanor-lab/athanor/lab"
)

// Itinerary is what a protocol asks of a [Book]: for each step the devices that
// it needs, those that stay held after it, and those that it frees.
//
// A sample is at the station of the first step that touches it, and moves only
// by transfers (steps with From and To), which need the carrier and the next
// station at once. The station where it is stays held until it leaves, or until
// the last step that touches it is done.
type Itinerary struct {
	steps  []itineraryStep
	routes [][]string
	waits  []Wait
}

type itineraryStep struct {
	id      string
	needs   []Need
	roles   Roles
	keep    []string
	release []string
}

// stay is a sample at a station, from the step that brought it to the one that
// takes it away or is the last there.
type stay struct{ role, capability, arrive, leave string }

// NewItinerary works out the itinerary of p. It fails with [lab.Invalid] when
// the steps of p are not a graph in which every step can come, or a transfer
// does not begin where its sample is.
func NewItinerary(p lab.Protocol) (*Itinerary, error) {
	order, ancestors, err := sortSteps(p.Steps)
	if err != nil {
		return nil, err
	}
	it := new(Itinerary)
	where := make(map[string]*stay) // sample → where it is
	last := make(map[string]string) // sample → last step that touches it
	for _, s := range order {
		if s.Sample != "" {
			last[s.Sample] = s.ID
		}
	}
	byID := make(map[string]lab.Step, len(order))
	for _, s := range order {
		byID[s.ID] = s
	}
	routes := make(map[string][]string)
	var samples []string
	var stays []*stay
	arrive := func(sample, role string, at lab.Step, by string) {
		st := &stay{role: role, capability: at.Capability, arrive: by, leave: last[sample]}
		where[sample] = st
		stays = append(stays, st)
		if _, ok := routes[sample]; !ok {
			samples = append(samples, sample)
		}
		routes[sample] = append(routes[sample], at.Capability)
	}
	for _, s := range order {
		is := itineraryStep{id: s.ID}
		switch {
		case s.Sample == "":
			is.needs = []Need{{Role: s.ID, Capability: s.Capability, Device: s.Device}}
			is.roles = Roles{Does: s.ID}
			is.release = []string{s.ID}
		case s.From != "" && s.To != "":
			from, to := where[s.Sample], byID[s.To]
			source := byID[s.From]
			if to.ID == "" {
				return nil, lab.Errorf(lab.Invalid, "itinerary: step %q goes to %q, which is no step", s.ID, s.To)
			}
			if from == nil { // it is picked up where it stood before the experiment began
				if source.ID == "" {
					return nil, lab.Errorf(lab.Invalid, "itinerary: step %q comes from %q, which is no step", s.ID, s.From)
				}
				from = &stay{role: source.ID, capability: source.Capability}
			}
			// Where it is picked up is named too, though it is held already: a
			// role that is held is granted again with the same device.
			is.roles = Roles{Does: s.ID, From: from.role, To: to.ID}
			is.needs = append(is.needs,
				Need{Role: from.role, Capability: from.capability, Device: source.Device},
				Need{Role: s.ID, Capability: s.Capability, Device: s.Device},
				Need{Role: to.ID, Capability: to.Capability, Device: to.Device})
			is.release = []string{s.ID, from.role}
			from.leave = s.ID
			arrive(s.Sample, to.ID, to, s.ID)
		default:
			at := where[s.Sample]
			if at == nil || at.capability != s.Capability {
				if at != nil { // no transfer says so, but the sample is elsewhere now
					at.leave = s.ID
					is.release = append(is.release, at.role)
				}
				arrive(s.Sample, s.ID, s, s.ID)
				at = where[s.Sample]
			}
			is.needs = []Need{{Role: at.role, Capability: s.Capability, Device: s.Device}}
			is.roles = Roles{Does: at.role}
		}
		if s.Sample != "" {
			if at := where[s.Sample]; last[s.Sample] != s.ID {
				is.keep = []string{at.role}
			} else {
				is.release = append(is.release, at.role)
			}
		}
		is.release = slices.DeleteFunc(is.release, func(r string) bool { return slices.Contains(is.keep, r) })
		it.steps = append(it.steps, is)
	}
	for _, name := range samples {
		it.routes = append(it.routes, routes[name])
	}
	it.addWaits(stays, ancestors)
	return it, nil
}

// addWaits says what may be waited for during each stay: whatever the steps
// need that have to be done before the sample leaves.
func (it *Itinerary) addWaits(stays []*stay, ancestors map[string][]string) {
	for _, st := range stays {
		before := append(slices.Clone(ancestors[st.leave]), st.leave)
		for _, s := range it.steps {
			if !slices.Contains(before, s.id) || s.id == st.arrive || slices.Contains(ancestors[st.arrive], s.id) {
				continue
			}
			for _, n := range s.needs {
				w := Wait{Holding: st.capability, For: n.Capability}
				if n.Role != st.role && !slices.Contains(it.waits, w) && !it.onRoute(w) {
					it.waits = append(it.waits, w)
				}
			}
		}
	}
}

func (it *Itinerary) onRoute(w Wait) bool {
	for _, r := range it.routes {
		for i := 1; i < len(r); i++ {
			if r[i-1] == w.Holding && r[i] == w.For {
				return true
			}
		}
	}
	return false
}

// Request returns what the step asks for, without the names of the request and
// of its experiment. It fails with [lab.NotFound] for a step that is not there.
func (it *Itinerary) Request(step string) (Request, error) {
	s, err := it.step(step)
	if err != nil {
		return Request{}, err
	}
	return Request{
		Needs:  slices.Clone(s.needs),
		Keep:   slices.Clone(s.keep),
		Routes: it.routes,
		Waits:  it.waits,
	}, nil
}

// Roles says which role does a step and, for a transfer, which roles the
// sample is carried between.
type Roles struct{ Does, From, To string }

// Roles returns the roles of a step.
func (it *Itinerary) Roles(step string) (Roles, error) {
	s, err := it.step(step)
	return s.roles, err
}

// Release returns the roles that are free once the step is done; often none.
func (it *Itinerary) Release(step string) ([]string, error) {
	s, err := it.step(step)
	return slices.Clone(s.release), err
}

func (it *Itinerary) step(id string) (itineraryStep, error) {
	i := slices.IndexFunc(it.steps, func(s itineraryStep) bool { return s.id == id })
	if i < 0 {
		return itineraryStep{}, lab.Errorf(lab.NotFound, "itinerary has no step %q", id)
	}
	return it.steps[i], nil
}

// sortSteps returns the steps so that each comes after those that it waits for,
// in the author's order where that leaves a choice, and all that come before
// each.
func sortSteps(steps []lab.Step) ([]lab.Step, map[string][]string, error) {
	ancestors := make(map[string][]string, len(steps))
	var order []lab.Step
	for len(order) < len(steps) {
		before := len(order)
		for _, s := range steps {
			if _, done := ancestors[s.ID]; done {
				continue
			}
			all, ready := []string{}, true
			for _, a := range s.After {
				up, ok := ancestors[a]
				ready = ready && ok
				all = append(append(all, a), up...)
			}
			if ready {
				slices.Sort(all)
				ancestors[s.ID] = slices.Compact(all)
				order = append(order, s)
				break // from the start again: an earlier one may be ready now
			}
		}
		if len(order) == before {
			return nil, nil, lab.Errorf(lab.Invalid, "itinerary: the steps wait for each other in a circle, or for one that is not there, or two have one id")
		}
	}
	return order, ancestors, nil
}
