package postgres_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/athanor-lab/athanor/dataset/datasettest"
	"github.com/athanor-lab/athanor/devices/gateway/gatewaytest"
	"github.com/athanor-lab/athanor/internal/pgtest"
	"github.com/athanor-lab/athanor/internal/postgres"
	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/schedule/scheduletest"
)

// roundTrips counts the trips to the server of each call of an experiment with
// one step, as the code is written; the benchmark divides by them.
const roundTrips = 2 /* Reserve */ + 1 /* Put */ + 2 /* Fold accepted, done */ + 1 /* Notified */ + 2 /* Finish */ + 2 /* Save busy, idle */

// BenchmarkExperiment carries what one experiment with one step asks of the
// database, on as many devices as there are callers: a reservation, the ledger,
// two events, the outcome, and what the device says of itself.
func BenchmarkExperiment(b *testing.B) {
	for _, callers := range []int{1, 8} {
		b.Run(fmt.Sprintf("Callers%d", callers), func(b *testing.B) {
			db := pgtest.Open(b)
			c := insert(b, db, datasettest.Campaign(1), "").Campaign.ID
			for i := range callers {
				if err := db.Save(b.Context(), scheduletest.Device(fmt.Sprintf("heater-%d", i), "heater")); err != nil {
					b.Fatal(err)
				}
			}
			var number atomic.Int64
			b.SetParallelism(callers) // times GOMAXPROCS; more callers than devices wait
			b.ResetTimer()
			slots := make(chan struct{}, callers)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					slots <- struct{}{}
					if err := experiment(b, db, c, int(number.Add(1))); err != nil {
						b.Error(err)
					}
					<-slots
				}
			})
			perSecond := float64(b.N) / b.Elapsed().Seconds()
			b.ReportMetric(perSecond, "experiments/s")
			b.ReportMetric(perSecond*roundTrips, "trips/s")
		})
	}
}

func experiment(b *testing.B, db *postgres.DB, c lab.CampaignID, n int) error {
	ctx := b.Context()
	r := scheduletest.Request(c, n, "heat", "heat:heater")
	g, ok, err := db.Reserve(ctx, r)
	if err != nil || !ok {
		return fmt.Errorf("reserve %d: granted %v: %w", n, ok, err)
	}
	device := g.Holds[0].Device
	e := gatewaytest.NewEntry(device, n)
	e.Command.CampaignID, e.Command.ExperimentID = c, r.Experiment
	e.Command.ID = lab.CommandIDOf(r.Experiment, "heat", 1, 0)
	if _, err := db.Put(ctx, e); err != nil {
		return err
	}
	d := scheduletest.Device(device, "heater")
	for i, state := range []lab.CommandState{lab.CommandAccepted, lab.CommandDone} {
		ev, raw := gatewaytest.NewEvent(e, state, 1, int64(i+1))
		if _, _, err := db.Fold(ctx, device, ev, raw); err != nil {
			return err
		}
		d.Op, d.SeenAt = []string{"busy", "idle"}[i], time.Now()
		if err := db.Save(ctx, d); err != nil {
			return err
		}
	}
	if err := db.Notified(ctx, e.ID(), lab.CommandDone); err != nil {
		return err
	}
	_, _, err = db.Finish(ctx, datasettest.Outcome(c, n))
	return err
}

// BenchmarkLedger is the ledger's part of it alone: put, accepted, done, told.
func BenchmarkLedger(b *testing.B) {
	db := pgtest.Open(b)
	var number atomic.Int64
	b.SetParallelism(4)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			e := gatewaytest.NewEntry("furnace-1", int(number.Add(1)))
			if _, err := db.Put(b.Context(), e); err != nil {
				b.Error(err)
			}
			for i, state := range []lab.CommandState{lab.CommandAccepted, lab.CommandDone} {
				ev, raw := gatewaytest.NewEvent(e, state, 1, int64(i+1))
				if _, _, err := db.Fold(b.Context(), "furnace-1", ev, raw); err != nil {
					b.Error(err)
				}
			}
			if err := db.Notified(b.Context(), e.ID(), lab.CommandDone); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(4*float64(b.N)/b.Elapsed().Seconds(), "trips/s")
}
