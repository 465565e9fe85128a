package main

import (
	"context"
	"fmt"

	"github.com/athanor-lab/athanor/dataset/push"
	"github.com/athanor-lab/athanor/dataset/snapshot"
)

// pushFolder copies a snapshot or an export to where others get it.
func pushFolder(ctx context.Context, t *terminal, dir, where string) error {
	s, err := snapshot.Verify(dir)
	if err != nil {
		return err
	}
	to, err := push.Open(where, t.getenv)
	if err != nil {
		return err
	}
	var files []push.File
	for _, f := range s.Files {
		files = append(files, push.File{Path: f.Path, SHA256: f.SHA256})
	}
	r, err := push.Copy(ctx, to, dir, files, "manifest.sha256", "manifest.json")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.err, "pushed to %s: %d files sent, %d there already\n", where, r.Sent, r.There)
	return err
}

type pushCmd struct {
	Dir string `arg:"" help:"Folder of a snapshot or an export."`
	To  string `arg:"" help:"file:///DIR or s3://HOST/BUCKET/PREFIX (keys from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; s3+http:// without TLS)."`
}

func (c *pushCmd) Run(ctx context.Context, t *terminal) error {
	return pushFolder(ctx, t, c.Dir, c.To)
}
