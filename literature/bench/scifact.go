package bench

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/athanor-lab/athanor/literature"
	"github.com/athanor-lab/athanor/literature/index"
)

// Ranking is what was measured of search, on a collection in the layout of BEIR:
// corpus.jsonl.gz, queries.{train,test}.jsonl.gz and qrels.{train,test}.tsv.
type Ranking struct {
	BM25        *float64       `json:"bm25_ndcg10"`
	Hybrid      *float64       `json:"hybrid_ndcg10"`
	BM25Recall  *float64       `json:"bm25_recall100"`
	Recall      *float64       `json:"hybrid_recall100"`
	BuildPerS   *float64       `json:"build_per_second"` // documents a second of one core, without the latent space
	LSASeconds  *float64       `json:"lsa_seconds"`
	BM25QueryMS *float64       `json:"bm25_query_ms"`
	QueryMS     *float64       `json:"hybrid_query_ms"`
	Weights     *index.Weights `json:"weights"`
	// Stored is the share of questions whose first ten are the same from a database
	// and from the index, and StoredMS the median time of one there.
	Stored    *float64 `json:"postgres_top10_same"`
	StoredMS  *float64 `json:"postgres_query_ms"`
	Documents int      `json:"documents"`
	Queries   int      `json:"queries"`
}

// rows calls yield with each line of a gzipped JSONL file.
func rows[T any](path string, yield func(T)) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return fmt.Errorf("read %s: %w", filepath.Base(path), err)
	}
	s := bufio.NewScanner(z)
	s.Buffer(make([]byte, 1<<16), 1<<26)
	for n := 1; s.Scan(); n++ {
		var v T
		if err := json.Unmarshal(s.Bytes(), &v); err != nil {
			return fmt.Errorf("read %s line %d: %w", filepath.Base(path), n, err)
		}
		yield(v)
	}
	if err := s.Err(); err != nil {
		return fmt.Errorf("read %s: %w", filepath.Base(path), err)
	}
	return nil
}

type beirDoc struct {
	ID    string `json:"_id"`
	Title string `json:"title"`
	Text  string `json:"text"`
	// Abstract is what other sets call the text.
	Abstract string `json:"abstract"`
}

// beirQueries reads the judged queries of a part, in the order of their file.
func beirQueries(dir, part string) ([]index.Judged, error) {
	src, err := os.ReadFile(filepath.Join(dir, "qrels."+part+".tsv"))
	if err != nil {
		return nil, err
	}
	grades := map[string]map[string]float64{}
	for i, line := range strings.Split(strings.TrimSpace(string(src)), "\n") {
		f := strings.Split(strings.TrimSpace(line), "\t")
		if i == 0 || len(f) != 3 {
			continue // the headings
		}
		g, err := strconv.ParseFloat(f[2], 64)
		if err != nil {
			return nil, fmt.Errorf("read qrels.%s.tsv line %d: %w", part, i+1, err)
		}
		if grades[f[0]] == nil {
			grades[f[0]] = map[string]float64{}
		}
		grades[f[0]][f[1]] = g
	}
	var out []index.Judged
	err = rows(filepath.Join(dir, "queries."+part+".jsonl.gz"), func(q beirDoc) {
		if g := grades[q.ID]; g != nil {
			out = append(out, index.Judged{Query: index.Text(q.Text), Grade: g})
		}
	})
	return out, err
}

// rank measures search on the collection in dir.
func rank(dir string, stored func([]literature.Paper) (func(index.Query, int) ([]index.Hit, error), error)) (Ranking, error) {
	var r Ranking
	var docs []index.Document
	if err := rows(filepath.Join(dir, "corpus.jsonl.gz"), func(d beirDoc) {
		docs = append(docs, index.Document{ID: d.ID, Title: d.Title, Text: d.Text})
	}); err != nil {
		return r, err
	}
	train, err := beirQueries(dir, "train")
	if err != nil && !os.IsNotExist(err) {
		return r, err
	}
	test, err := beirQueries(dir, "test")
	if err != nil {
		return r, err
	}
	r.Documents, r.Queries = len(docs), len(test)
	if len(docs) == 0 || len(test) == 0 {
		return r, nil
	}

	runtime.LockOSThread() // for its processor time
	defer runtime.UnlockOSThread()
	began := clock()
	b := index.NewBuilder(index.BM25{})
	for _, d := range docs {
		b.Add(d)
	}
	x := b.Build()
	r.BuildPerS = new(float64(len(docs)) / (clock() - began).Seconds())
	built := time.Now()
	lsa := index.NewLSA(x, index.LSAOptions{Seed: 1})
	r.LSASeconds = new(time.Since(built).Seconds())
	ranker := &index.Ranker{Index: x, LSA: lsa, Weights: index.DefaultWeights}
	w := ranker.Learn(train)
	ranker.Weights, r.Weights = w, &w

	r.BM25, r.BM25Recall, r.BM25QueryMS = judge(test, func(q index.Query) (ids []string) {
		for _, h := range x.Search(q, 100) {
			ids = append(ids, h.ID)
		}
		return ids
	})
	r.Hybrid, r.Recall, r.QueryMS = judge(test, func(q index.Query) (ids []string) {
		for _, h := range ranker.Rank(q, 100) {
			ids = append(ids, h.ID)
		}
		return ids
	})
	if stored != nil {
		err = r.compare(docs, test, x, stored)
	}
	return r, err
}

// compare asks the database and the index the same.
func (r *Ranking) compare(docs []index.Document, test []index.Judged, x *index.Index, stored func([]literature.Paper) (func(index.Query, int) ([]index.Hit, error), error)) error {
	papers := make([]literature.Paper, len(docs))
	for i, d := range docs {
		papers[i] = literature.Paper{ID: d.ID, Title: d.Title, Abstract: d.Text}
		if d.Title == "" {
			papers[i].Title = d.ID // a paper has one, and here it only changes what is found by it
		}
	}
	search, err := stored(papers)
	if err != nil || search == nil {
		return err
	}
	same := 0
	times := make([]float64, len(test))
	for i, t := range test {
		began := time.Now()
		got, err := search(t.Query, 10)
		if err != nil {
			return err
		}
		times[i] = time.Since(began).Seconds() * 1e3
		if slices.EqualFunc(got, x.Search(t.Query, 10), func(a, b index.Hit) bool { return a.ID == b.ID }) {
			same++
		}
	}
	slices.Sort(times)
	r.Stored, r.StoredMS = new(float64(same)/float64(len(test))), new(times[len(times)/2])
	return nil
}

// judge runs all queries and returns nDCG@10, recall@100 and the median processor
// time in milliseconds.
func judge(test []index.Judged, search func(index.Query) []string) (ndcg, recall, ms *float64) {
	var n, r float64
	times := make([]float64, len(test))
	for i, t := range test {
		began := clock()
		ids := search(t.Query)
		times[i] = (clock() - began).Seconds() * 1e3
		n += index.NDCG(ids, t.Grade, 10)
		found, all := 0, 0
		for id, g := range t.Grade {
			if g > 0 {
				all++
				if slices.Contains(ids, id) {
					found++
				}
			}
		}
		r += float64(found) / float64(max(all, 1))
	}
	slices.Sort(times)
	count := float64(len(test))
	return new(n / count), new(r / count), new(times[len(times)/2])
}
