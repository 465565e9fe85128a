package importer_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/athanor-lab/athanor/dataset/importer"
	"github.com/athanor-lab/athanor/dataset/tabular"
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
