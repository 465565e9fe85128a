package importer_test

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/athanor-lab/athanor/dataset/importer"
	"github.com/athanor-lab/athanor/dataset/tabular"
	"github.com/athanor-lab/athanor/lab"
)

var faultSeed = flag.Uint64("faultseed", uint64(time.Now().UnixNano()), "seed of the planted faults")

// planted is a table of clean rows and the ways to spoil it.
type planted struct {
	r      *rand.Rand
	header []string
	rows   [][]string
}

func plant(seed uint64) *planted {
	p := &planted{r: rand.New(rand.NewPCG(seed, 7)), header: []string{"id", "solvent", "temperature (°C)", "flow_rate [mL/min]", "yield [%{mol}]"}, rows: make([][]string, 60)}
	for i := range p.rows {
		p.rows[i] = []string{fmt.Sprint("a", i), []string{"DMSO", "DMF"}[i%2], fmt.Sprintf("%.1f", 20+p.r.Float64()*70), fmt.Sprintf("%.2f", 1+p.r.Float64()*4), fmt.Sprintf("%.2f", 10+p.r.Float64()*80)}
	}
	return p
}

func (p *planted) text(header []string, rows [][]string) string {
	lines := []string{strings.Join(header, ",")}
	for _, row := range rows {
		lines = append(lines, strings.Join(row, ","))
	}
	return strings.Join(lines, "\n") + "\n"
}

// cellFaults spoil a row at a column of numbers.
var cellFaults = map[string]func(r *rand.Rand, row []string, c int) []string{
	"quoted decimal comma": func(_ *rand.Rand, row []string, c int) []string {
		row[c] = `"` + strings.Replace(row[c], ".", ",", 1) + `"`
		return row
	},
	"bare decimal comma": func(_ *rand.Rand, row []string, c int) []string {
		row[c] = strings.Replace(row[c], ".", ",", 1)
		return row
	},
	"thousands":         func(_ *rand.Rand, row []string, c int) []string { row[c] = `"1,0` + row[c] + `"`; return row },
	"a million times":   func(_ *rand.Rand, row []string, c int) []string { row[c] += "e6"; return row },
	"a millionth":       func(_ *rand.Rand, row []string, c int) []string { row[c] += "e-6"; return row },
	"unit of mass":      func(_ *rand.Rand, row []string, c int) []string { row[c] += " kg"; return row },
	"unit of nothing":   func(_ *rand.Rand, row []string, c int) []string { row[c] += " foo"; return row },
	"swapped with text": func(_ *rand.Rand, row []string, c int) []string { row[1], row[c] = row[c], row[1]; return row },
	"cell lost":         func(_ *rand.Rand, row []string, c int) []string { return append(row[:c:c], row[c+1:]...) },
	"cell twice":        func(_ *rand.Rand, row []string, c int) []string { return append(row[:c:c], row[c-1:]...) },
	"formula":           func(_ *rand.Rand, row []string, c int) []string { row[c] = "=" + row[c] + "*2"; return row },
	"formula in text":   func(_ *rand.Rand, row []string, _ int) []string { row[1] = "=HYPERLINK(1)"; return row },
	"command":           func(_ *rand.Rand, row []string, _ int) []string { row[0] = "@SUM(1+9)*cmd|' /C calc'!A0"; return row },
	"open quote":        func(_ *rand.Rand, row []string, c int) []string { row[c] = `"` + row[c]; return row },
	"bound":             func(_ *rand.Rand, row []string, c int) []string { row[c] = "<" + row[c]; return row },
	"date": func(r *rand.Rand, row []string, c int) []string {
		row[c] = fmt.Sprintf("2024-05-%02d", 1+r.IntN(28))
		return row
	},
	"letter O":    func(_ *rand.Rand, row []string, c int) []string { row[c] = row[c][:1] + "O" + row[c][1:]; return row },
	"NUL":         func(_ *rand.Rand, row []string, c int) []string { row[c] += "\x00"; return row },
	"bad bytes":   func(_ *rand.Rand, row []string, c int) []string { row[c] += "\xff"; return row },
	"infinite":    func(_ *rand.Rand, row []string, c int) []string { row[c] = "1e999"; return row },
	"error value": func(_ *rand.Rand, row []string, c int) []string { row[c] = "#DIV/0!"; return row },
}

// headerFaults spoil the names of the columns.
var headerFaults = map[string]func(r *rand.Rand, header []string) []string{
	"swapped columns":  func(_ *rand.Rand, h []string) []string { h[2], h[3] = h[3], h[2]; return h },
	"other unit":       func(_ *rand.Rand, h []string) []string { h[3] = "flow_rate [uL/min]"; return h },
	"duplicate header": func(r *rand.Rand, h []string) []string { h[1+r.IntN(4)] = h[0]; return h },
	"column renamed":   func(r *rand.Rand, h []string) []string { h[2+r.IntN(3)] = "pressure [bar]"; return h },
}

// TestRandomFaults spoils a table again and again, in a random way at a random
// place, and wants at least 99 of 100 told, and not one row imported that is not
// as the clean table has it.
func TestRandomFaults(t *testing.T) {
	t.Parallel()
	seed := *faultSeed
	t.Logf("seed %d; again with -faultseed=%d", seed, seed)
	p := plant(seed)
	clean := imports(t, p.text(p.header, p.rows), nil)
	if len(clean.rows) != len(p.rows) {
		t.Fatalf("%d of %d clean rows are imported: %+v", len(clean.rows), len(p.rows), clean.summary.Faults)
	}
	names := append(slices.Sorted(maps.Keys(cellFaults)), slices.Sorted(maps.Keys(headerFaults))...)
	names = append(names, "truncated")
	const n = 780
	told := 0
	for i := range n {
		name := names[i%len(names)]
		header, rows := slices.Clone(p.header), make([][]string, len(p.rows))
		for j := range rows {
			rows[j] = slices.Clone(p.rows[j])
		}
		at, spoiled := p.r.IntN(len(rows)), -1
		if f := cellFaults[name]; f != nil {
			rows[at], spoiled = f(p.r, rows[at], 2+p.r.IntN(3)), at
		} else if f := headerFaults[name]; f != nil {
			header = f(p.r, header)
		}
		text := p.text(header, rows)
		if name == "truncated" {
			text = text[:len(text)-2-p.r.IntN(40)]
			text = strings.TrimSuffix(text, "\n")
		}
		got, err := tryImport(t, text, clean.mapping)
		if err != nil || len(got.held) > 0 || hasNote(got.summary, "no_final_newline") {
			told++
		} else {
			t.Logf("fault %d, %s in row %d, is not told: %q", i, name, at, rows[at])
		}
		if err != nil {
			continue
		}
		for _, row := range got.rows {
			k := row.Source.Row - 2
			if k == spoiled || k >= len(clean.rows) || name == "truncated" && row.Source.Row == got.summary.Rows.All {
				if k == spoiled {
					t.Errorf("fault %d, %s: row %d was imported as %+v; seed %d", i, name, row.Source.Row, row, seed)
				}
				continue
			}
			want := clean.rows[k]
			want.ID, want.Source, row.ID, row.Source = "", importer.Source{}, "", importer.Source{}
			if d := cmp.Diff(want, row, cmp.Comparer(lab.Value.Equal)); d != "" {
				t.Errorf("fault %d, %s in row %d: row %d is silently wrong; seed %d (-want +got):\n%s", i, name, at, k, seed, d)
			}
		}
	}
	t.Logf("%d of %d faults of %d kinds are told", told, n, len(names))
	if told*100 < n*99 {
		t.Errorf("%d of %d faults are told, want at least 99 of 100; seed %d", told, n, seed)
	}
}

func hasNote(s importer.Summary, code string) bool {
	return slices.ContainsFunc(s.Notes, func(n tabular.Note) bool { return n.Code == code })
}

// tryImport is imports that may be refused.
func tryImport(t *testing.T, text string, m importer.Mapping) (*result, error) {
	t.Helper()
	r := &result{table: open(t, text), mapping: m}
	var err error
	r.summary, err = importer.Run(r.table, hash(text), m, importer.Sinks{
		Row:   func(row *importer.Row) error { r.rows = append(r.rows, row.Clone()); return nil },
		Held:  func(h importer.Held) error { r.held = append(r.held, h); return nil },
		Entry: func(importer.Entry) error { return nil },
	})
	return r, err
}
