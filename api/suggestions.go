package api

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/athanor-lab/athanor/lab"
)

// Suggester says what to try next without a laboratory: nothing is kept and
// nothing moves.
type Suggester interface {
	// Suggest answers with a plan, or with what is wrong with the document. An
	// error of kind lab.Invalid is about the experiments.
	Suggest(ctx context.Context, q SuggestionQuery) (Suggestions, []lab.Problem, error)
}

// SuggestionQuery is what is known, and how much is wanted.
type SuggestionQuery struct {
	Document    json.RawMessage `json:"document" doc:"A campaign document as JSON; its space, objectives, plan and seed are what counts. Its files must be in it."`
	Table       string          `json:"table,omitempty" doc:"Experiments so far as CSV: a column to each parameter and objective, an empty outcome for one that still runs" example:"temperature,yield\n95,41.5\n110,\n"`
	Experiments []Told          `json:"experiments,omitempty" maxItems:"20000" doc:"Experiments so far as JSON, in place of a table"`
	Want        int             `json:"want,omitempty" minimum:"1" maximum:"1000" default:"1" doc:"How many suggestions"`
	Seed        *uint64         `json:"seed,omitempty" doc:"The source of randomness; by default the document's"`
}

// Told is one experiment. Without an outcome it still runs, unless it failed.
type Told struct {
	Settings map[string]lab.Value `json:"settings" doc:"By parameter"`
	Observed map[string]float64   `json:"observed,omitempty" doc:"By objective"`
	Sigma    map[string]float64   `json:"sigma,omitempty" doc:"Standard deviations, by objective"`
	Failed   bool                 `json:"failed,omitempty"`
}

// Suggestions are the answer.
type Suggestions struct {
	Plan      lab.Plan `json:"plan"`
	LeftAlone []string `json:"left_alone" doc:"Columns of the table that are neither parameter nor objective"`
}

type suggested struct{ Body Suggestions }

func (s *Server) registerSuggestions(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "suggest", Method: http.MethodPost, Path: "/suggestions", Tags: []string{"suggestions"},
		Summary:      "Say what to try next, from a document and the experiments so far; nothing is kept",
		Description:  "Ask, do the experiments anywhere, and ask again with their outcomes. Equal questions have equal answers.",
		MaxBodyBytes: maxDocumentBytes, Errors: []int{413, 415, 422, 503},
	}, s.suggest)
}

func (s *Server) suggest(ctx context.Context, in *struct{ Body SuggestionQuery }) (*suggested, error) {
	if s.Suggester == nil {
		return nil, s.fail(ctx, lab.Errorf(lab.Unavailable, "this server was started without a planner"))
	}
	if in.Body.Table != "" && len(in.Body.Experiments) > 0 {
		return nil, s.fail(ctx, lab.Errorf(lab.Invalid, "the experiments came both as a table and as JSON; send one of the two"))
	}
	out, problems, err := s.Suggester.Suggest(ctx, in.Body)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	if len(problems) > 0 {
		for i := range problems { // places are in the body, not in the text of the document
			problems[i].Line, problems[i].Col = 0, 0
			if problems[i].Path != "" {
				problems[i].Path = "document." + problems[i].Path
			} else {
				problems[i].Path = "document"
			}
		}
		return nil, refuse(ctx, problems)
	}
	return &suggested{Body: out}, nil
}
