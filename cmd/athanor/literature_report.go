package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"

	"github.com/athanor-lab/athanor/api"
	"github.com/athanor-lab/athanor/lab"
)

// reportCmd tells what a campaign read.
type reportCmd struct {
	server
	Campaign string `arg:"" help:"The campaign's id."`
	Format   string `default:"markdown" enum:"markdown,bibtex" help:"markdown: what was searched, kept and left out, what it claims and what it did; bibtex: the papers that were kept."`
	Output   string `short:"o" help:"Write to this file."`
}

func (c *reportCmd) Run(ctx context.Context, t *terminal) error {
	if _, err := lab.ParseCampaignID(c.Campaign); err != nil {
		return err
	}
	var r api.Reading
	if err := c.client(t).get(ctx, "/campaigns/"+c.Campaign+"/literature", &r); err != nil {
		return err
	}
	if c.JSON {
		return printJSON(t.out, r)
	}
	if r.State == "screening" {
		fmt.Fprintf(t.err, "%d of %d papers are judged; this is what would be made of the corpus now.\n", r.Judged, r.Wanted)
	}
	text := r.Markdown
	if c.Format == "bibtex" {
		text = r.BibTeX
	}
	if c.Output == "" {
		_, err := fmt.Fprint(t.out, text)
		return err
	}
	if err := os.WriteFile(c.Output, []byte(text), 0o644); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

// judgeCmd takes a person's word on the papers of a campaign that waits for it.
type judgeCmd struct {
	server
	Campaign string `arg:"" help:"The campaign's id."`
	Paper    string `arg:"" optional:"" help:"The paper's id, as the report's JSON has it."`
	Label    string `default:"relevant" enum:"relevant,irrelevant,unsure,unread" help:"What it is: relevant, irrelevant, unsure, or unread to take back what was said."`
	Enough   bool   `help:"End the screening: read what there is."`
	By       string `help:"Who says so."`
	Reason   string `help:"Why."`
}

func (c *judgeCmd) Run(ctx context.Context, t *terminal) error {
	if (c.Paper == "") != c.Enough {
		return lab.Errorf(lab.Invalid, "name a paper, or end the screening with --enough")
	}
	path, body := "/campaigns/"+c.Campaign+"/literature/judgements", any(api.Word{Paper: c.Paper, Label: c.Label, By: c.By, Reason: c.Reason})
	if c.Enough {
		path, body = "/campaigns/"+c.Campaign+"/literature/enough", map[string]string{"by": c.By, "reason": c.Reason}
	}
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return c.client(t).do(ctx, http.MethodPost, path, "application/json", nil, raw, nil)
}
