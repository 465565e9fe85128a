package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/athanor-lab/athanor/api"
	"github.com/athanor-lab/athanor/lab"
)

// papersOn writes a corpus that reports good yields with a base near a temperature,
// among papers on something else.
func papersOn(t *testing.T, file, base string, celsius float64) string {
	t.Helper()
	var b strings.Builder
	for i := range 4 {
		warm := celsius + float64(2*i)
		fmt.Fprintf(&b, `{"doi": "10.1000/%s.%d", "title": "Coupling with %s, part %d", "year": 2020, "abstract": "We study the yield of a coupling and its base. `+
			`With %s at a temperature of %g °C and a concentration of 0.2 mol/L, cosolvent = 0.4, the yield was %d %%. With %s at a temperature of %g °C a yield of %d %% was found."}`+"\n",
			strings.ToLower(base), i, base, i+1, base, warm, 70+i, base, warm-20, 30+i)
	}
	for i := range 4 {
		fmt.Fprintf(&b, `{"doi": "10.1000/other.%d", "title": "Hospital admissions in winter, year %d", "year": 2021, "abstract": "Admissions rose by %d %% in a cold winter. Wards were kept at 21 °C."}`+"\n", i, i+1, i+2)
	}
	path := filepath.Join(t.TempDir(), file)
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// reading asks for a campaign with literature: the demonstration's, with a section.
func reading(t *testing.T, section string, experiments int) string {
	t.Helper()
	src, err := os.ReadFile("../../examples/campaigns/01-reaction-yield.yaml")
	if err != nil {
		t.Fatal(err)
	}
	doc := strings.NewReplacer("budget: {experiments: 24}", fmt.Sprintf("budget: {experiments: %d}\nliterature: %s", experiments, section), "batch: 4, in_flight: 4", "batch: 2, in_flight: 2").Replace(string(src))
	path := filepath.Join(t.TempDir(), "reads.yaml")
	if err := os.WriteFile(path, []byte(doc), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

type plansPage struct{ Items []lab.Plan }

// TestLiteratureMovesACampaign runs campaigns that differ in their corpus alone: the
// first plan follows the papers, every proposal names those that moved it, what they
// do fades as outcomes come, and the report tells it.
func TestLiteratureMovesACampaign(t *testing.T) {
	t.Parallel()
	data := folder(t)
	url := run(t, nil, up(data)...).url()
	db, err := os.ReadFile(filepath.Join(data, "database"))
	if err != nil {
		t.Fatal(err)
	}
	load := func(corpus, file string) {
		mustCommand(t, url, "literature", "import", file, "--corpus", corpus, "--postgres", strings.TrimSpace(string(db)))
	}
	load("warm", papersOn(t, "warm.jsonl", "CsOPiv", 110))
	load("cold", papersOn(t, "cold.jsonl", "KOAc", 75))

	submit := func(doc string) (id string) {
		eventually(t, time.Minute, "the devices", func() bool {
			out, _, status := command(t, url, "campaign", "submit", doc)
			id = strings.TrimSpace(out)
			return status == 0
		})
		return id
	}
	first := map[string]lab.Proposal{}
	for corpus, want := range map[string]struct {
		base    string
		celsius float64
	}{"warm": {"CsOPiv", 113}, "cold": {"KOAc", 78}} {
		n := 2
		if corpus == "warm" {
			n = 20
		}
		id := submit(reading(t, "{query: yield of a coupling base temperature, corpus: "+corpus+"}", n))
		if _, errs, status := command(t, url, "campaign", "watch", id); status != 0 {
			t.Fatalf("the campaign on %s ended with status %d:\n%s", corpus, status, errs)
		}
		var plans plansPage
		if !get(t, url+"/api/v1/campaigns/"+id+"/plans", &plans) || len(plans.Items) == 0 {
			t.Fatal("the campaign has no plans")
		}
		p := plans.Items[0].Proposals[0]
		first[corpus] = p
		if base, celsius := p.Settings[0].Value.Label(), p.Settings[1].Value.Number(); base != want.base || math.Abs(celsius-want.celsius) > 12 {
			t.Errorf("with the corpus %s the first experiment has %s at %g °C; the papers say %s near %g", corpus, base, celsius, want.base, want.celsius)
		}
		if corpus == "warm" {
			wantFading(t, plans.Items)
			wantReport(t, url, id)
		}
	}
	if a, b := first["warm"].Settings[0].Value, first["cold"].Settings[0].Value; a.Label() == b.Label() {
		t.Error("another corpus gave the same first experiment")
	}
}

// wantFading wants proposals to name papers of the corpus, and their shifts to fall.
func wantFading(t *testing.T, plans []lab.Plan) {
	t.Helper()
	var all []lab.Proposal
	for _, p := range plans {
		all = append(all, p.Proposals...)
	}
	shift := func(p lab.Proposal) (s float64) {
		for _, i := range p.Influences {
			if !strings.Contains(i.Paper, "csopiv") {
				t.Errorf("experiment %d was moved by %s, which is not on the subject", p.Number, i.Paper)
			}
			s += math.Abs(i.Shift)
		}
		return s
	}
	if len(all) != 20 || len(all[0].Influences) == 0 {
		t.Fatalf("%d proposals, the first moved by %v; want 20, and papers", len(all), all[0].Influences)
	}
	var early, late float64
	for _, p := range all[3:9] {
		early += shift(p)
	}
	for _, p := range all[14:] {
		late += shift(p)
	}
	if !(early > 0 && late < early) {
		t.Errorf("papers shift experiments 4 to 9 by %g in all and 15 to 20 by %g; want less", early, late)
	}
}

// wantReport wants the report to tell what was searched, kept, claimed and done.
func wantReport(t *testing.T, url, id string) {
	t.Helper()
	report := mustCommand(t, url, "literature", "report", id)
	for _, want := range []string{"| records identified | 8 |", "ranked too far from the question | 4 |", "Coupling with CsOPiv, part 1", "What it did to this campaign", "correlation", "| 20 |"} {
		if !strings.Contains(report, want) {
			t.Errorf("the report does not say %q:\n%s", want, report)
		}
	}
	if bib := mustCommand(t, url, "literature", "report", id, "--format", "bibtex"); strings.Count(bib, "@article{") != 4 || !strings.Contains(bib, "10.1000/csopiv.0") {
		t.Errorf("the bibliography is\n%s", bib)
	}
}

// TestPersonScreensForACampaign wants a campaign to wait for judgements, to leave
// out what a person does not want, and to take no more once it has read.
func TestPersonScreensForACampaign(t *testing.T) {
	t.Parallel()
	data := folder(t)
	url := run(t, nil, up(data)...).url()
	db, err := os.ReadFile(filepath.Join(data, "database"))
	if err != nil {
		t.Fatal(err)
	}
	mustCommand(t, url, "literature", "import", papersOn(t, "warm.jsonl", "CsOPiv", 110), "--corpus", "warm", "--postgres", strings.TrimSpace(string(db)))
	doc := reading(t, "{query: yield of a coupling base temperature, corpus: warm, screen: 2}", 2)
	var id string
	eventually(t, time.Minute, "the devices", func() bool {
		out, _, status := command(t, url, "campaign", "submit", doc)
		id = strings.TrimSpace(out)
		return status == 0
	})
	var r struct {
		State  string
		Judged int
		Papers []struct{ ID, Title, Label string }
	}
	page := url + "/api/v1/campaigns/" + id + "/literature"
	eventually(t, time.Minute, "the screening", func() bool { return get(t, page, &r) && r.State == "screening" && len(r.Papers) == 4 })
	wanted, unwanted := r.Papers[1].ID, r.Papers[0].ID
	judge := func(paper, label string) {
		eventually(t, time.Minute, "the review to listen", func() bool {
			_, _, status := command(t, url, "literature", "judge", id, paper, "--label", label, "--by", "ana")
			return status == 0
		})
	}
	judge(unwanted, "irrelevant")
	if _, errs, status := command(t, url, "literature", "judge", id, "no-such-paper"); status == 0 {
		t.Errorf("a paper that is not there was judged: %s", errs)
	}
	judge(wanted, "relevant")
	if _, errs, status := command(t, url, "campaign", "watch", id); status != 0 {
		t.Fatalf("the campaign ended with status %d:\n%s", status, errs)
	}
	if !get(t, page, &r) || r.State != "done" || r.Judged != 2 || len(r.Papers) != 3 || r.Papers[0].ID != wanted || r.Papers[0].Label != "relevant" {
		t.Errorf("the review is %+v; want it done with three papers, %s first", r, wanted)
	}
	if _, errs, status := command(t, url, "literature", "judge", id, wanted); status != 3 {
		t.Errorf("a judgement after the reading ended with status %d: %s", status, errs)
	}
}

// TestPersonChecksFindings wants what a person says of a finding to change what a
// campaign reads from then on, over the API and in the record, and to stay when the
// corpus is imported anew with more text.
func TestPersonChecksFindings(t *testing.T) {
	t.Parallel()
	data := folder(t)
	url := run(t, nil, up(data)...).url()
	db, err := os.ReadFile(filepath.Join(data, "database"))
	if err != nil {
		t.Fatal(err)
	}
	corpus := []string{"--corpus", "warm", "--postgres", strings.TrimSpace(string(db))}
	file := papersOn(t, "warm.jsonl", "CsOPiv", 110)
	mustCommand(t, url, append([]string{"literature", "import", file}, corpus...)...)
	doc := reading(t, "{query: yield of a coupling base temperature, corpus: warm, screen: 9}", 2)
	var id string
	eventually(t, time.Minute, "the devices", func() bool {
		out, _, status := command(t, url, "campaign", "submit", doc)
		id = strings.TrimSpace(out)
		return status == 0
	})
	page := url + "/api/v1/campaigns/" + id + "/literature"
	var before, after struct {
		Version string
		Claims  []lab.Claim
	}
	var list api.PaperFindings
	eventually(t, time.Minute, "the screening", func() bool {
		return get(t, page, &before) && len(before.Claims) == 8 && get(t, page+"/findings", &list) && len(list.Items) > 0
	})
	at := slices.IndexFunc(list.Items, func(f api.ReadFinding) bool {
		return f.Parameter == "temperature" && f.Paper == "doi:10.1000/csopiv.0" && f.Value == 110
	})
	if at < 0 {
		t.Fatalf("no finding of 110 °C: %+v", list.Items)
	}
	f := list.Items[at]
	marked := ""
	for _, p := range f.Passage {
		if p.Is != "" {
			marked += p.Text + "|"
		}
	}
	if marked != "110|°C|" || f.Sets != "temperature" || f.Status != "found" {
		t.Errorf("the finding is %+v, marked %q", f, marked)
	}
	x := 95.0
	say := func(c api.Correction, want int) {
		t.Helper()
		body, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		r, err := http.Post(page+"/corrections", "application/json", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if r.StatusCode != want {
			t.Errorf("%+v was answered with %d, want %d", c, r.StatusCode, want)
		}
	}
	say(api.Correction{Paper: f.Paper, Finding: f.ID, Verdict: "corrected", Value: &x, By: "ana", Why: "table 1"}, http.StatusNoContent)
	say(api.Correction{Paper: f.Paper, Finding: f.ID, Verdict: "corrected"}, http.StatusUnprocessableEntity)
	say(api.Correction{Paper: f.Paper, Finding: "none", Verdict: "accepted"}, http.StatusNotFound)

	src, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	more := filepath.Join(t.TempDir(), "more.jsonl")
	if err := os.WriteFile(more, bytes.ReplaceAll(src, []byte(`"year": 2020`), []byte(`"year": 2020, "full_text": "The body says no more."`)), 0o600); err != nil {
		t.Fatal(err)
	}
	mustCommand(t, url, append([]string{"literature", "import", more}, corpus...)...)
	if !get(t, page, &after) || after.Version == before.Version {
		t.Error("the evidence is the one before")
	}
	warm := slices.IndexFunc(after.Claims, func(c lab.Claim) bool { return c.Paper == f.Paper && slices.Contains(c.Checked, "ana") })
	if warm < 0 || !slices.ContainsFunc(after.Claims[warm].Settings, func(s lab.Setting) bool { return s.Name == "temperature" && s.Value.Number() == x }) {
		t.Errorf("the claims are %+v; want one of 95 °C that ana checked", after.Claims)
	}
	if said := mustCommand(t, url, append([]string{"literature", "findings", "--format", "csv"}, corpus...)...); !strings.Contains(said, ",corrected,temperature,95,95,Cel,") || !strings.Contains(said, ",ana,") {
		t.Errorf("the export does not tell it:\n%s", said)
	}
	if report := mustCommand(t, url, "literature", "report", id); !strings.Contains(report, "What people checked") || !strings.Contains(report, "| corrected | temperature 95 Cel |") {
		t.Errorf("the report does not tell it:\n%s", report)
	}
}
