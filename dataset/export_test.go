package dataset_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/athanor-lab/athanor/dataset"
	"github.com/athanor-lab/athanor/dataset/datasettest"
	"github.com/athanor-lab/athanor/lab"
)

// outcomes yields those of the campaign's experiments 1 to n.
func outcomes(n int, change func(o *lab.Outcome)) dataset.Each {
	return func(_ context.Context, id lab.CampaignID, yield func(lab.Outcome) error) error {
		for i := 1; i <= n; i++ {
			o := datasettest.Outcome(id, i)
			if change != nil {
				change(&o)
			}
			if err := yield(o); err != nil {
				return err
			}
		}
		return nil
	}
}

type export func(context.Context, lab.Campaign, dataset.Each, io.Writer) error

var exports = map[string]export{"outcomes.jsonl": dataset.ExportJSONL, "outcomes.csv": dataset.ExportCSV}

func written(t *testing.T, f export, c lab.Campaign, each dataset.Each) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := f(t.Context(), c, each, &b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestGolden holds what leaves the house to the form that readers rely on.
// Change the golden files only together with the schema's number.
func TestGolden(t *testing.T) {
	t.Parallel()
	got := map[string][]byte{}
	for name, f := range exports {
		got[name] = written(t, f, datasettest.Campaign(1), outcomes(3, nil))
		left, err := dataset.Canonical(bytes.NewReader(got[name]))
		if err != nil {
			t.Fatal(err)
		}
		got["canonical-"+name] = left
	}
	var meta bytes.Buffer
	if err := dataset.WriteMetadata(datasettest.Campaign(1), &meta); err != nil {
		t.Fatal(err)
	}
	got["metadata.json"] = meta.Bytes()
	for name, b := range got {
		golden := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(golden, b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(b)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestCanonicalIsOfTheCampaignAlone runs one campaign twice, under other names,
// on other devices and days, and wants equal exports.
func TestCanonicalIsOfTheCampaignAlone(t *testing.T) {
	t.Parallel()
	for name, f := range exports {
		first := written(t, f, datasettest.Campaign(1), outcomes(5, nil))
		second := written(t, f, datasettest.Campaign(2), outcomes(5, func(o *lab.Outcome) {
			o.StartedAt, o.FinishedAt = o.StartedAt.Add(time.Hour), o.FinishedAt.Add(2*time.Hour)
			o.Steps[0].Device, o.Steps[0].StartedAt = "heater-2", o.StartedAt
			if o.Failure != nil {
				o.Failure.Device = "heater-2"
			}
		}))
		third := written(t, f, datasettest.Campaign(1), outcomes(5, func(o *lab.Outcome) {
			for i := range o.Proposal.Settings {
				if o.Proposal.Settings[i].Name == "temperature" {
					o.Proposal.Settings[i].Value = lab.Number(99)
				}
			}
		}))
		var left [3]string
		for i, b := range [][]byte{first, second, third} {
			c, err := dataset.Canonical(bytes.NewReader(b))
			if err != nil {
				t.Fatal(err)
			}
			left[i] = string(c)
		}
		if bytes.Equal(first, second) {
			t.Errorf("%s: two runs are equal before anything is dropped", name)
		}
		if diff := cmp.Diff(left[0], left[1]); diff != "" {
			t.Errorf("%s of two equal runs (-first +second):\n%s", name, diff)
		}
		if left[0] == left[2] {
			t.Errorf("%s of two different runs are equal", name)
		}
	}
}

// TestJSONLReadsBack wants what is read from an export to say what was written,
// to the byte.
func TestJSONLReadsBack(t *testing.T) {
	t.Parallel()
	want := written(t, dataset.ExportJSONL, datasettest.Campaign(1), outcomes(9, nil))
	var got bytes.Buffer
	enc := json.NewEncoder(&got)
	enc.SetEscapeHTML(false)
	if err := dataset.ReadJSONL(bytes.NewReader(want), func(r dataset.Row) error { return enc.Encode(r) }); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("read and written again (-first +again):\n%s", diff)
	}
}

// TestEveryLineHasEveryKey wants the same keys in every line, whatever became of
// the experiment, since readers take the columns from the first lines.
func TestEveryLineHasEveryKey(t *testing.T) {
	t.Parallel()
	var first string
	lines := bytes.Lines(written(t, dataset.ExportJSONL, datasettest.Campaign(1), outcomes(6, nil)))
	for line := range lines {
		var top dataset.Object[json.RawMessage]
		if err := json.Unmarshal(line, &top); err != nil {
			t.Fatal(err)
		}
		var keys strings.Builder
		for _, m := range top {
			keys.WriteString(m.Name + " ")
			if m.Name == "settings" || m.Name == "predicted" || m.Name == "observed" || m.Name == "decision" {
				var inner dataset.Object[json.RawMessage]
				if err := json.Unmarshal(m.Value, &inner); err != nil {
					t.Fatal(err)
				}
				for _, m := range inner {
					keys.WriteString("." + m.Name + " ")
				}
			}
		}
		if first == "" {
			first = keys.String()
		}
		if diff := cmp.Diff(first, keys.String()); diff != "" {
			t.Errorf("keys (-first +this line):\n%s", diff)
		}
	}
	if !strings.HasSuffix(first, "ids clock ") {
		t.Errorf("keys are %q; ids and clock come last", first)
	}
}

// TestCSVIsHarmless wants no text that a spreadsheet would calculate, and
// numbers left alone.
func TestCSVIsHarmless(t *testing.T) {
	t.Parallel()
	c := datasettest.Campaign(1)
	c.Document.Space.Parameters[0].Name = "=base"
	evil := []string{`=HYPERLINK("http://x")`, "+1", "-1", "@x", "\tx", "＝1"}
	b := written(t, dataset.ExportCSV, c, outcomes(len(evil), func(o *lab.Outcome) {
		o.Proposal.Reason = evil[o.Proposal.Number-1]
		o.Proposal.Settings[1].Value = lab.Number(-5)
	}))
	if !bytes.HasSuffix(b, []byte("\r\n")) {
		t.Error("lines do not end as RFC 4180 wants")
	}
	records, err := csv.NewReader(bytes.NewReader(b)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for i, record := range records[1:] {
		for j, cell := range record {
			switch name := records[0][j]; {
			case name == "setting.temperature [Cel]" && cell != "-5":
				t.Errorf("row %d: temperature is %q, want -5", i, cell)
			case name == "reason" && cell != "'"+evil[i]:
				t.Errorf("row %d: reason is %q, want %q", i, cell, "'"+evil[i])
			}
		}
	}
}

// TestExportIsConstantInMemory writes many rows and wants the heap to stay
// small: what is written is not kept.
func TestExportIsConstantInMemory(t *testing.T) {
	for name, f := range exports {
		var m runtime.MemStats
		high, n := uint64(0), 0
		each := outcomes(20000, func(*lab.Outcome) {
			if n++; n%5000 == 0 {
				runtime.GC()
				runtime.ReadMemStats(&m)
				high = max(high, m.HeapAlloc)
			}
		})
		var count counter
		if err := f(t.Context(), datasettest.Campaign(1), each, &count); err != nil {
			t.Fatal(err)
		}
		if count < 4<<20 || high > 4<<20 {
			t.Errorf("%s: %d bytes were written with %d on the heap, want more than 4 MiB with less", name, count, high)
		}
	}
}

type counter int

func (c *counter) Write(b []byte) (int, error) { *c += counter(len(b)); return len(b), nil }

// TestExportTellsWhenItCannotWrite wants a full disk told, not swallowed.
func TestExportTellsWhenItCannotWrite(t *testing.T) {
	t.Parallel()
	for name, f := range exports {
		err := f(t.Context(), datasettest.Campaign(1), outcomes(1, nil), full{})
		if !errors.Is(err, errFull) {
			t.Errorf("%s: %v, want %v", name, err, errFull)
		}
	}
}

var errFull = errors.New("no space left")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

func FuzzReadJSONL(f *testing.F) {
	var b bytes.Buffer
	if err := dataset.ExportJSONL(f.Context(), datasettest.Campaign(1), outcomes(3, nil), &b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte(`{"schema":"outcome/1","settings":{"a":{"value":[1]}}}`))
	f.Add([]byte(`{"schema":"outcome/2"}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		err := dataset.ReadJSONL(bytes.NewReader(in), func(r dataset.Row) error {
			_, err := json.Marshal(r)
			if err != nil {
				t.Errorf("a row that was read cannot be written: %v", err)
			}
			return nil
		})
		if err != nil && lab.KindOf(err) != lab.Invalid {
			t.Errorf("error of kind %q, want invalid: %v", lab.KindOf(err), err)
		}
		if _, err := dataset.Canonical(bytes.NewReader(in)); err != nil && lab.KindOf(err) != lab.Invalid {
			t.Errorf("canonical: error of kind %q, want invalid: %v", lab.KindOf(err), err)
		}
	})
}
