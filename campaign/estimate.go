package campaign

import (
	"math"
	"slices"

	"github.com/athanor-lab/athanor/lab"
)

// Rehearsal is what a campaign would take if every experiment of its budget were
// carried out and no step failed. Times are in seconds.
type Rehearsal struct {
	Experiments int     `json:"experiments"`
	ExperimentS float64 `json:"experiment_s"` // one experiment alone: its longest way through the steps
	TotalS      float64 `json:"total_s"`      // all of them; see [Estimate]
	Load        []Busy  `json:"load"`
	// Unknown are the steps whose device does not say how long they take; they
	// count as nothing, so that the times are too short.
	Unknown []string `json:"unknown,omitempty"`
	// Bottleneck is the capability that sets TotalS, or "" when in_flight does.
	Bottleneck string `json:"bottleneck,omitempty"`
}

// Busy is how long the devices of a capability are kept by a campaign.
type Busy struct {
	Capability  string  `json:"capability"`
	Devices     int     `json:"devices"`
	ExperimentS float64 `json:"experiment_s"` // of all its devices, by one experiment
	TotalS      float64 `json:"total_s"`      // of each device, by all of them
}

// Estimate rehearses a campaign from the typical durations that devices
// declare. Capabilities are as for [Check], one to a device that offers it.
//
// A device is kept from the begin of the first step that needs it, which may be
// the transfer that brings a sample, to the end of the last, which may be the
// one that takes it away. The whole campaign takes as long as the
// larger of two bounds: experiments ÷ in_flight × one experiment, and the load
// of the busiest device. Queues, failures, planning and the time from one step
// to the next are not in it, nor does a duration that is itself a parameter
// change it: it is a lower bound, for comparing and for budgets.
func Estimate(doc lab.Document, capabilities []lab.Capability) Rehearsal {
	doc = Defaults(doc)
	c := checker{doc: doc, capabilities: capabilities}
	e := Rehearsal{Experiments: doc.Budget.Experiments}
	g := newGraph(doc.Protocol)
	begin, end := make([]float64, len(g.steps)), make([]float64, len(g.steps))
	for _, i := range g.order {
		for j := range g.before[i] {
			begin[i] = max(begin[i], end[j])
		}
		typical := typicalS(c.specs(g.steps[i]))
		if typical == 0 {
			e.Unknown = append(e.Unknown, g.steps[i].ID)
		}
		end[i] = begin[i] + typical
		e.ExperimentS = max(e.ExperimentS, end[i])
	}
	e.Load = g.load(begin, end, capabilities, e.Experiments)
	waves := math.Ceil(float64(e.Experiments) / float64(max(doc.Plan.InFlight, 1)))
	e.TotalS = waves * e.ExperimentS
	for _, l := range e.Load {
		if l.TotalS > e.TotalS {
			e.TotalS, e.Bottleneck = l.TotalS, l.Capability
		}
	}
	return e
}

// typicalS is the shortest duration that a device declares, 0 when none does.
func typicalS(specs []lab.CommandSpec) float64 {
	shortest := 0.0
	for _, s := range specs {
		if s.TypicalS > 0 && (shortest == 0 || s.TypicalS < shortest) {
			shortest = s.TypicalS
		}
	}
	return shortest
}

func (g *graph) load(begin, end []float64, capabilities []lab.Capability, experiments int) []Busy {
	var loads []Busy
	for role, s := range g.steps {
		if g.role[role] != role {
			continue
		}
		first, last := math.Inf(1), 0.0
		for _, i := range g.order {
			if slices.Contains(g.uses(i), role) {
				first, last = min(first, begin[i]), max(last, end[i])
			}
		}
		if last < first {
			continue
		}
		k := slices.IndexFunc(loads, func(l Busy) bool { return l.Capability == s.Capability })
		if k < 0 {
			k = len(loads)
			loads = append(loads, Busy{Capability: s.Capability, Devices: devicesOf(s.Capability, capabilities)})
		}
		loads[k].ExperimentS += last - first
	}
	for i := range loads {
		l := &loads[i]
		l.TotalS = l.ExperimentS * float64(experiments) / float64(max(l.Devices, 1))
	}
	return loads
}

func devicesOf(name string, capabilities []lab.Capability) int {
	n := 0
	for _, c := range capabilities {
		if c.Name == name {
			n++
		}
	}
	return n
}
