package export

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/athanor-lab/athanor/dataset"
	"github.com/athanor-lab/athanor/dataset/importer"
	"github.com/athanor-lab/athanor/dataset/snapshot"
	"github.com/athanor-lab/athanor/dataset/tables"
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

// batchRows is how many rows a goroutine reads at a time. Of every two batches
// to a core one is read while the other waits to be asked for.
const batchRows = 128

// batch is rows that are read by a goroutine of their own.
type batch struct {
	first int // the number of the first row, from 1
	rows  []row
	done  chan struct{}
	err   error
}

type row struct {
	line, index []byte
	parts       [][]byte // lines, by split
	in          tables.In
	part        string
}

// each calls yield for every experiment, by key, with its line and its part. To
// read JSON is most of the work of an export, and is done ahead on all cores.
func (s *source) each(yield func(in tables.In, line []byte, part string) error) error {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var g errgroup.Group
	cores := runtime.GOMAXPROCS(0)
	asked, work := make(chan *batch, 2*cores), make(chan *batch)
	g.Go(func() error {
		defer close(asked)
		defer close(work)
		return s.batches(func(b *batch) error {
			for _, to := range []chan<- *batch{asked, work} {
				select {
				case to <- b:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			return nil
		})
	})
	for range cores {
		g.Go(func() error {
			for b := range work {
				b.err = s.read(b)
				close(b.done)
			}
			return nil
		})
	}
	err := inOrder(asked, yield)
	stop()
	if ended := g.Wait(); err == nil {
		err = ended
	}
	return err
}

func inOrder(asked <-chan *batch, yield func(in tables.In, line []byte, part string) error) error {
	for b := range asked {
		<-b.done
		if b.err != nil {
			return b.err
		}
		for _, r := range b.rows {
			if err := yield(r.in, r.line, r.part); err != nil {
				return err
			}
		}
	}
	return nil
}

// batches gives the lines of the rows, their index and their splits.
func (s *source) batches(yield func(*batch) error) error {
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
	begin := func(first int) *batch { return &batch{first: first, done: make(chan struct{})} }
	b := begin(1)
	err := s.EachRow(func(line []byte) (err error) {
		r := row{line: line, parts: make([][]byte, len(splits))}
		if r.index, err = index.line(); err != nil {
			return err
		}
		for i, split := range splits {
			if r.parts[i], err = split.line(); err != nil {
				return err
			}
		}
		if b.rows = append(b.rows, r); len(b.rows) < batchRows {
			return nil
		}
		full := b
		b = begin(full.first + len(full.rows))
		return yield(full)
	})
	if err != nil || len(b.rows) == 0 {
		return err
	}
	return yield(b)
}

// read reads the rows of a batch from their lines.
func (s *source) read(b *batch) error {
	for i := range b.rows {
		r := &b.rows[i]
		e, err := experimentOf(s.Rows, r.line)
		if err != nil {
			return lab.Errorf(lab.Invalid, "%s: row %d: %w", s.Dir, b.first+i, err)
		}
		var at struct{ Condition, Material string }
		if err := json.Unmarshal(r.index, &at); err != nil {
			return lab.Errorf(lab.Invalid, "%s: line %d of the index: %w", s.Dir, b.first+i, err)
		}
		r.in = tables.In{Experiment: e, Condition: at.Condition, Material: at.Material, Parts: make(map[string]string, len(r.parts))}
		for i, line := range r.parts {
			p, err := snapshot.PartOf(line)
			if err != nil {
				return err
			}
			r.in.Parts[s.Splits[i].Name] = string(p)
		}
		r.part = string(snapshot.Train)
		if p, ok := r.in.Parts[s.split]; ok {
			r.part = p
		}
	}
	return nil
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
