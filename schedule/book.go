package schedule

import (
	"context"
	"slices"

	"github.com/athanor-lab/athanor/lab"
)

// Need is one device that a request asks for.
type Need struct {
	// Role is what the device plays in the experiment: the step that it was
	// first needed for. A role that the experiment holds already is granted
	// again with the same device and epoch.
	Role       string `json:"role"`
	Capability string `json:"capability"`
	Device     string `json:"device,omitempty"` // this one and no other; "" for any with the capability
}

// Wait says that an experiment may hold a device of one capability while it
// waits for one of another.
type Wait struct {
	Holding string `json:"holding"`
	For     string `json:"for"`
}

// Request asks for all that a step needs, or nothing.
type Request struct {
	ID         string           `json:"id"` // unique; asking again with it is asking once
	Campaign   lab.CampaignID   `json:"campaign_id"`
	Experiment lab.ExperimentID `json:"experiment_id"`
	Number     int              `json:"number"` // of the experiment
	Needs      []Need           `json:"needs"`
	// Keep are the roles among Needs that stay held after the step, because a
	// sample waits there for the next one.
	Keep []string `json:"keep,omitempty"`
	// Routes are the capabilities that each sample of the experiment visits, in
	// order, and Waits are the other cases of holding one while waiting for
	// another, such as a station while waiting for the carrier. Every request of
	// an experiment says the same; [Itinerary] works them out of a protocol. That
	// nothing deadlocks rests on their being complete.
	Routes [][]string `json:"routes,omitempty"`
	Waits  []Wait     `json:"waits,omitempty"`
	// Workflow and Activity are where a late grant is to be told.
	Workflow string `json:"workflow,omitempty"`
	Activity string `json:"activity,omitempty"`
}

// Hold is a device that an experiment has, and the epoch that fences it.
type Hold = lab.Hold

// Grant answers a request with a device to a role, in the order of its needs.
type Grant struct {
	Request  string `json:"request"`
	Workflow string `json:"workflow,omitempty"`
	Activity string `json:"activity,omitempty"`
	Holds    []Hold `json:"holds"`
}

// Book keeps requests and grants. An implementation passes
// scheduletest.Exercise. Every method may be repeated.
type Book interface {
	// Reserve grants r whole or lets it wait, and then returns false. Asking
	// again returns the same grant, as long as none of it was released; then it
	// is a new request. It fails with [lab.Invalid] when r
	// contradicts itself, and with [lab.Conflict] when the experiment has ended.
	Reserve(ctx context.Context, r Request) (Grant, bool, error)

	// Release frees the experiment's devices of these roles and returns the
	// requests that could be granted by that. It fails with [lab.Invalid] when no
	// role is named, so that a list lost on the way is not taken for the end.
	Release(ctx context.Context, experiment lab.ExperimentID, roles []string) ([]Grant, error)

	// End frees all that the experiment holds, forgets its requests, and refuses
	// later ones. It returns the requests that could be granted by that.
	End(ctx context.Context, experiment lab.ExperimentID) ([]Grant, error)

	// Sweep grants what can be granted now, since devices come and go without
	// asking the book. It returns every grant to a request that had waited and
	// whose experiment was not told yet.
	Sweep(ctx context.Context) ([]Grant, error)

	// Told says that the experiment knows of the request's grant.
	Told(ctx context.Context, request string) error

	// Abandon forgets a waiting request; one that was granted gives back the
	// devices that it was the first to get.
	Abandon(ctx context.Context, request string) error

	// Why says for a person what a request waits for, or what it was granted.
	// It fails with [lab.NotFound] when the book does not know the request.
	Why(ctx context.Context, request string) (string, error)
}

// Check reports what is wrong with r by itself, as [lab.Invalid].
func (r Request) Check() error {
	switch {
	case r.ID == "":
		return lab.Errorf(lab.Invalid, "reserve: request has no id")
	case r.Experiment.IsZero() || r.Campaign.IsZero():
		return lab.Errorf(lab.Invalid, "reserve %s: request names no experiment or no campaign", r.ID)
	case len(r.Needs) == 0:
		return lab.Errorf(lab.Invalid, "reserve %s: request needs nothing; ask for at least one device", r.ID)
	}
	var roles []string
	for i, n := range r.Needs {
		if n.Role == "" || n.Capability == "" {
			return lab.Errorf(lab.Invalid, "reserve %s: needs[%d] has no role or no capability", r.ID, i)
		}
		if slices.Contains(roles, n.Role) {
			return lab.Errorf(lab.Invalid, "reserve %s: role %q is needed twice; a role is one device", r.ID, n.Role)
		}
		roles = append(roles, n.Role)
	}
	for _, k := range r.Keep {
		if !slices.Contains(roles, k) {
			return lab.Errorf(lab.Invalid, "reserve %s: role %q is to be kept but is not needed", r.ID, k)
		}
	}
	return nil
}
