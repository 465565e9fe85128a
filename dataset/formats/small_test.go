package formats_test

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/athanor-lab/athanor/dataset/formats"
	"github.com/athanor-lab/athanor/dataset/importer"
	"github.com/athanor-lab/athanor/dataset/parquet"
	"github.com/athanor-lab/athanor/dataset/tabular"
	"github.com/athanor-lab/athanor/lab"
)

func put(t *testing.T, name string, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func archive(t *testing.T, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		w, err := z.Create(files[i])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(files[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func packed(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

const asmText = `{"$asm.manifest": "http://purl.allotrope.org/manifests/x", "plate reader aggregate document": {"plate reader document": [
 {"measurement aggregate document": {"measurement time": "2024-01-01", "measurement document": [
  {"measurement identifier": "m1", "absorbance": {"value": 0.5, "unit": "mAU"}, "temperature": {"value": 20.5, "unit": "degC"}},
  {"measurement identifier": "m2", "absorbance": {"value": 0.75, "unit": "mAU"}, "temperature": {"value": 21.5, "unit": "degC"}}]}, "analyst": "a"}],
 "calculated data aggregate document": {"calculated data document": [{"calculated result": {"value": 3, "unit": "1"}}, {"calculated result": {"value": 4, "unit": "1"}}]}}}`

const blueskyText = `["start", {"uid": "r1", "time": 1.5, "plan_name": "scan", "motors": ["x"]}]
["descriptor", {"uid": "d1", "run_start": "r1", "name": "primary", "data_keys": {"x": {"units": "mm", "dtype": "number"}, "det": {"units": "{count}", "dtype": "number"}}}]
["event", {"uid": "e1", "descriptor": "d1", "seq_num": 1, "time": 2, "data": {"x": 1.25, "det": 10.5}, "timestamps": {"x": 2, "det": 2}}]
["event_page", {"descriptor": "d1", "seq_num": [2, 3], "time": [3, 4], "data": {"x": [2.25, 3.25], "det": [11.5, 12.5]}, "timestamps": {"x": [3, 4], "det": [3, 4]}, "uid": ["e2", "e3"]}]
["stop", {"uid": "s1", "run_start": "r1", "exit_status": "abort", "reason": "shutter"}]
`

func crate(sha string) string {
	return `{"@graph": [{"@id": "./", "@type": "Dataset", "name": "all"}, {"@id": "./a.txt", "@type": "File", "contentSize": "5", "sha256": "` + sha + `"}, {"@id": "./b.txt", "@type": "File"}]}`
}

func parquetFile(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	s := parquet.Shape{Settings: []parquet.Field{{Name: "temperature", Unit: "K", Kind: parquet.Numbers}}, Objectives: []parquet.Field{{Name: "yield", Unit: "%{mol}", Kind: parquet.Numbers}}}
	err := parquet.WriteImported(&b, s, func(yield func(importer.Row) error) error {
		for i := range 3 {
			r := importer.Row{ID: fmt.Sprint("r", i), Settings: []lab.Setting{{Name: "temperature", Value: lab.Number(300.5 + float64(i)), Unit: "K"}}, Observed: []lab.Measured{{Name: "yield", Value: 50.25, Unit: "%{mol}"}}}
			if err := yield(r); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestFormats opens a small file of every format and wants its tables, a cell
// with its unit, and a ledger that accounts for all of it.
func TestFormats(t *testing.T) {
	t.Parallel()
	sum := fmt.Sprintf("%x", sha256.Sum256([]byte("hello")))
	for name, c := range map[string]struct {
		file     string
		raw      []byte
		tables   []string
		rows     int
		column   string
		text     string
		unit     lab.Unit
		imported int // rows, of the first table
	}{
		"JSON":     {"a.json", []byte(`{"lab": "x", "runs": [{"temperature": {"value": 20.5, "unit": "Cel"}, "yield [%{mol}]": 5.5}, {"temperature": {"value": 300.5, "unit": "K"}, "yield [%{mol}]": 6.5}]}`), []string{"runs", "document"}, 2, "temperature.value", "20.5", "Cel", 2},
		"Lines":    {"a.jsonl", []byte("{\"flow [mL/min]\": 1.5}\n{\"flow [mL/min]\": 2.5}\n"), []string{""}, 2, "flow [mL/min]", "1.5", "mL/min", 2},
		"Gzip":     {"a.jsonl.gz", packed(t, "{\"flow [mL/min]\": 1.5}\n{\"flow [mL/min]\": 2.5}\n"), []string{""}, 2, "flow [mL/min]", "1.5", "mL/min", 2},
		"Parquet":  {"a.parquet", parquetFile(t), []string{""}, 3, "settings.temperature", "300.5", "K", 3},
		"ASM":      {"a.json", []byte(asmText), []string{"measurement document", "calculated data document"}, 2, "temperature.value", "20.5", "Cel", 2},
		"Bluesky":  {"a.jsonl", []byte(blueskyText), []string{"primary"}, 3, "x", "1.25", "mm", 3},
		"Crate":    {"a.eln", archive(t, "x/ro-crate-metadata.json", crate(sum), "x/a.txt", "hello", "x/b.txt", "b"), []string{"Dataset", "File"}, 1, "name", "all", "", 1},
		"Spectrum": {"a.dx", []byte("##TITLE= t\n##JCAMP-DX= 4.24\n##DATA TYPE= INFRARED SPECTRUM\n##XUNITS= 1/CM\n##YUNITS= ABSORBANCE\n##XFACTOR= 1\n##YFACTOR= 0.5\n##FIRSTX= 10\n##LASTX= 12\n##NPOINTS= 3\n##XYDATA= (X++(Y..Y))\n10 100 101 103\n##END=\n"), []string{"t XYDATA", "labels"}, 3, "x", "10", "/cm", 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := put(t, c.file, c.raw)
			s, err := formats.Open(path, tabular.Options{})
			if err != nil {
				t.Fatal(err)
			}
			var tables []string
			for _, table := range s.Tables {
				tables = append(tables, table.Name)
			}
			if d := cmp.Diff(c.tables, tables); d != "" {
				t.Errorf("tables (-want +got):\n%s", d)
			}
			table := s.Tables[0]
			at, n := slices.Index(table.Layout.Names, c.column), 0
			if at < 0 {
				t.Fatalf("columns %q, want %q among them", table.Layout.Names, c.column)
			}
			err = table.Each(func(r tabular.Record) error {
				if n++; n == 1 && r.Cells[at].Text != c.text {
					t.Errorf("%s is %q, want %q", c.column, r.Cells[at].Text, c.text)
				}
				return nil
			})
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if err != nil || n != c.rows {
				t.Errorf("%d rows, want %d; %v", n, c.rows, err)
			}
			report, err := importer.File(importer.Job{Path: path, Open: formats.Open, Dir: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := importer.Verify(report.Dir, formats.Open); err != nil {
				t.Error(err)
			}
			if report.Rows.Imported != c.imported || report.Proposed.Columns[at].Unit != c.unit {
				t.Errorf("%d rows imported, unit %q; want %d, %q; %+v", report.Rows.Imported, report.Proposed.Columns[at].Unit, c.imported, c.unit, report.Faults)
			}
			again := report.Proposed
			second, err := importer.File(importer.Job{Path: path, Open: formats.Open, Mapping: &again, Dir: filepath.Dir(report.Dir)})
			if err != nil || !second.Repeated {
				t.Errorf("again by its mapping: repeated %v, %v", second.Repeated, err)
			}
		})
	}
}

// TestBadFiles wants every damaged file to be refused with a reason, or what is
// wrong in it to be held back or told.
func TestBadFiles(t *testing.T) {
	t.Parallel()
	bomb := packed(t, strings.Repeat("0,0\n", 1<<20))
	small := tabular.Limits{UnpackedBytes: 1 << 20}
	for name, c := range map[string]struct {
		file string
		raw  []byte
		says string // an error, a note or a fault has it
	}{
		"CutJSON":        {"a.json", []byte(`{"runs": [{"a": 1}, {"a": 2`), "cut"},
		"CutLine":        {"a.jsonl", []byte("{\"a\": 1}\n{\"a\": 2}\n{\"a\":"), "malformed"},
		"NameTwice":      {"a.jsonl", []byte("{\"a\": 1, \"b\": 1}\n{\"a\": 2, \"a\": 3, \"b\": 1}\n"), "malformed"},
		"NoUTF8":         {"a.jsonl", []byte("{\"a\": \"x\"}\n{\"a\": \"\xff\"}\n"), "malformed"},
		"Formula":        {"a.jsonl", []byte("{\"a\": \"x\", \"b\": 1}\n{\"a\": \"=cmd|' /C calc'!A0\", \"b\": 2}\n"), "formula_like"},
		"NUL":            {"a.jsonl", []byte("{\"a\": \"x\"}\n{\"a\": \"x\\u0000\"}\n"), "malformed"},
		"Deep":           {"a.json", []byte(strings.Repeat("[", 5000) + strings.Repeat("]", 5000)), "deep"},
		"Bomb":           {"a.csv.gz", bomb, "bomb"},
		"BombTwice":      {"a.gz", packed(t, string(bomb)), "compressed twice"},
		"CutGzip":        {"a.csv.gz", packed(t, "a,b\n1,2\n3,4\n")[:20], "cut or damaged"},
		"ZipBomb":        {"a.eln", archive(t, "ro-crate-metadata.json", `{"@graph": [`+strings.Repeat(" ", 8<<20)+`{}]}`), "grows from"},
		"CutZip":         {"a.eln", archive(t, "ro-crate-metadata.json", "{}")[:40], "cut or damaged"},
		"NoCrate":        {"a.zip", archive(t, "x.txt", "hello"), "no XLSX workbook"},
		"OtherHash":      {"a.eln", archive(t, "ro-crate-metadata.json", crate(strings.Repeat("0", 64)), "a.txt", "hello"), "SHA-256"},
		"MissingFile":    {"a.eln", archive(t, "ro-crate-metadata.json", crate(""), "a.txt", "hello"), "does not have it"},
		"CutParquet":     {"a.parquet", parquetFile(t)[:300], "no whole Parquet"},
		"NoDescriptor":   {"a.jsonl", []byte("[\"start\", {\"uid\": \"r\"}]\n[\"event\", {\"descriptor\": \"d\", \"seq_num\": 1}]\n"), "does not come before"},
		"CutRun":         {"a.jsonl", []byte(before(blueskyText, `["stop"`)), "no stop document"},
		"CutInsideRun":   {"a.jsonl", []byte(blueskyText[:len(blueskyText)-40]), "cut"},
		"NoCurve":        {"a.dx", []byte("##TITLE= t\n##XYDATA= (X++(Y..Y))\n10 1 2\n##END=\n"), "FIRSTX"},
		"WrongUnit":      {"a.jsonl", []byte(strings.Repeat("{\"temperature\": {\"value\": 20.5, \"unit\": \"Cel\"}}\n", 20) + "{\"temperature\": {\"value\": 20.5, \"unit\": \"kg\"}}\n"), "unit_mismatch"},
		"AmbiguousUnits": {"a.jsonl", []byte(strings.Repeat("{\"conc\": {\"value\": 20.5, \"unit\": \"M\"}}\n", 3)), "unconfirmed"},
		"Nothing":        {"a.json", []byte("{}"), "empty"},
		"Empty":          {"a.csv", nil, "empty"},
		"Null":           {"a.json", []byte("null"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report, err := importer.File(importer.Job{Path: put(t, c.file, c.raw), Open: formats.Open, Limits: small, Dir: t.TempDir()})
			if err != nil {
				if lab.KindOf(err) != lab.Invalid || !strings.Contains(err.Error(), c.says) {
					t.Errorf("error %v, want an invalid one with %q", err, c.says)
				}
				return
			}
			told := fmt.Sprint(report.Faults, report.Notes)
			if !strings.Contains(told, c.says) {
				t.Errorf("told %s, want %q", told, c.says)
			}
			if _, err := importer.Verify(report.Dir, formats.Open); err != nil {
				t.Error(err)
			}
		})
	}
}

// FuzzOpen wants any bytes under any name to be opened or refused as invalid.
func FuzzOpen(f *testing.F) {
	f.Add("a.json", []byte(asmText))
	f.Add("a.jsonl", []byte(blueskyText))
	f.Add("a.pb", []byte{0x0a, 1, 'x'})
	f.Fuzz(func(t *testing.T, name string, raw []byte) {
		name = "x" + strings.Map(func(r rune) rune {
			if r == '.' || r >= 'a' && r <= 'z' {
				return r
			}
			return -1
		}, name)
		s, err := formats.Open(put(t, name[:min(len(name), 40)], raw), tabular.Options{Limits: tabular.Limits{UnpackedBytes: 1 << 20}})
		if err != nil {
			if lab.KindOf(err) != lab.Invalid {
				t.Fatalf("%v, want an invalid one", err)
			}
			return
		}
		for _, table := range s.Tables {
			_ = table.Each(func(tabular.Record) error { return nil })
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// before is what stands in s before mark.
func before(s, mark string) string {
	s, _, _ = strings.Cut(s, mark)
	return s
}
