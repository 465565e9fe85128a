package review_test

import (
	"encoding/json"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/literature"
	"github.com/athanor-lab/athanor/literature/evidence"
	"github.com/athanor-lab/athanor/literature/extract"
	"github.com/athanor-lab/athanor/literature/review"
)

var update = flag.Bool("update", false, "write golden files anew")

// corpus has two papers on the subject, a preprint of one of them, a retracted one
// and one on something else. One title would be markup.
func input() review.Input {
	paper := func(id, title, abstract string) literature.Paper {
		return literature.Paper{ID: id, DOI: strings.TrimPrefix(id, "doi:"), Title: title, Abstract: abstract, Authors: []string{"Müller, Ana", "Ito, Ken"}, Year: 2021}
	}
	papers := []literature.Paper{
		paper("doi:10.1/a", "Base and temperature of a coupling | <b>part 1</b>", "With CsOPiv at a temperature of 110 °C the yield was 81 %. With KOAc at a temperature of 90 °C the yield was 32 %."),
		paper("doi:10.1/b", "Coupling yield, base and temperature again", "A yield of 70 % was reached with CsOPiv at 200 °C, a temperature nobody else has tried. A temperature of 105 °C was best, with a yield of 77 %."),
		paper("doi:10.1/c", "Coupling yield by base and temperature, withdrawn", "With KOAc at a temperature of 60 °C the yield was 99 %."),
		paper("doi:10.1/d", "Hospital admissions in winter", "Wards were kept at 21 °C."),
	}
	papers[2].Retracted = true
	preprint := papers[0]
	preprint.ID, preprint.DOI, preprint.ArXiv = "arxiv:1", "", "1"
	return review.Input{
		Corpus: "default", Papers: append(papers, preprint), Credibility: map[string]float64{"doi:10.1/a": 0.8},
		Document: lab.Document{
			Title: "Coupling", Literature: &lab.Literature{Query: "coupling yield base temperature"},
			Objectives: []lab.Objective{{Name: "yield", Direction: lab.Maximize, Unit: "%"}},
			Space: lab.Space{Parameters: []lab.Parameter{
				{Name: "base", Type: lab.Categorical, Levels: []string{"KOAc", "CsOPiv"}},
				{Name: "temperature", Type: lab.Continuous, Min: new(60.0), Max: new(140.0), Unit: "Cel"},
			}},
		},
	}
}

func made(t *testing.T, in review.Input) review.Review {
	t.Helper()
	r, err := review.Make(in)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestReport keeps the report as people read it.
func TestReport(t *testing.T) {
	t.Parallel()
	r := made(t, input())
	course := review.Course{
		Title: "Coupling", Outcomes: 6, Credible: []evidence.Credibility{{Paper: "doi:10.1/a", Probability: 0.91, Correlation: 0.7, Near: 3}},
		Proposals: []lab.Proposal{{
			Number: 1, Unaided: 12, Settings: []lab.Setting{{Name: "base", Value: lab.Label("CsOPiv")}, {Name: "temperature", Value: lab.Number(108), Unit: "Cel"}},
			Influences: []lab.Influence{{Paper: "doi:10.1/a", Share: 0.7}, {Paper: "doi:10.1/b", Share: 0.3}},
		}},
	}
	golden(t, "report.md", review.Markdown(r, course))
	golden(t, "kept.bib", review.BibTeX(r))
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := "testdata/" + name
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// TestCountsAddUp wants every record to be counted once, whatever became of it, and
// the same corpus to give the same review.
func TestCountsAddUp(t *testing.T) {
	t.Parallel()
	r := made(t, input())
	n := r.Counts
	if n.Identified != n.Duplicates+n.Screened || n.Screened != n.Excluded+n.Assessed {
		t.Errorf("counts do not add up: %+v", n)
	}
	sum := 0
	for _, w := range n.Reasons {
		sum += w.Works
	}
	if sum != n.Excluded || n.Duplicates != 1 || n.Assessed != 2 {
		t.Errorf("counts %+v; want one duplicate, two read, and a reason to each that was left out", n)
	}
	for _, k := range r.Kept {
		if k.Paper.Retracted {
			t.Errorf("%s is retracted and was kept", k.Paper.ID)
		}
	}
	a, _ := json.Marshal(r)
	b, _ := json.Marshal(made(t, input()))
	if string(a) != string(b) {
		t.Error("the same corpus gave another review")
	}
}

// TestPeopleDecide wants a person's word to overrule the ranking, both ways, and a
// rejected finding to be gone.
func TestPeopleDecide(t *testing.T) {
	t.Parallel()
	in := input()
	in.Judgements = []literature.Judgement{
		{Paper: "arxiv:1", Label: literature.Irrelevant, Reviewer: "ana"}, // of the work of a
		{Paper: "doi:10.1/d", Label: literature.Relevant, Reviewer: "ana"},
	}
	r := made(t, in)
	if len(r.Kept) != 2 || r.Kept[0].Paper.ID != "doi:10.1/d" || r.Kept[1].Paper.ID != "doi:10.1/b" {
		t.Errorf("kept %v, want d and b", r.Kept)
	}
	if r.Evidence.Version == made(t, input()).Evidence.Version {
		t.Error("judgements did not change the version of the evidence")
	}
	in.Document.Literature.Papers = 1
	if r := made(t, in); len(r.Kept) != 1 || r.Counts.Excluded != 3 {
		t.Errorf("with one paper to read %d were read and %d left out", len(r.Kept), r.Counts.Excluded)
	}
}

// TestEmptyCorpus wants a review that says so, and evidence of nothing.
func TestEmptyCorpus(t *testing.T) {
	t.Parallel()
	in := input()
	in.Papers = nil
	r := made(t, in)
	if len(r.Evidence.Claims) != 0 || !strings.Contains(review.Markdown(r, review.Course{}), "No paper was kept") {
		t.Errorf("a review of nothing is %+v", r)
	}
}

// found puts on record what the rules find in a paper, and returns the one of that value.
func found(in *review.Input, paper int, value float64) *literature.Found {
	p := in.Papers[paper]
	e := literature.NewExtraction(p, extract.Version, extract.Findings(p.Reading()), time.Time{})
	var at *literature.Found
	for _, f := range e.Findings {
		in.Findings = append(in.Findings, literature.Found{ID: literature.FindingID(f, e.TextHash), Finding: f, TextHash: e.TextHash})
	}
	for i := range in.Findings {
		if in.Findings[i].Finding.Value == value {
			at = &in.Findings[i]
		}
	}
	return at
}

// TestCorrectionsChangeTheEvidence has people say of one temperature that it is
// another, that it is none, and that it is right: each makes other evidence, and the
// report tells who said so.
func TestCorrectionsChangeTheEvidence(t *testing.T) {
	t.Parallel()
	x, name := 120.0, "time"
	before := made(t, input())
	for _, c := range []struct {
		name string
		word literature.Correction
		want string // settings of the first claim of the paper
	}{
		{"Corrected", literature.Correction{Verdict: literature.Corrected, Value: &x}, "base CsOPiv, temperature 120 (doi:10.1/a)"},
		{"Renamed", literature.Correction{Verdict: literature.Corrected, Parameter: &name}, "base CsOPiv (doi:10.1/a)"},
		{"Rejected", literature.Correction{Verdict: literature.Rejected}, "base CsOPiv (doi:10.1/a)"},
		{"Accepted", literature.Correction{Verdict: literature.Accepted}, "base CsOPiv, temperature 110 (doi:10.1/a)"},
	} {
		in := input()
		c.word.By, c.word.At, c.word.Why = "ana", time.Date(2026, 3, 4, 5, 0, 0, 0, time.UTC), "table 2"
		found(&in, 0, 110).Correction = &c.word
		r := made(t, in)
		i := slices.IndexFunc(r.Claims, func(k evidence.Claim) bool { return k.Paper == "doi:10.1/a" })
		if got := r.Claims[i].String(); got != c.want {
			t.Errorf("%s: claim %q, want %q", c.name, got, c.want)
		}
		if r.Evidence.Version == before.Evidence.Version {
			t.Errorf("%s: the evidence is the one before", c.name)
		}
		checked := r.Evidence.Claims[i].Checked
		if counts := c.want == "base CsOPiv, temperature 120 (doi:10.1/a)" || c.name == "Accepted"; counts != cmp.Equal(checked, []string{"ana"}) {
			t.Errorf("%s: the claim was checked by %q", c.name, checked)
		}
		report := review.Markdown(r, review.Course{})
		if want := "| temperature 110 Cel | " + string(c.word.Verdict) + " |"; !strings.Contains(report, want) || !strings.Contains(report, "| ana | 2026-03-04 | table 2 |") {
			t.Errorf("%s: the report does not tell it:\n%s", c.name, report)
		}
	}
}

// TestRejectedNumberWithoutUnit wants a number that needs no unit to be left out too
// once a person has rejected it: it is found by its name.
func TestRejectedNumberWithoutUnit(t *testing.T) {
	t.Parallel()
	in := input()
	in.Document.Space.Parameters = append(in.Document.Space.Parameters, lab.Parameter{Name: "cosolvent", Type: lab.Continuous, Min: new(0.0), Max: new(1.0)})
	in.Papers[0].Abstract = "With CsOPiv and cosolvent = 0.4 equiv the yield was 81 %. With KOAc at a temperature of 90 °C the yield was 32 %."
	f := found(&in, 0, 0.4)
	if f == nil {
		t.Fatal("the amount was not found")
	}
	says := func(c evidence.Claim) bool { return strings.Contains(c.String(), "cosolvent 0.4") }
	if claims := made(t, in).Claims; !slices.ContainsFunc(claims, says) {
		t.Fatalf("before: %v", claims)
	}
	f.Correction = &literature.Correction{Verdict: literature.Rejected, By: "ana"}
	if claims := made(t, in).Claims; slices.ContainsFunc(claims, says) {
		t.Errorf("after it was rejected: %v", claims)
	}
}
