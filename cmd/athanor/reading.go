package main

import (
	"context"
	"maps"
	"slices"

	"github.com/athanor-lab/athanor/api"
	"github.com/athanor-lab/athanor/lab"
	reviews "github.com/athanor-lab/athanor/literature/review"
	"github.com/athanor-lab/athanor/literature/synonyms"
	"github.com/athanor-lab/athanor/workflows"
)

// library is the API's way to what campaigns read.
type library struct {
	reader
	control *workflows.Control
}

// Reading implements [api.Library].
func (l library) Reading(ctx context.Context, id lab.CampaignID) (api.Reading, error) {
	d, err := l.document(ctx, id)
	if err != nil {
		return api.Reading{}, err
	}
	out := api.Reading{State: "done", Wanted: d.Literature.Screen}
	made, err := l.recall(ctx, id)
	if lab.KindOf(err) == lab.NotFound {
		out.State = "screening"
		made, err = l.make(ctx, id, d)
	}
	if err != nil {
		return out, err
	}
	if out.Judged, err = l.Judged(ctx, id); err != nil {
		return out, err
	}
	course, err := l.course(ctx, id)
	if err != nil {
		return out, err
	}
	tell(&out, made, course)
	out.Names = namings(d)
	return out, nil
}

// namings lists the further names of what a document speaks of, by name.
func namings(d lab.Document) []api.Naming {
	names := synonyms.Of(d)
	out := []api.Naming{}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		out = append(out, api.Naming{Name: name, Also: names[name]})
	}
	return out
}

// tell writes a review in the words of the API.
func tell(out *api.Reading, r reviews.Review, c reviews.Course) {
	out.Query, out.Corpus, out.Version = r.Query, r.Corpus, r.Evidence.Version
	out.Claims = append([]lab.Claim{}, r.Evidence.Claims...)
	out.Markdown, out.BibTeX = reviews.Markdown(r, c), reviews.BibTeX(r)
	n := r.Counts
	out.Counts = []api.Count{
		{Step: "identified", Works: n.Identified},
		{Step: "duplicates", Works: n.Duplicates},
		{Step: "screened", Works: n.Screened},
		{Step: "judged by a person", Works: n.ByPeople},
		{Step: "excluded", Works: n.Excluded},
	}
	for _, w := range n.Reasons {
		out.Counts = append(out.Counts, api.Count{Step: "excluded: " + w.Why, Works: w.Works})
	}
	out.Counts = append(out.Counts, api.Count{Step: "read", Works: n.Assessed}, api.Count{Step: "included", Works: n.Included})
	out.Papers, out.Excluded = []api.ReadPaper{}, []api.ExcludedWork{}
	for _, k := range r.Kept {
		p := api.ReadPaper{
			ID: k.Paper.ID, Title: k.Paper.Title, Abstract: k.Paper.Abstract, DOI: k.Paper.DOI, Year: k.Paper.Year,
			Relevance: k.Relevance, Label: string(k.Label), Claims: k.Claims,
		}
		for i := range c.Credible {
			if c.Credible[i].Paper == p.ID && k.Claims > 0 {
				p.Credibility = &c.Credible[i].Probability
			}
		}
		out.Papers = append(out.Papers, p)
	}
	for _, e := range r.Excluded {
		out.Excluded = append(out.Excluded, api.ExcludedWork(e))
	}
}

// Judge implements [api.Library]. A review that is on record takes no more words:
// its plans rest on it.
func (l library) Judge(ctx context.Context, id lab.CampaignID, w api.Word) error {
	if _, err := l.document(ctx, id); err != nil {
		return err
	}
	return l.control.JudgePaper(ctx, id, workflows.Judging{Paper: w.Paper, Label: w.Label, By: w.By, Reason: w.Reason})
}

// Enough implements [api.Library].
func (l library) Enough(ctx context.Context, id lab.CampaignID, a api.Act) error {
	if _, err := l.document(ctx, id); err != nil {
		return err
	}
	return l.control.EnoughRead(ctx, id, workflows.Order(a))
}
