package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/literature"
	"github.com/athanor-lab/athanor/literature/corpus"
)

// checking is a person's way through findings that nobody has checked yet.
type checking struct {
	o       *opened
	library *corpus.Library
	out     io.Writer
	by      string
	past    []string // ids of what was said, "" for what was skipped: for going back
}

const checkHelp = "a accept · r [why] reject · c value=120 high=130 unit=Cel parameter=time operation=stirred outcome=yes why=… correct · s skip · b back · q quit; then Enter"

// run shows the findings of list that are open and takes a line to each. It ends
// without error when there are no more lines.
func (c *checking) run(ctx context.Context, found []literature.Found, list []shownFinding, in io.Reader) error {
	byID := map[string]literature.Found{}
	for _, f := range found {
		byID[f.ID] = f
	}
	var open []literature.Found
	for _, s := range list {
		if f := byID[s.ID]; s.Status == "found" && !s.Stale {
			open = append(open, f)
		}
	}
	fmt.Fprintf(c.out, "%d findings to check\n%s\n", len(open), checkHelp)
	lines := bufio.NewScanner(in)
	for i := 0; i < len(open); {
		c.show(open[i], i+1, len(open))
		if !lines.Scan() {
			break
		}
		step, err := c.answer(ctx, open[i], strings.TrimSpace(lines.Text()))
		switch {
		case lab.KindOf(err) == lab.Invalid:
			fmt.Fprintf(c.out, "  %v\n", err)
		case err != nil:
			return err
		case step == 0:
			return nil
		}
		i = max(0, i+step)
		if err != nil {
			i -= step
		}
	}
	fmt.Fprintln(c.out)
	return lines.Err()
}

// show prints a finding in the words of its paper; what others wrote cannot steer the
// terminal.
func (c *checking) show(f literature.Found, n, of int) {
	p, _ := c.library.Paper(f.Finding.Paper)
	x, _ := f.Current()
	is := x.Parameter + " " + measure(x)
	if x.Operation != "" {
		is += ", of: " + x.Operation
	}
	if x.Outcome {
		is += " (outcome)"
	}
	var b strings.Builder
	for _, s := range literature.Passage(p.Reading(), f.Finding) {
		if s.Is == "" {
			b.WriteString(s.Text)
		} else {
			b.WriteString("⟦" + s.Text + "⟧")
		}
	}
	fmt.Fprintf(c.out, "\n[%d of %d] %s\n%s\n  = %s\n> ", n, of, printable(p.Title), wrap(printable(strings.ReplaceAll(b.String(), "\n", " ")), 100), printable(is))
}

// answer does what a line says, and returns how far to go in the list; 0 ends it.
func (c *checking) answer(ctx context.Context, f literature.Found, line string) (step int, err error) {
	word := literature.Correction{Finding: f.ID, By: c.by, At: time.Now().UTC()}
	command, rest, _ := strings.Cut(line, " ")
	switch command {
	case "a":
		word.Verdict, word.Why = literature.Accepted, rest
	case "r":
		word.Verdict, word.Why = literature.Rejected, rest
	case "c":
		word.Verdict = literature.Corrected
		if err := fields(&word, rest); err != nil {
			return 1, err
		}
	case "s":
		c.past = append(c.past, "")
		return 1, nil
	case "b":
		if len(c.past) == 0 {
			return -1, nil
		}
		word.Finding, word.Verdict = c.past[len(c.past)-1], literature.Reopened
		c.past = c.past[:len(c.past)-1]
		if word.Finding == "" {
			return -1, nil
		}
		return -1, c.o.Correct(ctx, c.o.name, word)
	case "q":
		return 0, nil
	default:
		return 1, lab.Errorf(lab.Invalid, "%s", checkHelp)
	}
	if err := c.o.Correct(ctx, c.o.name, word); err != nil {
		return 1, err
	}
	c.past = append(c.past, f.ID)
	return 1, nil
}

// fields reads name=value pairs; why takes the rest of the line.
func fields(word *literature.Correction, line string) error {
	line, word.Why, _ = strings.Cut(line, "why=")
	for pair := range strings.FieldsSeq(line) {
		name, value, ok := strings.Cut(pair, "=")
		if !ok {
			return lab.Errorf(lab.Invalid, "%q: write what is right as name=value, such as value=120", pair)
		}
		switch name {
		case "value", "high":
			x, err := strconv.ParseFloat(value, 64)
			if err != nil {
				return lab.Errorf(lab.Invalid, "%s: %q is no number", name, value)
			}
			if name == "value" {
				word.Value = &x
			} else {
				word.High = &x
			}
		case "unit":
			word.Unit = &value
		case "parameter":
			word.Parameter = &value
		case "operation":
			word.Operation = &value
		case "outcome":
			yes := value == "yes" || value == "true"
			if !yes && value != "no" && value != "false" {
				return lab.Errorf(lab.Invalid, "outcome: %q is none of yes, no", value)
			}
			word.Outcome = &yes
		default:
			return lab.Errorf(lab.Invalid, "%q is none of value, high, unit, parameter, operation, outcome, why", name)
		}
	}
	return nil
}
