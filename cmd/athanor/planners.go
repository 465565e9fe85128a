package main

import (
	"context"
	"strings"

	"github.com/athanor-lab/athanor/campaign"
	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/planner"
	"github.com/athanor-lab/athanor/planner/plugin"
	"github.com/athanor-lab/athanor/planner/race"
)

// planning is where to find planners in other processes.
type planning struct {
	Plugins map[string]string `name:"planner-plugin" env:"ATHANOR_PLANNERS" mapsep:"," placeholder:"NAME=URL" help:"Planners in other processes, by the name that plan.planner has after plugin:."`
}

// planners decide briefs, each by the planner that its policy names.
type planners struct {
	built   *planner.Planner
	plugins map[string]*plugin.Planner
	race    *race.Planner
}

// builtIn returns our own planner, which reads constraints and costs as campaigns do.
func builtIn() *planner.Planner {
	return planner.New(planner.Options{Feasible: campaign.Feasible, Active: campaign.Active, Costs: campaign.Costs})
}

func (c planning) planners() (*planners, error) {
	p := &planners{built: builtIn(), plugins: make(map[string]*plugin.Planner)}
	p.race = race.New(p)
	for name, url := range c.Plugins {
		x, err := plugin.New(plugin.Options{Name: name, URL: url, Fallback: p.built, Feasible: campaign.Feasible, Active: campaign.Active})
		if err != nil {
			return nil, err
		}
		p.plugins[name] = x
	}
	return p, nil
}

// Propose implements the ports of all who ask for plans.
func (p *planners) Propose(ctx context.Context, b lab.Brief) (lab.Plan, error) {
	if race.Is(b.Policy.Planner) {
		return p.race.Propose(ctx, b)
	}
	name, ok := strings.CutPrefix(b.Policy.Planner, plugin.Prefix)
	if !ok {
		return p.built.Propose(ctx, b)
	}
	if x, ok := p.plugins[name]; ok {
		return x.Propose(ctx, b)
	}
	return plugin.Instead(ctx, p.built, b, b.Policy.Planner, lab.Errorf(lab.NotFound,
		"no planner of that name is known here; start Athanor with --planner-plugin %s=URL (or ATHANOR_PLANNERS)", name))
}
