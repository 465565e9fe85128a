package importer_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/athanor-lab/athanor/dataset/importer"
	"github.com/athanor-lab/athanor/dataset/tabular"
	"github.com/athanor-lab/athanor/lab"
)

// result is an import in memory.
type result struct {
	table   *tabular.Table
	mapping importer.Mapping
	summary importer.Summary
	rows    []importer.Row
	held    []importer.Held
	ledger  bytes.Buffer
	rowText bytes.Buffer
	back    bytes.Buffer // held, as JSON lines
}

func open(t *testing.T, text string) *tabular.Table {
	t.Helper()
	s, err := tabular.Read(strings.NewReader(text), int64(len(text)), tabular.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s.Tables[0]
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// imports runs text through a mapping; nil proposes one.
func imports(t *testing.T, text string, m *importer.Mapping) *result {
	t.Helper()
	r := &result{table: open(t, text)}
	if m == nil {
		proposed, err := importer.Propose(r.table, nil)
		if err != nil {
			t.Fatal(err)
		}
		m = &proposed
	}
	r.mapping = *m
	ledger, back := json.NewEncoder(&r.ledger), json.NewEncoder(&r.back)
	var err error
	r.summary, err = importer.Run(r.table, hash(text), *m, importer.Sinks{
		Row: func(row *importer.Row) error {
			r.rows = append(r.rows, row.Clone())
			r.rowText.Write(append(importer.AppendRow(nil, row), '\n'))
			return nil
		},
		Held:  func(h importer.Held) error { r.held = append(r.held, h); return back.Encode(h) },
		Entry: func(e importer.Entry) error { return ledger.Encode(e) },
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := importer.Check(r.table, *m, r.summary, bytes.NewReader(r.ledger.Bytes()), bytes.NewReader(r.rowText.Bytes()), bytes.NewReader(r.back.Bytes())); err != nil {
		t.Errorf("the ledger does not agree with the table: %v", err)
	}
	return r
}

func codes(s importer.Summary) map[string]int {
	out := map[string]int{}
	for _, f := range s.Faults {
		out[f.Code] += f.Alike
	}
	return out
}

const clean = "id,solvent,temperature (°C),flow_rate [mL/min],yield [%{mol}],remark\n" +
	"a1,DMSO,20.5,1.0,55.25,\na2,DMF,30,1.5,61,bubbles\na3,DMSO,40,2.0,NA,\na4,DMF,50,2.5,70.5,\na5,DMSO,60,3.0,71.5,\n" +
	"a6,DMF,70,3.5,72.5,\na7,DMSO,80,4.0,73.5,\na8,DMF,90,4.5,74.5,\na9,DMF,95,5.0,74.0,\n"

// TestSMILES wants a column whose header and texts say SMILES held to the syntax,
// and a wrong text held back with the character where it goes wrong.
func TestSMILES(t *testing.T) {
	t.Parallel()
	r := imports(t, "id,ligand_smiles,product SMILES,yield [%{mol}]\na1,CP(C)C,CC(=O)O,40\na2,c1ccccc1P(c1ccccc1)c1ccccc1,CCO,50\na3,CC(C)(C)P(C(C)(C)C,CCN,60\na4,[Pd+2,CCC,70\na5,CCP,C1CC,80\n", nil)
	for i, want := range []importer.Role{importer.Kept, importer.Parameter, importer.Kept, importer.Objective} {
		if c := r.mapping.Columns[i]; c.Role != want || i > 0 && i < 3 && c.Type != importer.SMILESType {
			t.Errorf("%s is %s of type %s, want %s", c.Header, c.Role, c.Type, want)
		}
	}
	if len(r.rows) != 2 || len(r.held) != 3 {
		t.Fatalf("%d rows and %d held, want 2 and 3: %+v", len(r.rows), len(r.held), r.summary.Faults)
	}
	for i, want := range []string{`at character 10, the branch is never closed`, `at character 1, the bracket is never closed`, `at character 2, ring bond 1 is never closed`} {
		if f := r.held[i].Faults[0]; f.Code != "bad_smiles" || !strings.HasSuffix(f.Why, want) {
			t.Errorf("%q: %s, want %s", f.Text, f.Why, want)
		}
	}
	if plain := imports(t, "smiles,yield [%{mol}]\nhappy,40\nsad,50\nC,60\n", nil); plain.mapping.Columns[0].Type != importer.TextType {
		t.Errorf("words under the header smiles are %s, want text", plain.mapping.Columns[0].Type)
	}
}

// TestImport wants a table whose header says everything to be imported without
// a question.
func TestImport(t *testing.T) {
	t.Parallel()
	r := imports(t, clean, nil)
	if len(r.held) != 0 || len(r.rows) != 9 {
		t.Fatalf("%d rows and %d held, want 9 and 0: %+v", len(r.rows), len(r.held), r.summary.Faults)
	}
	first := r.rows[0]
	want := importer.Row{
		ID: first.ID, Source: importer.Source{SHA256: hash(clean), Row: 2, Offset: int64(strings.Index(clean, "a1"))},
		Settings: []lab.Setting{
			{Name: "solvent", Value: lab.Label("DMSO")},
			{Name: "temperature", Value: lab.Number(20.5), Unit: "Cel"},
			{Name: "flow_rate", Value: lab.Number(1), Unit: "mL/min"},
		},
		Observed:   []lab.Measured{{Name: "yield", Value: 55.25, Unit: "%{mol}"}},
		Attributes: []importer.Attribute{{Name: "id", Text: "a1"}},
	}
	if d := cmp.Diff(want, first, cmp.Comparer(lab.Value.Equal)); d != "" {
		t.Errorf("the first row (-want +got):\n%s", d)
	}
	if got, want := r.summary.String(), "cells 60 = mapped 35 + attributes 10 + quarantined 0 + blank 9 + ignored 0 + structure 6"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestAmbiguousUnits wants whatever has two meanings to be asked, and nothing of
// it imported; and a confirmation in the mapping to let it through.
func TestAmbiguousUnits(t *testing.T) {
	t.Parallel()
	for _, header := range []string{"yield (%)", "conc (M)", "temperature [C]", "amount_eq", "conc [ppm]", "response (AU)", "temperature", "charge [charge]"} {
		text := "name," + header + ",target [eV]\nx,1.5,2\ny,2.5,3\nz,3.5,4\n"
		r := imports(t, text, nil)
		c := r.mapping.Columns[1]
		if c.Role != importer.Kept && (c.Confirmed || c.Question == "" || len(r.rows) > 0) {
			t.Errorf("%q: confirmed %v, question %q, %d rows; want a question and no rows", header, c.Confirmed, c.Question, len(r.rows))
		}
		if c.Role == importer.Kept && c.Unit != "" {
			t.Errorf("%q: kept with the unit %q, want none", header, c.Unit)
		}
		m := r.mapping
		m.Columns[1].Unit, m.Columns[1].Confirmed = "1", true
		m.Columns[1].Role = importer.Parameter
		if got := imports(t, text, &m); len(got.rows) != 3 {
			t.Errorf("%q, confirmed: %d rows, want 3", header, len(got.rows))
		}
	}
}

// TestUnits wants units to be found where laboratories write them.
func TestUnits(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]struct {
		unit   lab.Unit
		source importer.UnitSource
	}{
		"volume (µL)\n1.5\n2.5\n":             {"uL", importer.FromHeader},
		"volume (μL)\n1.5\n2.5\n":             {"uL", importer.FromHeader},
		"reaction time [min]\n1.5\n2.5\n":     {"min", importer.FromHeader},
		"time_hrs\n1.5\n2.5\n":                {"h", importer.FromSuffix},
		"Reactant_1_mmol\n1.5\n2.5\n":         {"mmol", importer.FromSuffix},
		"temp,time\ndegC,min\n1.5,1\n2.5,2\n": {"Cel", importer.FromUnitsRow},
		"volume\n1.5 mL\n2.5 mL\n":            {"mL", importer.FromCells},
		"conc.,Units\n1.5,mg/mL\n2.5,ug/mL\n": {"mg/mL", importer.FromUnitColumn},
		"Total conc (x10^6) /mL\n1.5\n2.5\n":  {"10*6/mL", importer.FromHeader},
		"pressure (psi)\n1.5\n2.5\n":          {"[psi]", importer.FromHeader},
	} {
		c := imports(t, in, nil).mapping.Columns[0]
		if c.Unit != want.unit || c.UnitSource != want.source {
			t.Errorf("%q: unit %q from %s, want %q from %s (%s)", in, c.Unit, c.UnitSource, want.unit, want.source, c.Question)
		}
	}
	rows := imports(t, "conc.,Units\n1.5,mg/mL\n2500,ug/mL\n", nil).rows
	if len(rows) != 2 || rows[1].Settings[0].Value.Number() != 2.5 {
		t.Errorf("2500 ug/mL is imported as %+v, want 2.5 mg/mL", rows)
	}
}

// TestPlantedFaults plants one fault into a clean table, reads it by the mapping
// of the clean one, and wants it to be told and never imported.
func TestPlantedFaults(t *testing.T) {
	t.Parallel()
	m := imports(t, clean, nil).mapping
	lo, hi := 0.0, 200.0
	m.Columns[2].Min, m.Columns[2].Max = &lo, &hi
	for name, c := range map[string]struct{ from, to, code string }{
		"DecimalComma":      {"55.25", `"55,25"`, "other_decimal"},
		"BareComma":         {"55.25", "55,25", "width"},
		"Thousands":         {"55.25", `"1,055.25"`, "other_decimal"},
		"WrongUnitFactor":   {"2.5,70.5", "2500000,70.5", "far_off"},
		"WrongUnitSuffix":   {",30,", ",30 mL,", "unit_mismatch"},
		"AmbiguousSuffix":   {",30,", ",30 C,", "unit_ambiguous"},
		"OutOfRange":        {",30,", ",-30,", "out_of_range"},
		"Censored":          {",61,", ",<61,", "censored"},
		"Overflow":          {",61,", ",OVRFLW,", "not_a_number"},
		"Infinite":          {",61,", ",INF,", "not_finite"},
		"TooLarge":          {",61,", ",1e999,", "not_finite"},
		"Date":              {",61,", ",2024-03-01,", "date_in_number"},
		"SwappedCells":      {"DMF,30", "30,DMF", "not_a_number"},
		"Formula":           {",61,", ",=1+1,", "formula_like"},
		"FormulaInText":     {"bubbles", "\"=HYPERLINK(\"\"http://x\"\")\"", "formula_like"},
		"FormulaInLabel":    {"DMF,30", "@SUM(A1),30", "formula_like"},
		"Truncated":         {"a9,DMF,95,5.0,74.0,\n", "a9,DMF,9", "width"},
		"CutInQuotes":       {"bubbles", `"bubbles`, "unterminated_quote"},
		"TextAfterQuote":    {"bubbles", `"bub"bles`, "malformed"},
		"NUL":               {"bubbles", "bub\x00bles", "malformed"},
		"BadBytes":          {"bubbles", "bub\xffbles äöüé", "bad_encoding"},
		"Extra":             {"bubbles", "bubbles,more", "width"},
		"UnitColumnSpilled": {",61,", ",61 %{vol}x,", "not_a_number"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(clean, c.from, c.to, 1)
			if text == clean {
				t.Fatal("nothing was planted")
			}
			r := imports(t, text, &m)
			if codes(r.summary)[c.code] == 0 {
				t.Fatalf("faults %v, want %s", codes(r.summary), c.code)
			}
			for _, f := range r.held[0].Faults {
				if f.Why == "" || f.Want == "" || f.Row == 0 || f.Offset < 0 || f.Column > 0 && f.Code != "malformed" && !strings.HasPrefix(strings.TrimLeft(text[f.Offset:], `"`), firstOf(f.Text)) {
					t.Errorf("fault %+v does not say where, what and what would be right", f)
				}
			}
			if want := 8; c.code != "unterminated_quote" && len(r.rows) < want {
				t.Errorf("%d rows were imported, want the %d that are right", len(r.rows), want)
			}
		})
	}
	for name, c := range map[string]struct{ from, to string }{
		"SwappedHeaders":  {"temperature (°C),flow_rate [mL/min]", "flow_rate [mL/min],temperature (°C)"},
		"OtherUnit":       {"[mL/min]", "[uL/min]"},
		"DuplicateHeader": {"remark\n", "id\n"},
	} {
		text := strings.Replace(clean, c.from, c.to, 1)
		_, err := importer.Run(open(t, text), hash(text), m, importer.Sinks{})
		if lab.KindOf(err) != lab.Invalid {
			t.Errorf("%s: error %v, want an invalid one that names the columns", name, err)
		}
	}
}

func firstOf(s string) string {
	if i := strings.IndexAny(s, "\"\\"); i >= 0 {
		return s[:i]
	}
	return s
}

// TestCutAnywhere cuts a table at every byte and wants the cut to be told, or
// every row that was imported to be one of the whole table.
func TestCutAnywhere(t *testing.T) {
	t.Parallel()
	whole := imports(t, clean, nil)
	m := whole.mapping
	var told, silent int
	for cut := strings.Index(clean, "a2"); cut < len(clean); cut++ {
		r := imports(t, clean[:cut], &m)
		flagged := len(r.held) > 0
		for _, n := range r.summary.Notes {
			flagged = flagged || n.Code == "no_final_newline"
		}
		if flagged {
			told++
			continue
		}
		silent++
		for i, row := range r.rows {
			want := whole.rows[i]
			row.ID, row.Source, want.ID, want.Source = "", importer.Source{}, "", importer.Source{}
			if d := cmp.Diff(want, row, cmp.Comparer(lab.Value.Equal)); d != "" {
				t.Errorf("cut at %d, told by nothing (-want +got):\n%s", cut, d)
			}
		}
	}
	if silent > 9 || told == 0 {
		t.Errorf("%d cuts are told and %d not; only those between rows cannot be", told, silent)
	}
}

// TestNothingIsSilent wants the ends of a file, doubled headers and guesses to
// be told.
func TestNothingIsSilent(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"a [eV],b\n1.5,x\n2.5,y":       "no_final_newline",
		"a [eV],a [eV]\n1.5,2\n":       "duplicate_header",
		"a [eV],\n1.5,2\n":             "blank_header",
		"x;a [eV]\np;1,500\nq;2,500\n": "decimal_guessed",
	} {
		found := false
		for _, n := range imports(t, in, nil).summary.Notes {
			found = found || n.Code == want
		}
		if !found {
			t.Errorf("%q: no note %s", in, want)
		}
	}
	greek := "id,age,name\n1,39,\xcb\xe5\xf9\xed\xdf\xe4\xe1\xf2\n2,23,\xc1\xeb\xdd\xee\xe1\xed\xe4\xf1\xef\xf2\n"
	r := imports(t, greek, nil)
	if codes(r.summary)["encoding_guessed"] != 2 || len(r.rows) != 0 {
		t.Errorf("faults %v and %d rows, want text in a guessed encoding held back", codes(r.summary), len(r.rows))
	}
	m := r.mapping
	m.EncodingConfirmed = true
	if got := imports(t, greek, &m).rows; len(got) != 2 || got[0].Attributes[2].Text != "Λεωνίδας" {
		t.Errorf("confirmed: %+v, want two rows of Greek names", got)
	}
}

// TestReplay edits a held row and wants it imported with the id it would have
// had and with the correction told; what is still wrong stays held.
func TestReplay(t *testing.T) {
	t.Parallel()
	m := imports(t, clean, nil).mapping
	bad := strings.NewReplacer("55.25", `"55,25"`, ",61,", ",much,").Replace(clean)
	r := imports(t, bad, &m)
	if len(r.held) != 2 {
		t.Fatalf("%d held, want 2", len(r.held))
	}
	r.held[0].Texts[4] = "55.25"
	var b bytes.Buffer
	for _, h := range r.held {
		if err := json.NewEncoder(&b).Encode(h); err != nil {
			t.Fatal(err)
		}
	}
	held, err := importer.ReadHeld(json.NewDecoder(&b))
	if err != nil {
		t.Fatal(err)
	}
	var rows []importer.Row
	var again []importer.Held
	err = importer.Replay(held, m, func(r *importer.Row) error { rows = append(rows, r.Clone()); return nil }, func(h importer.Held) error { again = append(again, h); return nil })
	if err != nil || len(rows) != 1 || len(again) != 1 {
		t.Fatalf("%d rows, %d held again, error %v; want 1, 1 and none", len(rows), len(again), err)
	}
	if d := cmp.Diff([]importer.Correction{{Column: 5, From: "55,25", To: "55.25"}}, rows[0].Corrected); d != "" || rows[0].Observed[0].Value != 55.25 {
		t.Errorf("corrections (-want +got):\n%s", d)
	}
}

// TestCheckFindsLosses changes a ledger or its rows in every way and wants the
// checker to see it.
func TestCheckFindsLosses(t *testing.T) {
	t.Parallel()
	r := imports(t, clean, nil)
	ledger, rows := r.ledger.String(), r.rowText.String()
	for name, change := range map[string]func() (string, string){
		"TextChanged":   func() (string, string) { return ledger, strings.Replace(rows, "bubbles", "bubble", 1) },
		"HeaderChanged": func() (string, string) { return strings.Replace(ledger, "remark", "remarks", 1), rows },
		"RowLost":       func() (string, string) { return ledger, rows[strings.Index(rows, "\n")+1:] },
		"RowTwice":      func() (string, string) { return ledger, rows + rows[:strings.Index(rows, "\n")+1] },
		"EntryLost":     func() (string, string) { return ledger[strings.Index(ledger, "\n")+1:], rows },
		"EntryMore":     func() (string, string) { return ledger + ledger[:strings.Index(ledger, "\n")+1], rows },
		"ValueChanged":  func() (string, string) { return ledger, strings.Replace(rows, "20.5", "20.4", 1) },
		"UnitChanged":   func() (string, string) { return ledger, strings.Replace(rows, `"Cel"`, `"K"`, 1) },
		"LabelChanged":  func() (string, string) { return ledger, strings.Replace(rows, `"DMF"`, `"DMSO"`, 1) },
		"SettingLost": func() (string, string) {
			return ledger, strings.Replace(rows, `{"name":"solvent","value":"DMSO"},`, "", 1)
		},
		"FateChanged":   func() (string, string) { return strings.Replace(ledger, "ammmmb", "ammmbb", 1), rows },
		"NoFate":        func() (string, string) { return strings.Replace(ledger, "ammmmb", "ammm b", 1), rows },
		"AttributeLost": func() (string, string) { return ledger, strings.Replace(rows, `"text":"a1"`, `"text":"a2"`, 1) },
	} {
		l, rs := change()
		if l == ledger && rs == rows {
			t.Errorf("%s: nothing was changed", name)
		}
		if err := importer.Check(r.table, r.mapping, r.summary, strings.NewReader(l), strings.NewReader(rs), strings.NewReader("")); lab.KindOf(err) != lab.Invalid {
			t.Errorf("%s: error %v, want an invalid one", name, err)
		}
	}
}

// TestMappingRoundTrip wants a mapping to survive YAML, and its hash to depend
// on what it does and not on its reasons.
func TestMappingRoundTrip(t *testing.T) {
	t.Parallel()
	m := imports(t, clean, nil).mapping
	var b bytes.Buffer
	if err := m.Write(&b); err != nil {
		t.Fatal(err)
	}
	got, err := importer.ReadMapping(bytes.NewReader(b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(m, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	before := m.Hash()
	m.Columns[0].Why = "another reason"
	if m.Hash() != before {
		t.Error("a reason changes the hash")
	}
	m.Columns[2].Unit = "K"
	if m.Hash() == before {
		t.Error("a unit does not change the hash")
	}
	for _, bad := range []string{"athanor: other/1", strings.Replace(b.String(), "role: attribute", "role: thing", 1), strings.Replace(b.String(), "name: id", "nam: id", 1), strings.Replace(b.String(), "unit: Cel", "unit: degC", 1)} {
		if _, err := importer.ReadMapping(strings.NewReader(bad)); lab.KindOf(err) != lab.Invalid {
			t.Errorf("%.60q: error %v, want an invalid one", bad, err)
		}
	}
}

// TestFileTwice imports a file twice and wants the second time to change
// nothing, and the two to agree.
func TestFileTwice(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "table.csv")
	if err := os.WriteFile(path, []byte(clean), 0o600); err != nil {
		t.Fatal(err)
	}
	job := importer.Job{Path: path, Dir: filepath.Join(dir, "imports")}
	first, err := importer.File(job)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(first.Dir, "mapping.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m, err := importer.ReadMapping(f)
	if err != nil {
		t.Fatal(err)
	}
	job.Mapping = &m
	second, err := importer.File(job)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(first.Summary, second.Summary); d != "" || !second.Repeated || first.Repeated {
		t.Errorf("repeated %v then %v; (-first +second):\n%s", first.Repeated, second.Repeated, d)
	}
	if all, _ := os.ReadDir(job.Dir); len(all) != 1 {
		t.Errorf("%d folders, want one", len(all))
	}
}

// TestRealFiles imports every published table, confirmed or not, and wants the
// ledger to account for every cell and to rebuild the table.
func TestRealFiles(t *testing.T) {
	t.Parallel()
	data := os.Getenv("ATHANOR_DATA")
	if data == "" {
		t.Skip("not run: ATHANOR_DATA is not set")
	}
	var files []string
	for _, pattern := range []string{"*/*.csv", "*/*.tsv", "*/*.xlsx", "asm-a/*.txt"} {
		found, err := filepath.Glob(filepath.Join(data, "import", pattern))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	if len(files) < 40 {
		t.Fatalf("%d files, want at least 40", len(files))
	}
	var cells, kept int64
	for _, file := range files {
		job := importer.Job{Path: file, Dir: t.TempDir()}
		if config, err := os.Open(strings.Replace(file, ".data.csv", ".config.json", 1)); err == nil && strings.HasSuffix(file, ".data.csv") {
			prose, _ := os.ReadFile(strings.Replace(file, ".data.csv", ".description.txt", 1))
			if job.Hints, err = importer.ReadHints(config, string(prose)); err != nil {
				t.Fatal(err)
			}
			_ = config.Close()
		}
		report, err := importer.File(job)
		if err == nil {
			_, err = importer.Verify(report.Dir, nil)
		}
		if err != nil {
			t.Errorf("%s: %v", filepath.Base(file), err)
			continue
		}
		cells += report.Cells.All
		kept += report.Cells.All - report.Cells.Quarantined
		t.Logf("%-60s rows %5d held %5d; %s", filepath.Base(file), report.Rows.Imported, report.Rows.Quarantined, report.Summary)
		for i, f := range report.Faults {
			if i < 3 && testing.Verbose() {
				t.Logf("    %d× %s column %d (%s) %q: %s", f.Alike, f.Code, f.Column, f.Header, f.Text, f.Why)
			}
		}
	}
	t.Logf("%d files, %d cells, %d of them not held back", len(files), cells, kept)
}

// TestRealFileConfirmed answers the one question that a published table leaves,
// and wants all its rows with the units that its description gives them.
func TestRealFileConfirmed(t *testing.T) {
	t.Parallel()
	data := os.Getenv("ATHANOR_DATA")
	if data == "" {
		t.Skip("not run: ATHANOR_DATA is not set")
	}
	base := filepath.Join(data, "import", "olympus-a", "hplc")
	config, err := os.Open(base + ".config.json")
	if err != nil {
		t.Fatal(err)
	}
	defer config.Close()
	prose, err := os.ReadFile(base + ".description.txt")
	if err != nil {
		t.Fatal(err)
	}
	hints, err := importer.ReadHints(config, string(prose))
	if err != nil {
		t.Fatal(err)
	}
	first, err := importer.File(importer.Job{Path: base + ".data.csv", Hints: hints})
	if err != nil {
		t.Fatal(err)
	}
	m := first.Proposed
	var units []string
	for _, c := range m.Columns {
		units = append(units, string(c.Unit))
	}
	if d := cmp.Diff([]string{"ml", "ml", "ml", "ml/min", "Hz", "s", ""}, units); d != "" {
		t.Errorf("units (-want +got):\n%s", d)
	}
	m.Columns[6].Unit, m.Columns[6].Confirmed = "1", true
	second, err := importer.File(importer.Job{Path: base + ".data.csv", Mapping: &m, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s; %+v", second.Summary, second.Faults)
	if second.Rows.Imported+second.Rows.Quarantined != 1386 || second.Rows.Imported < 1300 {
		t.Errorf("rows %+v, want 1386 of which nearly all are imported", second.Rows)
	}
}
