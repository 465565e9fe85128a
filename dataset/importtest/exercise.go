package importtest

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/athanor-lab/athanor/dataset/importer"
	"github.com/athanor-lab/athanor/lab"
)

// Fixture is a store whose imports are carried out by Work, when they are not
// carried out by themselves.
type Fixture struct {
	importer.Store
	Work func(id string) error
}

// Runs is a table with a yield whose unit is asked for, a row that only a rule
// ignores, one that is too short and one that is no number.
const Runs = "run id,solvent,temperature (°C),yield (%),status\n" +
	"a1,DMSO,90.5,41.25,ok\na2,DMF,95,52.5,ok\na3,DMF,100,much,ok\na4,DMSO,105,61,calibration\na5,DMSO,110\na6,DMF,115,70.75,ok\n"

// Exercise carries imports from the file to the corrected row, and wants the
// ledger to count every cell at every moment.
func Exercise(t *testing.T, newFixture func(t *testing.T) Fixture) {
	t.Run("FromFileToCorrectedRow", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		d := importer.NewDesk(f, nil, "")
		defer d.Close() //nolint:errcheck // of the operating system's
		o, err := d.Upload(t.Context(), "../runs.csv", strings.NewReader(Runs))
		if err != nil || o.Source != "runs.csv" {
			t.Fatalf("kept as %q: %v", o.Source, err)
		}
		try := confirmed(t, d, o)
		if r := try.Summary.Rows; r.Imported != 3 || r.Quarantined != 2 || r.Ignored != 1 {
			t.Fatalf("a trial would import %+v, want 3, hold back 2 and ignore 1: %+v", r, try.Summary.Faults)
		}
		s, err := d.Begin(t.Context(), o, try.Mapping)
		if err != nil || s.ID != try.Import {
			t.Fatalf("begun as %s, tried as %s: %v", s.ID, try.Import, err)
		}
		if f.Work != nil {
			if err := f.Work(s.ID); err != nil {
				t.Fatal(err)
			}
		}
		wantLedger(t, d, s.ID, 2, 0)
		settle(t, d, s.ID)
		wantLedger(t, d, s.ID, 0, 2)
		if again, err := d.Try(t.Context(), o, "", &try.Mapping); err != nil || !again.OnRecord {
			t.Errorf("an import on record is not told: %v", err)
		}
		all, err := d.Standings(t.Context(), 10)
		if err != nil || len(all) != 1 || all[0].ID != s.ID {
			t.Errorf("%d imports are listed, want the one: %v", len(all), err)
		}
	})
	t.Run("WhatIsNotThere", func(t *testing.T) {
		t.Parallel()
		f, none := newFixture(t), strings.Repeat("0", 64)
		if _, err := f.Standing(t.Context(), none); lab.KindOf(err) != lab.NotFound {
			t.Errorf("an import that is not there: %v", err)
		}
		if _, err := f.HeldRows(t.Context(), none, 0, 1); lab.KindOf(err) != lab.NotFound {
			t.Errorf("rows of an import that is not there: %v", err)
		}
		if err := f.CopyFile(t.Context(), none, &strings.Builder{}); lab.KindOf(err) != lab.NotFound {
			t.Errorf("a file that is not there: %v", err)
		}
		if err := f.PutImport(t.Context(), importer.Standing{ID: none, SHA256: none, Source: "runs.csv"}); lab.KindOf(err) != lab.NotFound {
			t.Errorf("an import of a file that is not there: %v", err)
		}
	})
}

// confirmed answers what the proposed mapping asks, and adds a rule.
func confirmed(t *testing.T, d *importer.Desk, o importer.Offered) importer.Trial {
	t.Helper()
	try, err := d.Try(t.Context(), o, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if r := try.Summary.Rows; r.Imported != 0 || r.Quarantined != 6 {
		t.Fatalf("without an answer %+v would be imported, want all held back", r)
	}
	m := try.Mapping
	if err := m.Answer(importer.Answers{Units: []string{"yield=%"}}); err != nil {
		t.Fatal(err)
	}
	m.IgnoreRows = []importer.RowRule{{Column: 5, Is: []string{"calibration"}, Why: "no experiment"}}
	if try, err = d.Try(t.Context(), o, "", &m); err != nil {
		t.Fatal(err)
	}
	return try
}

func settle(t *testing.T, d *importer.Desk, id string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	held, err := d.HeldRows(ctx, id, 0, 10)
	if err != nil || len(held) != 2 {
		t.Fatalf("%d rows are held, want 2: %v", len(held), err)
	}
	wrong := importer.Edit{Row: held[0].Source.Row, Texts: slices.Clone(held[0].Texts)}
	wrong.Texts[3] = "more"
	r, err := d.Replay(ctx, id, []importer.Edit{wrong})
	if err != nil || len(r.Imported) != 0 || len(r.Held) != 1 || r.Held[0].Faults[0].Text != "more" {
		t.Fatalf("an edit that is wrong gave %+v: %v", r, err)
	}
	wrong.Texts[3] = "58.5"
	short := importer.Edit{Row: held[1].Source.Row, Texts: append(slices.Clone(held[1].Texts), "66", "ok")}
	if r, err = d.Replay(ctx, id, []importer.Edit{wrong, short}); err != nil || len(r.Imported) != 2 {
		t.Fatalf("two corrected rows gave %+v: %v", r, err)
	}
	if _, err := d.Replay(ctx, id, []importer.Edit{wrong}); lab.KindOf(err) != lab.Conflict {
		t.Errorf("a row that is settled was settled again: %v", err)
	}
}

func wantLedger(t *testing.T, d *importer.Desk, id string, held, settled int) {
	t.Helper()
	s, err := d.Standing(context.WithoutCancel(t.Context()), id)
	if err != nil {
		t.Fatal(err)
	}
	c := s.Cells
	if s.Held != held || s.Settled != settled {
		t.Errorf("%d held and %d settled, want %d and %d", s.Held, s.Settled, held, settled)
	}
	want := importer.Cells{All: 33, Mapped: 9, Attributes: 6, Quarantined: 8, Ignored: 5, Structure: 5}
	if settled > 0 { // the short row got the two cells that it lacked
		want = importer.Cells{All: 35, Mapped: 15, Attributes: 10, Ignored: 5, Structure: 5}
	}
	if c != want {
		t.Errorf("the ledger is %+v, want %+v", c, want)
	}
}
