package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"github.com/athanor-lab/athanor/internal/postgres"
	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/models"
	"github.com/athanor-lab/athanor/workflows"
)

// modelShelf is where workflows find models: the laboratory's database, and the
// folder that the command line registers in. Of one name the version that was
// added last counts.
type modelShelf struct {
	db  *postgres.DB
	dir models.Dir
}

// find returns the model that ref names.
func (s modelShelf) find(ctx context.Context, ref string) (*models.Model, error) {
	local, err := s.dir.Get(ref)
	if err != nil && lab.KindOf(err) != lab.NotFound {
		return nil, err
	}
	row, err2 := s.db.Model(ctx, ref)
	switch {
	case err == nil && (err2 != nil || local.AddedAt.After(row.AddedAt)):
		return local.Model, nil //nolint:nilerr // err2 is of the other place
	case err2 != nil:
		return nil, err2
	default:
		return models.Decode(row.Body)
	}
}

// Consult implements [workflows.Models].
func (s modelShelf) Consult(ctx context.Context, b lab.Brief) ([]lab.Source, error) {
	m, err := s.find(ctx, b.Policy.Model)
	switch lab.KindOf(err) {
	case lab.NotFound, lab.Invalid:
		return []lab.Source{{Name: b.Policy.Model, Kind: lab.SourcePredictions, Fault: err.Error()}}, nil
	default: // as any error
	}
	if err != nil {
		return nil, err
	}
	return []lab.Source{m.Source(ctx, http.DefaultClient, b)}, nil
}

// Train implements [workflows.Models].
func (s modelShelf) Train(ctx context.Context, in workflows.TrainInput) (workflows.Trained, error) {
	asker, err := s.db.Campaign(ctx, in.Campaign)
	if err != nil {
		return workflows.Trained{}, err
	}
	doc := asker.Campaign.Document
	o := models.Order{Name: in.Model, Parameters: doc.Space.Parameters, Objectives: doc.Objectives, Source: "outcomes of the laboratory", Seed: doc.Seed}
	if o.Rows, err = s.elsewhere(ctx, in.Campaign, doc); err != nil {
		return workflows.Trained{}, err
	}
	m, err := models.Train(o)
	if err != nil {
		return workflows.Trained{}, err
	}
	body, err := json.Marshal(m)
	if err != nil {
		return workflows.Trained{}, fmt.Errorf("write model %s: %w", m.Name, err)
	}
	row := postgres.ModelRow{Name: m.Name, Version: m.Version, Kind: string(m.Kind), Body: body}
	return workflows.Trained{Model: m.Name, Version: m.Version, Rows: m.Data.Used}, s.db.PutModel(ctx, row)
}

// elsewhere returns the outcomes of all campaigns but one that have the inputs
// and outputs of a document.
func (s modelShelf) elsewhere(ctx context.Context, not lab.CampaignID, doc lab.Document) ([]lab.Known, error) {
	var rows []lab.Known
	var cursor *lab.CampaignID
	for {
		page, next, err := s.db.ListCampaigns(ctx, cursor, 100)
		if err != nil {
			return nil, err
		}
		for _, c := range page {
			if c.Campaign.ID == not || !alike(c.Campaign.Document, doc) {
				continue
			}
			err := s.db.EachOutcome(ctx, c.Campaign.ID, func(o lab.Outcome) error {
				if o.State == lab.OutcomeSucceeded {
					rows = append(rows, lab.Known{Number: len(rows) + 1, Settings: o.Proposal.Settings, Observed: o.Observed})
				}
				return nil
			})
			if err != nil {
				return nil, err
			}
		}
		if cursor = next; cursor == nil {
			return rows, nil
		}
	}
}

// alike reports whether a has every parameter and objective of b, of the same
// type and unit.
func alike(a, b lab.Document) bool {
	for _, p := range b.Space.Parameters {
		if !slices.ContainsFunc(a.Space.Parameters, func(q lab.Parameter) bool { return q.Name == p.Name && q.Type == p.Type && q.Unit == p.Unit }) {
			return false
		}
	}
	for _, o := range b.Objectives {
		if !slices.ContainsFunc(a.Objectives, func(q lab.Objective) bool { return q.Name == o.Name && q.Unit == o.Unit }) {
			return false
		}
	}
	return true
}
