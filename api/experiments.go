package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/athanor-lab/athanor/lab"
)

// Row is an experiment as a table shows it.
type Row struct {
	ID          lab.ExperimentID `json:"id"`
	Number      int              `json:"number"`
	PlanID      lab.PlanID       `json:"plan_id"`
	State       ExperimentState  `json:"state"`
	Settings    []lab.Setting    `json:"settings"`
	Predictions []lab.Prediction `json:"predictions" doc:"What the model expected before the experiment"`
	Observed    []lab.Measured   `json:"observed"`
	Failure     *lab.Failure     `json:"failure,omitempty"`
	Reason      string           `json:"reason" doc:"Why this experiment"`
	StartedAt   *time.Time       `json:"started_at,omitempty"`
	FinishedAt  *time.Time       `json:"finished_at,omitempty"`
}

// Full is all that is known of an experiment.
type Full struct {
	Row
	Acquisition *lab.Acquisition `json:"acquisition,omitempty" doc:"What made it worth its place"`
	Nearest     []lab.Neighbour  `json:"nearest" doc:"The earlier experiments most like it, nearest first"`
	Losers      []lab.Candidate  `json:"losers" doc:"The best candidates that were not chosen"`
	Steps       []lab.StepRecord `json:"steps"`
}

func rowOf(e Experiment) Row {
	o, p := e.Outcome, e.Outcome.Proposal
	return Row{
		ID: p.ExperimentID, Number: p.Number, PlanID: p.PlanID, State: e.State, Settings: p.Settings, Predictions: p.Predictions,
		Observed: o.Observed, Failure: o.Failure, Reason: p.Reason, StartedAt: orNil(o.StartedAt), FinishedAt: orNil(o.FinishedAt),
	}
}

type experimentList struct {
	CampaignPath
	Paged
	After int `query:"after" minimum:"0" doc:"Only experiments with a higher number; a cursor wins over it"`
}

type planList struct {
	CampaignPath
	Paged
}

type oneExperiment struct {
	CampaignPath
	Number int `path:"number" minimum:"1" doc:"The experiment's number in its campaign"`
}

type onePlan struct {
	CampaignPath
	Round int `path:"round" minimum:"1" doc:"The plan's round"`
}

func (s *Server) registerExperiments(api huma.API) {
	tags := []string{"experiments"}
	huma.Register(api, huma.Operation{
		OperationID: "list-experiments", Method: http.MethodGet, Path: "/campaigns/{id}/experiments", Tags: tags,
		Summary: "List a campaign's experiments, running ones included, by number", Errors: []int{404},
	}, s.listExperiments)
	huma.Register(api, huma.Operation{
		OperationID: "get-experiment", Method: http.MethodGet, Path: "/campaigns/{id}/experiments/{number}", Tags: tags,
		Summary: "Get all that is known of an experiment", Errors: []int{404},
	}, s.getExperiment)
	huma.Register(api, huma.Operation{
		OperationID: "list-plans", Method: http.MethodGet, Path: "/campaigns/{id}/plans", Tags: tags, Summary: "List a campaign's plans by round", Errors: []int{404},
	}, s.listPlans)
	huma.Register(api, huma.Operation{
		OperationID: "get-plan", Method: http.MethodGet, Path: "/campaigns/{id}/plans/{round}", Tags: tags, Summary: "Get the plan of a round", Errors: []int{404},
	}, s.getPlan)
}

func (s *Server) listExperiments(ctx context.Context, in *experimentList) (*listed[Row], error) {
	id, err := in.campaign()
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	after, err := in.after(ctx)
	if err != nil {
		return nil, err
	}
	experiments, err := s.Campaigns.Experiments(ctx, id, max(after, in.After), in.Limit+1)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	rows := make([]Row, len(experiments))
	for i, e := range experiments {
		rows[i] = rowOf(e)
	}
	return pageOf(rows, in.Paged, "/campaigns/"+id.String()+"/experiments", nil, func(last Row) string { return strconv.Itoa(last.Number) }), nil
}

func (s *Server) getExperiment(ctx context.Context, in *oneExperiment) (*struct{ Body Full }, error) {
	id, err := in.campaign()
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	e, err := s.Campaigns.Experiment(ctx, id, in.Number)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	p := e.Outcome.Proposal
	return &struct{ Body Full }{Full{Row: rowOf(e), Acquisition: p.Acquisition, Nearest: p.Nearest, Losers: p.Losers, Steps: e.Outcome.Steps}}, nil
}

func (s *Server) listPlans(ctx context.Context, in *planList) (*listed[lab.Plan], error) {
	id, err := in.campaign()
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	after, err := in.after(ctx)
	if err != nil {
		return nil, err
	}
	plans, err := s.Campaigns.Plans(ctx, id, after, in.Limit+1)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	return pageOf(plans, in.Paged, "/campaigns/"+id.String()+"/plans", nil, func(last lab.Plan) string { return strconv.Itoa(last.Round) }), nil
}

func (s *Server) getPlan(ctx context.Context, in *onePlan) (*struct{ Body lab.Plan }, error) {
	id, err := in.campaign()
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	p, err := s.Campaigns.Plan(ctx, id, in.Round)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	return &struct{ Body lab.Plan }{p}, nil
}
