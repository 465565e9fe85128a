package postgres

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/schedule"
)

var _ schedule.Book = (*DB)(nil)

// Reserve implements [schedule.Book].
func (db *DB) Reserve(ctx context.Context, r schedule.Request) (schedule.Grant, bool, error) {
	if err := r.Check(); err != nil {
		return schedule.Grant{}, false, err
	}
	s := &session{asked: r.ID}
	err := db.twoTrips(ctx, func(b *pgx.Batch) { s.reserve(b, r) }, func(b *pgx.Batch) error {
		switch {
		case s.ended:
			return lab.Errorf(lab.Conflict, "experiment %d of %s has ended", r.Number, r.Campaign)
		case s.owner != r.Experiment:
			return lab.Errorf(lab.Conflict, "the id belongs to experiment %s", s.owner)
		case s.answer != nil:
			b.Queue(`UPDATE requests SET told = true WHERE id = $1 AND NOT told`, r.ID)
			return nil
		}
		return s.decide(b)
	})
	if err != nil {
		return schedule.Grant{}, false, failed(err, "reserve %s", r.ID)
	}
	if s.answer == nil {
		return schedule.Grant{}, false, nil
	}
	return *s.answer, true, nil
}

// Release implements [schedule.Book].
func (db *DB) Release(ctx context.Context, experiment lab.ExperimentID, roles []string) ([]schedule.Grant, error) {
	if len(roles) == 0 {
		return nil, lab.Errorf(lab.Invalid, "release of experiment %s names no role; End frees all", experiment)
	}
	// A grant of which something was released is over, and is not given again.
	const void = `
		DELETE FROM requests
		WHERE experiment_id = $1 AND granted IS NOT NULL
			AND EXISTS (SELECT FROM jsonb_array_elements(granted -> 'holds') h WHERE h ->> 'role' = ANY ($2))`
	s := new(session)
	err := db.twoTrips(ctx, func(b *pgx.Batch) {
		s.begin(b)
		free(b, experiment, roles)
		b.Queue(void, experiment, roles)
		s.load(b)
	}, s.decide)
	return s.grants, failed(err, "release %v of %s", roles, experiment)
}

// End implements [schedule.Book].
func (db *DB) End(ctx context.Context, experiment lab.ExperimentID) ([]schedule.Grant, error) {
	s := new(session)
	err := db.twoTrips(ctx, func(b *pgx.Batch) { s.end(b, lab.CampaignID{}, experiment, 0) }, s.decide)
	return s.grants, failed(err, "end the reservations of %s", experiment)
}

// Sweep implements [schedule.Book]. It also ends the reservations of
// experiments whose outcome is recorded, should their end have been lost.
func (db *DB) Sweep(ctx context.Context) ([]schedule.Grant, error) {
	const lost = `
		SELECT DISTINCT b.experiment_id
		FROM bookings b JOIN outcomes USING (experiment_id)
		WHERE b.ended_at IS NULL
			AND (b.admitted_at IS NOT NULL OR EXISTS (SELECT FROM requests r WHERE r.experiment_id = b.experiment_id AND r.granted IS NULL))`
	rows, err := db.pool.Query(ctx, lost)
	if err != nil {
		return nil, failed(err, "sweep reservations")
	}
	over, err := pgx.CollectRows(rows, pgx.RowTo[lab.ExperimentID])
	if err != nil {
		return nil, failed(err, "sweep reservations")
	}
	for _, e := range over {
		if _, err := db.End(ctx, e); err != nil {
			return nil, err
		}
	}
	for more := true; more; {
		s := new(session)
		err = db.twoTrips(ctx, func(b *pgx.Batch) {
			s.begin(b)
			s.load(b)
		}, s.decide)
		if err != nil {
			return nil, failed(err, "sweep reservations")
		}
		more = s.more
	}
	const untold = `SELECT granted FROM requests WHERE granted IS NOT NULL AND NOT told ORDER BY since, id`
	rows, err = db.pool.Query(ctx, untold)
	if err != nil {
		return nil, failed(err, "sweep reservations")
	}
	grants, err := pgx.CollectRows(rows, pgx.RowTo[schedule.Grant])
	return grants, failed(err, "sweep reservations")
}

// Told implements [schedule.Book].
func (db *DB) Told(ctx context.Context, request string) error {
	err := db.exchange(ctx, func(b *pgx.Batch) {
		b.Queue(lazily)
		b.Queue(`UPDATE requests SET told = true WHERE id = $1 AND NOT told`, request)
	})
	return failed(err, "note that the grant of %s was told", request)
}

// Abandon implements [schedule.Book].
func (db *DB) Abandon(ctx context.Context, request string) error {
	const q = `
		WITH gone AS (DELETE FROM requests WHERE id = $1 RETURNING experiment_id, first)
		SELECT experiment_id, first FROM gone`
	var experiment lab.ExperimentID
	var first []string
	s := new(session)
	err := db.twoTrips(ctx, func(b *pgx.Batch) {
		s.begin(b)
		b.Queue(q, request).Query(func(rows pgx.Rows) error {
			_, err := pgx.ForEachRow(rows, []any{&experiment, &first}, func() error { return nil })
			return err
		})
	}, func(b *pgx.Batch) error {
		if len(first) > 0 {
			free(b, experiment, first)
		}
		return nil
	})
	return failed(err, "abandon %s", request)
}

// Why implements [schedule.Book].
func (db *DB) Why(ctx context.Context, request string) (string, error) {
	var r schedule.Request
	var g *schedule.Grant
	const q = `SELECT body, granted FROM requests WHERE id = $1`
	if err := db.pool.QueryRow(ctx, q, request).Scan(&r, &g); err != nil {
		return "", failed(err, "look up request %s", request)
	}
	if g != nil {
		return g.String(), nil
	}
	s := new(session)
	if err := db.exchange(ctx, s.load); err != nil {
		return "", failed(err, "look up request %s", request)
	}
	return s.state.Why(r), nil
}

// Waiting returns the requests of a campaign, or with a zero id of any, that wait,
// oldest first and most at most, and why: what an operator looks at when a
// laboratory stands still.
func (db *DB) Waiting(ctx context.Context, of lab.CampaignID, most int) ([]schedule.Waiting, error) {
	s := new(session)
	if err := db.exchange(ctx, s.load); err != nil {
		return nil, failed(err, "list waiting requests")
	}
	waiting := slices.DeleteFunc(slices.Clone(s.state.Waiting), func(w schedule.Waiting) bool { return !of.IsZero() && w.Request.Campaign != of })
	waiting = waiting[:min(len(waiting), most)]
	for i := range waiting {
		waiting[i].Why = s.state.Why(waiting[i].Request)
	}
	return waiting, nil
}

// session is one look at the book and what is decided in it. All of it happens
// under one lock, in two round trips: the decision is made in Go, by
// [schedule.State.Decide], for this book as for the one in memory.
type session struct {
	asked  string // the request that Reserve is about
	owner  lab.ExperimentID
	ended  bool
	answer *schedule.Grant

	state  schedule.State
	fresh  []int64 // epochs to give
	grants []schedule.Grant
	more   bool // could be granted, had there been epochs
}

// freshEpochs are drawn with every look, or as many as a request needs, so that
// a grant needs no third round trip; those left over are never used.
const freshEpochs = 4

func (s *session) begin(b *pgx.Batch) { b.Queue(`SELECT pg_advisory_xact_lock($1)`, bookLock) }

// reserve enters r as waiting unless it is known, and looks at the book.
func (s *session) reserve(b *pgx.Batch, r schedule.Request) {
	const booking = `
		INSERT INTO bookings (experiment_id, campaign_id, number, routes, waits)
		VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (experiment_id) DO NOTHING`
	const enter = `
		INSERT INTO requests (id, experiment_id, body, needs)
		SELECT $1, $2, $3, $4
		WHERE NOT EXISTS (SELECT FROM bookings WHERE experiment_id = $2 AND ended_at IS NOT NULL)
		ON CONFLICT (id) DO NOTHING`
	const look = `
		SELECT coalesce(r.experiment_id, $2), r.granted, b.ended_at IS NOT NULL
		FROM bookings b LEFT JOIN requests r ON r.id = $1
		WHERE b.experiment_id = $2`
	s.begin(b)
	b.Queue(booking, r.Experiment, r.Campaign, r.Number, notNil(r.Routes), notNil(r.Waits))
	b.Queue(enter, r.ID, r.Experiment, r, len(r.Needs))
	b.Queue(look, r.ID, r.Experiment).QueryRow(func(row pgx.Row) error { return row.Scan(&s.owner, &s.answer, &s.ended) })
	s.load(b)
}

// end frees all that an experiment holds, and looks at the book. An experiment
// that never reserved anything is noted as ended all the same.
func (s *session) end(b *pgx.Batch, c lab.CampaignID, e lab.ExperimentID, number int) {
	const booking = `
		INSERT INTO bookings (experiment_id, campaign_id, number, routes, waits, ended_at)
		VALUES ($1, $2, $3, '[]', '[]', now())
		ON CONFLICT (experiment_id) DO UPDATE SET ended_at = now() WHERE bookings.ended_at IS NULL`
	s.begin(b)
	b.Queue(booking, e, c, number)
	b.Queue(`DELETE FROM holds WHERE experiment_id = $1`, e)
	b.Queue(`DELETE FROM requests WHERE experiment_id = $1`, e)
	s.load(b)
}

// free takes roles from an experiment.
func free(b *pgx.Batch, e lab.ExperimentID, roles []string) {
	b.Queue(`DELETE FROM holds WHERE experiment_id = $1 AND roles <@ $2`, e, roles)
	b.Queue(`
		UPDATE holds
		SET roles = ARRAY (SELECT unnest(roles) EXCEPT SELECT unnest($2::text[])),
			kept = ARRAY (SELECT unnest(kept) EXCEPT SELECT unnest($2::text[]))
		WHERE experiment_id = $1 AND roles && $2`, e, roles)
}

// load reads the state on which a decision depends. While nothing waits there
// is nothing to decide, and only the time is read.
func (s *session) load(b *pgx.Batch) {
	const waits = `EXISTS (SELECT FROM requests WHERE granted IS NULL)`
	b.Queue(`SELECT clock_timestamp()`).QueryRow(func(r pgx.Row) error { return r.Scan(&s.state.Now) })
	b.Queue(`SELECT body, since FROM requests WHERE granted IS NULL ORDER BY since, id`).Query(func(rows pgx.Rows) error {
		var err error
		s.state.Waiting, err = pgx.CollectRows(rows, func(r pgx.CollectableRow) (w schedule.Waiting, err error) {
			return w, r.Scan(&w.Request, &w.Since)
		})
		return err
	})
	b.Queue(`
		SELECT d.id, d.capability, d.conn, d.op, d.mode, coalesce(u.epoch, 0),
			coalesce((SELECT request FROM told_ahead t WHERE t.device = d.id ORDER BY epoch, seq LIMIT 1), '')
		FROM devices d LEFT JOIN device_uses u ON u.device = d.id
		WHERE NOT EXISTS (SELECT FROM restorations WHERE ended_at IS NULL) -- nobody knows yet who has done what
			AND ` + waits).Query(func(rows pgx.Rows) error {
		var err error
		s.state.Devices, err = pgx.CollectRows(rows, func(r pgx.CollectableRow) (schedule.Device, error) {
			var d lab.Device
			var names []string
			var used int64
			var next string
			if err := r.Scan(&d.ID, &names, &d.Conn, &d.Op, &d.Mode, &used, &next); err != nil {
				return schedule.Device{}, err
			}
			out := schedule.DeviceOf(d, used)
			out.Capabilities, out.Next = names, next
			return out, nil
		})
		return err
	})
	b.Queue(`
		SELECT t.experiment_id
		FROM told_ahead t LEFT JOIN bookings b USING (experiment_id)
		WHERE b.admitted_at IS NULL AND ` + waits + `
		ORDER BY epoch, seq LIMIT 1`).Query(func(rows pgx.Rows) error {
		_, err := pgx.ForEachRow(rows, []any{&s.state.Next}, func() error { return nil })
		return err
	})
	b.Queue(`
		SELECT h.device, h.experiment_id, b.campaign_id, b.number, h.epoch, h.roles, h.kept
		FROM holds h JOIN bookings b USING (experiment_id)
		WHERE ` + waits).Query(func(rows pgx.Rows) error {
		var err error
		s.state.Held, err = pgx.CollectRows(rows, pgx.RowToStructByPos[schedule.Held])
		return err
	})
	b.Queue(`
		SELECT experiment_id, campaign_id, number, routes, waits
		FROM bookings
		WHERE admitted_at IS NOT NULL AND ended_at IS NULL AND ` + waits).Query(func(rows pgx.Rows) error {
		var err error
		s.state.Active, err = pgx.CollectRows(rows, pgx.RowToStructByPos[schedule.Active])
		return err
	})
	b.Queue(`
		SELECT nextval('epochs')
		FROM generate_series(1, (SELECT greatest($1::integer, max(needs)) FROM requests WHERE granted IS NULL))
		WHERE `+waits, freshEpochs).Query(func(rows pgx.Rows) error {
		var err error
		s.fresh, err = pgx.CollectRows(rows, pgx.RowTo[int64])
		return err
	})
}

// decide grants what can be granted and queues the writes of it.
func (s *session) decide(b *pgx.Batch) error {
	for _, d := range s.state.Decide() {
		need := 0
		for _, a := range d.Devices {
			if !a.Held {
				need++
			}
		}
		if need > len(s.fresh) {
			s.more = true // the rest waits for the next look
			return nil
		}
		if err := s.grant(b, d); err != nil {
			return err
		}
	}
	return nil
}

// grant queues the writes of one decision.
func (s *session) grant(b *pgx.Batch, d schedule.Decision) error {
	const hold = `
		INSERT INTO holds AS h (device, experiment_id, epoch, roles, kept)
		VALUES ($1, $2, $3, ARRAY[$4::text], CASE WHEN $5 THEN ARRAY[$4::text] ELSE '{}'::text[] END)`
	const use = `
		INSERT INTO device_uses (device, epoch) VALUES ($1, $2)
		ON CONFLICT (device) DO UPDATE SET epoch = excluded.epoch`
	const again = `
		UPDATE holds
		SET roles = ARRAY (SELECT unnest(roles) UNION SELECT $3),
			kept = CASE WHEN $4 THEN ARRAY (SELECT unnest(kept) UNION SELECT $3) ELSE kept END
		WHERE device = $1 AND experiment_id = $2`
	const admit = `UPDATE bookings SET admitted_at = now() WHERE experiment_id = $1 AND admitted_at IS NULL`
	const answer = `UPDATE requests SET granted = $2, first = $3, told = $4 WHERE id = $1`
	r := d.Request
	g := schedule.Grant{Request: r.ID, Workflow: r.Workflow, Activity: r.Activity}
	first := []string{}
	for _, a := range d.Devices {
		keep := slices.Contains(r.Keep, a.Role)
		h := schedule.Hold{Role: a.Role, Device: a.Device}
		if a.Held {
			i := slices.IndexFunc(s.state.Held, func(x schedule.Held) bool { return x.Device == a.Device })
			h.Epoch = s.state.Held[i].Epoch
			b.Queue(again, a.Device, r.Experiment, a.Role, keep)
		} else {
			h.Epoch, s.fresh = s.fresh[0], s.fresh[1:]
			first = append(first, a.Role)
			b.Queue(hold, a.Device, r.Experiment, h.Epoch, a.Role, keep)
			b.Queue(use, a.Device, h.Epoch)
		}
		g.Holds = append(g.Holds, h)
	}
	if d.Admit {
		b.Queue(admit, r.Experiment)
	}
	granted, err := json.Marshal(g)
	if err != nil {
		return err
	}
	b.Queue(answer, r.ID, granted, first, r.ID == s.asked)
	if r.ID == s.asked {
		s.answer = &g
	} else {
		s.grants = append(s.grants, g)
	}
	return nil
}
