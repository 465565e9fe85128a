package index

// Fields is a number to each field of a document: title, text, keywords,
// authors.
type Fields = [fields]int32

// Posting is where a term stands in a document, in words from its beginning.
type Posting struct {
	Term   string
	Places []int32
}

// Analysis is a document as an index has it, for whoever keeps one elsewhere.
type Analysis struct {
	Postings []Posting
	Ends     Fields // where each field ends
	Lens     Fields // words of each field that are no stop words
}

// Body is the number of words that BM25 takes for the length of a document.
func (a Analysis) Body() int { return int(bodyLength(a.Lens)) }

// Title is the number of words of the title.
func (a Analysis) Title() int { return int(a.Lens[fieldTitle]) }

// Analyze cuts a document into terms. It costs O(words).
func Analyze(d Document) Analysis {
	b := NewBuilder(BM25{})
	b.Add(d)
	a := Analysis{Ends: b.ends[0], Lens: b.lens[0], Postings: make([]Posting, len(b.lists))}
	for stem, t := range b.terms {
		a.Postings[t] = Posting{Term: stem, Places: b.lists[t].places}
	}
	return a
}

// Terms returns the stems that a query looks for, each once, in its order.
func (q Query) Terms() []string {
	var out []string
	seen := map[string]bool{}
	for _, c := range q.clauses {
		for _, w := range c.words {
			if !seen[w.word] {
				seen[w.word] = true
				out = append(out, w.word)
			}
		}
	}
	return out
}

// Part is as much of an index as one query needs: the postings of its terms, the
// documents they are in, and what BM25 needs to know of all documents.
type Part struct {
	Documents int // of the whole index
	Body      int // sum of [Analysis.Body]
	Title     int // sum of [Analysis.Title]
	Docs      []PartDocument
	Postings  map[string][]PartPosting // by term, each in the order of Docs
}

// PartDocument is a document of a Part; documents are in the order of the whole.
type PartDocument struct {
	ID   string
	Ends Fields
	Lens Fields
}

// PartPosting is where a term stands in a document of a Part.
type PartPosting struct {
	Doc    int // its place in Docs
	Places []int32
}

// Index returns an index that answers the query of p as the whole would, scores
// included. It knows nothing of other queries.
func (p Part) Index(bm25 BM25) *Index {
	b := NewBuilder(bm25)
	for _, d := range p.Docs {
		b.ids, b.ends, b.lens = append(b.ids, d.ID), append(b.ends, d.Ends), append(b.lens, d.Lens)
	}
	for term, list := range p.Postings {
		t := int32(len(b.lists))
		b.terms[term] = t
		b.lists = append(b.lists, newList(list))
	}
	return b.freeze(p.Documents, float64(p.Body), float64(p.Title))
}

func newList(postings []PartPosting) list {
	var l list
	for _, p := range postings {
		l.docs = append(l.docs, int32(p.Doc))
		l.starts = append(l.starts, int32(len(l.places)))
		l.places = append(l.places, p.Places...)
	}
	return l
}
