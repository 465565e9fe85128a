package askdata_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/planner"
	"github.com/athanor-lab/athanor/planner/askdata"
)

func coupling() (lab.Space, []lab.Objective) {
	low, high := 60.0, 140.0
	one, ten, sum := 1.0, 10.0, 1.0
	space := lab.Space{Parameters: []lab.Parameter{
		{Name: "base", Type: lab.Categorical, Levels: []string{"KOAc", "CsOPiv"}},
		{Name: "temperature", Type: lab.Continuous, Min: &low, Max: &high, Unit: "Cel"},
		{Name: "runs", Type: lab.Integer, Min: &one, Max: &ten, Unit: "1"},
		{Name: "solvents", Type: lab.Composition, Parts: []string{"water", "DMF"}, Sum: &sum, Unit: "1"},
	}}
	return space, []lab.Objective{{Name: "yield", Direction: lab.Maximize, Unit: "%"}, {Name: "cost", Direction: lab.Minimize, Unit: "1"}}
}

const table = "\xef\xbb\xbf" + `base,temperature [Cel],runs,solvents.water,solvents.DMF,yield [%],yield sd,cost,failed,who
KOAc, 100 ,2,0.25,0.75,61.5,0.5,3,,Ada
,,,,,,,,,

CsOPiv,120.5,3,0,1,,,,yes,"Ada, again"
KOAc,90,1,1,0,,,4.5,no,
CsOPiv,80,1,0.5,0.5,,,,,
`

func TestReadTellsOutcomesFailuresAndRunningApart(t *testing.T) {
	t.Parallel()
	space, objectives := coupling()
	got, err := askdata.Read(strings.NewReader(table), space, objectives)
	if err != nil {
		t.Fatal(err)
	}
	settings := func(base string, celsius, runs float64, parts ...float64) []lab.Setting {
		return []lab.Setting{
			{Name: "base", Value: lab.Label(base)},
			{Name: "temperature", Value: lab.Number(celsius), Unit: "Cel"},
			{Name: "runs", Value: lab.Number(runs), Unit: "1"},
			{Name: "solvents", Value: lab.Parts(parts), Unit: "1"},
		}
	}
	sigma := 0.5
	want := askdata.Table{
		Known: []lab.Known{
			{Number: 1, Settings: settings("KOAc", 100, 2, 0.25, 0.75), Observed: []lab.Measured{{Name: "yield", Value: 61.5, Sigma: &sigma, Unit: "%"}, {Name: "cost", Value: 3, Unit: "1"}}},
			{Number: 2, Settings: settings("CsOPiv", 120.5, 3, 0, 1), Failed: true},
			{Number: 3, Settings: settings("KOAc", 90, 1, 1, 0), Observed: []lab.Measured{{Name: "cost", Value: 4.5, Unit: "1"}}},
		},
		Pending: []lab.Pending{{Number: 4, Settings: settings("CsOPiv", 80, 1, 0.5, 0.5)}},
		Ignored: []string{"who"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("table read otherwise (-want +got):\n%s", diff)
	}
	b := got.Brief(space, objectives, lab.PlanPolicy{}, 3, 7)
	plan, err := planner.New(planner.Options{}).Propose(context.Background(), b)
	if err != nil || len(plan.Proposals) != 3 || plan.Proposals[0].Number != 5 {
		t.Errorf("plan for the table: %v, %d proposals; want 3 from #5 on", err, len(plan.Proposals))
	}
}

func TestSemicolonsAndTabsSeparateToo(t *testing.T) {
	t.Parallel()
	space, objectives := coupling()
	want, err := askdata.Read(strings.NewReader(table), space, objectives)
	if err != nil {
		t.Fatal(err)
	}
	for _, sign := range []string{";", "\t"} {
		text := strings.ReplaceAll(strings.ReplaceAll(table, "Ada, again", "Ada"), ",", sign)
		got, err := askdata.Read(strings.NewReader(text), space, objectives)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("with %q between columns: %v\n%s", sign, err, diff)
		}
	}
}

func TestComplaintsSayRowColumnAndWhatIsRight(t *testing.T) {
	t.Parallel()
	space, objectives := coupling()
	const head = "base,temperature,runs,solvents.water,solvents.DMF,yield,cost,failed,yield sd\n"
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"empty":     {"", []string{"empty", "first row"}},
		"missing":   {"base,runs,yield,cost\n", []string{"row 1", `"temperature"`, `"solvents.water"`, `it has "base"`}},
		"twice":     {"base,base\n", []string{"columns 1 and 2", `"base"`}},
		"unit":      {strings.Replace(head, "temperature", "temperature [K]", 1), []string{"row 1", `in "Cel", not in "K"`}},
		"level":     {head + "\nNaOH,100,1,1,0,1,1,,\n", []string{"row 3", `"base"`, "NaOH", "KOAc, CsOPiv"}},
		"text":      {head + "KOAc,hot,1,1,0,1,1,,\n", []string{"row 2", `"temperature"`, `"hot" is not a number`}},
		"comma":     {head + "KOAc,\"99,5\",1,1,0,1,1,,\n", []string{"row 2", "write 99.5"}},
		"empty one": {head + "KOAc,,1,1,0,1,1,,\n", []string{"row 2", `"temperature"`, "no number"}},
		"whole":     {head + "KOAc,100,1.5,1,0,1,1,,\n", []string{`"runs"`, "integer"}},
		"part":      {head + "KOAc,100,1,-1,2,1,1,,\n", []string{`"solvents.water"`, "from 0"}},
		"infinite":  {head + "KOAc,100,1,1,0,inf,1,,\n", []string{`"yield"`, "not finite"}},
		"failed":    {head + "KOAc,100,1,1,0,1,1,yes,\n", []string{"row 2", "failed and has an outcome"}},
		"unsure":    {head + "KOAc,100,1,1,0,,,maybe,\n", []string{`"failed"`, `"maybe" is neither`}},
		"lone sd":   {head + "KOAc,100,1,1,0,,1,,0.5\n", []string{"row 2", `"yield sd"`}},
		"bad sd":    {head + "KOAc,100,1,1,0,1,1,,-0.5\n", []string{"row 2", "standard deviation"}},
		"ragged":    {head + "KOAc,100\n", []string{"row 2", "number of columns"}},
		"quote":     {head + "KOAc,1\"00,1,1,0,1,1,,\n", []string{"row 2", "quotation marks"}},
	} {
		_, err := askdata.Read(strings.NewReader(c.text), space, objectives)
		if lab.KindOf(err) != lab.Invalid {
			t.Errorf("%s: error %v, want one of kind invalid", name, err)
			continue
		}
		for _, w := range c.want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: error %q does not say %q", name, err, w)
			}
		}
	}
}

// FuzzRead holds that whatever is read can be planned with.
func FuzzRead(f *testing.F) {
	f.Add(table)
	f.Add("base;temperature;runs;solvents.water;solvents.DMF;yield;cost\nKOAc;1;1;1;0;1;1\n")
	space, objectives := coupling()
	p := planner.New(planner.Options{})
	f.Fuzz(func(t *testing.T, text string) {
		got, err := askdata.Read(strings.NewReader(text), space, objectives)
		if err != nil {
			if lab.KindOf(err) != lab.Invalid {
				t.Fatalf("error %v of kind %q, want invalid", err, lab.KindOf(err))
			}
			return
		}
		b := got.Brief(space, objectives, lab.PlanPolicy{Planner: "sobol"}, 1, 1)
		if _, err := p.Propose(context.Background(), b); err != nil {
			t.Fatal(err)
		}
	})
}

// TestAbsentParametersAreEmptyFields writes and reads a table in which a parameter
// is there or not.
func TestAbsentParametersAreEmptyFields(t *testing.T) {
	t.Parallel()
	low, high := 0.0, 3.0
	s := lab.Space{Parameters: []lab.Parameter{
		{Name: "amount", Type: lab.Continuous, Min: &low, Max: &high, When: "base != 'none'"},
		{Name: "base", Type: lab.Categorical, Levels: []string{"none", "KOAc"}},
	}}
	objectives := []lab.Objective{{Name: "y", Direction: lab.Maximize, Unit: "1"}}
	with := []lab.Setting{{Name: "amount", Value: lab.Number(1.5)}, {Name: "base", Value: lab.Label("KOAc")}}
	without := []lab.Setting{{Name: "base", Value: lab.Label("none")}}
	var b strings.Builder
	columns := askdata.Columns(s, objectives)
	if err := askdata.WriteNames(&b, columns); err != nil {
		t.Fatal(err)
	}
	if err := askdata.Write(&b, columns, ',', s, []lab.Proposal{{Settings: with}, {Settings: without}}); err != nil {
		t.Fatal(err)
	}
	if want := "amount,base,y\n1.5,KOAc,\n,none,\n"; b.String() != want {
		t.Errorf("wrote %q, want %q", b.String(), want)
	}
	got, err := askdata.Read(strings.NewReader(b.String()), s, objectives)
	if err != nil {
		t.Fatal(err)
	}
	want := []lab.Pending{{Number: 1, Settings: with}, {Number: 2, Settings: without}}
	if diff := cmp.Diff(want, got.Pending); diff != "" {
		t.Errorf("read otherwise (-want +got):\n%s", diff)
	}
	told, err := askdata.Gather([]askdata.Experiment{{Settings: map[string]lab.Value{"base": lab.Label("none")}, Failed: true}}, s, objectives)
	if err != nil || len(told.Known[0].Settings) != 1 {
		t.Errorf("gathered %+v, %v, want one setting", told.Known, err)
	}
}
