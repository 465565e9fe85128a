package api_test

import (
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"

	"github.com/athanor-lab/athanor/api"
	"github.com/athanor-lab/athanor/api/apitest"
)

var update = flag.Bool("update", false, "write golden files")

// TestContractIsKept wants the generated contract to be the one that clients
// were generated from. Write it anew with: go test ./api -run Contract -update.
func TestContractIsKept(t *testing.T) {
	t.Parallel()
	got, err := apitest.New(time.Now).Server().OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("openapi.json", got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("openapi.json differs from the code; look at the change, then run go test ./api -run Contract -update (-kept +generated):\n%s", diff)
	}
}

// TestContractIsOpenAPI has an independent validator read the contract.
func TestContractIsOpenAPI(t *testing.T) {
	t.Parallel()
	doc := contract(t)
	if err := doc.Validate(t.Context()); err != nil {
		t.Errorf("openapi.json: %v", err)
	}
	if got := doc.OpenAPI; got != "3.1.0" {
		t.Errorf("openapi = %q, want 3.1.0", got)
	}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			if op.Summary == "" || op.OperationID == "" || len(op.Tags) == 0 {
				t.Errorf("%s %s lacks a summary, an id or a tag", method, path)
			}
		}
	}
}

func contract(t *testing.T) *openapi3.T {
	t.Helper()
	b, err := os.ReadFile("openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := openapi3.NewLoader().LoadFromData(b)
	if err != nil {
		t.Fatalf("openapi.json: %v", err)
	}
	return doc
}

// TestAnswersKeepTheContract asks a furnished laboratory every question and holds
// each answer against the schema that the contract gives for it.
func TestAnswersKeepTheContract(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if err := apitest.Furnish(t.Context(), b.lab); err != nil {
		t.Fatal(err)
	}
	list := want[struct{ Items []api.Summary }](b, 200, "GET", "/api/v1/campaigns", "")
	running, complete := list.Items[0].ID.String(), list.Items[4].ID.String()
	readers, err := apitest.FurnishReaders(t.Context(), b.lab)
	if err != nil {
		t.Fatal(err)
	}
	imported := importRuns(b).ID
	read, screening := readers[0].String(), readers[1].String()
	doc := contract(t)
	asked := 0
	for _, tt := range []struct{ template, path string }{
		{"/campaigns", "/campaigns?limit=3"},
		{"/campaigns", "/campaigns?state=nonsense"},
		{"/campaigns", "/campaigns?cursor=nonsense"},
		{"/campaigns/{id}", "/campaigns/" + running},
		{"/campaigns/{id}", "/campaigns/nonsense"},
		{"/campaigns/{id}/events", "/campaigns/" + running + "/events"},
		{"/campaigns/{id}/experiments", "/campaigns/" + complete + "/experiments"},
		{"/campaigns/{id}/experiments", "/campaigns/" + running + "/experiments"},
		{"/campaigns/{id}/experiments/{number}", "/campaigns/" + complete + "/experiments/13"},
		{"/campaigns/{id}/experiments/{number}", "/campaigns/" + running + "/experiments/21"},
		{"/campaigns/{id}/plans", "/campaigns/" + complete + "/plans"},
		{"/campaigns/{id}/plans/{round}", "/campaigns/" + complete + "/plans/3"},
		{"/campaigns/{id}/literature", "/campaigns/" + read + "/literature"},
		{"/campaigns/{id}/literature", "/campaigns/" + screening + "/literature"},
		{"/campaigns/{id}/literature", "/campaigns/" + running + "/literature"},
		{"/campaigns/{id}/plans", "/campaigns/" + read + "/plans"},
		{"/snapshots", "/snapshots"},
		{"/imports", "/imports"},
		{"/imports/inbox", "/imports/inbox"},
		{"/imports/{id}", "/imports/" + imported},
		{"/imports/{id}", "/imports/" + strings.Repeat("0", 64)},
		{"/imports/{id}/held", "/imports/" + imported + "/held?limit=1"},
		{"/devices", "/devices"},
		{"/devices/{id}", "/devices/heater-1"},
		{"/devices/{id}", "/devices/nobody"},
		{"/questions", "/questions"},
		{"/examples", "/examples"},
		{"/health", "/health"},
		{"/ready", "/ready"},
		{"/version", "/version"},
	} {
		res, body := b.ask("GET", "/api/v1"+tt.path, "")
		answers := doc.Paths.Value(tt.template).Get.Responses
		answer := answers.Status(res.StatusCode)
		if answer == nil {
			answer = answers.Default()
		}
		if answer == nil {
			t.Errorf("GET %s = %d, which the contract does not know", tt.path, res.StatusCode)
			continue
		}
		media := answer.Value.Content.Get(res.Header.Get("Content-Type"))
		if media == nil {
			t.Errorf("GET %s answers %s, which the contract does not know", tt.path, res.Header.Get("Content-Type"))
			continue
		}
		var v any
		if err := json.Unmarshal(body, &v); err != nil {
			t.Errorf("GET %s: %v", tt.path, err)
			continue
		}
		if err := media.Schema.Value.VisitJSON(v, openapi3.MultiErrors()); err != nil {
			t.Errorf("GET %s breaks the contract: %v", tt.path, err)
		}
		asked++
	}
	if asked < 18 {
		t.Errorf("%d answers were held against the contract, want all", asked)
	}
}
