package main

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/athanor-lab/athanor/api"
	"github.com/athanor-lab/athanor/lab"
)

type waitsCmd struct {
	server
	ID string `arg:"" optional:"" help:"Only of this campaign."`
}

func (c *waitsCmd) Run(ctx context.Context, t *terminal) error {
	all, err := items[lab.Wait](ctx, c.client(t), "/waits?campaign="+url.QueryEscape(c.ID))
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(t.out, all)
	}
	if len(all) == 0 {
		fmt.Fprintln(t.err, "nothing waits")
		return nil
	}
	w := tabwriter.NewWriter(t.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "CAMPAIGN\tEXPERIMENT\tSTEP\tSINCE\tWHY")
	for _, x := range all {
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\n", x.CampaignID, x.Number, printable(x.Step), x.Since.Local().Format(time.DateTime), printable(x.Why))
	}
	return w.Flush()
}

type watchCmd struct {
	server
	ID string `arg:"" help:"The campaign's id."`
}

func (c *watchCmd) Run(ctx context.Context, t *terminal) error {
	d, err := watch(ctx, c.client(t), c.ID, t)
	if err != nil {
		return err
	}
	if c.JSON {
		if err := printJSON(t.out, d); err != nil {
			return err
		}
	}
	if d.Progress.State != lab.Completed {
		return quiet{exitEnded}
	}
	return nil
}

// glance is the least time between two looks at a campaign that changes.
const glance = 150 * time.Millisecond

// watch shows a campaign's progress until it ends and returns what it became.
// It survives a restart of the server.
func watch(ctx context.Context, c *client, id string, t *terminal) (api.Detail, error) {
	woken := make(chan struct{}, 1)
	wake := func() {
		select {
		case woken <- struct{}{}:
		default:
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { // the log says when to look; without it we look now and then
		for ctx.Err() == nil {
			_ = c.listen(ctx, "", func(lab.Event) { wake() })
			pause(ctx, time.Second)
			wake()
		}
	}()
	w := &watcher{t: t, c: c}
	for {
		var d api.Detail
		err := c.get(ctx, "/campaigns/"+url.PathEscape(id), &d)
		switch {
		case ctx.Err() != nil:
			return d, quiet{interrupted}
		case err != nil && lab.KindOf(err) != lab.Unavailable:
			return d, err
		case err != nil:
			w.say("the laboratory does not answer; it will be asked again")
		default:
			w.show(ctx, d)
			if d.Progress.State.Final() {
				w.end(d)
				return d, nil
			}
		}
		pause(ctx, glance)
		select {
		case <-woken:
		case <-time.After(5 * time.Second):
		case <-ctx.Done():
		}
	}
}

// watcher writes progress: a block that it rewrites on a terminal, else a line
// whenever something is done.
type watcher struct {
	t     *terminal
	c     *client
	drawn int // lines on the terminal
	last  string
}

func (w *watcher) show(ctx context.Context, d api.Detail) {
	p := d.Progress
	head := fmt.Sprintf("%s  %d of %d experiments", strings.ReplaceAll(string(p.State), "_", " "), p.Done, d.Document.Budget.Experiments)
	if p.Failures > 0 {
		head += fmt.Sprintf(" (%d failed)", p.Failures)
	}
	if best := bestOf(p); best != "" {
		head += "  best " + best
	}
	if p.Reason != "" {
		head += "  – " + printable(p.Reason)
	}
	if !w.t.tty {
		w.say(head + "  |" + strings.Join(w.devices(ctx), "; "))
		return
	}
	lines := append([]string{bar(p.Done, d.Document.Budget.Experiments) + " " + head}, w.devices(ctx)...)
	w.draw(lines)
}

// devices says what each device does.
func (w *watcher) devices(ctx context.Context) []string {
	var list struct{ Items []lab.Device }
	if err := w.c.get(ctx, "/devices", &list); err != nil {
		return nil
	}
	var lines []string
	for _, d := range list.Items {
		if strings.HasPrefix(d.ID, "table-") && len(d.Active) == 0 {
			continue // a shelf of idle tables says nothing
		}
		line := fmt.Sprintf("  %-18s %s", printable(d.ID), printable(d.Op))
		if d.Conn != "online" {
			line = fmt.Sprintf("  %-18s %s", printable(d.ID), d.Conn)
		}
		for _, a := range d.Active {
			line += " " + printable(a.Name)
			if a.Progress > 0 {
				line += fmt.Sprintf(" %.0f %%", 100*a.Progress)
			}
		}
		if d.Number > 0 {
			line += fmt.Sprintf(" (experiment %d)", d.Number)
		}
		lines = append(lines, line)
	}
	return lines
}

// draw rewrites the block.
func (w *watcher) draw(lines []string) {
	if w.drawn > 0 {
		fmt.Fprintf(w.t.err, "\x1b[%dA", w.drawn)
	}
	for _, l := range lines {
		fmt.Fprintf(w.t.err, "\x1b[2K%s\n", l)
	}
	for range max(0, w.drawn-len(lines)) {
		fmt.Fprint(w.t.err, "\x1b[2K\n")
	}
	w.drawn = max(w.drawn, len(lines))
}

// say writes a line, once. What devices do changes too often for a log, so
// that only the part before the bar counts.
func (w *watcher) say(line string) {
	head, devices, _ := strings.Cut(line, "  |")
	if head == w.last {
		return
	}
	w.last = head
	if devices != "" {
		head += "  [" + strings.Join(strings.Fields(devices), " ") + "]"
	}
	fmt.Fprintln(w.t.err, head)
}

func (w *watcher) end(d api.Detail) {
	p := d.Progress
	fmt.Fprintf(w.t.err, "%s: %s", printable(d.Document.Title), p.State)
	if p.Reason != "" {
		fmt.Fprintf(w.t.err, ", %s", printable(p.Reason))
	}
	fmt.Fprintln(w.t.err)
	for _, b := range p.Best {
		fmt.Fprintf(w.t.err, "  best %s: %.6g %s, experiment %d\n", printable(b.Objective), b.Value, b.Unit, b.Number)
	}
}

func bestOf(p lab.Progress) string {
	var s []string
	for _, b := range p.Best {
		s = append(s, fmt.Sprintf("%s %.4g %s (#%d)", printable(b.Objective), b.Value, b.Unit, b.Number))
	}
	return strings.Join(s, ", ")
}

func bar(done, of int) string {
	const width = 24
	full := 0
	if of > 0 {
		full = min(width, width*done/of)
	}
	return "▕" + strings.Repeat("█", full) + strings.Repeat("░", width-full) + "▏"
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
