package postgres

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/devices/gateway"
	"github.com/athanor-lab/athanor/lab"
)

var _ gateway.Ledger = (*DB)(nil)

const entryColumns = `command, lease, body, state, boot, n, event, published, notified`

// terminal are the states that end a command, as SQL.
const terminal = `('done', 'failed', 'cancelled', 'aborted', 'rejected', 'expired', 'in_doubt')`

// Put implements [gateway.Ledger].
func (db *DB) Put(ctx context.Context, e gateway.Entry) (gateway.Entry, error) {
	const q = `
		INSERT INTO commands (id, campaign_id, experiment_id, device, command, lease, body, state, boot, n, event, published, deadline, notified)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
		ON CONFLICT (id) DO NOTHING`
	c := e.Command
	command, err := json.Marshal(c)
	if err != nil {
		return gateway.Entry{}, lab.Errorf(lab.Invalid, "put command %s: %w", c.ID, err)
	}
	tag, err := db.pool.Exec(ctx, q, c.ID, c.CampaignID, c.ExperimentID, c.Device, command, e.Lease, e.Body, string(e.State), e.Boot, e.N,
		e.Event, orNow(e.Published), c.Deadline, e.Notified)
	if err != nil {
		return gateway.Entry{}, failed(err, "put command %s", c.ID)
	}
	if tag.RowsAffected() > 0 {
		return e, nil
	}
	stored, err := db.Get(ctx, e.ID())
	switch {
	case err != nil:
		return gateway.Entry{}, err
	case stored.Command.Device != c.Device:
		return gateway.Entry{}, lab.Errorf(lab.Conflict, "put command %s for %s: it was put for %s", c.ID, c.Device, stored.Command.Device)
	case !bytes.Equal(stored.Body, e.Body):
		return gateway.Entry{}, lab.Errorf(lab.Conflict, "put command %s: it was put with other bytes; a deliberate repetition has an id of its own", c.ID)
	}
	return stored, nil
}

// Fold implements [gateway.Ledger]. Its condition is [gateway.Takes].
func (db *DB) Fold(ctx context.Context, device string, ev devices.Event, raw []byte) (gateway.Entry, bool, error) {
	const takes = `
		c.device = $8 AND ($4, $5) > (c.boot, c.n)
		AND NOT ($3 = 'rejected' AND c.boot <> 0)
		AND CASE
			WHEN c.state = 'in_doubt' THEN $3 IN ` + terminal + ` AND $3 <> 'in_doubt'
			ELSE c.state NOT IN ` + terminal + `
		END`
	return db.take(ctx, ev, foldEvent(`boot = $4, n = $5,`, takes, `'device'`), device, raw)
}

// Settle implements [gateway.Ledger]. Its condition is [gateway.Settles].
func (db *DB) Settle(ctx context.Context, id string, ev devices.Event, raw []byte) (gateway.Entry, bool, error) {
	const settles = `
		CASE WHEN c.state = 'in_doubt' THEN $8 ELSE c.state NOT IN ` + terminal + ` END`
	ev.ID = id
	return db.take(ctx, ev, foldEvent(``, settles, `'laboratory'`), ev.By != "", raw)
}

// foldEvent returns the one statement that takes an event: into the ledger,
// into the history of the command, and into the log for those who watch.
func foldEvent(set, condition, source string) string {
	return `
		WITH c AS (
			UPDATE commands c
			SET state = $3, ` + set + ` event = $2, notified = notified AND $3 NOT IN ` + terminal + `
			WHERE id = $1 AND ` + condition + `
			RETURNING *
		), h AS (
			INSERT INTO command_events (command_id, source, state, boot, n, event)
			SELECT id, ` + source + `, $3, $4, $5, $2 FROM c
		), e AS (
			INSERT INTO events (kind, campaign_id, number, device, data)
			SELECT 'command', campaign_id, (command ->> 'number')::integer, device, jsonb_build_object(
				'command_id', command ->> 'id', 'step', command ->> 'step', 'name', command ->> 'name',
				'state', $6::text, 'progress', $7::float8)
			FROM c
		)
		SELECT ` + entryColumns + ` FROM c`
}

// take runs the statement q of [foldEvent]; what is specific to it is $8.
func (db *DB) take(ctx context.Context, ev devices.Event, q string, own any, raw []byte) (gateway.Entry, bool, error) {
	var (
		e     gateway.Entry
		taken bool
	)
	id, err := lab.ParseCommandUUID(ev.ID)
	if err != nil {
		return e, false, lab.Errorf(lab.NotFound, "fold an event of command %q: the ledger's ids are UUIDs", ev.ID)
	}
	err = db.exchange(ctx, func(b *pgx.Batch) {
		if !ev.State.Terminal() {
			b.Queue(lazily) // a resend asks for it again
		}
		b.Queue(enterEvents)
		b.Queue(q, id, raw, string(ev.State), ev.Boot, ev.N, string(ev.State), ev.Progress, own).Query(func(rows pgx.Rows) error {
			for rows.Next() {
				taken = true
				if e, err = scanEntry(rows); err != nil {
					return err
				}
			}
			return rows.Err()
		})
	})
	if err != nil {
		return e, false, failed(err, "fold an event of command %s", id)
	}
	if taken {
		db.ring()
		return e, true, nil
	}
	if e, err = db.Get(ctx, ev.ID); err != nil {
		return gateway.Entry{}, false, err
	}
	if device, ok := own.(string); ok && device != e.Command.Device {
		return gateway.Entry{}, false, lab.Errorf(lab.NotFound, "fold an event of command %s: it is not a command to %s", id, device)
	}
	return e, false, nil
}

// Open implements [gateway.Ledger].
func (db *DB) Open(ctx context.Context) ([]gateway.Entry, error) {
	rows, err := db.pool.Query(ctx, `SELECT `+entryColumns+` FROM commands WHERE open ORDER BY published, id`)
	if err != nil {
		return nil, failed(err, "list open commands")
	}
	all, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (gateway.Entry, error) { return scanEntry(r) })
	return all, failed(err, "list open commands")
}

// Notified implements [gateway.Ledger].
func (db *DB) Notified(ctx context.Context, id string, told lab.CommandState) error {
	command, err := lab.ParseCommandUUID(id)
	if err != nil {
		return lab.Errorf(lab.NotFound, "note that command %q was told: the ledger's ids are UUIDs", id)
	}
	var found bool
	err = db.exchange(ctx, func(b *pgx.Batch) {
		b.Queue(lazily)
		b.Queue(`UPDATE commands SET notified = true WHERE id = $1 AND state = $2 AND NOT notified`, command, string(told))
		b.Queue(`SELECT EXISTS (SELECT FROM commands WHERE id = $1)`, command).QueryRow(func(r pgx.Row) error { return r.Scan(&found) })
	})
	if err == nil && !found {
		return lab.Errorf(lab.NotFound, "note that command %s was told: it is not in the ledger", command)
	}
	return failed(err, "note that command %s was told", command)
}

// Get implements [gateway.Ledger].
func (db *DB) Get(ctx context.Context, id string) (gateway.Entry, error) {
	command, err := lab.ParseCommandUUID(id)
	if err != nil {
		return gateway.Entry{}, lab.Errorf(lab.NotFound, "read command %q: the ledger's ids are UUIDs", id)
	}
	e, err := scanEntry(db.pool.QueryRow(ctx, `SELECT `+entryColumns+` FROM commands WHERE id = $1`, command))
	return e, failed(err, "read command %s", command)
}

// CommandEvents returns every event that was taken for a command, as its bytes,
// in the order of taking.
func (db *DB) CommandEvents(ctx context.Context, id lab.CommandID) ([]json.RawMessage, error) {
	rows, err := db.pool.Query(ctx, `SELECT event FROM command_events WHERE command_id = $1 ORDER BY seq`, id)
	if err != nil {
		return nil, failed(err, "read the events of command %s", id)
	}
	all, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (json.RawMessage, error) {
		var b []byte
		err := r.Scan(&b)
		return b, err
	})
	return all, failed(err, "read the events of command %s", id)
}

func scanEntry(r pgx.Row) (gateway.Entry, error) {
	var e gateway.Entry
	var command []byte
	if err := r.Scan(&command, &e.Lease, &e.Body, &e.State, &e.Boot, &e.N, &e.Event, &e.Published, &e.Notified); err != nil {
		return e, err
	}
	e.Published = e.Published.UTC()
	return e, json.Unmarshal(command, &e.Command)
}
