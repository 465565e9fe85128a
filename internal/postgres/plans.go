package postgres

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"

	"github.com/jackc/pgx/v5"

	"github.com/athanor-lab/athanor/dataset"
	"github.com/athanor-lab/athanor/lab"
)

// PutPlan stores the plan for a round with the brief that it answers and the
// commitment to what it predicts (see [dataset.Commitment]), and returns the plan that is stored: the first one for the round, whoever asks.
// It fails with [lab.Invalid] when the plan names another brief than b, whose
// hash is the SHA-256 of its JSON.
func (db *DB) PutPlan(ctx context.Context, brief lab.Brief, plan lab.Plan) (lab.Plan, error) {
	raw, err := json.Marshal(brief)
	if err != nil {
		return lab.Plan{}, lab.Errorf(lab.Invalid, "put plan %s: write its brief: %w", plan.ID, err)
	}
	sum := sha256.Sum256(raw)
	if got := hex.EncodeToString(sum[:]); got != plan.BriefHash {
		return lab.Plan{}, lab.Errorf(lab.Invalid, "put plan %s: it answers the brief %s, the one given is %s", plan.ID, plan.BriefHash, got)
	}
	packed, err := pack(raw)
	if err != nil {
		return lab.Plan{}, failed(err, "put plan %s", plan.ID)
	}
	body, err := jsonOf(plan)
	if err != nil {
		return lab.Plan{}, failed(err, "put plan %s", plan.ID)
	}
	const putBrief = `INSERT INTO briefs (sha256, body) VALUES ($1, $2) ON CONFLICT DO NOTHING`
	const putPlan = `
		WITH p AS (
			INSERT INTO plans (id, campaign_id, round, brief_sha256, body)
			VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (campaign_id, round) DO NOTHING
			RETURNING campaign_id
		), c AS (
			UPDATE campaigns
			SET rounds = greatest(rounds, $3), planned = planned + $6, updated_at = now()
			FROM p
			WHERE campaigns.id = p.campaign_id
			RETURNING campaigns.*
		), k AS (
			INSERT INTO commitments (plan_id, campaign_id, round, bodies, leaves, prev, hash)
			SELECT $1, $2, $3, $8, $9, prev, encode(sha256(convert_to(prev || E'\n' || array_to_string($9::text[], E'\n'), 'UTF8')), 'hex')
			FROM p, (SELECT coalesce((SELECT hash FROM commitments WHERE campaign_id = $2 ORDER BY seq DESC LIMIT 1), $10) AS prev) AS last
		), e AS (
			INSERT INTO events (kind, campaign_id, data)
			SELECT 'plan', id, jsonb_build_object('plan_id', $7::text, 'round', $3::integer, 'proposals', $6::integer) FROM c
			UNION ALL
			SELECT 'campaign', c.id, progress(c) FROM c
		)
		SELECT count(*) FROM p`
	bodies, leaves, err := dataset.Commit(plan)
	if err != nil {
		return lab.Plan{}, failed(err, "put plan %s", plan.ID)
	}
	var stored lab.Plan
	err = db.exchange(ctx, func(b *pgx.Batch) {
		b.Queue(enterEvents)
		b.Queue(putBrief, sum[:], packed)
		b.Queue(putPlan, plan.ID, plan.CampaignID, plan.Round, sum[:], body, len(plan.Proposals), plan.ID.String(),
			bodies, leaves, dataset.Genesis(plan.CampaignID)).Query(discard)
		b.Queue(readPlan, plan.CampaignID, plan.Round).QueryRow(func(r pgx.Row) error { return scanJSON(r, &stored) })
	})
	if err != nil {
		return lab.Plan{}, failed(err, "put plan %s", plan.ID)
	}
	db.ring()
	return stored, nil
}

const readPlan = `SELECT body FROM plans WHERE campaign_id = $1 AND round = $2`

// Plan returns the campaign's plan for a round, or [lab.NotFound].
func (db *DB) Plan(ctx context.Context, id lab.CampaignID, round int) (lab.Plan, error) {
	var plan lab.Plan
	err := scanJSON(db.pool.QueryRow(ctx, readPlan, id, round), &plan)
	return plan, failed(err, "read the plan of %s for round %d", id, round)
}

// Plans returns up to limit of the campaign's plans (at most 1000) for the
// rounds after one, in order.
func (db *DB) Plans(ctx context.Context, id lab.CampaignID, after, limit int) ([]lab.Plan, error) {
	const q = `SELECT body FROM plans WHERE campaign_id = $1 AND round > $2 ORDER BY round LIMIT $3`
	rows, err := db.pool.Query(ctx, q, id, after, min(max(limit, 1), 1000))
	if err != nil {
		return nil, failed(err, "list the plans of %s", id)
	}
	plans, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (p lab.Plan, err error) {
		return p, scanJSON(r, &p)
	})
	return plans, failed(err, "list the plans of %s", id)
}

// Brief returns what a plan answered, exactly as it was hashed, or
// [lab.NotFound].
func (db *DB) Brief(ctx context.Context, hash string) (lab.Brief, error) {
	var brief lab.Brief
	sum, err := hex.DecodeString(hash)
	if err != nil {
		return brief, lab.Errorf(lab.Invalid, "read brief %q: a brief is named by the 64 hexadecimal digits of its SHA-256", hash)
	}
	var packed []byte
	if err := db.pool.QueryRow(ctx, `SELECT body FROM briefs WHERE sha256 = $1`, sum).Scan(&packed); err != nil {
		return brief, failed(err, "read brief %s", hash)
	}
	raw, err := unpack(packed)
	if err != nil {
		return brief, failed(err, "read brief %s", hash)
	}
	if got := sha256.Sum256(raw); !bytes.Equal(got[:], sum) {
		return brief, lab.Errorf(lab.Internal, "read brief %s: what is stored has the hash %x; the database is damaged", hash, got)
	}
	if err := json.Unmarshal(raw, &brief); err != nil {
		return brief, failed(err, "read brief %s", hash)
	}
	return brief, nil
}

// scanJSON reads the one column of r into v, with the decoder of the
// vocabulary.
func scanJSON(r pgx.Row, v any) error {
	var body []byte
	if err := r.Scan(&body); err != nil {
		return err
	}
	return json.Unmarshal(body, v)
}

func pack(raw []byte) ([]byte, error) {
	var buf bytes.Buffer
	w, err := gzip.NewWriterLevel(&buf, gzip.BestSpeed)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(raw); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

func unpack(packed []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}
