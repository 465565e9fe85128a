package parquet_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	pq "github.com/parquet-go/parquet-go"

	"github.com/athanor-lab/athanor/dataset"
	"github.com/athanor-lab/athanor/dataset/datasettest"
	"github.com/athanor-lab/athanor/dataset/importer"
	"github.com/athanor-lab/athanor/dataset/parquet"
	"github.com/athanor-lab/athanor/lab"
)

func outcomes(n int) dataset.Each {
	return func(_ context.Context, id lab.CampaignID, yield func(lab.Outcome) error) error {
		for i := 1; i <= n; i++ {
			if err := yield(datasettest.Outcome(id, i)); err != nil {
				return err
			}
		}
		return nil
	}
}

func export(t *testing.T, n int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := parquet.Export(t.Context(), datasettest.Campaign(1), outcomes(n), &b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func open(t *testing.T, b []byte) *pq.File {
	t.Helper()
	f, err := pq.OpenFile(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// read returns the rows of a file as JSON objects.
func read(t *testing.T, b []byte) (rows []map[string]any) {
	t.Helper()
	r := pq.NewReader(open(t, b))
	defer r.Close()
	for {
		row := map[string]any{}
		err := r.Read(&row)
		if errors.Is(err, io.EOF) {
			return rows
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(row)
		if err != nil {
			t.Fatal(err)
		}
		row = map[string]any{}
		if err := json.Unmarshal(text, &row); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
}

// TestExport writes outcomes, reads them back, and wants every value of the
// JSONL export in its typed column.
func TestExport(t *testing.T) {
	t.Parallel()
	c := datasettest.Campaign(1)
	got := read(t, export(t, 50))
	if len(got) != 50 {
		t.Fatalf("%d rows, want 50", len(got))
	}
	failed := 0
	err := outcomes(50)(t.Context(), c.ID, func(o lab.Outcome) error {
		row, err := dataset.RowOf(c, o)
		if err != nil {
			return err
		}
		g := got[o.Proposal.Number-1]
		experiment, decision := g["experiment"].(map[string]any), g["decision"].(map[string]any)
		if experiment["experiment_id"] != o.Proposal.ExperimentID.String() || experiment["state"] != string(o.State) || experiment["text"] != row.Text || decision["reason"] != row.Decision.Reason {
			t.Errorf("experiment %d: %v", row.Number, experiment)
		}
		if row.Failure != nil {
			failed++
			if decision["failure_code"] != row.Failure.Code {
				t.Errorf("experiment %d: failure %v, want %s", row.Number, decision["failure_code"], row.Failure.Code)
			}
		}
		for _, s := range row.Settings {
			want, err := json.Marshal(s.Value.Value)
			if err != nil {
				return err
			}
			have, err := json.Marshal(g["settings"].(map[string]any)[s.Name])
			if err != nil {
				return err
			}
			if !bytes.Equal(want, have) && string(want) != "null" {
				t.Errorf("experiment %d: setting %s is %s, want %s", row.Number, s.Name, have, want)
			}
		}
		for _, m := range row.Observed {
			have := g["observed"].(map[string]any)[m.Name].(map[string]any)["value"]
			if m.Value.Value == nil && have != nil || m.Value.Value != nil && have != *m.Value.Value {
				t.Errorf("experiment %d: %s is %v, want %v", row.Number, m.Name, have, m.Value.Value)
			}
		}
		if have, _ := decision["steps"].([]any); len(have) != len(row.Steps) {
			t.Errorf("experiment %d: %d steps, want %d", row.Number, len(have), len(row.Steps))
		}
		return nil
	})
	if err != nil || failed == 0 {
		t.Errorf("error %v and %d failures, want none and some", err, failed)
	}
}

// TestUnitsAndOrder wants the unit of every column in the metadata, and the
// columns in the order of the document.
func TestUnitsAndOrder(t *testing.T) {
	t.Parallel()
	f := open(t, export(t, 3))
	d := datasettest.Campaign(1).Document
	for _, p := range d.Space.Parameters {
		if got, _ := f.Lookup("unit.settings." + p.Name); got != string(p.Unit) {
			t.Errorf("settings.%s has the unit %q, want %q", p.Name, got, p.Unit)
		}
	}
	for _, o := range d.Objectives {
		if got, _ := f.Lookup("unit.observed." + o.Name + ".value"); got != string(o.Unit) {
			t.Errorf("observed.%s has the unit %q, want %q", o.Name, got, o.Unit)
		}
	}
	var names, want []string
	for _, c := range f.Root().Column("settings").Columns() {
		names = append(names, c.Name())
	}
	for _, p := range d.Space.Parameters {
		want = append(want, p.Name)
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
}

// TestSameBytes writes the same rows again, on one core and on two, and wants
// the same bytes.
func TestSameBytes(t *testing.T) {
	first := export(t, 20000)
	for _, cores := range []int{1, 2} {
		before := runtime.GOMAXPROCS(cores)
		again := export(t, 20000)
		runtime.GOMAXPROCS(before)
		if !bytes.Equal(first, again) {
			t.Errorf("on %d cores: other bytes", cores)
		}
	}
}

// TestBadRows wants a row that does not fit refused by name.
func TestBadRows(t *testing.T) {
	t.Parallel()
	good := parquet.Shape{Settings: []parquet.Field{{Name: "t", Unit: "K", Kind: parquet.Numbers}}, Objectives: []parquet.Field{{Name: "y", Unit: "1", Kind: parquet.Numbers}}}
	label := importer.Row{Settings: []lab.Setting{{Name: "t", Value: lab.Label("hot")}}}
	unit := importer.Row{Observed: []lab.Measured{{Name: "y", Value: 1, Unit: "%"}}}
	for name, c := range map[string]struct {
		s parquet.Shape
		r importer.Row
	}{
		"LabelForNumber": {good, label},
		"OtherUnit":      {good, unit},
		"Quote":          {parquet.Shape{Settings: []parquet.Field{{Name: `a"b`}}}, importer.Row{}},
		"Twice":          {parquet.Shape{Settings: []parquet.Field{{Name: "a"}, {Name: "a"}}}, importer.Row{}},
	} {
		err := parquet.WriteImported(io.Discard, c.s, func(yield func(importer.Row) error) error { return yield(c.r) })
		if lab.KindOf(err) != lab.Invalid {
			t.Errorf("%s: error %v, want an invalid one", name, err)
		}
	}
	s := good
	if err := s.Merge(parquet.Shape{Settings: []parquet.Field{{Name: "t", Unit: "Cel", Kind: parquet.Numbers}}}); lab.KindOf(err) != lab.Conflict {
		t.Errorf("another unit: error %v, want a conflict", err)
	}
}

// TestImported writes rows of an import and reads them back.
func TestImported(t *testing.T) {
	t.Parallel()
	s := parquet.Shape{Settings: []parquet.Field{{Name: "t", Unit: "K", Kind: parquet.Numbers}, {Name: "solvent", Kind: parquet.Labels}}, Objectives: []parquet.Field{{Name: "y", Unit: "%", Kind: parquet.Numbers}}}
	row := importer.Row{
		ID: "r1", Source: importer.Source{SHA256: "ab", Row: 7, Offset: 99},
		Settings: []lab.Setting{{Name: "t", Value: lab.Number(300.5), Unit: "K"}, {Name: "solvent", Value: lab.Label("DMSO")}},
		Observed: []lab.Measured{{Name: "y", Value: 0.25, Unit: "%"}}, Attributes: []importer.Attribute{{Name: "id", Text: "=x"}},
	}
	var b bytes.Buffer
	if err := parquet.WriteImported(&b, s, func(yield func(importer.Row) error) error { return yield(row) }); err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(read(t, b.Bytes())[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"t":300.5`, `"solvent":"DMSO"`, `"value":0.25`, `"row":7`, `"text":"=x"`} {
		if !strings.Contains(string(got), want) {
			t.Errorf("%s: no %s", got, want)
		}
	}
}

// TestMemory streams a million rows (20,000 unless ATHANOR_LARGE is set) and
// wants the memory to stay under 200 MB.
func TestMemory(t *testing.T) {
	n := 20000
	if os.Getenv("ATHANOR_LARGE") != "" {
		n = 1000000
	}
	c := datasettest.Campaign(1)
	o := datasettest.Outcome(c.ID, 1)
	row, err := dataset.RowOf(c, o)
	if err != nil {
		t.Fatal(err)
	}
	var most uint64
	err = parquet.WriteRows(io.Discard, parquet.ShapeOf(c.Document), func(yield func(dataset.Row) error) error {
		for i := range n {
			row.Number = i + 1
			if i%10000 == 0 {
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				most = max(most, m.Sys-m.HeapReleased)
			}
			if err := yield(row); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d rows, %d steps each, %.0f MB", n, len(row.Steps), float64(most)/1e6)
	if most > 200e6 {
		t.Errorf("%.0f MB of memory, want less than 200", float64(most)/1e6)
	}
}
