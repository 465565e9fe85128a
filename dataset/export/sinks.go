package export

import (
	"encoding/json"
	"errors"
	"io"

	"github.com/athanor-lab/athanor/dataset"
	"github.com/athanor-lab/athanor/dataset/columnar"
	"github.com/athanor-lab/athanor/dataset/parquet"
	"github.com/athanor-lab/athanor/dataset/snapshot"
	"github.com/athanor-lab/athanor/dataset/tables"
	"github.com/athanor-lab/athanor/dataset/tasks"
	"github.com/athanor-lab/athanor/lab"
)

// jsonLines are files of JSON lines that are opened when a first line comes, so
// that there is no empty file for a reader to guess the columns of.
type jsonLines struct {
	w    *writer
	outs map[string]*snapshot.Out
}

func (j *jsonLines) put(table, part string, v any) error {
	path := "data/" + table + "/" + part + ".jsonl"
	out, ok := j.outs[path]
	if !ok {
		var err error
		if out, err = j.w.folder.Create(path); err != nil {
			return err
		}
		j.outs[path] = out
		j.w.tables[path], j.w.parts[path], j.w.media[path] = table, part, mediaTypes["jsonl"]
	}
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	out.Rows(1)
	_, err = out.Write(append(b, '\n'))
	return err
}

func (j *jsonLines) close() error {
	var err error
	for _, o := range j.outs {
		err = errors.Join(err, o.Close())
	}
	return err
}

// openTasks adds the ten templates, as conversations and as prompt and
// completion. What a split excludes is left out.
func (w *writer) openTasks() error {
	m, lines := w.maker(), &jsonLines{w, map[string]*snapshot.Out{}}
	w.sinks = append(w.sinks, sink{
		put: func(in tables.In, _ []byte, part string) error {
			return m.Add(in.Experiment, part, func(t tasks.Task) error {
				if part == string(snapshot.Excluded) {
					return nil
				}
				if err := lines.put("chat_"+t.Template, part, t.Chat()); err != nil {
					return err
				}
				return lines.put("prompt_"+t.Template, part, t)
			})
		},
		close: lines.close,
	})
	return nil
}

// openLearned adds pairs, labelled proposals, steps, rewards and calibration.
func (w *writer) openLearned() error {
	m, lines := w.maker(), &jsonLines{w, map[string]*snapshot.Out{}}
	w.sinks = append(w.sinks, sink{
		put: func(in tables.In, _ []byte, part string) error {
			l := m.Learn(in.Experiment, part)
			if err := m.Add(in.Experiment, part, func(tasks.Task) error { return nil }); err != nil {
				return err
			}
			return errors.Join(
				putAll(lines, "pairs", part, l.Pairs), putAll(lines, "labelled", part, l.Labelled), putAll(lines, "stepwise", part, l.Stepwise),
				putAll(lines, "reward", part, l.Rewards), putAll(lines, "calibration", part, l.Calibrations))
		},
		close: lines.close,
	})
	return nil
}

// openChats adds the conversations as Parquet: a folder that datasets loads has
// files of one kind only.
func (w *writer) openChats() error {
	type file struct {
		out  *snapshot.Out
		rows *columnar.Writer[tasks.Chat]
	}
	m, files := w.maker(), map[string]file{}
	w.sinks = append(w.sinks, sink{
		put: func(in tables.In, _ []byte, part string) error {
			return m.Add(in.Experiment, part, func(t tasks.Task) error {
				if part == string(snapshot.Excluded) {
					return nil
				}
				table := "chat_" + t.Template
				path := "data/" + table + "/" + part + ".parquet"
				f, ok := files[path]
				if !ok {
					out, err := w.folder.Create(path)
					if err != nil {
						return err
					}
					rows, err := tables.NewRows[tasks.Chat](out, table)
					if err != nil {
						return err
					}
					f = file{out, rows}
					files[path] = f
					w.tables[path], w.parts[path], w.media[path] = table, part, mediaTypes["parquet"]
				}
				f.out.Rows(1)
				return f.rows.Write([]tasks.Chat{t.Chat()})
			})
		},
		close: func() (err error) {
			for _, f := range files {
				err = errors.Join(err, f.rows.Close(), f.out.Close())
			}
			return err
		},
	})
	return nil
}

func putAll[T any](lines *jsonLines, table, part string, all []T) error {
	for _, v := range all {
		if err := lines.put(table, part, v); err != nil {
			return err
		}
	}
	return nil
}

// wide writes a file to a campaign with a typed column to every parameter and
// objective. Rows come by campaign.
func (w *writer) wide() error {
	if w.Rows != snapshot.ExperimentRows {
		return w.wideOne()
	}
	next, stop := snapshot.PullEach(snapshot.Decoded[dataset.Row](w.Snapshot))
	defer stop()
	for _, l := range w.lines {
		path := "campaigns/" + l.Campaign.ID.String() + ".parquet"
		w.media[path] = mediaTypes["parquet"]
		err := w.folder.Put(path, l.Rows, func(to io.Writer) error {
			return parquet.WriteRows(to, l.Shape, func(yield func(dataset.Row) error) error {
				for range l.Rows {
					row, err, ok := next()
					if err != nil || !ok {
						return errors.Join(err, lab.Errorf(lab.Invalid, "%s has fewer rows than its campaigns say", w.Dir))
					}
					if err := yield(row); err != nil {
						return err
					}
				}
				return nil
			})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// wideOne writes the one file of rows that are of one shape, where it is known.
func (w *writer) wideOne() error {
	if len(w.Shape.Settings)+len(w.Shape.Objectives) == 0 {
		return nil
	}
	path, rows := "campaigns/rows.parquet", 0
	for _, f := range w.Files {
		if f.Path == "data/rows.jsonl" {
			rows = f.Rows
		}
	}
	w.media[path] = mediaTypes["parquet"]
	return w.folder.Put(path, rows, w.Parquet)
}
