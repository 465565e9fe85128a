package api

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/athanor-lab/athanor/lab"
)

// Summary is a campaign as a list shows it.
type Summary struct {
	ID          lab.CampaignID  `json:"id"`
	Title       string          `json:"title"`
	SubmittedAt time.Time       `json:"submitted_at"`
	Objectives  []lab.Objective `json:"objectives"`
	Budget      lab.Budget      `json:"budget"`
	Progress    lab.Progress    `json:"progress"`
}

// Detail is a campaign as its own page shows it. Tables that the document names
// by hash are left out of it.
type Detail struct {
	ID          lab.CampaignID `json:"id"`
	SubmittedAt time.Time      `json:"submitted_at"`
	Document    lab.Document   `json:"document" doc:"The campaign document, defaults filled in"`
	Progress    lab.Progress   `json:"progress"`
}

// Verdict is what a check finds.
type Verdict struct {
	Valid    bool          `json:"valid"`
	Problems []Complaint   `json:"problems"`
	Document *lab.Document `json:"document,omitempty" doc:"The document as it was understood; absent when it could not be read"`
}

// CampaignPath is what every request about one campaign takes.
type CampaignPath struct {
	ID string `path:"id" doc:"The campaign's id" example:"cmp_0199c0de-0000-7000-8000-000000000001"`
}

func (p CampaignPath) campaign() (lab.CampaignID, error) {
	id, err := lab.ParseCampaignID(p.ID)
	if err != nil {
		return id, lab.Errorf(lab.NotFound, "no campaign has the id %q; the ids of campaigns start with cmp_", p.ID)
	}
	return id, nil
}

// Written is a campaign document as a request's body.
type Written struct {
	ContentType string `header:"Content-Type" hidden:"true"`
	RawBody     []byte `contentType:"application/yaml"`
}

// document returns a copy of the body, which outlives the request, and its
// format.
func (w Written) document(ctx context.Context) ([]byte, Format, error) {
	switch mediaType(w.ContentType) {
	case "application/yaml", "application/x-yaml", "text/yaml":
		return bytes.Clone(w.RawBody), YAML, nil
	case "application/json":
		return bytes.Clone(w.RawBody), JSON, nil
	default:
		return nil, "", &Problem{
			Type: problemType("media_type"), Title: http.StatusText(http.StatusUnsupportedMediaType), Status: http.StatusUnsupportedMediaType,
			Detail: fmt.Sprintf("A campaign document is application/yaml or application/json, not %q.", w.ContentType), Instance: instanceOf(ctx),
		}
	}
}

func (s *Server) registerCampaigns(api huma.API) {
	tags := []string{"campaigns"}
	huma.Register(api, huma.Operation{
		OperationID: "list-campaigns", Method: http.MethodGet, Path: "/campaigns", Tags: tags, Summary: "List campaigns, newest first",
	}, s.listCampaigns)
	huma.Register(api, huma.Operation{
		OperationID: "submit-campaign", Method: http.MethodPost, Path: "/campaigns", Tags: tags, Summary: "Check a campaign document, keep it and start it",
		DefaultStatus: http.StatusCreated, MaxBodyBytes: maxDocumentBytes, Errors: []int{413, 415, 422, 503},
	}, s.submitCampaign)
	huma.Register(api, huma.Operation{
		OperationID: "check-campaign", Method: http.MethodPost, Path: "/campaigns/check", Tags: tags, Summary: "Check a campaign document and keep nothing",
		MaxBodyBytes: maxDocumentBytes, Errors: []int{413, 415, 503},
	}, s.checkCampaign)
	huma.Register(api, huma.Operation{
		OperationID: "get-campaign", Method: http.MethodGet, Path: "/campaigns/{id}", Tags: tags, Summary: "Get a campaign and what has become of it", Errors: []int{404},
	}, s.getCampaign)
	huma.Register(api, huma.Operation{
		OperationID: "get-campaign-source", Method: http.MethodGet, Path: "/campaigns/{id}/source", Tags: tags, Summary: "Get the document as its author wrote it", Errors: []int{404},
		Responses: map[string]*huma.Response{"200": {Description: "The text", Content: map[string]*huma.MediaType{
			"application/yaml": {Schema: &huma.Schema{Type: huma.TypeString}}, "application/json": {Schema: &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}},
		}}},
	}, s.campaignSource)
	for _, path := range []string{"/campaigns", "/campaigns/check"} {
		body := api.OpenAPI().Paths[path].Post.RequestBody
		body.Required = true
		body.Description = "A campaign document; its JSON Schema is at " + basePath + "/schemas/campaign"
		body.Content = map[string]*huma.MediaType{
			"application/yaml": {Schema: &huma.Schema{Type: huma.TypeString}},
			"application/json": {Schema: &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}},
		}
	}
}

func (s *Server) listCampaigns(ctx context.Context, in *struct {
	Paged
	State []lab.CampaignState `query:"state" doc:"Only campaigns in one of these states, separated by commas"`
	Query string              `query:"q" maxLength:"200" doc:"Only campaigns whose title has these words"`
},
) (*listed[Summary], error) {
	before, err := in.before(ctx)
	if err != nil {
		return nil, err
	}
	standings, err := s.Campaigns.List(ctx, Filter{States: in.State, Query: in.Query, Before: before, Limit: in.Limit + 1})
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	summaries := make([]Summary, len(standings))
	for i, st := range standings {
		d := st.Campaign.Document
		summaries[i] = Summary{ID: st.Campaign.ID, Title: d.Title, SubmittedAt: st.Campaign.SubmittedAt, Objectives: d.Objectives, Budget: d.Budget, Progress: st.Progress}
	}
	query := url.Values{}
	for _, state := range in.State {
		query.Add("state", string(state))
	}
	if in.Query != "" {
		query.Set("q", in.Query)
	}
	return pageOf(summaries, in.Paged, "/campaigns", query, func(last Summary) string { return last.ID.String() }), nil
}

type submitted struct {
	Status   int
	Location string `header:"Location" doc:"Where the campaign is"`
	Replayed bool   `header:"Idempotent-Replayed" doc:"True when this key had submitted the document before"`
	Body     Detail
}

func (s *Server) submitCampaign(ctx context.Context, in *struct {
	Written
	Key string `header:"Idempotency-Key" maxLength:"128" doc:"The same key with the same document submits once, however often it is sent"`
},
) (*submitted, error) {
	src, format, err := in.document(ctx)
	if err != nil {
		return nil, err
	}
	id, at, err := s.mint()
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	c, replayed, problems, err := s.Campaigns.Submit(ctx, Submission{ID: id, At: at, Source: src, Format: format, Key: in.Key})
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	if len(problems) > 0 {
		return nil, refuse(ctx, problems)
	}
	out := &submitted{Status: http.StatusCreated, Location: basePath + "/campaigns/" + c.ID.String(), Replayed: replayed}
	st := Standing{Campaign: c, Progress: lab.Progress{State: lab.Submitted, UpdatedAt: c.SubmittedAt}}
	if replayed {
		out.Status = http.StatusOK
		if st, err = s.Campaigns.Get(ctx, c.ID); err != nil {
			return nil, s.fail(ctx, err)
		}
	}
	out.Body = detailOf(st)
	return out, nil
}

type verdict struct{ Body Verdict }

func (s *Server) checkCampaign(ctx context.Context, in *Written) (*verdict, error) {
	src, format, err := in.document(ctx)
	if err != nil {
		return nil, err
	}
	doc, problems, err := s.Campaigns.Check(ctx, src, format)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	if doc != nil {
		lean := leanDocument(*doc)
		doc = &lean
	}
	return &verdict{Body: Verdict{Valid: len(problems) == 0, Problems: complaintsOf(problems), Document: doc}}, nil
}

type detailed struct{ Body Detail }

func (s *Server) getCampaign(ctx context.Context, in *CampaignPath) (*detailed, error) {
	id, err := in.campaign()
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	st, err := s.Campaigns.Get(ctx, id)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	return &detailed{Body: detailOf(st)}, nil
}

type source struct {
	ContentType string `header:"Content-Type"`
	Body        []byte
}

func (s *Server) campaignSource(ctx context.Context, in *CampaignPath) (*source, error) {
	id, err := in.campaign()
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	src, format, err := s.Campaigns.Source(ctx, id)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	return &source{ContentType: "application/" + string(format), Body: src}, nil
}

func detailOf(st Standing) Detail {
	return Detail{ID: st.Campaign.ID, SubmittedAt: st.Campaign.SubmittedAt, Document: leanDocument(st.Campaign.Document), Progress: st.Progress}
}

// leanDocument leaves out the tables that a document names by hash and that were
// read into it: thousands of rows that nobody reads on a page.
func leanDocument(d lab.Document) lab.Document {
	d.Space.Pool = nil
	d.Space.Parameters = append([]lab.Parameter(nil), d.Space.Parameters...)
	for i := range d.Space.Parameters {
		d.Space.Parameters[i].DescriptorValues = nil
	}
	return d
}
