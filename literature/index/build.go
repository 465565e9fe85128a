package index

import (
	"math"
	"slices"
	"strings"

	"github.com/athanor-lab/athanor/literature"
)

// Document is what is indexed of a paper.
type Document struct {
	ID       string
	Title    string
	Text     string // abstract, or a passage
	Keywords string
	Authors  string // found by "author:" only, never by words alone
}

// Of returns what is indexed of a paper: title, abstract, keywords and authors. The
// body is not: long texts would bury what short ones are about.
func Of(p literature.Paper) Document {
	return Document{ID: p.ID, Title: p.Title, Text: p.Abstract, Keywords: strings.Join(p.Keywords, "; "), Authors: strings.Join(p.Authors, "; ")}
}

// The fields of a document, in the order of their positions.
const (
	fieldTitle = iota
	fieldText
	fieldKeywords
	fieldAuthors
	fields
)

// BM25 are the parameters of the ranking function of Robertson et al.,
// "Okapi at TREC-3" (1994). The zero value has the defaults.
type BM25 struct {
	K1 float64 // saturation of repeated terms, default 1.2
	B  float64 // normalisation by length, default 0.75
}

// Builder collects documents.
type Builder struct {
	bm25  BM25
	words map[string]int32 // a word as written → its term, -1 for a stop word
	terms map[string]int32 // a stem → its term
	lists []list
	ids   []string
	ends  [][fields]int32 // of each document, the position where each field ends
	lens  [][fields]int32 // of each document, words that are no stop words
}

// list is the postings of a term under construction. Positions of a document
// are between its start and the next one's.
type list struct {
	docs   []int32
	starts []int32
	places []int32
	// How often it is in each of docs outside the authors, and in the title, so that
	// scoring reads three arrays in their order; as much as these hold.
	body  []uint16
	title []uint8
}

// NewBuilder returns an empty Builder.
func NewBuilder(b BM25) *Builder {
	if b.K1 <= 0 {
		b.K1 = 1.2
	}
	if b.B <= 0 {
		b.B = 0.75
	}
	return &Builder{bm25: b, words: map[string]int32{}, terms: map[string]int32{}}
}

// Add indexes a document. It costs O(words).
func (b *Builder) Add(d Document) {
	doc := int32(len(b.ids))
	b.ids = append(b.ids, d.ID)
	var ends, lens [fields]int32
	at := int32(0)
	for f, text := range [fields]string{d.Title, d.Text, d.Keywords, d.Authors} {
		eachWord(text, func(w string) {
			if t := b.term(w); t >= 0 {
				b.post(t, doc, at)
				lens[f]++
			}
			at++
		})
		ends[f] = at
		at++ // no phrase reaches over the border of a field
	}
	b.ends, b.lens = append(b.ends, ends), append(b.lens, lens)
}

// term returns the number of a word's stem, and -1 for a stop word.
func (b *Builder) term(w string) int32 {
	if t, ok := b.words[w]; ok {
		return t
	}
	w = string([]byte(w)) // or the map would keep the whole text
	if stopWords[w] {
		b.words[w] = -1
		return -1
	}
	stem := Stem(w)
	t, ok := b.terms[stem]
	if !ok {
		t = int32(len(b.lists))
		b.terms[stem] = t
		b.lists = append(b.lists, list{})
	}
	b.words[w] = t
	return t
}

func (b *Builder) post(t, doc, at int32) {
	l := &b.lists[t]
	if n := len(l.docs); n == 0 || l.docs[n-1] != doc {
		l.docs = append(l.docs, doc)
		l.starts = append(l.starts, int32(len(l.places)))
	}
	l.places = append(l.places, at)
}

// Index is a frozen set of documents.
type Index struct {
	bm25       BM25
	total      int // documents of the whole, of which these may be a part
	ids        []string
	byID       map[string]int32
	terms      map[string]int32
	lists      []list
	ends, lens [][fields]int32
	norm       []float32 // k1·(1-b+b·length/mean), of title, text and keywords
	titleNorm  []float32
}

// Build freezes what was added. The Builder must not be used again.
func (b *Builder) Build() *Index {
	var all, titles float64
	for _, l := range b.lens {
		all += bodyLength(l)
		titles += float64(l[fieldTitle])
	}
	return b.freeze(len(b.ids), all, titles)
}

// freeze makes an index of what b has, as a part of total documents whose bodies
// and titles have so many words.
func (b *Builder) freeze(total int, all, titles float64) *Index {
	n := len(b.ids)
	x := &Index{
		bm25: b.bm25, total: total, ids: b.ids, byID: make(map[string]int32, n), terms: b.terms, lists: b.lists, ends: b.ends, lens: b.lens,
		norm: make([]float32, n), titleNorm: make([]float32, n),
	}
	all, titles = max(all/float64(total), 1), max(titles/float64(total), 1)
	for i, l := range x.lens {
		x.byID[x.ids[i]] = int32(i)
		x.norm[i] = float32(b.bm25.K1 * (1 - b.bm25.B + b.bm25.B*bodyLength(l)/all))
		x.titleNorm[i] = float32(b.bm25.K1 * (1 - b.bm25.B + b.bm25.B*float64(l[fieldTitle])/titles))
	}
	for i := range x.lists { // a sentinel, so that a document's places end where the next begin
		l := &x.lists[i]
		l.starts = append(l.starts, int32(len(l.places)))
		x.tally(l)
	}
	return x
}

// tally counts how often a term is in each of its documents.
func (x *Index) tally(l *list) {
	l.body, l.title = make([]uint16, len(l.docs)), make([]uint8, len(l.docs))
	for i, d := range l.docs {
		places := l.at(i)
		l.body[i] = uint16(min(x.body(places, d), math.MaxUint16))
		if places[0] < x.ends[d][fieldTitle] {
			l.title[i] = uint8(min(x.in(places, d, fieldTitle), math.MaxUint8))
		}
	}
}

func bodyLength(l [fields]int32) float64 {
	return float64(l[fieldTitle] + l[fieldText] + l[fieldKeywords])
}

// Len is the number of documents.
func (x *Index) Len() int { return len(x.ids) }

// ID returns the id of document i.
func (x *Index) ID(i int) string { return x.ids[i] }

// Find returns the number of a document.
func (x *Index) Find(id string) (int, bool) {
	i, ok := x.byID[id]
	return int(i), ok
}

// idf is the inverse document frequency of Lucene's BM25, never negative.
func (x *Index) idf(df int) float32 {
	n := float64(x.total)
	return float32(math.Log(1 + (n-float64(df)+.5)/(float64(df)+.5)))
}

// at returns where the term of l is in its i-th document.
func (l *list) at(i int) []int32 { return l.places[l.starts[i]:l.starts[i+1]] }

// in counts the places of one field of document doc.
func (x *Index) in(places []int32, doc int32, field int) int {
	lo := int32(0)
	if field > 0 {
		lo = x.ends[doc][field-1]
	}
	hi := x.ends[doc][field]
	a, _ := slices.BinarySearch(places, lo)
	b, _ := slices.BinarySearch(places, hi)
	return b - a
}

// body counts the places outside the authors.
func (x *Index) body(places []int32, doc int32) int {
	hi := x.ends[doc][fieldKeywords]
	n := len(places)
	for n > 0 && places[n-1] >= hi {
		n--
	}
	return n
}
