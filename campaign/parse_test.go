package campaign_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/athanor-lab/athanor/campaign"
	"github.com/athanor-lab/athanor/lab"
)

// TestDefaults wants what an author may leave out.
func TestDefaults(t *testing.T) {
	t.Parallel()
	doc, _ := campaign.Parse(read(t, "testdata/good/smallest.yaml"), "yaml")
	if diff := cmp.Diff(lab.PlanPolicy{Planner: "auto", Batch: 1, InFlight: 1}, doc.Plan); diff != "" {
		t.Errorf("plan (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(lab.Safety{Approve: "never", OnInDoubt: "ask", OnFailure: lab.FailurePolicy{Then: "skip"}}, doc.Safety); diff != "" {
		t.Errorf("safety (-want +got):\n%s", diff)
	}
	doc, _ = campaign.Parse(read(t, "testdata/good/composition.yaml"), "yaml")
	if p := doc.Space.Parameters[0]; p.Sum == nil || *p.Sum != 1 {
		t.Errorf("the sum of a composition is %v, want 1", p.Sum)
	}
	doc, _ = campaign.Parse(read(t, "testdata/good/every-type.yaml"), "yaml")
	if doc.Plan.InFlight != 2 {
		t.Errorf("in_flight is %d, want the batch of 2", doc.Plan.InFlight)
	}
	if got := doc.Space.Parameters[0].Scale; got != "linear" {
		t.Errorf("scale is %q, want linear", got)
	}
	if diff := cmp.Diff(doc, campaign.Defaults(doc)); diff != "" {
		t.Errorf("defaults twice are not once:\n%s", diff)
	}
}

// TestRoundTrip wants a document to be the same one in YAML, in JSON and from
// the record.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	for path, src := range documents(t, "good") {
		doc, problems := campaign.Parse(src, "")
		if problems != nil {
			t.Fatal(path, problems)
		}
		b, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		for _, format := range []string{"json", "yaml", ""} { // JSON is YAML
			again, problems := campaign.Parse(b, format)
			if problems != nil {
				t.Fatalf("%s as %q: %v", path, format, problems)
			}
			if diff := cmp.Diff(doc, again, cmp.Comparer(func(a, b lab.Value) bool { return a.Equal(b) })); diff != "" {
				t.Errorf("%s as %q (-want +got):\n%s", path, format, diff)
			}
		}
	}
}

// TestPlaces wants complaints where an editor will show them.
func TestPlaces(t *testing.T) {
	t.Parallel()
	yaml := "# α\nathanor: campaign/1\ntitle: 'é' \nbudget:\n    experiments: many\n"
	_, problems := campaign.Parse([]byte(yaml), "")
	at := map[string][2]int{}
	for _, p := range problems {
		at[p.Path] = [2]int{p.Line, p.Col}
	}
	if got, want := at["budget.experiments"], [2]int{5, 5}; got != want {
		t.Errorf("YAML: %v, want %v", got, want)
	}
	json := "{\n \"athanor\": \"campaign/1\",\r\n \"budget\" :\n\t{ \"experiments\" : \"many\"} }"
	_, problems = campaign.Parse([]byte(json), "")
	for _, p := range problems {
		at[p.Path] = [2]int{p.Line, p.Col}
	}
	if got, want := at["budget.experiments"], [2]int{4, 4}; got != want {
		t.Errorf("JSON: %v, want %v", got, want)
	}
}

// TestWhatYAMLIs wants the meaning of YAML 1.2: no surprises from words, and
// numbers as JSON has them.
func TestWhatYAMLIs(t *testing.T) {
	t.Parallel()
	src := strings.Replace(string(read(t, "testdata/good/smallest.yaml")), "[KOAc, KOPiv]", `[no, on, Off, y, "12:30", 1.2.3, 2024-01-01, "0x10", 'null', "a\tb", 0b1, +]`, 1)
	doc, problems := campaign.Parse([]byte("\ufeff"+src), "")
	if problems != nil {
		t.Fatal(problems)
	}
	want := []string{"no", "on", "Off", "y", "12:30", "1.2.3", "2024-01-01", "0x10", "null", "a\tb", "0b1", "+"}
	if diff := cmp.Diff(want, doc.Space.Parameters[0].Levels); diff != "" {
		t.Errorf("levels (-want +got):\n%s", diff)
	}
	src = strings.Replace(string(read(t, "testdata/good/every-type.yaml")), "values: [0.1, 0.5, 2]", "values: [-2, +1e-3, .5, 1., 1.5E+3, 1e5]", 1)
	doc, problems = campaign.Parse([]byte(src), "")
	if problems != nil {
		t.Fatal(problems)
	}
	if diff := cmp.Diff([]float64{-2, 1e-3, 0.5, 1, 1500, 1e5}, doc.Space.Parameters[3].Values); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
}

// TestBombs wants sources that expand, nest or never end to be refused soon.
func TestBombs(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("x", campaign.MaxSourceBytes)
	bomb := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c <= 'k'; c++ {
		p := string(c - 1)
		bomb += string(c) + ": &" + string(c) + " [*" + p + strings.Repeat(",*"+p, 8) + "]\n"
	}
	for name, c := range map[string]struct{ src, format, want string }{
		"Large":       {big + "x", "", "larger than 1 MiB"},
		"Aliases":     {bomb, "yaml", "anchors, aliases"},
		"FlowYAML":    {strings.Repeat("[", 1<<19), "yaml", "nested too deeply"},
		"MapYAML":     {strings.Repeat("{a: ", 1<<17), "yaml", "nested too deeply"},
		"BlockYAML":   {strings.Repeat("- ", 1<<19), "yaml", "nested too deeply"},
		"JSON":        {strings.Repeat("[", 1<<19), "json", "nested too deeply"},
		"ObjectJSON":  {strings.Repeat(`{"a":`, 1<<17), "json", "nested too deeply"},
		"Binary":      {"athanor: \xff\xfe", "", "not UTF-8"},
		"Zero":        {"athanor: \x00", "", "zero byte"},
		"Format":      {"athanor: campaign/1", "toml", "format toml is not known"},
		"NothingJSON": {"", "json", "ends too early"},
		"Nothing":     {"", "", "holds no document"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start := time.Now()
			_, problems := campaign.Parse([]byte(c.src), c.format)
			if len(problems) == 0 || !strings.Contains(problems[0].Wrong, c.want) {
				t.Errorf("%.200v, want %q", problems, c.want)
			}
			if took := time.Since(start); took > 20*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}

// TestRulesAreWhole wants a rule for each field of each type of a document, and
// a rule of nothing else.
func TestRulesAreWhole(t *testing.T) {
	t.Parallel()
	seen := map[reflect.Type]bool{}
	var walk func(reflect.Type)
	walk = func(typ reflect.Type) {
		switch typ.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map:
			walk(typ.Elem())
		case reflect.Struct:
			if typ == reflect.TypeFor[lab.Value]() || seen[typ] {
				return
			}
			seen[typ] = true
			var names []string
			for field := range typ.Fields() {
				name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
				names = append(names, name)
				walk(field.Type)
			}
			for _, complaint := range campaign.RulesMissing(typ, names) {
				t.Error(complaint)
			}
		}
	}
	walk(reflect.TypeFor[lab.Document]())
	if got, want := campaign.RuledTypes(), len(seen); got != want {
		t.Errorf("there are rules for %d types, want %d", got, want)
	}
}

// TestExamples wants the campaigns that are shown to newcomers to be without
// fault.
func TestExamples(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("../examples/campaigns/*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("there are no examples: %v", err)
	}
	for _, path := range paths {
		src, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		_, problems, notes := campaign.Load(src, "", nil)
		for _, p := range problems {
			t.Errorf("%s:%d:%d: %s", path, p.Line, p.Col, p)
		}
		if len(notes) > 0 {
			t.Errorf("%s: an example should use what has an effect: %v", path, notes)
		}
	}
}

// TestNotes wants to be told what a document asks for in vain.
func TestNotes(t *testing.T) {
	t.Parallel()
	doc, _ := campaign.Parse(read(t, "testdata/good/arylation.yaml"), "")
	notes := strings.Join(campaign.Notes(doc), "\n")
	for _, want := range []string{"budget.cost: "} {
		if !strings.Contains(notes, want) {
			t.Errorf("no note on %s in %q", want, notes)
		}
	}
	doc, _ = campaign.Parse(read(t, "testdata/good/smallest.yaml"), "")
	if notes := campaign.Notes(doc); notes != nil {
		t.Errorf("notes on the smallest document: %v", notes)
	}
	doc.Budget.Experiments = 3
	doc.Objectives[0].Unit = "C"
	notes = strings.Join(campaign.Notes(doc), "\n")
	for _, want := range []string{"the space has 2 points only", "objectives[0].unit: "} {
		if !strings.Contains(notes, want) {
			t.Errorf("no note %q in %q", want, notes)
		}
	}
}

// TestDocumentation wants the example that authors read to be right.
func TestDocumentation(t *testing.T) {
	t.Parallel()
	page := string(read(t, "../docs/formats/campaign-1.md"))
	_, rest, ok := strings.Cut(page, "```yaml\n")
	src, _, ended := strings.Cut(rest, "```")
	if !ok || !ended {
		t.Fatal("docs/formats/campaign-1.md has no example")
	}
	_, problems, notes := campaign.Load([]byte(src), "yaml", laboratory(t))
	for _, p := range problems {
		t.Errorf("%d:%d %s", p.Line, p.Col, p)
	}
	if len(notes) > 0 {
		t.Errorf("it has what is without effect: %v", notes)
	}
	for _, field := range campaign.FieldNames() {
		if !strings.Contains(page, "`"+field) && !strings.Contains(page, field+"`") && !strings.Contains(page, "{"+field) && !strings.Contains(page, ", "+field) {
			t.Errorf("docs/formats/campaign-1.md does not speak of %s", field)
		}
	}
}
