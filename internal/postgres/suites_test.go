package postgres_test

import (
	"testing"

	"github.com/athanor-lab/athanor/dataset"
	"github.com/athanor-lab/athanor/dataset/datasettest"
	"github.com/athanor-lab/athanor/devices/gateway"
	"github.com/athanor-lab/athanor/devices/gateway/gatewaytest"
	"github.com/athanor-lab/athanor/internal/pgtest"
	"github.com/athanor-lab/athanor/internal/postgres"
	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/schedule/scheduletest"
)

func TestOutcomes(t *testing.T) {
	t.Parallel()
	datasettest.Exercise(t, func(t *testing.T) dataset.Store {
		t.Helper()
		db := pgtest.Open(t)
		insert(t, db, datasettest.Campaign(1), "")
		insert(t, db, datasettest.Campaign(2), "")
		return db
	})
}

func TestBook(t *testing.T) {
	t.Parallel()
	scheduletest.Exercise(t, func(t *testing.T) scheduletest.Fixture { return pgtest.Open(t) })
}

func TestLedger(t *testing.T) {
	t.Parallel()
	gatewaytest.ExerciseLedger(t, func(t *testing.T) gateway.Ledger { return pgtest.Open(t) })
}

func TestSamples(t *testing.T) {
	t.Parallel()
	gatewaytest.ExerciseSamples(t, func(t *testing.T) gateway.Samples { return pgtest.Open(t) })
}

// TestLaboratories carries out random experiments on the real book; see
// schedule's test of the same name for many more on the one in memory.
func TestLaboratories(t *testing.T) {
	t.Parallel()
	for seed := uint64(1); seed <= 8; seed++ {
		if _, err := scheduletest.NewLaboratory(seed).Run(t.Context(), pgtest.Open(t)); err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
	}
}

// insert submits c with the bytes of its title.
func insert(t testing.TB, db *postgres.DB, c lab.Campaign, key string) postgres.CampaignRow {
	t.Helper()
	row, _, err := db.InsertCampaign(t.Context(), submission(c, key))
	if err != nil {
		t.Fatal(err)
	}
	return row
}

func submission(c lab.Campaign, key string) postgres.Submission {
	return postgres.Submission{Campaign: c, Source: []byte("# by hand\ntitle: " + c.Document.Title), Format: "yaml", Key: key}
}
