package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/athanor-lab/athanor/dataset"
	"github.com/athanor-lab/athanor/dataset/formats"
	"github.com/athanor-lab/athanor/dataset/importer"
	"github.com/athanor-lab/athanor/dataset/text"
	"github.com/athanor-lab/athanor/internal/postgres"
	"github.com/athanor-lab/athanor/lab"
)

type whyCmd struct {
	record
	Experiment string `arg:"" name:"id" help:"The id of an experiment, or of a row that was imported (32 hexadecimal digits)."`
	Imports    string `default:"imports" help:"Where imports are kept that are in no record, as by dataset import -o."`
	JSON       bool   `name:"json" help:"Print all of it as JSON, with the exact bytes of commands and answers."`
}

// reason is what `dataset why` tells: the row with its record, and the bytes
// behind its hashes.
type reason struct {
	dataset.Experiment
	Card     string           `json:"card"`
	Standing dataset.Standing `json:"commitment_standing"`
	Bytes    []sentBytes      `json:"bytes"`
}

// sentBytes are the exact bytes of a command and of what was heard of it.
type sentBytes struct {
	CommandID lab.CommandID `json:"command_id"`
	Sent      string        `json:"sent"`
	Heard     []string      `json:"heard"`
}

func (c *whyCmd) Run(ctx context.Context, t *terminal) error {
	if _, _, err := importer.ParseRowID(c.Experiment); err == nil {
		return c.imported(ctx, t)
	}
	id, err := lab.ParseExperimentID(c.Experiment)
	if err != nil {
		return err
	}
	db, err := c.open(ctx, t)
	if err != nil {
		return err
	}
	defer db.Close()
	r, err := reasonOf(ctx, db, id)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(t.out, r)
	}
	_, err = io.WriteString(t.out, text.Explain(r.Experiment))
	return err
}

// imported walks from an imported row to the cells of its file: of an import in a
// folder, else of one on record.
func (c *whyCmd) imported(ctx context.Context, t *terminal) error {
	w, err := importer.ExplainDir(c.Imports, c.Experiment, formats.Open)
	if lab.KindOf(err) == lab.NotFound {
		w, err = c.onRecord(ctx, t)
	}
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(t.out, w)
	}
	return w.Tell(t.out)
}

func (c *whyCmd) onRecord(ctx context.Context, t *terminal) (w importer.Why, err error) {
	db, err := c.open(ctx, t)
	if err != nil {
		return w, lab.Errorf(lab.KindOf(err), "%s has no such import, and the record cannot be asked: %w", c.Imports, err)
	}
	defer db.Close()
	var held *importer.Held
	row, imp, err := db.Imported(ctx, c.Experiment)
	if lab.KindOf(err) == lab.NotFound {
		var h importer.Held
		h, imp, err = db.HeldRow(ctx, c.Experiment)
		row, held = &importer.Row{}, &h
	}
	if err != nil {
		return w, err
	}
	dir, err := os.MkdirTemp("", "athanor-why-")
	if err != nil {
		return w, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, filepath.Base(imp.Source))
	f, err := os.Create(path)
	if err != nil {
		return w, err
	}
	if err := errors.Join(db.CopyFile(ctx, imp.SHA256, f), f.Close()); err != nil {
		return w, err
	}
	w, err = importer.Job{Path: path, Open: formats.Open, Mapping: &imp.Mapping}.Explain(*row, held)
	w.File = imp.Source
	return w, err
}

func reasonOf(ctx context.Context, db *postgres.DB, id lab.ExperimentID) (reason, error) {
	var r reason
	o, err := db.Outcome(ctx, id)
	if err != nil {
		return r, err
	}
	campaign := o.Proposal.CampaignID
	best, err := db.BestSeen(ctx, campaign, time.Time{})
	if err != nil {
		return r, err
	}
	err = db.EachRecorded(ctx, dataset.Selection{Campaigns: []lab.CampaignID{campaign}, Experiment: id}, func(rec dataset.Recorded) error {
		e, err := dataset.ExperimentOf(rec, best)
		if err != nil {
			return err
		}
		r = reason{Experiment: e, Card: text.CardOf(e).Render(), Bytes: []sentBytes{}}
		for _, c := range rec.Commands {
			b := sentBytes{CommandID: c.Command.ID, Sent: string(c.Body), Heard: []string{}}
			for _, ev := range c.Events {
				b.Heard = append(b.Heard, string(ev.Raw))
			}
			r.Bytes = append(r.Bytes, b)
		}
		return nil
	})
	if err == nil && r.Bytes == nil {
		return r, lab.Errorf(lab.NotFound, "%s has no outcome", id)
	}
	if err == nil {
		r.Standing, err = dataset.CheckCommitment(r.Experiment)
	}
	return r, err
}

type correctCmd struct {
	record
	Experiment string  `arg:"" help:"The experiment's id."`
	Objective  string  `help:"What was observed wrongly."`
	Value      float64 `help:"What is right, in the objective's unit."`
	Sigma      float64 `default:"-1" help:"Its standard deviation, where it is known."`
	Invalidate bool    `help:"Nothing of it is to be believed."`
	By         string  `env:"USER" help:"Who says so."`
	Why        string  `required:"" help:"The reason."`
}

func (c *correctCmd) Run(ctx context.Context, t *terminal) error {
	id, err := lab.ParseExperimentID(c.Experiment)
	if err != nil {
		return err
	}
	k := dataset.Correction{Kind: "observed", By: c.By, Why: c.Why, Objective: c.Objective, Value: &c.Value}
	if c.Sigma >= 0 {
		k.Sigma = &c.Sigma
	}
	if c.Invalidate {
		k = dataset.Correction{Kind: "invalidate", By: c.By, Why: c.Why}
	}
	db, err := c.open(ctx, t)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := db.PutCorrection(ctx, id, k); err != nil {
		return err
	}
	_, err = fmt.Fprintln(t.out, "recorded; later snapshots have it, earlier ones stay as they are")
	return err
}

type termsCmd struct {
	record
	Campaign string `arg:"" help:"The campaign's id."`
	License  string `help:"SPDX identifier, such as CC-BY-4.0; nothing for none."`
	Access   string `enum:"open,internal,restricted" default:"internal" help:"open, internal or restricted."`
	By       string `env:"USER" help:"Who says so."`
}

func (c *termsCmd) Run(ctx context.Context, t *terminal) error {
	id, err := lab.ParseCampaignID(c.Campaign)
	if err != nil {
		return err
	}
	if c.By == "" {
		c.By, _ = os.Hostname() // a name is better than none
	}
	db, err := c.open(ctx, t)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := db.PutTerms(ctx, id, dataset.Terms{License: c.License, Access: c.Access, By: c.By}); err != nil {
		return err
	}
	_, err = fmt.Fprintln(t.out, "recorded")
	return err
}
