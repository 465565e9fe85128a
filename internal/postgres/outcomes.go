package postgres

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/athanor-lab/athanor/dataset"
	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/schedule"
)

var _ dataset.Store = (*DB)(nil)

// PutOutcome implements [dataset.Store]. With a new outcome the campaign's
// counters and best values follow, and watchers are told, in one transaction.
func (db *DB) PutOutcome(ctx context.Context, o lab.Outcome) (bool, error) {
	p, err := db.preparePut(o)
	if err != nil {
		return false, err
	}
	err = db.twoTrips(ctx, p.read, p.write)
	if err != nil {
		return false, failed(err, "put the outcome of %s", o.Proposal.ExperimentID)
	}
	db.ring()
	return p.stored, nil
}

// Finish is PutOutcome and the end of the experiment's reservations in one
// transaction: what a recorded experiment held is free, whoever is killed. It
// returns the requests of others that could be granted by that.
func (db *DB) Finish(ctx context.Context, o lab.Outcome) (stored bool, _ []schedule.Grant, _ error) {
	p, err := db.preparePut(o)
	if err != nil {
		return false, nil, err
	}
	s := new(session)
	err = db.twoTrips(ctx, func(b *pgx.Batch) {
		p.read(b)
		s.end(b, o.Proposal.CampaignID, o.Proposal.ExperimentID, o.Proposal.Number)
	}, func(b *pgx.Batch) error {
		if err := p.write(b); err != nil {
			return err
		}
		return s.decide(b)
	})
	if err != nil {
		return false, nil, failed(err, "finish %s", o.Proposal.ExperimentID)
	}
	db.ring()
	return p.stored, s.grants, nil
}

// outcomePut is one PutOutcome: what it reads and what it writes.
type outcomePut struct {
	outcome    lab.Outcome
	body       json.RawMessage
	objectives []lab.Objective
	fidelity   *lab.Fidelity
	best       []lab.Best
	known      *lab.ExperimentID // the experiment that has the number already
	stored     bool
}

func (db *DB) preparePut(o lab.Outcome) (*outcomePut, error) {
	body, err := jsonOf(o)
	if err != nil {
		return nil, failed(err, "put the outcome of %s", o.Proposal.ExperimentID)
	}
	return &outcomePut{outcome: o, body: body}, nil
}

func (p *outcomePut) read(b *pgx.Batch) {
	const campaign = `SELECT document -> 'objectives', document -> 'plan' -> 'fidelity', best FROM campaigns WHERE id = $1 FOR UPDATE`
	const known = `
		SELECT experiment_id FROM outcomes
		WHERE campaign_id = $1 AND number = $2`
	r := p.outcome.Proposal
	b.Queue(enterEvents)
	b.Queue(campaign, r.CampaignID).QueryRow(func(row pgx.Row) error { return row.Scan(&p.objectives, &p.fidelity, &p.best) })
	b.Queue(known, r.CampaignID, r.Number).Query(func(rows pgx.Rows) error {
		ids, err := pgx.CollectRows(rows, pgx.RowTo[lab.ExperimentID])
		if len(ids) > 0 {
			p.known = &ids[0]
		}
		return err
	})
}

func (p *outcomePut) write(b *pgx.Batch) error {
	o := p.outcome
	if p.known != nil {
		if *p.known == o.Proposal.ExperimentID {
			return nil // recorded before
		}
		return lab.Errorf(lab.Conflict, "number %d of campaign %s is the number of %s", o.Proposal.Number, o.Proposal.CampaignID, *p.known)
	}
	const insert = `
		INSERT INTO outcomes (experiment_id, campaign_id, number, state, body, finished_at)
		VALUES ($1, $2, $3, $4, $5, $6)`
	const update = `
		WITH c AS (
			UPDATE campaigns
			SET done = done + 1, failures = failures + $2, best = $3, updated_at = now()
			WHERE id = $1
			RETURNING *
		)
		INSERT INTO events (kind, campaign_id, number, data)
		SELECT 'experiment', id, $4, jsonb_build_object('state', $5::text) FROM c
		UNION ALL
		SELECT 'campaign', c.id, 0, progress(c) FROM c`
	failures := 0
	if o.State != lab.OutcomeSucceeded {
		failures = 1
	}
	best, err := jsonOf(better(p.best, p.objectives, p.fidelity, o))
	if err != nil {
		return err
	}
	r := o.Proposal
	b.Queue(insert, r.ExperimentID, r.CampaignID, r.Number, string(o.State), p.body, orNow(o.FinishedAt))
	b.Queue(update, r.CampaignID, failures, best, r.Number, string(o.State))
	p.stored = true
	return nil
}

// better returns best with what o observed. Of equal values the one of the
// lower number is the best, so that the order of recording does not matter. What
// was not done at the target of a fidelity is never the best.
func better(best []lab.Best, objectives []lab.Objective, fidelity *lab.Fidelity, o lab.Outcome) []lab.Best {
	out := []lab.Best{}
	for _, objective := range objectives {
		var b *lab.Best
		for i := range best {
			if best[i].Objective == objective.Name {
				b = &best[i]
			}
		}
		for _, m := range o.Observed {
			if m.Name != objective.Name || o.State != lab.OutcomeSucceeded || !fidelity.Met(o.Proposal.Settings) {
				continue
			}
			if b == nil || objective.Direction.Better(m.Value, b.Value) || m.Value == b.Value && o.Proposal.Number < b.Number {
				b = &lab.Best{Objective: m.Name, Value: m.Value, Unit: m.Unit, Experiment: o.Proposal.ExperimentID, Number: o.Proposal.Number}
			}
		}
		if b != nil {
			out = append(out, *b)
		}
	}
	return out
}

// EachOutcome implements [dataset.Store]. It reads as it goes, in constant
// memory, and keeps a connection until it returns.
func (db *DB) EachOutcome(ctx context.Context, id lab.CampaignID, yield func(lab.Outcome) error) error {
	const q = `SELECT body FROM outcomes WHERE campaign_id = $1 ORDER BY number`
	rows, err := db.pool.Query(ctx, q, id)
	if err != nil {
		return failed(err, "read the outcomes of %s", id)
	}
	defer rows.Close()
	for rows.Next() {
		var o lab.Outcome
		if err := scanJSON(rows, &o); err != nil {
			return failed(err, "read the outcomes of %s", id)
		}
		if err := yield(o); err != nil {
			return err // the caller's own
		}
	}
	return failed(rows.Err(), "read the outcomes of %s", id)
}

// Outcome returns the outcome of an experiment, or [lab.NotFound].
func (db *DB) Outcome(ctx context.Context, id lab.ExperimentID) (lab.Outcome, error) {
	var o lab.Outcome
	err := scanJSON(db.pool.QueryRow(ctx, `SELECT body FROM outcomes WHERE experiment_id = $1`, id), &o)
	return o, failed(err, "read the outcome of %s", id)
}

// Outcomes returns up to limit outcomes of a campaign (at most 1000) with
// numbers after one, by number.
func (db *DB) Outcomes(ctx context.Context, id lab.CampaignID, after, limit int) ([]lab.Outcome, error) {
	const q = `SELECT body FROM outcomes WHERE campaign_id = $1 AND number > $2 ORDER BY number LIMIT $3`
	rows, err := db.pool.Query(ctx, q, id, after, min(max(limit, 1), 1000))
	if err != nil {
		return nil, failed(err, "list the outcomes of %s", id)
	}
	all, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (o lab.Outcome, err error) {
		return o, scanJSON(r, &o)
	})
	return all, failed(err, "list the outcomes of %s", id)
}

// orNow returns t, or the present when t is unset, which no clock ever shows.
func orNow(t time.Time) time.Time {
	if t.IsZero() {
		return time.Now()
	}
	return t
}
