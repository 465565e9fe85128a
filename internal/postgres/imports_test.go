package postgres_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/athanor-lab/athanor/dataset/importer"
	"github.com/athanor-lab/athanor/dataset/importtest"
	"github.com/athanor-lab/athanor/dataset/tabular"
	"github.com/athanor-lab/athanor/internal/pgtest"
	"github.com/athanor-lab/athanor/internal/postgres"
	"github.com/athanor-lab/athanor/lab"
)

// held is a table of n rows of which every 10,000th is wrong.
func table(n int) string {
	var b strings.Builder
	b.WriteString("run id,solvent,temperature (°C),yield [%{mol}],remark\n")
	for i := range n {
		yield := fmt.Sprintf("%d.5", 10+i%80)
		if i%10_000 == 9_999 {
			yield = "much"
		}
		fmt.Fprintf(&b, "r%d,%s,%d.25,%s,%s\n", i, []string{"DMSO", "", "DMF"}[i%3], 20+i%70, yield, []string{"", "bubbles"}[i%2])
	}
	return b.String()
}

type imported struct {
	db    *postgres.DB
	table *tabular.Table
	m     importer.Mapping
	rows  []importer.Row
	held  []importer.Held
	sum   importer.Summary
	imp   postgres.Import
}

// begin proposes a mapping, imports to memory and puts the import on record.
func begin(t *testing.T, n int) *imported {
	t.Helper()
	text := table(n)
	s, err := tabular.Read(strings.NewReader(text), int64(len(text)), tabular.Options{})
	if err != nil {
		t.Fatal(err)
	}
	i := &imported{db: pgtest.Open(t), table: s.Tables[0]}
	if i.m, err = importer.Propose(i.table, nil); err != nil {
		t.Fatal(err)
	}
	sha := strings.Repeat("ab", 32)
	i.sum, err = importer.Run(i.table, sha, i.m, importer.Sinks{
		Row:  func(r *importer.Row) error { i.rows = append(i.rows, r.Clone()); return nil },
		Held: func(h importer.Held) error { i.held = append(i.held, h); return nil }, Entry: func(importer.Entry) error { return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	if i.imp, err = i.db.BeginImport(t.Context(), postgres.Import{ID: i.sum.Import, SHA256: sha, Source: "table.csv", Mapping: i.m}); err != nil {
		t.Fatal(err)
	}
	return i
}

func (i *imported) run(t *testing.T, broken error) {
	t.Helper()
	w := i.db.WriteImport(t.Context(), i.imp, nil)
	sinks := w.Sinks()
	row := sinks.Row
	sinks.Row = func(r *importer.Row) error {
		if broken != nil && r.Source.Row > 50_000 {
			return broken
		}
		return row(r)
	}
	_, err := importer.Run(i.table, i.imp.SHA256, i.m, sinks)
	if !errors.Is(err, broken) {
		t.Fatalf("error %v, want %v", err, broken)
	}
	if err := w.Close(err); err != nil {
		t.Fatal(err)
	}
}

// TestImportGoesOn breaks an import off in its second chunk, goes on, and wants
// every row, in order and once; the summary is taken only then.
func TestImportGoesOn(t *testing.T) {
	t.Parallel()
	i := begin(t, 70_000)
	i.run(t, errors.New("killed"))
	if err := i.db.FinishImport(t.Context(), i.imp.ID, i.sum); err == nil {
		t.Error("an import that is not whole was finished")
	}
	again, err := i.db.BeginImport(t.Context(), i.imp)
	if err != nil || again.LastRow < 1 || again.LastRow >= 50_000 {
		t.Fatalf("%d rows are on record (%v), want those of the chunks before the break", again.LastRow, err)
	}
	i.imp = again
	i.run(t, nil)
	for range 2 {
		if err := i.db.FinishImport(t.Context(), i.imp.ID, i.sum); err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	err = i.db.EachImported(t.Context(), i.imp.ID, func(r *importer.Row) error {
		if n%1000 == 0 || n == len(i.rows)-1 {
			if d := cmp.Diff(i.rows[n], *r, cmp.Comparer(lab.Value.Equal)); d != "" {
				return fmt.Errorf("row %d (-want +got):\n%s", n, d)
			}
		}
		if i.rows[n].ID != r.ID {
			return fmt.Errorf("row %d is %s, want %s", n, r.ID, i.rows[n].ID)
		}
		n++
		return nil
	})
	if err != nil || n != len(i.rows) {
		t.Errorf("%d rows, want %d; %v", n, len(i.rows), err)
	}
	got, _, err := i.db.Imported(t.Context(), i.rows[12345].ID)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(i.rows[12345], *got, cmp.Comparer(lab.Value.Equal)); d != "" {
		t.Errorf("by its id (-want +got):\n%s", d)
	}
}

// TestSettleHeld corrects a row that was held back and wants it among the rows
// once, with its correction, and no longer held.
func TestSettleHeld(t *testing.T) {
	t.Parallel()
	i := begin(t, 20_000)
	i.run(t, nil)
	var held []importer.Held
	collect := func(h importer.Held) error { held = append(held, h); return nil }
	if err := i.db.EachHeld(t.Context(), i.imp.ID, collect); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(i.held, held); d != "" {
		t.Fatalf("held (-want +got):\n%s", d)
	}
	held[0].Texts[3] = "55.5"
	var row importer.Row
	err := importer.Replay(held[:1], i.m, func(r *importer.Row) error { row = r.Clone(); return nil }, collect)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := i.db.SettleHeld(t.Context(), i.imp.ID, &row); err != nil {
			t.Fatal(err)
		}
	}
	got, _, err := i.db.Imported(t.Context(), row.ID)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(row, *got, cmp.Comparer(lab.Value.Equal)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	held = nil
	if err := i.db.EachHeld(t.Context(), i.imp.ID, collect); err != nil || len(held) != 1 {
		t.Errorf("%d held, want 1; %v", len(held), err)
	}
	row.Source.Row = 3
	if err := i.db.SettleHeld(t.Context(), strings.Repeat("0", 64), &row); lab.KindOf(err) != lab.NotFound {
		t.Errorf("of no import: %v, want not found", err)
	}
}

// TestUploadsAreForgotten wants a file that nobody has imported gone after its time,
// whole, and that of an import kept; who comes back to the first is told so.
func TestUploadsAreForgotten(t *testing.T) {
	t.Parallel()
	ctx, db := t.Context(), pgtest.Open(t)
	desk := importer.NewDesk(db, nil, "")
	defer desk.Close()
	used, err := desk.Upload(ctx, "used.csv", strings.NewReader(importtest.Runs))
	if err != nil {
		t.Fatal(err)
	}
	try, err := desk.Try(ctx, used, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := desk.Begin(ctx, used, try.Mapping); err != nil {
		t.Fatal(err)
	}
	large := importtest.Runs + strings.Repeat("\n", 3<<20) // several parts
	left, err := desk.Upload(ctx, "left.csv", strings.NewReader(large))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []postgres.Retention{{}, {Uploads: time.Hour}} {
		if gone, err := db.Forget(ctx, r); err != nil || gone.Uploads != 0 {
			t.Errorf("by %+v %d uploads are forgotten, %v; want none", r, gone.Uploads, err)
		}
	}
	if gone, err := db.Forget(ctx, postgres.Retention{Uploads: 1}); err != nil || gone.Uploads != 1 {
		t.Errorf("%d uploads are forgotten, %v; want the one that nobody has imported", gone.Uploads, err)
	}
	if err := db.CopyFile(ctx, left.SHA256, io.Discard); lab.KindOf(err) != lab.NotFound {
		t.Errorf("the file that was left is there: %v", err)
	}
	if err := db.CopyFile(ctx, used.SHA256, io.Discard); err != nil {
		t.Errorf("the file of an import is gone: %v", err)
	}
	if _, err := desk.Begin(ctx, left, try.Mapping); lab.KindOf(err) != lab.NotFound || !strings.Contains(err.Error(), "upload it again") {
		t.Errorf("who comes back to a file that is gone is told %v", err)
	}
}
