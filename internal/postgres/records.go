package postgres

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/devices/gateway"
)

var (
	_ gateway.Alarms     = (*DB)(nil)
	_ gateway.Telemetry  = (*DB)(nil)
	_ gateway.Quarantine = (*DB)(nil)
)

// Alarm is what stands or stood against a device.
type Alarm struct {
	Device  string
	Source  gateway.AlarmSource
	Code    string
	Level   string
	Text    string
	Command string
	Since   time.Time
	Cleared time.Time // zero while it stands
}

// RaiseAlarm implements [gateway.Alarms].
func (db *DB) RaiseAlarm(ctx context.Context, device string, by gateway.AlarmSource, a devices.Alarm) error {
	const q = `
		INSERT INTO alarms (device, source, code, level, text, command_id, since)
		VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (device, source, code) WHERE cleared_at IS NULL DO UPDATE
		SET level = excluded.level, text = excluded.text, command_id = excluded.command_id`
	_, err := db.pool.Exec(ctx, q, device, string(by), a.Code, a.Level, clean(a.Text), a.Command, orNow(a.Since))
	return failed(err, "raise alarm %s of device %s", a.Code, device)
}

// ClearAlarm implements [gateway.Alarms].
func (db *DB) ClearAlarm(ctx context.Context, device string, by gateway.AlarmSource, code string) error {
	_, err := db.pool.Exec(ctx, `UPDATE alarms SET cleared_at = now() WHERE device = $1 AND source = $2 AND code = $3 AND cleared_at IS NULL`, device, string(by), code)
	return failed(err, "clear alarm %s of device %s", code, device)
}

// KeepAlarms implements [gateway.Alarms].
func (db *DB) KeepAlarms(ctx context.Context, device string, codes []string) error {
	_, err := db.pool.Exec(ctx, `UPDATE alarms SET cleared_at = now() WHERE device = $1 AND source = 'device' AND code <> ALL ($2) AND cleared_at IS NULL`, device, notNil(codes))
	return failed(err, "clear alarms of device %s", device)
}

// Alarms returns what stands against a device, or with "" against any, the
// newest first; with past also the last 1,000 that stood.
func (db *DB) Alarms(ctx context.Context, device string, past bool) ([]Alarm, error) {
	const q = `
		SELECT device, source, code, level, text, command_id, since, cleared_at
		FROM alarms
		WHERE ($1 = '' OR device = $1) AND ($2 OR cleared_at IS NULL)
		ORDER BY cleared_at IS NOT NULL, seq DESC
		LIMIT 1000`
	rows, err := db.pool.Query(ctx, q, device, past)
	if err != nil {
		return nil, failed(err, "list alarms")
	}
	all, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (Alarm, error) {
		var a Alarm
		var cleared *time.Time
		err := r.Scan(&a.Device, &a.Source, &a.Code, &a.Level, &a.Text, &a.Command, &a.Since, &cleared)
		a.Since = a.Since.UTC()
		if cleared != nil {
			a.Cleared = cleared.UTC()
		}
		return a, err
	})
	return all, failed(err, "list alarms")
}

// SaveBatches implements [gateway.Telemetry].
func (db *DB) SaveBatches(ctx context.Context, batches []gateway.TelemetryBatch) error {
	const q = `
		INSERT INTO telemetry (device, stream, boot, n, t0, until, command_id, dt_ms, columns, units)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
		ON CONFLICT DO NOTHING`
	var batch pgx.Batch
	for _, b := range batches {
		columns, err := json.Marshal(b.V)
		if err != nil {
			return failed(err, "save telemetry of device %s", b.Device)
		}
		units, err := json.Marshal(b.U)
		if err != nil {
			return failed(err, "save telemetry of device %s", b.Device)
		}
		last := b.T0.Add(time.Duration(b.DtMS[len(b.DtMS)-1] * float64(time.Millisecond)))
		batch.Queue(q, b.Device, b.Stream, b.Boot, b.N, b.T0, last, b.Command, b.DtMS, columns, units)
	}
	return failed(db.pool.SendBatch(ctx, &batch).Close(), "save %d batches of telemetry", len(batches))
}

// Batches returns a device's telemetry of a stream that overlaps [from, to), in
// the order of time, at most 10,000 batches.
func (db *DB) Batches(ctx context.Context, device, stream string, from, to time.Time) ([]gateway.TelemetryBatch, error) {
	const q = `
		SELECT device, stream, boot, n, t0, command_id, dt_ms, columns, units
		FROM telemetry
		WHERE device = $1 AND stream = $2 AND until >= $3 AND t0 < $4
		ORDER BY t0, boot, n
		LIMIT 10000`
	rows, err := db.pool.Query(ctx, q, device, stream, from, to)
	if err != nil {
		return nil, failed(err, "read telemetry of device %s", device)
	}
	all, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (gateway.TelemetryBatch, error) {
		var b gateway.TelemetryBatch
		var columns, units []byte
		err := r.Scan(&b.Device, &b.Stream, &b.Boot, &b.N, &b.T0, &b.Command, &b.DtMS, &columns, &units)
		if err == nil {
			err = json.Unmarshal(columns, &b.V)
		}
		if err == nil {
			err = json.Unmarshal(units, &b.U)
		}
		b.T0 = b.T0.UTC()
		return b, err
	})
	return all, failed(err, "read telemetry of device %s", device)
}

// Quarantine implements [gateway.Quarantine].
func (db *DB) Quarantine(ctx context.Context, q gateway.Quarantined) error {
	_, err := db.pool.Exec(ctx, `INSERT INTO quarantine (device, topic, reason, payload, at) VALUES ($1, $2, $3, $4, $5)`,
		q.Device, clean(q.Topic), clean(q.Reason), notNil(q.Payload), orNow(q.At))
	return failed(err, "put a message of device %s into quarantine", q.Device)
}

// Quarantined returns what a device, or with "" any, said and nobody believed,
// the newest first.
func (db *DB) Quarantined(ctx context.Context, device string, limit int) ([]gateway.Quarantined, error) {
	rows, err := db.pool.Query(ctx, `SELECT device, topic, reason, payload, at FROM quarantine WHERE $1 = '' OR device = $1 ORDER BY seq DESC LIMIT $2`, device, limit)
	if err != nil {
		return nil, failed(err, "list the quarantine")
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[gateway.Quarantined])
	return all, failed(err, "list the quarantine")
}

// Secret returns the laboratory's secret of a name, 32 bytes, made at the first
// call of any process.
func (db *DB) Secret(ctx context.Context, name string) ([]byte, error) {
	fresh := make([]byte, 32)
	if _, err := rand.Read(fresh); err != nil {
		return nil, failed(err, "make secret %s", name)
	}
	if _, err := db.pool.Exec(ctx, `INSERT INTO secrets (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING`, name, fresh); err != nil {
		return nil, failed(err, "make secret %s", name)
	}
	var value []byte
	err := db.pool.QueryRow(ctx, `SELECT value FROM secrets WHERE name = $1`, name).Scan(&value)
	return value, failed(err, "read secret %s", name)
}
