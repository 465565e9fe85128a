package planner

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"sync"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/planner/space"
)

// Version is part of every plan's planner name. It changes whenever equal
// briefs may give other plans than before.
const Version = "6"

// Options are what a planner is made with.
type Options struct {
	// Feasible compiles the constraints of a space into a check of settings. A
	// planner without it refuses spaces that have constraints. The check must be
	// a pure function of the settings.
	Feasible func(lab.Space) (func([]lab.Setting) (bool, error), error)
	// Active compiles the conditions of a space's parameters: which of them are
	// there, given values of all. A planner without it refuses spaces that have
	// conditions. It must be a pure function of the settings.
	Active func(lab.Space) (func([]lab.Setting) []bool, error)
	// Costs compiles what experiments cost. A planner without it refuses briefs with
	// a cost. What it returns must be a pure function of the settings.
	Costs func(lab.Space, lab.CostRule) (func([]lab.Setting) (float64, error), error)
}

// Planner answers briefs. It is safe for concurrent use.
type Planner struct {
	options Options

	mu     sync.Mutex
	spaces []compiled // most recently used first
}

// compiled remembers a space between briefs: listing the candidates of one and
// checking its constraints costs more than a decision. It changes no plan.
type compiled struct {
	hash  [32]byte
	space *space.Space
}

// keptSpaces is how many compiled spaces a planner remembers.
const keptSpaces = 4

// New returns a planner.
func New(o Options) *Planner { return &Planner{options: o} }

// Propose decides the brief's round. Errors are of kind [lab.Invalid] and name
// the path in the brief of what is wrong; what data may be like otherwise
// (repeated, constant, failed, absent) is no error.
func (p *Planner) Propose(ctx context.Context, b lab.Brief) (lab.Plan, error) {
	hash, spaceHash, err := hashes(b)
	if err != nil {
		return lab.Plan{}, err
	}
	if err := checkNumbers(b); err != nil {
		return lab.Plan{}, err
	}
	sp, err := p.compile(b.Space, spaceHash)
	if err != nil {
		return lab.Plan{}, err
	}
	t, err := newTask(b, sp)
	if err != nil {
		return lab.Plan{}, err
	}
	if err := t.reckon(p.options.Costs); err != nil {
		return lab.Plan{}, err
	}
	if err := t.weighFidelity(p.options.Costs); err != nil {
		return lab.Plan{}, err
	}
	if err := t.secure(); err != nil {
		return lab.Plan{}, err
	}
	plan := lab.Plan{ID: b.PlanID, CampaignID: b.CampaignID, Round: b.Round, BriefHash: hex.EncodeToString(hash[:])}
	if err := t.decide(ctx, &plan); err != nil {
		return lab.Plan{}, err
	}
	for i := range plan.Proposals {
		q := &plan.Proposals[i]
		q.Number = b.First + i
		q.ExperimentID = lab.ExperimentIDOf(b.CampaignID, q.Number)
		q.CampaignID, q.PlanID = b.CampaignID, b.PlanID
	}
	if len(plan.Proposals) < b.Want {
		plan.Exhausted = true
		plan.Notes = append(plan.Notes, t.exhaustedNote(len(plan.Proposals)))
	}
	return plan, nil
}

// compile returns the compiled space, remembered or new.
func (p *Planner) compile(s lab.Space, hash [32]byte) (*space.Space, error) {
	p.mu.Lock()
	for i, c := range p.spaces {
		if c.hash == hash {
			copy(p.spaces[1:i+1], p.spaces[:i])
			p.spaces[0] = c
			p.mu.Unlock()
			return c.space, nil
		}
	}
	p.mu.Unlock()

	var rules space.Rules
	var err error
	if len(s.Constraints) > 0 {
		if p.options.Feasible == nil {
			return nil, lab.Errorf(lab.Invalid, "space.constraints has %d conditions and the planner was made without a way to check them", len(s.Constraints))
		}
		if rules.Feasible, err = p.options.Feasible(s); err != nil {
			return nil, fmt.Errorf("compile the constraints: %w", err)
		}
	}
	if p.options.Active != nil && slices.ContainsFunc(s.Parameters, func(q lab.Parameter) bool { return q.When != "" }) {
		if rules.Active, err = p.options.Active(s); err != nil {
			return nil, fmt.Errorf("compile the conditions: %w", err)
		}
	}
	sp, err := space.Compile(s, rules)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.spaces = append([]compiled{{hash, sp}}, p.spaces...)
	if len(p.spaces) > keptSpaces {
		p.spaces = p.spaces[:keptSpaces]
	}
	return sp, nil
}
