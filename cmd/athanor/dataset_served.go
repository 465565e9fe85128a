package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/athanor-lab/athanor/api"
	"github.com/athanor-lab/athanor/dataset"
	"github.com/athanor-lab/athanor/dataset/snapshot"
	"github.com/athanor-lab/athanor/lab"
)

// served has a running laboratory make the snapshot, shows how far it is, and
// downloads it.
func (c *snapshotCmd) served(ctx context.Context, t *terminal, sel dataset.Selection) (snapshot.Snapshot, error) {
	cl := server{Server: c.Server}.client(t)
	ask := api.SnapshotRequest{Campaigns: sel.Campaigns, OnlyLicenses: sel.Licenses, Access: sel.Access, Distinct: sel.Distinct}
	if !sel.AsOf.IsZero() {
		ask.AsOf = &sel.AsOf
	}
	body, err := json.Marshal(ask)
	if err != nil {
		return snapshot.Snapshot{}, err
	}
	var w api.SnapshotWork
	if err := cl.do(ctx, http.MethodPost, "/snapshots", "application/json", nil, body, &w); err != nil {
		return snapshot.Snapshot{}, err
	}
	for w.State != "done" {
		pause(ctx, 200*time.Millisecond)
		if err := ctx.Err(); err != nil {
			return snapshot.Snapshot{}, lab.Errorf(lab.Unavailable, "the laboratory goes on with it; ask again for the same: %w", err)
		}
		if err := cl.get(ctx, "/snapshots/work/"+w.ID, &w); err != nil {
			return snapshot.Snapshot{}, err
		}
		if t.tty {
			fmt.Fprintf(t.err, "\r%s: %d experiments, %d of %d parts ", w.State, w.Rows, w.Read, w.Parts)
		}
	}
	if t.tty {
		fmt.Fprintln(t.err)
	}
	return download(ctx, cl, w.Snapshot, filepath.Join(c.Dir, w.Snapshot))
}

// download fetches a snapshot's files into dir; those that are there in part
// are gone on with. The manifest comes first, to know them, and is written last.
func download(ctx context.Context, cl *client, id, dir string) (snapshot.Snapshot, error) {
	if s, err := snapshot.Verify(dir); err == nil {
		return s, nil
	}
	part := dir + ".part"
	if err := os.MkdirAll(part, 0o755); err != nil {
		return snapshot.Snapshot{}, err
	}
	resp, err := cl.send(ctx, http.MethodGet, "/snapshots/"+id+"/file", "", nil, nil)
	if err != nil {
		return snapshot.Snapshot{}, err
	}
	manifest, err := io.ReadAll(resp.Body)
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return snapshot.Snapshot{}, lab.Errorf(lab.Unavailable, "download %s: %w", id, err)
	}
	m, got, err := snapshot.Decode(manifest)
	if err == nil && got != id {
		err = lab.Errorf(lab.Invalid, "its manifest has the hash %s", got)
	}
	if err != nil {
		return snapshot.Snapshot{}, fmt.Errorf("download %s: %w", id, err)
	}
	for _, f := range m.Files {
		if !filepath.IsLocal(filepath.FromSlash(f.Path)) {
			return snapshot.Snapshot{}, lab.Errorf(lab.Invalid, "download %s: its manifest names %q", id, f.Path)
		}
		if err := fetch(ctx, cl, id, f, filepath.Join(part, filepath.FromSlash(f.Path))); err != nil {
			return snapshot.Snapshot{}, fmt.Errorf("download %s of %s: %w; the same command goes on from here", f.Path, id, err)
		}
	}
	if err := os.WriteFile(filepath.Join(part, "manifest.json"), manifest, 0o644); err != nil {
		return snapshot.Snapshot{}, err
	}
	if err := os.Rename(part, dir); err != nil {
		return snapshot.Snapshot{}, err
	}
	return snapshot.Verify(dir)
}

func fetch(ctx context.Context, cl *client, id string, f snapshot.File, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer out.Close()
	st, err := out.Stat()
	if err != nil {
		return err
	}
	have := st.Size()
	if have > f.Bytes { // not what was begun
		have = 0
		if err := out.Truncate(0); err != nil {
			return err
		}
	}
	if have < f.Bytes {
		header := map[string]string{"Range": fmt.Sprintf("bytes=%d-", have)}
		resp, err := cl.send(ctx, http.MethodGet, "/snapshots/"+id+"/file?path="+url.QueryEscape(f.Path), "", header, nil)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if have > 0 && resp.StatusCode != http.StatusPartialContent {
			return lab.Errorf(lab.Unavailable, "the server does not go on from byte %d; remove %s and try again", have, to)
		}
		if _, err := io.Copy(out, resp.Body); err != nil {
			return lab.Errorf(lab.Unavailable, "%w", err)
		}
	}
	return out.Sync()
}
