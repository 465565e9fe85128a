package export

import (
	"encoding/hex"
	"slices"
	"time"

	"github.com/athanor-lab/athanor/dataset"
	"github.com/athanor-lab/athanor/dataset/importer"
	"github.com/athanor-lab/athanor/dataset/snapshot"
	"github.com/athanor-lab/athanor/dataset/tables"
	"github.com/athanor-lab/athanor/internal/ahead"
	"github.com/athanor-lab/athanor/internal/jsonline"
	"github.com/athanor-lab/athanor/lab"
)

// source reads a snapshot's rows of whatever form as experiments, with what the
// index and the splits say of each, a few hundred in memory.
type source struct {
	snapshot.Snapshot
	lines []snapshot.CampaignLine
	split string // the one by which rows are parted
}

func open(s snapshot.Snapshot, split string) (*source, error) {
	src := &source{Snapshot: s, split: split}
	var err error
	if src.lines, err = s.Campaigns(); err != nil {
		return nil, err
	}
	if len(s.Splits) > 0 && !slices.ContainsFunc(s.Splits, func(sp snapshot.Split) bool { return sp.Name == split }) {
		var names []string
		for _, sp := range s.Splits {
			names = append(names, sp.Name)
		}
		return nil, lab.Errorf(lab.Invalid, "the snapshot has no split %q; it has %v", split, names)
	}
	return src, nil
}

// beside reads a line of a file that has one to a row.
type beside struct {
	path string
	next func() ([]byte, error, bool)
}

func (b beside) line() ([]byte, error) {
	line, err, ok := b.next()
	if err == nil && !ok {
		err = lab.Errorf(lab.Invalid, "%s has fewer lines than there are rows; see athanor dataset verify", b.path)
	}
	return line, err
}

// raw is a row of a snapshot with what belongs to it, as lines.
type raw struct {
	n           int // from 1
	line, index []byte
	parts       [][]byte // by split
}

// row is a raw one that was read.
type row struct {
	in   tables.In
	line []byte
	part string
}

// each calls yield for every experiment, by key, with its line and its part. To
// read JSON is most of the work of an export, and is done ahead.
func (s *source) each(yield func(in tables.In, line []byte, part string) error) error {
	return ahead.Each(s.eachRaw, s.read, func(r row) error { return yield(r.in, r.line, r.part) })
}

func (s *source) eachRaw(yield func(raw) error) error {
	next, stop := s.Pull("data/index.jsonl")
	defer stop()
	index := beside{"data/index.jsonl", next}
	var splits []beside
	for _, sp := range s.Splits {
		path := "splits/" + sp.Name + ".jsonl"
		next, stop := s.Pull(path)
		defer stop()
		splits = append(splits, beside{path, next})
	}
	n := 0
	return s.EachRow(func(line []byte) (err error) {
		n++
		r := raw{n: n, line: line, parts: make([][]byte, len(splits))}
		if r.index, err = index.line(); err != nil {
			return err
		}
		for i, split := range splits {
			if r.parts[i], err = split.line(); err != nil {
				return err
			}
		}
		return yield(r)
	})
}

func (s *source) read(from raw) (row, error) {
	e, err := experimentOf(s.Rows, from.line)
	if err != nil {
		return row{}, lab.Errorf(lab.Invalid, "%s: row %d: %w", s.Dir, from.n, err)
	}
	var at struct {
		Condition string `json:"condition"`
		Material  string `json:"material"`
	}
	if err := jsonline.Unmarshal(from.index, &at); err != nil {
		return row{}, lab.Errorf(lab.Invalid, "%s: line %d of the index: %w", s.Dir, from.n, err)
	}
	in := tables.In{Experiment: e, Condition: at.Condition, Material: at.Material, Parts: make(map[string]string, len(from.parts))}
	for i, line := range from.parts {
		p, err := snapshot.PartOf(line)
		if err != nil {
			return row{}, err
		}
		in.Parts[s.Splits[i].Name] = string(p)
	}
	part, ok := in.Parts[s.split]
	if !ok {
		part = string(snapshot.Train)
	}
	return row{in, from.line, part}, nil
}

// experimentOf reads a row of any form.
func experimentOf(form string, line []byte) (dataset.Experiment, error) {
	var e dataset.Experiment
	switch form {
	case snapshot.ExperimentRows:
		err := jsonline.Unmarshal(line, &e)
		return e, err
	case snapshot.OutcomeRows:
		err := jsonline.Unmarshal(line, &e.Row)
		e.Class = dataset.ClassOf(e.Row, nil, nil)
		e.Record = emptyRecord(e.Clock.FinishedAt)
		return e, err
	default:
		var r importer.Row
		if err := jsonline.Unmarshal(line, &r); err != nil {
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
