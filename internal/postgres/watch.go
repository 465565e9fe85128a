package postgres

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/athanor-lab/athanor/lab"
)

// Disputes returns the handovers that are not settled, those that wait for a
// person first, oldest first, at most 1,000.
func (db *DB) Disputes(ctx context.Context) ([]lab.Dispute, error) {
	const q = `
		SELECT token, sample, from_device, from_slot, to_device, to_slot, state, gave_state, took_state, give ->> 'campaign_id', coalesce((give ->> 'number')::integer, 0), opened_at
		FROM handovers
		WHERE state IN ('open', 'uncertain')
		ORDER BY state = 'open', opened_at, token
		LIMIT 1000`
	rows, err := db.pool.Query(ctx, q)
	if err != nil {
		return nil, failed(err, "list handovers")
	}
	all, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (lab.Dispute, error) {
		var d lab.Dispute
		var campaign *string
		err := r.Scan(&d.Token, &d.Sample, &d.From.Device, &d.From.Slot, &d.To.Device, &d.To.Slot, &d.State, &d.Gave, &d.Took, &campaign, &d.Number, &d.OpenedAt)
		d.OpenedAt = d.OpenedAt.UTC()
		if campaign != nil {
			if id, bad := lab.ParseCampaignID(*campaign); bad == nil && !id.IsZero() {
				d.Campaign = &id
			}
		}
		return d, err
	})
	return all, failed(err, "list handovers")
}

// Placements returns the samples that are in the laboratory, by device and slot,
// at most 10,000.
func (db *DB) Placements(ctx context.Context) ([]lab.Placement, error) {
	rows, err := db.pool.Query(ctx, `SELECT sample, device, slot, certain FROM placements WHERE device <> $1 ORDER BY device, slot LIMIT 10000`, lab.Outside)
	if err != nil {
		return nil, failed(err, "list samples")
	}
	all, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (lab.Placement, error) {
		var p lab.Placement
		return p, r.Scan(&p.Sample, &p.Device, &p.Slot, &p.Certain)
	})
	return all, failed(err, "list samples")
}

// Limits of what is kept of a device: the newest that many are never too many.
const (
	quarantineKept = 1000
	telemetryKept  = 100_000 // batches of a device, a day of one stream that speaks every second
)

// Retention is how long records are kept that nothing but people looks at; 0 is
// for ever.
type Retention struct {
	Events    time.Duration // of the log
	Telemetry time.Duration
	Uploads   time.Duration // files that nobody has imported
}

// Forgotten counts what [DB.Forget] deleted.
type Forgotten struct{ Events, Telemetry, Quarantine, Uploads int64 }

// forgetMost is how many rows one statement deletes, so that it holds nobody up.
const forgetMost = 10_000

// filesMost is how many files one statement deletes; each may be large.
const filesMost = 4

// Forget deletes records that are older than they are kept, and what is beyond the
// bounds of a device. It never deletes an event of a campaign that has not ended:
// its page and its log are read from there. The dataset, plans, commands with
// their events, samples and predictions are in tables of their own and are not
// touched.
func (db *DB) Forget(ctx context.Context, r Retention) (Forgotten, error) {
	const events = `
		DELETE FROM events
		WHERE seq IN (
			SELECT e.seq FROM events e LEFT JOIN campaigns c ON c.id = e.campaign_id
			WHERE e.at < now() - make_interval(secs => $1)
				AND (e.campaign_id IS NULL OR c.id IS NULL OR c.state IN ('completed', 'failed', 'aborted'))
			ORDER BY e.seq LIMIT $2)`
	const telemetry = `
		DELETE FROM telemetry
		WHERE ctid IN (SELECT ctid FROM telemetry WHERE until < now() - make_interval(secs => $1) LIMIT $2)`
	const surplus = `
		DELETE FROM telemetry
		WHERE ctid IN (
			SELECT ctid FROM (SELECT ctid, row_number() OVER (PARTITION BY device ORDER BY t0 DESC) AS n FROM telemetry) t
			WHERE n > $1 LIMIT $2)`
	const quarantine = `
		DELETE FROM quarantine
		WHERE seq IN (
			SELECT seq FROM (SELECT seq, row_number() OVER (PARTITION BY device ORDER BY seq DESC) AS n FROM quarantine) q
			WHERE n > $1 LIMIT $2)`
	const uploads = `
		WITH gone AS (
			DELETE FROM import_files
			WHERE sha256 IN (
				SELECT sha256 FROM import_files f
				WHERE part = 0 AND at < now() - make_interval(secs => $1) AND NOT EXISTS (SELECT FROM imports i WHERE i.file_sha256 = f.sha256)
				LIMIT $2 FOR UPDATE SKIP LOCKED)
			RETURNING part
		)
		SELECT count(*) FROM gone WHERE part = 0`
	var done Forgotten
	for n := int64(filesMost); r.Uploads > 0 && n == filesMost; done.Uploads += n {
		if err := db.pool.QueryRow(ctx, uploads, r.Uploads.Seconds(), filesMost).Scan(&n); err != nil {
			return done, failed(err, "forget what nobody has imported")
		}
	}
	for _, d := range []struct {
		n    *int64
		q    string
		most float64
		skip bool
	}{
		{&done.Events, events, r.Events.Seconds(), r.Events <= 0},
		{&done.Telemetry, telemetry, r.Telemetry.Seconds(), r.Telemetry <= 0},
		{&done.Telemetry, surplus, telemetryKept, false},
		{&done.Quarantine, quarantine, quarantineKept, false},
	} {
		for more := !d.skip; more; {
			tag, err := db.pool.Exec(ctx, d.q, d.most, forgetMost)
			if err != nil {
				return done, failed(err, "forget what is old")
			}
			*d.n += tag.RowsAffected()
			more = tag.RowsAffected() == forgetMost
		}
	}
	return done, nil
}

// seriesBatches is how many batches are read for one answer.
const seriesBatches = 10_000

// Series returns a device's telemetry from one instant to another, each quantity
// as at most most points: where there are more rows, the time is cut into that
// many parts. Of a long time the newest 10,000 batches are read.
func (db *DB) Series(ctx context.Context, device string, from, to time.Time, most int) ([]lab.Series, error) {
	const q = `
		SELECT stream, t0, dt_ms, columns, units
		FROM telemetry
		WHERE device = $1 AND until >= $2 AND t0 < $3
		ORDER BY t0 DESC
		LIMIT $4`
	rows, err := db.pool.Query(ctx, q, device, from, to, seriesBatches)
	if err != nil {
		return nil, failed(err, "read telemetry of device %s", device)
	}
	defer rows.Close()
	type key struct{ stream, column string }
	all := map[key]*lab.Series{}
	for rows.Next() {
		var stream string
		var t0 time.Time
		var dt []float64
		var columns map[string][]float64
		var units map[string]lab.Unit
		if err := rows.Scan(&stream, &t0, &dt, &columns, &units); err != nil {
			return nil, failed(err, "read telemetry of device %s", device)
		}
		for name, values := range columns {
			s := all[key{stream, name}]
			if s == nil {
				s = &lab.Series{Stream: stream, Column: name, Unit: units[name]}
				all[key{stream, name}] = s
			}
			for i, v := range values {
				at := t0.Add(time.Duration(dt[i] * float64(time.Millisecond))).UTC()
				if !at.Before(from) && at.Before(to) {
					s.Points = append(s.Points, lab.SeriesPoint{At: at, Mean: v, Min: v, Max: v, N: 1})
				}
			}
		}
	}
	if err := rows.Err(); err != nil {
		return nil, failed(err, "read telemetry of device %s", device)
	}
	out := []lab.Series{}
	for _, s := range slices.SortedFunc(maps.Values(all), func(a, b *lab.Series) int {
		return cmp.Or(cmp.Compare(a.Stream, b.Stream), cmp.Compare(a.Column, b.Column))
	}) {
		slices.SortStableFunc(s.Points, func(a, b lab.SeriesPoint) int { return a.At.Compare(b.At) })
		s.Points = thin(s.Points, most)
		out = append(out, *s)
	}
	return out, nil
}

// thin joins points until there are at most most, by equal parts of their time.
func thin(points []lab.SeriesPoint, most int) []lab.SeriesPoint {
	if len(points) <= most {
		return points
	}
	first, span := points[0].At, points[len(points)-1].At.Sub(points[0].At)+1
	out, last := make([]lab.SeriesPoint, 0, most), -1
	for _, p := range points {
		part := int(float64(p.At.Sub(first)) / float64(span) * float64(most))
		if part != last {
			out, last = append(out, p), part
			continue
		}
		o := &out[len(out)-1]
		o.Mean = (o.Mean*float64(o.N) + p.Mean) / float64(o.N+1)
		o.Min, o.Max, o.N = min(o.Min, p.Min), max(o.Max, p.Max), o.N+1
	}
	return out
}
