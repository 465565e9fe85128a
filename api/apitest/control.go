package apitest

import (
	"context"
	"slices"

	"github.com/athanor-lab/athanor/api"
	"github.com/athanor-lab/athanor/lab"
)

type controlPort struct{ *Lab }

// free lets go of the devices that a campaign has.
func (l *Lab) free(c *campaign) {
	for _, d := range l.devices {
		if d.Campaign != nil && *d.Campaign == c.ID {
			d.Op, d.Active, d.Experiment, d.Campaign, d.Number = "idle", nil, nil, nil, 0
			l.append(lab.EventDevice, nil, 0, d.ID, copyOf(d))
		}
	}
}

// change checks that a campaign is in one of the states and lets do change it.
func (p controlPort) change(id lab.CampaignID, what string, from []lab.CampaignState, do func(*campaign)) (lab.Progress, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, err := p.find(id)
	if err != nil {
		return lab.Progress{}, err
	}
	if !slices.Contains(from, c.progress.State) {
		return lab.Progress{}, lab.Errorf(lab.Conflict, "%s campaign %q: it is %s", what, c.Document.Title, c.progress.State)
	}
	do(c)
	return c.progress, nil
}

func because(what string, a api.Act) string {
	if a.By != "" {
		what += " by " + a.By
	}
	if a.Reason != "" {
		what += ": " + a.Reason
	}
	return what
}

func (p controlPort) Pause(_ context.Context, id lab.CampaignID, a api.Act) (lab.Progress, error) {
	return p.change(id, "pause", []lab.CampaignState{lab.Running, lab.AwaitingApproval}, func(c *campaign) { p.setState(c, lab.Paused, because("paused", a)) })
}

func (p controlPort) Resume(_ context.Context, id lab.CampaignID, _ api.Act) (lab.Progress, error) {
	return p.change(id, "resume", []lab.CampaignState{lab.Paused}, func(c *campaign) { p.setState(c, lab.Running, "") })
}

func (p controlPort) Abort(_ context.Context, id lab.CampaignID, a api.Act) (lab.Progress, error) {
	alive := []lab.CampaignState{lab.Submitted, lab.Running, lab.AwaitingApproval, lab.Paused}
	return p.change(id, "abort", alive, func(c *campaign) {
		for _, e := range c.exps {
			if e.State == api.ExperimentRunning || e.State == api.ExperimentPlanned {
				e.State, e.Outcome.State = api.ExperimentCancelled, lab.OutcomeCancelled
				p.append(lab.EventExperiment, c, e.Outcome.Proposal.Number, "", map[string]any{"state": "cancelled"})
			}
		}
		p.free(c)
		p.setState(c, lab.Aborted, because("aborted", a))
	})
}

func (p controlPort) Approve(_ context.Context, id lab.CampaignID, _ int, _ api.Act) (lab.Progress, error) {
	return p.change(id, "approve a plan of", []lab.CampaignState{lab.AwaitingApproval}, func(c *campaign) {
		p.adopt(c, *c.pending)
		c.pending = nil
		p.setState(c, lab.Running, "")
	})
}

func (p controlPort) Reject(_ context.Context, id lab.CampaignID, _ int, a api.Act) (lab.Progress, error) {
	return p.change(id, "reject a plan of", []lab.CampaignState{lab.AwaitingApproval}, func(c *campaign) {
		c.pending = nil
		p.setState(c, lab.Paused, because("plan rejected", a))
	})
}

func (p controlPort) Resolve(_ context.Context, id lab.CommandID, outcome lab.CommandState, _ api.Act) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.campaigns {
		if c.doubt == nil || c.doubt.Doubt.Command.ID != id {
			continue
		}
		e := c.exps[c.doubt.Doubt.Command.Number-1]
		c.doubt = nil
		if e.State = api.ExperimentRunning; outcome == lab.CommandFailed {
			p.fail(c, e, "resolved", "a person found that the command was not carried out")
			return nil
		}
		p.append(lab.EventExperiment, c, e.Outcome.Proposal.Number, "", map[string]any{"state": "started"})
		return nil
	}
	return lab.Errorf(lab.Conflict, "resolve %s: no such command is in doubt; somebody may have resolved it already", id)
}

// Advise finds nothing that asks: the steps of this laboratory never wait for
// advice.
func (p controlPort) Advise(_ context.Context, id lab.CampaignID, number int, step string, _ bool, _ api.Act) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, err := p.find(id); err != nil {
		return err
	}
	return lab.Errorf(lab.Conflict, "advise experiment %d: step %q does not wait for advice", number, step)
}

type devicesPort struct{ *Lab }

func (p devicesPort) List(context.Context) ([]lab.Device, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.broken != nil {
		return nil, p.broken
	}
	var out []lab.Device
	for _, d := range p.devices {
		out = append(out, copyOf(d))
	}
	return out, nil
}

func copyOf(d *lab.Device) lab.Device {
	c := *d
	c.Active = slices.Clone(d.Active)
	return c
}

func (p devicesPort) Get(_ context.Context, id string) (lab.Device, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	d, err := p.device(id)
	if err != nil {
		return lab.Device{}, err
	}
	return copyOf(d), nil
}

func (l *Lab) device(id string) (*lab.Device, error) {
	for _, d := range l.devices {
		if d.ID == id {
			return d, l.broken
		}
	}
	return nil, lab.Errorf(lab.NotFound, "no device %q", id)
}

func (p devicesPort) Stop(_ context.Context, id string, _ api.Act) error { return p.latch(id, true) }

func (p devicesPort) Reset(_ context.Context, id string, _ api.Act) error { return p.latch(id, false) }

func (p devicesPort) Pause(_ context.Context, id string, _ api.Act) error {
	return p.turn(id, "idle", "paused")
}

func (p devicesPort) Resume(_ context.Context, id string, _ api.Act) error {
	return p.turn(id, "paused", "idle")
}

// turn changes a device's state, busy counting as idle.
func (p devicesPort) turn(id, from, to string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	d, err := p.device(id)
	if err != nil {
		return err
	}
	if d.Op == from || from == "idle" && d.Op == "busy" {
		d.Op = to
		l := p.Lab
		l.append(lab.EventDevice, nil, 0, d.ID, copyOf(d))
	}
	return nil
}

func (p devicesPort) latch(id string, stop bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	d, err := p.device(id)
	if err != nil {
		return err
	}
	p.setOp(d, stop)
	return nil
}

func (l *Lab) setOp(d *lab.Device, stop bool) {
	if d.Conn != "online" {
		return
	}
	if d.Op = "idle"; stop {
		d.Op, d.Active = "stopped", nil
	}
	d.SeenAt = l.clock().UTC()
	l.append(lab.EventDevice, nil, 0, d.ID, copyOf(d))
}

func (p devicesPort) StopAll(context.Context, api.Act) error  { return p.latchAll(true) }
func (p devicesPort) ResetAll(context.Context, api.Act) error { return p.latchAll(false) }

func (p devicesPort) latchAll(stop bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.broken != nil {
		return p.broken
	}
	p.stopped = stop
	for _, d := range p.devices {
		p.setOp(d, stop)
	}
	return nil
}
