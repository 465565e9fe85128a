package datasettest

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/athanor-lab/athanor/dataset"
	"github.com/athanor-lab/athanor/lab"
)

// Archive is a [dataset.Archive] in memory.
type Archive struct {
	All   []dataset.Recorded
	Links map[lab.CampaignID][]dataset.Link
}

var _ dataset.Archive = (*Archive)(nil)

// NewArchive returns the record of campaigns with n experiments each: every
// seventh failed, some saw nothing, all but the first are predicted, committed
// to, and moved by a paper.
func NewArchive(campaigns, n int) (*Archive, error) {
	a := &Archive{Links: map[lab.CampaignID][]dataset.Link{}}
	for c := range campaigns {
		campaign := Campaign(byte(c + 1))
		campaign.Document.Title = fmt.Sprintf("Direct arylation %d", c+1)
		prev := dataset.Genesis(campaign.ID)
		for i := 1; i <= n; i++ {
			r, err := recorded(campaign, i)
			if err != nil {
				return nil, err
			}
			r.Commitment.Prev, r.Commitment.Hash = prev, dataset.ChainHash(prev, r.Commitment.Leaves)
			prev = r.Commitment.Hash
			a.Links[campaign.ID] = append(a.Links[campaign.ID], dataset.Link{
				CampaignID: campaign.ID, PlanID: r.Outcome.Proposal.PlanID, Round: i, Leaves: r.Commitment.Leaves, Prev: r.Commitment.Prev, Hash: r.Commitment.Hash, CommittedAt: r.Commitment.CommittedAt,
			})
			a.All = append(a.All, r)
		}
	}
	return a, nil
}

func recorded(c lab.Campaign, i int) (dataset.Recorded, error) {
	o := Outcome(c.ID, i)
	p := &o.Proposal
	temperature := 90 + 30*math.Mod(float64(i)*0.618, 1)
	bases := []string{"KOAc", "CsOAc"}
	p.Settings = []lab.Setting{
		{Name: "base", Value: lab.Label(bases[i%2])},
		{Name: "temperature", Value: lab.Number(temperature), Unit: "Cel"},
		{Name: "metals", Value: lab.Parts([]float64{0.25, 0.75})},
	}
	o.State, o.Failure = lab.OutcomeSucceeded, nil
	sigma, yield := 0.5, 60+30*math.Sin(temperature/5)
	if i%11 == 0 {
		yield = 0.3
	}
	o.Observed = []lab.Measured{{Name: "yield", Value: yield, Sigma: &sigma, Unit: "%"}, {Name: "cost", Value: 12.5, Unit: "EUR/mol"}}
	look := o.Steps[0]
	look.Step, look.Command, look.Device, look.CommandID = "look", "measure", "hplc-1", lab.CommandIDOf(p.ExperimentID, "look", 1, 0)
	look.Params, look.Units = json.RawMessage(`{}`), []lab.NamedUnit{{Of: "values", Name: "area", Unit: "1"}}
	look.State, look.Effect, look.Code = lab.CommandDone, lab.EffectComplete, ""
	look.Values = json.RawMessage(fmt.Sprintf(`{"area":%g,"trace":[0,1,%d,1,0.5,0.25]}`, yield*10, 3+i%5))
	o.Steps[0].State, o.Steps[0].Effect, o.Steps[0].Code = lab.CommandDone, lab.EffectComplete, ""
	o.Steps = append(o.Steps, look)
	if i%7 == 0 {
		o.State, o.Observed = lab.OutcomeFailed, []lab.Measured{}
		o.Failure = &lab.Failure{Step: "look", Device: "hplc-1", Code: "device_fault", Message: "pump pressure too high"}
		o.Steps[1].State, o.Steps[1].Effect, o.Steps[1].Code, o.Steps[1].Values = lab.CommandFailed, lab.EffectPartial, "device_fault", nil
	}
	bodies, leaves, err := dataset.Commit(lab.Plan{Proposals: []lab.Proposal{*p}})
	if err != nil {
		return dataset.Recorded{}, err
	}
	r := dataset.Recorded{
		Campaign: c, Outcome: o, RecordedAt: o.FinishedAt.Add(time.Second), Round: i, Planner: "bayes/1", Brief: strings.Repeat("0a", 32), Notes: []string{"gp"},
		Commitment: &dataset.Commitment{Body: bodies[0], SHA256: leaves[0], Leaves: leaves, CommittedAt: o.StartedAt.Add(-time.Second)},
		Terms:      dataset.Terms{License: "CC-BY-4.0", Access: "open", By: "ada"},
	}
	if i > 1 {
		r.Evidence = []dataset.EvidenceUse{{
			Paper: "W1", Title: "On bases", DOI: "10.1/x", Share: 1, Shift: 0.5, Objective: "yield", Quote: "Acetate gave the best yields.",
			Claim: dataset.Object[dataset.SettingCell]{{Name: "base", Value: dataset.SettingCell{Value: lab.Label("KOAc")}}},
		}}
	}
	for _, s := range o.Steps {
		cmd := lab.Command{ID: s.CommandID, CampaignID: c.ID, ExperimentID: p.ExperimentID, Number: i, Step: s.Step, Intent: 1, Device: s.Device, Name: s.Command, Samples: []lab.SampleRef{{ID: p.ExperimentID.UUID() + ".vial", Slot: "a"}}}
		raw := fmt.Sprintf(`{"id":%q,"state":%q,"blobs":[{"name":"%s.csv","media_type":"text/csv","size":12,"sha256":"%064x"}]}`, s.CommandID.UUID(), s.State, s.Step, i)
		r.Commands = append(r.Commands, dataset.SentCommand{
			Command: cmd, Body: []byte(`{"id":"` + s.CommandID.UUID() + `"}`), Published: s.StartedAt,
			Events: []dataset.HeardEvent{{Source: "device", State: s.State, Raw: []byte(raw), At: s.FinishedAt}},
		})
	}
	return r, nil
}

// EachRecorded implements [dataset.Archive].
func (a *Archive) EachRecorded(_ context.Context, s dataset.Selection, yield func(dataset.Recorded) error) error {
	for _, r := range a.All {
		id := r.Outcome.Proposal.ExperimentID
		wanted := len(s.Campaigns) == 0
		for _, c := range s.Campaigns {
			wanted = wanted || c == r.Campaign.ID
		}
		if !wanted || !s.Wants(r.Terms) || !s.Experiment.IsZero() && s.Experiment != id || !s.AsOf.IsZero() && r.RecordedAt.After(s.AsOf) {
			continue
		}
		var known []dataset.KnownCorrection
		for _, c := range r.Corrections {
			if s.AsOf.IsZero() || !c.RecordedAt.After(s.AsOf) {
				known = append(known, c)
			}
		}
		r.Corrections = known
		if err := yield(r); err != nil {
			return err
		}
	}
	return nil
}

// BestSeen implements [dataset.Archive].
func (a *Archive) BestSeen(_ context.Context, id lab.CampaignID, until time.Time) (map[string]float64, error) {
	best := map[string]float64{}
	for _, r := range a.All {
		if r.Campaign.ID != id || !until.IsZero() && r.RecordedAt.After(until) {
			continue
		}
		for _, m := range r.Outcome.Observed {
			if x, ok := best[m.Name]; !ok || m.Value > x {
				best[m.Name] = m.Value
			}
		}
	}
	return best, nil
}

// Horizon implements [dataset.Archive].
func (a *Archive) Horizon(_ context.Context, _ []lab.CampaignID) (time.Time, error) {
	var at time.Time
	for _, r := range a.All {
		if r.RecordedAt.After(at) {
			at = r.RecordedAt
		}
		for _, c := range r.Corrections {
			if c.RecordedAt.After(at) {
				at = c.RecordedAt
			}
		}
	}
	return at, nil
}

// EachLink implements [dataset.Archive].
func (a *Archive) EachLink(_ context.Context, id lab.CampaignID, until time.Time, yield func(dataset.Link) error) error {
	for _, l := range a.Links[id] {
		if !until.IsZero() && l.CommittedAt.After(until) {
			break
		}
		if err := yield(l); err != nil {
			return err
		}
	}
	return nil
}
