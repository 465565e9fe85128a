package api

import (
	"context"
	"net/http"
	"time"

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
	// Findings returns what stands in the papers that a campaign keeps.
	Findings(ctx context.Context, id lab.CampaignID, which FindingsQuery) (PaperFindings, error)
	// Correct adds a person's word on a finding. It counts from the next review on.
	Correct(ctx context.Context, id lab.CampaignID, c Correction) error
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
	Names    []Naming       `json:"names" doc:"What the papers were searched for under further names"`
	Markdown string         `json:"markdown" doc:"The whole report"`
	BibTeX   string         `json:"bibtex" doc:"The papers that were kept"`
}

// Naming is what a parameter, level, part or objective is called in papers.
type Naming struct {
	Name string   `json:"name"`
	Also []string `json:"also"`
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

// FindingsQuery says which findings are wanted.
type FindingsQuery struct {
	Paper string `query:"paper" maxLength:"300" doc:"Of this paper only, by its id"`
	All   bool   `query:"all" doc:"Those too that set nothing in the campaign's space and that nobody has looked at"`
}

// PaperFindings are findings, each with the words that it stands in.
type PaperFindings struct {
	Items   []ReadFinding `json:"items" doc:"By paper as they rank, then by place in the text; 500 at most"`
	Total   int           `json:"total" doc:"How many there are"`
	Checked int           `json:"checked" doc:"Of how many of them a person has said something"`
}

// ReadFinding is a quantity that stands in a paper, as it counts now.
type ReadFinding struct {
	ID        string        `json:"id"`
	Paper     string        `json:"paper"`
	Extractor string        `json:"extractor" doc:"Who found it: the rules by their version, or a language model"`
	Status    string        `json:"status" enum:"found,accepted,rejected,corrected"`
	Parameter string        `json:"parameter" doc:"What was set or seen"`
	Value     float64       `json:"value"`
	High      float64       `json:"high" doc:"The other end of a range; equal to the value where there is none"`
	Unit      string        `json:"unit" doc:"UCUM"`
	Operation string        `json:"operation" doc:"What it was a condition of; empty for nothing"`
	Outcome   bool          `json:"outcome" doc:"It was measured and not set"`
	Was       *FoundValue   `json:"was,omitempty" doc:"As it was found, where a person has corrected it"`
	Sets      string        `json:"sets" doc:"The parameter or objective of the campaign that it speaks of; empty for none"`
	Outside   bool          `json:"outside" doc:"It lies beyond the limits of that parameter"`
	Passage   []Piece       `json:"passage" doc:"The words around it; empty where the text of the paper is another one by now"`
	Words     []FindingWord `json:"words" doc:"All that people said of it, oldest first"`
}

// FoundValue is a finding as it was found.
type FoundValue struct {
	Parameter string  `json:"parameter"`
	Value     float64 `json:"value"`
	High      float64 `json:"high"`
	Unit      string  `json:"unit"`
	Operation string  `json:"operation"`
	Outcome   bool    `json:"outcome"`
}

// Piece is a part of a passage.
type Piece struct {
	Text string `json:"text"`
	Is   string `json:"is" enum:",value,unit,operation" doc:"What of the finding it is; empty for the words around"`
}

// FindingWord is what a person once said of a finding.
type FindingWord struct {
	By      string    `json:"by"`
	At      time.Time `json:"at"`
	Verdict string    `json:"verdict" enum:"accepted,rejected,corrected,reopened"`
	Why     string    `json:"why"`
	Changes string    `json:"changes" doc:"What was said that it should be, in words"`
}

// Correction is what a person says of a finding.
type Correction struct {
	Paper     string   `json:"paper" minLength:"1" maxLength:"300" doc:"The paper's id"`
	Finding   string   `json:"finding" minLength:"1" maxLength:"64" doc:"The finding's id"`
	Verdict   string   `json:"verdict" enum:"accepted,rejected,corrected,reopened" doc:"reopened takes back what was said; corrected needs one of the fields that follow"`
	Value     *float64 `json:"value,omitempty"`
	High      *float64 `json:"high,omitempty"`
	Unit      *string  `json:"unit,omitempty" maxLength:"60" doc:"UCUM"`
	Parameter *string  `json:"parameter,omitempty" minLength:"1" maxLength:"100"`
	Operation *string  `json:"operation,omitempty" maxLength:"100"`
	Outcome   *bool    `json:"outcome,omitempty"`
	By        string   `json:"by,omitempty" maxLength:"200"`
	Why       string   `json:"why,omitempty" maxLength:"1000"`
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
	huma.Register(api, huma.Operation{
		OperationID: "list-findings", Method: http.MethodGet, Path: "/campaigns/{id}/literature/findings", Tags: []string{"literature"},
		Summary: "List what stands in the papers that a campaign keeps, with the words around it", Errors: []int{404, 503},
	}, s.findings)
	huma.Register(api, huma.Operation{
		OperationID: "correct-finding", Method: http.MethodPost, Path: "/campaigns/{id}/literature/corrections", Tags: []string{"literature"},
		Summary:       "Say of a finding that it is right, wrong, or what it should be",
		Description:   "What is said is added to what was said before and belongs to the corpus. It counts from the next review on: plans that were made rest on the review that is on record.",
		DefaultStatus: http.StatusNoContent, Errors: []int{404, 422, 503},
	}, s.correctFinding)
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

type findingsIn struct {
	CampaignPath
	FindingsQuery
}

type findingsAnswer struct{ Body PaperFindings }

func (s *Server) findings(ctx context.Context, in *findingsIn) (*findingsAnswer, error) {
	l, id, err := s.library(in.CampaignPath)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	f, err := l.Findings(ctx, id, in.FindingsQuery)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	return &findingsAnswer{f}, nil
}

type correctionAct struct {
	CampaignPath
	Body Correction
}

func (s *Server) correctFinding(ctx context.Context, in *correctionAct) (*struct{}, error) {
	l, id, err := s.library(in.CampaignPath)
	if err == nil {
		err = l.Correct(ctx, id, in.Body)
	}
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	return nil, nil
}
