package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/athanor-lab/athanor/devices/gateway"
	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/schedule"
)

var _ gateway.Recalls = (*DB)(nil)

// epochsAhead is by how many epochs a restored laboratory is ahead of the one
// that was backed up. Devices that went on meanwhile have seen newer epochs than
// the record has; so they obey the restored laboratory, and no longer the other.
const epochsAhead = 1_000_000_000

// Restored notes that the record is a backup's, before anybody works with it.
// Whoever has a device has it under a new epoch from here on. Nothing is granted
// until every device on record has said what it was told since: see
// [DB.EndRestoration].
func (db *DB) Restored(ctx context.Context) error {
	// In the order of old epochs, by which the next device is chosen.
	const uses = `
		UPDATE device_uses u SET epoch = n.epoch
		FROM (SELECT device, nextval('epochs') AS epoch FROM (SELECT device FROM device_uses ORDER BY epoch) o) n
		WHERE u.device = n.device`
	const holds = `UPDATE holds h SET epoch = u.epoch FROM device_uses u WHERE u.device = h.device`
	const grants = `
		UPDATE requests r
		SET granted = jsonb_set(granted, '{holds}', (
			SELECT jsonb_agg(CASE WHEN h.epoch IS NULL THEN x ELSE jsonb_set(x, '{epoch}', to_jsonb(h.epoch)) END ORDER BY n)
			FROM jsonb_array_elements(r.granted -> 'holds') WITH ORDINALITY a (x, n)
				LEFT JOIN holds h ON h.device = x ->> 'device' AND h.experiment_id = r.experiment_id))
		WHERE granted IS NOT NULL AND jsonb_array_length(granted -> 'holds') > 0`
	const asked = `
		INSERT INTO recalls (device) SELECT id FROM devices
		ON CONFLICT (device) DO UPDATE SET told_at = NULL, commands = 0`
	err := pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		b := new(pgx.Batch)
		b.Queue(`SELECT setval('epochs', nextval('epochs') + $1)`, epochsAhead)
		for _, q := range []string{uses, holds, grants} {
			b.Queue(q)
		}
		b.Queue(`INSERT INTO restorations DEFAULT VALUES ON CONFLICT DO NOTHING`)
		b.Queue(asked)
		return tx.SendBatch(ctx, b).Close()
	})
	return failed(err, "note that the record was restored")
}

// Gone takes devices off those that are waited for after a restore.
func (db *DB) Gone(ctx context.Context, gone []string) error {
	_, err := db.pool.Exec(ctx, `UPDATE recalls SET told_at = now() WHERE told_at IS NULL AND device = ANY ($1)`, gone)
	return failed(err, "wait no longer for %v", gone)
}

// WasRestored reports whether the record was ever restored from a backup.
func (db *DB) WasRestored(ctx context.Context) (was bool, err error) {
	err = db.pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM restorations)`).Scan(&was)
	return was, failed(err, "look whether the record was restored")
}

// Restoring reports whether devices are still to say what they were told since
// the backup.
func (db *DB) Restoring(ctx context.Context) (still bool, err error) {
	err = db.pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM restorations WHERE ended_at IS NULL)`).Scan(&still)
	return still, failed(err, "look whether the record is being restored")
}

// Silent implements [gateway.Recalls].
func (db *DB) Silent(ctx context.Context) ([]string, error) {
	rows, err := db.pool.Query(ctx, `SELECT device FROM recalls WHERE told_at IS NULL ORDER BY device`)
	if err != nil {
		return nil, failed(err, "list devices that are asked what they were told")
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	return all, failed(err, "list devices that are asked what they were told")
}

// KeepTold implements [gateway.Recalls].
func (db *DB) KeepTold(ctx context.Context, device string, told []gateway.Told, last bool) (int, error) {
	const keep = `
		INSERT INTO told (command_id, device, epoch, body)
		SELECT id, $1, epoch, body
		FROM unnest($2::uuid[], $3::bigint[], $4::bytea[]) WITH ORDINALITY AS t (id, epoch, body, n)
		WHERE NOT EXISTS (SELECT FROM commands c WHERE c.id = t.id)
		ORDER BY n
		ON CONFLICT (command_id) DO NOTHING`
	const heard = `
		UPDATE recalls
		SET commands = commands + $2, told_at = CASE WHEN $3 THEN now() ELSE told_at END
		WHERE device = $1 AND told_at IS NULL`
	ids, epochs, bodies := []lab.CommandID{}, []int64{}, [][]byte{}
	for _, c := range told {
		if id, err := lab.ParseCommandUUID(c.ID); err == nil { // others' ids are no business of the ledger
			ids, epochs, bodies = append(ids, id), append(epochs, c.Epoch), append(bodies, c.Body)
		}
	}
	var n int64
	err := pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, keep, device, ids, epochs, bodies)
		if err != nil {
			return err
		}
		n = tag.RowsAffected()
		_, err = tx.Exec(ctx, heard, device, n, last)
		return err
	})
	return int(n), failed(err, "keep what %s was told", device)
}

// WasTold implements [gateway.Recalls].
func (db *DB) WasTold(ctx context.Context, id string) (gateway.Told, error) {
	t := gateway.Told{ID: id}
	command, err := lab.ParseCommandUUID(id)
	if err != nil {
		return t, lab.Errorf(lab.NotFound, "look for command %q: the ledger's ids are UUIDs", id)
	}
	err = db.pool.QueryRow(ctx, `SELECT device, body FROM told WHERE command_id = $1`, command).Scan(&t.Device, &t.Body)
	return t, failed(err, "look for what was told under %s", command)
}

// EndRestoration lets requests be granted again once every device has said what
// it was told, and reports whether they are. follow changes a request that waits
// so that it asks for the devices that have done its step already.
func (db *DB) EndRestoration(ctx context.Context, follow func(*schedule.Request) error) (bool, error) {
	if still, err := db.Restoring(ctx); err != nil || !still {
		return !still, err
	}
	ended := false
	err := pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, bookLock); err != nil {
			return err
		}
		var silent int
		if err := tx.QueryRow(ctx, `SELECT count(*) FROM recalls WHERE told_at IS NULL`).Scan(&silent); err != nil || silent > 0 {
			return err
		}
		rows, err := tx.Query(ctx, `SELECT body FROM requests WHERE granted IS NULL`)
		if err != nil {
			return err
		}
		waiting, err := pgx.CollectRows(rows, pgx.RowTo[schedule.Request])
		for _, r := range waiting {
			err = errors.Join(err, follow(&r))
			if err == nil {
				_, err = tx.Exec(ctx, `UPDATE requests SET body = $2 WHERE id = $1`, r.ID, r)
			}
		}
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `UPDATE restorations SET ended_at = now() WHERE ended_at IS NULL`)
		ended = err == nil
		return err
	})
	return ended, failed(err, "end the restoration")
}

// Ahead is a command that some device was told, and the step that will come to it
// again.
type Ahead struct {
	Command    lab.CommandID
	Campaign   lab.CampaignID
	Experiment lab.ExperimentID
	Request    string // of the step's devices
}

// EachTold returns the ids of all that was told and is not on record.
func (db *DB) EachTold(ctx context.Context) ([]lab.CommandID, error) {
	rows, err := db.pool.Query(ctx, `SELECT command_id FROM told t WHERE NOT EXISTS (SELECT FROM commands c WHERE c.id = t.command_id)`)
	if err != nil {
		return nil, failed(err, "list what devices were told")
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[lab.CommandID])
	return all, failed(err, "list what devices were told")
}

// Expect notes which steps come to what was told. Devices, and the admission of
// experiments, are granted to them in the order in which they were.
func (db *DB) Expect(ctx context.Context, ahead []Ahead) error {
	const q = `UPDATE told SET campaign_id = $2, experiment_id = $3, request = $4 WHERE command_id = $1`
	err := db.exchange(ctx, func(b *pgx.Batch) {
		for _, a := range ahead {
			b.Queue(q, a.Command, a.Campaign, a.Experiment, a.Request)
		}
	})
	return failed(err, "note who comes to what devices were told")
}

// ForgetReplayed takes from the order of grants what is on record by now.
func (db *DB) ForgetReplayed(ctx context.Context) error {
	const q = `UPDATE told t SET request = NULL WHERE request IS NOT NULL AND EXISTS (SELECT FROM commands c WHERE c.id = t.command_id)`
	_, err := db.pool.Exec(ctx, q)
	return failed(err, "note what is on record again")
}
