package postgres

import (
	"context"
	"encoding/json"
	"errors"

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
		FOR UPDATE OF p
		ON CONFLICT DO NOTHING -- both sides open it, and one comes second`
	give, err := json.Marshal(h.Give)
	if err != nil {
		return failed(err, "open handover %s", h.Token)
	}
	take, err := json.Marshal(h.Take)
	if err != nil {
		return failed(err, "open handover %s", h.Token)
	}
	tag, err := db.pool.Exec(ctx, q, h.Token, h.Sample, h.From.Device, h.From.Slot, h.To.Device, h.To.Slot, h.Give.ID, h.Take.ID, give, take)
	if err != nil {
		return failed(err, "open handover %s", h.Token)
	}
	if tag.RowsAffected() == 1 {
		return nil
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
		if h.State.Settled() {
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
		switch at {
		case h.To:
			word = gateway.HandoverMoved
		case gateway.Place{}:
			word = gateway.HandoverLost
		}
		switch {
		case err != nil:
		case at != h.From && at != h.To && word != gateway.HandoverLost:
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
				ended_at = CASE WHEN $6 IN ('moved', 'stayed', 'lost') THEN now() END
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
		switch h.State {
		case gateway.HandoverMoved:
			at = h.To
		case gateway.HandoverLost:
			at = gateway.Place{Device: lab.Outside, Slot: h.Sample}
		default: // it stays where it was
		}
		_, err = tx.Exec(ctx, place, h.Sample, at.Device, at.Slot, h.State != gateway.HandoverUncertain, h.Token)
		return err
	})
	return h, failed(err, "%s handover %s", verb, what)
}

// Handover implements [gateway.Samples].
func (db *DB) Handover(ctx context.Context, token string) (gateway.Handover, error) {
	h, err := scanHandover(db.pool.QueryRow(ctx, readHandover+` WHERE token = $1`, token))
	return h, failed(err, "read handover %s", token)
}

// RemoveSample implements [gateway.Samples].
func (db *DB) RemoveSample(ctx context.Context, sample, evidence string) error {
	const q = `
		UPDATE placements p
		SET device = '_outside', slot = p.sample, certain = true, evidence = $2, since = now()
		WHERE sample = $1 AND device <> '_outside'
			AND NOT EXISTS (SELECT FROM handovers h WHERE h.sample = p.sample AND h.state IN ('open', 'uncertain'))`
	tag, err := db.pool.Exec(ctx, q, sample, clean(evidence))
	if err != nil || tag.RowsAffected() == 1 {
		return failed(err, "remove sample %s", sample)
	}
	p, err := db.Whereabouts(ctx, sample)
	if err == nil && p.Device != lab.Outside {
		err = lab.Errorf(lab.Conflict, "remove sample %s: it is at a handover that is not settled", sample)
	}
	return err
}

// Room returns what the slots of a device have room for, slots being all that it
// has. A sample in the way is spent when its experiment has its outcome: samples
// of campaigns are named by their experiment.
func (db *DB) Room(ctx context.Context, device string, slots []string) (lab.Room, error) {
	const free = `
		SELECT s
		FROM unnest($2::text[]) WITH ORDINALITY AS u (s, n)
		WHERE NOT EXISTS (SELECT FROM placements WHERE device = $1 AND slot = s)
			AND NOT EXISTS (SELECT FROM handovers WHERE state IN ('open', 'uncertain') AND ((to_device, to_slot) = ($1, s) OR (from_device, from_slot) = ($1, s)))
		ORDER BY n
		LIMIT 1`
	const spent = `
		SELECT p.sample, p.device, p.slot, p.certain
		FROM placements p
		WHERE p.device = $1 AND p.slot = ANY ($2) AND p.certain
			AND NOT EXISTS (SELECT FROM handovers h WHERE h.sample = p.sample AND h.state IN ('open', 'uncertain'))
			-- a CASE, since conditions may be evaluated in any order, and other names are no UUID
			AND EXISTS (SELECT FROM outcomes o WHERE o.experiment_id = CASE WHEN p.sample ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.' THEN substr(p.sample, 1, 36)::uuid END)
		ORDER BY p.since
		LIMIT 1`
	room := lab.Room{Slots: len(slots) > 0}
	err := db.pool.QueryRow(ctx, free, device, slots).Scan(&room.Free)
	if !errors.Is(err, pgx.ErrNoRows) {
		return room, failed(err, "look for room at %s", device)
	}
	var p lab.Placement
	err = db.pool.QueryRow(ctx, spent, device, slots).Scan(&p.Sample, &p.Device, &p.Slot, &p.Certain)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return room, nil
	case err != nil:
		return room, failed(err, "look for room at %s", device)
	}
	room.Spent = &p
	return room, nil
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
