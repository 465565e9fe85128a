package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"github.com/athanor-lab/athanor/api"
	"github.com/athanor-lab/athanor/dataset"
	"github.com/athanor-lab/athanor/dataset/export"
	"github.com/athanor-lab/athanor/dataset/snapshot"
	"github.com/athanor-lab/athanor/internal/postgres"
	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/workflows"
)

// freezer makes snapshots of the record in a directory: each in a folder that
// has its id, exports of it under exports/, work under way under work/.
type freezer struct {
	db  *postgres.DB
	dir string
}

// campaignsToPart is how many campaigns are read in one part.
const campaignsToPart = 16

// fed is a line of a part.
type fed struct {
	Campaign   *lab.Campaign       `json:"campaign,omitempty"` // before the first of its experiments
	Experiment *dataset.Experiment `json:"experiment,omitempty"`
}

func (f freezer) work(job workflows.SnapshotJob) string { return filepath.Join(f.dir, "work", job.ID) }

func (f freezer) selection(job workflows.SnapshotJob) (dataset.Selection, error) {
	var s dataset.Selection
	err := json.Unmarshal([]byte(job.Selection), &s)
	return s, err
}

// Parts implements [workflows.Freezer].
func (f freezer) Parts(ctx context.Context, job workflows.SnapshotJob) (int, error) {
	sel, err := f.selection(job)
	if err != nil {
		return 0, lab.Errorf(lab.Invalid, "the selection: %w", err)
	}
	ids := sel.Campaigns
	for cursor := (*lab.CampaignID)(nil); len(sel.Campaigns) == 0; {
		rows, next, err := f.db.ListCampaigns(ctx, cursor, 1000)
		if err != nil {
			return 0, err
		}
		for _, r := range rows {
			ids = append(ids, r.Campaign.ID)
		}
		if cursor = next; next == nil {
			break
		}
	}
	slices.SortFunc(ids, func(a, b lab.CampaignID) int { return slices.Compare(a[:], b[:]) })
	parts := slices.Collect(slices.Chunk(slices.Compact(ids), campaignsToPart))
	if err := os.MkdirAll(f.work(job), 0o755); err != nil {
		return 0, err
	}
	return len(parts), writeWhole(filepath.Join(f.work(job), "parts.json"), func(w io.Writer) error { return json.NewEncoder(w).Encode(parts) })
}

// Read implements [workflows.Freezer].
func (f freezer) Read(ctx context.Context, job workflows.SnapshotJob, part int, tell func(int)) (int, error) {
	sel, err := f.selection(job)
	if err != nil {
		return 0, err
	}
	var parts [][]lab.CampaignID
	b, err := os.ReadFile(filepath.Join(f.work(job), "parts.json"))
	if err != nil {
		return 0, err
	}
	if err := json.Unmarshal(b, &parts); err != nil || part >= len(parts) {
		return 0, lab.Errorf(lab.Internal, "part %d of %d: %w", part, len(parts), err)
	}
	sel.Campaigns = parts[part]
	rows := 0
	err = writeWhole(f.part(job, part), func(w io.Writer) error {
		out := bufio.NewWriter(w)
		to := json.NewEncoder(out)
		to.SetEscapeHTML(false)
		var last lab.CampaignID
		err := dataset.EachExperiment(ctx, f.db, sel, func(e dataset.Experiment, c lab.Campaign) error {
			if c.ID != last {
				last = c.ID
				if err := to.Encode(fed{Campaign: &c}); err != nil {
					return err
				}
			}
			if rows++; rows%500 == 0 {
				tell(rows)
			}
			return to.Encode(fed{Experiment: &e})
		})
		return errors.Join(err, out.Flush())
	})
	return rows, err
}

func (f freezer) part(job workflows.SnapshotJob, n int) string {
	return filepath.Join(f.work(job), fmt.Sprintf("part-%06d.jsonl", n))
}

// Freeze implements [workflows.Freezer].
func (f freezer) Freeze(ctx context.Context, job workflows.SnapshotJob, tell func(int)) (string, error) {
	sel, err := f.selection(job)
	if err != nil {
		return "", err
	}
	parts, err := filepath.Glob(filepath.Join(f.work(job), "part-*.jsonl"))
	if err != nil {
		return "", err
	}
	slices.Sort(parts)
	feed := func(yield func(dataset.Experiment, lab.Campaign) error) error {
		for _, p := range parts {
			if err := eachFed(ctx, p, yield); err != nil {
				return err
			}
		}
		return nil
	}
	s, err := snapshot.CreateFrom(ctx, f.dir, f.db, sel, snapshot.Options{Splits: snapshot.DefaultSplits(), Progress: tell, Feed: feed})
	return s.ID, err
}

func eachFed(ctx context.Context, file string, yield func(dataset.Experiment, lab.Campaign) error) error {
	in, err := os.Open(file)
	if err != nil {
		return err
	}
	defer in.Close()
	var c lab.Campaign
	for d := json.NewDecoder(bufio.NewReader(in)); ; {
		var l fed
		err := d.Decode(&l)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return lab.Errorf(lab.Internal, "%s: %w", file, err)
		}
		if l.Campaign != nil {
			c = *l.Campaign
			continue
		}
		if err := errors.Join(ctx.Err(), yield(*l.Experiment, c)); err != nil {
			return err
		}
	}
}

// Export implements [workflows.Freezer].
func (f freezer) Export(_ context.Context, _ workflows.SnapshotJob, id, format string, tell func(int)) error {
	to := f.export(id, format)
	if _, err := snapshot.Open(to); err == nil {
		return nil // what has a manifest is whole
	}
	if err := os.RemoveAll(to); err != nil {
		return err
	}
	s, err := snapshot.Open(filepath.Join(f.dir, id))
	if err != nil {
		return err
	}
	_, err = export.Write(s, format, to, export.Options{Progress: tell})
	return err
}

func (f freezer) export(id, format string) string {
	return filepath.Join(f.dir, "exports", id+"-"+format)
}

// Clean implements [workflows.Freezer].
func (f freezer) Clean(_ context.Context, job workflows.SnapshotJob) error {
	return os.RemoveAll(f.work(job))
}

// snapshots is the API's way to them.
type snapshots struct {
	freezer
	control *workflows.Control
}

// Begin implements [api.Snapshots].
func (s snapshots) Begin(ctx context.Context, r api.SnapshotRequest) (api.SnapshotWork, error) {
	sel := dataset.Selection{Campaigns: r.Campaigns, Licenses: r.OnlyLicenses, Access: r.Access, Distinct: r.Distinct}
	if err := sel.Check(); err != nil {
		return api.SnapshotWork{}, err
	}
	for _, format := range r.Exports {
		if !slices.Contains(export.Formats, format) {
			return api.SnapshotWork{}, lab.Errorf(lab.Invalid, "format %q is none of %v", format, export.Formats)
		}
	}
	if r.AsOf != nil {
		sel.AsOf = r.AsOf.UTC()
	} else {
		at, err := s.db.Horizon(ctx, sel.Campaigns)
		if err != nil {
			return api.SnapshotWork{}, err
		}
		sel.AsOf = at
	}
	for _, id := range sel.Campaigns {
		if _, err := s.db.Campaign(ctx, id); err != nil {
			return api.SnapshotWork{}, err
		}
	}
	raw, err := json.Marshal(sel)
	if err != nil {
		return api.SnapshotWork{}, err
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%q", raw, r.Exports))
	job := workflows.SnapshotJob{ID: "snapshot-" + hex.EncodeToString(sum[:8]), Selection: string(raw), Exports: r.Exports}
	if err := s.control.StartSnapshot(ctx, job); err != nil {
		return api.SnapshotWork{}, err
	}
	return api.SnapshotWork{ID: job.ID, State: "reading", Exported: []string{}}, nil
}

var workID = regexp.MustCompile(`^snapshot-[0-9a-f]{16}$`)

// Work implements [api.Snapshots].
func (s snapshots) Work(ctx context.Context, id string) (api.SnapshotWork, error) {
	if !workID.MatchString(id) {
		return api.SnapshotWork{}, lab.Errorf(lab.NotFound, "there is no snapshot %q under way", id)
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	p, err := s.control.SnapshotProgress(ctx, id)
	return api.SnapshotWork{ID: id, State: p.State, Parts: p.Parts, Read: p.Read, Rows: p.Rows, Snapshot: p.Snapshot, Exported: append([]string{}, p.Exported...)}, err
}

// List implements [api.Snapshots].
func (s snapshots) List(context.Context) ([]api.SnapshotInfo, error) {
	found, err := filepath.Glob(filepath.Join(s.dir, "*", "manifest.json"))
	if err != nil {
		return nil, err
	}
	all := []api.SnapshotInfo{}
	for _, path := range found {
		one, err := snapshot.Open(filepath.Dir(path))
		if err != nil {
			continue // what is being put there is not yet one
		}
		info := api.SnapshotInfo{ID: one.ID, License: one.License, Exports: []string{}}
		for _, f := range one.Files {
			info.Bytes += f.Bytes
			if f.Path == "data/rows.jsonl" {
				info.Rows = f.Rows
			}
		}
		for _, format := range export.Formats {
			if _, err := os.Stat(filepath.Join(s.export(one.ID, format), "manifest.json")); err == nil {
				info.Exports = append(info.Exports, format)
			}
		}
		all = append(all, info)
	}
	return all, nil
}

// Folder implements [api.Snapshots].
func (s snapshots) Folder(_ context.Context, id, format string) (fs.FS, error) {
	dir := filepath.Join(s.dir, id)
	if format != "" {
		if !slices.Contains(export.Formats, format) {
			return nil, lab.Errorf(lab.NotFound, "format %q is none of %v", format, export.Formats)
		}
		dir = s.export(id, format)
	}
	if _, err := os.Stat(filepath.Join(dir, "manifest.json")); err != nil {
		return nil, lab.Errorf(lab.NotFound, "there is no snapshot %s, or it was not exported as %q; begin one with the formats that are wanted", id, format)
	}
	return os.DirFS(dir), nil
}
