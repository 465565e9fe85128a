package tabular_test

import (
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/unicode"

	"github.com/athanor-lab/athanor/dataset/tabular"
	"github.com/athanor-lab/athanor/lab"
)

func read(t *testing.T, b []byte, o tabular.Options) *tabular.Source {
	t.Helper()
	s, err := tabular.Read(bytes.NewReader(b), int64(len(b)), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// rowsOf returns the texts of the rows of one role.
func rowsOf(t *testing.T, table *tabular.Table, role tabular.Role) (rows [][]string) {
	t.Helper()
	err := table.Each(func(r tabular.Record) error {
		if r.Role == role {
			var row []string
			for _, c := range r.Cells {
				row = append(row, c.Text)
			}
			rows = append(rows, row)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// TestSniff reads small tables of many shapes and wants the right findings.
func TestSniff(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		in      string
		delim   string
		decimal string
		names   []string
		units   []string
		data    int // rows
		notes   []string
	}{
		"Plain":         {"a,b\n1,2\n3,4\n", ",", ".", []string{"a", "b"}, nil, 2, nil},
		"DecimalComma":  {"t;y\n1,5;2,25\n0,75;3,125\n", ";", ",", []string{"t", "y"}, nil, 2, nil},
		"Thousands":     {"t;y\n1,500;x\n2,750;y\n", ";", ",", []string{"t", "y"}, nil, 2, []string{"decimal_guessed"}},
		"UnitsRow":      {"temp\ttime\n°C\tmin\n20\t5\n30\t6\n", "\t", ".", []string{"temp", "time"}, []string{"°C", "min"}, 2, nil},
		"NoHeader":      {"1,2\n3,4\n5,6\n", ",", ".", []string{"", ""}, nil, 3, []string{"no_header"}},
		"Preamble":      {"Instrument X\nRun,7,of,9\n\nwell,od\nA1,0.1\nA2,0.2\nA3,0.3\nA4,0.4\n", ",", ".", []string{"well", "od"}, nil, 4, nil},
		"SepLine":       {"sep=;\na;b\n1;2\n", ";", ".", []string{"a", "b"}, nil, 1, nil},
		"Quotes":        {"a,b\n\"x, \"\"y\"\"\nz\",2\nw,3\n", ",", ".", []string{"a", "b"}, nil, 2, nil},
		"TwoHeaderRows": {"conc,\nred,blue\n1,2\n3,4\n5,6\n", ",", ".", []string{"conc / red", "blue"}, nil, 3, nil},
		"Duplicate":     {"a,a,\n1,2,3\n", ",", ".", []string{"a", "a", ""}, nil, 1, []string{"duplicate_header", "blank_header"}},
		"CarriageOnly":  {"a,b\r1,2\r3,4\r", ",", ".", []string{"a", "b"}, nil, 2, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			table := read(t, []byte(c.in), tabular.Options{}).Tables[0]
			if table.Dialect.Delimiter != c.delim || table.Dialect.Decimal != c.decimal {
				t.Errorf("dialect %+v, want %q and %q", table.Dialect, c.delim, c.decimal)
			}
			if d := cmp.Diff(c.names, table.Layout.Names); d != "" {
				t.Errorf("names (-want +got):\n%s", d)
			}
			if d := cmp.Diff(c.units, table.Layout.Units); d != "" {
				t.Errorf("units (-want +got):\n%s", d)
			}
			if got := len(rowsOf(t, table, tabular.Data)); got != c.data {
				t.Errorf("%d rows of data, want %d", got, c.data)
			}
			var codes []string
			for _, n := range table.Notes {
				if n.Code != "delimiter_guessed" && n.Code != "header_guessed" {
					codes = append(codes, n.Code)
				}
			}
			if d := cmp.Diff(c.notes, codes); d != "" {
				t.Errorf("notes (-want +got):\n%s", d)
			}
		})
	}
}

// TestOffsets wants the offset of every cell to be that of its first byte in
// the file, in every encoding.
func TestOffsets(t *testing.T) {
	t.Parallel()
	const text = "näme,\"µ,\"\n1,2\nΩ😀x,\"q\"\"q\"\n"
	utf16, err := unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewEncoder().Bytes([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		file []byte
		decl func(rest []byte) string // the first character at an offset
	}{
		"UTF8": {[]byte(text), func(b []byte) string { return string([]rune(string(b))[0]) }},
		"BOM":  {[]byte("\ufeff" + text), func(b []byte) string { return string([]rune(string(b))[0]) }},
		"UTF16": {utf16, func(b []byte) string {
			s, _ := unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM).NewDecoder().Bytes(b)
			return string([]rune(string(s))[0])
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := 0
			err := read(t, c.file, tabular.Options{}).Tables[0].Each(func(r tabular.Record) error {
				for _, cell := range r.Cells {
					want := string([]rune(cell.Text)[0])
					if cell.Has(tabular.Quoted) {
						want = `"`
					}
					if got := c.decl(c.file[cell.Offset:]); got != want {
						t.Errorf("row %d, cell %q: at offset %d is %q, want %q", r.Number, cell.Text, cell.Offset, got, want)
					}
					n++
				}
				return nil
			})
			if err != nil || n != 6 {
				t.Errorf("%d cells and error %v, want 6 and none", n, err)
			}
		})
	}
}

// TestFlags wants whatever is wrong in the text to be told at its cell.
func TestFlags(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]tabular.Flag{
		"a,b\n1,\"2\n3,4\n":             tabular.Unterminated,
		"a,b\n1,\"2\"x\n":               tabular.Malformed,
		"a,b\n1,x\x00y\n":               tabular.Malformed,
		"ä,ö,ü,é,è,b\n1,2,3,4,5,\xff\n": tabular.BadEncoding,
	} {
		var last tabular.Cell
		if err := read(t, []byte(in), tabular.Options{}).Tables[0].Each(func(r tabular.Record) error {
			last = r.Cells[len(r.Cells)-1]
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if !last.Has(want) {
			t.Errorf("%q: the last cell has the flags %b, want %b", in, last.Flags, want)
		}
	}
}

// TestXLSX wants merged headers spread, percentages and formulas told, hidden
// rows kept, and error values flagged.
func TestXLSX(t *testing.T) {
	t.Parallel()
	f := excelize.NewFile()
	set := func(cell string, v any) {
		if err := f.SetCellValue("Sheet1", cell, v); err != nil {
			t.Fatal(err)
		}
	}
	set("A1", "well")
	set("B1", "signal")
	set("B2", "red")
	set("C2", "blue")
	for i, row := range [][]any{{"A1", 0.5, 2.25}, {"A2", 0.25, 3.5}, {"A3", 0.75, 4.5}} {
		if err := f.SetSheetRow("Sheet1", "A"+string(rune('3'+i)), &row); err != nil {
			t.Fatal(err)
		}
	}
	style, err := f.NewStyle(&excelize.Style{NumFmt: 9})
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		f.MergeCell("Sheet1", "A1", "A2"), f.MergeCell("Sheet1", "B1", "C1"),
		f.SetCellStyle("Sheet1", "B3", "B5", style), f.SetCellFormula("Sheet1", "C5", "C3*2"), f.SetRowVisible("Sheet1", 4, false),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	table := read(t, b.Bytes(), tabular.Options{}).Tables[0]
	if d := cmp.Diff([]string{"well", "signal / red", "signal / blue"}, table.Layout.Names); d != "" {
		t.Errorf("names (-want +got):\n%s", d)
	}
	var hidden int
	err = table.Each(func(r tabular.Record) error {
		if r.Hidden {
			hidden = r.Number
		}
		if r.Number == 3 && (r.Cells[1].Text != "0.5" || r.Cells[1].Shown != "50%") {
			t.Errorf("B3 is %+v, want 0.5 shown as 50%%", r.Cells[1])
		}
		if r.Number == 5 && r.Cells[2].Formula != "C3*2" {
			t.Errorf("C5 has the formula %q, want C3*2", r.Cells[2].Formula)
		}
		return nil
	})
	if err != nil || hidden != 4 {
		t.Errorf("hidden row %d and error %v, want 4 and none", hidden, err)
	}
}

// TestHostileFiles wants a refusal, not an exhausted machine.
func TestHostileFiles(t *testing.T) {
	t.Parallel()
	var bomb bytes.Buffer
	z := zip.NewWriter(&bomb)
	w, err := z.Create("xl/worksheets/sheet1.xml")
	if err != nil {
		t.Fatal(err)
	}
	zeros := make([]byte, 1<<20)
	for range 64 {
		if _, err := w.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		in   []byte
		says string
	}{
		"Bomb":     {bomb.Bytes(), "zip bomb"},
		"Cut":      {bomb.Bytes()[:2000], "cut or damaged"},
		"Empty":    {nil, "empty"},
		"Parquet":  {[]byte("PAR1xxxx"), "Parquet"},
		"OldExcel": {[]byte("\xD0\xCF\x11\xE0xxxx"), "XLS"},
		"Binary":   {append([]byte("x"), make([]byte, 100)...), "binary"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := tabular.Read(bytes.NewReader(c.in), int64(len(c.in)), tabular.Options{})
			if lab.KindOf(err) != lab.Invalid || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v, want an invalid one with %q", err, c.says)
			}
		})
	}
	long := []byte("a,b\n1,\"" + strings.Repeat("x", 1<<17))
	err = read(t, long, tabular.Options{Limits: tabular.Limits{RecordBytes: 1 << 16}}).Tables[0].Each(func(tabular.Record) error { return nil })
	if lab.KindOf(err) != lab.Invalid {
		t.Errorf("a record without end: error %v, want an invalid one", err)
	}
}

// TestRealFiles reads published tables and wants the shape that their own
// descriptions give them.
func TestRealFiles(t *testing.T) {
	t.Parallel()
	data := os.Getenv("ATHANOR_DATA")
	if data == "" {
		t.Skip("not run: ATHANOR_DATA is not set")
	}
	for file, want := range map[string]struct {
		data, width, header int
		encoding            string
		first               string
	}{
		"olympus-a/hplc.data.csv":                           {1386, 7, 0, "utf-8", ""},
		"olympus-a/suzuki.data.csv":                         {247, 5, 0, "utf-8", ""},
		"pvlab-raw-a/crossed_barrel.raw_data.csv":           {1800, 5, 1, "utf-8", "n"},
		"escalate-a/expver-3.0.csv":                         {918, 24, 1, "utf-8", "identifier"},
		"hte-csv-a/experiment_index.csv":                    {3955, 6, 1, "utf-8", "entry"},
		"matbench-a/steels_yield.train0.csv":                {225, 2, 1, "utf-8", "formula"},
		"xlsx-a/aap9112_Data_File_S1.xlsx":                  {5760, 16, 1, "xlsx", "Reaction_No"},
		"asm-a/Beckman_Vi-Cell-BLU_example01_utf16.csv":     {10, 33, 1, "utf-16be", "Sample ID"},
		"asm-a/thermo_fisher_genesys30_example_01.tsv":      {156, 3, 7, "utf-8", "wavelength(nm)"},
		"asm-a/Beckman_Vi-Cell-XR_hiddenRow.xlsx":           {25, 25, 5, "xlsx", "Sample ID"},
		"adversarial-a/bom.csv":                             {2, 2, 1, "utf-8", "id"},
		"adversarial-a/table-infer-iso-8859-7.csv":          {4, 3, 1, "iso-8859-7", "id"},
		"adversarial-a/skip-rows-before-headers.csv":        {2, 2, 2, "utf-8", "id"},
		"adversarial-a/blank-rows-multiple.csv":             {2, 3, 1, "utf-8", "id"},
		"adversarial-a/multiline-headers.xlsx":              {1, 4, 1, "xlsx", "Region"},
		"adversarial-a/preserve-formatting-percentage.xlsx": {3, 2, 1, "xlsx", "col1"},
	} {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			s, err := tabular.Open(filepath.Join(data, "import", file), tabular.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			table := s.Tables[0]
			l := table.Layout
			if got := len(rowsOf(t, table, tabular.Data)); got != want.data || l.Width != want.width || l.HeaderFrom != want.header || table.Dialect.Encoding != want.encoding || l.Names[0] != want.first {
				t.Errorf("%d rows, width %d, header %d, %s, first column %q; want %+v", got, l.Width, l.HeaderFrom, table.Dialect.Encoding, l.Names[0], want)
			}
		})
	}
}

// FuzzRead wants every byte of a text to be in a cell, a quote, a delimiter or
// an end of line, and no input to hang or panic.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{"a,b\n1,2\n", "\"a\"\"\";b\r\n\"", "\ufeffx\t\"y\nz\"\t\r\r\n", "\xff\xfea\x00,\x00b\x00", "PK\x03\x04", "1\x00,\x00"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := tabular.Read(bytes.NewReader(b), int64(len(b)), tabular.Options{Limits: tabular.Limits{UnpackedBytes: 1 << 20}})
		if err != nil {
			return
		}
		defer s.Close()
		for _, table := range s.Tables {
			last := int64(-1)
			_ = table.Each(func(r tabular.Record) error {
				for _, c := range r.Cells {
					if c.Offset >= 0 && c.Offset <= last || c.Offset > int64(len(b)) {
						t.Fatalf("row %d: offset %d after %d in a file of %d", r.Number, c.Offset, last, len(b))
					}
					last = c.Offset
				}
				return nil
			})
		}
	})
}
