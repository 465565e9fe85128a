package api_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/athanor-lab/athanor/api"
	"github.com/athanor-lab/athanor/api/apitest"
	"github.com/athanor-lab/athanor/lab"
)

// suggester answers with what it was asked in the plan's notes.
type suggester struct{ problems []lab.Problem }

func (s suggester) Suggest(_ context.Context, q api.SuggestionQuery) (api.Suggestions, []lab.Problem, error) {
	if strings.Contains(q.Table, "bad") {
		return api.Suggestions{}, nil, lab.Errorf(lab.Invalid, `row 2, column "x": "bad" is not a number`)
	}
	asked, err := json.Marshal(q)
	p := lab.Proposal{Number: 4, Settings: []lab.Setting{{Name: "x", Value: lab.Number(1)}}, Reason: "because"}
	return api.Suggestions{Plan: lab.Plan{Round: 1, Planner: "test", Proposals: []lab.Proposal{p}, Notes: []string{string(asked)}}}, s.problems, err
}

func post(t *testing.T, s api.Suggester, body string) (*http.Response, []byte) {
	t.Helper()
	server := apitest.New(time.Now).Server()
	server.Suggester = s
	h := httptest.NewServer(server.Handler())
	t.Cleanup(h.Close)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.URL+"/api/v1/suggestions", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var raw json.RawMessage
	if err := json.NewDecoder(res.Body).Decode(&raw); err != nil {
		t.Fatal(err)
	}
	return res, raw
}

// TestSuggestionsKeepTheContract asks with experiments of every form of value
// and holds the answer against the contract.
func TestSuggestionsKeepTheContract(t *testing.T) {
	t.Parallel()
	res, body := post(t, suggester{}, `{"document":{"title":"x"},"want":3,"seed":7,"experiments":[
		{"settings":{"x":1.5,"l":"a","m":[0.5,0.5]},"observed":{"y":3},"sigma":{"y":0.1}},{"settings":{"x":2},"failed":true}]}`)
	if res.StatusCode != http.StatusOK {
		t.Fatalf("POST = %d %s", res.StatusCode, body)
	}
	schema := contract(t).Paths.Value("/suggestions").Post.Responses.Status(200).Value.Content.Get("application/json").Schema.Value
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		t.Fatal(err)
	}
	if err := schema.VisitJSON(v, openapi3.MultiErrors()); err != nil {
		t.Errorf("the answer breaks the contract: %v", err)
	}
	var got api.Suggestions
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"want":3`, `"seed":7`, `"m":[0.5,0.5]`, `"l":"a"`, `"sigma":{"y":0.1}`, `"failed":true`} {
		if !strings.Contains(got.Plan.Notes[0], want) {
			t.Errorf("the planner was told %s, which lacks %s", got.Plan.Notes[0], want)
		}
	}
}

func TestBadQuestionsAreRefused(t *testing.T) {
	t.Parallel()
	complaint := []lab.Problem{{Path: "space.parameters[0].max", Wrong: "is less than min", Right: "make it more", Line: 3, Col: 4}}
	for name, c := range map[string]struct {
		s      api.Suggester
		body   string
		status int
		want   string
	}{
		"NoPlanner":   {nil, `{"document":{}}`, 503, "without a planner"},
		"NoDocument":  {suggester{}, `{}`, 422, "document"},
		"TooMany":     {suggester{}, `{"document":{},"want":1001}`, 422, "want"},
		"Unknown":     {suggester{}, `{"document":{},"wanted":1}`, 422, "wanted"},
		"NotJSON":     {suggester{}, `x = 1`, 400, ""},
		"Both":        {suggester{}, `{"document":{},"table":"x,y\n","experiments":[{"settings":{}}]}`, 422, "one of the two"},
		"BadTable":    {suggester{}, `{"document":{},"table":"x,y\nbad,1\n"}`, 422, "row 2, column"},
		"BadDocument": {suggester{complaint}, `{"document":{}}`, 422, `"/document/space/parameters/0/max"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			res, body := post(t, c.s, c.body)
			if res.StatusCode != c.status || !strings.Contains(string(body), c.want) || res.Header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("POST = %d %s %s, want a problem of %d with %q", res.StatusCode, res.Header.Get("Content-Type"), body, c.status, c.want)
			}
		})
	}
}
