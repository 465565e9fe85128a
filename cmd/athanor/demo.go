package main

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/athanor-lab/athanor/api"
	"github.com/athanor-lab/athanor/examples"
	"github.com/athanor-lab/athanor/lab"
)

// devicesWithin bounds the wait for the simulated laboratory to announce itself.
const devicesWithin = 30 * time.Second

// demo submits the demonstration campaign, shows its progress until it ends and
// writes its dataset. Started again on the same directory it goes on with the
// same campaign.
func (l *laboratory) demo(ctx context.Context) error {
	all, err := exampleDocuments()
	if err != nil {
		return err
	}
	src := []byte(all[0].Source)
	c := &client{base: l.url, http: &http.Client{}}
	if err := l.awaitDevices(ctx, c, src); err != nil {
		return err
	}
	var d api.Detail
	if err := c.do(ctx, http.MethodPost, "/campaigns", contentTypes["yaml"], map[string]string{"Idempotency-Key": "athanor-demo"}, src, &d); err != nil {
		return nameFile(err, "examples/campaigns/"+all[0].Name)
	}
	l.say(fmt.Sprintf("demonstration: %s, on a simulated laboratory whose truth is a response surface, no measurement", d.Document.Title))
	l.say(fmt.Sprintf("watch it on %s/campaigns/%s", l.url, d.ID))
	end, err := watch(ctx, c, d.ID.String(), l.terminal)
	if err != nil {
		if ctx.Err() != nil {
			l.say("closing; the next start goes on where the campaign is")
			return quiet{interrupted}
		}
		return err
	}
	file := filepath.Join(l.data, "exports", d.ID.String()+".jsonl")
	if err := l.export(ctx, d.ID, file); err != nil {
		return err
	}
	l.say("dataset written to " + file)
	if end.Progress.State != lab.Completed {
		return quiet{exitEnded}
	}
	return nil
}

// awaitDevices waits until the document could be carried out, since devices
// take a moment to connect.
func (l *laboratory) awaitDevices(ctx context.Context, c *client, src []byte) error {
	var v api.Verdict
	for until := time.Now().Add(devicesWithin); time.Now().Before(until); pause(ctx, 200*time.Millisecond) {
		if err := c.do(ctx, http.MethodPost, "/campaigns/check", contentTypes["yaml"], nil, src, &v); err != nil {
			if ctx.Err() != nil {
				return quiet{interrupted}
			}
			return err
		}
		if v.Valid {
			return nil
		}
	}
	message := fmt.Sprintf("the demonstration cannot be carried out by this laboratory (see %s):", filepath.Join(l.data, "sim.log"))
	for _, p := range v.Problems {
		message += "\n  " + complaint(p.Problem)
	}
	return lab.Errorf(lab.Unavailable, "%s", message)
}

// export writes a campaign's outcomes to a file.
func (l *laboratory) export(ctx context.Context, id lab.CampaignID, file string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return fmt.Errorf("make the folder of exports: %w", err)
	}
	return writeWhole(file, func(w io.Writer) error { return l.house.exporter.Export(ctx, id, "jsonl", w) })
}

var titleLine = regexp.MustCompile(`(?m)^title:\s*(.+)$`)

// exampleDocuments returns the campaign documents that ship with Athanor.
func exampleDocuments() ([]api.Example, error) {
	names, err := fs.Glob(examples.Campaigns, "campaigns/*.yaml")
	if err != nil {
		return nil, err
	}
	var all []api.Example
	for _, name := range names {
		src, err := fs.ReadFile(examples.Campaigns, name)
		if err != nil {
			return nil, err
		}
		e := api.Example{Name: filepath.Base(name), Title: filepath.Base(name), Format: api.YAML, Source: string(src)}
		if m := titleLine.FindSubmatch(src); m != nil {
			e.Title = string(m[1])
		}
		all = append(all, e)
	}
	return all, nil
}
