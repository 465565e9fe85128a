package review

import (
	"cmp"
	"slices"
	"strings"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/literature"
	"github.com/athanor-lab/athanor/literature/corpus"
	"github.com/athanor-lab/athanor/literature/evidence"
	"github.com/athanor-lab/athanor/literature/extract"
	"github.com/athanor-lab/athanor/literature/index"
	"github.com/athanor-lab/athanor/literature/synonyms"
)

// Input is all that a review depends on.
type Input struct {
	Document lab.Document
	Corpus   string
	Papers   []literature.Paper
	// Judgements are those of this campaign's review.
	Judgements []literature.Judgement
	// Findings are those on record, with what people made of them. Papers whose text
	// has none on record are read by the built-in rules.
	Findings []literature.Found
	// Credibility is what earlier campaigns say of papers, by their ids.
	Credibility map[string]float64
	// Synonyms are further names of parameters, levels and objectives; nil for those of
	// the document and those that are commonly used.
	Synonyms map[string][]string
}

// Review is what was made of a corpus for a campaign.
type Review struct {
	Query    string             `json:"query"`
	Corpus   string             `json:"corpus"`
	Counts   Counts             `json:"counts"`
	Kept     []Kept             `json:"kept"`     // most relevant first
	Excluded []Excluded         `json:"excluded"` // by rank, the [mostExcluded] that came nearest
	Claims   []evidence.Claim   `json:"claims"`
	Outside  []evidence.Outside `json:"outside"` // values beyond the campaign's limits
	Evidence lab.Evidence       `json:"evidence"`
	// Checked is what people said of findings of the kept papers, by paper and place.
	Checked []Checked `json:"checked,omitempty"`
}

// Checked is a finding that a person looked at.
type Checked struct {
	Paper string             `json:"paper"`
	Quote string             `json:"quote"`
	Found literature.Finding `json:"found"`
	Now   literature.Finding `json:"now"` // as it counts, unless it was rejected
	// Word is the person's. Its copy of the finding is left out.
	Word literature.Correction `json:"word"`
}

// Counts are what a PRISMA flow diagram shows.
type Counts struct {
	Identified int      `json:"identified"` // records of the corpus
	Duplicates int      `json:"duplicates"` // records of works that have another one
	Screened   int      `json:"screened"`   // works
	ByPeople   int      `json:"by_people"`  // of them judged by a person
	Excluded   int      `json:"excluded"`
	Reasons    []Reason `json:"reasons"`  // of exclusion, the commonest first
	Assessed   int      `json:"assessed"` // read for claims
	Included   int      `json:"included"` // that claim something about the campaign's space
	Claims     int      `json:"claims"`
}

// Reason is why works were left out, and how many.
type Reason struct {
	Why   string `json:"why"`
	Works int    `json:"works"`
}

// Kept is a paper that was read.
type Kept struct {
	Paper     literature.Paper `json:"paper"`
	Rank      int              `json:"rank"`
	Score     float64          `json:"score"`
	Relevance float64          `json:"relevance"`
	Label     literature.Label `json:"label,omitempty"` // a person's
	Findings  int              `json:"findings"`
	Claims    int              `json:"claims"`
}

// Excluded is a paper that was left out.
type Excluded struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	Why   string `json:"why"`
}

const (
	// mostRead is how many papers are read where the document does not say.
	mostRead = 30
	// leastRelevance is what a paper needs that nobody has judged.
	leastRelevance = 0.05
	// mostExcluded bounds the list of what was left out; the counts are of all.
	mostExcluded = 100
	// saidRelevant and saidUnsure are the relevance of papers that people judged.
	saidRelevant, saidUnsure = 1, 0.4
)

// Why a work is left out.
const (
	whyRetracted = "retracted"
	whyLabelled  = "judged irrelevant"
	whyRank      = "ranked too far from the question"
	whyBudget    = "beyond the number of papers to read"
)

// work is a candidate.
type work struct {
	corpus.Group
	score     float64
	relevance float64
	label     literature.Label
	why       string
}

// Make reviews a corpus. It costs O(words of the corpus).
func Make(in Input) (Review, error) {
	if in.Synonyms == nil {
		in.Synonyms = synonyms.Of(in.Document)
	}
	r := Review{Query: evidence.Query(in.Document), Corpus: in.Corpus, Kept: []Kept{}, Excluded: []Excluded{}, Claims: []evidence.Claim{}, Outside: []evidence.Outside{}}
	works := rank(in, r.Query)
	r.count(in, works)
	budget := mostRead
	if l := in.Document.Literature; l != nil && l.Papers > 0 {
		budget = l.Papers
	}
	var cited []lab.Cited
	for i := range works {
		w := &works[i]
		if w.why == "" && len(r.Kept) >= budget {
			w.why = whyBudget
		}
		if w.why != "" {
			r.exclude(w)
			continue
		}
		k := Kept{Paper: w.Best, Rank: i + 1, Score: w.score, Relevance: w.relevance, Label: w.label}
		claims, outside, checked := in.claims(w, &k)
		r.Checked = append(r.Checked, checked...)
		r.Kept = append(r.Kept, k)
		r.Claims, r.Outside = append(r.Claims, claims...), append(r.Outside, outside...)
		r.Counts.Claims += len(claims)
		if len(claims) > 0 {
			r.Counts.Included++
			cited = append(cited, lab.Cited{ID: w.Best.ID, Title: w.Best.Title, DOI: w.Best.DOI, Year: w.Best.Year, Relevance: w.relevance, Credibility: in.Credibility[w.Best.ID]})
		}
	}
	r.Counts.Assessed = len(r.Kept)
	slices.SortStableFunc(r.Counts.Reasons, func(a, b Reason) int { return cmp.Compare(b.Works, a.Works) })
	var err error
	r.Evidence, err = evidence.Record(cited, r.Claims)
	return r, err
}

// rank orders the works by the question, with what people said of them.
func rank(in Input, query string) []work {
	var library corpus.Library
	library.Add(in.Papers...)
	groups := library.Groups()
	said := map[string]literature.Label{}
	for _, j := range in.Judgements { // of several reviewers the last counts
		if j.Label == literature.Unread {
			delete(said, j.Paper)
			continue
		}
		said[j.Paper] = j.Label
	}
	b := index.NewBuilder(index.BM25{})
	for _, g := range groups {
		p := g.Best
		b.Add(index.Document{ID: p.ID, Title: p.Title, Text: p.Abstract, Keywords: strings.Join(p.Keywords, "; "), Authors: strings.Join(p.Authors, "; ")})
	}
	works := make([]work, len(groups))
	for i, g := range groups {
		works[i] = work{Group: g}
		for _, id := range g.Members {
			if l, ok := said[id]; ok {
				works[i].label = l
			}
		}
	}
	x := b.Build()
	ranker := index.Ranker{Index: x, LSA: index.NewLSA(x, index.LSAOptions{Dim: 100}), Weights: index.DefaultWeights, Depth: x.Len()}
	for n, h := range ranker.Rank(index.Text(query), x.Len()) {
		w := &works[h.Doc]
		if w.score = h.Score; n == 0 && h.Score <= 0 {
			break
		}
	}
	best := 0.0
	for _, w := range works {
		best = max(best, w.score)
	}
	for i := range works {
		works[i].judge(best)
	}
	slices.SortStableFunc(works, func(a, b work) int {
		return cmp.Or(cmp.Compare(b.relevance, a.relevance), cmp.Compare(b.score, a.score))
	})
	return works
}

// judge works out the relevance of a work and whether it is left out.
func (w *work) judge(best float64) {
	switch w.label {
	case literature.Relevant:
		w.relevance = saidRelevant
	case literature.Unsure:
		w.relevance = saidUnsure
	case literature.Irrelevant:
		w.why = whyLabelled
	default:
		w.relevance = evidence.Relevance(w.score, best)
		if w.relevance < leastRelevance {
			w.why = whyRank
		}
	}
	if w.Retracted {
		w.why = whyRetracted
	}
}

func (r *Review) count(in Input, works []work) {
	r.Counts.Identified, r.Counts.Screened = len(in.Papers), len(works)
	for _, w := range works {
		r.Counts.Duplicates += len(w.Members) - 1
		if w.label != "" {
			r.Counts.ByPeople++
		}
	}
	r.Counts.Reasons = []Reason{}
}

func (r *Review) exclude(w *work) {
	r.Counts.Excluded++
	if len(r.Excluded) < mostExcluded {
		r.Excluded = append(r.Excluded, Excluded{w.Best.ID, w.Best.Title, w.why})
	}
	for i := range r.Counts.Reasons {
		if r.Counts.Reasons[i].Why == w.why {
			r.Counts.Reasons[i].Works++
			return
		}
	}
	r.Counts.Reasons = append(r.Counts.Reasons, Reason{w.why, 1})
}

// claims reads a work: the findings on record for its text, with what people said of
// them, else those of the built-in rules.
func (in Input) claims(w *work, k *Kept) (claims []evidence.Claim, outside []evidence.Outside, checked []Checked) {
	p := w.Best
	text, hash := p.Reading(), p.TextHash()
	var findings []literature.Finding
	recorded := false
	said := map[int]literature.Correction{}
	for _, f := range in.Findings {
		if f.Finding.Paper != p.ID || f.TextHash != hash {
			continue
		}
		recorded = true
		now, ok := f.Current()
		if ok {
			findings = append(findings, now)
		}
		if f.Correction != nil {
			said[f.Finding.Number.Start] = *f.Correction
			word := *f.Correction
			word.Was = nil
			checked = append(checked, Checked{Paper: p.ID, Quote: f.Finding.Sentence.Of(text), Found: f.Finding, Now: now, Word: word})
		}
	}
	if !recorded {
		findings = extract.Findings(text)
	}
	k.Findings = len(findings)
	claims, outside = in.Mapping().Claims(evidence.Source{
		Paper: p.ID, Text: text, Findings: findings, Sentences: extract.Sentences(text), Relevance: w.relevance, Retracted: w.Retracted, Said: said,
	})
	k.Claims = len(claims)
	return claims, outside, checked
}

// Mapping is how findings are read for the campaign.
func (in Input) Mapping() evidence.Mapping {
	if in.Synonyms == nil {
		in.Synonyms = synonyms.Of(in.Document)
	}
	return evidence.Mapping{Space: in.Document.Space, Objectives: in.Document.Objectives, Synonyms: in.Synonyms}
}
