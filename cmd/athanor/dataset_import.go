package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/athanor-lab/athanor/dataset/formats"
	"github.com/athanor-lab/athanor/dataset/importer"
	"github.com/athanor-lab/athanor/lab"
)

type importCmd struct {
	File     string   `arg:"" help:"CSV, TSV, XLSX, JSON, JSON Lines, Parquet, ORD (.pb, .pb.gz, .pbtxt), Allotrope, Bluesky, JCAMP-DX or .eln."`
	Map      string   `help:"Mapping of its columns (YAML); without it one is proposed."`
	Sheet    string   `help:"The table, of a file with several; by default the first that has rows."`
	Columns  string   `help:"JSON that names the columns of a table without a header: parameters, then measurements or objectives."`
	Describe string   `help:"Text that says the units of those columns in brackets."`
	Unit     []string `sep:"none" placeholder:"COLUMN=UNIT" help:"Say the unit of a column (UCUM; 1 when it has none), as yield=%."`
	Role     []string `sep:"none" placeholder:"COLUMN=ROLE" help:"Say what a column is: parameter, objective, attribute or ignore."`
	Confirm  []string `sep:"none" placeholder:"COLUMN" help:"Confirm a column as it was proposed."`
	Propose  bool     `help:"Only print the mapping that would be used, as YAML to be edited."`
	Dir      string   `short:"o" default:"imports" help:"Where the results are kept, in a folder named by the import."`
	JSON     bool     `name:"json" help:"Print the report as JSON."`
	importServer
}

func (c *importCmd) job(t *terminal) (importer.Job, error) {
	job := importer.Job{Path: c.File, Open: formats.Open, Sheet: c.Sheet, Dir: c.Dir}
	if t.tty && !c.JSON {
		job.Progress = func(rows int) { fmt.Fprintf(t.err, "\r%d rows", rows) }
	}
	if c.Map != "" {
		f, err := os.Open(c.Map)
		if err != nil {
			return job, lab.Errorf(lab.Invalid, "read the mapping: %w", err)
		}
		defer f.Close()
		m, err := importer.ReadMapping(f)
		if err != nil {
			return job, fmt.Errorf("%s: %w", c.Map, err)
		}
		job.Mapping = &m
	}
	if c.Columns == "" {
		return c.answer(job)
	}
	columns, err := os.Open(c.Columns)
	if err != nil {
		return job, lab.Errorf(lab.Invalid, "read the names of the columns: %w", err)
	}
	defer columns.Close()
	var prose []byte
	if c.Describe != "" {
		if prose, err = os.ReadFile(c.Describe); err != nil {
			return job, lab.Errorf(lab.Invalid, "read the description: %w", err)
		}
	}
	if job.Hints, err = importer.ReadHints(columns, string(prose)); err != nil {
		return job, err
	}
	return c.answer(job)
}

// answer puts what the flags say of columns into the mapping.
func (c *importCmd) answer(job importer.Job) (importer.Job, error) {
	a := importer.Answers{Units: c.Unit, Roles: c.Role, Confirm: c.Confirm}
	if len(a.Units)+len(a.Roles)+len(a.Confirm) == 0 {
		return job, nil
	}
	if job.Mapping == nil {
		o, err := job.Look()
		if err != nil {
			return job, err
		}
		job.Mapping = &o.Mapping
		if err := o.Close(); err != nil {
			return job, err
		}
	}
	return job, job.Mapping.Answer(a)
}

// questions tells how to answer what stands in the way of an import.
func (c *importCmd) questions(t *terminal, m importer.Mapping) {
	for _, col := range m.Columns {
		if !col.Confirmed && col.Role != importer.Ignored {
			fmt.Fprintf(t.out, "column %d (%s) is held back: %s\n  say %s\n", col.At, col.Header, col.Question, col.Answer())
		}
	}
}

func (c *importCmd) local(t *terminal) error {
	job, err := c.job(t)
	if err != nil {
		return err
	}
	if c.Propose {
		o, err := job.Look()
		if err != nil {
			return err
		}
		defer o.Close() //nolint:errcheck // it was only read
		return o.Mapping.Write(t.out)
	}
	r, err := importer.File(job)
	if job.Progress != nil {
		fmt.Fprint(t.err, "\r")
	}
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(t.out, r)
	}
	fmt.Fprintf(t.out, "%s\nrows %d = imported %d + quarantined %d + blank %d + structure %d + ignored %d\n", r, r.Rows.All, r.Rows.Imported, r.Rows.Quarantined, r.Rows.Blank, r.Rows.Structure, r.Rows.Ignored)
	c.questions(t, r.Proposed)
	for i, f := range r.Faults {
		if f.Code == "unconfirmed" {
			continue // told above, with its answer
		}
		if i == 10 {
			fmt.Fprintf(t.out, "… and %d other kinds of faults\n", len(r.Faults)-i)
			break
		}
		fmt.Fprintf(t.out, "%d × %s, first in row %d, column %d (%s), %q: %s; want %s\n", f.Alike, f.Code, f.Row, f.Column, f.Header, f.Text, f.Why, f.Want)
	}
	for _, n := range r.Notes {
		fmt.Fprintf(t.out, "note: %s\n", n.Text)
	}
	_, err = fmt.Fprintf(t.out, "kept in %s; to settle what was held back, edit its mapping.yaml and import again with --map, or its quarantine.jsonl and replay it with athanor dataset quarantine\n", r.Dir)
	return err
}

type quarantineCmd struct {
	Dir    string `arg:"" help:"Folder of the import."`
	Replay string `help:"The edited quarantine: rows whose texts are right now are imported."`
	JSON   bool   `name:"json" help:"Print JSON."`
}

func (c *quarantineCmd) Run(t *terminal) error {
	edited := c.Replay
	if edited == "" { // what is held now: nothing is edited
		edited = filepath.Join(c.Dir, importer.StillHeldFile)
		if _, err := os.Stat(edited); err != nil {
			edited = filepath.Join(c.Dir, "quarantine.jsonl")
		}
		held, err := os.ReadFile(edited)
		if err != nil {
			return lab.Errorf(lab.NotFound, "%s is no folder of an import: %w", c.Dir, err)
		}
		_, err = t.out.Write(held)
		return err
	}
	r, err := importer.ReplayDir(c.Dir, edited)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(t.out, r)
	}
	_, err = fmt.Fprintf(t.out, "%d rows imported, in %s; %d still held, in %s\n", r.Imported, filepath.Join(c.Dir, importer.CorrectedFile), r.Held, filepath.Join(c.Dir, importer.StillHeldFile))
	return err
}

// verifyImport reads an import back and checks every cell of it.
func verifyImport(t *terminal, dir string, asJSON bool) error {
	r, err := importer.Verify(dir, formats.Open)
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(t.out, map[string]any{"valid": true, "import": r.Import, "rows": r.Rows, "cells": r.Cells, "files": r.Files})
	}
	_, err = fmt.Fprintf(t.out, "%s is as its ledger says: %s\n", dir, r)
	return err
}
