package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/athanor-lab/athanor/api"
	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/models"
)

// question is a document that says no more than a suggestion needs.
const question = `{"athanor":"campaign/1","title":"Ask and tell","seed":3,
	"space":{"parameters":[{"name":"t","type":"continuous","min":20,"max":90,"unit":"Cel"},{"name":"base","type":"categorical","levels":["a","b","c"]}],
		"constraints":[{"expr":"t < 80.0 || base != 'a'"}]},
	"objectives":[{"name":"yield","direction":"maximize","unit":"%"}]}`

// TestCommandAndAPIAgree asks both ways with one table and wants one plan.
func TestCommandAndAPIAgree(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var rows strings.Builder
	rows.WriteString("t,base,yield\n")
	for i := range 9 {
		fmt.Fprintf(&rows, "%d,%c,%d\n", 20+8*i, 'a'+rune(i%3), 10+7*i-3*(i%3))
	}
	spec, data := filepath.Join(dir, "spec.json"), filepath.Join(dir, "data.csv")
	for name, body := range map[string]string{spec: question, data: rows.String()} {
		if err := os.WriteFile(name, []byte(body), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var out, notes bytes.Buffer
	c := suggestCmd{Spec: spec, Data: data, N: 2, JSON: true}
	if err := c.Run(context.Background(), &terminal{out: &out, err: &notes}); err != nil {
		t.Fatalf("%v\n%s", err, notes.String())
	}
	p, err := planning{}.planners()
	if err != nil {
		t.Fatal(err)
	}
	got, problems, err := adviser{planners: p}.Suggest(context.Background(), api.SuggestionQuery{Document: []byte(question), Table: rows.String(), Want: 2})
	if err != nil || len(problems) > 0 {
		t.Fatalf("suggest: %v, %v", problems, err)
	}
	var printed lab.Plan
	if err := json.Unmarshal(out.Bytes(), &printed); err != nil {
		t.Fatal(err)
	}
	if printed.BriefHash != got.Plan.BriefHash || fmt.Sprint(printed.Proposals) == "" || len(got.Plan.Proposals) != 2 || !strings.HasPrefix(got.Plan.Planner, "bayes/") {
		t.Errorf("the command planned %+v\nthe API %+v", printed, got.Plan)
	}
	for i := range got.Plan.Proposals {
		if a, b := printed.Proposals[i].Reason, got.Plan.Proposals[i].Reason; a != b {
			t.Errorf("reason %d: the command says %q, the API %q", i, a, b)
		}
	}

	// The loop of a spreadsheet: suggestions become rows that still run.
	c.JSON, c.Append = false, true
	out.Reset()
	if err := c.Run(context.Background(), &terminal{out: &out, err: &notes}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"1. t = ", "expects yield", "most like it: #", "next best: "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the explanation lacks %q:\n%s", want, out.String())
		}
	}
	sheet, err := os.ReadFile(data)
	if err != nil {
		t.Fatal(err)
	}
	if lines := strings.Split(strings.TrimSpace(string(sheet)), "\n"); len(lines) != 12 || !strings.HasSuffix(lines[11], ",") {
		t.Errorf("the sheet is\n%swant two rows more, without outcomes", sheet)
	}
}

// TestQuestionsThatCannotBeAnswered wants the place of each mistake.
func TestQuestionsThatCannotBeAnswered(t *testing.T) {
	t.Parallel()
	p, err := planning{}.planners()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ from, to, table, want string }{
		"Planner":    {`"seed":3`, `"seed":3,"plan":{"planner":"simplex"}`, "", "race:bayes,cma-es"},
		"Levels":     {`"levels":["a","b","c"]`, `"levels":[]`, "", "space.parameters[1].levels"},
		"Constraint": {`t < 80.0`, `tt < 80.0`, "", "space.constraints[0].expr"},
		"Files":      {`{"parameters"`, `{"candidates":{"file":"p.csv","sha256":"` + strings.Repeat("0", 64) + `"},"parameters"`, "", "did not come with it"},
		"Table":      {`"seed":3`, `"seed":3`, "t,base,yield\n25,d,3\n", `row 2, column "base"`},
		"Column":     {`"seed":3`, `"seed":3`, "t,yield\n25,3\n", `no column "base"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			document := strings.Replace(question, c.from, c.to, 1)
			_, problems, err := adviser{planners: p}.Suggest(context.Background(), api.SuggestionQuery{Document: []byte(document), Table: c.table})
			told := fmt.Sprint(problems)
			if err != nil {
				told = err.Error()
			}
			if !strings.Contains(told, c.want) || err != nil && lab.KindOf(err) != lab.Invalid {
				t.Errorf("told %s (%v), want %q", told, err, c.want)
			}
		})
	}
}

// TestPlanIsMadeByWhomTheDocumentNames asks a planner in another process, one
// that nobody configured, and a race between the two kinds.
func TestPlanIsMadeByWhomTheDocumentNames(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var b lab.Brief
		if err := json.NewDecoder(r.Body).Decode(&b); err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"planner":"constant/1","proposals":[{"settings":[{"name":"t","value":%d},{"name":"base","value":"b"}]}]}`, 30+b.First)
	}))
	t.Cleanup(server.Close)
	p, err := planning{Plugins: map[string]string{"constant": server.URL}}.planners()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"plugin:constant":           "plugin:constant constant/1",
		"plugin:nobody":             "for plugin:nobody",
		"race:plugin:constant,grid": "race/1 of plugin:constant constant/1",
		"cma-es":                    "cma-es/",
	} {
		document := strings.Replace(question, `"seed":3`, `"seed":3,"plan":{"planner":"`+name+`"}`, 1)
		got, problems, err := adviser{planners: p}.Suggest(context.Background(), api.SuggestionQuery{Document: []byte(document)})
		if err != nil || len(problems) > 0 || len(got.Plan.Proposals) != 1 || !strings.Contains(got.Plan.Planner, want) {
			t.Errorf("%s: planner %q, %v, %v; want %q", name, got.Plan.Planner, problems, err, want)
		}
	}
}

// TestSuggestionsMindCostsAndModels wants a suggestion over the API to keep to what is left to spend, and a model that nobody
// registered to be told of.
func TestSuggestionsMindCostsAndModels(t *testing.T) {
	t.Parallel()
	p, err := planning{}.planners()
	if err != nil {
		t.Fatal(err)
	}
	a := adviser{planners: p, models: models.Dir(t.TempDir())}
	costly := strings.Replace(question, `"seed":3`, `"seed":3,"budget":{"experiments":9,"cost":{"value":100,"currency":"EUR","each":"t"}}`, 1)
	got, problems, err := a.Suggest(context.Background(), api.SuggestionQuery{Document: []byte(costly), Table: "t,base,yield\n40,a,10\n30,b,20\n", Want: 2})
	if err != nil || len(problems) > 0 || len(got.Plan.Proposals) != 1 {
		t.Fatalf("with 30 EUR left, one experiment of 20 to 30: got %+v, %v, %v", got.Plan, problems, err)
	}
	if temperature := got.Plan.Proposals[0].Settings[0].Value.Number(); temperature > 30 {
		t.Errorf("30 EUR are left and t = %g EUR is proposed", temperature)
	}
	modelled := strings.Replace(question, `"seed":3`, `"seed":3,"plan":{"model":"nobody"}`, 1)
	if _, _, err := a.Suggest(context.Background(), api.SuggestionQuery{Document: []byte(modelled)}); lab.KindOf(err) != lab.NotFound || !strings.Contains(err.Error(), "plan.model") {
		t.Errorf("a model that nobody registered: %v", err)
	}
}
