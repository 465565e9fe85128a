package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/athanor-lab/athanor/lab"
)

// ActBody says who acts, and why, until accounts say who.
type ActBody struct {
	By     string `json:"by,omitempty" maxLength:"200" doc:"Who does it" example:"ana"`
	Reason string `json:"reason,omitempty" maxLength:"2000" doc:"Why, for those who read it later"`
}

func (b *ActBody) act() Act {
	if b == nil {
		return Act{}
	}
	return Act{By: strings.TrimSpace(b.By), Reason: strings.TrimSpace(b.Reason)}
}

// progressed is the answer to a change: what the campaign has become.
type progressed struct{ Body lab.Progress }

type campaignAct struct {
	CampaignPath
	Body *ActBody `required:"false"`
}

type planAct struct {
	CampaignPath
	Round int      `path:"round" minimum:"1" doc:"The plan's round"`
	Body  *ActBody `required:"false"`
}

type resolveBody struct {
	Outcome string `json:"outcome" enum:"done,failed" doc:"done: it was carried out in full; failed: it was not, or not in full"`
	By      string `json:"by" minLength:"1" maxLength:"200" doc:"Who looked" example:"ana"`
	Reason  string `json:"reason" minLength:"1" maxLength:"2000" doc:"What was seen" example:"The vial stands in slot 3, capped."`
}

type adviceBody struct {
	Step   string `json:"step" minLength:"1" maxLength:"64" doc:"The step that failed" example:"heat"`
	Retry  bool   `json:"retry" doc:"true: do it again under a new command id; false: the experiment counts as failed"`
	By     string `json:"by,omitempty" maxLength:"200" doc:"Who decides" example:"ana"`
	Reason string `json:"reason,omitempty" maxLength:"2000" doc:"Why, for those who read it later"`
}

type questions struct {
	Body struct {
		Items []Question `json:"items"`
	}
}

func (s *Server) registerControl(api huma.API) {
	tags := []string{"control"}
	for _, c := range []struct {
		name, summary string
		do            func(context.Context, lab.CampaignID, Act) (lab.Progress, error)
	}{
		{"pause", "Begin no further experiment; those running end", s.Control.Pause},
		{"resume", "Go on with a paused campaign", s.Control.Resume},
		{"abort", "End a campaign for good; running experiments are cancelled", s.Control.Abort},
	} {
		huma.Register(api, huma.Operation{
			OperationID: c.name + "-campaign", Method: http.MethodPost, Path: "/campaigns/{id}/" + c.name, Tags: tags, Summary: c.summary, Errors: []int{404, 409, 503},
		}, func(ctx context.Context, in *campaignAct) (*progressed, error) {
			id, err := in.campaign()
			if err != nil {
				return nil, s.fail(ctx, err)
			}
			p, err := c.do(ctx, id, in.Body.act())
			if err != nil {
				return nil, s.fail(ctx, err)
			}
			return &progressed{Body: p}, nil
		})
	}
	for _, c := range []struct {
		name, summary string
		do            func(context.Context, lab.CampaignID, int, Act) (lab.Progress, error)
	}{
		{"approve", "Approve a plan that waits for a person", s.Control.Approve},
		{"reject", "Reject a plan that waits for a person", s.Control.Reject},
	} {
		huma.Register(api, huma.Operation{
			OperationID: c.name + "-plan", Method: http.MethodPost, Path: "/campaigns/{id}/plans/{round}/" + c.name, Tags: tags, Summary: c.summary, Errors: []int{404, 409, 503},
		}, func(ctx context.Context, in *planAct) (*progressed, error) {
			id, err := in.campaign()
			if err != nil {
				return nil, s.fail(ctx, err)
			}
			p, err := c.do(ctx, id, in.Round, in.Body.act())
			if err != nil {
				return nil, s.fail(ctx, err)
			}
			return &progressed{Body: p}, nil
		})
	}
	huma.Register(api, huma.Operation{
		OperationID: "resolve-command", Method: http.MethodPost, Path: "/commands/{id}/resolve", Tags: tags, DefaultStatus: http.StatusNoContent,
		Summary: "Say what became of a command that is in doubt", Errors: []int{404, 409, 503},
	}, s.resolveCommand)
	huma.Register(api, huma.Operation{
		OperationID: "advise-experiment", Method: http.MethodPost, Path: "/campaigns/{id}/experiments/{number}/advise", Tags: tags, DefaultStatus: http.StatusNoContent,
		Summary: "Say whether a failed step that asks is done again", Errors: []int{404, 409, 503},
	}, s.adviseExperiment)
	huma.Register(api, huma.Operation{
		OperationID: "list-questions", Method: http.MethodGet, Path: "/questions", Tags: tags, Summary: "List what waits for a person, oldest first", Errors: []int{404},
	}, s.listQuestions)
}

func (s *Server) resolveCommand(ctx context.Context, in *struct {
	ID   string `path:"id" doc:"The command's id" example:"cmd_0199c0de-0000-8000-8000-000000000001"`
	Body resolveBody
},
) (*struct{}, error) {
	id, err := lab.ParseCommandUUID(strings.TrimPrefix(in.ID, "cmd_"))
	if err != nil {
		return nil, s.fail(ctx, lab.Errorf(lab.NotFound, "no command has the id %q; the ids of commands start with cmd_", in.ID))
	}
	a := (&ActBody{By: in.Body.By, Reason: in.Body.Reason}).act()
	if a.By == "" || a.Reason == "" {
		return nil, s.fail(ctx, lab.Errorf(lab.Invalid, "by and reason must say who looked and what was seen"))
	}
	if err := s.Control.Resolve(ctx, id, lab.CommandState(in.Body.Outcome), a); err != nil {
		return nil, s.fail(ctx, err)
	}
	return nil, nil
}

func (s *Server) adviseExperiment(ctx context.Context, in *struct {
	CampaignPath
	Number int `path:"number" minimum:"1" doc:"The experiment's number"`
	Body   adviceBody
},
) (*struct{}, error) {
	id, err := in.campaign()
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	a := (&ActBody{By: in.Body.By, Reason: in.Body.Reason}).act()
	if err := s.Control.Advise(ctx, id, in.Number, in.Body.Step, in.Body.Retry, a); err != nil {
		return nil, s.fail(ctx, err)
	}
	return nil, nil
}

func (s *Server) listQuestions(ctx context.Context, in *struct {
	Campaign string `query:"campaign" doc:"Only what this campaign asks"`
},
) (*questions, error) {
	var id lab.CampaignID
	if in.Campaign != "" {
		var err error
		if id, err = (CampaignPath{ID: in.Campaign}).campaign(); err != nil {
			return nil, s.fail(ctx, err)
		}
	}
	items, err := s.Campaigns.Questions(ctx, id)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	out := &questions{}
	out.Body.Items = items
	return out, nil
}

// orNil is t for JSON: a time that is not known yet is absent.
func orNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
