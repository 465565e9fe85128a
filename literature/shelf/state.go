package shelf

import (
	"cmp"
	"maps"
	"slices"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/literature"
)

// state is a corpus in memory.
type state struct {
	name        string
	read        int64 // bytes of the log that are in it
	papers      []literature.Paper
	at          map[string]int
	imports     []literature.Imported
	imported    map[[2]string]bool // source and digest
	quarantined []literature.Quarantined
	held        map[literature.Quarantined]bool
	checkpoints map[string]literature.Checkpoint
	judgements  []literature.Judgement
	holding     map[judge]literature.Judgement              // the last of each
	findings    map[string]map[string]literature.Extraction // by paper and extractor
	corrections []literature.Correction                     // oldest first
}

// judge is a reviewer with a paper, in a review.
type judge struct{ review, paper, reviewer string }

func newState(name string) *state {
	return &state{
		name: name, at: map[string]int{}, imported: map[[2]string]bool{}, held: map[literature.Quarantined]bool{},
		checkpoints: map[string]literature.Checkpoint{}, holding: map[judge]literature.Judgement{}, findings: map[string]map[string]literature.Extraction{},
	}
}

// apply does what a line of the log says.
func (st *state) apply(e entry) {
	if e.Batch != nil {
		st.take(*e.Batch)
	}
	for _, j := range e.Judgements {
		j.At = j.At.UTC()
		st.judgements = append(st.judgements, j)
		st.holding[judge{j.Review, j.Paper, j.Reviewer}] = j
	}
	for _, x := range e.Findings {
		if st.findings[x.Paper] == nil {
			st.findings[x.Paper] = map[string]literature.Extraction{}
		}
		maps.DeleteFunc(st.findings[x.Paper], func(name string, _ literature.Extraction) bool { return literature.Replaces(x.Extractor, name) })
		st.findings[x.Paper][x.Extractor] = x
	}
	if e.Correction != nil {
		st.corrections = append(st.corrections, *e.Correction)
	}
}

// take applies a batch and counts what it did.
func (st *state) take(b literature.Batch) literature.Receipt {
	var r literature.Receipt
	for _, p := range b.Papers {
		i, known := st.at[p.ID]
		if !known {
			st.at[p.ID] = len(st.papers)
			st.papers = append(st.papers, p)
			r.New++
			continue
		}
		if merged := st.papers[i].Merged(p); merged.Same(st.papers[i]) {
			r.Unchanged++
		} else {
			st.papers[i] = merged
			r.Updated++
		}
	}
	for _, q := range b.Quarantined {
		if q.Source == "" {
			q.Source = b.Source
		}
		if !st.held[q] {
			st.held[q] = true
			st.quarantined = append(st.quarantined, q)
			r.Quarantined++
		}
	}
	if b.Checkpoint != nil {
		st.checkpoints[b.Checkpoint.Source] = *b.Checkpoint
	}
	if key := [2]string{b.Source, b.Digest}; !st.imported[key] {
		st.imported[key] = true
		st.imports = append(st.imports, literature.Imported{Source: b.Source, Digest: b.Digest, Format: b.Format, Records: len(b.Papers), Receipt: r, At: b.At})
	}
	return r
}

// news reports what of a batch the corpus does not have yet, and the receipt.
func (st *state) news(b literature.Batch) (changes bool, r literature.Receipt) {
	seen := map[string]literature.Paper{}
	for _, p := range b.Papers {
		old, known := seen[p.ID]
		if !known {
			if i, stored := st.at[p.ID]; stored {
				old, known = st.papers[i], true
			}
		}
		merged := p
		switch {
		case !known:
			r.New++
		default:
			if merged = old.Merged(p); merged.Same(old) {
				r.Unchanged++
			} else {
				r.Updated++
			}
		}
		seen[p.ID] = merged
	}
	fresh := map[literature.Quarantined]bool{}
	for _, q := range b.Quarantined {
		if q.Source == "" {
			q.Source = b.Source
		}
		if !st.held[q] && !fresh[q] {
			fresh[q] = true
			r.Quarantined++
		}
	}
	moved := false
	if c := b.Checkpoint; c != nil {
		old, ok := st.checkpoints[c.Source]
		moved = !ok || old.Done != c.Done || string(old.State) != string(c.State)
	}
	return r.New+r.Updated+r.Quarantined > 0 || moved || !st.imported[[2]string{b.Source, b.Digest}], r
}

// found lists the findings of a paper, in order.
func (st *state) found(paper string) []literature.Found {
	var out []literature.Found
	for _, x := range st.findings[paper] {
		for _, f := range x.Findings {
			out = append(out, literature.Found{ID: literature.FindingID(f, x.TextHash), Finding: f, TextHash: x.TextHash})
		}
	}
	slices.SortFunc(out, func(a, b literature.Found) int {
		return cmp.Or(cmp.Compare(a.Finding.Number.Start, b.Finding.Number.Start), cmp.Compare(a.Finding.UnitSpan.Start, b.Finding.UnitSpan.Start), cmp.Compare(a.ID, b.ID))
	})
	return out
}

// all lists the findings of all papers, with what people said of them.
func (st *state) all() []literature.Found {
	var out []literature.Found
	for _, p := range st.papers {
		out = append(out, st.found(p.ID)...)
	}
	return literature.Apply(out, st.corrections)
}

func (st *state) needPaper(id string) error {
	if _, ok := st.at[id]; !ok {
		return lab.Errorf(lab.NotFound, "corpus %s has no paper %s", st.name, id)
	}
	return nil
}
