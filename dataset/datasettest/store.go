// Package datasettest helps to test datasets: a store in memory, the suite that
// every store passes, and outcomes to fill it with.
package datasettest

import (
	"context"
	"slices"
	"sync"

	"github.com/athanor-lab/athanor/dataset"
	"github.com/athanor-lab/athanor/lab"
)

var _ dataset.Store = (*Store)(nil)

// Store is a [dataset.Store] in memory. Its zero value is empty.
type Store struct {
	mu  sync.Mutex
	all []lab.Outcome
}

// PutOutcome implements [dataset.Store].
func (s *Store) PutOutcome(_ context.Context, o lab.Outcome) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, old := range s.all {
		if old.Proposal.CampaignID != o.Proposal.CampaignID || old.Proposal.Number != o.Proposal.Number {
			continue
		}
		if old.Proposal.ExperimentID != o.Proposal.ExperimentID {
			return false, lab.Errorf(lab.Conflict, "number %d of campaign %s is the number of %s", o.Proposal.Number, o.Proposal.CampaignID, old.Proposal.ExperimentID)
		}
		return false, nil
	}
	s.all = append(s.all, o)
	return true, nil
}

// EachOutcome implements [dataset.Store].
func (s *Store) EachOutcome(_ context.Context, id lab.CampaignID, yield func(lab.Outcome) error) error {
	s.mu.Lock()
	all := slices.Clone(s.all)
	s.mu.Unlock()
	slices.SortFunc(all, func(a, b lab.Outcome) int { return a.Proposal.Number - b.Proposal.Number })
	for _, o := range all {
		if o.Proposal.CampaignID != id {
			continue
		}
		if err := yield(o); err != nil {
			return err
		}
	}
	return nil
}
