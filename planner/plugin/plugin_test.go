package plugin_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/planner"
	"github.com/athanor-lab/athanor/planner/plugin"
)

// brief wants two experiments of four kinds of parameters; one is known, one is
// running.
func brief() lab.Brief {
	at := func(x, k float64, l string, m ...float64) []lab.Setting {
		return []lab.Setting{{Name: "x", Value: lab.Number(x), Unit: "Cel"}, {Name: "k", Value: lab.Number(k)}, {Name: "l", Value: lab.Label(l)}, {Name: "m", Value: lab.Parts(m)}}
	}
	return lab.Brief{
		Round: 3, First: 3, Want: 2, Budget: 20, Seed: 5, Policy: lab.PlanPolicy{Planner: "plugin:other"},
		Space: lab.Space{
			Parameters: []lab.Parameter{
				{Name: "x", Type: lab.Continuous, Min: new(0.0), Max: new(10.0), Unit: "Cel"},
				{Name: "k", Type: lab.Integer, Min: new(1.0), Max: new(5.0)},
				{Name: "l", Type: lab.Categorical, Levels: []string{"a", "b"}},
				{Name: "m", Type: lab.Composition, Parts: []string{"p", "q", "r"}, Step: new(0.1), MaxNonzero: new(2)},
			},
			Constraints: []lab.Constraint{{Expr: "x < 9"}},
		},
		Objectives: []lab.Objective{{Name: "y", Direction: lab.Maximize, Unit: "%"}},
		Known:      []lab.Known{{Number: 1, Settings: at(1, 2, "a", 0.5, 0.5, 0), Observed: []lab.Measured{{Name: "y", Value: 4, Unit: "%"}}}},
		Pending:    []lab.Pending{{Number: 2, Settings: at(2, 2, "b", 0.5, 0, 0.5)}},
	}
}

// below is the constraint of these tests.
func below(lab.Space) (func([]lab.Setting) (bool, error), error) {
	return func(s []lab.Setting) (bool, error) { return s[0].Value.Number() < 9, nil }, nil
}

// asked proposes with a plug-in that answers as handler does.
func asked(t *testing.T, b lab.Brief, timeout time.Duration, handler http.HandlerFunc) lab.Plan {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	p, err := plugin.New(plugin.Options{
		Name: "other", URL: server.URL + "/plan", Timeout: timeout, Feasible: below,
		Fallback: planner.New(planner.Options{Feasible: below}),
	})
	if err != nil {
		t.Fatal(err)
	}
	plan, err := p.Propose(context.Background(), b)
	if err != nil {
		t.Fatal(err)
	}
	if hash, _ := planner.HashBrief(b); plan.BriefHash != hash || plan.Round != 3 {
		t.Errorf("brief hash %s in round %d, want %s in 3", plan.BriefHash, plan.Round, hash)
	}
	for i, q := range plan.Proposals {
		if q.Number != 3+i || q.ExperimentID != lab.ExperimentIDOf(b.CampaignID, q.Number) || q.Reason == "" || q.Predictions == nil {
			t.Errorf("proposal %d is incomplete: %+v", i, q)
		}
	}
	return plan
}

func answer(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, body)
	}
}

// point writes a proposal's settings.
func point(x any, k, l, m string) string {
	return fmt.Sprintf(`{"settings":[{"name":"l","value":%s},{"name":"x","value":%v,"unit":"Cel"},{"name":"k","value":%s},{"name":"m","value":%s}]}`, l, x, k, m)
}

func plan(proposals ...string) string {
	return `{"planner":"them/1","proposals":[` + strings.Join(proposals, ",") + `]}`
}

var good = point(3.25, "4", `"b"`, "[0.3,0.7,0]")

// TestPlugInDecides sends the whole brief and takes the answer, its settings in
// the order of the space.
func TestPlugInDecides(t *testing.T) {
	t.Parallel()
	got := make(chan lab.Brief, 1)
	p := asked(t, brief(), time.Minute, func(w http.ResponseWriter, r *http.Request) {
		var b lab.Brief
		if err := json.NewDecoder(r.Body).Decode(&b); err != nil || r.Method != http.MethodPost || r.URL.Path != "/plan" {
			t.Errorf("%s %s: %v", r.Method, r.URL.Path, err)
		}
		got <- b
		answer(`{"planner":"them/1","notes":["all well"],"proposals":[`+good+`,{"settings":[{"name":"x","value":4},{"name":"k","value":1},{"name":"l","value":"a"},{"name":"m","value":[1,0,0]}],
			"reason":"because","acquisition":{"name":"ei","value":0.5},"predictions":[{"objective":"y","mean":5,"sigma":1,"low":3,"high":7}]}]}`)(w, r)
	})
	b := <-got
	if len(b.Known) != 1 || len(b.Pending) != 1 || b.Want != 2 || b.Space.Parameters[3].Parts[2] != "r" {
		t.Errorf("the plug-in was told %+v", b)
	}
	if p.Planner != "plugin:other them/1" || len(p.Proposals) != 2 || p.Proposals[0].Settings[0].Name != "x" || p.Proposals[0].Settings[0].Value.Number() != 3.25 {
		t.Errorf("plan %+v", p)
	}
	if q := p.Proposals[1]; q.Reason != "because" || q.Predictions[0].Unit != "%" || q.Acquisition.Name != "ei" {
		t.Errorf("second proposal %+v", q)
	}
}

// TestBadAnswersFallBack wants the reason in the notes and a plan all the same.
func TestBadAnswersFallBack(t *testing.T) {
	t.Parallel()
	other := point(5, "1", `"a"`, "[0,0,1]")
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		want    string
	}{
		"NotJSON":      {answer("<html>"), "is no plan"},
		"UnknownField": {answer(`{"planner":"them/1","proposal":[]}`), `unknown field "proposal"`},
		"TrailingText": {answer(plan(good, other) + "{}"), "goes on after the plan"},
		"Unnamed":      {answer(`{"proposals":[` + good + `,` + other + `]}`), "no planner"},
		"TooFew":       {answer(plan(good)), "1 experiments of 2 without saying"},
		"TooMany":      {answer(plan(good, other, good)), "3 experiments, 2 were wanted"},
		"Nothing":      {answer(plan()), "proposed nothing"},
		"Twice":        {answer(plan(good, good)), "proposals[1]: x 3.25 Cel, k 4, l b, m 0.3:0.7:0 repeats proposals[0]"},
		"Known":        {answer(plan(good, point(1, "2", `"a"`, "[0.5,0.5,0]"))), "repeats experiment #1"},
		"Pending":      {answer(plan(good, point(2, "2", `"b"`, "[0.5,0,0.5]"))), "repeats experiment #2"},
		"OutOfBounds":  {answer(plan(good, point(-1, "2", `"b"`, "[0.5,0,0.5]"))), "x is -1, outside [0, 10]"},
		"Infeasible":   {answer(plan(good, point(9.5, "2", `"b"`, "[0.5,0,0.5]"))), "breaks a constraint"},
		"NotWhole":     {answer(plan(good, point(3, "2.5", `"b"`, "[0.5,0,0.5]"))), "k is 2.5, which it cannot be set to"},
		"Level":        {answer(plan(good, point(3, "2", `"c"`, "[0.5,0,0.5]"))), `l has no level "c"`},
		"OffGrid":      {answer(plan(good, point(3, "2", `"b"`, "[0.55,0.45,0]"))), "m.p is 0.55"},
		"Sum":          {answer(plan(good, point(3, "2", `"b"`, "[0.5,0.4,0]"))), "m"},
		"Parts":        {answer(plan(good, point(3, "2", `"b"`, "[0.4,0.4,0.2]"))), "m"},
		"Missing":      {answer(plan(good, `{"settings":[{"name":"x","value":1}]}`)), `no setting for parameter "k"`},
		"Infinite":     {answer(plan(good, strings.Replace(other, "5", "1e999", 1))), "is no plan"},
		"Objective": {
			answer(plan(good, strings.TrimSuffix(other, "}")+`,"predictions":[{"objective":"z","mean":1,"sigma":1,"low":0,"high":2}]}`)),
			`of "z", which is no objective`,
		},
		"Interval": {
			answer(plan(good, strings.TrimSuffix(other, "}")+`,"predictions":[{"objective":"y","mean":1,"sigma":-1,"low":0,"high":2}]}`)),
			"sigma -1",
		},
		"Status": {func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "no model", http.StatusInternalServerError)
		}, "500 Internal Server Error: no model"},
		"Moved": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		}, "307"},
		"Media": {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, plan(good, other)) }, "text/plain"},
		"Long": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.Copy(w, io.LimitReader(spaces{}, 17<<20)) // the client hangs up
		}, "more than"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := asked(t, brief(), time.Minute, c.handler)
			if len(p.Proposals) != 2 || !strings.HasPrefix(p.Planner, "bayes/") || !strings.HasSuffix(p.Planner, " for plugin:other") {
				t.Errorf("planner %q with %d proposals, want two by bayes for the plug-in", p.Planner, len(p.Proposals))
			}
			if len(p.Notes) == 0 || !strings.Contains(p.Notes[0], c.want) {
				t.Errorf("notes %q, want one with %q", p.Notes, c.want)
			}
		})
	}
}

// spaces is white space without an end.
type spaces struct{}

func (spaces) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = ' '
	}
	return len(b), nil
}

// TestSilentPlugInIsNotWaitedFor has one that answers only when the asker has
// gone.
func TestSilentPlugInIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	p := asked(t, brief(), 30*time.Millisecond, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	})
	if len(p.Proposals) != 2 || !strings.Contains(p.Notes[0], "longer than 30ms") {
		t.Errorf("%d proposals, notes %q", len(p.Proposals), p.Notes)
	}
}

// TestUnreachablePlugInIsNotWaitedFor asks where nobody listens.
func TestUnreachablePlugInIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	p, err := plugin.New(plugin.Options{Name: "other", URL: gone.URL, Fallback: planner.New(planner.Options{Feasible: below}), Feasible: below})
	if err != nil {
		t.Fatal(err)
	}
	got, err := p.Propose(context.Background(), brief())
	if err != nil || len(got.Proposals) != 2 || !strings.Contains(got.Notes[0], "cannot be reached") {
		t.Errorf("%d proposals, notes %q, error %v", len(got.Proposals), got.Notes, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := p.Propose(ctx, brief()); err == nil {
		t.Error("an asker who has gone is answered")
	}
}

func TestAddressesAreChecked(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"", "plan", "file:///etc/passwd", "http://", "ftp://host/x"} {
		if _, err := plugin.New(plugin.Options{Name: "x", URL: url}); lab.KindOf(err) != lab.Invalid {
			t.Errorf("address %q: error %v, want invalid", url, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(plan(good)))
	f.Add([]byte(`{"planner":"x","proposals":[{"settings":[{"name":"m","value":[1,2]}]}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if _, err := plugin.Read(body); err != nil && lab.KindOf(err) != lab.Invalid {
			t.Errorf("error %v is not of kind invalid", err)
		}
	})
}
