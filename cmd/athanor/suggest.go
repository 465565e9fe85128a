package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/athanor-lab/athanor/api"
	"github.com/athanor-lab/athanor/campaign"
	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/models"
	"github.com/athanor-lab/athanor/planner/askdata"
)

// adviser answers those who ask and tell without a laboratory.
type adviser struct {
	planners *planners
	models   models.Dir
}

// Suggest implements [api.Suggester].
func (a adviser) Suggest(ctx context.Context, q api.SuggestionQuery) (api.Suggestions, []lab.Problem, error) {
	var out api.Suggestions
	doc, problems := campaign.Parse(q.Document, "json")
	if problems = asked(doc, problems); len(problems) > 0 {
		return out, problems, nil
	}
	if namesFiles(doc) {
		return out, []lab.Problem{{
			Path: "space", Wrong: "the document names files that did not come with it",
			Right: "write their rows into space.pool and descriptor_values, or use athanor plan suggest, which reads the files beside the document",
		}}, nil
	}
	var data askdata.Table
	var err error
	if q.Table != "" {
		data, err = askdata.Read(strings.NewReader(q.Table), doc.Space, doc.Objectives)
	} else {
		es := make([]askdata.Experiment, len(q.Experiments))
		for i, e := range q.Experiments {
			es[i] = askdata.Experiment{Settings: e.Settings, Observed: e.Observed, Sigma: e.Sigma, Failed: e.Failed}
		}
		data, err = askdata.Gather(es, doc.Space, doc.Objectives)
	}
	if err != nil {
		return out, nil, fmt.Errorf("the experiments so far: %w", err)
	}
	out.LeftAlone = data.Ignored
	seed := doc.Seed
	if q.Seed != nil {
		seed = *q.Seed
	}
	brief := data.Brief(doc.Space, doc.Objectives, doc.Plan, max(1, q.Want), seed)
	if err := reckon(doc, &brief); err != nil {
		return out, nil, err
	}
	if err := consult(ctx, a.models, &brief); err != nil {
		return out, nil, err
	}
	out.Plan, err = a.planners.Propose(ctx, brief)
	return out, nil, err
}

// asked returns what is wrong with the parts of a document that count for a
// suggestion.
func asked(doc lab.Document, parse []lab.Problem) []lab.Problem {
	if problems := about(parse, "space", "objectives", "plan", "safety.start"); len(problems) > 0 {
		return problems
	}
	return about(campaign.Check(doc, nil), "space", "objectives", "plan", "safety.start")
}
