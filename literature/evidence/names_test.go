package evidence_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/literature/evidence"
	"github.com/athanor-lab/athanor/literature/extract"
	"github.com/athanor-lab/athanor/literature/synonyms"
)

// TestClaimsUnderOtherNames reads sentences that call nothing by the name that the
// campaign has for it, in other units, and one whose temperature is that of another
// operation.
func TestClaimsUnderOtherNames(t *testing.T) {
	t.Parallel()
	d := lab.Document{
		Space: lab.Space{Parameters: []lab.Parameter{
			{Name: "base", Type: lab.Categorical, Levels: []string{"KOAc", "CsOPiv", "K7"}, LevelAliases: map[string][]string{"K7": {"our seventh base"}}},
			{Name: "solvent", Type: lab.Categorical, Levels: []string{"DMAc", "p-xylene", "H2O"}},
			{Name: "reaction_temperature", Type: lab.Continuous, Min: new(60.0), Max: new(140.0), Unit: "Cel"},
			{Name: "duration", Type: lab.Continuous, Min: new(0.0), Max: new(2000.0), Unit: "min"},
			{Name: "ratio_of_ligand", Type: lab.Continuous, Min: new(0.0), Max: new(4.0), Aliases: []string{"L/Pd"}},
		}},
		Objectives: []lab.Objective{{Name: "ee", Direction: lab.Maximize, Unit: "%"}},
	}
	m := evidence.Mapping{Space: d.Space, Objectives: d.Objectives, Synonyms: synonyms.Of(d)}
	for _, c := range []struct{ text, want string }{
		{
			"The mixture with potassium acetate in N,N-dimethylacetamide was heated at 378.15 K for 2 h and gave an enantiomeric excess of 85 %.",
			"base KOAc, solvent DMAc, reaction_temperature 105, duration 120 (p)",
		},
		{"With PivOCs in 1,4-dimethylbenzene (T = 110 °C, L/Pd = 2) an ee of 70 % was seen.", "base CsOPiv, solvent p-xylene, reaction_temperature 110, ratio_of_ligand 2 (p)"},
		{"With CH3CO2K the product, dried at 80 °C, had an ee of 60 %.", "base KOAc (p)"},
		{"Our seventh base gave an ee of 20 %.", "base K7 (p)"},
		{"With KOAc in a water bath an ee of 30 % was seen.", "base KOAc (p)"},
		{"With KOAc in water an ee of 30 % was seen.", "base KOAc, solvent H2O (p)"},
		{"Palladium acetate gave an ee of 20 %.", ""},
	} {
		claims, _ := m.Claims(evidence.Source{Paper: "p", Text: c.text, Findings: extract.Findings(c.text), Sentences: extract.Sentences(c.text), Relevance: 1})
		got := ""
		for _, k := range claims {
			got += k.String()
			if k.Objective != "ee" {
				t.Errorf("%q is of %q, want ee", c.text, k.Objective)
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", c.text, diff)
		}
	}
}
