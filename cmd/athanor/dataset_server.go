package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/athanor-lab/athanor/dataset/importer"
	"github.com/athanor-lab/athanor/internal/postgres"
	"github.com/athanor-lab/athanor/lab"
)

// importServer says that an import is made by the laboratory's workers.
type importServer struct {
	Server bool `help:"Import into the laboratory's record: its workers do it, whoever is killed, and this command only waits."`
	record
}

// serverReport is what the laboratory has made of an import.
type serverReport struct {
	importer.Summary
	Source   string `json:"source"`
	Repeated bool   `json:"repeated"`
}

// Run imports here, or has it done by the laboratory.
func (c *importCmd) Run(ctx context.Context, t *terminal) error {
	if !c.Server {
		return c.local(t)
	}
	db, err := c.record.open(ctx, t)
	if err != nil {
		return err
	}
	defer db.Close()
	job, err := c.job(t)
	if err != nil {
		return err
	}
	o, err := job.Look()
	if err != nil {
		return err
	}
	imp := postgres.Import{ID: o.Import(), SHA256: o.SHA256, Source: filepath.Base(c.File), Mapping: o.Mapping}
	if err := o.Close(); err != nil {
		return err
	}
	f, err := os.Open(c.File)
	if err != nil {
		return err
	}
	if err := errors.Join(db.PutFile(ctx, imp.SHA256, f), f.Close()); err != nil {
		return err
	}
	if imp, err = db.BeginImport(ctx, imp); err != nil {
		return err
	}
	repeated := imp.Summary != nil
	if imp, err = c.await(ctx, t, db, imp.ID); err != nil {
		return err
	}
	r := serverReport{*imp.Summary, imp.Source, repeated}
	if c.JSON {
		return printJSON(t.out, r)
	}
	c.questions(t, imp.Mapping)
	_, err = fmt.Fprintf(t.out, "%s\non record as import %s\n", r, r.Import)
	return err
}

// await waits until the import is done or has failed.
func (c *importCmd) await(ctx context.Context, t *terminal, db *postgres.DB, id string) (postgres.Import, error) {
	const every = 200 * time.Millisecond
	for ; ; pause(ctx, every) {
		i, err := db.Import(ctx, id)
		switch {
		case err != nil:
			return i, err
		case i.Failure != "":
			return i, lab.Errorf(lab.Invalid, "the import failed: %s", i.Failure)
		case i.Summary != nil:
			return i, nil
		}
		if t.tty && !c.JSON {
			fmt.Fprintf(t.err, "\r%d rows on record", i.LastRow)
		}
	}
}
