package bench_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/planner/bench"
)

// ask has lines answered, one to a request.
func ask(t *testing.T, requests ...string) []string {
	t.Helper()
	var out bytes.Buffer
	if err := bench.Serve(strings.NewReader(strings.Join(requests, "\n")+"\n"), &out); err != nil {
		t.Fatal(err)
	}
	answers := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if len(answers) != len(requests) {
		t.Fatalf("%d answers to %d requests: %s", len(answers), len(requests), out.String())
	}
	return answers
}

// recorder keeps the last brief and proposes what it is told to.
type recorder struct {
	brief lab.Brief
	next  []lab.Setting
}

func (r *recorder) Propose(_ context.Context, b lab.Brief) (lab.Plan, error) {
	r.brief = b
	return lab.Plan{Proposals: []lab.Proposal{{Settings: r.next}}}, nil
}

// TestServedCampaignIsOurs runs a noisy campaign over the protocol and in the
// bench: starts, outcomes and noise are the same.
func TestServedCampaignIsOurs(t *testing.T) {
	t.Parallel()
	p := &recorder{next: []lab.Setting{{Name: "x1", Value: lab.Number(1.5)}, {Name: "x2", Value: lab.Number(2)}}}
	if _, err := bench.RunSynthetic(context.Background(), p, bench.SyntheticOptions{Problems: []string{"branin-noisy"}, Seeds: 1, Batches: []int{1}}); err != nil {
		t.Fatal(err)
	}
	answers := ask(t, `{"do":"open","problem":"branin-noisy","seed":1}`, `{"do":"measure","point":[1.5,2]}`, `{"do":"measure","point":[1.5,2]}`)
	var open struct {
		Budget   int         `json:"budget"`
		Points   [][]float64 `json:"points"`
		Outcomes [][]float64 `json:"outcomes"`
	}
	if err := json.Unmarshal([]byte(answers[0]), &open); err != nil {
		t.Fatal(err)
	}
	for _, a := range answers[1:] {
		var m struct {
			Point   []float64 `json:"point"`
			Outcome []float64 `json:"outcome"`
		}
		if err := json.Unmarshal([]byte(a), &m); err != nil {
			t.Fatal(err)
		}
		open.Points, open.Outcomes = append(open.Points, m.Point), append(open.Outcomes, m.Outcome)
	}
	if open.Budget != 30 || len(p.brief.Known) != 29 {
		t.Fatalf("budget %d, %d experiments known before the last; want 30 and 29", open.Budget, len(p.brief.Known))
	}
	for i := range open.Points {
		k := p.brief.Known[i]
		ours := fmt.Sprint(k.Settings[0].Value.Number(), k.Settings[1].Value.Number(), k.Observed[0].Value)
		if served := fmt.Sprint(open.Points[i][0], open.Points[i][1], open.Outcomes[i][0]); served != ours {
			t.Errorf("experiment %d is %s when served, %s in the bench", i+1, served, ours)
		}
	}
}

// TestServeSaysWhatMayBeTried asks for constraints of each form.
func TestServeSaysWhatMayBeTried(t *testing.T) {
	t.Parallel()
	got := ask(t,
		`{"do":"open","problem":"branin-constrained","seed":1}`,
		`{"do":"allowed","points":[[1,7],[1,7.1],[-6,0],[1]]}`,
		`{"do":"open","problem":"ackley-simplex","seed":1}`,
		`{"do":"allowed","points":[[[0.5,0.5,0,0]],[[0.25,0.25,0.25,0.25]],[[0.5,0.4,0,0]]]}`,
		`{"do":"measure","point":[[0.334,0.333,0.333,0]]}`,
		`{"do":"open","problem":"cat-michalewicz","seed":1}`,
		`{"do":"measure","point":["x_14","x_10"]}`,
		`{"do":"open","problem":"gramacy","seed":1}`,
		`{"do":"measure","point":[0.01,0.01]}`,
	)
	if !strings.Contains(got[0], `"constraints":[{"expr":"x1 + x2 <= 8.0","linear":[1,1],"at_most":8}]`) {
		t.Errorf("the linear constraint is not told: %s", got[0])
	}
	if !strings.Contains(got[7], `"noisy":false,"may_fail":true`) {
		t.Errorf("that experiments may fail is not told: %s", got[7])
	}
	if !strings.Contains(got[7], `"constraints":[{"expr":"x1 * x1 + x2 * x2 <= 1.5"}]`) {
		t.Errorf("the other constraint is not told: %s", got[7])
	}
	for i, want := range map[int]string{
		1: `{"allowed":[true,false,false,false]}`,
		3: `{"allowed":[true,false,false]}`,
		8: `{"point":[0.01,0.01],"outcome":null,"left":24}`,
	} {
		if diff := cmp.Diff(want, got[i]); diff != "" {
			t.Errorf("answer %d differs (-want +got):\n%s", i, diff)
		}
	}
	if !strings.HasPrefix(got[4], `{"point":[[0.34,0.33,0.33,0]],"outcome":[`) {
		t.Errorf("a composition is not put on its grid: %s", got[4])
	}
	if !strings.HasPrefix(got[6], `{"point":["x_14","x_10"],"outcome":[1.8010702`) {
		t.Errorf("the best levels measure %s", got[6])
	}
}

// TestBadRequestsChangeNothing makes every mistake once between two good lines.
func TestBadRequestsChangeNothing(t *testing.T) {
	t.Parallel()
	bad := map[string]string{
		`{`:                                   "read a request",
		`[]`:                                  "read a request",
		`{"do":"measure","point":[0,0]} {}`:   "more than one object",
		`{"do":"dance"}`:                      "problems, open, measure, allowed",
		`{"do":"open","problem":"branin"}`:    "seeds count from 1",
		`{"do":"open","problem":"","seed":1}`: "not in the suite",
		`{"do":"measure"}`:                    "2 values, not 0",
		`{"do":"measure","point":[0,99]}`:     "spans [0, 15]",
		`{"do":"measure","point":["a",1]}`:    "finite number",
		`{"do":"measure","point":[8,8]}`:      "breaks a constraint",
		`{"do":"measure","wish":1}`:           "unknown field",
	}
	requests := []string{`{"do":"measure","point":[0,0]}`, `{"do":"open","problem":"branin-constrained","seed":3}`}
	for line := range bad {
		requests = append(requests, line)
	}
	answers := ask(t, append(requests, `{"do":"measure","point":[0,0]}`)...)
	if !strings.Contains(answers[0], "no campaign is open") {
		t.Errorf("measured before anything is open: %s", answers[0])
	}
	for i, line := range requests[2:] {
		if got := answers[2+i]; !strings.HasPrefix(got, `{"error":`) || !strings.Contains(got, bad[line]) {
			t.Errorf("%s is answered %s, want an error with %q", line, got, bad[line])
		}
	}
	if last := answers[len(answers)-1]; !strings.Contains(last, `"left":24}`) {
		t.Errorf("after errors the campaign goes on with %s", last)
	}
}

func TestServedBudgetEnds(t *testing.T) {
	t.Parallel()
	requests := []string{`{"do":"open","problem":"branin","seed":1}`}
	for range 26 {
		requests = append(requests, `{"do":"measure","point":[0,0]}`)
	}
	answers := ask(t, requests...)
	if !strings.Contains(answers[25], `"left":0}`) || !strings.Contains(answers[26], "budget of 30 experiments is used") {
		t.Errorf("the last answers are %v", answers[25:])
	}
}

func FuzzServe(f *testing.F) {
	open := `{"do":"open","problem":"%s","seed":1}` + "\n"
	f.Add([]byte(`{"do":"problems"}` + "\n{\n\n" + `{"do":"measure","point":[1]}`))
	f.Add([]byte(fmt.Sprintf(open, "branin-constrained") + `{"do":"measure","point":[1,2]}` + "\n" + `{"do":"allowed","points":[[1,2],[1e308,-1],["a",[1]],null]}`))
	f.Add([]byte(fmt.Sprintf(open, "ackley-simplex") + `{"do":"measure","point":[[0.5,0.5,0,0]]}` + "\n" + `{"do":"measure","point":[[1e308,1e308,0,0]]}`))
	f.Add([]byte(fmt.Sprintf(open, "pressure-vessel") + `{"do":"measure","point":[1,1,50,200]}`))
	f.Add([]byte(fmt.Sprintf(open, "ackley-mixed") + `{"do":"measure","point":["a",2,0,0,0]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var out bytes.Buffer
		if err := bench.Serve(bytes.NewReader(body), &out); err != nil && lab.KindOf(err) != lab.Invalid {
			t.Errorf("error %v is not of kind invalid", err)
		}
		for line := range strings.Lines(out.String()) {
			if !json.Valid([]byte(line)) {
				t.Errorf("answered %q, which is no JSON", line)
			}
		}
	})
}
