// Package race lets several planners decide in one campaign and gives more of
// its experiments to those that do better.
//
// Experiments are dealt in heats of a few. First every planner has one; then
// each heat goes to the planner with the best standing and some allowance for
// doubt, so that a race switches, and switches back, as the campaign goes on.
// The standing of an experiment is the share of the experiments numbered before
// it that it beats: a failure has none.
//
// A race holds no state: who has which experiment is worked out from the brief,
// from outcomes that were certain to be known when a heat was dealt, which keeps
// plans a function of their brief. Where an experiment ends much later than those
// planned after it, a recount may credit its heat to another planner than the one
// that had it; every plan's notes say who decided it.
package race

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/planner"
)

// Name is the race among the planners that [Arms] has by default; after it and a
// colon a policy may list others.
const Name = "race"

// version is part of a plan's planner name.
const version = "1"

// Proposer decides a brief, by the planner that its policy names.
type Proposer interface {
	Propose(ctx context.Context, b lab.Brief) (lab.Plan, error)
}

// Planner is a race. It is safe for concurrent use when its proposer is.
type Planner struct{ proposer Proposer }

// New returns a race whose heats the proposer decides.
func New(p Proposer) *Planner { return &Planner{p} }

// Is reports whether a policy's planner is a race.
func Is(name string) bool { return name == Name || strings.HasPrefix(name, Name+":") }

// Arms returns the planners of a race. Errors are of kind [lab.Invalid].
func Arms(name string) ([]string, error) {
	list, ok := strings.CutPrefix(name, Name+":")
	if !ok {
		return []string{"bayes", "cma-es", "latin-hypercube"}, nil
	}
	arms := strings.Split(list, ",")
	for i, a := range arms {
		if a == "" || Is(a) || slices.Contains(arms[:i], a) {
			return nil, lab.Errorf(lab.Invalid, "brief.policy.planner is %q; a race lists two planners or more, each once, as race:bayes,cma-es", name)
		}
	}
	if len(arms) < 2 {
		return nil, lab.Errorf(lab.Invalid, "brief.policy.planner is %q; a race needs two planners or more", name)
	}
	return arms, nil
}

const (
	// heat is the least number of experiments that are dealt at once.
	heat = 3
	// doubt weighs how little a planner has been tried against its standing.
	doubt = 0.25
	// fading is what a heat's standing counts for after each heat of the same
	// planner: what was good to begin with may not be so in the end.
	fading = 0.8
)

// Propose has the planners decide whose heats the wanted experiments fall in.
func (p *Planner) Propose(ctx context.Context, b lab.Brief) (lab.Plan, error) {
	arms, err := Arms(b.Policy.Planner)
	if err != nil {
		return lab.Plan{}, err
	}
	hash, err := planner.HashBrief(b)
	if err != nil {
		return lab.Plan{}, err
	}
	plan := lab.Plan{ID: b.PlanID, CampaignID: b.CampaignID, Round: b.Round, BriefHash: hash}
	dealt := deal(b, len(arms))
	var deciders []string
	for done := 0; done < b.Want; {
		arm, n := dealt.at(b.First+done, b.Want-done)
		sub := b
		sub.Policy.Planner = arms[arm]
		sub.First, sub.Want = b.First+done, n
		sub.Pending = slices.Clone(b.Pending)
		for _, q := range plan.Proposals {
			sub.Pending = append(sub.Pending, lab.Pending{Number: q.Number, Settings: q.Settings})
		}
		part, err := p.proposer.Propose(ctx, sub)
		if err != nil {
			return lab.Plan{}, fmt.Errorf("race, experiments from #%d: %w", sub.First, err)
		}
		if !slices.Contains(deciders, part.Planner) {
			deciders = append(deciders, part.Planner)
		}
		for _, q := range part.Proposals {
			q.Reason = arms[arm] + ": " + q.Reason
			plan.Proposals = append(plan.Proposals, q)
		}
		plan.Notes = append(plan.Notes, dealt.note(arms, arm, sub.First, n))
		plan.Notes = append(plan.Notes, part.Notes...)
		done += n
		if part.Exhausted {
			plan.Exhausted = true
			break
		}
	}
	plan.Planner = Name + "/" + version + " of " + strings.Join(deciders, ", ")
	return plan, nil
}

// table says who has which heat, and how the planners stood when the last of
// them was dealt.
type table struct {
	size     int   // experiments to a heat
	owners   []int // by heat
	standing []float64
	heats    []int // dealt to each planner
}

// at returns the planner of experiment number, and how many of the next most
// experiments fall in the same heat.
func (t table) at(number, most int) (arm, n int) {
	h := (number - 1) / t.size
	return t.owners[h], min(most, (h+1)*t.size-number+1)
}

// deal works out the owners of all heats up to the last experiment wanted.
func deal(b lab.Brief, arms int) table {
	t := table{size: max(heat, b.Policy.Batch), standing: make([]float64, arms), heats: make([]int, arms)}
	known := make([]*lab.Known, b.First) // by number less one
	for i, k := range b.Known {
		if k.Number >= 1 && k.Number < b.First {
			known[k.Number-1] = &b.Known[i]
		}
	}
	last := (b.First + b.Want - 2) / t.size
	weight := make([]float64, arms) // of the heats that the standing is the mean of
	credited := 0
	for h := 0; h <= last; h++ {
		// Experiments still in flight when the heat began are not counted.
		for ; (credited+1)*t.size+b.Policy.InFlight <= h*t.size; credited++ {
			arm := t.owners[credited]
			t.standing[arm] = (fading*weight[arm]*t.standing[arm] + share(b, known, credited*t.size, t.size)) / (fading*weight[arm] + 1)
			weight[arm] = fading*weight[arm] + 1
		}
		next := h
		if h >= arms {
			next = t.best(weight)
		}
		t.owners = append(t.owners, next)
		t.heats[next]++
	}
	return t
}

// best returns the planner with the best standing and allowance (after Auer,
// Cesa-Bianchi & Fischer, Finite-time analysis of the multiarmed bandit problem,
// Machine Learning 47, 2002). One whose first heat is not yet counted waits.
func (t table) best(weight []float64) int {
	top, at := math.Inf(-1), 0
	for i, w := range weight {
		if w == 0 {
			continue
		}
		if v := t.standing[i] + doubt*math.Sqrt(math.Log(1+float64(len(t.owners)))/w); v > top {
			top, at = v, i
		}
	}
	if math.IsInf(top, -1) {
		return len(t.owners) % len(weight)
	}
	return at
}

// share returns the mean standing of the n experiments after the first from.
func share(b lab.Brief, known []*lab.Known, from, n int) float64 {
	sum, counted := 0.0, 0.0
	for i := from; i < from+n && i < len(known); i++ {
		if known[i] == nil {
			continue // added by hand elsewhere, or never ended
		}
		counted++
		beaten, before := 0.5, 1.0
		for _, other := range known[:i] {
			if other != nil {
				before++
				beaten += against(b, *known[i], *other)
			}
		}
		if !known[i].Failed && len(known[i].Observed) > 0 {
			sum += beaten / before
		}
	}
	if counted == 0 {
		return 0.5
	}
	return sum / counted
}

// against returns 1 where experiment a beats o, 0 where it is beaten and ½ where
// neither is so: of several objectives none may be worse.
func against(b lab.Brief, a, o lab.Known) float64 {
	if a.Failed || o.Failed {
		switch {
		case a.Failed == o.Failed:
			return 0.5
		case a.Failed:
			return 0
		}
		return 1
	}
	better, worse := false, false
	for _, objective := range b.Objectives {
		x, okX := value(a, objective)
		y, okY := value(o, objective)
		if okX && okY {
			better, worse = better || x > y, worse || x < y
		}
	}
	switch {
	case better && !worse:
		return 1
	case worse && !better:
		return 0
	default:
		return 0.5
	}
}

// value returns what was seen of an objective, to be maximised.
func value(k lab.Known, o lab.Objective) (float64, bool) {
	for _, m := range k.Observed {
		if m.Name == o.Name {
			if o.Direction == lab.Minimize {
				return -m.Value, true
			}
			return m.Value, true
		}
	}
	return 0, false
}

// note says who decides some experiments and why.
func (t table) note(arms []string, arm, first, n int) string {
	which := fmt.Sprintf("#%d", first)
	if n > 1 {
		which = fmt.Sprintf("#%d–#%d", first, first+n-1)
	}
	h := (first - 1) / t.size
	turn := "goes on"
	switch {
	case h < len(arms):
		turn = "has its first heat"
	case t.owners[h-1] != arm:
		turn = "takes over from " + arms[t.owners[h-1]]
	}
	var standing []string
	for i, a := range arms {
		standing = append(standing, fmt.Sprintf("%s %.2f after %d heats", a, t.standing[i], t.heats[i]))
	}
	return fmt.Sprintf("Race: %s decides %s and %s (share of earlier experiments beaten: %s).", arms[arm], which, turn, strings.Join(standing, ", "))
}
