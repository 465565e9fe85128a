// Package literaturetest says what every [literature.Store] promises, as tests
// that any of them can be put through.
package literaturetest

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/literature"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

func paper(n int) literature.Paper {
	return literature.Paper{
		ID: fmt.Sprintf("doi:10.1000/%d", n), DOI: fmt.Sprintf("10.1000/%d", n), Title: fmt.Sprintf("Paper %d", n), Abstract: "Dried at 80 °C for 12 h.",
		Authors: []string{"Ng, Bo"}, Year: 2000 + n, Source: literature.Source{File: "a.bib", Format: "bibtex", Record: n},
	}
}

func batch(digest string, papers ...literature.Paper) literature.Batch {
	return literature.Batch{Source: "a.bib", Digest: digest, Format: "bibtex", Papers: papers, At: noon}
}

func extraction(p literature.Paper) literature.Extraction {
	f := literature.Finding{
		Paper: p.ID, Parameter: "temperature", Value: 80, High: 80, Written: "°C", Unit: "Cel", Operation: "dried",
		Number: literature.Span{Start: 9, End: 11}, HighSpan: literature.Span{Start: 9, End: 11}, UnitSpan: literature.Span{Start: 12, End: 15},
		Verb: literature.Span{End: 5}, Sentence: literature.Span{End: 25}, Extractor: "rules/1",
	}
	g := f
	g.Parameter, g.Value, g.High, g.Written, g.Unit = "time", 12, 12, "h", "h"
	g.Number, g.HighSpan, g.UnitSpan = literature.Span{Start: 20, End: 22}, literature.Span{Start: 20, End: 22}, literature.Span{Start: 23, End: 24}
	return literature.Extraction{Paper: p.ID, Extractor: "rules/1", TextHash: p.TextHash(), Findings: []literature.Finding{f, g}, At: noon}
}

// Exercise puts the stores that open returns, each empty, through the promises of
// [literature.Store].
func Exercise(t *testing.T, open func(t *testing.T) literature.Store) {
	t.Run("ImportsMerge", func(t *testing.T) { importsMerge(t, open(t)) })
	t.Run("QuarantineAndCheckpoints", func(t *testing.T) { quarantine(t, open(t)) })
	t.Run("TheLastJudgementHolds", func(t *testing.T) { judgements(t, open(t)) })
	t.Run("FindingsKeepTheirCorrections", func(t *testing.T) { findings(t, open(t)) })
	t.Run("CorrectionsSurviveNewTexts", func(t *testing.T) { anchors(t, open(t)) })
	t.Run("Refusals", func(t *testing.T) { refusals(t, open(t)) })
	t.Run("TwoAtOnce", func(t *testing.T) { together(t, open(t)) })
	t.Run("AnyText", func(t *testing.T) { anyText(t, open(t)) })
}

func importsMerge(t *testing.T, s literature.Store) {
	ctx := t.Context()
	imported := func(b literature.Batch, want literature.Receipt) {
		t.Helper()
		if got, err := s.Import(ctx, "c", b); err != nil || got != want {
			t.Fatalf("import %s: %+v, %v; want %+v", b.Digest, got, err, want)
		}
	}
	one, two := paper(1), paper(2)
	imported(batch("d1", one, two), literature.Receipt{New: 2})
	imported(batch("d1", one, two), literature.Receipt{Unchanged: 2})
	later := one
	later.Abstract, later.Text, later.Retracted = "", "The body.", true
	imported(batch("d2", later, paper(3)), literature.Receipt{New: 1, Updated: 1})
	imported(batch("d3", one), literature.Receipt{Unchanged: 1}) // a retraction stays
	one.Text, one.Retracted = "The body.", true
	got, err := s.Papers(ctx, "c")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]literature.Paper{one, two, paper(3)}, got); diff != "" {
		t.Errorf("papers (-want +got):\n%s", diff)
	}
	log, err := s.Imports(ctx, "c")
	if err != nil {
		t.Fatal(err)
	}
	want := []literature.Imported{
		{Source: "a.bib", Digest: "d1", Format: "bibtex", Records: 2, Receipt: literature.Receipt{New: 2}, At: noon},
		{Source: "a.bib", Digest: "d2", Format: "bibtex", Records: 2, Receipt: literature.Receipt{New: 1, Updated: 1}, At: noon},
		{Source: "a.bib", Digest: "d3", Format: "bibtex", Records: 1, Receipt: literature.Receipt{Unchanged: 1}, At: noon},
	}
	if diff := cmp.Diff(want, log); diff != "" {
		t.Errorf("log of imports (-want +got):\n%s", diff)
	}
	if other, err := s.Papers(ctx, "other"); err != nil || len(other) != 0 {
		t.Errorf("another corpus has %v, %v", other, err)
	}
}

func quarantine(t *testing.T, s literature.Store) {
	ctx := t.Context()
	b := batch("d1", paper(1))
	b.Quarantined = []literature.Quarantined{{Record: 2, Line: 7, Reason: "no title", Raw: "@x{"}}
	b.Checkpoint = &literature.Checkpoint{Source: "openalex: q", State: json.RawMessage(`{"cursor":"a b"}`)}
	for i, want := range []int{1, 0} {
		if r, err := s.Import(ctx, "c", b); err != nil || r.Quarantined != want {
			t.Fatalf("import %d: %+v, %v; want %d held back", i, r, err, want)
		}
	}
	want := b.Quarantined[0]
	want.Source = "a.bib"
	held, err := s.Quarantined(ctx, "c")
	if diff := cmp.Diff([]literature.Quarantined{want}, held); err != nil || diff != "" {
		t.Errorf("held back: %v (-want +got):\n%s", err, diff)
	}
	if _, ok, err := s.Checkpoint(ctx, "c", "never"); ok || err != nil {
		t.Errorf("a source never read has a checkpoint: %v, %v", ok, err)
	}
	next := literature.Batch{Source: "openalex: q", Digest: "d2", Format: "openalex", At: noon, Checkpoint: &literature.Checkpoint{Source: "openalex: q", State: json.RawMessage(`{}`), Done: true}}
	for _, b := range []literature.Batch{next, next} {
		if _, err := s.Import(ctx, "c", b); err != nil {
			t.Fatal(err)
		}
	}
	if c, ok, err := s.Checkpoint(ctx, "c", "openalex: q"); err != nil || !ok || !c.Done || string(c.State) != `{}` {
		t.Errorf("checkpoint %+v, %v, %v", c, ok, err)
	}
}

func judgements(t *testing.T, s literature.Store) {
	ctx := t.Context()
	if _, err := s.Import(ctx, "c", batch("d1", paper(1), paper(2))); err != nil {
		t.Fatal(err)
	}
	say := func(review, who string, n int, l literature.Label) literature.Judgement {
		return literature.Judgement{Review: review, Paper: paper(n).ID, Reviewer: who, Label: l, At: noon}
	}
	for _, j := range []literature.Judgement{
		say("", "ann", 1, literature.Relevant), say("", "bo", 1, literature.Irrelevant), say("", "ann", 2, literature.Unsure),
		say("q", "ann", 1, literature.Irrelevant), say("", "bo", 1, literature.Unread), say("", "ann", 1, literature.Irrelevant), say("", "ann", 1, literature.Irrelevant),
	} {
		if err := s.Judge(ctx, "c", j); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.Judgements(ctx, "c", "")
	want := []literature.Judgement{say("", "ann", 2, literature.Unsure), say("", "ann", 1, literature.Irrelevant)}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("judgements: %v (-want +got):\n%s", err, diff)
	}
	if names, err := s.Reviews(ctx, "c"); err != nil || !cmp.Equal(names, []string{"", "q"}) {
		t.Errorf("reviews %q, %v", names, err)
	}
}

func findings(t *testing.T, s literature.Store) {
	ctx := t.Context()
	if _, err := s.Import(ctx, "c", batch("d1", paper(1), paper(2))); err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{2, 1, 1} {
		if err := s.PutFindings(ctx, "c", extraction(paper(n))); err != nil {
			t.Fatal(err)
		}
	}
	list := func() []literature.Found {
		t.Helper()
		got, err := s.Findings(ctx, "c")
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	got := list()
	if len(got) != 4 || got[0].Finding.Paper != paper(1).ID || got[1].Finding.Parameter != "time" || got[0].Correction != nil {
		t.Fatalf("findings %+v", got)
	}
	if want := literature.FindingID(got[1].Finding, paper(1).TextHash()); got[1].ID != want {
		t.Errorf("id %s, want %s", got[1].ID, want)
	}
	value := 120.0
	fix := literature.Correction{Finding: got[0].ID, By: "ann", Verdict: literature.Corrected, Value: &value, At: noon}
	for _, c := range []literature.Correction{{Finding: got[0].ID, By: "bo", Verdict: literature.Rejected, At: noon}, fix, fix} { // repeated, as after a lost answer
		if err := s.Correct(ctx, "c", c); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.PutFindings(ctx, "c", extraction(paper(1))); err != nil { // found again
		t.Fatal(err)
	}
	got = list()
	was := extraction(paper(1)).Findings[0]
	fix.Was, fix.TextHash = &was, paper(1).TextHash()
	if diff := cmp.Diff(&fix, got[0].Correction); diff != "" {
		t.Errorf("correction (-want +got):\n%s", diff)
	}
	if h := got[0].History; len(h) != 2 || h[0].By != "bo" || h[0].Verdict != literature.Rejected {
		t.Errorf("history %+v; want what bo said first", h)
	}
	if f, ok := got[0].Current(); !ok || f.Value != 120 || f.High != 120 {
		t.Errorf("as corrected: %+v, %v", f, ok)
	}
	fewer := extraction(paper(1))
	fewer.Findings, fewer.Dropped = fewer.Findings[1:], 1
	if err := s.PutFindings(ctx, "c", fewer); err != nil {
		t.Fatal(err)
	}
	got = list()
	if len(got) != 4 || got[0].Finding.Parameter != "time" {
		t.Errorf("after fewer were found: %+v", got)
	} else if f, ok := got[3].Current(); !ok || f.Value != 120 || got[3].Finding.Value != 80 {
		t.Errorf("what a person stood for and is not found any more: %+v", got[3])
	}
	take := literature.Correction{Finding: fix.Finding, By: "ann", Verdict: literature.Reopened, At: noon}
	if err := s.Correct(ctx, "c", take); err != nil {
		t.Fatal(err)
	}
	if got := list(); len(got) != 3 {
		t.Errorf("after it was taken back: %+v", got)
	}
	words, err := s.Corrections(ctx, "c")
	if err != nil || len(words) != 3 || words[0].By != "bo" || words[2].Verdict != literature.Reopened || words[2].Was == nil {
		t.Errorf("corrections %+v, %v; want all three, oldest first", words, err)
	}
	none := literature.Extraction{Paper: paper(2).ID, Extractor: "a-model", TextHash: "x", Dropped: 3, At: noon}
	if err := s.PutFindings(ctx, "c", none); err != nil {
		t.Fatal(err)
	}
	read, err := s.Extracted(ctx, "c")
	want := []literature.Extracted{
		{Paper: paper(1).ID, Extractor: "rules/1", TextHash: paper(1).TextHash(), Findings: 1, Dropped: 1, At: noon},
		{Paper: paper(2).ID, Extractor: "a-model", TextHash: "x", Dropped: 3, At: noon},
		{Paper: paper(2).ID, Extractor: "rules/1", TextHash: paper(2).TextHash(), Findings: 2, At: noon},
	}
	if diff := cmp.Diff(want, read); err != nil || diff != "" {
		t.Errorf("extracted: %v (-want +got):\n%s", err, diff)
	}
}

// anchors corrects a finding, adds the full text of its paper and reads it by later
// rules: the sentence is the same, and so is what was said of it.
func anchors(t *testing.T, s literature.Store) {
	ctx := t.Context()
	p := paper(1)
	put := func(p literature.Paper, extractor string) {
		t.Helper()
		if _, err := s.Import(ctx, "c", batch(extractor, p)); err != nil {
			t.Fatal(err)
		}
		if err := s.PutFindings(ctx, "c", literature.NewExtraction(p, extractor, extraction(p).Findings, noon)); err != nil {
			t.Fatal(err)
		}
	}
	put(p, "rules/1")
	got, err := s.Findings(ctx, "c")
	if err != nil || len(got) != 2 {
		t.Fatalf("findings %+v, %v", got, err)
	}
	if err := s.Correct(ctx, "c", literature.Correction{Finding: got[1].ID, By: "ann", Verdict: literature.Rejected, At: noon}); err != nil {
		t.Fatal(err)
	}
	p.Text = "The whole story."
	put(p, "rules/1")
	put(p, "rules/7")
	got, err = s.Findings(ctx, "c")
	if err != nil || len(got) != 2 { // by the later rules
		t.Fatalf("findings %+v, %v", got, err)
	}
	for _, f := range got {
		if want := f.Finding.Parameter == "time"; (f.Status() == "rejected") != want || f.TextHash != p.TextHash() || f.Finding.Extractor != "rules/7" {
			t.Errorf("%s by %s is %s", f.Finding.Parameter, f.Finding.Extractor, f.Status())
		}
	}
}

func refusals(t *testing.T, s literature.Store) {
	ctx := t.Context()
	if _, err := s.Import(ctx, "c", batch("d1", paper(1))); err != nil {
		t.Fatal(err)
	}
	stranger := extraction(paper(9))
	nan := extraction(paper(1))
	nan.Findings[0].Value = math.NaN()
	unit := "furlong²"
	for name, c := range map[string]struct {
		err  error
		kind lab.ErrorKind
	}{
		"Corpus":    {second(s.Import(ctx, "../c", batch("d2", paper(1)))), lab.Invalid},
		"NoTitle":   {second(s.Import(ctx, "c", batch("d2", literature.Paper{ID: "x"}))), lab.Invalid},
		"NoPaper":   {s.Judge(ctx, "c", literature.Judgement{Paper: "doi:none", Reviewer: "a", Label: literature.Relevant}), lab.NotFound},
		"NoLabel":   {s.Judge(ctx, "c", literature.Judgement{Paper: paper(1).ID, Reviewer: "a", Label: "maybe"}), lab.Invalid},
		"Stranger":  {s.PutFindings(ctx, "c", stranger), lab.NotFound},
		"NaN":       {s.PutFindings(ctx, "c", nan), lab.Invalid},
		"NoFinding": {s.Correct(ctx, "c", literature.Correction{Finding: "none", By: "a", Verdict: literature.Accepted}), lab.NotFound},
		"Nothing":   {s.Correct(ctx, "c", literature.Correction{Finding: "none", By: "a", Verdict: literature.Corrected}), lab.Invalid},
		"Unit":      {s.Correct(ctx, "c", literature.Correction{Finding: "none", By: "a", Verdict: literature.Corrected, Unit: &unit}), lab.Invalid},
	} {
		if lab.KindOf(c.err) != c.kind || c.err == nil {
			t.Errorf("%s: got %v, want an error of kind %v", name, c.err, c.kind)
		}
	}
	if got, err := s.Papers(ctx, "c"); err != nil || len(got) != 1 {
		t.Errorf("after refusals: %d papers, %v", len(got), err)
	}
}

func second(_ literature.Receipt, err error) error { return err }

// together has several writers import overlapping papers and wants each once, with
// all that any of them said.
func together(t *testing.T, s literature.Store) {
	ctx := t.Context()
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for n := range 10 {
				p := paper(n)
				switch w {
				case 0:
					p.Text = "The body."
				case 1:
					p.Retracted = true
				}
				if _, err := s.Import(ctx, "c", batch(fmt.Sprint("d", w, n), p)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	got, err := s.Papers(ctx, "c")
	if err != nil || len(got) != 10 {
		t.Fatalf("%d papers, %v; want 10", len(got), err)
	}
	for _, p := range got {
		if p.Text == "" || !p.Retracted {
			t.Errorf("%s lost what a writer said: %+v", p.ID, p)
		}
	}
}

// anyText keeps text of all kinds; what no database takes becomes U+FFFD.
func anyText(t *testing.T, s literature.Store) {
	ctx := t.Context()
	p := paper(1)
	p.Title = "'; DROP TABLE papers; -- \\ \" <b> \u202e"
	p.Abstract = strings.Repeat("é\n", 1000)
	b := batch("d1", p)
	b.Quarantined = []literature.Quarantined{{Record: 1, Reason: "x", Raw: "a\x00b"}}
	if _, err := s.Import(ctx, "c", b); err != nil {
		t.Fatal(err)
	}
	got, err := s.Papers(ctx, "c")
	if diff := cmp.Diff([]literature.Paper{p}, got, cmpopts.EquateEmpty()); err != nil || diff != "" {
		t.Errorf("papers: %v (-want +got):\n%s", err, diff)
	}
	if held, err := s.Quarantined(ctx, "c"); err != nil || len(held) != 1 || !strings.HasPrefix(held[0].Raw, "a") {
		t.Errorf("held back: %+v, %v", held, err)
	}
}
