package evidence_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/literature/evidence"
	"github.com/athanor-lab/athanor/literature/extract"
)

func num(x float64) *float64 { return &x }

var space = lab.Space{Parameters: []lab.Parameter{
	{Name: "calcination_temperature", Type: lab.Continuous, Min: num(573.15), Max: num(1273.15), Unit: "K"},
	{Name: "time", Type: lab.Continuous, Min: num(0.5), Max: num(50), Scale: "log", Unit: "h"},
	{Name: "base", Type: lab.Categorical, Levels: []string{"KOAc", "CsOAc", "NaOH"}},
	{Name: "concentration", Type: lab.Discrete, Values: []float64{0.05, 0.1, 0.2}, Unit: "mol/L"},
}}

func at(temperature, hours float64, base string, conc float64) []lab.Setting {
	return []lab.Setting{
		{Name: "calcination_temperature", Value: lab.Number(temperature), Unit: "K"}, {Name: "time", Value: lab.Number(hours), Unit: "h"},
		{Name: "base", Value: lab.Label(base)}, {Name: "concentration", Value: lab.Number(conc), Unit: "mol/L"},
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

func claims(n int, rng *rand.Rand) []evidence.Claim {
	var out []evidence.Claim
	for i := range n {
		c := evidence.Claim{Paper: string(rune('a' + i%5)), Settings: somewhere(rng)[:1+rng.IntN(4)], Relevance: rng.Float64(), Confidence: 0.9, Merit: rng.Float64()}
		out = append(out, c)
	}
	return out
}

// TestPriorIsADensity integrates over the space by chance and wants one.
func TestPriorIsADensity(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 1))
	p := evidence.NewPrior(space, claims(12, rng))
	var sum float64
	const n = 200_000
	for range n {
		sum += p.Density(somewhere(rng)) / n
	}
	if math.Abs(sum-1) > 0.03 {
		t.Errorf("the mean density is %.4f, want 1", sum)
	}
}

// TestSharesAddUp wants parts that sum to one and, for each paper, the change of
// a prior that was built without it.
func TestSharesAddUp(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(2, 2))
	few := claims(9, rng)
	for i := range few {
		few[i].Paper = string(rune('a' + i%3)) // three papers keep one bandwidth
	}
	p := evidence.NewPrior(space, few)
	for range 50 {
		x := somewhere(rng)
		shares, sum := p.Shares(x)
		for _, s := range shares {
			sum += s.Part
			without := evidence.NewPrior(space, slices.DeleteFunc(slices.Clone(few), func(c evidence.Claim) bool { return c.Paper == s.Paper }))
			if want := math.Log(p.Density(x)) - math.Log(without.Density(x)); math.Abs(s.Delta-want) > 1e-9 {
				t.Fatalf("paper %s: delta %g, want %g", s.Paper, s.Delta, want)
			}
		}
		if math.Abs(sum-1) > 1e-9 {
			t.Fatalf("parts sum to %g", sum)
		}
	}
}

// TestRetractedSaysNothing wants the prior without the paper.
func TestRetractedSaysNothing(t *testing.T) {
	t.Parallel()
	c := []evidence.Claim{{Paper: "a", Settings: at(800, 5, "KOAc", 0.1), Relevance: 1, Confidence: 1, Merit: -1}}
	if d := evidence.NewPrior(space, c).Density(c[0].Settings); d < 2 {
		t.Errorf("density %g where a paper was, want more", d)
	}
	c[0].Retracted = true
	p := evidence.NewPrior(space, c)
	if d := p.Density(c[0].Settings); d != 1 {
		t.Errorf("density %g where a retracted paper was, want 1", d)
	}
	if shares, uniform := p.Shares(c[0].Settings); uniform != 1 || len(shares) != 0 {
		t.Errorf("shares %v and %g", shares, uniform)
	}
}

// TestRelevanceWeighs wants off-topic papers to move the prior less.
func TestRelevanceWeighs(t *testing.T) {
	t.Parallel()
	good, bad := at(800, 5, "KOAc", 0.1), at(1200, 40, "NaOH", 0.05)
	c := []evidence.Claim{{Paper: "a", Settings: good, Relevance: 1, Confidence: 1, Merit: -1}, {Paper: "b", Settings: bad, Relevance: 0.1, Confidence: 1, Merit: -1}}
	p := evidence.NewPrior(space, c)
	if a, b := p.Density(good), p.Density(bad); a < 3*b {
		t.Errorf("density %g at the relevant paper, %g at the other", a, b)
	}
	if l := p.Levels("base"); !(l[0] > l[2] && l[2] > l[1]) {
		t.Errorf("levels %v, want KOAc, then NaOH, then CsOAc", l)
	}
}

// TestSeedsSpread wants the densest first and then other modes, not its
// neighbours.
func TestSeedsSpread(t *testing.T) {
	t.Parallel()
	a, b := at(800, 5, "KOAc", 0.1), at(1200, 40, "NaOH", 0.05)
	p := evidence.NewPrior(space, []evidence.Claim{
		{Paper: "a", Settings: a, Relevance: 1, Confidence: 1, Merit: -1}, {Paper: "b", Settings: b, Relevance: 0.3, Confidence: 1, Merit: -1},
	})
	if got := p.Seeds(2, [][]lab.Setting{at(600, 1, "CsOAc", 0.2), at(805, 5, "KOAc", 0.1), a, b}); !slices.Equal(got, []int{2, 3}) {
		t.Errorf("seeds %v, want [2 3]", got)
	}
	if got := p.Seeds(5, [][]lab.Setting{a}); !slices.Equal(got, []int{0}) {
		t.Errorf("seeds of one candidate are %v", got)
	}
}

// TestGateOpensAndCloses wants the gate to follow what the laboratory sees, and
// the power of the prior to fade.
func TestGateOpensAndCloses(t *testing.T) {
	t.Parallel()
	var with, against []evidence.Experience
	for i := range 10 {
		d := math.Exp(float64(i%5) - 2)
		with = append(with, evidence.Experience{Density: d, Value: float64(i % 5)})
		against = append(against, evidence.Experience{Density: d, Value: -float64(i % 5)})
	}
	if g := evidence.Gate(nil); g < 0.6 || g > 0.9 {
		t.Errorf("at the start %g", g)
	}
	if g := evidence.Gate(with); g < 0.99 {
		t.Errorf("with agreement %g", g)
	}
	if g := evidence.Gate(against); g > 0.01 {
		t.Errorf("with contradiction %g", g)
	}
	if a, b := evidence.Exponent(with[:2]), evidence.Exponent(with); a <= b {
		t.Errorf("power %g after two experiments, %g after ten", a, b)
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
