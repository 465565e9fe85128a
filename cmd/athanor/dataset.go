package main

import (
	"fmt"
	"os"

	"github.com/athanor-lab/athanor/dataset/importer"
	"github.com/athanor-lab/athanor/lab"
)

type datasetCmd struct {
	Import   importCmd   `cmd:"" help:"Import a table (CSV, TSV, XLSX) with a ledger that accounts for every cell."`
	Snapshot snapshotCmd `cmd:"" help:"Make an immutable snapshot of the record, of exported campaigns or of an import."`
	Export   dsExportCmd `cmd:"" help:"Write a snapshot in a format that others read."`
	Verify   verifyCmd   `cmd:"" help:"Check a snapshot or an export against its manifest, byte by byte."`
	Diff     diffCmd     `cmd:"" help:"Tell what two snapshots differ in."`
	Push     pushCmd     `cmd:"" help:"Copy a snapshot or an export to a directory or a bucket; a broken copy goes on."`
	Why      whyCmd      `cmd:"" help:"Walk from an experiment back to its decision, its commands and raw bytes."`
	Correct  correctCmd  `cmd:"" help:"Record what was found wrong with an experiment; what was written stays."`
	Terms    termsCmd    `cmd:"" help:"Record under which licence and access a campaign's data may leave."`
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
