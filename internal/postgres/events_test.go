package postgres_test

import (
	"context"
	"encoding/json"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/athanor-lab/athanor/internal/pgtest"
	"github.com/athanor-lab/athanor/internal/postgres"
	"github.com/athanor-lab/athanor/lab"
)

// TestReaderMissesNoEvent has many writers and a reader that always goes on
// after what it has seen, and wants every event read once, in order. Numbers
// are drawn before they can be seen, so a careless reader misses some.
func TestReaderMissesNoEvent(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	const writers, each = 8, 40
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				e := lab.Event{Kind: lab.EventExperiment, Number: w*each + i + 1, Data: json.RawMessage(`{"state":"started"}`)}
				if err := db.Append(t.Context(), e, lab.Event{Kind: lab.EventDevice, Device: "d"}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	seen := make(map[int]bool)
	after := int64(0)
	filter := postgres.EventFilter{Kinds: []lab.EventKind{lab.EventExperiment}}
	for range db.Listen(t.Context()) {
		for {
			events, next, err := db.Since(t.Context(), after, filter, 50)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range events {
				if seen[e.Number] || e.Seq <= after {
					t.Errorf("event %d of number %d comes after %d", e.Seq, e.Number, after)
				}
				seen[e.Number] = true
				after = e.Seq
			}
			after = next
			if len(events) == 0 {
				break
			}
		}
		if len(seen) == writers*each {
			break
		}
	}
	wg.Wait()
	if last, err := db.LastEvent(t.Context()); err != nil || last < 2*writers*each {
		t.Errorf("the newest event is %d, %v; want at least %d", last, err, 2*writers*each)
	}
}

// TestListenSurvivesTheServer ends the listener's connection, as a server that
// restarts does, and wants it to hear of what is written after.
func TestListenSurvivesTheServer(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	db := open(t, url)
	ctx, cancel := context.WithCancel(t.Context())
	news := db.Listen(ctx)
	await(t, news) // the first is said at once
	conn := connect(t, url)
	const end = `
		SELECT count(pg_terminate_backend(pid))
		FROM pg_stat_activity
		WHERE datname = current_database() AND query LIKE 'LISTEN%'`
	var ended int
	if err := conn.QueryRow(t.Context(), end).Scan(&ended); err != nil || ended != 1 {
		t.Fatalf("ended %d listeners, %v; want 1", ended, err)
	}
	await(t, news) // connected again: look, something may have been missed
	if err := db.Append(t.Context(), lab.Event{Kind: lab.EventDevice, Device: "d"}); err != nil {
		t.Fatal(err)
	}
	await(t, news)
	cancel()
	for range news { // until it is closed
	}
}

// TestListenHearsWithoutNotification writes through one connection and listens
// through another, without a notification: the writer died before it.
func TestListenHearsWithoutNotification(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	db := open(t, url)
	news := db.Listen(t.Context())
	await(t, news)
	if _, err := connect(t, url).Exec(t.Context(), `INSERT INTO events (kind) VALUES ('device')`); err != nil {
		t.Fatal(err)
	}
	await(t, news)
	if events, _, err := db.Since(t.Context(), 0, postgres.EventFilter{}, 10); err != nil || len(events) != 1 {
		t.Errorf("%d events, %v; want 1", len(events), err)
	}
}

func await(t *testing.T, news <-chan struct{}) {
	t.Helper()
	select {
	case <-news:
	case <-time.After(30 * time.Second):
		t.Fatal("no news within 30 s")
	}
}

func open(t testing.TB, url string) *postgres.DB {
	t.Helper()
	db, err := postgres.Open(t.Context(), url, pgtest.Logger(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}

func connect(t testing.TB, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return conn
}
