package apitest

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/athanor-lab/athanor/api"
	"github.com/athanor-lab/athanor/lab"
)

// corpus is what campaigns of this laboratory read. One title holds markup, as what
// comes from outside may.
var corpus = []api.ReadPaper{
	{ID: "doi:10.1000/demo.1", DOI: "10.1000/demo.1", Year: 2021, Relevance: 0.97, Claims: 2, Title: "Pivalate bases in direct arylation at moderate temperature", Abstract: "With CsOPiv at 105 °C and 0.1 mol/L the yield was 78 %. Acetates gave less at every temperature that was tried."},
	{ID: "doi:10.1000/demo.2", DOI: "10.1000/demo.2", Year: 2019, Relevance: 0.91, Claims: 1, Title: "Temperature windows of palladium couplings", Abstract: "Between 100 and 110 °C the catalyst lives longest. Above 115 °C it turns black within an hour."},
	{ID: "doi:10.1000/demo.3", DOI: "10.1000/demo.3", Year: 2023, Relevance: 0.74, Claims: 1, Title: `Concentration effects <img src=x onerror="alert(1)"> in C–H activation`, Abstract: "Runs at 0.12 mol/L were faster than runs at 0.06 mol/L, and their yields were equal within error."},
	{ID: "demo-4", Year: 2016, Relevance: 0.52, Title: "A note on solvents for couplings", Abstract: "Amide solvents are compared by price and by boiling point. No yields are given."},
}

var leftOut = []api.ExcludedWork{
	{ID: "demo-5", Title: "Hospital admissions in winter", Why: "ranked too far from the question"},
	{ID: "demo-6", Title: "Annealing of oxide films", Why: "ranked too far from the question"},
}

type libraryPort struct{ *Lab }

// reads returns a campaign that reads. The caller holds the lock.
func (l *Lab) reads(id lab.CampaignID) (*campaign, error) {
	c, err := l.find(id)
	if err == nil && c.Document.Literature == nil {
		err = lab.Errorf(lab.NotFound, "%s reads nothing: its document has no literature", id)
	}
	return c, err
}

// screening says whether people still judge papers for c. The caller holds the lock.
func (c *campaign) screening() bool {
	return c.Document.Literature != nil && len(c.plans) == 0 && !c.enough && len(c.said) < c.Document.Literature.Screen
}

func (p libraryPort) Reading(_ context.Context, id lab.CampaignID) (api.Reading, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, err := p.reads(id)
	if err != nil {
		return api.Reading{}, err
	}
	q := c.Document.Literature
	r := api.Reading{
		State: "done", Judged: len(c.said), Wanted: q.Screen, Query: q.Query, Corpus: q.Corpus, Version: strings.Repeat("5e", 32),
		Papers: []api.ReadPaper{}, Excluded: slices.Clone(leftOut), Claims: []lab.Claim{},
		Names: []api.Naming{{Name: "CsOPiv", Also: []string{"cesium pivalate", "PivOCs"}}, {Name: "temperature", Also: []string{"T", "bath temperature"}}},
	}
	if c.screening() {
		r.State = "screening"
	}
	for _, k := range corpus {
		k.Label = c.said[k.ID]
		if k.Label == "irrelevant" {
			r.Excluded = append(r.Excluded, api.ExcludedWork{ID: k.ID, Title: k.Title, Why: "a person said that it is irrelevant"})
			continue
		}
		if c.progress.Done > 0 && k.Claims > 0 {
			credibility := 0.5 + k.Relevance*0.4
			k.Credibility = &credibility
		}
		r.Papers = append(r.Papers, k)
		for i := range k.Claims {
			r.Claims = append(r.Claims, claim(k, i))
		}
	}
	works, out := len(corpus)+len(leftOut), len(r.Excluded)
	r.Counts = []api.Count{
		{Step: "identified", Works: works + 1},
		{Step: "duplicates", Works: 1},
		{Step: "screened", Works: works},
		{Step: "judged by a person", Works: len(c.said)},
		{Step: "excluded", Works: out},
		{Step: "excluded: ranked too far from the question", Works: len(leftOut)},
		{Step: "read", Works: works - out},
		{Step: "included", Works: works - out},
	}
	r.Markdown = fmt.Sprintf("# What was read\n\nQuestion: %s\n\n%d works were screened.\n", q.Query, works)
	r.BibTeX = "@article{demo1,\n  title = {Pivalate bases},\n  year = {2021}\n}\n"
	return r, nil
}

func claim(k api.ReadPaper, i int) lab.Claim {
	c := lab.Claim{Paper: k.ID, Weight: k.Relevance / float64(i+1), Quote: strings.SplitAfter(k.Abstract, ". ")[0]}
	c.Settings = []lab.Setting{{Name: "temperature", Value: lab.Number(105), Unit: "Cel"}}
	if i == 0 {
		c.Settings = append(c.Settings, lab.Setting{Name: "base", Value: lab.Label("CsOPiv")})
	}
	return c
}

func (p libraryPort) Judge(_ context.Context, id lab.CampaignID, w api.Word) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, err := p.reads(id)
	switch {
	case err != nil:
		return err
	case !slices.ContainsFunc(corpus, func(k api.ReadPaper) bool { return k.ID == w.Paper }):
		return lab.Errorf(lab.NotFound, "no paper %q was found for this campaign", w.Paper)
	case !c.screening():
		return lab.Errorf(lab.Conflict, "the campaign has read: its plans rest on what was said")
	case w.Label == "unread":
		delete(c.said, w.Paper)
	default:
		c.said[w.Paper] = w.Label
	}
	return nil
}

func (p libraryPort) Enough(_ context.Context, id lab.CampaignID, _ api.Act) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, err := p.reads(id)
	switch {
	case err != nil:
		return err
	case !c.screening():
		return lab.Errorf(lab.Conflict, "the campaign has read already")
	}
	c.enough = true
	return nil
}

// lean has what was read move a proposal, less the more is known.
func lean(c *campaign, pr *lab.Proposal) {
	q := c.Document.Literature
	if q == nil {
		return
	}
	fade := 1 / float64(1+pr.Number/4)
	for i, k := range corpus[:3] {
		share := []float64{0.62, 0.27, 0.11}[i]
		pr.Influences = append(pr.Influences, lab.Influence{Paper: k.ID, Gain: 0.4 * share * fade, Shift: 6 * share * fade, Share: share})
	}
	pr.Unaided = pr.Number
}

// diagnose says of a plan's model what a planner says of one.
func diagnose(c *campaign, p *lab.Plan) {
	n := len(c.exps)
	if n < 4 {
		return
	}
	d := &lab.Diagnostics{Trust: lab.TrustFair}
	switch {
	case n < 8:
		d.Trust = lab.TrustPoor
		d.Warnings = []string{fmt.Sprintf("Only %d experiments have an outcome: proposals are exploration.", n)}
	case n >= 12:
		d.Trust = lab.TrustGood
	}
	left := 1 / float64(n)
	for _, o := range c.Document.Objectives {
		fit := lab.ModelFit{
			Objective: o.Name, Points: n, Explained: 1 - 3*left, Covered50: 0.5, Covered80: 0.75 + left, Covered95: 0.95 - left, Noise: 1.8,
			Members: []lab.MemberFit{{Name: "smooth", Weight: 0.7, LogDensity: -0.4}, {Name: "rough", Weight: 0.3, LogDensity: -0.6}},
			Trends:  []lab.TrendFit{{Source: "estimator", Version: "3", Used: true, Slope: 0.8, Gain: 0.21}},
		}
		for i, x := range c.Document.Space.Parameters {
			fit.Importance = append(fit.Importance, lab.Importance{Parameter: x.Name, Share: []float64{0.6, 0.3, 0.1}[min(i, 2)]})
		}
		d.Models = append(d.Models, fit)
	}
	if o := c.Document.Objectives; len(o) == 1 {
		d.Stop = &lab.Outlook{Chance: 2 * left, Least: 0.5, Regret: 40 * left, Unit: o[0].Unit}
		if n >= 16 {
			d.Stop.Advised = true
			d.Stop.Why = fmt.Sprintf("No candidate has a chance above %.0f %% of beating the best so far.", 200*left)
		}
	}
	p.Diagnostics = d
}
