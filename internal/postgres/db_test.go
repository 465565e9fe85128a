package postgres_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/athanor-lab/athanor/dataset/datasettest"
	"github.com/athanor-lab/athanor/devices/gateway/gatewaytest"
	"github.com/athanor-lab/athanor/internal/pgtest"
	"github.com/athanor-lab/athanor/internal/postgres"
	"github.com/athanor-lab/athanor/lab"
)

// TestManyProcessesMigrateOnce opens a new database from many at once, as
// several roles that start together do.
func TestManyProcessesMigrateOnce(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			db, err := postgres.Open(t.Context(), url, pgtest.Logger(t))
			if err != nil {
				t.Error(err)
				return
			}
			db.Close()
			db.Close() // twice is once
		})
	}
	wg.Wait()
	db := open(t, url)
	if v, err := db.SchemaVersion(t.Context()); err != nil || v < 6 {
		t.Errorf("schema version %d, %v; want at least 6", v, err)
	}
	if err := db.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestNewerDatabaseIsRefused wants an older program to leave the data of a
// newer one alone, and to say what to do.
func TestNewerDatabaseIsRefused(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	open(t, url)
	if _, err := connect(t, url).Exec(t.Context(), `INSERT INTO schema_versions (version, name) VALUES (9999, 'of tomorrow')`); err != nil {
		t.Fatal(err)
	}
	_, err := postgres.Open(t.Context(), url, pgtest.Logger(t))
	if lab.KindOf(err) != lab.Conflict || !strings.Contains(err.Error(), "9999") || !strings.Contains(err.Error(), "newer Athanor") {
		t.Errorf("open: %v; want it refused, naming the version and what to do", err)
	}
}

// TestTheRecordRefusesChanges tries to rewrite history by hand.
func TestTheRecordRefusesChanges(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	db := open(t, url)
	c := insert(t, db, datasettest.Campaign(1), "").Campaign.ID
	brief, plan := decision(t, c, 1, "a")
	if _, err := db.PutPlan(t.Context(), brief, plan); err != nil {
		t.Fatal(err)
	}
	if _, err := db.PutOutcome(t.Context(), datasettest.Outcome(c, 1)); err != nil {
		t.Fatal(err)
	}
	e := gatewaytest.NewEntry("furnace-1", 1)
	if _, err := db.Put(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	ev, raw := gatewaytest.NewEvent(e, lab.CommandDone, 1, 1)
	if _, _, err := db.Fold(t.Context(), "furnace-1", ev, raw); err != nil {
		t.Fatal(err)
	}
	conn := connect(t, url)
	for _, sql := range []string{
		`UPDATE outcomes SET state = 'failed'`,
		`DELETE FROM outcomes`,
		`TRUNCATE outcomes`,
		`UPDATE plans SET round = 2`,
		`DELETE FROM briefs`,
		`DELETE FROM command_events`,
		`UPDATE commands SET body = 'x'`,
		`UPDATE events SET kind = 'x'`,
		`UPDATE campaigns SET document = '{}'`,
		`INSERT INTO holds SELECT 'd', id, 1, '{}', '{}' FROM campaigns`,
	} {
		if _, err := conn.Exec(t.Context(), sql); err == nil {
			t.Errorf("%s: done, want it refused", sql)
		}
	}
	if events, err := db.CommandEvents(t.Context(), e.Command.ID); err != nil || len(events) != 1 || string(events[0]) != string(raw) {
		t.Errorf("events of the command: %q, %v; want its one", events, err)
	}
}

// TestLostDatabaseIsUnavailable wants every way of losing the database told as
// something to try again.
func TestLostDatabaseIsUnavailable(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	db := open(t, url)
	c := insert(t, db, datasettest.Campaign(1), "").Campaign.ID
	conn := connect(t, url)
	const end = `
		SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE datname = current_database() AND pid <> pg_backend_pid()`
	if _, err := conn.Exec(t.Context(), end); err != nil {
		t.Fatal(err)
	}
	// The first try may meet a dead connection; then it goes on.
	for try := range 20 {
		_, err := db.PutOutcome(t.Context(), datasettest.Outcome(c, 1))
		if err == nil {
			break
		}
		if lab.KindOf(err) != lab.Unavailable || try == 19 {
			t.Fatalf("try %d: kind %q: %v", try, lab.KindOf(err), err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := db.Campaign(ctx, c); lab.KindOf(err) != lab.Unavailable {
		t.Errorf("a call that was given up: kind %q: %v", lab.KindOf(err), err)
	}
	for name, bad := range map[string]string{
		"NoServer":   "postgres://athanor@127.0.0.1:1/athanor?connect_timeout=2",
		"NoDatabase": strings.Replace(url, "athanor_test_", "no_such_", 1),
	} {
		if _, err := postgres.Open(t.Context(), bad, pgtest.Logger(t)); lab.KindOf(err) != lab.Unavailable {
			t.Errorf("%s: kind %q: %v", name, lab.KindOf(err), err)
		}
	}
	if _, err := postgres.Open(t.Context(), "postgres://%", pgtest.Logger(t)); lab.KindOf(err) != lab.Invalid {
		t.Errorf("nonsense address: kind %q: %v", lab.KindOf(err), err)
	}
}
