package postgres

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"github.com/athanor-lab/athanor/lab"
)

// Submission is a campaign as it was submitted.
type Submission struct {
	Campaign lab.Campaign
	Source   []byte // the author's bytes
	Format   string // of Source: "yaml" or "json"
	// Key, when set, makes the submission idempotent: a second one with the same
	// key and bytes is the first.
	Key string
}

// CampaignRow is a campaign and what has become of it.
type CampaignRow struct {
	Campaign lab.Campaign
	Progress lab.Progress
}

// InsertCampaign stores s and returns what is stored, and whether it is new.
// The id or key of an earlier submission gives that one when the bytes are the
// same, and is [lab.Conflict] when they are not.
func (db *DB) InsertCampaign(ctx context.Context, s Submission) (CampaignRow, bool, error) {
	document, err := jsonOf(s.Campaign.Document)
	if err != nil {
		return CampaignRow{}, false, failed(err, "insert campaign %s", s.Campaign.ID)
	}
	const insert = `
		WITH c AS (
			INSERT INTO campaigns (id, document, source, format, idempotency_key, payload_sha256, submitted_at)
			VALUES ($1, $2, $3, $4, NULLIF($5, ''), $6, $7)
			ON CONFLICT DO NOTHING
			RETURNING *
		), e AS (
			INSERT INTO events (kind, campaign_id, data)
			SELECT 'campaign', c.id, progress(c) FROM c
		)
		SELECT count(*) FROM c`
	const read = `
		SELECT id, document, submitted_at, progress(campaigns), payload_sha256
		FROM campaigns
		WHERE id = $1 OR idempotency_key = NULLIF($2, '')
		ORDER BY id = $1 DESC`
	var (
		row      CampaignRow
		inserted int
		stored   []byte
		sum      = sha256.Sum256(s.Source)
	)
	err = db.exchange(ctx, func(b *pgx.Batch) {
		b.Queue(enterEvents)
		b.Queue(insert, s.Campaign.ID, document, s.Source, s.Format, s.Key, sum[:], s.Campaign.SubmittedAt).QueryRow(func(r pgx.Row) error {
			return r.Scan(&inserted)
		})
		b.Queue(read, s.Campaign.ID, s.Key).QueryRow(func(r pgx.Row) (err error) {
			row, err = scanCampaign(r, &stored)
			return err
		})
	})
	if err != nil {
		return CampaignRow{}, false, failed(err, "insert campaign %s", s.Campaign.ID)
	}
	if !bytes.Equal(stored, sum[:]) {
		if row.Campaign.ID == s.Campaign.ID {
			return CampaignRow{}, false, lab.Errorf(lab.Conflict, "insert campaign %s: another document has this id", s.Campaign.ID)
		}
		return CampaignRow{}, false, lab.Errorf(lab.Conflict,
			"insert campaign: the idempotency key %q was used for %s with another document; use a new key for a new campaign", s.Key, row.Campaign.ID)
	}
	if inserted > 0 {
		db.ring()
	}
	return row, inserted > 0, nil
}

// Campaign returns a campaign and its progress, or [lab.NotFound].
func (db *DB) Campaign(ctx context.Context, id lab.CampaignID) (CampaignRow, error) {
	const q = `SELECT id, document, submitted_at, progress(campaigns) FROM campaigns WHERE id = $1`
	row, err := scanCampaign(db.pool.QueryRow(ctx, q, id))
	return row, failed(err, "read campaign %s", id)
}

// Source returns the author's bytes of a campaign and their format.
func (db *DB) Source(ctx context.Context, id lab.CampaignID) (source []byte, format string, err error) {
	const q = `SELECT source, format FROM campaigns WHERE id = $1`
	err = db.pool.QueryRow(ctx, q, id).Scan(&source, &format)
	return source, format, failed(err, "read the source of campaign %s", id)
}

// ListCampaigns returns up to limit campaigns (at most 1000), the newest first,
// and the cursor to go on with, nil at the end. A nil cursor begins; states,
// when there are any, are those wanted.
func (db *DB) ListCampaigns(ctx context.Context, cursor *lab.CampaignID, limit int, states ...lab.CampaignState) ([]CampaignRow, *lab.CampaignID, error) {
	limit = min(max(limit, 1), 1000)
	const q = `
		SELECT id, document, submitted_at, progress(campaigns)
		FROM campaigns
		WHERE ($1::uuid IS NULL OR id < $1)
			AND ($2::text[] IS NULL OR state = ANY ($2))
		ORDER BY id DESC
		LIMIT $3`
	rows, err := db.pool.Query(ctx, q, cursor, states, limit+1)
	if err != nil {
		return nil, nil, failed(err, "list campaigns")
	}
	all, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (CampaignRow, error) { return scanCampaign(r) })
	if err != nil {
		return nil, nil, failed(err, "list campaigns")
	}
	if len(all) <= limit {
		return all, nil, nil
	}
	return all[:limit], &all[limit-1].Campaign.ID, nil
}

// SetState moves a campaign to a state, for a reason that a person reads, and
// returns its progress. Setting what is set changes nothing. A final state is
// left by nobody: [lab.Conflict].
func (db *DB) SetState(ctx context.Context, id lab.CampaignID, state lab.CampaignState, reason string) (lab.Progress, error) {
	const set = `
		WITH c AS (
			UPDATE campaigns
			SET state = $2, reason = $3, updated_at = now()
			WHERE id = $1 AND (state, reason) <> ($2, $3) AND state NOT IN ('completed', 'aborted', 'failed')
			RETURNING *
		), e AS (
			INSERT INTO events (kind, campaign_id, data)
			SELECT 'campaign', c.id, progress(c) FROM c
		)
		SELECT count(*) FROM c`
	const read = `SELECT progress(campaigns) FROM campaigns WHERE id = $1`
	var p lab.Progress
	err := db.exchange(ctx, func(b *pgx.Batch) {
		b.Queue(enterEvents)
		b.Queue(set, id, string(state), clean(reason)).Query(discard)
		b.Queue(read, id).QueryRow(func(r pgx.Row) error { return r.Scan(&p) })
	})
	if err != nil {
		return p, failed(err, "set campaign %s to %s", id, state)
	}
	if p.State != state {
		return p, lab.Errorf(lab.Conflict, "set campaign %s to %s: it is %s, which is final", id, state, p.State)
	}
	db.ring()
	return p, nil
}

func scanCampaign(r pgx.Row, more ...any) (CampaignRow, error) {
	var row CampaignRow
	var document []byte
	c := &row.Campaign
	if err := r.Scan(append([]any{&c.ID, &document, &c.SubmittedAt, &row.Progress}, more...)...); err != nil {
		return row, err
	}
	c.SubmittedAt = c.SubmittedAt.UTC()
	if err := json.Unmarshal(document, &c.Document); err != nil {
		return row, lab.Errorf(lab.Internal, "read the document of campaign %s: %w", c.ID, err)
	}
	return row, nil
}
