package postgres

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"github.com/athanor-lab/athanor/devices/gateway"
	"github.com/athanor-lab/athanor/lab"
)

var _ gateway.Samples = (*DB)(nil)

// PlaceSample implements [gateway.Samples].
func (db *DB) PlaceSample(ctx context.Context, sample string, at gateway.Place, by string) error {
	const q = `
		INSERT INTO placements (sample, device, slot, evidence)
		SELECT $1, $2, $3, $4
		WHERE NOT EXISTS (SELECT FROM handovers WHERE (to_device, to_slot) = ($2, $3) AND state IN ('open', 'uncertain'))`
	tag, err := db.pool.Exec(ctx, q, sample, at.Device, at.Slot, clean(by))
	if err == nil && tag.RowsAffected() == 0 {
		return lab.Errorf(lab.Conflict, "place sample %s at %s: another sample is on its way there", sample, at)
	}
	if unique(err) {
		return lab.Errorf(lab.Conflict, "place sample %s at %s: the sample is somewhere already, or the slot is not free", sample, at)
	}
	return failed(err, "place sample %s at %s", sample, at)
}

// Whereabouts implements [gateway.Samples].
func (db *DB) Whereabouts(ctx context.Context, sample string) (gateway.Placement, error) {
	p := gateway.Placement{Sample: sample}
	err := db.pool.QueryRow(ctx, `SELECT device, slot, certain FROM placements WHERE sample = $1`, sample).Scan(&p.Device, &p.Slot, &p.Certain)
	return p, failed(err, "look for sample %s", sample)
}

// OpenHandover implements [gateway.Samples].
func (db *DB) OpenHandover(ctx context.Context, h gateway.Handover) error {
	const q = `
		INSERT INTO handovers (token, sample, from_device, from_slot, to_device, to_slot, give_id, take_id, give, take)
		SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10
		FROM placements p
		WHERE p.sample = $2 AND p.device = $3 AND p.slot = $4 AND p.certain
			AND NOT EXISTS (SELECT FROM placements WHERE device = $5 AND slot = $6)
		FOR UPDATE OF p`
	give, err := json.Marshal(h.Give)
	if err != nil {
		return failed(err, "open handover %s", h.Token)
	}
	take, err := json.Marshal(h.Take)
	if err != nil {
		return failed(err, "open handover %s", h.Token)
	}
	tag, err := db.pool.Exec(ctx, q, h.Token, h.Sample, h.From.Device, h.From.Slot, h.To.Device, h.To.Slot, h.Give.ID, h.Take.ID, give, take)
	if err == nil && tag.RowsAffected() == 1 {
		return nil
	}
	if err != nil && !unique(err) {
		return failed(err, "open handover %s", h.Token)
	}
	if known, err := scanHandover(db.pool.QueryRow(ctx, readHandover+` WHERE token = $1`, h.Token)); err == nil &&
		known.Sample == h.Sample && known.From == h.From && known.To == h.To && known.Give.ID == h.Give.ID && known.Take.ID == h.Take.ID {
		return nil
	}
	return lab.Errorf(lab.Conflict, "open handover %s: sample %s is not certainly at %s, or one of %s and %s is not free for it", h.Token, h.Sample, h.From, h.From, h.To)
}

const readHandover = `
	SELECT token, sample, from_device, from_slot, to_device, to_slot, give, take, gave_state, gave_effect, took_state, took_effect, state, resolved_by
	FROM handovers`

// EndHand implements [gateway.Samples].
func (db *DB) EndHand(ctx context.Context, command lab.CommandID, end gateway.Hand) (gateway.Handover, error) {
	return db.changeHandover(ctx, "end", command.UUID(), func(tx pgx.Tx) (gateway.Handover, string, error) {
		h, by, err := scanResolved(tx.QueryRow(ctx, readHandover+` WHERE give_id = $1 OR take_id = $1 FOR UPDATE`, command))
		if err != nil {
			return h, by, err
		}
		if h.State == gateway.HandoverMoved || h.State == gateway.HandoverStayed {
			return h, by, nil
		}
		if h.Give.ID == command {
			h.Gave = end
		} else {
			h.Took = end
		}
		h.State = gateway.Judge(h.Gave, h.Took)
		return h, by, nil
	}, "")
}

// ResolveHandover implements [gateway.Samples].
func (db *DB) ResolveHandover(ctx context.Context, token string, at gateway.Place, by, reason string) (gateway.Handover, error) {
	return db.changeHandover(ctx, "resolve", token, func(tx pgx.Tx) (gateway.Handover, string, error) {
		h, was, err := scanResolved(tx.QueryRow(ctx, readHandover+` WHERE token = $1 FOR UPDATE`, token))
		word := gateway.HandoverStayed
		if at == h.To {
			word = gateway.HandoverMoved
		}
		switch {
		case err != nil:
		case at != h.From && at != h.To:
			err = lab.Errorf(lab.Invalid, "resolve handover %s: %s is neither %s nor %s", token, at, h.From, h.To)
		case h.State == word && was != "": // the same word again
		case h.State != gateway.HandoverUncertain:
			err = lab.Errorf(lab.Conflict, "resolve handover %s: it is not uncertain but %s", token, h.State)
		}
		h.State = word
		return h, by, err
	}, reason)
}

// changeHandover writes what change makes of a handover and moves the sample
// with it, in one transaction. One that is settled stays as it is.
func (db *DB) changeHandover(ctx context.Context, verb, what string, change func(pgx.Tx) (h gateway.Handover, by string, err error), reason string) (h gateway.Handover, err error) {
	const (
		note = `
			UPDATE handovers
			SET gave_state = $2, gave_effect = $3, took_state = $4, took_effect = $5, state = $6, resolved_by = $7, reason = $8,
				ended_at = CASE WHEN $6 IN ('moved', 'stayed') THEN now() END
			WHERE token = $1 AND state IN ('open', 'uncertain')`
		place = `UPDATE placements SET device = $2, slot = $3, certain = $4, evidence = $5, since = now() WHERE sample = $1`
	)
	err = pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		var by string
		if h, by, err = change(tx); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, note, h.Token, string(h.Gave.State), string(h.Gave.Effect), string(h.Took.State), string(h.Took.Effect), string(h.State), clean(by), clean(reason))
		if err != nil || tag.RowsAffected() == 0 || h.State == gateway.HandoverOpen {
			return err
		}
		at := h.From
		if h.State == gateway.HandoverMoved {
			at = h.To
		}
		_, err = tx.Exec(ctx, place, h.Sample, at.Device, at.Slot, h.State != gateway.HandoverUncertain, h.Token)
		return err
	})
	return h, failed(err, "%s handover %s", verb, what)
}

func scanHandover(r pgx.Row) (gateway.Handover, error) {
	h, _, err := scanResolved(r)
	return h, err
}

func scanResolved(r pgx.Row) (gateway.Handover, string, error) {
	var h gateway.Handover
	var give, take []byte
	var by string
	err := r.Scan(&h.Token, &h.Sample, &h.From.Device, &h.From.Slot, &h.To.Device, &h.To.Slot, &give, &take, &h.Gave.State, &h.Gave.Effect,
		&h.Took.State, &h.Took.Effect, &h.State, &by)
	if err == nil {
		err = json.Unmarshal(give, &h.Give)
	}
	if err == nil {
		err = json.Unmarshal(take, &h.Take)
	}
	return h, by, err
}
