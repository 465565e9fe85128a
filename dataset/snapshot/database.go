package snapshot

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/athanor-lab/athanor/dataset"
	"github.com/athanor-lab/athanor/dataset/parquet"
	"github.com/athanor-lab/athanor/internal/ahead"
	"github.com/athanor-lab/athanor/internal/jsonline"
	"github.com/athanor-lab/athanor/lab"
)

// CampaignLine is a line of data/campaigns.jsonl: a question whose experiments
// are in the snapshot.
type CampaignLine struct {
	Campaign lab.Campaign  `json:"campaign"`
	License  string        `json:"license"`
	Access   string        `json:"access"`
	Rows     int           `json:"rows"`
	Shape    parquet.Shape `json:"shape"`
}

// Options are those of a snapshot of the record.
type Options struct {
	Parent string
	Splits []SplitSpec
	// Progress, when set, is told how many rows have been written now and then.
	Progress func(rows int)
	// Feed, when set, gives the experiments of the selection in the place of the
	// archive: they were read before, in parts.
	Feed func(yield func(dataset.Experiment, lab.Campaign) error) error
}

// known is an experiment with what a snapshot keeps of it.
type known struct {
	dataset.Experiment
	campaign lab.Campaign
	item     Item
}

func withItem(k known) (_ known, err error) {
	k.item, err = OfExperiment(k.Experiment)
	return k, err
}

// CreateFrom writes the experiments of the record that are selected as a
// snapshot into a folder of root, and returns it. When no AsOf is given it is
// that of the latest fact about the campaigns selected, so that an unchanged
// record gives the snapshot that it gave before.
func CreateFrom(ctx context.Context, root string, a dataset.Archive, sel dataset.Selection, o Options) (Snapshot, error) {
	if err := sel.Check(); err != nil {
		return Snapshot{}, err
	}
	if sel.AsOf.IsZero() {
		at, err := a.Horizon(ctx, sel.Campaigns)
		if err != nil {
			return Snapshot{}, err
		}
		sel.AsOf = at
	}
	sel.AsOf = sel.AsOf.UTC()
	facts := &Facts{Selection: sel, Classes: map[dataset.Class]int{}, Commitments: map[dataset.Standing]int{}}
	lines, licenses := []CampaignLine{}, []string{}
	seen := map[string]bool{}
	n := 0
	each := func(yield func(Item) error) error {
		feed := o.Feed
		if feed == nil {
			feed = func(yield func(dataset.Experiment, lab.Campaign) error) error {
				return dataset.EachExperiment(ctx, a, sel, yield)
			}
		}
		pairs := func(yield func(known) error) error {
			return feed(func(e dataset.Experiment, c lab.Campaign) error { return yield(known{Experiment: e, campaign: c}) })
		}
		return ahead.Each(pairs, withItem, func(k known) error {
			e, c, item := k.Experiment, k.campaign, k.item
			if sel.Distinct && (e.Class == dataset.Success || e.Class == dataset.Negative) {
				key := item.Campaign + "\n" + item.Condition
				if seen[key] {
					facts.Repeated++
					return nil
				}
				seen[key] = true
			}
			if len(lines) == 0 || lines[len(lines)-1].Campaign.ID != c.ID {
				lines = append(lines, CampaignLine{Campaign: c, License: e.Record.License, Access: e.Record.Access, Shape: parquet.ShapeOf(c.Document)})
				licenses = append(licenses, e.Record.License)
			}
			lines[len(lines)-1].Rows++
			if err := facts.add(e); err != nil {
				return err
			}
			if n++; o.Progress != nil && n%1000 == 0 {
				o.Progress(n)
			}
			return yield(item)
		})
	}
	spec := Spec{Rows: ExperimentRows, Parent: o.Parent, Splits: o.Splits}
	spec.finish = func(dir string, m *Manifest) (err error) {
		if m.License, err = dataset.Combine(licenses); err != nil {
			return err
		}
		m.Facts = facts
		campaigns, err := writeLines(dir, "data/campaigns.jsonl", func(put func(any) error) error {
			for _, l := range lines {
				if err := put(l); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		chains, err := writeLines(dir, "data/commitments.jsonl", func(put func(any) error) error {
			for _, l := range lines {
				if err := a.EachLink(ctx, l.Campaign.ID, sel.AsOf, func(k dataset.Link) error { return put(k) }); err != nil {
					return err
				}
			}
			return nil
		})
		m.Files = append(m.Files, campaigns, chains)
		return err
	}
	return Create(root, spec, each)
}

// add counts an experiment, and holds its commitment to what it says.
func (f *Facts) add(e dataset.Experiment) error {
	standing, err := dataset.CheckCommitment(e)
	if err != nil {
		return err
	}
	f.Classes[e.Class]++
	f.Commitments[standing]++
	f.Commands += len(e.Record.Commands)
	f.RawFiles += len(e.Record.Raw)
	f.Corrections += len(e.Record.Corrections)
	return nil
}

// Campaigns reads the questions whose experiments are in the snapshot.
func (s Snapshot) Campaigns() ([]CampaignLine, error) {
	var all []CampaignLine
	if s.Rows != ExperimentRows {
		return nil, nil
	}
	err := s.eachLine("data/campaigns.jsonl", func(line []byte) error {
		var l CampaignLine
		if err := jsonline.Unmarshal(line, &l); err != nil {
			return lab.Errorf(lab.Invalid, "%s: line %d of the campaigns: %w", s.Dir, len(all)+1, err)
		}
		all = append(all, l)
		return nil
	})
	return all, err
}

// verifyRecord counts the facts again from the rows, walks the chains of
// commitments from their beginnings, and finds every row's link in them.
func (s Snapshot) verifyRecord() error {
	links := map[string]bool{}
	last := map[lab.CampaignID]string{}
	err := s.eachLine("data/commitments.jsonl", func(line []byte) error {
		var l dataset.Link
		if err := jsonline.Unmarshal(line, &l); err != nil {
			return lab.Errorf(lab.Invalid, "a commitment cannot be read: %w", err)
		}
		if err := l.Follows(last[l.CampaignID]); err != nil {
			return err
		}
		last[l.CampaignID], links[l.Hash] = l.Hash, true
		return nil
	})
	if err != nil {
		return err
	}
	counted := Facts{Selection: s.Facts.Selection, Repeated: s.Facts.Repeated, Classes: map[dataset.Class]int{}, Commitments: map[dataset.Standing]int{}}
	err = Decoded[dataset.Experiment](s)(func(e dataset.Experiment) error {
		if k := e.Record.Commitment; k != nil && !links[k.Hash] {
			return lab.Errorf(lab.Invalid, "the commitment of %s is no link of its campaign's chain", e.IDs.ExperimentID)
		}
		return counted.add(e)
	})
	if err != nil {
		return err
	}
	want, err := json.Marshal(s.Facts)
	if err != nil {
		return err
	}
	got, err := json.Marshal(counted)
	if err == nil && string(got) != string(want) {
		err = fmt.Errorf("the rows say %s and the manifest %s", got, want)
	}
	return err
}
