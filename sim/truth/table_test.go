package truth_test

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/sim/truth"
)

func settings(pairs ...any) []lab.Setting {
	var out []lab.Setting
	for i := 0; i < len(pairs); i += 2 {
		s := lab.Setting{Name: pairs[i].(string)}
		switch v := pairs[i+1].(type) {
		case string:
			s.Value = lab.Label(v)
		case float64:
			s.Value = lab.Number(v)
		}
		out = append(out, s)
	}
	return out
}

func open(t *testing.T, set string) *truth.Table {
	t.Helper()
	table, err := truth.OpenTable(filepath.Join("testdata", set))
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// TestTableAnswersTheMean asks for a point that was read three times, in another
// order of parameters than the file's and after a unit conversion's rounding.
func TestTableAnswersTheMean(t *testing.T) {
	t.Parallel()
	table := open(t, "coupling")
	got, err := table.Measure(settings("time", 1.0, "temperature", 105*(1+1e-12), "base", "CsOPiv"))
	if err != nil {
		t.Fatal(err)
	}
	sd, none := math.Sqrt(7), 0.0 // of 60, 64, 65 about 63: (9+1+4)/2
	want := []lab.Measured{{Name: "yield", Value: 63, Sigma: &sd, Unit: "%"}, {Name: "cost", Value: 1.5, Sigma: &none, Unit: "1"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("measure: (-want +got)\n%s", diff)
	}
	if one, err := table.Measure(settings("base", "KOAc", "temperature", 90.0, "time", 2.0)); err != nil || one[0].Value != 12 || one[0].Sigma != nil {
		t.Errorf("a single reading answers %+v, %v; want 12 without a standard deviation", one, err)
	}
}

// TestTableNamesTheNearest asks for what was never measured.
func TestTableNamesTheNearest(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, set, want string
		settings        []lab.Setting
	}{
		{
			"OffTheGrid", "coupling", "table coupling has no measurement at base=KOAc, temperature=92 Cel, time=1; the nearest measured point is base=KOAc, temperature=90 Cel, time=1",
			settings("base", "KOAc", "temperature", 92.0, "time", 1.0),
		},
		{
			"OtherLevel", "coupling", "the nearest measured point is base=KOAc, temperature=105 Cel, time=2",
			settings("base", "NaOH", "temperature", 104.0, "time", 2.0),
		},
		{
			"NotInThePool", "inks", "table inks has no measurement at red=0.2, blue=81; the nearest measured point is red=0.2, blue=80",
			settings("red", 0.2, "blue", 81.0),
		},
		{
			"JustBeyondTheTolerance", "inks", "has no measurement at red=0.2, blue=80.000001",
			settings("red", 0.2, "blue", 80.000001),
		},
		{"Missing", "inks", `look up inks: parameter "blue" is missing`, settings("red", 0.2)},
		{"LabelForNumber", "inks", "look up inks: blue = much is no number", settings("red", 0.2, "blue", "much")},
		{"NumberForLabel", "coupling", "look up coupling: base = 1 is no label", settings("base", 1.0, "temperature", 90.0, "time", 1.0)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := open(t, c.set).Measure(c.settings)
			if err == nil || !strings.Contains(err.Error(), c.want) || lab.KindOf(err) != lab.Invalid {
				t.Errorf("got %v of kind %q, want %q of kind invalid", err, lab.KindOf(err), c.want)
			}
		})
	}
}

// TestTableMatchesZero wants the rounding of 1 − 0.3 − 0.7 to be zero.
func TestTableMatchesZero(t *testing.T) {
	t.Parallel()
	if _, err := open(t, "inks").Measure(settings("red", 1-0.3-0.7, "blue", 0.00000001)); err != nil {
		t.Error(err)
	}
}

// TestTableDescribesItself looks at what a device and a campaign are told.
func TestTableDescribesItself(t *testing.T) {
	t.Parallel()
	table := open(t, "coupling")
	lo, hi, one, two := 90.0, 105.0, 1.0, 2.0
	want := []lab.ParamSpec{
		{Name: "base", Type: "string", Enum: []string{"KOAc", "CsOPiv"}, Required: true},
		{Name: "temperature", Type: "number", Unit: "Cel", Min: &lo, Max: &hi, Required: true},
		{Name: "time", Type: "number", Min: &one, Max: &two, Required: true},
	}
	if diff := cmp.Diff(want, table.Params()); diff != "" {
		t.Errorf("params: (-want +got)\n%s", diff)
	}
	if got := table.Space(); len(got.Parameters) != 3 || got.Parameters[1].Type != lab.Discrete || got.Pool != nil {
		t.Errorf("space of a full-factorial set is %+v", got)
	}
	if got := open(t, "inks").Space(); len(got.Pool) != 4 {
		t.Errorf("pool has %d points, want the 4 that were measured", len(got.Pool))
	}
	if n := table.Rows[6].Readings; n != 3 {
		t.Errorf("point 7 has %d readings, want 3", n)
	}
}

// TestOpenTableSaysWhatIsWrong damages a good set in one place at a time.
func TestOpenTableSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	space, table := read(t, "testdata/coupling/space.json"), read(t, "testdata/coupling/table.csv")
	for _, c := range []struct{ name, space, table, want string }{
		{"NoJSON", "{", table, "unexpected end of JSON input"},
		{"Lookup", strings.Replace(space, "full-factorial", "guess", 1), table, `lookup is "guess"; it is "pool" or "full-factorial"`},
		{"Type", strings.Replace(space, "discrete", "ordinal", 1), table, `parameter "temperature": type is "ordinal"`},
		{"Direction", strings.Replace(space, "max", "up", 1), table, `objective "yield": direction is "up"; it is "max" or "min"`},
		{"NoLevels", strings.Replace(space, `["KOAc", "CsOPiv"]`, "[]", 1), table, `parameter "base": it has no levels`},
		{"Column", space, strings.Replace(table, "time", "hours", 1), `column "time" of space.json is missing; the columns are base, temperature, hours, yield, cost`},
		{"Level", space, strings.Replace(table, "KOAc,90,2", "KOAC,90,2", 1), `line 3: column base: "KOAC" is none of its levels KOAc, CsOPiv`},
		{"Number", space, strings.Replace(table, "24", "NaN", 1), `line 5: column yield: "NaN" is no finite number`},
		{"Fields", space, table + "KOAc,1\n", "wrong number of fields"},
		{"Empty", space, strings.SplitAfter(table, "\n")[0], "it has no rows"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write(t, filepath.Join(dir, "space.json"), c.space)
			write(t, filepath.Join(dir, "table.csv"), c.table)
			if _, err := truth.OpenTable(dir); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
	if _, err := truth.OpenTables(t.TempDir()); err == nil || !strings.Contains(err.Error(), "holds no table") {
		t.Errorf("an empty folder gives %v", err)
	}
	if all, err := truth.OpenTables("testdata"); err != nil || len(all) != 2 || all[0].Set != "coupling" {
		t.Errorf("testdata holds %d tables, %v; want 2", len(all), err)
	}
}

// TestMeasuredRowsAnswerThemselves opens every set in testdata, and those of
// ATHANOR_DATA/optimisation when it is set, and asks each for all of its rows.
func TestMeasuredRowsAnswerThemselves(t *testing.T) {
	t.Parallel()
	dirs := []string{"testdata"}
	if data := os.Getenv("ATHANOR_DATA"); data != "" {
		dirs = append(dirs, filepath.Join(data, "optimisation"))
	}
	for _, dir := range dirs {
		tables, err := truth.OpenTables(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, table := range tables {
			readings := 0
			for i, row := range table.Rows {
				readings += row.Readings
				var at []lab.Setting
				for j, c := range table.Columns {
					at = append(at, lab.Setting{Name: c.Name, Value: row.Point[j]})
				}
				got, err := table.Lookup(at)
				if err != nil {
					t.Errorf("%s, row %d: %v", table.Set, i+1, err)
				} else if diff := cmp.Diff(row, got); diff != "" {
					t.Errorf("%s, row %d: (-want +got)\n%s", table.Set, i+1, diff)
				}
			}
			t.Logf("%s: %d readings at %d points", table.Set, readings, len(table.Rows))
		}
	}
}

// FuzzReadTable wants no input to be worse than an error, and what is read to
// answer for its rows.
func FuzzReadTable(f *testing.F) {
	for _, set := range []string{"coupling", "inks"} {
		f.Add(read(f, "testdata/"+set+"/space.json"), read(f, "testdata/"+set+"/table.csv"))
	}
	f.Fuzz(func(t *testing.T, space, table string) {
		got, err := truth.ReadTable("fuzz", []byte(space), strings.NewReader(table))
		if err != nil {
			return
		}
		for i, row := range got.Rows {
			var at []lab.Setting
			for j, c := range got.Columns {
				at = append(at, lab.Setting{Name: c.Name, Value: row.Point[j]})
			}
			if _, err := got.Lookup(at); err != nil {
				t.Errorf("row %d does not answer for itself: %v", i+1, err)
			}
		}
	})
}

func read(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n")))
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
