package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/athanor-lab/athanor/dataset"
	"github.com/athanor-lab/athanor/dataset/export"
	"github.com/athanor-lab/athanor/dataset/importer"
	"github.com/athanor-lab/athanor/dataset/parquet"
	"github.com/athanor-lab/athanor/dataset/snapshot"
	"github.com/athanor-lab/athanor/internal/ahead"
	"github.com/athanor-lab/athanor/internal/postgres"
	"github.com/athanor-lab/athanor/lab"
)

// record is the flag of commands that read the record: a running laboratory's
// database.
type record struct {
	Postgres string `name:"postgres" env:"ATHANOR_POSTGRES_URL" placeholder:"URL" help:"The laboratory's PostgreSQL; by default that of the laboratory that athanor up runs for this user."`
}

// open connects to the record.
func (r record) open(ctx context.Context, t *terminal) (*postgres.DB, error) {
	url := r.Postgres
	if url == "" {
		b, err := os.ReadFile(filepath.Join(defaultData(t.getenv), databaseFile))
		if err != nil {
			return nil, lab.Errorf(lab.Unavailable, "no laboratory of this user runs in %s (athanor up), and none is named by --postgres or ATHANOR_POSTGRES_URL; for one with another --data that is what its file %s says", defaultData(t.getenv), databaseFile)
		}
		url = strings.TrimSpace(string(b))
	}
	return postgres.Open(ctx, url, t.logger)
}

type snapshotCmd struct {
	record
	Files       []string  `arg:"" optional:"" help:"Exports of campaigns (JSONL), or the folder of one import; none for the record of the laboratory."`
	Dir         string    `short:"o" default:"snapshots" help:"Where the snapshot is kept, in a folder that has its name."`
	License     string    `help:"SPDX identifier of the data's licence, for a snapshot of files; that of the record is by its terms."`
	Campaign    []string  `help:"Only this campaign; may be repeated."`
	AsOf        time.Time `name:"as-of" placeholder:"TIME" help:"As of a time, like 2026-11-22T12:00:00Z; by default that of the latest fact."`
	OnlyLicense []string  `name:"only-license" help:"Only what is under this licence; may be repeated."`
	Access      string    `enum:"open,internal,restricted" default:"internal" help:"At most this access: open, internal or restricted."`
	Distinct    bool      `help:"Of successes with equal conditions, only the first of each campaign."`
	Parent      string    `help:"The snapshot that this one follows, by its id."`
	Workflow    bool      `help:"Have a running laboratory make it, in parts that outlive a worker, and download it."`
	Server      string    `name:"server" env:"ATHANOR_SERVER" placeholder:"URL" help:"The laboratory's address, with --workflow."`
	JSON        bool      `name:"json" help:"Print the manifest as JSON."`
}

func (c *snapshotCmd) Run(ctx context.Context, t *terminal) error {
	s, err := c.create(ctx, t)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(t.out, s)
	}
	_, err = fmt.Fprintln(t.out, s.Dir)
	return err
}

func (c *snapshotCmd) create(ctx context.Context, t *terminal) (snapshot.Snapshot, error) {
	if len(c.Files) > 0 {
		each, spec, err := c.items()
		if err != nil {
			return snapshot.Snapshot{}, err
		}
		spec.License, spec.Splits, spec.Parent = c.License, snapshot.DefaultSplits(), c.Parent
		return snapshot.Create(c.Dir, spec, snapshot.Sorted(each))
	}
	sel, err := c.selection()
	if err != nil {
		return snapshot.Snapshot{}, err
	}
	if c.Workflow {
		return c.served(ctx, t, sel)
	}
	db, err := c.open(ctx, t)
	if err != nil {
		return snapshot.Snapshot{}, err
	}
	defer db.Close()
	o := snapshot.Options{Parent: c.Parent, Splits: snapshot.DefaultSplits()}
	if t.tty {
		o.Progress = func(n int) { fmt.Fprintf(t.err, "\r%d experiments", n) }
		defer fmt.Fprintln(t.err)
	}
	return snapshot.CreateFrom(ctx, c.Dir, db, sel, o)
}

func (c *snapshotCmd) selection() (dataset.Selection, error) {
	sel := dataset.Selection{AsOf: c.AsOf, Licenses: c.OnlyLicense, Access: c.Access, Distinct: c.Distinct}
	for _, text := range c.Campaign {
		id, err := lab.ParseCampaignID(text)
		if err != nil {
			return sel, err
		}
		sel.Campaigns = append(sel.Campaigns, id)
	}
	return sel, nil
}

// items reads what the snapshot is of: outcomes, or the rows of one import.
func (c *snapshotCmd) items() (func(yield func(snapshot.Item) error) error, snapshot.Spec, error) {
	if st, err := os.Stat(c.Files[0]); err == nil && st.IsDir() {
		return c.imported()
	}
	each := func(yield func(dataset.Row) error) error {
		for _, file := range c.Files {
			f, err := os.Open(file)
			if err != nil {
				return lab.Errorf(lab.Invalid, "read an export: %w", err)
			}
			err = dataset.ReadJSONL(f, yield)
			f.Close()
			if err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
		}
		return nil
	}
	return itemsOf(each, snapshot.OfOutcome), snapshot.Spec{Rows: snapshot.OutcomeRows}, nil
}

// itemsOf gives the items of rows.
func itemsOf[Row any](each func(yield func(Row) error) error, of func(Row) (snapshot.Item, error)) func(yield func(snapshot.Item) error) error {
	return func(yield func(snapshot.Item) error) error { return ahead.Each(each, of, yield) }
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
	each := func(yield func(importer.Row) error) error { return importer.EachKept(c.Files[0], yield) }
	of := func(r importer.Row) (snapshot.Item, error) { return snapshot.OfImported(r) }
	return itemsOf(each, of), snapshot.Spec{Rows: snapshot.ImportedRows, Shape: parquet.ShapeOfMapping(m)}, nil
}

// find returns the folder of a snapshot, given as a folder or as its id or the
// beginning of it among those kept in dir.
func find(name, dir string) (string, error) {
	if _, err := os.Stat(filepath.Join(name, "manifest.json")); err == nil {
		return name, nil
	}
	if len(name) < 6 || strings.ContainsAny(name, `/\*?[`) {
		return "", lab.Errorf(lab.NotFound, "%s is no snapshot: give its folder, or six digits of its id or more", name)
	}
	found, err := filepath.Glob(filepath.Join(dir, name+"*", "manifest.json"))
	if err != nil || len(found) != 1 {
		return "", lab.Errorf(lab.NotFound, "%d snapshots in %s have an id that begins with %s, want one", len(found), dir, name)
	}
	return filepath.Dir(found[0]), nil
}

type dsExportCmd struct {
	Snapshot  string `arg:"" help:"Folder of the snapshot, or its id."`
	Format    string `enum:"parquet,jsonl,csv,chat,preference,croissant,rocrate,hf" default:"parquet" help:"parquet, jsonl, csv, chat, preference, croissant, rocrate or hf."`
	Dir       string `short:"o" help:"Where to write; it must not be there or be empty."`
	Split     string `default:"random_grouped" help:"The split whose parts become files, in chat, preference and hf."`
	Snapshots string `default:"snapshots" help:"Where snapshots are kept, to find one by its id."`
	Push      string `placeholder:"URL" help:"Also copy it to file:///DIR or s3://HOST/BUCKET/PREFIX (keys from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; s3+http:// without TLS)."`
	JSON      bool   `name:"json" help:"Print the manifest as JSON."`
}

func (c *dsExportCmd) Run(ctx context.Context, t *terminal) error {
	dir, err := find(c.Snapshot, c.Snapshots)
	if err != nil {
		return err
	}
	s, err := snapshot.Open(dir)
	if err != nil {
		return err
	}
	if c.Dir == "" {
		return lab.Errorf(lab.Invalid, "say where to write with -o DIR")
	}
	var o export.Options
	o.Split = c.Split
	if t.tty {
		o.Progress = func(n int) { fmt.Fprintf(t.err, "\r%d rows", n) }
		defer fmt.Fprintln(t.err)
	}
	out, err := export.Write(s, c.Format, c.Dir, o)
	if err != nil {
		return err
	}
	if c.Push != "" {
		if err := pushFolder(ctx, t, out.Dir, c.Push); err != nil {
			return err
		}
	}
	if c.JSON {
		return printJSON(t.out, out)
	}
	_, err = fmt.Fprintln(t.out, out.Dir)
	return err
}

type verifyCmd struct {
	Dir  string `arg:"" help:"Folder of a snapshot, an export or an import."`
	JSON bool   `name:"json" help:"Print what was verified as JSON."`
}

func (c *verifyCmd) Run(t *terminal) error {
	if _, err := os.Stat(filepath.Join(c.Dir, "ledger.jsonl")); err == nil {
		return verifyImport(t, c.Dir, c.JSON)
	}
	s, err := snapshot.Verify(c.Dir)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(t.out, map[string]any{"valid": true, "id": s.ID, "of": s.Of, "format": s.Format, "files": len(s.Files), "rows": s.Rows, "facts": s.Facts, "splits": s.Splits})
	}
	fmt.Fprintf(t.out, "%s is as its manifest says\n", s.Dir)
	if s.Facts != nil && s.Of == "" {
		fmt.Fprintf(t.out, "predictions: %v; the chains of commitments are whole\n", s.Facts.Commitments)
	}
	return nil
}

type diffCmd struct {
	From      string `arg:"" help:"Folder of a snapshot, or its id."`
	To        string `arg:"" help:"Folder of another, or its id."`
	Snapshots string `default:"snapshots" help:"Where snapshots are kept, to find one by its id."`
	JSON      bool   `name:"json" help:"Print the change as JSON."`
}

func (c *diffCmd) Run(t *terminal) error {
	var both [2]snapshot.Snapshot
	for i, name := range []string{c.From, c.To} {
		dir, err := find(name, c.Snapshots)
		if err != nil {
			return err
		}
		if both[i], err = snapshot.Open(dir); err != nil {
			return err
		}
	}
	change, err := snapshot.Diff(both[0], both[1])
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(t.out, change)
	}
	fmt.Fprintf(t.out, "%d the same, %d added, %d removed, %d changed\n", change.Same, len(change.Added), len(change.Removed), len(change.Changed))
	for _, x := range []struct {
		mark string
		keys []string
	}{{"+", change.Added}, {"-", change.Removed}, {"~", change.Changed}} {
		for _, k := range x.keys {
			fmt.Fprintln(t.out, x.mark, k)
		}
	}
	return nil
}
