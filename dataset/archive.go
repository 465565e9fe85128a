package dataset

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/athanor-lab/athanor/lab"
)

// Archive is the record of all campaigns.
type Archive interface {
	// EachRecorded calls yield for the experiments that s selects, by campaign
	// and number, as one state of the record has them. It returns the error of
	// yield as it is.
	EachRecorded(ctx context.Context, s Selection, yield func(Recorded) error) error
	// BestSeen returns the largest value of every objective that a campaign had
	// seen until a time; zero is no limit.
	BestSeen(ctx context.Context, id lab.CampaignID, until time.Time) (map[string]float64, error)
	// Horizon returns when the latest fact of campaigns was recorded, of all
	// when none is named.
	Horizon(ctx context.Context, campaigns []lab.CampaignID) (time.Time, error)
	// EachLink calls yield for a campaign's chain of commitments, in order.
	EachLink(ctx context.Context, id lab.CampaignID, until time.Time, yield func(Link) error) error
}

// Selection says what of the record is wanted. Its zero value is all of it.
type Selection struct {
	Campaigns  []lab.CampaignID `json:"campaigns,omitempty"` // none: all
	Experiment lab.ExperimentID `json:"-"`                   // only this one, if set
	// AsOf leaves out what became known later: outcomes, answers, corrections
	// and terms alike.
	AsOf     time.Time `json:"as_of,omitzero"`
	Licenses []string  `json:"only_licenses,omitempty"` // SPDX; none: any
	Access   string    `json:"access,omitempty"`        // at most this; "" is "restricted"
	// Distinct keeps, of succeeded experiments with equal conditions in whatever
	// units, the first of each campaign's.
	Distinct bool `json:"distinct,omitempty"`
}

// Check reports, as [lab.Invalid], what is wrong with s.
func (s Selection) Check() error {
	if s.Access != "" && !slices.Contains(Accesses, s.Access) {
		return lab.Errorf(lab.Invalid, "access %q is none of open, internal, restricted", s.Access)
	}
	for _, l := range s.Licenses {
		if err := CheckLicense(l); err != nil {
			return err
		}
	}
	return nil
}

// Wants reports whether data under terms t is selected.
func (s Selection) Wants(t Terms) bool {
	if len(s.Licenses) > 0 && !slices.Contains(s.Licenses, t.License) {
		return false
	}
	return s.Access == "" || slices.Index(Accesses, t.Access) <= slices.Index(Accesses, s.Access)
}

// CommitmentOf returns the commitment of one experiment of a plan, or nil when
// the plan did not commit to it.
func CommitmentOf(id lab.ExperimentID, bodies, leaves []string, prev, hash string, at time.Time) *Commitment {
	for i, body := range bodies {
		if i < len(leaves) && containsID(body, id) {
			return &Commitment{Body: body, SHA256: leaves[i], Leaves: leaves, Prev: prev, Hash: hash, CommittedAt: at.UTC()}
		}
	}
	return nil
}

func containsID(body string, id lab.ExperimentID) bool {
	var c struct {
		ExperimentID lab.ExperimentID `json:"experiment_id"`
	}
	return json.Unmarshal([]byte(body), &c) == nil && c.ExperimentID == id
}

// EachExperiment calls yield for the rows of a selection, whose AsOf is set:
// else what is recorded meanwhile would be in one half of them.
func EachExperiment(ctx context.Context, a Archive, s Selection, yield func(Experiment, lab.Campaign) error) error {
	if err := s.Check(); err != nil {
		return err
	}
	best := map[lab.CampaignID]map[string]float64{}
	return a.EachRecorded(ctx, s, func(r Recorded) error {
		b, ok := best[r.Campaign.ID]
		if !ok {
			var err error
			if b, err = a.BestSeen(ctx, r.Campaign.ID, s.AsOf); err != nil {
				return err
			}
			best[r.Campaign.ID] = b
		}
		e, err := ExperimentOf(r, b)
		if err != nil {
			return err
		}
		return yield(e, r.Campaign)
	})
}
