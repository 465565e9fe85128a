package bench_test

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/literature/bench"
)

func write(t *testing.T, path string, lines ...string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(lines, "\n") + "\n"
	if filepath.Ext(path) == ".gz" {
		z := gzip.NewWriter(f)
		_, err = z.Write([]byte(text))
		if err == nil {
			err = z.Close()
		}
	} else {
		_, err = f.WriteString(text)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestRunOnSmallSets measures sets of a few lines whose answers are plain.
func TestRunOnSmallSets(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var docs, queries, screened, recipes []string
	qrels := []string{"query-id\tcorpus-id\tscore"}
	for i := range 40 {
		docs = append(docs, fmt.Sprintf(`{"_id":"d%d","title":"on thing%dq","text":"thing%dq is common"}`, i, i, i))
		queries = append(queries, fmt.Sprintf(`{"_id":"q%d","text":"what is thing%dq"}`, i, i))
		qrels = append(qrels, fmt.Sprintf("q%d\td%d\t1", i, i))
		label, word := 0, "other"
		if i%5 == 0 {
			label, word = 1, "wanted"
		}
		screened = append(screened, fmt.Sprintf(`{"id":%d,"title":"%s record","abstract":"number%d","label":%d}`, i, word, i%7, label))
		recipes = append(recipes, fmt.Sprintf(`{"doi":"10.1/%d","target":["LiCoO2"],"precursors":["Li2CO3"],"ops":[["HeatingOperation","fired",[[%d,"C"]],[]]]}`, i, 850+i%3*50))
	}
	for _, part := range []string{"train", "test"} {
		write(t, filepath.Join(dir, "scifact", "queries."+part+".jsonl.gz"), queries...)
		write(t, filepath.Join(dir, "scifact", "qrels."+part+".tsv"), qrels...)
	}
	write(t, filepath.Join(dir, "scifact", "corpus.jsonl.gz"), docs...)
	write(t, filepath.Join(dir, "screening", "any-name.jsonl.gz"), screened...)
	write(t, filepath.Join(dir, "synthesis-textmined", "some.jsonl.gz"), recipes...)
	const text = "β dried at 80 degC." // a letter of two bytes before, for offsets count code points
	write(t, filepath.Join(dir, "synthesis-annotated", "some.jsonl.gz"), fmt.Sprintf(`{"text":%q,"entities":[{"id":"a","type":"Operation","start":2},{"id":"b","type":"Number","start":11},{"id":"c","type":"Condition-Unit","start":14}],`+
		`"relations":[{"type":"Number_Of","head":"b","tail":"c"},{"type":"Condition_Of","head":"c","tail":"a"}]}`, text),
		`{"text":"Heated to 5 h 6 h.","entities":[{"id":"b","type":"Number","start":10},{"id":"c","type":"Condition-Unit","start":12}],"relations":[]}`)
	r, err := bench.Run(t.Context(), bench.Options{Data: dir, Seeds: 2})
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string]*float64{
		"bm25": r.Ranking.BM25, "hybrid": r.Ranking.Hybrid, "pairs": r.Extraction.PairF1, "links": r.Extraction.Link,
	} {
		if got == nil || *got != 1 {
			t.Errorf("%s: got %v, want 1", name, got)
		}
	}
	if n := r.Extraction.WithoutPairs; n != 1 || r.Extraction.Documents != 2 || *r.Extraction.PairF1All != 0.5 {
		t.Errorf("%d of %d procedures without annotated pairs, F1 of all %g; want 1, 2 and 0.5", n, r.Extraction.Documents, *r.Extraction.PairF1All)
	}
	if w := r.Screening.MeanWSS95; w == nil || *w < 50 {
		t.Errorf("WSS@95: got %v, want at least 50", w)
	}
	if b := r.TemperaturePrior.Bits; b == nil || *b < 1 {
		t.Errorf("bits: got %v, want at least 1", b)
	}
	src, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(src), `"experiments_to_top5":{"none":null`) {
		t.Errorf("what was not measured is not null: %s", src)
	}
}

// TestRunRefusesAnEmptyDirectory wants to be told what is missing.
func TestRunRefusesAnEmptyDirectory(t *testing.T) {
	t.Parallel()
	if _, err := bench.Run(t.Context(), bench.Options{Data: t.TempDir()}); lab.KindOf(err) != lab.Invalid {
		t.Errorf("got %v, want an error of kind invalid", err)
	}
}

// TestTargets holds the packages to what they reached on published sets, with a
// few seeds. The floors are those of the open sets; other sets have others.
func TestTargets(t *testing.T) {
	data := os.Getenv("ATHANOR_DATA")
	if data == "" {
		t.Skip("not run: ATHANOR_DATA is not set")
	}
	r, err := bench.Run(t.Context(), bench.Options{Data: filepath.Join(data, "literature"), Seeds: 3, Progress: t.Logf})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		got   *float64
		floor float64
	}{
		{"scifact.bm25_ndcg10", r.Ranking.BM25, 0.685},
		{"scifact.hybrid_ndcg10", r.Ranking.Hybrid, 0.700},
		{"screening.mean_wss95", r.Screening.MeanWSS95, 62},
		{"extraction.pair_f1", r.Extraction.PairF1, 0.945},
		{"extraction.pair_f1_halves[1]", r.Extraction.PairF1Halves[1], 0.93},
		{"extraction.link_accuracy", r.Extraction.Link, 0.80},
		{"temperature_prior.bits", r.TemperaturePrior.Bits, 1.0},
	} {
		if c.got == nil || *c.got < c.floor {
			t.Errorf("%s: got %v, want at least %g", c.name, deref(c.got), c.floor)
		}
	}
	if n := r.Extraction.NotInSpan; n == nil || *n != 0 {
		t.Errorf("values not in their span: %v", n)
	}
	if n := r.Screening.FirstWithin10; n == nil || *n < 5 || r.Screening.Questions != 7 {
		t.Errorf("a relevant record is among the first ten on %v of %d sets, want 5 of 7", n, r.Screening.Questions)
	}
	if ms := r.Screening.RetrainP95MS; ms == nil || *ms > 15 {
		t.Errorf("retraining takes %v ms at the 95th percentile, want 15", deref(ms))
	}
	if c := r.TemperaturePrior.Coverage; c == nil || *c < 0.77 || *c > 0.87 {
		t.Errorf("temperature_prior.coverage80: got %v, want 0.77 to 0.87", deref(c))
	}
	src, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s", src)
}

func deref(x *float64) any {
	if x == nil {
		return nil
	}
	return *x
}
