package importer_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/athanor-lab/athanor/dataset/importer"
	"github.com/athanor-lab/athanor/dataset/tabular"
)

// wide returns a table of n rows and twelve columns that leaves no question.
func wide(n int) []byte {
	r := rand.New(rand.NewPCG(7, 7))
	var b bytes.Buffer
	b.WriteString("run id,solvent,base,temperature (°C),time [min],flow_rate [mL/min],volume (mL),pressure [bar],catalyst_loading [mmol],yield [%{mol}],conversion [%{mol}],remark\n")
	for i := range n {
		fmt.Fprintf(&b, "r%07d,%s,%s,%.1f,%d,%.2f,%.3f,%.2f,%.4f,", i, []string{"DMSO", "DMF", "MeCN", "toluene"}[r.IntN(4)], []string{"KOAc", "K3PO4", "CsOAc"}[r.IntN(3)],
			20+r.Float64()*100, 10+r.IntN(600), 1+r.Float64()*4, 1+r.Float64()*9, 1+r.Float64()*9, 0.01+r.Float64())
		if r.IntN(20) == 0 {
			b.WriteString("NA,")
		} else {
			fmt.Fprintf(&b, "%.2f,", 10+r.Float64()*80)
		}
		fmt.Fprintf(&b, "%.2f,", 10+r.Float64()*80)
		if r.IntN(10) == 0 {
			b.WriteString("bubbles")
		}
		b.WriteByte('\n')
	}
	return b.Bytes()
}

// BenchmarkImport proposes a mapping and imports by it, from memory to nowhere.
func BenchmarkImport(b *testing.B) {
	const rows = 100_000
	text := wide(rows)
	b.SetBytes(int64(len(text)))
	none := importer.Sinks{Row: func(*importer.Row) error { return nil }, Held: func(importer.Held) error { return nil }, Entry: func(importer.Entry) error { return nil }}
	for b.Loop() {
		s, err := tabular.Read(bytes.NewReader(text), int64(len(text)), tabular.Options{})
		if err != nil {
			b.Fatal(err)
		}
		m, err := importer.Propose(s.Tables[0], nil)
		if err != nil {
			b.Fatal(err)
		}
		sum, err := importer.Run(s.Tables[0], "ab", m, none)
		if err != nil || sum.Rows.Imported != rows {
			b.Fatalf("%+v %v", sum, err)
		}
	}
	b.ReportMetric(float64(b.N)*rows/b.Elapsed().Seconds(), "rows/s")
}
