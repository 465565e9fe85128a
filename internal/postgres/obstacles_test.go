package postgres_test

import (
	"strings"
	"testing"
	"time"

	"github.com/athanor-lab/athanor/dataset/datasettest"
	"github.com/athanor-lab/athanor/internal/pgtest"
	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/schedule/scheduletest"
)

// TestObstacles says what two steps wait for, again and in other words, and wants
// each from its first time on, until nobody says it any more or the experiment
// has ended.
func TestObstacles(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	c := insert(t, db, datasettest.Campaign(1), "").Campaign.ID
	begun := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	say := func(number int, why string, after time.Duration) {
		t.Helper()
		w := lab.Wait{CampaignID: c, ExperimentID: lab.ExperimentIDOf(c, number), Number: number, Step: "heat", Since: begun.Add(after), Why: why}
		if err := db.NoteObstacle(t.Context(), w); err != nil {
			t.Fatal(err)
		}
	}
	want := func(after time.Duration, want ...string) {
		t.Helper()
		all, err := db.Obstacles(t.Context(), c, begun.Add(after), 10)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, w := range all {
			if w.CampaignID != c || w.ExperimentID != lab.ExperimentIDOf(c, w.Number) || w.Step != "heat" {
				t.Errorf("waits %+v", w)
			}
			got = append(got, w.Why+" since "+w.Since.Sub(begun).String())
		}
		if strings.Join(got, ", ") != strings.Join(want, ", ") {
			t.Errorf("after %s wait %q, want %q", after, got, want)
		}
	}
	want(0)
	say(1, "full", 0)
	say(2, "full", time.Second)
	say(1, "full", 10*time.Second)
	want(11*time.Second, "full since 0s", "full since 1s")
	say(1, "in dispute", 20*time.Second)
	want(21*time.Second, "full since 1s", "in dispute since 20s")
	say(1, "in dispute", 70*time.Second)
	want(80*time.Second, "in dispute since 20s")
	say(1, "in dispute", 200*time.Second) // after a time in which nobody said so
	want(200*time.Second, "in dispute since 3m20s")
	if _, _, err := db.Finish(t.Context(), datasettest.Outcome(c, 1)); err != nil {
		t.Fatal(err)
	}
	want(201 * time.Second)
	say(2, "full", 48*time.Hour)
	if all, err := db.Obstacles(t.Context(), lab.CampaignID{}, begun.Add(48*time.Hour), 10); err != nil || len(all) != 1 {
		t.Errorf("of any campaign wait %+v, %v; want one", all, err)
	}
	want(48*time.Hour, "full since 48h0m0s")
}

// TestWaitingSaysWhy wants who has the device that a request waits for.
func TestWaitingSaysWhy(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	c := insert(t, db, datasettest.Campaign(1), "").Campaign.ID
	if err := db.Save(t.Context(), scheduletest.Device("heater-1", "heater")); err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		if _, ok, err := db.Reserve(t.Context(), scheduletest.Request(c, i+1, "a", "heat:heater")); err != nil || ok != (i == 0) {
			t.Fatal(ok, err)
		}
	}
	if others, err := db.Waiting(t.Context(), lab.CampaignID{1}, 10); err != nil || len(others) != 0 {
		t.Errorf("of another campaign wait %+v, %v; want none", others, err)
	}
	if none, err := db.Obstacles(t.Context(), lab.CampaignID{1}, time.Now(), 10); err != nil || len(none) != 0 {
		t.Errorf("of another campaign wait %+v, %v; want none", none, err)
	}
	waiting, err := db.Waiting(t.Context(), c, 10)
	if err != nil || len(waiting) != 1 || waiting[0].Why != "waits for heater-1, held by experiment 1" {
		t.Errorf("waiting: %+v, %v; want the second, and that the first has heater-1", waiting, err)
	}
}
