package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sort"

	"github.com/athanor-lab/athanor/dataset"
	"github.com/athanor-lab/athanor/dataset/importer"
	"github.com/athanor-lab/athanor/dataset/parquet"
	"github.com/athanor-lab/athanor/dataset/snapshot"
	"github.com/athanor-lab/athanor/lab"
)

type datasetCmd struct {
	Import   importCmd   `cmd:"" help:"Import a table (CSV, TSV, XLSX) with a ledger that accounts for every cell."`
	Snapshot snapshotCmd `cmd:"" help:"Make an immutable snapshot of exported campaigns or of an import."`
	Export   dsExportCmd `cmd:"" help:"Write a snapshot with its splits as Parquet or JSON Lines."`
	Verify   verifyCmd   `cmd:"" help:"Check a snapshot or an export against its manifest, byte by byte."`
}

type importCmd struct {
	File  string `arg:"" help:"The table."`
	Map   string `help:"Mapping of its columns (YAML); without it one is proposed."`
	Sheet string `help:"Sheet of a workbook; by default the first that has rows."`
	Dir   string `short:"o" default:"imports" help:"Where the results are kept, in a folder named by the import."`
	JSON  bool   `name:"json" help:"Print the report as JSON."`
}

func (c *importCmd) Run(t *terminal) error {
	job := importer.Job{Path: c.File, Sheet: c.Sheet, Dir: c.Dir}
	if c.Map != "" {
		f, err := os.Open(c.Map)
		if err != nil {
			return lab.Errorf(lab.Invalid, "read the mapping: %w", err)
		}
		defer f.Close()
		m, err := importer.ReadMapping(f)
		if err != nil {
			return fmt.Errorf("%s: %w", c.Map, err)
		}
		job.Mapping = &m
	}
	r, err := importer.File(job)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(t.out, r)
	}
	_, err = fmt.Fprintf(t.out, "%s\nkept in %s; edit its mapping.yaml and import again with --map to settle what was held back\n", r, r.Dir)
	return err
}

type snapshotCmd struct {
	Files   []string `arg:"" help:"Exports of campaigns (JSONL), or the folder of one import."`
	Dir     string   `short:"o" default:"snapshots" help:"Where the snapshot is kept, in a folder that has its name."`
	License string   `help:"SPDX identifier of the data's licence."`
}

func (c *snapshotCmd) Run(t *terminal) error {
	each, spec, err := c.items()
	if err != nil {
		return err
	}
	spec.License, spec.Splits = c.License, snapshot.DefaultSplits()
	s, err := snapshot.Create(c.Dir, spec, each)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(t.out, s.Dir)
	return err
}

// items reads what the snapshot is of: outcomes, or the rows of one import.
func (c *snapshotCmd) items() (func(yield func(snapshot.Item) error) error, snapshot.Spec, error) {
	if st, err := os.Stat(c.Files[0]); err == nil && st.IsDir() {
		return c.imported()
	}
	var items []snapshot.Item
	for _, file := range c.Files {
		f, err := os.Open(file)
		if err != nil {
			return nil, snapshot.Spec{}, lab.Errorf(lab.Invalid, "read an export: %w", err)
		}
		err = dataset.ReadJSONL(f, func(r dataset.Row) error {
			item, err := snapshot.OfOutcome(r)
			items = append(items, item)
			return err
		})
		f.Close()
		if err != nil {
			return nil, snapshot.Spec{}, fmt.Errorf("%s: %w", file, err)
		}
	}
	sort.Slice(items, func(i, j int) bool { return items[i].Key < items[j].Key })
	return yieldAll(items), snapshot.Spec{Rows: snapshot.OutcomeRows}, nil
}

func (c *snapshotCmd) imported() (func(yield func(snapshot.Item) error) error, snapshot.Spec, error) {
	if len(c.Files) != 1 {
		return nil, snapshot.Spec{}, lab.Errorf(lab.Invalid, "a snapshot is of one import, or of any number of exported campaigns")
	}
	mf, err := os.Open(filepath.Join(c.Files[0], "mapping.yaml"))
	if err != nil {
		return nil, snapshot.Spec{}, lab.Errorf(lab.Invalid, "%s is no folder of an import: %w", c.Files[0], err)
	}
	defer mf.Close()
	m, err := importer.ReadMapping(mf)
	if err != nil {
		return nil, snapshot.Spec{}, err
	}
	f, err := os.Open(filepath.Join(c.Files[0], "rows.jsonl"))
	if err != nil {
		return nil, snapshot.Spec{}, lab.Errorf(lab.Invalid, "%s is no folder of an import: %w", c.Files[0], err)
	}
	defer f.Close()
	var items []snapshot.Item
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var r importer.Row
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return nil, snapshot.Spec{}, fmt.Errorf("%s: %w", f.Name(), err)
		}
		item, err := snapshot.OfImported(r)
		if err != nil {
			return nil, snapshot.Spec{}, err
		}
		items = append(items, item)
	}
	if err := lines.Err(); err != nil {
		return nil, snapshot.Spec{}, fmt.Errorf("%s: %w", f.Name(), err)
	}
	sort.Slice(items, func(i, j int) bool { return items[i].Key < items[j].Key })
	return yieldAll(items), snapshot.Spec{Rows: snapshot.ImportedRows, Shape: parquet.ShapeOfMapping(m)}, nil
}

func yieldAll(items []snapshot.Item) func(yield func(snapshot.Item) error) error {
	return func(yield func(snapshot.Item) error) error {
		for _, i := range items {
			if err := yield(i); err != nil {
				return err
			}
		}
		return nil
	}
}

type dsExportCmd struct {
	Snapshot string `arg:"" help:"Folder of the snapshot."`
	Format   string `enum:"parquet,jsonl" default:"parquet" help:"parquet or jsonl."`
	Dir      string `short:"o" required:"" help:"Where to write; it must not be there or be empty."`
}

func (c *dsExportCmd) Run(t *terminal) error {
	s, err := snapshot.Open(c.Snapshot)
	if err != nil {
		return err
	}
	out, err := snapshot.Export(s, c.Format, c.Dir)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(t.out, out.Dir)
	return err
}

type verifyCmd struct {
	Dir string `arg:"" help:"Folder of a snapshot or an export."`
}

func (c *verifyCmd) Run(t *terminal) error {
	s, err := snapshot.Verify(c.Dir)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.out, "%s is as its manifest says\n", s.Dir)
	return err
}
