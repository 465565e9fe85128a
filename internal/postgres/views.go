package postgres

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"github.com/athanor-lab/athanor/devices/gateway"
	"github.com/athanor-lab/athanor/lab"
)

// Unfinished is an experiment that was planned and has no outcome yet, with
// the commands that it has sent, oldest first.
type Unfinished struct {
	Proposal lab.Proposal
	Commands []gateway.Entry
}

// Unfinished returns up to limit experiments of a campaign without an outcome,
// with numbers after one, by number.
func (db *DB) Unfinished(ctx context.Context, id lab.CampaignID, after, limit int) ([]Unfinished, error) {
	const q = `
		SELECT proposal
		FROM plans, jsonb_array_elements(plans.body -> 'proposals') AS proposal
		WHERE plans.campaign_id = $1
			AND (proposal ->> 'number')::integer > $2
			AND NOT EXISTS (SELECT FROM outcomes o WHERE o.campaign_id = $1 AND o.number = (proposal ->> 'number')::integer)
		ORDER BY (proposal ->> 'number')::integer
		LIMIT $3`
	rows, err := db.pool.Query(ctx, q, id, after, limit)
	if err != nil {
		return nil, failed(err, "list the running experiments of %s", id)
	}
	open, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (u Unfinished, err error) {
		return u, scanJSON(r, &u.Proposal)
	})
	if err != nil || len(open) == 0 {
		return nil, failed(err, "list the running experiments of %s", id)
	}
	where := make(map[lab.ExperimentID]int, len(open))
	ids := make([]lab.ExperimentID, len(open))
	for i, u := range open {
		ids[i], where[u.Proposal.ExperimentID] = u.Proposal.ExperimentID, i
	}
	entries, err := db.entries(ctx, `SELECT `+entryColumns+` FROM commands WHERE experiment_id = ANY ($1) ORDER BY published, id`, ids)
	if err != nil {
		return nil, failed(err, "list the commands of running experiments of %s", id)
	}
	for _, e := range entries {
		i := where[e.Command.ExperimentID]
		open[i].Commands = append(open[i].Commands, e)
	}
	return open, nil
}

// Proposal returns a proposal of a plan, whole, or [lab.NotFound].
func (db *DB) Proposal(ctx context.Context, plan lab.PlanID, number int) (lab.Proposal, error) {
	const q = `
		SELECT proposal
		FROM plans, jsonb_array_elements(plans.body -> 'proposals') AS proposal
		WHERE plans.id = $1 AND (proposal ->> 'number')::integer = $2`
	var p lab.Proposal
	err := scanJSON(db.pool.QueryRow(ctx, q, plan, number), &p)
	return p, failed(err, "read proposal %d of %s", number, plan)
}

// Doubt is a command in doubt, and the title of the campaign that waits for it.
type Doubt struct {
	Entry gateway.Entry
	Title string
}

// Doubts returns the commands in doubt whose experiments have no outcome yet,
// oldest first; a zero id asks for those of all campaigns.
func (db *DB) Doubts(ctx context.Context, id lab.CampaignID) ([]Doubt, error) {
	var campaign *lab.CampaignID
	if !id.IsZero() {
		campaign = &id
	}
	const q = `
		SELECT ` + entryColumns + `
		FROM commands c
		WHERE state = 'in_doubt'
			AND ($1::uuid IS NULL OR campaign_id = $1)
			AND NOT EXISTS (SELECT FROM outcomes o WHERE o.experiment_id = c.experiment_id)
		ORDER BY published, id
		LIMIT 1000`
	entries, err := db.entries(ctx, q, campaign)
	if err != nil {
		return nil, failed(err, "list commands in doubt")
	}
	titles := map[lab.CampaignID]string{}
	doubts := make([]Doubt, len(entries))
	for i, e := range entries {
		title, ok := titles[e.Command.CampaignID]
		if !ok {
			const q = `SELECT document ->> 'title' FROM campaigns WHERE id = $1`
			if err := db.pool.QueryRow(ctx, q, e.Command.CampaignID).Scan(&title); err != nil {
				return nil, failed(err, "read the title of %s", e.Command.CampaignID)
			}
			titles[e.Command.CampaignID] = title
		}
		doubts[i] = Doubt{Entry: e, Title: title}
	}
	return doubts, nil
}

func (db *DB) entries(ctx context.Context, q string, args ...any) ([]gateway.Entry, error) {
	rows, err := db.pool.Query(ctx, q, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(r pgx.CollectableRow) (gateway.Entry, error) { return scanEntry(r) })
}

// Before returns up to limit events of a campaign with a seq below before, the
// newest first; 0 begins with the newest.
func (db *DB) Before(ctx context.Context, id lab.CampaignID, before int64, limit int) ([]lab.Event, error) {
	const q = `
		SELECT seq, at, kind, campaign_id, number, device, data
		FROM events
		WHERE campaign_id = $1 AND ($2 = 0 OR seq < $2)
		ORDER BY seq DESC
		LIMIT $3`
	rows, err := db.pool.Query(ctx, q, id, before, min(max(limit, 1), 1000))
	if err != nil {
		return nil, failed(err, "read events of %s", id)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (lab.Event, error) {
		var e lab.Event
		var data []byte
		err := row.Scan(&e.Seq, &e.At, &e.Kind, &e.CampaignID, &e.Number, &e.Device, &data)
		e.At, e.Data = e.At.UTC(), json.RawMessage(data)
		return e, err
	})
	return all, failed(err, "read events of %s", id)
}
