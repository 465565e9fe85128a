package bench_test

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/athanor-lab/athanor/literature/index"
	"github.com/athanor-lab/athanor/literature/screen"
)

// questions are what a reviewer might type, by set. The sets come without the
// reviews' own questions; these were written from the reviews' subjects alone.
var questions = map[string]string{
	"wilson":     "treatment of Wilson disease with chelation or zinc, clinical trial in patients",
	"ace":        "ACE inhibitors efficacy and safety randomized controlled trial, captopril enalapril lisinopril",
	"virus":      "viral metagenomics sequencing of virus communities in farm animals and livestock",
	"nudging":    "nudging healthcare professionals to change clinical behaviour and adherence to guidelines",
	"kitchenham": "cost and effort estimation models in software engineering, cross-company versus within-company data",
	"cohen-ppi":  "proton pump inhibitors omeprazole for gastroesophageal reflux randomized trial",
	"cohen-ccb":  "calcium channel blockers amlodipine nifedipine for hypertension or angina, randomized trial",
}

// TestQuestionFindsTheFirst reads each set from a question, with no relevant record
// known, and wants one among the first ten on at least five of seven.
func TestQuestionFindsTheFirst(t *testing.T) {
	data := os.Getenv("ATHANOR_DATA")
	if data == "" {
		t.Skip("not run: ATHANOR_DATA is not set")
	}
	early, sets := 0, 0
	for name, question := range questions {
		f, err := os.Open(filepath.Join(data, "literature", "screening", name+".jsonl.gz"))
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		b := index.NewBuilder(index.BM25{})
		var relevant []bool
		var records []screen.Record
		lines := bufio.NewScanner(z)
		for lines.Buffer(nil, 1<<24); lines.Scan(); {
			var r struct {
				Title, Abstract string
				Label           int
			}
			if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
				t.Fatal(err)
			}
			b.Add(index.Document{Title: r.Title, Text: r.Abstract})
			relevant = append(relevant, r.Label == 1)
			records = append(records, screen.Record{Title: r.Title, Abstract: r.Abstract})
		}
		sets++
		x := b.Build()
		ranker := index.Ranker{Index: x, LSA: index.NewLSA(x, index.LSAOptions{Dim: 100}), Weights: index.DefaultWeights}
		var start []int
		for _, h := range ranker.Rank(index.Text(question), len(relevant)) {
			start = append(start, h.Doc)
		}
		s, err := screen.New(records, start, 1)
		if err != nil {
			t.Fatal(err)
		}
		for read := 1; ; read++ {
			i := s.Next(1)[0]
			if relevant[i] {
				t.Logf("%s: the first relevant record is the %d. (by the query alone the %d.)", name, read, 1+slices.IndexFunc(start, func(i int) bool { return relevant[i] }))
				if read <= 10 {
					early++
				}
				break
			}
			if err := s.Set(i, screen.Irrelevant); err != nil {
				t.Fatal(err)
			}
		}
	}
	if sets == len(questions) && early < 5 {
		t.Errorf("a relevant record is among the first ten on %d of %d sets, want 5", early, sets)
	}
}
