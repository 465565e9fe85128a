package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/athanor-lab/athanor/campaign"
	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/planner/askdata"
)

type planCmd struct {
	Suggest suggestCmd `cmd:"" help:"Say what to try next, from a document and a spreadsheet; no laboratory is needed."`
}

type suggestCmd struct {
	Spec    string `arg:"" help:"Campaign document; its space, objectives, plan and seed are what counts."`
	Data    string `help:"Experiments so far (CSV): a column to each parameter and objective. An empty outcome is one to come."`
	N       int    `short:"n" default:"1" help:"How many to suggest."`
	Seed    uint64 `help:"Seed; by default the document's."`
	Planner string `help:"Who plans; by default the document's plan.planner."`
	Append  bool   `help:"Add the suggestions to the file of --data as rows whose outcomes are empty; it is made when it does not exist."`
	JSON    bool   `name:"json" help:"Print the plan as JSON."`

	planning
	registryFlag
}

func (c *suggestCmd) Run(ctx context.Context, t *terminal) error {
	if c.N < 1 || c.N > 1000 {
		return lab.Errorf(lab.Invalid, "-n %d: ask for 1 to 1000", c.N)
	}
	if c.Append && c.Data == "" {
		return lab.Errorf(lab.Invalid, "--append needs the file to add to: --data FILE.csv")
	}
	doc, err := c.document(t)
	if err != nil {
		return err
	}
	data, raw, err := c.read(t, doc)
	if err != nil {
		return err
	}
	p, err := c.planners()
	if err != nil {
		return err
	}
	if c.Seed != 0 {
		doc.Seed = c.Seed
	}
	if c.Planner != "" {
		doc.Plan.Planner = c.Planner
	}
	brief := data.Brief(doc.Space, doc.Objectives, doc.Plan, c.N, doc.Seed)
	if err := consult(ctx, c.registry(), &brief); err != nil {
		return err
	}
	if err := reckon(doc, &brief); err != nil {
		return err
	}
	plan, err := p.Propose(ctx, brief)
	if err != nil {
		return err
	}
	if c.Append {
		if err := c.append(doc, raw, plan); err != nil {
			return err
		}
		fmt.Fprintf(t.err, "%s: added %d rows; fill in their outcomes and ask again\n", c.Data, len(plan.Proposals))
	}
	if c.JSON {
		return printJSON(t.out, plan)
	}
	for i, q := range plan.Proposals {
		explain(t.out, i+1, q)
	}
	for _, n := range plan.Notes {
		fmt.Fprintln(t.err, n)
	}
	return nil
}

// document reads and checks the parts of the document that count.
func (c *suggestCmd) document(t *terminal) (lab.Document, error) {
	src, format, err := readDocument(c.Spec)
	if err != nil {
		return lab.Document{}, err
	}
	doc, problems := campaign.Parse(src, format)
	problems = about(problems, "space", "objectives", "plan", "safety.start")
	problems = append(problems, resolve(&doc, c.Spec, src, format, problems)...)
	if len(problems) == 0 {
		problems = asked(doc, nil)
		campaign.Locate(problems, src, format)
	}
	if len(problems) > 0 {
		for _, p := range problems {
			fmt.Fprintln(t.err, c.Spec+":"+complaint(p))
		}
		return doc, quiet{exitInvalid}
	}
	return doc, nil
}

// read returns the experiments so far, and the text of their file.
func (c *suggestCmd) read(t *terminal, doc lab.Document) (askdata.Table, []byte, error) {
	if c.Data == "" {
		return askdata.Table{}, nil, nil
	}
	raw, err := os.ReadFile(c.Data)
	if c.Append && errors.Is(err, fs.ErrNotExist) {
		return askdata.Table{}, nil, nil
	}
	if err != nil {
		return askdata.Table{}, nil, lab.Errorf(lab.Invalid, "read the experiments so far: %w", err)
	}
	if c.Append && len(bytes.TrimSpace(raw)) == 0 {
		return askdata.Table{}, nil, nil
	}
	data, err := askdata.Read(bytes.NewReader(raw), doc.Space, doc.Objectives)
	if err != nil {
		return data, nil, fmt.Errorf("%s: %w", c.Data, err)
	}
	if len(data.Ignored) > 0 {
		fmt.Fprintf(t.err, "%s: left alone, being neither parameter nor objective: %s\n", c.Data, strings.Join(data.Ignored, ", "))
	}
	return data, raw, nil
}

// append writes the file anew with the suggestions below what it had, and puts
// it in the place of the old one only when it is whole.
func (c *suggestCmd) append(doc lab.Document, raw []byte, plan lab.Plan) error {
	columns, comma := askdata.Columns(doc.Space, doc.Objectives), ','
	var out bytes.Buffer
	if len(raw) > 0 {
		var err error
		if columns, comma, err = askdata.Layout(bytes.NewReader(raw)); err != nil {
			return fmt.Errorf("%s: %w", c.Data, err)
		}
		out.Write(raw)
		if !bytes.HasSuffix(raw, []byte("\n")) {
			out.WriteByte('\n')
		}
	} else if err := askdata.WriteNames(&out, columns); err != nil {
		return err
	}
	if err := askdata.Write(&out, columns, comma, doc.Space, plan.Proposals); err != nil {
		return err
	}
	half := c.Data + ".part"
	if err := os.WriteFile(half, out.Bytes(), 0o644); err != nil {
		return fmt.Errorf("write %s: %w", half, err)
	}
	if err := os.Rename(half, c.Data); err != nil {
		return fmt.Errorf("replace %s: %w", c.Data, err)
	}
	return nil
}

// explain prints a suggestion: what to do, what is expected of it, why, what is
// most like it and what nearly came in its place.
func explain(w io.Writer, n int, q lab.Proposal) {
	fmt.Fprintf(w, "%d. %s\n", n, inWords(q.Settings))
	for _, p := range q.Predictions {
		fmt.Fprintf(w, "   expects %s %s, 95 %% between %s and %s\n", p.Objective, amount(p.Mean, p.Unit), amount(p.Low, p.Unit), amount(p.High, p.Unit))
	}
	fmt.Fprintf(w, "   %s\n", q.Reason)
	if len(q.Nearest) > 0 {
		var near []string
		for _, x := range q.Nearest {
			near = append(near, fmt.Sprintf("#%d (%.2g away)", x.Number, x.Distance))
		}
		fmt.Fprintf(w, "   most like it: %s\n", strings.Join(near, ", "))
	}
	if len(q.Losers) > 0 {
		fmt.Fprintf(w, "   next best: %s\n", inWords(q.Losers[0].Settings))
	}
}

func inWords(settings []lab.Setting) string {
	var at []string
	for _, s := range settings {
		unit := ""
		if s.Unit != "" && s.Unit != "1" {
			unit = " " + string(s.Unit)
		}
		at = append(at, s.Name+" = "+s.Value.String()+unit)
	}
	return strings.Join(at, ", ")
}

func amount(x float64, unit lab.Unit) string {
	text := fmt.Sprintf("%.4g", x)
	if unit != "" && unit != "1" {
		text += " " + string(unit)
	}
	return text
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
