package export

import (
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/athanor-lab/athanor/dataset"
	"github.com/athanor-lab/athanor/dataset/importer"
	"github.com/athanor-lab/athanor/dataset/snapshot"
	"github.com/athanor-lab/athanor/dataset/tables"
	"github.com/athanor-lab/athanor/lab"
)

// source reads a snapshot's rows of whatever form as experiments, with what the
// index and the splits say of each.
type source struct {
	snapshot.Snapshot
	index []snapshot.Index
	parts map[string][]snapshot.Part
	lines []snapshot.CampaignLine
	split string // the one by which rows are parted
}

func open(s snapshot.Snapshot, split string) (*source, error) {
	src := &source{Snapshot: s, parts: map[string][]snapshot.Part{}, split: split}
	var err error
	if src.index, err = s.Index(); err != nil {
		return nil, err
	}
	if src.lines, err = s.Campaigns(); err != nil {
		return nil, err
	}
	found := len(s.Splits) == 0
	for _, sp := range s.Splits {
		if src.parts[sp.Name], err = s.Parts(sp.Name); err != nil {
			return nil, err
		}
		if len(src.parts[sp.Name]) != len(src.index) {
			return nil, lab.Errorf(lab.Invalid, "%s: split %s has %d rows of %d; see athanor dataset verify", s.Dir, sp.Name, len(src.parts[sp.Name]), len(src.index))
		}
		found = found || sp.Name == split
	}
	if !found {
		return nil, lab.Errorf(lab.Invalid, "the snapshot has no split %q; it has %v", split, names(s.Splits))
	}
	return src, nil
}

func names(splits []snapshot.Split) []string {
	var all []string
	for _, s := range splits {
		all = append(all, s.Name)
	}
	return all
}

// each calls yield for every experiment, by key, with its line and its part.
func (s *source) each(yield func(in tables.In, line []byte, part string) error) error {
	i := 0
	return s.EachRow(func(line []byte) error {
		if i >= len(s.index) {
			return lab.Errorf(lab.Invalid, "%s has more rows than its index", s.Dir)
		}
		e, err := experimentOf(s.Rows, line)
		if err != nil {
			return lab.Errorf(lab.Invalid, "%s: row %d: %w", s.Dir, i+1, err)
		}
		in := tables.In{Experiment: e, Condition: s.index[i].Condition, Material: s.index[i].Material, Parts: make(map[string]string, len(s.parts))}
		for name, parts := range s.parts {
			in.Parts[name] = string(parts[i])
		}
		part := string(snapshot.Train)
		if p, ok := in.Parts[s.split]; ok {
			part = p
		}
		i++
		return yield(in, line, part)
	})
}

// experimentOf reads a row of any form.
func experimentOf(form string, line []byte) (dataset.Experiment, error) {
	var e dataset.Experiment
	switch form {
	case snapshot.ExperimentRows:
		err := json.Unmarshal(line, &e)
		return e, err
	case snapshot.OutcomeRows:
		err := json.Unmarshal(line, &e.Row)
		e.Class = dataset.ClassOf(e.Row, nil, nil)
		e.Record = emptyRecord(e.Clock.FinishedAt)
		return e, err
	default:
		var r importer.Row
		if err := json.Unmarshal(line, &r); err != nil {
			return e, err
		}
		return imported(r)
	}
}

func emptyRecord(at time.Time) dataset.Record {
	return dataset.Record{
		Access: "internal", Notes: []string{}, Evidence: []dataset.EvidenceUse{}, Commands: []dataset.CommandRecord{}, Raw: []dataset.RawFile{},
		Samples: []dataset.SampleRecord{}, Corrections: []dataset.StoredCorrection{}, RecordedAt: at,
	}
}

// imported is a row of a file as an experiment that succeeded: the file stands
// for the campaign, and its first sixteen bytes of hash for the campaign's id.
func imported(r importer.Row) (dataset.Experiment, error) {
	sum, err := hex.DecodeString(r.Source.SHA256)
	if err != nil || len(sum) < 16 {
		return dataset.Experiment{}, lab.Errorf(lab.Invalid, "its source has no hash")
	}
	e := dataset.Experiment{Class: dataset.Success, Record: emptyRecord(time.Unix(0, 0).UTC())}
	e.IDs.CampaignID = lab.CampaignID(sum[:16])
	e.IDs.ExperimentID = lab.ExperimentIDOf(e.IDs.CampaignID, r.Source.Row)
	e.Campaign, e.Number, e.State = "import "+r.Source.SHA256[:12], r.Source.Row, lab.OutcomeSucceeded
	e.Clock.StartedAt, e.Clock.FinishedAt = e.Record.RecordedAt, e.Record.RecordedAt
	for _, s := range r.Settings {
		e.Settings = append(e.Settings, dataset.Member[dataset.SettingCell]{Name: s.Name, Value: dataset.SettingCell{Value: s.Value, Unit: s.Unit}})
	}
	for _, o := range r.Observed {
		v := o.Value
		e.Observed = append(e.Observed, dataset.Member[dataset.ObservedCell]{Name: o.Name, Value: dataset.ObservedCell{Value: &v, Sigma: o.Sigma, Unit: o.Unit}})
	}
	e.Record.Raw = []dataset.RawFile{{Name: r.Source.Table, MediaType: "application/octet-stream", SHA256: r.Source.SHA256}}
	return e, nil
}
