package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/athanor-lab/athanor/lab"
)

// Library tells what a campaign reads, and takes what people say of it.
type Library interface {
	// Reading returns what the campaign has read, or would read now while people
	// still judge; lab.NotFound when its document has no literature.
	Reading(ctx context.Context, id lab.CampaignID) (Reading, error)
	// Judge keeps a person's word on a paper, while that counts.
	Judge(ctx context.Context, id lab.CampaignID, w Word) error
	// Enough ends the screening.
	Enough(ctx context.Context, id lab.CampaignID, a Act) error
}

// Reading is a review and what became of it.
type Reading struct {
	State    string         `json:"state" enum:"screening,done" doc:"screening: people judge papers, and the rest is what would be made now"`
	Judged   int            `json:"judged" doc:"Papers that people judged for this campaign"`
	Wanted   int            `json:"wanted" doc:"How many are to be judged before the first plan"`
	Query    string         `json:"query"`
	Corpus   string         `json:"corpus"`
	Version  string         `json:"version" doc:"Of the evidence: a SHA-256"`
	Counts   []Count        `json:"counts" doc:"As in a PRISMA flow diagram, in its order"`
	Papers   []ReadPaper    `json:"papers" doc:"Kept, most relevant first"`
	Excluded []ExcludedWork `json:"excluded" doc:"Left out, those that came nearest"`
	Claims   []lab.Claim    `json:"claims"`
	Markdown string         `json:"markdown" doc:"The whole report"`
	BibTeX   string         `json:"bibtex" doc:"The papers that were kept"`
}

// Count is a step of the flow diagram.
type Count struct {
	Step  string `json:"step"`
	Works int    `json:"works"`
}

// ReadPaper is a paper that was kept.
type ReadPaper struct {
	ID          string   `json:"id"`
	Title       string   `json:"title"`
	Abstract    string   `json:"abstract"`
	DOI         string   `json:"doi"`
	Year        int      `json:"year"`
	Relevance   float64  `json:"relevance"`
	Label       string   `json:"label" doc:"A person's: relevant, irrelevant or unsure; empty when nobody has judged it"`
	Claims      int      `json:"claims"`
	Credibility *float64 `json:"credibility" doc:"Probability that experiments near its claims come out better, by this campaign's outcomes; null before there are any"`
}

// ExcludedWork is a paper that was left out.
type ExcludedWork struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	Why   string `json:"why"`
}

// Word is what a person says of a paper.
type Word struct {
	Paper  string `json:"paper" minLength:"1" maxLength:"300" doc:"Its id"`
	Label  string `json:"label" enum:"relevant,irrelevant,unsure,unread" doc:"unread takes back what was said"`
	By     string `json:"by,omitempty" maxLength:"200"`
	Reason string `json:"reason,omitempty" maxLength:"1000"`
}

type readingAnswer struct{ Body Reading }

func (s *Server) registerLiterature(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "read-literature", Method: http.MethodGet, Path: "/campaigns/{id}/literature", Tags: []string{"literature"},
		Summary: "Say what a campaign read, what it claims and what it did", Errors: []int{404, 503},
	}, s.reading)
	huma.Register(api, huma.Operation{
		OperationID: "judge-paper", Method: http.MethodPost, Path: "/campaigns/{id}/literature/judgements", Tags: []string{"literature"},
		Summary: "Say whether a paper bears on a campaign, before it is read", DefaultStatus: http.StatusNoContent, Errors: []int{404, 409, 422, 503},
	}, s.judgePaper)
	huma.Register(api, huma.Operation{
		OperationID: "end-screening", Method: http.MethodPost, Path: "/campaigns/{id}/literature/enough", Tags: []string{"literature"},
		Summary: "End the screening of a campaign's papers", DefaultStatus: http.StatusNoContent, Errors: []int{404, 409, 503},
	}, s.enoughRead)
}

// library returns what reads for a campaign, or why nothing does.
func (s *Server) library(p CampaignPath) (Library, lab.CampaignID, error) {
	id, err := p.campaign()
	if err == nil && s.Library == nil {
		err = lab.Errorf(lab.Unavailable, "this server was started without a library")
	}
	return s.Library, id, err
}

func (s *Server) reading(ctx context.Context, in *CampaignPath) (*readingAnswer, error) {
	l, id, err := s.library(*in)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	r, err := l.Reading(ctx, id)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	return &readingAnswer{r}, nil
}

type wordAct struct {
	CampaignPath
	Body Word
}

func (s *Server) judgePaper(ctx context.Context, in *wordAct) (*struct{}, error) {
	l, id, err := s.library(in.CampaignPath)
	if err == nil {
		err = l.Judge(ctx, id, in.Body)
	}
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	return nil, nil
}

func (s *Server) enoughRead(ctx context.Context, in *campaignAct) (*struct{}, error) {
	l, id, err := s.library(in.CampaignPath)
	if err == nil {
		err = l.Enough(ctx, id, in.Body.act())
	}
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	return nil, nil
}
