package export

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/athanor-lab/athanor/dataset"
	"github.com/athanor-lab/athanor/dataset/croissant"
	"github.com/athanor-lab/athanor/dataset/hf"
	"github.com/athanor-lab/athanor/dataset/rocrate"
	"github.com/athanor-lab/athanor/dataset/snapshot"
	"github.com/athanor-lab/athanor/dataset/tables"
	"github.com/athanor-lab/athanor/dataset/tasks"
	"github.com/athanor-lab/athanor/dataset/text"
	"github.com/athanor-lab/athanor/lab"
)

// Formats are those that [Write] knows.
var Formats = []string{"parquet", "jsonl", "csv", "chat", "preference", "croissant", "rocrate", "hf"}

// DefaultSplit parts the rows where a format has files to a part.
const DefaultSplit = string(snapshot.RandomGrouped)

// Options are those of an export.
type Options struct {
	// Split parts the rows of chat, preference and hf; "" is [DefaultSplit].
	Split string
	// Progress, when set, is told how many rows have been read now and then.
	Progress func(rows int)
}

// Write writes the snapshot into dir, which must not be there or be empty. The
// result passes [snapshot.Verify].
func Write(s snapshot.Snapshot, format, dir string, o Options) (snapshot.Snapshot, error) {
	if !slices.Contains(Formats, format) {
		return snapshot.Snapshot{}, lab.Errorf(lab.Invalid, "format %q is none of %s", format, strings.Join(Formats, ", "))
	}
	if s.Of != "" {
		return snapshot.Snapshot{}, lab.Errorf(lab.Invalid, "%s is an export; export the snapshot %s itself", s.Dir, s.Of)
	}
	if o.Split == "" {
		o.Split = DefaultSplit
	}
	src, err := open(s, o.Split)
	if err != nil {
		return snapshot.Snapshot{}, err
	}
	f, err := snapshot.NewFolder(s, format, dir)
	if err != nil {
		return snapshot.Snapshot{}, err
	}
	w := &writer{source: src, folder: f, format: format, tables: map[string]string{}, parts: map[string]string{}, media: map[string]string{}, progress: o.Progress}
	return f.Finish(w.run())
}

// writer writes one export: sinks take every experiment in turn.
type writer struct {
	*source
	folder   *snapshot.Folder
	format   string
	sinks    []sink
	tables   map[string]string // table of a file, by path
	parts    map[string]string // part of a file, by path
	media    map[string]string // media type of a file, by path
	progress func(int)

	cards, tokens int
}

// sink takes experiments.
type sink struct {
	put   func(in tables.In, line []byte, part string) error
	close func() error
}

func (w *writer) run() error {
	if err := w.openSinks(); err != nil {
		return err
	}
	n := 0
	err := w.each(func(in tables.In, line []byte, part string) error {
		if n++; w.progress != nil && n%1000 == 0 {
			w.progress(n)
		}
		if w.cards < 1000 {
			tokens, err := text.Tokens(text.CardOf(in.Experiment).Render())
			if err != nil {
				return err
			}
			w.cards, w.tokens = w.cards+1, w.tokens+tokens
		}
		for _, s := range w.sinks {
			if err := s.put(in, line, part); err != nil {
				return fmt.Errorf("experiment %d of %s: %w", in.Number, in.Campaign, err)
			}
		}
		return nil
	})
	for _, s := range w.sinks {
		err = errors.Join(err, s.close())
	}
	if err != nil {
		return err
	}
	if w.format == "parquet" || w.format == "hf" {
		if err := w.wide(); err != nil {
			return err
		}
	}
	return w.describe()
}

func (w *writer) openSinks() error {
	switch w.format {
	case "parquet", "jsonl", "csv":
		if err := w.openTables(w.format); err != nil {
			return err
		}
	case "croissant":
		if err := w.openTables("parquet"); err != nil {
			return err
		}
	case "rocrate":
		if err := w.openTables("csv"); err != nil {
			return err
		}
	case "chat":
		return w.openTasks()
	case "preference":
		return w.openLearned()
	case "hf":
		if err := w.openTables("parquet"); err != nil {
			return err
		}
		return w.openChats()
	}
	if w.format == "jsonl" || w.format == "rocrate" {
		return w.openRecord()
	}
	return nil
}

var mediaTypes = map[string]string{"parquet": "application/vnd.apache.parquet", "jsonl": "application/jsonl", "csv": "text/csv"}

// openTables adds the tables; for Hugging Face the experiments have a file to a
// part.
func (w *writer) openTables(format string) error {
	for _, t := range tables.All {
		if w.format == "hf" && t.Name == "experiments" {
			for _, part := range []snapshot.Part{snapshot.Train, snapshot.Validation, snapshot.Test} {
				path := "data/" + t.Name + "/" + string(part) + "." + format
				w.parts[path] = string(part)
				if err := w.openTable(t, format, path, string(part)); err != nil {
					return err
				}
			}
			continue
		}
		if err := w.openTable(t, format, "tables/"+t.Name+"."+format, ""); err != nil {
			return err
		}
	}
	return nil
}

// openTable adds a table, or of a part only.
func (w *writer) openTable(t tables.Table, format, path, only string) error {
	out, err := w.folder.Create(path)
	if err != nil {
		return err
	}
	to, err := t.Writer(out, format)
	if err != nil {
		return err
	}
	w.tables[path], w.media[path] = t.Name, mediaTypes[format]
	w.sinks = append(w.sinks, sink{
		put: func(in tables.In, _ []byte, part string) error {
			if only != "" && part != only {
				return nil
			}
			n, err := to.Put(in)
			out.Rows(n)
			return err
		},
		close: func() error { return errors.Join(to.Close(), out.Close()) },
	})
	return nil
}

// openRecord adds the rows of the snapshot as they are.
func (w *writer) openRecord() error {
	out, err := w.folder.Create("record.ndjson")
	if err != nil {
		return err
	}
	w.media["record.ndjson"] = "application/x-ndjson"
	w.sinks = append(w.sinks, sink{
		put: func(_ tables.In, line []byte, _ string) error {
			out.Rows(1)
			_, err := out.Write(append(line, '\n'))
			return err
		},
		close: out.Close,
	})
	return nil
}

func (w *writer) maker() *tasks.Maker {
	m := &tasks.Maker{Campaigns: map[string]lab.Document{}}
	for _, l := range w.lines {
		m.Campaigns[l.Campaign.ID.String()] = l.Campaign.Document
	}
	return m
}

// describe writes what stands beside the data.
func (w *writer) describe() error {
	d := w.described()
	var err error
	switch w.format {
	case "croissant":
		err = w.folder.Put("croissant.json", 0, func(to io.Writer) error { return croissant.Write(to, d) })
	case "rocrate":
		var all []rocrate.Action
		err = w.each(func(in tables.In, _ []byte, _ string) error {
			all = append(all, rocrate.ActionsOf(in.Experiment)...)
			return nil
		})
		if err == nil {
			err = w.folder.Put("ro-crate-metadata.json", 0, func(to io.Writer) error { return rocrate.Write(to, d, all) })
		}
	}
	if err != nil {
		return err
	}
	return w.folder.Put("README.md", 0, func(to io.Writer) error { return hf.Write(to, d) })
}

func (w *writer) described() dataset.Described {
	d := dataset.Described{
		ID: w.ID, License: w.License, Classes: map[dataset.Class]int{}, Commitments: map[dataset.Standing]int{},
		Text: "Experiments of a laboratory that runs itself: what was predicted before each run, what was decided and what lost, what was done, what was seen, and what failed for the laboratory's own reasons.",
	}
	for _, l := range w.lines {
		d.Campaigns = append(d.Campaigns, l.Campaign.Document.Title)
	}
	d.Title = fmt.Sprintf("Athanor experiments, snapshot %.12s", w.ID)
	if len(d.Campaigns) == 1 {
		d.Title = d.Campaigns[0] + fmt.Sprintf(", snapshot %.12s", w.ID)
	}
	if w.Facts != nil {
		d.AsOf, d.Classes, d.Commitments = w.Facts.Selection.AsOf, w.Facts.Classes, w.Facts.Commitments
	}
	if w.cards > 0 {
		d.CardTokens = float64(w.tokens) / float64(w.cards)
	}
	for _, f := range w.folder.Files() {
		media := w.media[f.Path]
		if media == "" {
			media = "application/json"
		}
		d.Files = append(d.Files, dataset.DescribedFile{Path: f.Path, SHA256: f.SHA256, MediaType: media, Bytes: f.Bytes, Rows: f.Rows, Table: w.tables[f.Path], Part: w.parts[f.Path]})
		d.Size += f.Bytes
	}
	for _, t := range tables.All {
		d.Tables = append(d.Tables, t.DescribedTable)
	}
	for _, sp := range w.Splits {
		out := dataset.DescribedSplit{Name: sp.Name, Rows: map[string]int{}, Leaks: map[string]int{
			"equal conditions": sp.Leaks.Conditions, "near conditions": sp.Leaks.Near, "near texts": sp.Leaks.Texts, "shared groups": sp.Leaks.Groups, "shared campaigns": sp.Leaks.Campaigns,
			"shared materials": sp.Leaks.Materials, "shared ring systems": sp.Leaks.Scaffolds, "not later than train": sp.Leaks.Earlier,
		}}
		for part, n := range sp.Rows {
			out.Rows[string(part)] = n
		}
		d.Splits = append(d.Splits, out)
	}
	return d
}
