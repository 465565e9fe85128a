package models_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/models"
)

// space has a parameter of each form.
func space() lab.Space {
	return lab.Space{Parameters: []lab.Parameter{
		{Name: "base", Type: lab.Categorical, Levels: []string{"KOAc", "CsOAc"}},
		{Name: "t", Type: lab.Continuous, Min: new(20.0), Max: new(100.0), Unit: "Cel"},
		{Name: "mix", Type: lab.Composition, Parts: []string{"a", "b"}, Step: new(0.1)},
	}}
}

var objectives = []lab.Objective{{Name: "yield", Direction: lab.Maximize, Unit: "%"}}

func yield(base string, t, a float64) float64 {
	y := 60 - 0.01*(t-70)*(t-70) + 20*a
	if base == "CsOAc" {
		y += 10
	}
	return y
}

func order(n int) models.Order {
	rng := rand.New(rand.NewPCG(3, 3))
	o := models.Order{Name: "m", Parameters: space().Parameters, Objectives: objectives, Source: "table.csv", Seed: 4}
	for i := range n {
		base, t, a := space().Parameters[0].Levels[rng.IntN(2)], 20+80*rng.Float64(), float64(rng.IntN(11))/10
		o.Rows = append(o.Rows, lab.Known{
			Number:   i + 1,
			Settings: []lab.Setting{{Name: "base", Value: lab.Label(base)}, {Name: "t", Value: lab.Number(t), Unit: "Cel"}, {Name: "mix", Value: lab.Parts([]float64{a, 1 - a})}},
			Observed: []lab.Measured{{Name: "yield", Value: yield(base, t, a) + rng.NormFloat64(), Unit: "%"}},
		})
	}
	return o
}

func brief() lab.Brief {
	b := lab.Brief{Want: 1, First: 3, Space: space(), Objectives: objectives, Seed: 2}
	b.Known = append(b.Known, order(2).Rows...)
	return b
}

// TestTrainedModelIsKeptAsItIs trains, keeps, reads back and asks.
func TestTrainedModelIsKeptAsItIs(t *testing.T) {
	t.Parallel()
	m, err := models.Train(order(300))
	if err != nil {
		t.Fatal(err)
	}
	if q := m.Quality[0]; q.Explained < 0.9 || q.Points < 50 || q.Covered95 < 0.85 {
		t.Errorf("quality %+v, want nearly all explained and covered", q)
	}
	if s := m.Split; s.Train+s.Calibrate+s.Test != 300 || s.Test < 50 {
		t.Errorf("split %+v of 300 rows", *s)
	}
	again, err := models.Train(order(300))
	if err != nil || again.Version != m.Version {
		t.Errorf("trained again: version %s, %v; want %s", again.Version, err, m.Version)
	}
	dir := models.Dir(t.TempDir())
	for range 2 {
		if err := dir.Put(m); err != nil {
			t.Fatal(err)
		}
	}
	e, err := dir.Get("m@" + m.Version[:4])
	if err != nil {
		t.Fatal(err)
	}
	points := [][]lab.Value{{lab.Label("CsOAc"), lab.Number(70), lab.Parts([]float64{1, 0})}}
	if d := cmp.Diff(m.Predict(points), e.Model.Predict(points)); d != "" {
		t.Errorf("read back it predicts otherwise:\n%s", d)
	}
	if got := m.Predict(points)[0][0]; math.Abs(got-90) > 4 {
		t.Errorf("predicts %.1f, want about 90", got)
	}
	s := e.Model.Source(t.Context(), http.DefaultClient, brief())
	if s.Fault != "" || len(s.Points) < 500 || len(s.Points) != len(s.Outcomes) || s.Version != m.Version {
		t.Errorf("source with %d points, version %s, fault %q", len(s.Points), s.Version, s.Fault)
	}
	file := filepath.Join(string(dir), "m", m.Version+".json")
	body, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(strings.Replace(string(body), `"rows":300`, `"rows":301`, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := dir.Get("m"); lab.KindOf(err) != lab.Invalid || !strings.Contains(err.Error(), "it was changed after it was made") {
		t.Errorf("a changed model gives %v", err)
	}
}

// TestRowsWithEqualSettingsStayTogether trains on replicates alone: were they to
// fall into different parts, what is judged would have been seen.
func TestRowsWithEqualSettingsStayTogether(t *testing.T) {
	t.Parallel()
	o := order(20)
	for range 4 {
		o.Rows = append(o.Rows, o.Rows[:20]...)
	}
	m, err := models.Train(o)
	if err != nil {
		t.Fatal(err)
	}
	if s := m.Split; s.Train%5 != 0 || s.Calibrate%5 != 0 || s.Test%5 != 0 {
		t.Errorf("split %+v of 20 points with five replicates each breaks them up", *s)
	}
}

func TestBadOrdersAreRefused(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*models.Order){
		"at least 20 are needed":           func(o *models.Order) { o.Rows = o.Rows[:10] },
		"lower-case letters":               func(o *models.Order) { o.Name = "../m" },
		`no setting for parameter "t"`:     func(o *models.Order) { o.Rows[3].Settings = o.Rows[3].Settings[:1] },
		"0 of 40 rows have all objectives": func(o *models.Order) { o.Objectives = []lab.Objective{{Name: "other"}} },
	} {
		o := order(40)
		change(&o)
		if _, err := models.Train(o); lab.KindOf(err) != lab.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error that says %q", err, want)
		}
	}
}

// protocol is a small server of the Open Inference Protocol v2 with one model.
func protocol(t *testing.T, input string) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v2/models/chem/infer", func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Inputs []struct {
				Name     string `json:"name"`
				Shape    []int  `json:"shape"`
				Datatype string `json:"datatype"`
				Data     []any  `json:"data"`
			} `json:"inputs"`
		}
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			http.Error(w, fmt.Sprintf(`{"error":%q}`, err.Error()), http.StatusBadRequest)
			return
		}
		n := in.Inputs[0].Shape[0]
		out := make([]float64, n)
		for i := range out {
			if input != "" {
				row := in.Inputs[0].Data[5*i : 5*i+5]
				base := []string{"CsOAc", "KOAc"}[int(row[0].(float64))]
				out[i] = yield(base, row[2].(float64), row[3].(float64))
				continue
			}
			out[i] = yield(in.Inputs[0].Data[i].(string), in.Inputs[1].Data[i].(float64), in.Inputs[2].Data[2*i].(float64))
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"model_name": "chem", "outputs": []any{map[string]any{"name": "yield", "shape": []int{n, 1}, "datatype": "FP64", "data": out}}})
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

// TestEndpointIsAsked compares what a server of the protocol answers, in both
// forms of input, with the function behind it.
func TestEndpointIsAsked(t *testing.T) {
	t.Parallel()
	for _, input := range []string{"", "x"} {
		s := protocol(t, input)
		m, err := models.AtServer("remote", models.Server{URL: s.URL, Model: "chem", Input: input}, space().Parameters, objectives)
		if err != nil {
			t.Fatal(err)
		}
		src := m.Source(t.Context(), s.Client(), brief())
		if src.Fault != "" || len(src.Points) < 500 {
			t.Fatalf("input %q: %d points, fault %q", input, len(src.Points), src.Fault)
		}
		for i, p := range src.Points {
			if want := yield(p[0].Label(), p[1].Number(), p[2].Parts()[0]); math.Abs(src.Outcomes[i][0]-want) > 1e-9 {
				t.Fatalf("input %q: %v is predicted as %g, want %g", input, p, src.Outcomes[i][0], want)
			}
		}
	}
}

// TestEndpointFaultsAreTold wants a source with a fault, never an error or points.
func TestEndpointFaultsAreTold(t *testing.T) {
	t.Parallel()
	for want, answer := range map[string]func(w http.ResponseWriter){
		"the server answers 500": func(w http.ResponseWriter) { w.WriteHeader(http.StatusInternalServerError) },
		"answers 404: no model": func(w http.ResponseWriter) {
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"error":"no model chem"}`)
		},
		"no JSON of the protocol":    func(w http.ResponseWriter) { fmt.Fprint(w, "<html>") },
		`no output "yield"`:          func(w http.ResponseWriter) { fmt.Fprint(w, `{"outputs":[]}`) },
		"has 1 numbers for":          func(w http.ResponseWriter) { fmt.Fprint(w, `{"outputs":[{"name":"yield","data":[1]}]}`) },
		"is no flat list of numbers": func(w http.ResponseWriter) { fmt.Fprint(w, `{"outputs":[{"name":"yield","data":[[1]]}]}`) },
		"answer is larger than":      func(w http.ResponseWriter) { _, _ = w.Write(make([]byte, 17<<20)) },
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { answer(w) }))
		m, err := models.AtServer("remote", models.Server{URL: s.URL, Model: "chem"}, space().Parameters, objectives)
		if err != nil {
			t.Fatal(err)
		}
		src := m.Source(t.Context(), s.Client(), brief())
		if !strings.Contains(src.Fault, want) || len(src.Points) > 0 {
			t.Errorf("fault %q with %d points, want one that says %q", src.Fault, len(src.Points), want)
		}
		s.Close()
	}
	if _, err := models.AtServer("remote", models.Server{URL: "host:80", Model: "m"}, nil, nil); lab.KindOf(err) != lab.Invalid {
		t.Errorf("an address without http:// gives %v", err)
	}
}

// TestTableOfPredictions finds its columns by name in a space of another order.
func TestTableOfPredictions(t *testing.T) {
	t.Parallel()
	m, err := models.OfTable(order(30))
	if err != nil {
		t.Fatal(err)
	}
	b := brief()
	p := b.Space.Parameters
	b.Space.Parameters = []lab.Parameter{p[2], p[0], p[1]}
	b.Known = nil
	s := m.Source(t.Context(), http.DefaultClient, b)
	if s.Fault != "" || len(s.Points) != 30 || s.Points[0][1].Kind() != lab.IsLabel || s.Points[0][2].Kind() != lab.IsNumber {
		t.Errorf("source %+v", s)
	}
	b.Space.Parameters = b.Space.Parameters[:2]
	if s := m.Source(t.Context(), http.DefaultClient, b); !strings.Contains(s.Fault, `needs parameter "t"`) {
		t.Errorf("fault %q, want one about the parameter that is missing", s.Fault)
	}
}
