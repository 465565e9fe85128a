package bench

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/athanor-lab/athanor/literature/index"
)

// Speed is what was measured of the index on papers that were made up: titles of 10
// words and abstracts of 120, drawn by a Zipf-Mandelbrot law whose commonest word is
// in a fifth of them, as in English without stop words. Questions are of 6 words
// drawn likewise. Times are processor time of one core, which a busy machine leaves as
// it is.
type Speed struct {
	Documents int     `json:"documents"`
	BuildPerS float64 `json:"build_per_second"`
	BM25MS    float64 `json:"bm25_query_ms"` // median
	BM25P95MS float64 `json:"bm25_query_p95_ms"`
	// HybridMS is with title, pairs of words and the latent space, where there is one:
	// it is built up to 5,000 documents here.
	HybridMS    float64 `json:"hybrid_query_ms"`
	HybridP95MS float64 `json:"hybrid_query_p95_ms"`
}

// latentUpTo is how many made-up documents get a latent space: it costs seconds,
// and is measured on real ones.
const latentUpTo = 5000

// madeUp draws words.
type madeUp struct {
	zipf  *rand.Zipf
	words []string
}

func newMadeUp(seed uint64) *madeUp {
	const vocabulary = 200_000
	m := &madeUp{zipf: rand.NewZipf(rand.New(rand.NewPCG(seed, 0x7370656564)), 1.1, 100, vocabulary-1), words: make([]string, vocabulary)}
	for i := range m.words {
		m.words[i] = fmt.Sprintf("w%dq", i)
	}
	return m
}

func (m *madeUp) text(n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(m.words[m.zipf.Uint64()])
	}
	return b.String()
}

// speed measures an index of n documents with 200 questions.
func speed(n int) Speed {
	runtime.LockOSThread() // for its processor time
	defer runtime.UnlockOSThread()
	s := Speed{Documents: n}
	m := newMadeUp(1)
	b := index.NewBuilder(index.BM25{})
	var spent time.Duration
	for i := range n {
		d := index.Document{ID: strconv.Itoa(i), Title: m.text(10), Text: m.text(120)}
		began := clock()
		b.Add(d)
		spent += clock() - began
	}
	began := clock()
	x := b.Build()
	s.BuildPerS = float64(n) / (spent + clock() - began).Seconds()
	r := &index.Ranker{Index: x, Weights: index.DefaultWeights}
	if n <= latentUpTo {
		r.LSA = index.NewLSA(x, index.LSAOptions{Dim: 100, Seed: 1})
	}
	questions := make([]index.Query, 200)
	for i := range questions {
		questions[i] = index.Text(m.text(6))
	}
	s.BM25MS, s.BM25P95MS = timed(questions, func(q index.Query) { x.Search(q, 10) })
	s.HybridMS, s.HybridP95MS = timed(questions, func(q index.Query) { r.Rank(q, 10) })
	return s
}

// timed returns the median and the 95th percentile, in milliseconds.
func timed(questions []index.Query, ask func(index.Query)) (median, p95 float64) {
	times := make([]float64, len(questions))
	for i, q := range questions {
		began := clock()
		ask(q)
		times[i] = (clock() - began).Seconds() * 1e3
	}
	slices.Sort(times)
	return times[len(times)/2], times[len(times)*95/100]
}
