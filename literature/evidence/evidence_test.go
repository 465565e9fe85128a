package evidence_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/literature/evidence"
	"github.com/athanor-lab/athanor/literature/extract"
)

var space = lab.Space{Parameters: []lab.Parameter{
	{Name: "calcination_temperature", Type: lab.Continuous, Min: new(573.15), Max: new(1273.15), Unit: "K"},
	{Name: "time", Type: lab.Continuous, Min: new(0.5), Max: new(50.0), Scale: "log", Unit: "h"},
	{Name: "base", Type: lab.Categorical, Levels: []string{"KOAc", "CsOAc", "NaOH"}},
	{Name: "concentration", Type: lab.Discrete, Values: []float64{0.05, 0.1, 0.2}, Unit: "mol/L"},
}}

func at(temperature, hours float64, base string, conc float64) []lab.Setting {
	return []lab.Setting{
		{Name: "calcination_temperature", Value: lab.Number(temperature), Unit: "K"},
		{Name: "time", Value: lab.Number(hours), Unit: "h"},
		{Name: "base", Value: lab.Label(base)},
		{Name: "concentration", Value: lab.Number(conc), Unit: "mol/L"},
	}
}

func somewhere(rng *rand.Rand) []lab.Setting {
	p := space.Parameters
	return at(573.15+700*rng.Float64(), 0.5*math.Pow(100, rng.Float64()), p[2].Levels[rng.IntN(3)], p[3].Values[rng.IntN(3)])
}

// TestClaimsFromText reads prose and wants the settings in the units of the space.
func TestClaimsFromText(t *testing.T) {
	t.Parallel()
	const text = "The gel was dried at 80 °C and calcined at 500 °C for 120 min with KOAc. " +
		"With 0.1 M NaOH a yield of 85 % was reached. With 0.2 M NaOH a yield of 40 % was reached. It was calcined at 1200 °C."
	m := evidence.Mapping{Space: space, Objectives: []lab.Objective{{Name: "yield", Direction: lab.Maximize, Unit: "%"}}}
	claims, outside := m.Claims(evidence.Source{Paper: "p", Text: text, Findings: extract.Findings(text), Relevance: 1})
	var got []string
	for _, c := range claims {
		got = append(got, c.String())
	}
	want := []string{"base KOAc, calcination_temperature 773.15, time 2 (p)", "base NaOH, concentration 0.1 (p)", "base NaOH, concentration 0.2 (p)"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("claims (-want +got):\n%s", diff)
	}
	if claims[0].Merit != -1 || claims[1].Merit != 1 || claims[2].Merit != 0 {
		t.Errorf("merits %g, %g, %g; want none, best, worst", claims[0].Merit, claims[1].Merit, claims[2].Merit)
	}
	if len(outside) != 1 || outside[0].Parameter != "calcination_temperature" || math.Abs(outside[0].Value-1473.15) > 1e-9 {
		t.Errorf("outside the limits: %+v", outside)
	}
}

// TestClaimsByName reads numbers that sentences give to parameters by name, with
// units and without, and none that are not there.
func TestClaimsByName(t *testing.T) {
	t.Parallel()
	flow := lab.Space{Parameters: []lab.Parameter{
		{Name: "total_flow", Type: lab.Continuous, Min: new(1.0), Max: new(50.0), Unit: "mL/min"},
		{Name: "argon_flow", Type: lab.Continuous, Min: new(0.1), Max: new(20.0), Unit: "mL/min"},
		{Name: "CH4/O2", Type: lab.Continuous, Min: new(1.0), Max: new(8.0), Unit: "1"},
	}}
	m := evidence.Mapping{Space: flow, Objectives: []lab.Objective{{Name: "C2y", Direction: lab.Maximize, Unit: "1"}}}
	for _, c := range []struct{ text, want string }{
		{"At a total flow of 15 mL/min, an argon flow of 3 mL/min and CH4/O2 = 2, C2y was 14.5.", "total_flow 15, argon_flow 3, CH4/O2 2 (p)"},
		{"With 15 mL/min total flow and a CH4/O2 of 4 the C2y was 3.", "total_flow 15, CH4/O2 4 (p)"},
		{"A total flow of 0.9 L/h gave C2y of 2.", "total_flow 15 (p)"},
		{"A total flow of 15 mL/min or a total flow of 20 mL/min gave a C2y of 1 with CH4/O2 = 2.", "CH4/O2 2 (p)"},
		{"A total flow of 900 mL/min was outside what CH4/O2 = 3 allows; C2y 1.", "CH4/O2 3 (p)"},
	} {
		claims, _ := m.Claims(evidence.Source{Paper: "p", Text: c.text, Findings: extract.Findings(c.text), Sentences: extract.Sentences(c.text), Relevance: 1})
		if len(claims) != 1 || claims[0].String() != c.want || claims[0].Quote != c.text {
			t.Errorf("%q: got %v, want %s", c.text, claims, c.want)
		}
	}
}

// TestRecordWeighs wants weights that share a paper's relevance among its claims,
// nothing for a retracted one, and a version that changes with any of it.
func TestRecordWeighs(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 1))
	x := somewhere(rng)
	claims := []evidence.Claim{
		{Paper: "a", Settings: x, Relevance: 0.8, Confidence: 0.5, Merit: 1},
		{Paper: "a", Settings: x, Relevance: 0.8, Confidence: 0.5, Merit: 0},
		{Paper: "b", Settings: x, Relevance: 1, Confidence: 1, Merit: -1, Retracted: true},
	}
	papers := []lab.Cited{{ID: "a", Relevance: 0.8}, {ID: "b", Relevance: 1}}
	e, err := evidence.Record(papers, claims)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := e.Claims[0].Weight, e.Claims[1].Weight; math.Abs(a+b-0.4) > 1e-12 || a <= b {
		t.Errorf("the claims weigh %g and %g, want 0.4 in all and the better more", a, b)
	}
	if w := e.Claims[2].Weight; w != 0 {
		t.Errorf("a retracted claim weighs %g", w)
	}
	again, _ := evidence.Record(papers, claims)
	papers[0].Credibility = 0.9
	other, _ := evidence.Record(papers, claims)
	if again.Version != e.Version || other.Version == e.Version {
		t.Errorf("versions %s, %s the same, %s with another credibility", e.Version, again.Version, other.Version)
	}
	if other.Claims[0].Weight <= e.Claims[0].Weight {
		t.Error("a paper that proved right weighs no more")
	}
	claims[0].Confidence = math.NaN()
	if e, err := evidence.Record(papers, claims); err != nil || e.Claims[0].Weight != 0 {
		t.Errorf("a claim of unknown confidence: weight %v, %v", e.Claims, err)
	}
}

// TestRelevance wants the curve that its doc promises.
func TestRelevance(t *testing.T) {
	t.Parallel()
	for score, want := range map[float64]float64{0: 0, 0.2: 0.047, 0.5: 0.5, 1: 0.993} {
		if got := evidence.Relevance(score, 1); math.Abs(got-want) > 1e-3 {
			t.Errorf("at %g of the best %g, want %g", score, got, want)
		}
	}
	if got := evidence.Relevance(1, 0); got != 0 {
		t.Errorf("with nothing found %g", got)
	}
}

// TestAnalogy wants a density that knows of two kinds of material, and intervals
// that hold what they say.
func TestAnalogy(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(4, 4))
	recipes := func(n int) (out []evidence.Recipe) {
		for i := range n {
			kind, mean := "soft", 500.0
			if i%2 == 1 {
				kind, mean = "hard", 1400
			}
			out = append(out, evidence.Recipe{Paper: string(rune(i)), Features: map[string]float64{kind: 1, string(rune('A' + rng.IntN(20))): 0.5}, Value: mean + 200*rng.NormFloat64()})
		}
		return out
	}
	a := evidence.NewAnalogy(0, 2000, recipes(600))
	covered := 0
	test := recipes(400)
	for _, r := range test {
		f := a.Predict(r.Features)
		if threshold, _ := f.Region(0.8); f.Density(r.Value) >= threshold {
			covered++
		}
	}
	if share := float64(covered) / 400; share < 0.72 || share > 0.92 {
		t.Errorf("the 80 %% region covers %.3f", share)
	}
	if m := a.Predict(map[string]float64{"hard": 1}).Median(); math.Abs(m-1400) > 80 {
		t.Errorf("median %g, want 1400", m)
	}
	f := a.Predict(map[string]float64{"unknown": 1})
	var sum float64
	for x := 0.5; x < 2000; x++ {
		sum += f.Density(x) / 2000
	}
	if math.Abs(sum-1) > 1e-3 || f.Density(-1) != 0 {
		t.Errorf("a density of mass %g, %g outside", sum, f.Density(-1))
	}
}

// TestQuery wants the author's own words where there are some, and the words of
// the document otherwise.
func TestQuery(t *testing.T) {
	t.Parallel()
	d := lab.Document{Title: "Direct arylation", Objectives: []lab.Objective{{Name: "product_yield"}}, Space: space}
	if got, want := evidence.Query(d), "Direct arylation product yield calcination temperature time base KOAc CsOAc NaOH concentration"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	d.Literature = &lab.Literature{Query: "palladium base solvent"}
	if got := evidence.Query(d); got != "palladium base solvent" {
		t.Errorf("got %q", got)
	}
}
