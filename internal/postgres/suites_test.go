package postgres_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/athanor-lab/athanor/dataset"
	"github.com/athanor-lab/athanor/dataset/datasettest"
	"github.com/athanor-lab/athanor/dataset/importer"
	"github.com/athanor-lab/athanor/dataset/importtest"
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

// TestImportDesk has the database keep imports that a desk asks for.
func TestImportDesk(t *testing.T) {
	t.Parallel()
	importtest.Exercise(t, func(t *testing.T) importtest.Fixture {
		t.Helper()
		db := pgtest.Open(t)
		return importtest.Fixture{Store: db, Work: func(id string) error { return work(t, db, id) }}
	})
}

// work carries an import out as a worker does.
func work(t *testing.T, db *postgres.DB, id string) error {
	t.Helper()
	i, err := db.Import(t.Context(), id)
	if err != nil {
		return err
	}
	path := filepath.Join(t.TempDir(), i.Source)
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := errors.Join(db.CopyFile(t.Context(), i.SHA256, f), f.Close()); err != nil {
		return err
	}
	o, err := importer.Job{Path: path, Mapping: &i.Mapping}.Look()
	if err != nil {
		return err
	}
	w := db.WriteImport(t.Context(), i, nil)
	sum, err := importer.Run(o.Table, o.SHA256, o.Mapping, w.Sinks())
	return errors.Join(err, w.Close(err), o.Close(), db.FinishImport(t.Context(), id, sum))
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

func TestRecalls(t *testing.T) {
	gatewaytest.ExerciseRecalls(t, func(t *testing.T) (gateway.Recalls, gateway.Ledger) {
		t.Helper()
		db := pgtest.Open(t)
		for _, id := range []string{"d-1", "d-2"} {
			if err := db.Save(t.Context(), scheduletest.Device(id, "doser")); err != nil {
				t.Fatal(err)
			}
		}
		if err := db.Restored(t.Context()); err != nil {
			t.Fatal(err)
		}
		return db, db
	})
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
