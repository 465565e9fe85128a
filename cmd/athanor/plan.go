package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/athanor-lab/athanor/campaign"
	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/planner"
	"github.com/athanor-lab/athanor/planner/askdata"
)

type planCmd struct {
	Suggest suggestCmd `cmd:"" help:"Say what to try next, from a document and a spreadsheet; no laboratory is needed."`
}

type suggestCmd struct {
	Spec string `arg:"" help:"Campaign document; its space and objectives are what counts."`
	Data string `help:"Experiments so far (CSV): a column to each parameter and objective."`
	N    int    `short:"n" default:"1" help:"How many to suggest."`
	Seed uint64 `help:"Seed; by default the document's."`
	JSON bool   `name:"json" help:"Print the plan as JSON."`
}

func (c *suggestCmd) Run(ctx context.Context, t *terminal) error {
	if c.N < 1 {
		return lab.Errorf(lab.Invalid, "-n %d: ask for at least one", c.N)
	}
	src, format, err := readDocument(c.Spec)
	if err != nil {
		return err
	}
	doc, problems := campaign.Parse(src, format)
	problems = about(problems, "space", "objectives")
	problems = append(problems, resolve(&doc, c.Spec, src, format, problems)...)
	if len(problems) == 0 {
		problems = about(campaign.Check(doc, nil), "space", "objectives")
		campaign.Locate(problems, src, format)
	}
	if len(problems) > 0 {
		for _, p := range problems {
			fmt.Fprintln(t.err, c.Spec+":"+complaint(p))
		}
		return quiet{exitInvalid}
	}
	var data askdata.Table
	if c.Data != "" {
		f, err := os.Open(c.Data)
		if err != nil {
			return lab.Errorf(lab.Invalid, "read the experiments so far: %w", err)
		}
		defer f.Close()
		if data, err = askdata.Read(f, doc.Space, doc.Objectives); err != nil {
			return fmt.Errorf("%s: %w", c.Data, err)
		}
		if len(data.Ignored) > 0 {
			fmt.Fprintf(t.err, "%s: left alone, being neither parameter nor objective: %s\n", c.Data, strings.Join(data.Ignored, ", "))
		}
	}
	seed := c.Seed
	if seed == 0 {
		seed = doc.Seed
	}
	plan, err := planner.New(planner.Options{Feasible: campaign.Feasible}).Propose(ctx, data.Brief(doc.Space, doc.Objectives, doc.Plan, c.N, seed))
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(t.out, plan)
	}
	for i, p := range plan.Proposals {
		var at []string
		for _, s := range p.Settings {
			unit := ""
			if s.Unit != "" && s.Unit != "1" {
				unit = " " + string(s.Unit)
			}
			at = append(at, s.Name+" = "+s.Value.String()+unit)
		}
		fmt.Fprintf(t.out, "%d. %s\n   %s\n", i+1, strings.Join(at, ", "), p.Reason)
	}
	for _, n := range plan.Notes {
		fmt.Fprintln(t.err, n)
	}
	return nil
}

// about keeps the problems of some parts of a document.
func about(problems []lab.Problem, parts ...string) []lab.Problem {
	var kept []lab.Problem
	for _, p := range problems {
		for _, part := range parts {
			if rest, ok := strings.CutPrefix(p.Path, part); ok && (rest == "" || rest[0] == '.' || rest[0] == '[') || p.Path == "" {
				kept = append(kept, p)
				break
			}
		}
	}
	return kept
}
