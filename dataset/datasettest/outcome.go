package datasettest

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/athanor-lab/athanor/lab"
)

// Campaign returns a campaign with a parameter of each type and two objectives.
// Campaigns of different seeds have different ids.
func Campaign(seed byte) lab.Campaign {
	low, high := 90.0, 120.0
	return lab.Campaign{
		ID:          lab.CampaignID{0x01, 0x99, 6: 0x70, 8: 0x80, 15: seed},
		SubmittedAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		Document: lab.Document{
			Athanor: lab.DocumentVersion,
			Title:   "Direct arylation",
			Space: lab.Space{Parameters: []lab.Parameter{
				{Name: "base", Type: lab.Categorical, Levels: []string{"KOAc", "CsOAc"}},
				{Name: "temperature", Type: lab.Continuous, Min: &low, Max: &high, Unit: "Cel"},
				{Name: "metals", Type: lab.Composition, Parts: []string{"Ni", "Fe"}},
			}},
			Objectives: []lab.Objective{
				{Name: "yield", Direction: lab.Maximize, Unit: "%"},
				{Name: "cost", Direction: lab.Minimize, Unit: "EUR/mol"},
			},
			Protocol: lab.Protocol{Steps: []lab.Step{{ID: "heat", Capability: "heater", Command: "hold"}}},
			Plan:     lab.PlanPolicy{Batch: 1, InFlight: 1},
			Budget:   lab.Budget{Experiments: 10},
		},
	}
}

// Outcome returns the outcome of the campaign's experiment of a number: every
// third one failed. It depends on nothing else.
func Outcome(c lab.CampaignID, number int) lab.Outcome {
	e := lab.ExperimentIDOf(c, number)
	x := float64(number)
	sigma := 0.5
	at := time.Date(2026, 1, 2, 4, 0, 0, 0, time.UTC).Add(time.Duration(number) * time.Minute)
	settings := func(t float64) []lab.Setting {
		return []lab.Setting{
			{Name: "base", Value: lab.Label("KOAc")},
			{Name: "temperature", Value: lab.Number(t), Unit: "Cel"},
			{Name: "metals", Value: lab.Parts([]float64{0.25, 0.75})},
		}
	}
	o := lab.Outcome{
		Proposal: lab.Proposal{
			ExperimentID: e, CampaignID: c, PlanID: lab.PlanIDOf(c, number), Number: number,
			Settings: settings(90.1 + x), Predictions: []lab.Prediction{},
			Reason: "largest expected improvement",
		},
		State: lab.OutcomeSucceeded,
		Steps: []lab.StepRecord{{
			Step: "heat", Intent: 1, CommandID: lab.CommandIDOf(e, "heat", 1, 0), Device: "heater-1", Command: "hold",
			Params: json.RawMessage(fmt.Sprintf(`{"time":3600,"sample":"%s.vial","target":%g}`, e.UUID(), 90.1+x)),
			State:  lab.CommandDone, Effect: lab.EffectComplete,
			Values:    json.RawMessage(`{"note":"ok","trace":[1,2.5],"temperature":91.25}`),
			StartedAt: at, FinishedAt: at.Add(30 * time.Second),
			Units: []lab.NamedUnit{{Of: "params", Name: "target", Unit: "Cel"}, {Of: "params", Name: "time", Unit: "s"}, {Of: "values", Name: "temperature", Unit: "Cel"}},
		}},
		Observed: []lab.Measured{
			{Name: "yield", Value: 50 + x/2, Sigma: &sigma, Unit: "%"},
			{Name: "cost", Value: 12.5, Unit: "EUR/mol"},
		},
		StartedAt: at, FinishedAt: at.Add(45 * time.Second),
	}
	if number > 1 { // there is a model from the second on
		o.Proposal.Predictions = []lab.Prediction{{Objective: "yield", Mean: 49, Sigma: 2, Low: 45, High: 53, Unit: "%"}}
		o.Proposal.Acquisition = &lab.Acquisition{Name: "log expected improvement", Value: -1.5}
		o.Proposal.Nearest = []lab.Neighbour{{Number: 1, Distance: 0.125}}
		o.Proposal.Losers = []lab.Candidate{{Settings: settings(100), Acquisition: -2}}
	}
	if number%3 == 0 {
		o.State, o.Observed = lab.OutcomeFailed, []lab.Measured{}
		o.Failure = &lab.Failure{Step: "heat", Device: "heater-1", Code: "device_fault", Message: "=thermocouple \"open\",\nsee log"}
		o.Steps[0].State, o.Steps[0].Effect, o.Steps[0].Code, o.Steps[0].Values = lab.CommandFailed, lab.EffectPartial, "device_fault", nil
	}
	return o
}
