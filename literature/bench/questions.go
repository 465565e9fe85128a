package bench

import (
	"os"
	"path/filepath"
	"strings"

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

// question returns the question of a set: that of a file name.question.txt beside
// it, or one of ours.
func question(dir, name string) (string, bool) {
	if src, err := os.ReadFile(filepath.Join(dir, name+".question.txt")); err == nil {
		return strings.TrimSpace(string(src)), true
	}
	q, ok := questions[name]
	return q, ok
}

// firstRelevant reads records from a question on, with no label known, and returns
// the rank of the first relevant one, 0 for none.
func firstRelevant(records []screen.Record, relevant []bool, question string) (int, error) {
	b := index.NewBuilder(index.BM25{})
	for _, r := range records {
		b.Add(index.Document{Title: r.Title, Text: r.Abstract})
	}
	x := b.Build()
	ranker := index.Ranker{Index: x, LSA: index.NewLSA(x, index.LSAOptions{Dim: 100}), Weights: index.DefaultWeights}
	var start []int
	for _, h := range ranker.Rank(index.Text(question), len(records)) {
		start = append(start, h.Doc)
	}
	s, err := screen.New(records, start, 1)
	if err != nil {
		return 0, err
	}
	for read := 1; read <= len(records); read++ {
		i := s.Next(1)[0]
		if relevant[i] {
			return read, nil
		}
		if err := s.Set(i, screen.Irrelevant); err != nil {
			return 0, err
		}
	}
	return 0, nil
}
