package campaign_test

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/athanor-lab/athanor/campaign"
	"github.com/athanor-lab/athanor/lab"
)

// program loads a good document of testdata and compiles it.
func program(t testing.TB, name string) (lab.Document, *campaign.Program) {
	t.Helper()
	doc, problems := campaign.Parse(read(t, "testdata/good/"+name), "")
	if problems != nil {
		t.Fatal(problems)
	}
	p, problems := campaign.Compile(doc)
	if problems != nil {
		t.Fatal(problems)
	}
	return doc, p
}

func spec(t testing.TB, capability, command string, number int) *lab.CommandSpec {
	t.Helper()
	for _, c := range laboratory(t) {
		if c.Name != capability {
			continue
		}
		if number--; number >= 0 {
			continue
		}
		for _, s := range c.Commands {
			if s.Name == command {
				return &s
			}
		}
	}
	t.Fatalf("testdata/lab.json has no %s.%s", capability, command)
	return nil
}

func arylation(base string, temperature, concentration float64) []lab.Setting {
	return []lab.Setting{
		{Name: "base", Value: lab.Label(base)},
		{Name: "temperature", Value: lab.Number(temperature), Unit: "Cel"},
		{Name: "concentration", Value: lab.Number(concentration), Unit: "mol/L"},
	}
}

// TestParams wants the bytes that a device is sent, in its units, with keys in
// order.
func TestParams(t *testing.T) {
	t.Parallel()
	_, p := program(t, "arylation.yaml")
	settings := arylation("KOAc", 95, 0.1)
	for _, c := range []struct {
		name, step string
		in         campaign.Input
		want       string
	}{
		{"AuthorsUnits", "heat", campaign.Input{}, `{"target":95,"time":3600}`},
		{"SameUnits", "heat", campaign.Input{Spec: spec(t, "heater", "hold", 0)}, `{"target":95,"time":3600}`},
		{"DeviceUnits", "heat", campaign.Input{Spec: spec(t, "heater", "hold", 1)}, `{"target":368.15,"time":60}`},
		{"Text", "dose", campaign.Input{Spec: spec(t, "liquid-handler", "dispense", 0)}, `{"substance":"KOAc","volume":5000}`},
		{"Nothing", "look", campaign.Input{Spec: spec(t, "hplc", "measure", 0)}, `{}`},
		{"Transfer", "in", campaign.Input{Spec: spec(t, "mobile-robot", "transfer", 0), From: "lh-1", To: "heater-2", Sample: "0199.vial"}, `{"from":"lh-1","sample":"0199.vial","to":"heater-2"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.in.Settings = settings
			got, err := p.Params(c.step, c.in)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != c.want {
				t.Errorf("Params(%s) = %s, want %s", c.step, got, c.want)
			}
		})
	}
}

// TestParamsOfEveryType wants compositions, conditions and earlier results to
// reach the device.
func TestParamsOfEveryType(t *testing.T) {
	t.Parallel()
	_, p := program(t, "every-type.yaml")
	settings := []lab.Setting{
		{Name: "temperature", Value: lab.Number(60)},
		{Name: "ratio", Value: lab.Number(0.01)},
		{Name: "cycles", Value: lab.Number(3)},
		{Name: "flow", Value: lab.Number(0.5)},
		{Name: "solvent", Value: lab.Label("no")},
		{Name: "metals", Value: lab.Parts([]float64{0, 55, 45})},
	}
	got, err := p.Params("sweep", campaign.Input{Settings: settings, Spec: spec(t, "potentiostat", "sweep", 0)})
	if want := `{"co":45,"fe":55,"ni":0}`; err != nil || string(got) != want {
		t.Errorf("Params(sweep) = %s, %v; want %s", got, err, want)
	}
	results := []lab.StepResult{{Step: "soak", Values: json.RawMessage(`{"temperature": 60.5}`)}}
	in := campaign.Input{Settings: settings, Results: results, Spec: spec(t, "mobile-robot", "transfer", 0), From: "a", To: "b", Sample: "s"}
	got, err = p.Params("carry", in)
	if want := `{"from":"a","gently":true,"sample":"s","to":"b"}`; err != nil || string(got) != want {
		t.Errorf("Params(carry) = %s, %v; want %s", got, err, want)
	}
	in.Results = nil
	if _, err := p.Params("carry", in); err == nil || !strings.Contains(err.Error(), `step "soak" has no results`) {
		t.Errorf("Params(carry) without results: %v", err)
	}
}

// TestParamsRefused wants an error for what no device may be asked, with the
// kind that says so.
func TestParamsRefused(t *testing.T) {
	t.Parallel()
	_, p := program(t, "arylation.yaml")
	heat := spec(t, "heater", "hold", 0)
	word := *heat
	word.Params = []lab.ParamSpec{{Name: "target", Type: "string"}, {Name: "time", Type: "number", Unit: "s"}}
	less := *heat
	less.Params = heat.Params[:1]
	more := *heat
	more.Params = append(slices.Clip(more.Params), lab.ParamSpec{Name: "door", Type: "boolean", Required: true})
	enum := *spec(t, "liquid-handler", "dispense", 0)
	enum.Params = []lab.ParamSpec{{Name: "substance", Type: "string", Enum: []string{"water"}}, {Name: "volume", Type: "number", Unit: "mL"}}
	for _, c := range []struct {
		name, step, want string
		in               campaign.Input
		kind             lab.ErrorKind
	}{
		{"Above", "heat", "150.1 Cel is above the device's limit of 150 Cel", campaign.Input{Settings: arylation("KOAc", 150.1, 1), Spec: heat}, lab.Unsafe},
		{"Below", "heat", "is below the device's limit", campaign.Input{Settings: arylation("KOAc", 19.9, 1), Spec: spec(t, "heater", "hold", 1)}, lab.Unsafe},
		{"Enum", "dose", `"KOAc" is none of water`, campaign.Input{Settings: arylation("KOAc", 95, 1), Spec: &enum}, lab.Unsafe},
		{"Type", "heat", "it is a number, the device wants a string", campaign.Input{Settings: arylation("KOAc", 95, 1), Spec: &word}, lab.Invalid},
		{"Unknown", "heat", "command hold does not know it", campaign.Input{Settings: arylation("KOAc", 95, 1), Spec: &less}, lab.Invalid},
		{"Missing", "heat", "command hold needs door", campaign.Input{Settings: arylation("KOAc", 95, 1), Spec: &more}, lab.Invalid},
		{"NoSetting", "heat", "variable `temperature` is missing", campaign.Input{}, lab.Invalid},
		{"WrongSetting", "heat", "no value of a parameter of type continuous", campaign.Input{Settings: []lab.Setting{{Name: "temperature", Value: lab.Label("hot")}}}, lab.Invalid},
		{"StrangeSetting", "heat", `setting "pressure" is of no parameter`, campaign.Input{Settings: []lab.Setting{{Name: "pressure", Value: lab.Number(1)}}}, lab.Invalid},
		{"NoStep", "cool", `there is no step "cool"`, campaign.Input{}, lab.NotFound},
		{"NoEnds", "in", "a transfer needs from, to and sample", campaign.Input{Settings: arylation("KOAc", 95, 1)}, lab.Invalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := p.Params(c.step, c.in)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("Params = %s, %v; want an error with %q", got, err, c.want)
			}
			if kind := lab.KindOf(err); kind != c.kind {
				t.Errorf("kind %q, want %q: %v", kind, c.kind, err)
			}
		})
	}
}

// TestRoundingIsNoLimit wants a number that is past a limit by rounding only to
// be the limit, and no minus before a zero.
func TestRoundingIsNoLimit(t *testing.T) {
	t.Parallel()
	doc, _ := program(t, "smallest.yaml")
	doc.Protocol.Steps[0].Params = map[string]lab.Param{
		"a": {Expr: "0.1 + 0.2", Unit: "1"}, "b": {Expr: "-0.0"}, "c": {Value: lab.Number(math.Copysign(0, -1))}, "n": {Expr: "0.1 * 30"},
	}
	p, problems := campaign.Compile(doc)
	if problems != nil {
		t.Fatal(problems)
	}
	limit := 0.3
	s := lab.CommandSpec{Name: "measure", Params: []lab.ParamSpec{
		{Name: "a", Type: "number", Max: &limit}, {Name: "b", Type: "number"}, {Name: "c", Type: "number"}, {Name: "n", Type: "integer"},
	}}
	for _, use := range []*lab.CommandSpec{&s, nil} {
		got, err := p.Params("look", campaign.Input{Spec: use})
		if err != nil {
			t.Fatal(err)
		}
		want := `{"a":0.3,"b":0,"c":0,"n":3}`
		if use == nil {
			want = `{"a":0.30000000000000004,"b":0,"c":0,"n":3}`
		}
		if string(got) != want {
			t.Errorf("Params = %s, want %s", got, want)
		}
	}
}

func TestObserve(t *testing.T) {
	t.Parallel()
	_, p := program(t, "arylation.yaml")
	look := func(values string) []lab.StepResult {
		return []lab.StepResult{{Step: "heat"}, {Step: "look", Values: json.RawMessage(values)}}
	}
	got, err := p.Observe(arylation("CsOAc", 95, 0.1), look(`{"area": 50, "standard_area": 200, "noise": 4}`))
	if err != nil {
		t.Fatal(err)
	}
	sigma := 2.0
	want := []lab.Measured{{Name: "yield", Value: 25, Sigma: &sigma, Unit: "%"}, {Name: "cost", Value: 140, Unit: "EUR/mol"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Observe (-want +got):\n%s", diff)
	}
	for _, c := range []struct{ values, want string }{
		{`{"height": 50, "standard_area": 200, "noise": 4}`, `observe yield: step "look" gave no "area"; it gave height, noise, standard_area`},
		{`{}`, `observe yield: step "look" gave no "area"; it gave nothing`},
		{`null`, `observe yield: step "look" gave no "area"; it gave nothing`},
		{`{"area": null, "standard_area": 200, "noise": 4}`, `observe yield: step "look" gave null for "area"`},
		{`{"area": 50, "standard_area": 200}`, `observe the sigma of yield: step "look" gave no "noise"`},
		{`{"area": 50, "standard_area": 200, "noise": -4}`, `observe the sigma of yield: -2 is negative`},
		{`{"area": 50, "standard_area": 0, "noise": 1}`, `divided by zero`},
		{`{"area": "much", "standard_area": 200, "noise": 1}`, `observe yield`},
		{`[1]`, `results of step "look" are no object`},
	} {
		if got, err := p.Observe(arylation("CsOAc", 95, 0.1), look(c.values)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Observe(%s) = %v, %v; want %q", c.values, got, err, c.want)
		}
	}
	if _, err := p.Observe(arylation("CsOAc", 95, 0.1), nil); err == nil || !strings.Contains(err.Error(), `step "look" has no results`) {
		t.Errorf("Observe without results: %v", err)
	}
}

func TestFeasible(t *testing.T) {
	t.Parallel()
	doc, p := program(t, "arylation.yaml")
	alone, err := campaign.Feasible(doc.Space)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for _, c := range []struct {
		base string
		temp float64
		want bool
	}{{"KOAc", 109.9, true}, {"KOAc", 110, false}, {"KOPiv", 120, true}} {
		for range 4 { // at once: a Program is safe for concurrent use
			all.Go(func() {
				for _, f := range []func([]lab.Setting) (bool, error){p.Feasible, alone} {
					if got, err := f(arylation(c.base, c.temp, 0.1)); got != c.want || err != nil {
						t.Errorf("Feasible(%s, %v) = %v, %v; want %v", c.base, c.temp, got, err, c.want)
					}
				}
			})
		}
	}
	all.Wait()
	doc.Space.Constraints[0].Expr = "temprature < 1"
	if _, err := campaign.Feasible(doc.Space); err == nil || !strings.Contains(err.Error(), "temprature") {
		t.Errorf("a constraint with an unknown name: %v", err)
	}
}

// known makes experiments of yields and costs; NaN is a failure.
func known(rows ...[2]float64) []lab.Known {
	var out []lab.Known
	for i, row := range rows {
		k := lab.Known{Number: i + 1, Failed: math.IsNaN(row[0])}
		if !k.Failed {
			k.Observed = []lab.Measured{{Name: "yield", Value: row[0]}, {Name: "cost", Value: row[1]}}
		}
		out = append(out, k)
	}
	return out
}

func TestStop(t *testing.T) {
	t.Parallel()
	bad := [2]float64{math.NaN()}
	seen := known([2]float64{10, 5}, [2]float64{50, 9}, bad, [2]float64{40, 8}, [2]float64{50, 10}, bad)
	doc, _ := program(t, "arylation.yaml")
	for rule, want := range map[string]bool{
		"best('yield') >= 50":                            true,
		"best('yield') > 50":                             false,
		"best('cost') <= 5":                              true,
		"since_improvement('yield') == 2":                true, // 40 and the second 50; failures teach nothing
		"since_improvement('cost') == 3":                 true,
		"since_improvement('hypervolume') == 1":          true, // (50, 10) is no better than (50, 9)
		"experiments == 6":                               true,
		"count('done') == 6 && count('failed') == 2":     true,
		"count('succeeded') == 4":                        true,
		"experiments > 100 || best(\"yield\") >= 50":     true,
		"since_improvement('yield') > 1 ? true : false ": true,
	} {
		doc.Stop = []lab.StopRule{{When: "false"}, {When: rule}}
		p, problems := campaign.Compile(doc)
		if problems != nil {
			t.Fatal(problems)
		}
		got, stop, err := p.Stop(campaign.History{Known: seen})
		if err != nil || stop != want || stop && got != rule {
			t.Errorf("%s: %q, %v, %v; want %v", rule, got, stop, err, want)
		}
		// The order in which experiments ended is not that of their numbers.
		reversed := make([]lab.Known, 0, len(seen))
		for i := range seen {
			reversed = append(reversed, seen[len(seen)-1-i])
		}
		if _, again, _ := p.Stop(campaign.History{Known: reversed}); again != want {
			t.Errorf("%s: %v in another order, want %v", rule, again, want)
		}
	}
}

// TestStopBeforeAnything wants rules about what has not been seen yet not to be
// met, and no error.
func TestStopBeforeAnything(t *testing.T) {
	t.Parallel()
	doc, _ := program(t, "arylation.yaml")
	for rule, want := range map[string]bool{
		"best('yield') >= 0":                     false,
		"best('yield') < 0":                      false,
		"best('cost') >= 0 || experiments == 0":  true,
		"since_improvement('yield') >= 1":        false,
		"since_improvement('hypervolume') >= 1":  false,
		"!(best('yield') > 5)":                   false,
		"count('failed') >= 0 && experiments<=0": true,
	} {
		doc.Stop = []lab.StopRule{{When: rule}}
		p, problems := campaign.Compile(doc)
		if problems != nil {
			t.Fatal(problems)
		}
		if _, stop, err := p.Stop(campaign.History{}); stop != want || err != nil {
			t.Errorf("%s: %v, %v; want %v", rule, stop, err, want)
		}
	}
	doc.Stop = []lab.StopRule{{When: "best('yeild') > 1"}}
	p, _ := campaign.Compile(doc)
	if _, _, err := p.Stop(campaign.History{}); err == nil || !strings.Contains(err.Error(), `there is no objective "yeild"`) {
		t.Errorf("a rule of an unknown objective: %v", err)
	}
}

func BenchmarkFeasible(b *testing.B) {
	_, p := program(b, "arylation.yaml")
	settings := arylation("KOAc", 95, 0.1)
	for b.Loop() {
		if ok, err := p.Feasible(settings); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}

func BenchmarkParams(b *testing.B) {
	_, p := program(b, "arylation.yaml")
	in := campaign.Input{Settings: arylation("KOAc", 95, 0.1), Spec: spec(b, "heater", "hold", 1)}
	for b.Loop() {
		if _, err := p.Params("heat", in); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	src, capabilities := read(b, "testdata/good/arylation.yaml"), laboratory(b)
	for b.Loop() {
		if _, problems, _ := campaign.Load(src, "", capabilities); problems != nil {
			b.Fatal(problems)
		}
	}
}

// TestStopJudgesAtTheTarget asks stop rules of a campaign with a fidelity: the best
// is of experiments at the target, counts are of all.
func TestStopJudgesAtTheTarget(t *testing.T) {
	t.Parallel()
	doc, _, _ := campaign.Load(read(t, "testdata/good/fidelity.yaml"), "yaml", nil)
	at := func(number int, hours, y float64) lab.Known {
		return lab.Known{
			Number: number, Settings: []lab.Setting{{Name: "hours", Value: lab.Number(hours)}, {Name: "t", Value: lab.Number(50)}},
			Observed: []lab.Measured{{Name: "y", Value: y, Unit: "1"}},
		}
	}
	seen := []lab.Known{at(1, 24, 10), at(2, 1, 99.5), at(3, 24, 9), at(4, 6, 98)}
	for rule, want := range map[string]bool{
		"best('y') == 10":             true,
		"since_improvement('y') == 1": true,
		"experiments == 4":            true,
		"count('succeeded') == 4":     true,
		"since_improvement('y') >= 2": false,
		"best('y') >= 99":             false,
	} {
		doc.Stop = []lab.StopRule{{When: rule}}
		p, problems := campaign.Compile(doc)
		if problems != nil {
			t.Fatal(problems)
		}
		if _, got, err := p.Stop(campaign.History{Known: seen}); got != want || err != nil {
			t.Errorf("%s: %t, %v, want %t", rule, got, err, want)
		}
	}
}
