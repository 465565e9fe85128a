package apitest

import (
	"context"
	"math"
	"time"

	"github.com/athanor-lab/athanor/api"
	"github.com/athanor-lab/athanor/lab"
)

// disputed is the token of the one handover that is in dispute.
const disputed = "0d3f1f2e-0000-8000-8000-0000000000d1"

// Series makes up a heating program of the block of heater-1.
func (p devicesPort) Series(_ context.Context, id string, from, to time.Time, most int) ([]lab.Series, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, err := p.device(id); err != nil {
		return nil, err
	}
	if id != "heater-1" {
		return nil, nil
	}
	s := lab.Series{Stream: "block", Column: "T", Unit: "Cel"}
	n := min(most, 120)
	for i := range n {
		x := float64(i) / float64(n)
		t := 25 + 80*(1-math.Exp(-6*x)) + math.Sin(9*x)
		s.Points = append(s.Points, lab.SeriesPoint{At: from.Add(time.Duration(x * float64(to.Sub(from)))), Mean: t, Min: t - 0.4, Max: t + 0.4, N: 30})
	}
	return []lab.Series{s}, nil
}

func (p devicesPort) Quarantine(_ context.Context, id string, limit int) ([]lab.Quarantined, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := []lab.Quarantined{
		{Device: "xrd-1", Topic: "ldp/1/lab/xrd-1/state", Reason: "decode state: more than 256 calibrations, consumables or slots", Text: `{"boot":5,"n":91,"op":"idle","calibration":[…`, Size: 65536, At: p.clock().Add(-3 * time.Minute).UTC()},
		{Device: "xrd-1", Topic: "ldp/1/lab/xrd-1/ev", Reason: "decode ev: state \"finished\" is none of the contract", Text: `{"id":"x","state":"finished"}`, Size: 29, At: p.clock().Add(-time.Hour).UTC()},
	}
	out := []lab.Quarantined{}
	for _, q := range all {
		if (id == "" || q.Device == id) && len(out) < limit {
			out = append(out, q)
		}
	}
	return out, p.broken
}

func (p devicesPort) Waits(_ context.Context, of lab.CampaignID, limit int) ([]lab.Wait, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var waits []lab.Wait
	for _, c := range p.campaigns {
		if c.progress.State != lab.Running || !of.IsZero() && c.ID != of || len(waits) == limit {
			continue
		}
		number := max(1, len(c.exps))
		waits = append(waits, lab.Wait{
			CampaignID: c.ID, ExperimentID: lab.ExperimentIDOf(c.ID, number), Number: number, Step: "carry", Since: p.now().Add(-5 * time.Minute).UTC(),
			Why: "no slot of heater-1 is free, and it throws nothing away: take a sample out, and say so by athanor sample remove",
		})
	}
	return waits, p.broken
}

func (p devicesPort) Samples(context.Context) ([]lab.Placement, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return []lab.Placement{
		{Sample: "vial-7", Place: lab.Place{Device: "doser-1", Slot: "a2"}, Certain: true},
		{Sample: "vial-5", Place: lab.Place{Device: "heater-1", Slot: "a1"}, Certain: p.settled},
	}, p.broken
}

func (p devicesPort) RemoveSample(_ context.Context, sample string, _ api.Act) error {
	if sample != "vial-7" && sample != "vial-5" {
		return lab.Errorf(lab.NotFound, "remove sample %s: it is nowhere", sample)
	}
	return nil
}

func (p devicesPort) Disputes(context.Context) ([]lab.Dispute, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.settled || p.broken != nil {
		return nil, p.broken
	}
	return []lab.Dispute{{
		Token: disputed, Sample: "vial-5", From: lab.Place{Device: "heater-1", Slot: "a1"}, To: lab.Place{Device: "carrier-1", Slot: "gripper"},
		State: lab.HandoverUncertain, Gave: lab.CommandDone, Took: lab.CommandInDoubt, OpenedAt: p.clock().Add(-20 * time.Minute).UTC(),
	}}, nil
}

func (p devicesPort) Settle(_ context.Context, token string, _ api.Where, _ api.Act) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case token != disputed:
		return lab.Errorf(lab.NotFound, "no handover %q", token)
	case p.settled:
		return lab.Errorf(lab.Conflict, "resolve handover %s: it is not uncertain", token)
	}
	p.settled = true
	return nil
}
