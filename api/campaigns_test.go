package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/athanor-lab/athanor/api"
	"github.com/athanor-lab/athanor/api/apitest"
	"github.com/athanor-lab/athanor/lab"
)

const yamlType = "application/yaml"

// TestSubmitOnceHoweverOftenSent sends a submission twice under one key, as a
// client does that lost the first answer, and wants one campaign.
func TestSubmitOnceHoweverOftenSent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	src := apitest.Examples()[0].Source
	res, got := b.ask("POST", "/api/v1/campaigns", src, "Content-Type", yamlType, "Idempotency-Key", "k1")
	var first api.Detail
	if err := json.Unmarshal(got, &first); err != nil || res.StatusCode != http.StatusCreated {
		t.Fatalf("POST = %d %s, %v", res.StatusCode, got, err)
	}
	if where := res.Header.Get("Location"); where != "/api/v1/campaigns/"+first.ID.String() {
		t.Errorf("Location = %q", where)
	}
	res, got = b.ask("POST", "/api/v1/campaigns", src, "Content-Type", yamlType, "Idempotency-Key", "k1")
	var second api.Detail
	if err := json.Unmarshal(got, &second); err != nil || res.StatusCode != http.StatusOK || res.Header.Get("Idempotent-Replayed") != "true" {
		t.Fatalf("second POST = %d, replayed %q, %v", res.StatusCode, res.Header.Get("Idempotent-Replayed"), err)
	}
	if second.ID != first.ID {
		t.Errorf("second POST made campaign %s, want %s", second.ID, first.ID)
	}
	p := want[api.Problem](b, 422, "POST", "/api/v1/campaigns", src+"\n# changed", "Content-Type", yamlType, "Idempotency-Key", "k1")
	if !strings.Contains(p.Detail, "k1") {
		t.Errorf("detail = %q, want it to name the key", p.Detail)
	}
	list := want[struct{ Items []api.Summary }](b, 200, "GET", "/api/v1/campaigns", "")
	if len(list.Items) != 1 {
		t.Errorf("%d campaigns, want 1", len(list.Items))
	}
}

// TestMistakesHavePlaces wants every mistake told at once: where in the body,
// on which line, what is wrong and what would be right.
func TestMistakesHavePlaces(t *testing.T) {
	t.Parallel()
	b := setup(t)
	src := "title: x\nspace:\n  parameters:\n    - {name: t, type: continuous, min: 9, max: 3}\nobjectives: []\n"
	p := want[api.Problem](b, 422, "POST", "/api/v1/campaigns", src, "Content-Type", yamlType)
	if p.Type != "urn:athanor:problem:document" || p.Status != 422 || !strings.HasPrefix(p.Instance, "urn:athanor:request:") {
		t.Errorf("problem = %+v", p)
	}
	got := p.Errors[0]
	if diff := cmp.Diff(api.Complaint{
		Pointer: "/space/parameters/0/max", Location: "body.space.parameters[0].max",
		Problem: lab.Problem{Path: "space.parameters[0].max", Wrong: `parameter "t" has no room between min and max`, Right: "max must be greater than min", Line: 4, Col: 48},
	}, got); diff != "" {
		t.Errorf("first complaint (-want +got):\n%s", diff)
	}
	if len(p.Errors) != 4 {
		t.Errorf("%d complaints, want all 4", len(p.Errors))
	}
	v := want[api.Verdict](b, 200, "POST", "/api/v1/campaigns/check", src, "Content-Type", yamlType)
	if v.Valid || len(v.Problems) != 4 || v.Document == nil {
		t.Errorf("check = %+v, want the same complaints and the document", v)
	}
	if list := want[struct{ Items []api.Summary }](b, 200, "GET", "/api/v1/campaigns", ""); len(list.Items) != 0 {
		t.Error("a document with mistakes was kept")
	}
}

// TestBodiesThatAreNoDocument wants the right refusal for each.
func TestBodiesThatAreNoDocument(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, tt := range []struct {
		name, method, path, body, typ, kind string
		status                              int
	}{
		{"TextPlain", "POST", "/api/v1/campaigns", "title: x", "text/plain", "media_type", 415},
		{"NoType", "POST", "/api/v1/campaigns/check", "title: x", "", "media_type", 415},
		{"Form", "POST", "/api/v1/campaigns", "a=b", "application/x-www-form-urlencoded", "media_type", 415},
		{"TooLarge", "POST", "/api/v1/campaigns", strings.Repeat("#", 4<<20+1), yamlType, "too_large", 413},
		{"WrongMethod", "PUT", "/api/v1/campaigns", "", "", "method_not_allowed", 405},
		{"NoSuchPath", "POST", "/api/v1/campaignsBANANA", "", "", "not_found", 404},
		{"Unreadable", "POST", "/api/v1/campaigns", "a: [", yamlType, "document", 422},
		{"NotJSON", "POST", "/api/v1/campaigns", "{", "application/json; charset=utf-8", "document", 422},
		{"ActOfTwoKinds", "POST", "/api/v1/lab/stop", `{"by": 3}`, "application/json", "invalid", 422},
		{"ActWithMore", "POST", "/api/v1/lab/stop", `{"secret": "s3cr3t"}`, "application/json", "invalid", 422},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			header := []string{"Accept", "*/*"}
			if tt.typ != "" {
				header = append(header, "Content-Type", tt.typ)
			}
			res, got := b.ask(tt.method, tt.path, tt.body, header...)
			var p api.Problem
			if err := json.Unmarshal(got, &p); err != nil {
				t.Fatalf("%v in %s", err, got)
			}
			if res.StatusCode != tt.status || p.Status != tt.status || p.Type != "urn:athanor:problem:"+tt.kind || res.Header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("= %d %s %s, want %d %s", res.StatusCode, res.Header.Get("Content-Type"), got, tt.status, tt.kind)
			}
			if strings.Contains(string(got), "s3cr3t") {
				t.Errorf("%s repeats what was sent", got)
			}
		})
	}
	if res, _ := b.ask("PUT", "/api/v1/campaigns", ""); !strings.Contains(res.Header.Get("Allow"), "POST") {
		t.Errorf("Allow = %q, want the methods", res.Header.Get("Allow"))
	}
}

// TestErrorsBecomeStatuses goes through the one table.
func TestErrorsBecomeStatuses(t *testing.T) {
	t.Parallel()
	for kind, status := range map[lab.ErrorKind]int{
		lab.Invalid: 422, lab.NotFound: 404, lab.Conflict: 409, lab.Unavailable: 503, lab.Unsafe: 422, lab.Internal: 500,
	} {
		t.Run(fmt.Sprint(status, kind), func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			id := b.campaign()
			b.lab.Break(lab.Errorf(kind, "the reason why"))
			for _, path := range []string{"/campaigns", "/campaigns/" + id.String(), "/campaigns/" + id.String() + "/export", "/devices", "/questions"} {
				p := want[api.Problem](b, status, "GET", "/api/v1"+path, "")
				if told := strings.Contains(p.Detail, "the reason why"); told == (kind == lab.Internal) {
					t.Errorf("GET %s: detail = %q of kind %q", path, p.Detail, kind)
				}
			}
		})
	}
}

// TestListsAreWhole follows cursors through a list while it grows, and wants
// each campaign once, newest first.
func TestListsAreWhole(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var all []string
	start := time.Now()
	for i := range 7 {
		id, err := b.lab.Submit(apitest.Examples()[0].Source, start.Add(time.Duration(i)*time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		all = append([]string{id.String()}, all...)
	}
	type page struct {
		Items []api.Summary
		Next  string
	}
	var got []string
	path := "/api/v1/campaigns?limit=3"
	for n := 0; path != ""; n++ {
		res, body := b.ask("GET", path, "")
		var p page
		if err := json.Unmarshal(body, &p); err != nil {
			t.Fatal(err)
		}
		for _, c := range p.Items {
			got = append(got, c.ID.String())
		}
		if n == 0 { // a newcomer does not move the pages
			if _, err := b.lab.Submit(apitest.Examples()[0].Source, start.Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
		link := res.Header.Get("Link")
		if (p.Next == "") != (link == "") {
			t.Fatalf("next = %q but Link = %q", p.Next, link)
		}
		path = strings.TrimSuffix(strings.TrimPrefix(link, "<"), `>; rel="next"`)
	}
	if diff := cmp.Diff(all, got); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}
	for _, q := range []string{"cursor=nonsense", "cursor=MTpub25zZW5zZQ", "limit=0", "limit=1001", "limit=x"} {
		want[api.Problem](b, 422, "GET", "/api/v1/campaigns?"+q, "")
	}
	if p := want[page](b, 200, "GET", "/api/v1/campaigns?state=completed,aborted", ""); len(p.Items) != 0 || p.Items == nil {
		t.Errorf("completed ones = %v, want an empty list", p.Items)
	}
	if p := want[page](b, 200, "GET", "/api/v1/campaigns?q=ARYLATION&state=running", ""); len(p.Items) != 8 {
		t.Errorf("%d found, want 8", len(p.Items))
	}
}

// TestControlIsChecked wants what the state does not allow refused with the
// reason, and what it allows answered with the new state.
func TestControlIsChecked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	at := "/api/v1/campaigns/" + b.campaign().String()
	if p := want[lab.Progress](b, 200, "POST", at+"/pause", `{"by":"ana","reason":"lunch"}`, "Content-Type", "application/json"); p.State != lab.Paused || p.Reason != "paused by ana: lunch" || p.Best == nil {
		t.Errorf("paused = %+v", p)
	}
	if p := want[api.Problem](b, 409, "POST", at+"/pause", ""); !strings.Contains(p.Detail, "paused") {
		t.Errorf("detail = %q, want the reason", p.Detail)
	}
	want[lab.Progress](b, 200, "POST", at+"/resume", "")
	want[lab.Progress](b, 200, "POST", at+"/abort", "")
	want[api.Problem](b, 409, "POST", at+"/resume", "")
	want[api.Problem](b, 404, "POST", "/api/v1/campaigns/"+(lab.CampaignID{1}).String()+"/pause", "")
	want[api.Problem](b, 404, "POST", "/api/v1/campaigns/exp_1/pause", "")
}

// TestPersonsAreAsked goes the way of an approval and of a command in doubt.
func TestPersonsAreAsked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	src := strings.Replace(apitest.Examples()[0].Source, "approve: never", "approve: first-batch", 1)
	id, err := b.lab.Submit(src, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	b.lab.Tick()
	type list struct{ Items []api.Question }
	q := want[list](b, 200, "GET", "/api/v1/questions?campaign="+id.String(), "")
	if len(q.Items) != 1 || q.Items[0].Plan == nil || len(q.Items[0].Plan.Proposals) != 2 {
		t.Fatalf("questions = %+v, want a plan of two", q)
	}
	if p := want[lab.Progress](b, 200, "POST", "/api/v1/campaigns/"+id.String()+"/plans/1/approve", ""); p.State != lab.Running {
		t.Errorf("approved = %+v", p)
	}
	want[api.Problem](b, 409, "POST", "/api/v1/campaigns/"+id.String()+"/plans/1/approve", "")
	b.lab.Tick()
	if !b.lab.Doubt(id) {
		t.Fatal("no experiment runs")
	}
	q = want[list](b, 200, "GET", "/api/v1/questions", "")
	cmd := q.Items[0].Doubt.Command.ID.String()
	for _, body := range []string{"", `{}`, `{"outcome":"done"}`, `{"outcome":"maybe","by":"ana","reason":"saw it"}`, `{"outcome":"done","by":" ","reason":"saw it"}`} {
		if res, got := b.ask("POST", "/api/v1/commands/"+cmd+"/resolve", body, "Content-Type", "application/json"); res.StatusCode/100 != 4 {
			t.Errorf("resolve %s = %d %s, want it refused", body, res.StatusCode, got)
		}
	}
	saw := `{"outcome":"done","by":"ana","reason":"the vial is capped"}`
	want[struct{}](b, 204, "POST", "/api/v1/commands/"+cmd+"/resolve", saw, "Content-Type", "application/json")
	want[api.Problem](b, 409, "POST", "/api/v1/commands/"+cmd+"/resolve", saw, "Content-Type", "application/json")
	want[api.Problem](b, 404, "POST", "/api/v1/commands/nonsense/resolve", saw, "Content-Type", "application/json")
}

// TestExperimentsAreTold wants rows for all, and everything for one.
func TestExperimentsAreTold(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.campaign()
	b.lab.Settle(id, 2000)
	at := "/api/v1/campaigns/" + id.String()
	rows := want[struct{ Items []api.Row }](b, 200, "GET", at+"/experiments?limit=1000", "")
	if len(rows.Items) != 24 {
		t.Fatalf("%d rows, want 24", len(rows.Items))
	}
	for i, r := range rows.Items {
		if r.Number != i+1 || r.Observed == nil || r.Predictions == nil || r.Reason == "" || r.StartedAt == nil {
			t.Errorf("row %d = %+v", i, r)
		}
	}
	some := want[struct{ Items []api.Row }](b, 200, "GET", at+"/experiments?after=20&limit=2", "")
	if len(some.Items) != 2 || some.Items[0].Number != 21 {
		t.Errorf("after 20 = %+v, want 21 and 22", some.Items)
	}
	e := want[api.Full](b, 200, "GET", at+"/experiments/9", "")
	if len(e.Steps) != 4 || e.Steps[0].CommandID.IsZero() || len(e.Nearest) == 0 || len(e.Losers) == 0 || e.Acquisition == nil {
		t.Errorf("experiment = %+v", e)
	}
	want[api.Problem](b, 404, "GET", at+"/experiments/25", "")
	want[api.Problem](b, 422, "GET", at+"/experiments/zero", "")
	plans := want[struct{ Items []lab.Plan }](b, 200, "GET", at+"/plans?limit=5", "")
	if len(plans.Items) != 5 {
		t.Errorf("%d plans, want 5", len(plans.Items))
	}
	want[lab.Plan](b, 200, "GET", at+"/plans/2", "")
	want[api.Problem](b, 404, "GET", at+"/plans/99", "")
	if _, src := b.ask("GET", at+"/source", ""); string(src) != apitest.Examples()[0].Source {
		t.Errorf("source = %s, want it as written", src)
	}
	log := want[struct{ Items []lab.Event }](b, 200, "GET", at+"/events?limit=10", "")
	if len(log.Items) != 10 || log.Items[0].Seq < log.Items[9].Seq {
		t.Errorf("log = %v, want ten, newest first", log.Items)
	}
}

// TestExportIsAFile wants a download with a name, of whole lines.
func TestExportIsAFile(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.campaign()
	b.lab.Settle(id, 2000)
	at := "/api/v1/campaigns/" + id.String() + "/export"
	for format, typ := range map[string]string{"jsonl": "application/jsonl", "csv": "text/csv; charset=utf-8"} {
		res, got := b.ask("GET", at+"?format="+format, "")
		if res.Header.Get("Content-Type") != typ || res.Header.Get("Content-Disposition") != `attachment; filename="`+id.String()+"."+format+`"` {
			t.Errorf("%s: headers %v", format, res.Header)
		}
		if lines := strings.Count(string(got), "\n"); lines < 24 {
			t.Errorf("%s has %d lines, want 24 or more", format, lines)
		}
	}
	want[api.Problem](b, 422, "GET", at+"?format=xlsx", "")
	want[api.Problem](b, 404, "GET", "/api/v1/campaigns/"+(lab.CampaignID{1}).String()+"/export", "")
}

// TestDevicesStopWhenAsked stops one and all, and lets them go.
func TestDevicesStopWhenAsked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	op := func() string { return want[lab.Device](b, 200, "GET", "/api/v1/devices/heater-1", "").Op }
	for _, tt := range []struct{ path, op string }{
		{"/devices/heater-1/stop", "stopped"}, {"/devices/heater-1/reset", "idle"}, {"/lab/stop", "stopped"}, {"/lab/reset", "idle"},
	} {
		if res, got := b.ask(http.MethodPost, "/api/v1"+tt.path, ""); res.StatusCode != http.StatusAccepted {
			t.Errorf("POST %s = %d %s, want 202", tt.path, res.StatusCode, got)
		}
		if got := op(); got != tt.op {
			t.Errorf("after %s the heater is %s, want %s", tt.path, got, tt.op)
		}
	}
	want[api.Problem](b, 404, "POST", "/api/v1/devices/nobody/stop", "")
	if l := want[struct{ Items []lab.Device }](b, 200, "GET", "/api/v1/devices", ""); len(l.Items) != 5 || l.Items[0].Active == nil {
		t.Errorf("devices = %+v", l.Items)
	}
}
