package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/athanor-lab/athanor/campaign"
	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/schedule"
	"github.com/athanor-lab/athanor/ucum"
	"github.com/athanor-lab/athanor/workflows"
)

// compiler makes programs of campaigns and keeps them: a campaign never
// changes, and its expressions are compiled once a process.
type compiler struct {
	fleet    *fleet
	campaign func(context.Context, lab.CampaignID) (lab.Campaign, error)

	mu       sync.Mutex
	programs map[lab.CampaignID]*program
}

func newCompiler(f *fleet, campaign func(context.Context, lab.CampaignID) (lab.Campaign, error)) *compiler {
	return &compiler{fleet: f, campaign: campaign, programs: map[lab.CampaignID]*program{}}
}

// keptPrograms bounds what a compiler remembers.
const keptPrograms = 1000

// Program implements [workflows.Compiler].
func (c *compiler) Program(ctx context.Context, id lab.CampaignID) (workflows.Program, error) {
	return c.program(ctx, id)
}

func (c *compiler) program(ctx context.Context, id lab.CampaignID) (*program, error) {
	c.mu.Lock()
	p, ok := c.programs[id]
	c.mu.Unlock()
	if ok {
		return p, nil
	}
	from, err := c.campaign(ctx, id)
	if err != nil {
		return nil, err
	}
	if p, err = c.compile(from); err != nil {
		return nil, fmt.Errorf("compile %s: %w", id, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.programs) >= keptPrograms {
		clear(c.programs)
	}
	c.programs[id] = p
	return p, nil
}

func (c *compiler) compile(from lab.Campaign) (*program, error) {
	compiled, problems := campaign.Compile(from.Document)
	if len(problems) > 0 {
		return nil, lab.Errorf(lab.Invalid, "%s", problems[0])
	}
	itinerary, err := schedule.NewItinerary(from.Document.Protocol)
	if err != nil {
		return nil, err
	}
	p := &program{Program: compiled, campaign: from, itinerary: itinerary, fleet: c.fleet}
	if p.graph, err = p.makeGraph(); err != nil {
		return nil, err
	}
	if p.timeS, err = seconds(from.Document.Budget.Time, 0); err != nil {
		return nil, lab.Errorf(lab.Invalid, "budget.time: %w", err)
	}
	return p, nil
}

// program is a compiled document with what it asks of the schedule.
type program struct {
	*campaign.Program
	campaign  lab.Campaign
	itinerary *schedule.Itinerary
	fleet     *fleet
	graph     workflows.Graph
	timeS     float64
}

// Campaign implements [workflows.Program].
func (p *program) Campaign() lab.Campaign { return p.campaign }

// Graph implements [workflows.Program].
func (p *program) Graph() workflows.Graph { return p.graph }

// TimeBudget implements [workflows.Program].
func (p *program) TimeBudget() float64 { return p.timeS }

// Stop implements [workflows.Program].
func (p *program) Stop(known []lab.Known) (string, error) {
	rule, met, err := p.Program.Stop(campaign.History{Known: known})
	if err != nil || !met {
		return "", err
	}
	return rule, nil
}

func (p *program) makeGraph() (workflows.Graph, error) {
	var g workflows.Graph
	for _, id := range campaign.Order(p.campaign.Document.Protocol) {
		s := p.step(id)
		policy := policyOf(p.campaign.Document, s)
		releases, err := p.itinerary.Release(id)
		if err != nil {
			return g, err
		}
		n := workflows.Node{ID: id, After: s.After, Releases: releases, Retry: policy.Retry, Then: workflows.Then(policy.Then)}
		if n.TimeoutS, err = seconds(s.Timeout, lab.DefaultStepTimeoutSeconds); err != nil {
			return g, fmt.Errorf("timeout of step %q: %w", id, err)
		}
		if n.MaxLagS, err = seconds(s.MaxLag, 0); err != nil {
			return g, fmt.Errorf("max_lag of step %q: %w", id, err)
		}
		g.Steps = append(g.Steps, n)
	}
	return g, nil
}

// policyOf returns what follows a failure of s: its own policy, else the
// document's.
func policyOf(doc lab.Document, s lab.Step) lab.FailurePolicy {
	if s.OnFailure != nil {
		return *s.OnFailure
	}
	return doc.Safety.OnFailure
}

func (p *program) step(id string) lab.Step {
	i := slices.IndexFunc(p.campaign.Document.Protocol.Steps, func(s lab.Step) bool { return s.ID == id })
	return p.campaign.Document.Protocol.Steps[i]
}

// seconds returns a time in seconds, or otherwise when there is none.
func seconds(q *lab.Quantity, otherwise float64) (float64, error) {
	if q == nil {
		return otherwise, nil
	}
	return ucum.ConvertCodes(q.Value, string(q.Unit), "s")
}

// Command implements [workflows.Program].
func (p *program) Command(step string, e lab.ExperimentID, settings []lab.Setting, results []lab.StepResult, holds []lab.Hold) (workflows.Instruction, error) {
	var do workflows.Instruction
	s := p.step(step)
	roles, err := p.itinerary.Roles(step)
	if err != nil {
		return do, err
	}
	in := campaign.Input{Settings: settings, Results: results}
	for _, h := range holds {
		switch h.Role {
		case roles.Does:
			do.Device, do.Epoch = h.Device, h.Epoch
		case roles.From:
			in.From, do.From = h.Device, h
		case roles.To:
			in.To, do.To = h.Device, h
		}
	}
	if do.Device == "" {
		return do, lab.Errorf(lab.Internal, "step %q was granted no device of role %q", step, roles.Does)
	}
	if s.Sample != "" {
		in.Sample = e.UUID() + "." + s.Sample
		do.Samples = []lab.SampleRef{{ID: in.Sample}}
	}
	if in.Spec, err = p.fleet.spec(do.Device, s.Command); err != nil {
		return do, err
	}
	do.Name = s.Command
	do.Params, err = p.Params(step, in)
	return do, err
}

// fleet answers what devices offer from a copy that is at most a few seconds
// old: descriptors change when somebody changes a device.
type fleet struct {
	list func(context.Context) ([]lab.Device, error)
	now  func() time.Time

	mu      sync.Mutex
	devices []lab.Device
	readAt  time.Time
}

const fleetAge = 3 * time.Second

func (f *fleet) all(ctx context.Context) ([]lab.Device, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.devices != nil && f.now().Sub(f.readAt) < fleetAge {
		return f.devices, nil
	}
	devices, err := f.list(ctx)
	if err != nil {
		return nil, err
	}
	f.devices, f.readAt = devices, f.now()
	return devices, nil
}

// device returns a device, unavailable while it has not said what it is.
func (f *fleet) device(ctx context.Context, id string) (lab.Device, error) {
	devices, err := f.all(ctx)
	if err != nil {
		return lab.Device{}, err
	}
	i := slices.IndexFunc(devices, func(d lab.Device) bool { return d.ID == id })
	if i < 0 {
		return lab.Device{}, lab.Errorf(lab.Unavailable, "device %s has not said yet what it can do", id)
	}
	return devices[i], nil
}

// spec returns how a device describes a command. Without it numbers could not
// be brought into the device's units, so not knowing is an error: unavailable
// while the device has not said what it is, invalid when it lacks the command.
func (f *fleet) spec(device, command string) (*lab.CommandSpec, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	d, err := f.device(ctx, device)
	if err != nil {
		return nil, err
	}
	for _, c := range d.Capabilities {
		for j := range c.Commands {
			if c.Commands[j].Name == command {
				return &c.Commands[j], nil
			}
		}
	}
	return nil, lab.Errorf(lab.Invalid, "device %s has no command %q", device, command)
}

// capabilities returns what the laboratory offers; devices of one name that
// differ are told apart by whoever checks.
func (f *fleet) capabilities(ctx context.Context) ([]lab.Capability, error) {
	devices, err := f.all(ctx)
	if err != nil {
		return nil, err
	}
	offers := []lab.Capability{}
	for _, d := range devices {
		if d.Conn == "online" {
			offers = append(offers, d.Capabilities...)
		}
	}
	slices.SortStableFunc(offers, func(a, b lab.Capability) int { return strings.Compare(a.Name, b.Name) })
	return offers, nil
}
