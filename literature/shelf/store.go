package shelf

import (
	"context"
	"maps"
	"reflect"
	"slices"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/literature"
)

var _ literature.Store = (*Shelf)(nil)

// Import keeps a batch as one line of the log.
func (s *Shelf) Import(ctx context.Context, corpus string, b literature.Batch) (literature.Receipt, error) {
	var r literature.Receipt
	if err := b.Check(); err != nil {
		return r, err
	}
	err := s.change(ctx, corpus, func(st *state) (*entry, error) {
		var changes bool
		if changes, r = st.news(b); !changes {
			return nil, nil
		}
		return &entry{Batch: &b}, nil
	})
	return r, err
}

// Papers returns all records in the order of their arrival.
func (s *Shelf) Papers(ctx context.Context, corpus string) (out []literature.Paper, err error) {
	err = s.view(ctx, corpus, func(st *state) error { out = slices.Clone(st.papers); return nil })
	return out, err
}

// Imports returns the log of imports.
func (s *Shelf) Imports(ctx context.Context, corpus string) (out []literature.Imported, err error) {
	err = s.view(ctx, corpus, func(st *state) error { out = slices.Clone(st.imports); return nil })
	return out, err
}

// Quarantined returns the records that were held back.
func (s *Shelf) Quarantined(ctx context.Context, corpus string) (out []literature.Quarantined, err error) {
	err = s.view(ctx, corpus, func(st *state) error { out = slices.Clone(st.quarantined); return nil })
	return out, err
}

// Checkpoint returns where reading a source stopped.
func (s *Shelf) Checkpoint(ctx context.Context, corpus, source string) (c literature.Checkpoint, ok bool, err error) {
	err = s.view(ctx, corpus, func(st *state) error { c, ok = st.checkpoints[source]; return nil })
	return c, ok, err
}

// Judge adds judgements.
func (s *Shelf) Judge(ctx context.Context, corpus string, js ...literature.Judgement) error {
	for _, j := range js {
		if err := j.Check(); err != nil {
			return err
		}
	}
	if len(js) == 0 {
		return nil
	}
	return s.change(ctx, corpus, func(st *state) (*entry, error) {
		var fresh []literature.Judgement
		for _, j := range js {
			if err := st.needPaper(j.Paper); err != nil {
				return nil, err
			}
			if old, ok := st.holding[judge{j.Review, j.Paper, j.Reviewer}]; !ok || old.Label != j.Label || old.Reason != j.Reason {
				fresh = append(fresh, j)
			}
		}
		if len(fresh) == 0 {
			return nil, nil
		}
		return &entry{Judgements: fresh}, nil
	})
}

// Judgements returns those of a review that hold.
func (s *Shelf) Judgements(ctx context.Context, corpus, review string) (out []literature.Judgement, err error) {
	err = s.view(ctx, corpus, func(st *state) error {
		for _, j := range st.judgements {
			if j.Review == review && j.Label != literature.Unread && st.holding[judge{j.Review, j.Paper, j.Reviewer}] == j {
				out = append(out, j)
			}
		}
		return nil
	})
	return out, err
}

// Reviews returns the names of the reviews.
func (s *Shelf) Reviews(ctx context.Context, corpus string) (out []string, err error) {
	err = s.view(ctx, corpus, func(st *state) error {
		names := map[string]bool{}
		for _, j := range st.judgements {
			names[j.Review] = true
		}
		out = slices.Sorted(maps.Keys(names))
		return nil
	})
	return out, err
}

// PutFindings replaces what an extractor found in papers.
func (s *Shelf) PutFindings(ctx context.Context, corpus string, es ...literature.Extraction) error {
	for _, e := range es {
		if err := e.Check(); err != nil {
			return err
		}
	}
	if len(es) == 0 {
		return nil
	}
	return s.change(ctx, corpus, func(st *state) (*entry, error) {
		var fresh []literature.Extraction
		for _, e := range es {
			if err := st.needPaper(e.Paper); err != nil {
				return nil, err
			}
			old, ok := st.findings[e.Paper][e.Extractor]
			if !ok || old.TextHash != e.TextHash || old.Dropped != e.Dropped || len(old.Findings)+len(e.Findings) > 0 && !reflect.DeepEqual(old.Findings, e.Findings) {
				fresh = append(fresh, e)
			}
		}
		if len(fresh) == 0 {
			return nil, nil
		}
		return &entry{Findings: fresh}, nil
	})
}

// Extracted returns which texts an extractor has read.
func (s *Shelf) Extracted(ctx context.Context, corpus string) (out []literature.Extracted, err error) {
	err = s.view(ctx, corpus, func(st *state) error {
		for _, p := range st.papers {
			for _, name := range slices.Sorted(maps.Keys(st.findings[p.ID])) {
				e := st.findings[p.ID][name]
				out = append(out, literature.Extracted{Paper: p.ID, Extractor: name, TextHash: e.TextHash, Findings: len(e.Findings), Dropped: e.Dropped, At: e.At})
			}
		}
		return nil
	})
	return out, err
}

// Findings returns what was found.
func (s *Shelf) Findings(ctx context.Context, corpus string) (out []literature.Found, err error) {
	err = s.view(ctx, corpus, func(st *state) error {
		out = st.all()
		return nil
	})
	return out, err
}

// Correct adds a person's word on a finding.
func (s *Shelf) Correct(ctx context.Context, corpus string, c literature.Correction) error {
	if err := c.Check(); err != nil {
		return err
	}
	return s.change(ctx, corpus, func(st *state) (*entry, error) {
		for _, f := range st.all() {
			if f.ID == c.Finding {
				if n := len(f.History); n > 0 && c.Repeats(f.History[n-1]) {
					return nil, nil
				}
				c.Was, c.TextHash = &f.Finding, f.TextHash
				return &entry{Correction: &c}, nil
			}
		}
		return nil, lab.Errorf(lab.NotFound, "corpus %s has no finding %s", corpus, c.Finding)
	})
}

// Corrections returns what people said of findings.
func (s *Shelf) Corrections(ctx context.Context, corpus string) (out []literature.Correction, err error) {
	err = s.view(ctx, corpus, func(st *state) error {
		out = slices.Clone(st.corrections)
		return nil
	})
	return out, err
}
