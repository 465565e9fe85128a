package askdata_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/planner/askdata"
)

func mixed() (lab.Space, []lab.Objective) {
	space := lab.Space{Parameters: []lab.Parameter{
		{Name: "t", Type: lab.Continuous, Min: new(0.0), Max: new(100.0), Unit: "Cel"},
		{Name: "n", Type: lab.Integer, Min: new(1.0), Max: new(9.0)},
		{Name: "base", Type: lab.Categorical, Levels: []string{"a;b", "c"}},
		{Name: "mix", Type: lab.Composition, Parts: []string{"p", "q"}},
	}}
	return space, []lab.Objective{{Name: "yield", Direction: lab.Maximize, Unit: "%"}}
}

func told(change func(*askdata.Experiment)) askdata.Experiment {
	e := askdata.Experiment{
		Settings: map[string]lab.Value{"t": lab.Number(40), "n": lab.Number(2), "base": lab.Label("c"), "mix": lab.Parts([]float64{0.25, 0.75})},
		Observed: map[string]float64{"yield": 61}, Sigma: map[string]float64{"yield": 2},
	}
	if change != nil {
		change(&e)
	}
	return e
}

// TestExperimentsByNameAreThoseOfATable tells the same experiments both ways.
func TestExperimentsByNameAreThoseOfATable(t *testing.T) {
	t.Parallel()
	s, objectives := mixed()
	fromTable, err := askdata.Read(strings.NewReader("t,n,base,mix.p,mix.q,yield,yield sd,failed\n40,2,c,0.25,0.75,61,2,\n41,3,a;b,1,0,,,yes\n42,3,c,0,1,,,\n"), s, objectives)
	if err != nil {
		t.Fatal(err)
	}
	byName, err := askdata.Gather([]askdata.Experiment{
		told(nil),
		told(func(e *askdata.Experiment) {
			*e = askdata.Experiment{Settings: map[string]lab.Value{"t": lab.Number(41), "n": lab.Number(3), "base": lab.Label("a;b"), "mix": lab.Parts([]float64{1, 0})}, Failed: true}
		}),
		{Settings: map[string]lab.Value{"t": lab.Number(42), "n": lab.Number(3), "base": lab.Label("c"), "mix": lab.Parts([]float64{0, 1})}},
	}, s, objectives)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(fromTable, byName, cmp.Comparer(lab.Value.Equal)); d != "" {
		t.Errorf("by name (-table +names):\n%s", d)
	}
}

func TestBadExperimentsAreNamed(t *testing.T) {
	t.Parallel()
	s, objectives := mixed()
	for name, c := range map[string]struct {
		change func(*askdata.Experiment)
		want   string
	}{
		"Missing":   {func(e *askdata.Experiment) { delete(e.Settings, "n") }, `experiments[1].settings has no "n"`},
		"Unknown":   {func(e *askdata.Experiment) { e.Settings["x"] = lab.Number(1) }, `has "x", which is no parameter`},
		"Level":     {func(e *askdata.Experiment) { e.Settings["base"] = lab.Label("d") }, "settings.base is d; it is one of a;b, c"},
		"Text":      {func(e *askdata.Experiment) { e.Settings["t"] = lab.Label("hot") }, "settings.t is hot; it is a number"},
		"Whole":     {func(e *askdata.Experiment) { e.Settings["n"] = lab.Number(1.5) }, "it is a whole number"},
		"Parts":     {func(e *askdata.Experiment) { e.Settings["mix"] = lab.Parts([]float64{1}) }, "one to each of p, q"},
		"Objective": {func(e *askdata.Experiment) { e.Observed["cost"] = 1 }, `"cost", which is no objective`},
		"Sigma":     {func(e *askdata.Experiment) { e.Observed = nil }, "sigma has \"yield\" and observed has not"},
		"Negative":  {func(e *askdata.Experiment) { e.Sigma["yield"] = -1 }, "a number from 0"},
		"Failed":    {func(e *askdata.Experiment) { e.Failed = true }, "failed and has an outcome"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := askdata.Gather([]askdata.Experiment{told(nil), told(c.change)}, s, objectives)
			if lab.KindOf(err) != lab.Invalid || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want invalid and %q", err, c.want)
			}
		})
	}
}

// TestSuggestionsReadBackAsPending adds suggestions to a table with a column of
// its author's own, and reads the whole.
func TestSuggestionsReadBackAsPending(t *testing.T) {
	t.Parallel()
	s, objectives := mixed()
	sheet := "yield;who;base;t [Cel];n;mix.q;mix.p\n61;ana;c;40;2;0.75;0.25\n"
	columns, comma, err := askdata.Layout(strings.NewReader(sheet))
	if err != nil || comma != ';' {
		t.Fatalf("layout %q, %q, %v", columns, comma, err)
	}
	settings := []lab.Setting{{Name: "t", Value: lab.Number(33.25)}, {Name: "n", Value: lab.Number(7)}, {Name: "base", Value: lab.Label("a;b")}, {Name: "mix", Value: lab.Parts([]float64{0.1, 0.9})}}
	var out bytes.Buffer
	out.WriteString(sheet)
	if err := askdata.Write(&out, columns, comma, s, []lab.Proposal{{Settings: settings}}); err != nil {
		t.Fatal(err)
	}
	if want := sheet + ";;\"a;b\";33.25;7;0.9;0.1\n"; out.String() != want {
		t.Errorf("the table is\n%swant\n%s", out.String(), want)
	}
	got, err := askdata.Read(&out, s, objectives)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Known) != 1 || len(got.Pending) != 1 || !got.Pending[0].Settings[3].Value.Equal(settings[3].Value) || !got.Pending[0].Settings[2].Value.Equal(settings[2].Value) {
		t.Errorf("read back %+v", got)
	}
}

// TestAllMistakesAreTold has three bad rows.
func TestAllMistakesAreTold(t *testing.T) {
	t.Parallel()
	s, objectives := mixed()
	_, err := askdata.Read(strings.NewReader("t,n,base,mix.p,mix.q,yield\n40,2.5,c,0,1,3\n40,2,c,0,1,3\n40,2,e,0,1,3\nhot,2,c,0,1,3\n"), s, objectives)
	if lab.KindOf(err) != lab.Invalid {
		t.Fatalf("error %v, want invalid", err)
	}
	for _, want := range []string{`row 2, column "n"`, `row 4, column "base"`, `row 5, column "t"`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not name %s", err, want)
		}
	}
}
