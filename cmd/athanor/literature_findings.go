package main

import (
	"context"
	"fmt"
	"io"
	"os/user"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/literature"
	"github.com/athanor-lab/athanor/literature/extract"
)

type findingsCmd struct {
	corpusFlags
	Paper     string `placeholder:"ID" help:"Of one paper only."`
	Only      string `name:"only" placeholder:"NAME" help:"Of one parameter only, such as temperature."`
	All       bool   `help:"Amounts and properties too, and what was rejected."`
	Accept    string `placeholder:"FINDING" xor:"verdict" help:"Say that a finding is right."`
	Reject    string `placeholder:"FINDING" xor:"verdict" help:"Say that a finding is wrong."`
	Correct   string `placeholder:"FINDING" xor:"verdict" help:"Say what a finding should be, with the flags below."`
	Value     *float64
	High      *float64 `help:"The other end of a range."`
	Unit      *string  `placeholder:"UCUM" help:"Unit."`
	Parameter *string  `help:"What was set or seen."`
	Operation *string  `help:"What it was a condition of."`
	Outcome   *bool    `negatable:"" help:"Whether it was measured and not set."`
	Why       string   `help:"Why, for whoever reads it later."`
	By        string   `placeholder:"NAME" help:"Who says so; by default the user of this machine."`
	modelFlags
	JSON bool `name:"json" help:"Print JSON."`
}

// shownFinding is a finding with what a person needs to judge it.
type shownFinding struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	literature.Finding
	// Status is found, accepted, rejected or corrected.
	Status     string                 `json:"status"`
	Found      *literature.Finding    `json:"found,omitempty"` // as it was before it was corrected
	Correction *literature.Correction `json:"correction,omitempty"`
	// Text is the sentence that it stands in, as it is written.
	Text string `json:"text"`
	// Stale says that the paper's text has changed since; the spans mean nothing.
	Stale bool `json:"stale,omitempty"`
}

func (c *findingsCmd) Run(ctx context.Context, t *terminal) error {
	o, err := c.open(ctx, t)
	if err != nil {
		return err
	}
	defer o.close()
	if done, err := c.correct(ctx, o); err != nil || done && !c.JSON {
		return err
	}
	l, err := o.library(ctx)
	if err != nil {
		return err
	}
	if _, err := extractAll(ctx, o); err != nil {
		return err
	}
	if err := c.modelFlags.run(ctx, t, o, l.Papers()); err != nil {
		return err
	}
	found, err := o.Findings(ctx, o.name)
	if err != nil {
		return err
	}
	list := []shownFinding{}
	for _, f := range found {
		p, _ := l.Paper(f.Finding.Paper)
		if s := shown(f, p); c.wants(s) {
			list = append(list, s)
		}
	}
	if c.JSON {
		return printJSON(t.out, list)
	}
	return printFindings(t.out, list)
}

func shown(f literature.Found, p literature.Paper) shownFinding {
	s := shownFinding{ID: f.ID, Title: p.Title, Status: "found", Correction: f.Correction, Text: f.Finding.Sentence.Of(p.Reading()), Stale: f.TextHash != p.TextHash()}
	s.Finding, _ = f.Current()
	if f.Correction != nil {
		s.Status = string(f.Correction.Verdict)
		if f.Correction.Verdict == literature.Corrected {
			s.Found = &f.Finding
		}
	}
	if s.Stale {
		s.Text = ""
	}
	return s
}

// wants reports whether a finding is asked for.
func (c *findingsCmd) wants(s shownFinding) bool {
	switch id := c.Accept + c.Reject + c.Correct; {
	case id != "":
		return s.ID == id
	case c.Paper != "" && s.Paper != c.Paper, c.Only != "" && s.Parameter != c.Only:
		return false
	case c.All || s.Outcome || s.Operation != "" || extract.Condition(s.Finding):
		return c.All || s.Status != string(literature.Rejected)
	}
	return c.Only != "" && s.Status != string(literature.Rejected)
}

// correct keeps a verdict, and reports whether there was one.
func (c *findingsCmd) correct(ctx context.Context, o *opened) (bool, error) {
	fields := c.Value != nil || c.High != nil || c.Unit != nil || c.Parameter != nil || c.Operation != nil || c.Outcome != nil
	x := literature.Correction{Finding: c.Accept + c.Reject + c.Correct, By: c.By, Why: c.Why, At: time.Now().UTC()}
	switch {
	case c.Accept != "":
		x.Verdict = literature.Accepted
	case c.Reject != "":
		x.Verdict = literature.Rejected
	case c.Correct != "":
		x.Verdict = literature.Corrected
		x.Value, x.High, x.Unit, x.Parameter, x.Operation, x.Outcome = c.Value, c.High, c.Unit, c.Parameter, c.Operation, c.Outcome
	}
	if fields != (c.Correct != "") {
		return false, lab.Errorf(lab.Invalid, "--value, --high, --unit, --parameter, --operation and --outcome say what --correct FINDING should be; give both")
	}
	if x.Verdict == "" {
		return false, nil
	}
	if x.By == "" {
		x.By = "reviewer"
		if u, err := user.Current(); err == nil && u.Username != "" {
			x.By = u.Username
		}
	}
	return true, o.Correct(ctx, o.name, x)
}

func printFindings(w io.Writer, list []shownFinding) error {
	tw := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(tw, "FINDING\tPAPER\tPARAMETER\tVALUE\tOF\tSTATUS\tIN THE WORDS OF THE PAPER")
	for _, s := range list {
		value := fmt.Sprintf("%g", s.Value)
		if s.High != s.Value {
			value += fmt.Sprintf("–%g", s.High)
		}
		if s.Unit != "1" {
			value += " " + s.Unit
		}
		of := s.Operation
		if s.Outcome {
			of = "(outcome)"
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", s.ID, printable(short(s.Paper, 28)), printable(s.Parameter), value, printable(of), s.Status, printable(short(around(s), 80)))
	}
	return tw.Flush()
}

// around returns the part of the sentence that has the number in it.
func around(s shownFinding) string {
	at := s.Number.Start - s.Sentence.Start
	if at < 40 || at > len(s.Text) {
		return s.Text
	}
	return "…" + strings.ToValidUTF8(s.Text[at-40:], "")
}

// short cuts a text to n characters.
func short(s string, n int) string {
	r := []rune(strings.TrimSpace(s))
	if len(r) <= n {
		return string(r)
	}
	return string(r[:n-1]) + "…"
}
