package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/athanor-lab/athanor/api"
	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/literature"
	"github.com/athanor-lab/athanor/literature/evidence"
	"github.com/athanor-lab/athanor/literature/extract"
	reviews "github.com/athanor-lab/athanor/literature/review"
)

// mostFindings bounds an answer of the API.
const mostFindings = 500

// Findings implements [api.Library].
func (l library) Findings(ctx context.Context, id lab.CampaignID, which api.FindingsQuery) (api.PaperFindings, error) {
	out := api.PaperFindings{Items: []api.ReadFinding{}}
	d, err := l.document(ctx, id)
	if err != nil {
		return out, err
	}
	kept, err := l.kept(ctx, id, d)
	if err != nil {
		return out, err
	}
	if which.Paper != "" {
		if !slices.Contains(kept, which.Paper) {
			return out, lab.Errorf(lab.NotFound, "the campaign keeps no paper %q", which.Paper)
		}
		kept = []string{which.Paper}
	}
	papers, found, err := l.standing(ctx, corpusOf(d), kept)
	if err != nil {
		return out, err
	}
	m := reviews.Input{Document: d}.Mapping()
	for _, paper := range kept {
		text, hash := papers[paper].Reading(), papers[paper].TextHash()
		for _, f := range found[paper] {
			r := readFinding(f, m)
			if f.TextHash == hash {
				r.Passage = passage(text, f.Finding)
			}
			if !which.All && r.Sets == "" && len(r.Words) == 0 {
				continue
			}
			if out.Total++; r.Status != "found" {
				out.Checked++
			}
			if len(out.Items) < mostFindings {
				out.Items = append(out.Items, r)
			}
		}
	}
	return out, nil
}

// kept returns the papers that a campaign keeps, most relevant first.
func (r reader) kept(ctx context.Context, id lab.CampaignID, d lab.Document) (ids []string, err error) {
	made, err := r.recall(ctx, id)
	if lab.KindOf(err) == lab.NotFound {
		made, err = r.make(ctx, id, d)
	}
	for _, k := range made.Kept {
		ids = append(ids, k.Paper.ID)
	}
	return ids, err
}

// standing returns papers and what stands in each: the findings on record, and those
// of the rules where these have not read its text yet.
func (r reader) standing(ctx context.Context, corpus string, ids []string) (papers map[string]literature.Paper, found map[string][]literature.Found, err error) {
	library := r.db.Library()
	list, err := library.PapersOf(ctx, corpus, ids...)
	if err != nil {
		return nil, nil, err
	}
	all, err := library.FindingsOf(ctx, corpus, ids...)
	if err != nil {
		return nil, nil, err
	}
	papers, found = map[string]literature.Paper{}, map[string][]literature.Found{}
	for _, f := range all {
		found[f.Finding.Paper] = append(found[f.Finding.Paper], f)
	}
	for _, p := range list {
		papers[p.ID] = p
		hash := p.TextHash()
		if !slices.ContainsFunc(found[p.ID], func(f literature.Found) bool { return f.TextHash == hash }) {
			e := read(p)
			for _, f := range e.Findings {
				found[p.ID] = append(found[p.ID], literature.Found{ID: literature.FindingID(f, e.TextHash), Finding: f, TextHash: e.TextHash})
			}
		}
	}
	return papers, found, nil
}

// read has the rules read a paper.
func read(p literature.Paper) literature.Extraction {
	return literature.NewExtraction(p, extract.Version, extract.Findings(p.Reading()), time.Now().UTC())
}

// readFinding writes a finding in the words of the API.
func readFinding(f literature.Found, m evidence.Mapping) api.ReadFinding {
	now, _ := f.Current()
	r := api.ReadFinding{
		ID: f.ID, Paper: now.Paper, Extractor: now.Extractor, Status: f.Status(), Parameter: now.Parameter, Value: now.Value, High: now.High, Unit: now.Unit,
		Operation: now.Operation, Outcome: now.Outcome, Passage: []api.Piece{}, Words: []api.FindingWord{},
	}
	if f.Status() == string(literature.Corrected) {
		x := f.Finding
		r.Was = &api.FoundValue{Parameter: x.Parameter, Value: x.Value, High: x.High, Unit: x.Unit, Operation: x.Operation, Outcome: x.Outcome}
	}
	if is, outside, ok := m.Means(now); ok {
		r.Sets, r.Outside = is.Name, outside
	}
	for _, c := range f.History {
		r.Words = append(r.Words, api.FindingWord{By: c.By, At: c.At, Verdict: string(c.Verdict), Why: c.Why, Changes: changes(c)})
	}
	return r
}

func passage(text string, f literature.Finding) []api.Piece {
	out := []api.Piece{}
	for _, p := range literature.Passage(text, f) {
		out = append(out, api.Piece(p))
	}
	return out
}

// changes says in words what a correction changes.
func changes(c literature.Correction) string {
	var out []string
	say := func(name string, v any) { out = append(out, fmt.Sprintf("%s %v", name, v)) }
	if c.Parameter != nil {
		say("parameter", *c.Parameter)
	}
	if c.Value != nil {
		say("value", *c.Value)
	}
	if c.High != nil {
		say("high", *c.High)
	}
	if c.Unit != nil {
		say("unit", *c.Unit)
	}
	if c.Operation != nil {
		say("operation", cmp.Or(*c.Operation, "none"))
	}
	if c.Outcome != nil {
		say("outcome", *c.Outcome)
	}
	return strings.Join(out, ", ")
}

// Correct implements [api.Library]. A text that the rules have not read yet is read
// first, so that the word has a finding on record to be about.
func (l library) Correct(ctx context.Context, id lab.CampaignID, c api.Correction) error {
	d, err := l.document(ctx, id)
	if err != nil {
		return err
	}
	corpus, library := corpusOf(d), l.db.Library()
	word := literature.Correction{
		Finding: c.Finding, By: cmp.Or(strings.TrimSpace(c.By), "reviewer"), Verdict: literature.Verdict(c.Verdict), Why: c.Why, At: time.Now().UTC(),
		Value: c.Value, High: c.High, Unit: c.Unit, Parameter: c.Parameter, Operation: c.Operation, Outcome: c.Outcome,
	}
	err = library.Correct(ctx, corpus, word)
	if lab.KindOf(err) != lab.NotFound {
		return err
	}
	papers, err2 := library.PapersOf(ctx, corpus, c.Paper)
	if err2 != nil {
		return err2
	}
	if len(papers) == 0 {
		return lab.Errorf(lab.NotFound, "corpus %s has no paper %q", corpus, c.Paper)
	}
	e := read(papers[0])
	known := func(f literature.Finding) bool { return literature.FindingID(f, e.TextHash) == c.Finding }
	if !slices.ContainsFunc(e.Findings, known) {
		return err
	}
	if err := library.PutFindings(ctx, corpus, e); err != nil {
		return err
	}
	return library.Correct(ctx, corpus, word)
}
