package importer_test

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/athanor-lab/athanor/dataset/importer"
	"github.com/athanor-lab/athanor/dataset/tabular"
	"github.com/athanor-lab/athanor/lab"
)

// FuzzConservation wants the ledger of any table to account for every cell and
// to rebuild the table.
func FuzzConservation(f *testing.F) {
	for _, seed := range []string{clean, "a [eV],b\n1,5,x\n\n\"=1\",2\n", "x;y\n1,5;NA\n<3;2", "t (K),u\n1 mL,\xff\n", "v,units\n1,mL\n2,uL\n3,?\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if bytes.HasPrefix(b, []byte("PK")) {
			return
		}
		s, err := tabular.Read(bytes.NewReader(b), int64(len(b)), tabular.Options{})
		if err != nil {
			return
		}
		table := s.Tables[0]
		m, err := importer.Propose(table, nil)
		if err != nil {
			t.Fatalf("propose: %v", err)
		}
		var ledger, rows, back bytes.Buffer
		entries, out := json.NewEncoder(&ledger), json.NewEncoder(&back)
		held := 0
		sum, err := importer.Run(table, "ab", m, importer.Sinks{
			Row: func(r *importer.Row) error {
				line := importer.AppendRow(nil, r)
				if want, err := json.Marshal(r); err != nil || !bytes.Equal(line, want) {
					t.Fatalf("%s, want %s (%v)", line, want, err)
				}
				rows.Write(append(line, '\n'))
				return nil
			},
			Entry: func(e importer.Entry) error {
				if line, err := json.Marshal(e); err != nil || !bytes.Equal(line, importer.AppendEntry(nil, &e)) {
					t.Fatalf("%s, want %s (%v)", importer.AppendEntry(nil, &e), line, err)
				}
				return entries.Encode(e)
			},
			Held: func(h importer.Held) error { held++; return out.Encode(h) },
		})
		if err != nil {
			t.Fatalf("run: %v", err)
		}
		if err := importer.Check(table, m, sum, &ledger, &rows, &back); err != nil {
			t.Fatal(err)
		}
		if sum.Rows.All != sum.Rows.Imported+held+sum.Rows.Blank+sum.Rows.Structure {
			t.Fatalf("rows %+v", sum.Rows)
		}
	})
}

// FuzzChunk wants any numbers and texts to come out of a chunk as they went in,
// to the bit, and any bytes to be read or refused.
func FuzzChunk(f *testing.F) {
	f.Add(1.25, "x", []byte{2, 1, 1})
	f.Add(math.Copysign(0, -1), "", []byte{})
	f.Add(1e300, "é\n", []byte{255, 255, 255, 255, 1})
	m := importer.Mapping{Columns: []importer.Column{
		{Name: "t", Role: importer.Parameter, Type: importer.NumberType, Unit: "K"},
		{Name: "s", Role: importer.Parameter, Type: importer.TextType},
		{Name: "skip", Role: importer.Ignored},
		{Name: "y", Role: importer.Objective, Type: importer.NumberType, Unit: "1"},
		{Name: "note", Role: importer.Kept},
	}}
	f.Fuzz(func(t *testing.T, x float64, s string, raw []byte) {
		imp := strings.Repeat("0", 64)
		_ = importer.ReadChunk(raw, imp, "ab", m, func(*importer.Row) error { return nil })
		if math.IsNaN(x) {
			return
		}
		c := importer.NewChunk(m)
		var rows []importer.Row
		for i := range 11 {
			r := importer.Row{ID: importer.RowID(imp, 3*i+1), Source: importer.Source{SHA256: "ab", Row: 3*i + 1, Offset: int64(i * 7)}, Settings: []lab.Setting{}, Observed: []lab.Measured{}, Attributes: []importer.Attribute{}}
			if i%2 == 0 {
				r.Settings = append(r.Settings, lab.Setting{Name: "t", Value: lab.Number(x + float64(i)), Unit: "K"})
			}
			if i%3 == 0 {
				r.Settings = append(r.Settings, lab.Setting{Name: "s", Value: lab.Label(s)})
				r.Observed = append(r.Observed, lab.Measured{Name: "y", Value: x, Unit: "1"})
			}
			if i%5 > 0 {
				r.Attributes = append(r.Attributes, importer.Attribute{Name: "note", Text: s})
			}
			c.Append(&r)
			rows = append(rows, r)
		}
		var got []importer.Row
		if err := importer.ReadChunk(c.AppendTo(nil), imp, "ab", m, func(r *importer.Row) error { got = append(got, *r); return nil }); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(rows, got, cmp.Comparer(lab.Value.Equal), cmp.Comparer(func(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) })); d != "" {
			t.Fatalf("(-want +got):\n%s", d)
		}
	})
}
