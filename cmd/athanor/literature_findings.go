package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"slices"
	"strconv"
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
	Reopen    string `placeholder:"FINDING" xor:"verdict" help:"Take back what was said of a finding."`
	Review    bool   `xor:"verdict" help:"Show one finding after the other in the words of its paper, and take what you say of each."`
	Format    string `enum:"table,json,csv" default:"table" help:"table, json or csv: with what people said, all of it."`
	Value     *float64
	High      *float64 `help:"The other end of a range."`
	Unit      *string  `placeholder:"UCUM" help:"Unit."`
	Parameter *string  `help:"What was set or seen."`
	Operation *string  `help:"What it was a condition of."`
	Outcome   *bool    `negatable:"" help:"Whether it was measured and not set."`
	Why       string   `help:"Why, for whoever reads it later."`
	By        string   `placeholder:"NAME" help:"Who says so; by default the user of this machine."`
	modelFlags
	JSON bool `name:"json" help:"Print JSON, as --format json."`
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
	// History is all that people said of it, oldest first.
	History []literature.Correction `json:"history,omitempty"`
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
	switch {
	case c.Review:
		return (&checking{o: o, library: l, out: t.out, by: by(c.By)}).run(ctx, found, list, os.Stdin)
	case c.JSON || c.Format == "json":
		return printJSON(t.out, list)
	case c.Format == "csv":
		return csvFindings(t.out, list)
	}
	return printFindings(t.out, list)
}

func shown(f literature.Found, p literature.Paper) shownFinding {
	s := shownFinding{ID: f.ID, Title: p.Title, Status: f.Status(), Correction: f.Correction, History: f.History, Text: f.Finding.Sentence.Of(p.Reading()), Stale: f.TextHash != p.TextHash()}
	s.Finding, _ = f.Current()
	if f.Status() == string(literature.Corrected) {
		s.Found = &f.Finding
	}
	if s.Stale {
		s.Text = ""
	}
	return s
}

// wants reports whether a finding is asked for.
func (c *findingsCmd) wants(s shownFinding) bool {
	switch id := c.Accept + c.Reject + c.Correct + c.Reopen; {
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
	x := literature.Correction{Finding: c.Accept + c.Reject + c.Correct + c.Reopen, By: by(c.By), Why: c.Why, At: time.Now().UTC()}
	switch {
	case c.Accept != "":
		x.Verdict = literature.Accepted
	case c.Reject != "":
		x.Verdict = literature.Rejected
	case c.Reopen != "":
		x.Verdict = literature.Reopened
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
	return true, o.Correct(ctx, o.name, x)
}

// by is who speaks: the name given, or the user of this machine.
func by(name string) string {
	if name != "" {
		return name
	}
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "reviewer"
}

// measure writes a finding's number and unit.
func measure(f literature.Finding) string {
	value := fmt.Sprintf("%g", f.Value)
	if f.High != f.Value {
		value += fmt.Sprintf("–%g", f.High)
	}
	if f.Unit != "1" {
		value += " " + f.Unit
	}
	return value
}

// csvFindings writes a row to a word that a person said, and one to a finding of which
// nobody has said anything.
func csvFindings(out io.Writer, list []shownFinding) error {
	w := csv.NewWriter(out)
	number := func(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }
	err := w.Write([]string{
		"finding", "paper", "title", "extractor", "status", "parameter", "value", "high", "unit", "operation", "outcome", "sentence", "said_by", "said_at", "said_verdict", "said_changes", "said_why",
	})
	for _, s := range list {
		row := []string{s.ID, inert(s.Paper), inert(s.Title), s.Extractor, s.Status, inert(s.Parameter), number(s.Value), number(s.High), s.Unit, inert(s.Operation), strconv.FormatBool(s.Outcome), inert(s.Text)}
		for _, c := range s.History {
			err = errors.Join(err, w.Write(append(slices.Clone(row), inert(c.By), c.At.UTC().Format(time.RFC3339), string(c.Verdict), changes(c), inert(c.Why))))
		}
		if len(s.History) == 0 {
			err = errors.Join(err, w.Write(append(row, "", "", "", "", "")))
		}
	}
	w.Flush()
	return errors.Join(err, w.Error())
}

// inert puts an apostrophe before a text that a spreadsheet would take for a formula:
// what papers say is never executed.
func inert(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

func printFindings(w io.Writer, list []shownFinding) error {
	tw := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(tw, "FINDING\tPAPER\tPARAMETER\tVALUE\tOF\tSTATUS\tIN THE WORDS OF THE PAPER")
	for _, s := range list {
		value := measure(s.Finding)
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
