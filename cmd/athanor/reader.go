package main

import (
	"cmp"
	"context"
	"encoding/json"
	"time"

	"github.com/athanor-lab/athanor/internal/postgres"
	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/literature"
	"github.com/athanor-lab/athanor/literature/evidence"
	reviews "github.com/athanor-lab/athanor/literature/review"
	"github.com/athanor-lab/athanor/workflows"
)

// reader reads the corpora of the database for campaigns.
type reader struct{ db *postgres.DB }

// reviewOf names a campaign's own review among the judgements of a corpus.
func reviewOf(id lab.CampaignID) string { return id.String() }

func corpusOf(d lab.Document) string { return cmp.Or(d.Literature.Corpus, "default") }

func (r reader) document(ctx context.Context, id lab.CampaignID) (lab.Document, error) {
	row, err := r.db.Campaign(ctx, id)
	if err != nil {
		return lab.Document{}, err
	}
	if row.Campaign.Document.Literature == nil {
		return lab.Document{}, lab.Errorf(lab.NotFound, "%s reads nothing: its document has no literature", id)
	}
	return row.Campaign.Document, nil
}

// Judge implements [workflows.Literature].
func (r reader) Judge(ctx context.Context, id lab.CampaignID, j workflows.Judging) error {
	d, err := r.document(ctx, id)
	if err != nil {
		return err
	}
	return r.db.Library().Judge(ctx, corpusOf(d), literature.Judgement{
		Review: reviewOf(id), Paper: j.Paper, Reviewer: cmp.Or(j.By, "reviewer"), Label: literature.Label(j.Label), Reason: j.Reason, At: time.Now().UTC(),
	})
}

// Judged implements [workflows.Literature].
func (r reader) Judged(ctx context.Context, id lab.CampaignID) (int, error) {
	d, err := r.document(ctx, id)
	if err != nil {
		return 0, err
	}
	all, err := r.db.Library().Judgements(ctx, corpusOf(d), reviewOf(id))
	papers := map[string]bool{}
	for _, j := range all {
		if j.Label != literature.Unread {
			papers[j.Paper] = true
		}
	}
	return len(papers), err
}

// make reviews the corpus as it is now.
func (r reader) make(ctx context.Context, id lab.CampaignID, d lab.Document) (reviews.Review, error) {
	in := reviews.Input{Document: d, Corpus: corpusOf(d)}
	library := r.db.Library()
	var err error
	if in.Papers, err = library.Papers(ctx, in.Corpus); err != nil {
		return reviews.Review{}, err
	}
	if in.Judgements, err = library.Judgements(ctx, in.Corpus, reviewOf(id)); err != nil {
		return reviews.Review{}, err
	}
	if in.Findings, err = library.Findings(ctx, in.Corpus); err != nil {
		return reviews.Review{}, err
	}
	if in.Credibility, err = r.db.PastCredibility(ctx, in.Corpus); err != nil {
		return reviews.Review{}, err
	}
	return reviews.Make(in)
}

// Conclude implements [workflows.Literature].
func (r reader) Conclude(ctx context.Context, id lab.CampaignID) (workflows.Reviewed, error) {
	made, err := r.recall(ctx, id)
	if lab.KindOf(err) == lab.NotFound {
		var d lab.Document
		if d, err = r.document(ctx, id); err != nil {
			return workflows.Reviewed{}, err
		}
		if made, err = r.make(ctx, id, d); err != nil {
			return workflows.Reviewed{}, err
		}
		made, err = r.keep(ctx, id, made)
	}
	return workflows.Reviewed{Version: made.Evidence.Version, Works: made.Counts.Screened, Read: made.Counts.Assessed, Claims: made.Counts.Claims}, err
}

func (r reader) keep(ctx context.Context, id lab.CampaignID, made reviews.Review) (reviews.Review, error) {
	for i := range made.Kept {
		made.Kept[i].Paper.Text = "" // the corpus has it
	}
	body, err := json.Marshal(made)
	if err != nil {
		return made, lab.Errorf(lab.Internal, "write the review of %s: %w", id, err)
	}
	if body, err = r.db.PutReview(ctx, id, made.Corpus, made.Evidence.Version, body); err != nil {
		return made, err
	}
	var kept reviews.Review
	return kept, json.Unmarshal(body, &kept)
}

// recall returns the review on record, or [lab.NotFound].
func (r reader) recall(ctx context.Context, id lab.CampaignID) (reviews.Review, error) {
	var made reviews.Review
	body, err := r.db.Review(ctx, id)
	if err != nil {
		return made, err
	}
	return made, json.Unmarshal(body, &made)
}

// Evidence implements [workflows.Literature].
func (r reader) Evidence(ctx context.Context, id lab.CampaignID) (*lab.Evidence, error) {
	d, err := r.document(ctx, id)
	if err != nil || d.Literature.Weight == "none" {
		return nil, err
	}
	made, err := r.recall(ctx, id)
	if lab.KindOf(err) == lab.NotFound {
		return nil, nil // begun before there were reviews
	}
	if err != nil || len(made.Evidence.Claims)+len(made.Evidence.Ratings) == 0 {
		return nil, err
	}
	return &made.Evidence, nil
}

// Learned implements [workflows.Literature].
func (r reader) Learned(ctx context.Context, id lab.CampaignID, round int, known []lab.Known) error {
	if len(known) == 0 {
		return nil
	}
	d, err := r.document(ctx, id)
	if err != nil {
		return err
	}
	made, err := r.recall(ctx, id)
	if lab.KindOf(err) == lab.NotFound {
		return nil
	}
	if err != nil {
		return err
	}
	var all []postgres.Credibility
	for _, c := range evidence.Credibilities(made.Evidence, d.Space, d.Objectives, known) {
		all = append(all, postgres.Credibility{Round: round, Paper: c.Paper, Probability: c.Probability, Correlation: c.Correlation, Near: c.Near, Outcomes: len(known)})
	}
	return r.db.PutCredibilities(ctx, id, all)
}

// course returns what became of a review in its campaign.
func (r reader) course(ctx context.Context, id lab.CampaignID) (reviews.Course, error) {
	row, err := r.db.Campaign(ctx, id)
	if err != nil {
		return reviews.Course{}, err
	}
	c := reviews.Course{Title: row.Campaign.Document.Title}
	plans, err := r.db.Plans(ctx, id, 0, 1000)
	if err != nil {
		return c, err
	}
	for _, p := range plans {
		c.Proposals = append(c.Proposals, p.Proposals...)
	}
	all, err := r.db.Credibilities(ctx, id)
	last := map[string]int{}
	for _, k := range all {
		x := evidence.Credibility{Paper: k.Paper, Probability: k.Probability, Correlation: k.Correlation, Near: k.Near}
		c.Outcomes = k.Outcomes
		if i, ok := last[k.Paper]; ok {
			c.Credible[i] = x
			continue
		}
		last[k.Paper] = len(c.Credible)
		c.Credible = append(c.Credible, x)
	}
	return c, err
}
