package postgres

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"github.com/athanor-lab/athanor/lab"
)

// Credibility is what a campaign's outcomes said of a paper before a round's plan.
type Credibility struct {
	Round       int
	Paper       string
	Probability float64
	Correlation float64
	Near        float64
	Outcomes    int
}

// PutReview keeps what a campaign read, and returns what is kept: the first one,
// whoever asks.
func (db *DB) PutReview(ctx context.Context, id lab.CampaignID, corpus, version string, body json.RawMessage) (json.RawMessage, error) {
	const q = `
		INSERT INTO reviews (campaign_id, corpus, version, body)
		VALUES ($1, $2, $3, $4)
		ON CONFLICT (campaign_id) DO NOTHING`
	if _, err := db.pool.Exec(ctx, q, id, corpus, version, body); err != nil {
		return nil, failed(err, "put the review of %s", id)
	}
	return db.Review(ctx, id)
}

// Review returns what a campaign read, or [lab.NotFound].
func (db *DB) Review(ctx context.Context, id lab.CampaignID) (json.RawMessage, error) {
	var body json.RawMessage
	err := db.pool.QueryRow(ctx, `SELECT body FROM reviews WHERE campaign_id = $1`, id).Scan(&body)
	return body, failed(err, "read the review of %s", id)
}

// PutCredibilities keeps what outcomes say of papers. Of a round the first stays.
func (db *DB) PutCredibilities(ctx context.Context, id lab.CampaignID, all []Credibility) error {
	const q = `
		INSERT INTO credibilities (campaign_id, round, paper, probability, correlation, near, outcomes)
		VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT DO NOTHING`
	b := &pgx.Batch{}
	for _, c := range all {
		b.Queue(q, id, c.Round, c.Paper, c.Probability, c.Correlation, c.Near, c.Outcomes)
	}
	return failed(db.pool.SendBatch(ctx, b).Close(), "put what outcomes say of the papers of %s", id)
}

// Credibilities returns what a campaign's outcomes said of its papers, by round.
func (db *DB) Credibilities(ctx context.Context, id lab.CampaignID) ([]Credibility, error) {
	const q = `
		SELECT round, paper, probability, correlation, near, outcomes
		FROM credibilities
		WHERE campaign_id = $1
		ORDER BY round, paper`
	rows, err := db.pool.Query(ctx, q, id)
	if err != nil {
		return nil, failed(err, "read what outcomes say of the papers of %s", id)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Credibility])
	return all, failed(err, "read what outcomes say of the papers of %s", id)
}

// PastCredibility returns what earlier campaigns came to say of the papers of a
// corpus: the mean of each campaign's last word.
func (db *DB) PastCredibility(ctx context.Context, corpus string) (map[string]float64, error) {
	const q = `
		SELECT paper, avg(probability)
		FROM (
			SELECT DISTINCT ON (c.campaign_id, c.paper) c.paper, c.probability
			FROM credibilities c JOIN reviews r USING (campaign_id)
			WHERE r.corpus = $1
			ORDER BY c.campaign_id, c.paper, c.round DESC) last
		GROUP BY paper`
	rows, err := db.pool.Query(ctx, q, corpus)
	if err != nil {
		return nil, failed(err, "read what campaigns say of the papers of %s", corpus)
	}
	out := map[string]float64{}
	var paper string
	var p float64
	_, err = pgx.ForEachRow(rows, []any{&paper, &p}, func() error {
		out[paper] = p
		return nil
	})
	return out, failed(err, "read what campaigns say of the papers of %s", corpus)
}
