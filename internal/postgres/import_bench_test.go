package postgres_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/athanor-lab/athanor/dataset/importer"
	"github.com/athanor-lab/athanor/dataset/tabular"
	"github.com/athanor-lab/athanor/internal/pgtest"
	"github.com/athanor-lab/athanor/internal/postgres"
)

// BenchmarkImport imports a table into the database.
func BenchmarkImport(b *testing.B) {
	const rows = 200_000
	text := strings.ReplaceAll(table(rows), "much", "50.5")
	for b.Loop() {
		b.StopTimer()
		db := pgtest.Open(b)
		b.StartTimer()
		s, err := tabular.Read(strings.NewReader(text), int64(len(text)), tabular.Options{})
		if err != nil {
			b.Fatal(err)
		}
		t, sha := s.Tables[0], strings.Repeat("cd", 32)
		m, err := importer.Propose(t, nil)
		if err != nil {
			b.Fatal(err)
		}
		i, err := db.BeginImport(b.Context(), postgres.Import{ID: strings.Repeat("ef", 32), SHA256: sha, Source: "bench.csv", Mapping: m})
		if err != nil {
			b.Fatal(err)
		}
		w := db.WriteImport(b.Context(), i, nil)
		sum, err := importer.Run(t, sha, m, w.Sinks())
		if err := errors.Join(err, w.Close(err)); err != nil || sum.Rows.Imported != rows {
			b.Fatalf("%+v %v", sum.Rows, err)
		}
	}
	b.ReportMetric(float64(b.N)*rows/b.Elapsed().Seconds(), "rows/s")
}
