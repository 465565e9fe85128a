package e2e_test

import (
	"encoding/csv"
	"encoding/json"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/athanor-lab/athanor/dataset"
	"github.com/athanor-lab/athanor/lab"
)

// arylation are the columns of the table, parameters first.
var arylation = []string{"base", "ligand", "solvent", "concentration", "temperature"}

// measuredRows reads the table by itself, not with the reader under test:
// conditions → yield and cost.
func measuredRows(t *testing.T, file string) map[string][2]float64 {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	at := map[string]int{}
	for i, name := range all[0] {
		at[name] = i
	}
	number := func(row []string, name string) float64 {
		x, err := strconv.ParseFloat(row[at[name]], 64)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	rows := map[string][2]float64{}
	for _, row := range all[1:] {
		var key []string
		for _, name := range arylation {
			if name == "concentration" || name == "temperature" {
				key = append(key, lab.Number(number(row, name)).String())
			} else {
				key = append(key, row[at[name]])
			}
		}
		rows[strings.Join(key, "|")] = [2]float64{number(row, "yield"), number(row, "cost")}
	}
	return rows
}

type tableRow struct{ dataset.Row }

func readRow(t *testing.T, line string) tableRow {
	t.Helper()
	var r tableRow
	if err := json.Unmarshal([]byte(line), &r.Row); err != nil {
		t.Fatalf("export line %q: %v", line, err)
	}
	return r
}

func (r tableRow) conditions() string {
	var key []string
	for _, name := range arylation {
		s, _ := r.Settings.Get(name)
		key = append(key, s.Value.String())
	}
	return strings.Join(key, "|")
}

func (r tableRow) observed() [2]float64 {
	var seen [2]float64
	for i, name := range []string{"yield", "cost"} {
		seen[i] = math.NaN()
		if o, ok := r.Observed.Get(name); ok && o.Value != nil {
			seen[i] = *o.Value
		}
	}
	return seen
}

func same(a, b [2]float64) bool {
	return math.Abs(a[0]-b[0]) < 1e-9 && math.Abs(a[1]-b[1]) < 1e-9
}
