package index_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/athanor-lab/athanor/literature/index"
)

func build(docs ...index.Document) *index.Index {
	b := index.NewBuilder(index.BM25{})
	for _, d := range docs {
		b.Add(d)
	}
	return b.Build()
}

func ids(hits []index.Hit) []string {
	out := []string{}
	for _, h := range hits {
		out = append(out, h.ID)
	}
	slices.Sort(out)
	return out
}

// TestQueries wants exactly the documents that each form of query names.
func TestQueries(t *testing.T) {
	t.Parallel()
	x := build(
		index.Document{ID: "a", Title: "Carbon in steels", Text: "The hardness rises.", Authors: "Ng, Bo"},
		index.Document{ID: "b", Title: "Hardness of tools", Text: "Carbon steel was quenched.", Keywords: "furnace"},
		index.Document{ID: "c", Title: "Solar cells", Text: "Steel frames and carbon. Carbon", Authors: "Carbon, Ann"},
		index.Document{ID: "d", Title: "Nothing here", Text: ""},
	)
	for _, c := range []struct {
		query string
		want  []string
	}{
		{"carbon", []string{"a", "b", "c"}},
		{"CARBONS steel", []string{"a", "b", "c"}},
		{`"carbon steel"`, []string{"b"}},
		{`"carbon in steel"`, []string{"a"}},
		{"title:carbon", []string{"a"}},
		{`text:"carbon steel"`, []string{"b"}},
		{"author:carbon", []string{"c"}},
		{"author:ng", []string{"a"}},
		{"ng", []string{}},
		{"furnace", []string{"b"}},
		{"keyword:furnace", []string{"b"}},
		{"carbon -hardness", []string{"c"}},
		{"+carbon +hardness", []string{"a", "b"}},
		{"hardness +title:carbon", []string{"a"}},
		{`carbon -"carbon steel"`, []string{"a", "c"}},
		{"-carbon", []string{}},
		{"the in of", []string{}},
		{"", []string{}},
		{`"unclosed quote`, []string{}},
		{"title:", []string{}},
		{"10:30 +", []string{}},
	} {
		if got := ids(x.Search(index.Parse(c.query), 10)); !cmp.Equal(got, c.want) {
			t.Errorf("%q found %v, want %v", c.query, got, c.want)
		}
	}
}

// corpusOf makes documents of random words from two topics.
func corpusOf(n int, rng *rand.Rand) []index.Document {
	docs := make([]index.Document, n)
	for i := range docs {
		var w []string
		for range 5 + rng.IntN(30) {
			k := int(math.Sqrt(rng.Float64()*400)) + 20*(i%2)
			w = append(w, fmt.Sprintf("w%dq", k))
		}
		docs[i] = index.Document{ID: strconv.Itoa(i), Title: strings.Join(w[:3], " "), Text: strings.Join(w[3:], " ")}
	}
	return docs
}

// TestBM25IsItsFormula compares the index with the formula written out.
func TestBM25IsItsFormula(t *testing.T) {
	t.Parallel()
	docs := corpusOf(200, rand.New(rand.NewPCG(1, 2)))
	x := build(docs...)
	words := make([]map[string]float64, len(docs))
	df := map[string]float64{}
	length := make([]float64, len(docs))
	var mean float64
	for i, d := range docs {
		words[i] = map[string]float64{}
		for _, w := range index.Words(d.Title + " " + d.Text) {
			words[i][w]++
			length[i]++
		}
		for w := range words[i] {
			df[w]++
		}
		mean += length[i] / float64(len(docs))
	}
	query := []string{"w10q", "w15q", "w30q"}
	for _, h := range x.Search(index.Text(strings.Join(query, " ")), 200) {
		var want float64
		for _, w := range query {
			tf := words[h.Doc][w]
			want += math.Log(1+(200-df[w]+.5)/(df[w]+.5)) * tf / (tf + 1.2*(1-.75+.75*length[h.Doc]/mean))
		}
		if math.Abs(h.Score-want) > 1e-4 {
			t.Fatalf("document %s: got %g, want %g", h.ID, h.Score, want)
		}
	}
}

// TestSearchIsOrdered wants the first k of the whole order, ties by document.
func TestSearchIsOrdered(t *testing.T) {
	t.Parallel()
	x := build(corpusOf(300, rand.New(rand.NewPCG(3, 4)))...)
	q := index.Text("w5q w12q w18q w33q")
	all := x.Search(q, 300)
	for i := 1; i < len(all); i++ {
		if a, b := all[i-1], all[i]; a.Score < b.Score || a.Score == b.Score && a.Doc > b.Doc {
			t.Fatalf("%+v stands before %+v", a, b)
		}
	}
	if diff := cmp.Diff(all[:7], x.Search(q, 7)); diff != "" {
		t.Errorf("first seven (-all +seven):\n%s", diff)
	}
}

// TestLSAFindsTopics wants documents of one topic nearer to each other than to
// those of the other, and the same numbers from the same seed.
func TestLSAFindsTopics(t *testing.T) {
	t.Parallel()
	x := build(corpusOf(300, rand.New(rand.NewPCG(5, 6)))...)
	l := index.NewLSA(x, index.LSAOptions{Dim: 8, Seed: 1})
	var same, other float64
	for i := range 100 {
		same += float64(index.Dot(l.Document(i), l.Document(i+2)))
		other += float64(index.Dot(l.Document(i), l.Document(i+1)))
	}
	if same < 2*other {
		t.Errorf("mean cosine %.3f within a topic, %.3f across", same/100, other/100)
	}
	again := index.NewLSA(x, index.LSAOptions{Dim: 8, Seed: 1})
	if !slices.Equal(l.Document(3), again.Document(3)) {
		t.Error("the same seed gave other vectors")
	}
	if v := l.Vector(index.Text("unknown")); index.Dot(v, v) != 0 {
		t.Error("a query of unknown words has a direction")
	}
	for _, text := range []string{"", "one and the same", "one"} { // degenerate collections
		docs := make([]index.Document, 12)
		for i := range docs {
			docs[i].Text = text
		}
		for _, v := range index.NewLSA(build(docs...), index.LSAOptions{}).Document(0) {
			if math.IsNaN(float64(v)) {
				t.Errorf("documents of %q have vectors that are no numbers", text)
			}
		}
	}
}

// TestLSAKeepsWhatIsApart wants equal documents to stay equal and a topic that
// shares no word with the others to stay apart.
func TestLSAKeepsWhatIsApart(t *testing.T) {
	t.Parallel()
	alike := index.Document{Text: "iron oxide furnace"}
	docs := []index.Document{alike, alike}
	for i := range 40 {
		docs = append(docs, index.Document{Text: fmt.Sprintf("zinc copper t%dq t%dq", i, i+1)})
	}
	l := index.NewLSA(build(docs...), index.LSAOptions{Dim: 12})
	if got := index.Dot(l.Document(0), l.Document(1)); math.Abs(float64(got)-1) > 1e-4 {
		t.Errorf("equal documents have cosine %g", got)
	}
	if got := index.Dot(l.Document(0), l.Document(9)); math.Abs(float64(got)) > 0.1 {
		t.Errorf("documents without a common word have cosine %g", got)
	}
}

// TestNDCG compares with values worked out by hand.
func TestNDCG(t *testing.T) {
	t.Parallel()
	grade := map[string]float64{"a": 1, "b": 1}
	if got, want := index.NDCG([]string{"x", "a", "b"}, grade, 10), (1/math.Log2(3)+.5)/(1+1/math.Log2(3)); math.Abs(got-want) > 1e-12 {
		t.Errorf("got %g, want %g", got, want)
	}
	if got := index.NDCG([]string{"a", "b"}, grade, 1); got != 1 {
		t.Errorf("at 1: got %g, want 1", got)
	}
	if got := index.NDCG([]string{"a"}, nil, 10); got != 0 {
		t.Errorf("nothing relevant: got %g", got)
	}
}

// TestLearnFindsWhatMatters judges by the title alone and wants its weight to
// rise.
func TestLearnFindsWhatMatters(t *testing.T) {
	t.Parallel()
	docs := corpusOf(400, rand.New(rand.NewPCG(7, 8)))
	x := build(docs...)
	r := &index.Ranker{Index: x, Weights: index.DefaultWeights}
	var judged []index.Judged
	for k := range 38 {
		w := fmt.Sprintf("w%dq", k+1)
		grade := map[string]float64{}
		for _, d := range docs {
			if slices.Contains(strings.Fields(d.Title), w) {
				grade[d.ID] = 1
			}
		}
		judged = append(judged, index.Judged{Query: index.Text(w), Grade: grade})
	}
	got := r.Learn(judged)
	if before := index.DefaultWeights; got.Title/got.Body <= before.Title/before.Body {
		t.Errorf("weights %+v, title no more than in %+v", got, before)
	}
	if few := r.Learn(judged[:5]); few != index.DefaultWeights {
		t.Errorf("five judgements gave %+v", few)
	}
}

// FuzzParse wants no panic for any query, and that a demand holds whatever
// stands beside it.
func FuzzParse(f *testing.F) {
	x := build(corpusOf(30, rand.New(rand.NewPCG(9, 9)))...)
	f.Add(`+title:"w1q w2q" -w3q author: "`)
	f.Fuzz(func(t *testing.T, s string) {
		demanded := map[string]bool{}
		for _, h := range x.Search(index.Parse("w10q"), 30) {
			demanded[h.ID] = true
		}
		for _, h := range x.Search(index.Parse("+w10q "+s), 30) {
			if !demanded[h.ID] {
				t.Errorf("%q: found %s, which lacks what is demanded", s, h.ID)
			}
		}
		(&index.Ranker{Index: x, Weights: index.DefaultWeights}).Rank(index.Parse(s), 5)
	})
}

// BenchmarkSearch measures a query of four words on 100,000 documents.
func BenchmarkSearch(b *testing.B) {
	x := build(corpusOf(100_000, rand.New(rand.NewPCG(1, 1)))...)
	q := index.Text("w5q w12q w18q w33q")
	for b.Loop() {
		x.Search(q, 10)
	}
}

// TestExpandFindsWhatIsMeant asks for a word and wants a document that lacks it and
// shares the words of those that have it, behind them.
func TestExpandFindsWhatIsMeant(t *testing.T) {
	t.Parallel()
	docs := []index.Document{
		{ID: "a", Text: "sintering of zirconia ceramics in a furnace"},
		{ID: "b", Text: "sintering makes zirconia ceramics dense"},
		{ID: "c", Text: "zirconia ceramics without it"},
	}
	for i := range 20 {
		docs = append(docs, index.Document{ID: strconv.Itoa(i), Text: fmt.Sprintf("polymers t%dq", i)})
	}
	x := build(docs...)
	q := index.Parse("sintering")
	var found []index.Feedback
	for _, h := range x.Search(q, 5) {
		found = append(found, index.Feedback{Text: docs[h.Doc].Text, Score: h.Score})
	}
	wide := x.Expand(q, found, 10, 0.4)
	got := x.Search(wide, 10)
	if len(got) != 3 || got[2].ID != "c" {
		t.Errorf("found %v, want a and b and then c", got)
	}
	if got := x.Expand(index.Parse("+sintering"), found, 10, 0.4); !cmp.Equal(got.Terms(), []string{"sinter"}) {
		t.Errorf("a demand was widened to %v", got.Terms())
	}
	if got := x.Expand(q, nil, 10, 0.4); !cmp.Equal(got.Terms(), q.Terms()) {
		t.Errorf("nothing found widened to %v", got.Terms())
	}
}

// TestVectorsTakeThePlaceOfLSA gives documents directions of their own.
func TestVectorsTakeThePlaceOfLSA(t *testing.T) {
	t.Parallel()
	x := build(index.Document{ID: "a", Text: "one"}, index.Document{ID: "b", Text: "two"}, index.Document{ID: "c", Text: "three"})
	vectors := map[string][]float32{"a": {1, 0}, "b": {0, 5}}
	v, err := index.NewVectors(x, func(id string) []float32 { return vectors[id] })
	if err != nil {
		t.Fatal(err)
	}
	r := index.Ranker{Index: x, Vectors: v, Weights: index.DefaultWeights}
	got := r.Rank(index.Parse("nothing of it").Near([]float32{0.1, 2}), 3)
	if len(got) != 2 || got[0].ID != "b" || got[1].ID != "a" {
		t.Errorf("ranked %+v", got)
	}
	if got := r.Rank(index.Parse("one").Near([]float32{1, 2, 3}), 3); len(got) != 1 {
		t.Errorf("a query of another space: %+v", got)
	}
	for _, bad := range []map[string][]float32{{"a": {1, 0}, "b": {1}}, {"a": {0, 0}}, {"a": {float32(math.NaN())}}} {
		if _, err := index.NewVectors(x, func(id string) []float32 { return bad[id] }); err == nil {
			t.Errorf("%v was taken", bad)
		}
	}
}
