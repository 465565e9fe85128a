package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"strings"

	"golang.org/x/term"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/literature"
	"github.com/athanor-lab/athanor/literature/screen"
)

type screenCmd struct {
	corpusFlags
	Question   string   `arg:"" optional:"" help:"What is looked for; it begins the order and names the review."`
	Reviewer   string   `placeholder:"NAME" help:"Who screens; by default the user of this machine."`
	Label      []string `placeholder:"ID=yes|no|unsure|unread" help:"Say it of a paper and end; for programs."`
	Recall     float64  `default:"0.95" help:"The share of relevant papers that is enough."`
	Confidence float64  `default:"0.95" help:"How sure to be that it is reached."`
	N          int      `short:"n" default:"10" help:"How many suggestions to print with --json."`
	JSON       bool     `name:"json" help:"Print where the review stands as JSON, without asking."`
}

func (c *screenCmd) Run(ctx context.Context, t *terminal) error {
	if !(c.Recall > 0 && c.Recall <= 1) {
		return lab.Errorf(lab.Invalid, "--recall %g: it lies above 0 and up to 1", c.Recall)
	}
	if c.Reviewer == "" {
		c.Reviewer = "reviewer"
		if u, err := user.Current(); err == nil && u.Username != "" {
			c.Reviewer = u.Username
		}
	}
	o, err := c.open(ctx, t)
	if err != nil {
		return err
	}
	defer o.close()
	r, err := openReview(ctx, o, c.Question, c.Reviewer, c.Confidence)
	if err != nil {
		return err
	}
	for _, l := range c.Label {
		id, word, ok := cutLast(l, "=")
		if !ok {
			return lab.Errorf(lab.Invalid, "--label %s: write it as ID=yes, ID=no, ID=unsure or ID=unread", l)
		}
		label, ok := labelWords[word]
		i, known := r.byID[id]
		switch {
		case !ok:
			return lab.Errorf(lab.Invalid, "--label %s: %q is none of yes, no, unsure, unread", l, word)
		case !known:
			return lab.Errorf(lab.NotFound, "--label %s: corpus %s has no paper %s", l, o.name, id)
		}
		if err := r.say(ctx, i, label, ""); err != nil {
			return err
		}
	}
	if c.JSON || len(c.Label) > 0 {
		st, err := r.status(ctx, c.N, c.Recall)
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(t.out, st)
		}
		fmt.Fprintln(t.out, st)
		return nil
	}
	keys, restore := keyboard(os.Stdin)
	defer restore()
	return r.ask(ctx, t.out, keys, c.Recall)
}

var labelWords = map[string]literature.Label{
	"yes": literature.Relevant, "no": literature.Irrelevant, "unsure": literature.Unsure, "unread": literature.Unread,
	"relevant": literature.Relevant, "irrelevant": literature.Irrelevant,
}

// cutLast cuts at the last separator: ids may have the separator in them.
func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// keyboard returns a function that reads single keys: at once from a terminal,
// and from anything else its characters without spaces.
func keyboard(in *os.File) (keys func() (rune, error), restore func()) {
	r := bufio.NewReader(in)
	restore = func() {}
	if term.IsTerminal(int(in.Fd())) {
		return func() (rune, error) {
			old, err := term.MakeRaw(int(in.Fd()))
			if err != nil {
				return 0, lab.Errorf(lab.Unavailable, "read the keyboard: %w", err)
			}
			defer term.Restore(int(in.Fd()), old) //nolint:errcheck // the next key sets it again
			k, _, err := r.ReadRune()
			return k, err
		}, restore
	}
	return func() (rune, error) {
		for {
			k, _, err := r.ReadRune()
			if err != nil || k > ' ' {
				return k, err
			}
		}
	}, restore
}

const help = "y yes · n no · u unsure · b back · w why it is shown · s check whether enough is read · q quit"

// ask shows papers and takes keys until the reader quits or all is read.
func (r *review) ask(ctx context.Context, out io.Writer, keys func() (rune, error), recall float64) error {
	fmt.Fprintln(out, help)
	inRow := 0
	for {
		i, ok := r.next()
		if !ok {
			fmt.Fprintln(out, "\nall papers are read")
			break
		}
		r.show(out, i)
		again := true
		for again {
			again = false
			k, err := keys()
			if errors.Is(err, io.EOF) || k == 'q' || k == 3 || k == 4 { // ^C, ^D
				st, err := r.status(context.WithoutCancel(ctx), 0, recall)
				fmt.Fprintf(out, "\n%s\n", st)
				return err
			}
			if err != nil {
				return err
			}
			switch k {
			case 'y', 'n', 'u':
				label := map[rune]literature.Label{'y': literature.Relevant, 'n': literature.Irrelevant, 'u': literature.Unsure}[k]
				if err := r.answer(ctx, i, label); err != nil {
					return err
				}
				fmt.Fprintln(out, " ", label)
				if inRow++; label != literature.Irrelevant {
					inRow = 0
				}
				if r.audit == nil && inRow == 50 {
					fmt.Fprintln(out, "fifty in a row were not relevant; s checks whether enough is read")
				}
				if r.audit != nil {
					fmt.Fprintf(out, "  checking at random, %d read: at most %d relevant papers are left; at least %.0f %% were found, at %.0f %% confidence\n",
						r.audit.Read(), r.audit.Left(), 100*r.audit.Recall(), 100*r.confidence)
					if r.audit.Enough(recall) {
						fmt.Fprintf(out, "  that is enough: the %.0f %% that were asked for are reached\n", 100*recall)
					}
				}
			case 'b':
				if !r.back(ctx) {
					fmt.Fprintln(out, "  nothing to take back")
					again = true
				}
			case 'w':
				for _, w := range r.screener.Why(i, 8) {
					fmt.Fprintf(out, "  %+.3f %s\n", w.Share, printable(w.Term))
				}
				again = true
			case 's':
				if err := r.toggleAudit(); err != nil {
					return err
				}
			default:
				fmt.Fprintln(out, " ", help)
				again = true
			}
		}
	}
	st, err := r.status(ctx, 0, recall)
	fmt.Fprintln(out, st)
	return err
}

// show prints a paper; what others wrote cannot steer the terminal.
func (r *review) show(out io.Writer, i int) {
	p := r.works[i].Best
	relevant, read := 0, 0
	for j := range r.works {
		if l := r.screener.Label(j); l != screen.Unread {
			read++
			if l == screen.Relevant {
				relevant++
			}
		}
	}
	mark := ""
	if r.works[i].Retracted {
		mark = " RETRACTED"
	}
	fmt.Fprintf(out, "\n[%d of %d read, %d relevant]%s\n%s\n", read, len(r.works), relevant, mark, printable(p.Title))
	if len(p.Authors) > 0 || p.Year > 0 {
		fmt.Fprintf(out, "%s %d %s\n", printable(strings.Join(p.Authors[:min(3, len(p.Authors))], "; ")), p.Year, printable(p.Journal))
	}
	fmt.Fprintln(out, wrap(printable(p.Abstract), 100))
	fmt.Fprint(out, printable(p.ID), " y/n/u? ")
}

// wrap breaks lines at spaces.
func wrap(s string, width int) string {
	var b strings.Builder
	at := 0
	for i, w := range strings.Fields(s) {
		if i > 0 && at+1+len(w) > width {
			b.WriteByte('\n')
			at = 0
		} else if i > 0 {
			b.WriteByte(' ')
			at++
		}
		b.WriteString(w)
		at += len(w)
	}
	return b.String()
}
