package postgres

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/athanor-lab/athanor/devices/gateway"
	"github.com/athanor-lab/athanor/lab"
)

var _ gateway.Fleet = (*DB)(nil)

// Save implements [gateway.Fleet]. Watchers are told when a person would see a
// difference: another link, state or mode, a fault, other work, or other samples and supplies. What they are
// told has the names of the capabilities without their commands, which are long
// and hardly ever change; [DB.Device] has them.
func (db *DB) Save(ctx context.Context, d lab.Device) error {
	const q = `
		WITH old AS (
			SELECT conn, op, mode, active, faults, capability, said FROM devices WHERE id = $1
		), new AS (
			INSERT INTO devices AS d (id, kind, title, capabilities, capability, simulated, conn, op, mode, boot, epoch, active, faults, seen_at, said)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $16)
			ON CONFLICT (id) DO UPDATE
			SET kind = excluded.kind, title = excluded.title, simulated = excluded.simulated, capability = excluded.capability,
				-- large and hardly ever another: keep what is stored, not a copy
				capabilities = CASE WHEN d.capabilities = excluded.capabilities THEN d.capabilities ELSE excluded.capabilities END,
				conn = excluded.conn, op = excluded.op, mode = excluded.mode, boot = excluded.boot, epoch = excluded.epoch,
				active = excluded.active, faults = excluded.faults, seen_at = excluded.seen_at, said = excluded.said
			WHERE (d.boot, d.seen_at) <= (excluded.boot, excluded.seen_at)
			RETURNING conn, op, mode, active, faults, capability, said
		)
		INSERT INTO events (kind, device, data)
		SELECT 'device', $1, $15
		FROM new LEFT JOIN old ON true
		WHERE (new.conn, new.op, new.mode, new.active, new.faults, new.capability, new.said)
			IS DISTINCT FROM (old.conn, old.op, old.mode, old.active, old.faults, old.capability, old.said)`
	names, news := make([]string, len(d.Capabilities)), d
	news.Capabilities = make([]lab.Capability, len(d.Capabilities))
	for i, c := range d.Capabilities {
		names[i] = c.Name
		news.Capabilities[i] = lab.Capability{Name: c.Name, Commands: []lab.CommandSpec{}}
	}
	var parts [5][]byte
	for i, v := range []any{notNil(d.Capabilities), notNil(d.Active), notNil(d.Faults), news, d.Said} {
		b, err := jsonOf(v)
		if err != nil {
			return failed(err, "save device %s", d.ID)
		}
		parts[i] = b
	}
	told := false
	err := db.exchange(ctx, func(b *pgx.Batch) {
		b.Queue(lazily)
		b.Queue(enterEvents)
		b.Queue(q, d.ID, clean(d.Kind), clean(d.Title), parts[0], names, d.Simulated, d.Conn, d.Op, d.Mode, d.Boot, d.Epoch,
			parts[1], parts[2], orNow(d.SeenAt), parts[3], parts[4]).Query(func(rows pgx.Rows) error {
			rows.Close()
			told = rows.CommandTag().RowsAffected() > 0
			return rows.Err()
		})
	})
	if err != nil {
		return failed(err, "save device %s", d.ID)
	}
	if told {
		db.ring()
	}
	return nil
}

const readDevices = `
	SELECT d.id, d.kind, d.title, d.capabilities, d.simulated, d.conn, d.op, d.mode, d.boot, d.epoch, d.active, d.faults, d.seen_at, d.said,
		h.experiment_id, b.campaign_id, coalesce(b.number, 0)
	FROM devices d
	LEFT JOIN holds h ON h.device = d.id
	LEFT JOIN bookings b USING (experiment_id)`

// Device returns a device with the experiment that holds it, or [lab.NotFound].
func (db *DB) Device(ctx context.Context, id string) (lab.Device, error) {
	d, err := scanDevice(db.pool.QueryRow(ctx, readDevices+` WHERE d.id = $1`, id))
	return d, failed(err, "read device %q", id)
}

// Devices returns all devices by id, each with the experiment that holds it.
func (db *DB) Devices(ctx context.Context) ([]lab.Device, error) {
	rows, err := db.pool.Query(ctx, readDevices+` ORDER BY d.id`)
	if err != nil {
		return nil, failed(err, "list devices")
	}
	all, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (lab.Device, error) { return scanDevice(r) })
	return all, failed(err, "list devices")
}

// LastEpoch implements [gateway.Epochs].
func (db *DB) LastEpoch(ctx context.Context, device string) (int64, error) {
	var epoch int64
	err := db.pool.QueryRow(ctx, `SELECT coalesce((SELECT epoch FROM device_uses WHERE device = $1), 0)`, device).Scan(&epoch)
	return epoch, failed(err, "read the epoch of device %s", device)
}

func scanDevice(r pgx.Row) (lab.Device, error) {
	var d lab.Device
	err := r.Scan(&d.ID, &d.Kind, &d.Title, &d.Capabilities, &d.Simulated, &d.Conn, &d.Op, &d.Mode, &d.Boot, &d.Epoch, &d.Active, &d.Faults,
		&d.SeenAt, &d.Said, &d.Experiment, &d.Campaign, &d.Number)
	d.SeenAt = d.SeenAt.UTC()
	return d, err
}

// notNil returns s as a list in JSON even when it is nil.
func notNil[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// clean returns s as PostgreSQL takes a text: whole UTF-8 without U+0000.
func clean(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\ufffd"), "\x00", "\ufffd")
}
