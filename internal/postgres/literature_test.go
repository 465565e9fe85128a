package postgres_test

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/athanor-lab/athanor/internal/pgtest"
	"github.com/athanor-lab/athanor/internal/postgres"
	"github.com/athanor-lab/athanor/literature"
	"github.com/athanor-lab/athanor/literature/index"
	"github.com/athanor-lab/athanor/literature/literaturetest"
)

// TestLiteratureStore puts the database through what every store promises.
func TestLiteratureStore(t *testing.T) {
	t.Parallel()
	literaturetest.Exercise(t, func(t *testing.T) literature.Store { return pgtest.Open(t).Library() })
}

func both(t *testing.T, db postgres.Library, papers []literature.Paper) *index.Index {
	t.Helper()
	b := index.NewBuilder(index.BM25{})
	for _, p := range papers {
		b.Add(index.Of(p))
	}
	for i := 0; i < len(papers); i += 1000 { // in several batches, as they come
		batch := literature.Batch{Source: "x", Digest: strconv.Itoa(i), Papers: papers[i:min(i+1000, len(papers))], At: time.Unix(0, 0)}
		if _, err := db.Import(t.Context(), "c", batch); err != nil {
			t.Fatal(err)
		}
	}
	return b.Build()
}

// TestSearchPapersIsTheIndex compares hits and scores of queries of every form
// with those of an index in memory, after papers changed.
func TestSearchPapersIsTheIndex(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(11, 12))
	word := func() string { return fmt.Sprintf("w%dq", int(rng.Float64()*rng.Float64()*40)) }
	text := func(n int) string {
		w := make([]string, n)
		for i := range w {
			w[i] = word()
		}
		return strings.Join(w, " ")
	}
	var papers []literature.Paper
	for i := range 300 {
		papers = append(papers, literature.Paper{ID: fmt.Sprint("p", i), Title: text(4), Abstract: text(5 + rng.IntN(30)), Keywords: []string{text(1)}, Authors: []string{text(1)}})
	}
	db := pgtest.Open(t).Library()
	before := append([]literature.Paper(nil), papers...)
	before[7].Abstract, before[9].Title = "other words", "another title"
	both(t, db, before)
	batch := literature.Batch{Source: "y", Digest: "y", Papers: papers, At: time.Unix(0, 0)}
	if _, err := db.Import(t.Context(), "c", batch); err != nil {
		t.Fatal(err)
	}
	b := index.NewBuilder(index.BM25{})
	for _, p := range papers {
		b.Add(index.Of(p))
	}
	x := b.Build()
	for range 25 {
		q := word() + " " + word() + " " + word()
		for _, form := range []string{q, `"` + q + `"`, "title:" + q, "+" + q, "-" + q + " " + word(), "author:" + word(), "nothing", ""} {
			parsed := index.Parse(form)
			got, err := db.SearchPapers(t.Context(), "c", parsed, 10)
			if err != nil {
				t.Fatal(err)
			}
			want := x.Search(parsed, 10)
			for i := range got {
				got[i].Doc = 0
			}
			for i := range want {
				want[i].Doc = 0
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("%q (-index +database):\n%s", form, diff)
			}
		}
	}
	if hits, err := db.SearchPapers(t.Context(), "no such corpus", index.Parse("w1q"), 5); err != nil || len(hits) != 0 {
		t.Errorf("a corpus that is not there: %v, %v", hits, err)
	}
}

// TestSearchPapersOnSciFact wants the same first ten on 99 % of real questions.
func TestSearchPapersOnSciFact(t *testing.T) {
	data := os.Getenv("ATHANOR_DATA")
	if data == "" {
		t.Skip("not run: ATHANOR_DATA is not set")
	}
	t.Parallel()
	read := func(name string, yield func(line []byte)) {
		t.Helper()
		f, err := os.Open(filepath.Join(data, "literature", "scifact", name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		s := bufio.NewScanner(z)
		for s.Buffer(nil, 1<<24); s.Scan(); {
			yield(s.Bytes())
		}
	}
	var papers []literature.Paper
	type doc struct {
		ID    string `json:"_id"`
		Title string `json:"title"`
		Text  string `json:"text"`
	}
	read("corpus.jsonl.gz", func(line []byte) {
		var d doc
		if err := json.Unmarshal(line, &d); err != nil {
			t.Fatal(err)
		}
		papers = append(papers, literature.Paper{ID: d.ID, Title: d.Title, Abstract: d.Text})
	})
	db := pgtest.Open(t).Library()
	began := time.Now()
	x := both(t, db, papers)
	t.Logf("%d papers in the database in %v", len(papers), time.Since(began).Round(time.Millisecond))
	same, all := 0, 0
	var spent time.Duration
	read("queries.test.jsonl.gz", func(line []byte) {
		var d doc
		if err := json.Unmarshal(line, &d); err != nil {
			t.Fatal(err)
		}
		q := index.Text(d.Text)
		began := time.Now()
		got, err := db.SearchPapers(t.Context(), "c", q, 10)
		if err != nil {
			t.Fatal(err)
		}
		spent += time.Since(began)
		all++
		if cmp.Equal(hitIDs(x.Search(q, 10)), hitIDs(got)) {
			same++
		}
	})
	t.Logf("the same first ten on %d of %d questions; %v a question", same, all, spent/time.Duration(all))
	if float64(same) < 0.99*float64(all) {
		t.Errorf("the same first ten on %d of %d questions", same, all)
	}
}

func hitIDs(hits []index.Hit) []string {
	out := make([]string, len(hits))
	for i, h := range hits {
		out[i] = h.ID
	}
	return out
}
