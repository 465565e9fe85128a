package postgres

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/athanor-lab/athanor/lab"
)

const (
	channel = "athanor_events"
	// ringPause is the least time between two notifications of a process. The
	// server lets one notifying transaction commit at a time, so the writers of
	// events do not notify themselves.
	ringPause = 20 * time.Millisecond
	// listenCheck is how long a listener may miss an event whose writer died
	// between its commit and its notification.
	listenCheck = 2 * time.Second
)

// Append adds events to the log, in their order; Seq and a zero At are given by
// the database.
func (db *DB) Append(ctx context.Context, events ...lab.Event) error {
	if len(events) == 0 {
		return nil
	}
	defer db.ring()
	const q = `
		INSERT INTO events (at, kind, campaign_id, number, device, data)
		VALUES (coalesce($1, clock_timestamp()), $2, $3, $4, $5, $6)`
	var bad error
	err := db.exchange(ctx, func(b *pgx.Batch) {
		b.Queue(enterEvents)
		for _, e := range events {
			data, err := jsonOf(e.Data)
			if err != nil {
				bad = err
			}
			var at *time.Time
			if !e.At.IsZero() {
				at = &e.At
			}
			b.Queue(q, at, string(e.Kind), e.CampaignID, e.Number, e.Device, data)
		}
	})
	if bad != nil {
		return failed(bad, "append events")
	}
	return failed(err, "append events")
}

// EventFilter says which events are wanted. Its zero value wants all.
type EventFilter struct {
	Campaign *lab.CampaignID
	Kinds    []lab.EventKind
}

// Since returns up to limit events after seq, in order. An event with a lower
// seq than one returned never appears later. It also returns the seq to ask
// with next time, which passes over what the filter left out.
func (db *DB) Since(ctx context.Context, after int64, filter EventFilter, limit int) ([]lab.Event, int64, error) {
	limit = min(max(limit, 1), 1000)
	const newest = `SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM events_seq`
	var settled int64
	if err := db.pool.QueryRow(ctx, newest).Scan(&settled); err != nil {
		return nil, after, failed(err, "read events")
	}
	if settled <= after { // by far the most asked: no need to hold writers up
		return nil, after, nil
	}
	const q = `
		SELECT seq, at, kind, campaign_id, number, device, data
		FROM events
		WHERE seq > $1 AND seq <= $2
			AND ($3::uuid IS NULL OR campaign_id = $3)
			AND ($4::text[] IS NULL OR kind = ANY ($4))
		ORDER BY seq
		LIMIT $5`
	if err := db.pool.QueryRow(ctx, `SELECT settled_events()`).Scan(&settled); err != nil {
		return nil, after, failed(err, "read events")
	}
	rows, err := db.pool.Query(ctx, q, after, settled, filter.Campaign, filter.Kinds, limit)
	if err != nil {
		return nil, after, failed(err, "read events")
	}
	events, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (lab.Event, error) {
		var e lab.Event
		var data []byte
		err := row.Scan(&e.Seq, &e.At, &e.Kind, &e.CampaignID, &e.Number, &e.Device, &data)
		e.At, e.Data = e.At.UTC(), json.RawMessage(data)
		return e, err
	})
	if err != nil {
		return nil, after, failed(err, "read events")
	}
	if len(events) == limit {
		settled = events[limit-1].Seq
	}
	return events, max(settled, after), nil
}

// LastEvent returns the seq of the newest event, to begin watching from.
func (db *DB) LastEvent(ctx context.Context) (int64, error) {
	var seq int64
	err := db.pool.QueryRow(ctx, `SELECT settled_events()`).Scan(&seq)
	return seq, failed(err, "read the newest event's number")
}

// ring has the listeners told soon that events were written. It never blocks.
func (db *DB) ring() {
	select {
	case db.bell <- struct{}{}:
	default:
	}
}

// ringer notifies listeners, at most once in ringPause.
func (db *DB) ringer() {
	for {
		select {
		case <-db.done:
			return
		case <-db.bell:
		}
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		if _, err := db.pool.Exec(ctx, `SELECT pg_notify($1, '')`, channel); err != nil {
			db.logger.Warn("cannot notify listeners of events; they will look by themselves", "err", err)
		}
		cancel()
		select {
		case <-db.done:
			return
		case <-time.After(ringPause):
		}
	}
}

// Listen returns a channel that has something whenever there may be new events:
// at once, after every notification, and after the connection was lost and made
// again, since notifications may have been missed. It is closed when ctx ends or db is closed.
func (db *DB) Listen(ctx context.Context) <-chan struct{} {
	news := make(chan struct{}, 1)
	ctx, cancel := context.WithCancel(ctx)
	go func() { // a closed database has no news
		select {
		case <-db.done:
			cancel()
		case <-ctx.Done():
		}
	}()
	go func() {
		defer close(news)
		defer cancel()
		pause := 50 * time.Millisecond
		for ctx.Err() == nil {
			began := time.Now()
			err := db.listen(ctx, news)
			if ctx.Err() != nil {
				return
			}
			db.logger.WarnContext(ctx, "lost the connection that listens for events", "err", err)
			if time.Since(began) > time.Minute {
				pause = 50 * time.Millisecond
			}
			select {
			case <-ctx.Done():
			case <-time.After(pause):
			}
			pause = min(2*pause, 5*time.Second)
		}
	}()
	return news
}

// listen waits on one connection until it breaks or ctx ends.
func (db *DB) listen(ctx context.Context, news chan<- struct{}) error {
	// Of its own: it would keep one of the pool's for ever.
	conn, err := pgx.ConnectConfig(ctx, db.pool.Config().ConnConfig)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // nothing is lost with it
	if _, err := conn.Exec(ctx, `LISTEN `+channel); err != nil {
		return err
	}
	tell := func() {
		select {
		case news <- struct{}{}:
		default: // it has been told and has not looked yet
		}
	}
	tell()
	var known int64
	for {
		wait, cancel := context.WithTimeout(ctx, listenCheck)
		_, err := conn.WaitForNotification(wait)
		expired := wait.Err() != nil
		cancel()
		switch {
		case err == nil:
			tell()
		case ctx.Err() != nil || !expired || conn.IsClosed():
			return err
		default:
			var last int64
			if err := conn.QueryRow(ctx, `SELECT last_value FROM events_seq`).Scan(&last); err != nil {
				return err
			}
			if last != known {
				known = last
				tell()
			}
		}
	}
}
