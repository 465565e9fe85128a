package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/athanor-lab/athanor/dataset/formats"
	"github.com/athanor-lab/athanor/dataset/importer"
	"github.com/athanor-lab/athanor/internal/pgtest"
	"github.com/athanor-lab/athanor/internal/postgres"
	"github.com/athanor-lab/athanor/lab"
)

// TestImportInParts imports a table of 100,000 rows a chunk at a time, with one
// part cancelled inside, and wants every row once, the summary of the whole, and
// what can never be to be told to whoever waits.
func TestImportInParts(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("run id,temperature (°C),yield [%{mol}]\n")
	const rows = 100_000
	for i := range rows {
		fmt.Fprintf(&b, "r%d,%d.5,%d.25\n", i, 20+i%70, 10+i%80)
	}
	path := filepath.Join(t.TempDir(), "runs.csv")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	db := pgtest.Open(t)
	o, err := importer.Job{Path: path, Open: formats.Open}.Look()
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	if err := db.PutFile(t.Context(), o.SHA256, strings.NewReader(b.String()+"x")); lab.KindOf(err) != lab.Invalid {
		t.Errorf("other bytes: %v, want an invalid one", err)
	}
	for range 2 {
		if err := db.PutFile(t.Context(), o.SHA256, strings.NewReader(b.String())); err != nil {
			t.Fatal(err)
		}
	}
	imp, err := db.BeginImport(t.Context(), postgres.Import{ID: o.Import(), SHA256: o.SHA256, Source: "runs.csv", Mapping: o.Mapping})
	if err != nil {
		t.Fatal(err)
	}
	if ids, err := db.OpenImports(t.Context()); err != nil || len(ids) != 1 {
		t.Fatalf("open %v, %v; want the one", ids, err)
	}
	i := &imports{db: db, most: 1 << 15}
	last, parts := 0, 0
	for done := false; !done; parts++ {
		ctx, cancel := context.WithCancel(t.Context())
		p, err := i.ImportSome(ctx, imp.ID, func(row int) {
			if last = row; parts == 1 {
				cancel()
			}
		})
		cancel()
		if parts != 1 && err != nil || parts > 10 {
			t.Fatalf("part %d: %v", parts, err)
		}
		if done = p.Done; done && (p.Imported != rows || p.Row != rows+1) {
			t.Errorf("%+v, want %d rows", p, rows)
		}
	}
	if parts < 4 || last != rows+1 {
		t.Errorf("%d parts to row %d, want at least 4 to %d", parts, last, rows+1)
	}
	n := 0
	err = db.EachImported(t.Context(), imp.ID, func(r *importer.Row) error {
		if r.Source.Row != n+2 || r.Attributes[0].Text != fmt.Sprint("r", n) {
			return fmt.Errorf("row %d of the table is %+v", n, r)
		}
		n++
		return nil
	})
	if err != nil || n != rows {
		t.Errorf("%d rows, want %d; %v", n, rows, err)
	}
	if ids, err := db.OpenImports(t.Context()); err != nil || len(ids) != 0 {
		t.Errorf("open %v, %v; want none", ids, err)
	}

	// The mapping is of another table.
	other := "a [eV],b [eV]\n1,2\n"
	sum := sha256.Sum256([]byte(other))
	sha := hex.EncodeToString(sum[:])
	bad := postgres.Import{ID: strings.Repeat("0", 64), SHA256: sha, Source: "other.csv", Mapping: o.Mapping}
	if bad, err = db.BeginImport(t.Context(), bad); err != nil {
		t.Fatal(err)
	}
	if err := db.PutFile(t.Context(), sha, strings.NewReader(other)); err != nil {
		t.Fatal(err)
	}
	if _, err := i.ImportSome(t.Context(), bad.ID, func(int) {}); err == nil {
		t.Error("an import by the mapping of another table succeeded")
	}
	if bad, err = db.Import(t.Context(), bad.ID); err != nil || bad.Failure == "" {
		t.Errorf("failure %q, %v; want why it cannot be", bad.Failure, err)
	}
}
