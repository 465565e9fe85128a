package evidence_test

import (
	"math"
	"testing"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/literature/evidence"
	"github.com/athanor-lab/athanor/literature/extract"
	"github.com/athanor-lab/athanor/literature/synonyms"
)

// TestCompositions reads what sentences say of compositions, in the sum of the
// parameter, and nothing where they leave it open, contradict themselves or speak of
// other elements.
func TestCompositions(t *testing.T) {
	t.Parallel()
	ternary, binary, supported := []string{"Ni", "Fe", "Co"}, []string{"Ni", "Fe"}, []string{"Pd", "C"}
	for _, c := range []struct {
		parts []string
		text  string
		want  []float64
	}{
		{ternary, "Ni0.5Fe0.5 had an overpotential of 230 mV.", []float64{50, 50, 0}},
		{ternary, "An overpotential of 230 mV was seen for Ni0.6Fe0.2Co0.2Ox.", []float64{60, 20, 20}},
		{ternary, "Spinel NiFe2O4 had an overpotential of 330 mV.", []float64{100. / 3, 200. / 3, 0}},
		{ternary, "(Ni0.75Fe0.25)OOH had an overpotential of 210 mV.", []float64{75, 25, 0}},
		{ternary, "Ni3Fe1(OH)8 had an overpotential of 210 mV.", []float64{75, 25, 0}},
		{ternary, "At Ni:Fe:Co = 2:1:1 the overpotential was 240 mV.", []float64{50, 25, 25}},
		{ternary, "A Ni/Fe molar ratio of 3:1 gave an overpotential of 240 mV.", []float64{75, 25, 0}},
		{binary, "With Ni/Fe = 4 the overpotential was 240 mV.", []float64{80, 20}},
		{binary, "With nickel:iron (3:1) the overpotential was 240 mV.", []float64{75, 25}},
		{binary, "The film with 10 mol% Fe had an overpotential of 250 mV.", []float64{90, 10}},
		{binary, "An iron content of 10 at.% gave an overpotential of 250 mV.", []float64{90, 10}},
		{ternary, "With 10 at% Fe and 30 at% Co the overpotential was 250 mV.", []float64{60, 10, 30}},
		{supported, "5 wt% Pd/C had an overpotential of 250 mV.", []float64{100 * (5 / 106.42) / (5/106.42 + 95/12.011), 100 * (95 / 12.011) / (5/106.42 + 95/12.011)}},

		{ternary, "With 10 mol% Fe the overpotential was 250 mV.", nil},                     // the rest may be of Ni or Co
		{ternary, "Ni0.5Fe0.5 was better than Ni0.9Fe0.1, by 50 mV of overpotential.", nil}, // two
		{ternary, "Ni0.5Mn0.5 had an overpotential of 230 mV.", nil},                        // Mn is none of ours
		{ternary, "NixFe1-x had an overpotential of 230 mV.", nil},                          // of any x
		{ternary, "NiFe had an overpotential of 230 mV.", nil},                              // an abbreviation
		{ternary, "Nickel foam had an overpotential of 230 mV at a faradaic yield of 98 %.", nil},
		{binary, "The overpotential was 230 mV, 10 % Fe less than before.", nil},
		{supported, "5 wt% Pd/Al2O3 had an overpotential of 250 mV.", nil},
		{binary, "With 70 mol% Fe and 60 mol% Ni the overpotential was 250 mV.", nil}, // more than all
		{ternary, "The Co-op in Ni had 3 members; the overpotential was 250 mV.", nil},
	} {
		sum := 100.0
		d := lab.Document{
			Space:      lab.Space{Parameters: []lab.Parameter{{Name: "metals", Type: lab.Composition, Parts: c.parts, Sum: &sum, Unit: "%"}}},
			Objectives: []lab.Objective{{Name: "overpotential", Direction: lab.Minimize, Unit: "mV"}},
		}
		m := evidence.Mapping{Space: d.Space, Objectives: d.Objectives, Synonyms: synonyms.Of(d)}
		claims, _ := m.Claims(evidence.Source{Paper: "p", Text: c.text, Findings: extract.Findings(c.text), Sentences: extract.Sentences(c.text), Relevance: 1})
		var got []float64
		for _, k := range claims {
			for _, s := range k.Settings {
				got = s.Value.Parts()
			}
		}
		same := len(got) == len(c.want)
		for i := range c.want {
			same = same && math.Abs(got[i]-c.want[i]) < 1e-9
		}
		if !same {
			t.Errorf("%q says %v, want %v", c.text, got, c.want)
		}
	}
}

// TestClaimsOfCompositionsAreBelievedByOutcomes wants a paper whose composition is
// borne out to be credible.
func TestClaimsOfCompositionsAreBelievedByOutcomes(t *testing.T) {
	t.Parallel()
	space := lab.Space{Parameters: []lab.Parameter{{Name: "metals", Type: lab.Composition, Parts: []string{"Ni", "Fe"}}}}
	objectives := []lab.Objective{{Name: "overpotential", Direction: lab.Minimize, Unit: "mV"}}
	at := func(ni float64) []lab.Setting {
		return []lab.Setting{{Name: "metals", Value: lab.Parts([]float64{ni, 1 - ni})}}
	}
	e := lab.Evidence{
		Papers: []lab.Cited{{ID: "right"}, {ID: "wrong"}},
		Claims: []lab.Claim{{Paper: "right", Settings: at(0.75)}, {Paper: "wrong", Settings: at(0.1)}},
	}
	var known []lab.Known
	for i := range 11 {
		ni := float64(i) / 10
		known = append(known, lab.Known{
			Number: i + 1, Settings: at(ni), Observed: []lab.Measured{{Name: "overpotential", Value: 200 + 300*math.Abs(ni-0.75)}},
		})
	}
	c := evidence.Credibilities(e, space, objectives, known)
	if c[0].Probability < 0.9 || c[1].Probability > 0.1 {
		t.Errorf("credible to %.2f and %.2f; want the first near 1, the second near 0", c[0].Probability, c[1].Probability)
	}
}
