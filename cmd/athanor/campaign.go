package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"unicode"

	"github.com/athanor-lab/athanor/api"
	"github.com/athanor-lab/athanor/campaign"
	"github.com/athanor-lab/athanor/lab"
)

type campaignCmd struct {
	Submit  submitCmd  `cmd:"" help:"Submit a campaign document."`
	Check   checkCmd   `cmd:"" help:"Check a campaign document and tell all that is wrong with it."`
	List    listCmd    `cmd:"" help:"List campaigns, newest first."`
	Watch   watchCmd   `cmd:"" help:"Watch a campaign until it ends."`
	Waits   waitsCmd   `cmd:"" help:"Tell what steps wait for before their commands can go out."`
	Pause   pauseCmd   `cmd:"" help:"Let running experiments end and begin no other."`
	Resume  resumeCmd  `cmd:"" help:"Go on with a paused campaign."`
	Abort   abortCmd   `cmd:"" help:"End a campaign; running commands are cancelled."`
	Approve approveCmd `cmd:"" help:"Approve the plan that waits."`
	Reject  rejectCmd  `cmd:"" help:"Reject the plan that waits; the campaign pauses."`
	Advise  adviseCmd  `cmd:"" help:"Say whether a failed step that asks is done again."`
	Export  exportCmd  `cmd:"" help:"Write a campaign's outcomes to a file."`
}

type submitCmd struct {
	server
	File  string `arg:"" help:"Campaign document, YAML or JSON; - for standard input."`
	Watch bool   `help:"Watch the campaign until it ends."`
	Key   string `help:"Idempotency key: submitting the same document with the same key again is submitting it once."`
}

func (c *submitCmd) Run(ctx context.Context, t *terminal) error {
	src, format, err := readDocument(c.File)
	if err != nil {
		return err
	}
	if src, format, err = inline(c.File, src, format); err != nil {
		return err
	}
	header := map[string]string{}
	if c.Key != "" {
		header["Idempotency-Key"] = c.Key
	}
	var d api.Detail
	cl := c.client(t)
	if err := cl.do(ctx, http.MethodPost, "/campaigns", contentTypes[format], header, src, &d); err != nil {
		return nameFile(err, c.File)
	}
	if c.JSON && !c.Watch {
		return printJSON(t.out, d)
	}
	fmt.Fprintf(t.err, "submitted %s: %s\n", d.ID, d.Document.Title)
	if !c.Watch {
		_, err := fmt.Fprintln(t.out, d.ID)
		return err
	}
	return (&watchCmd{server: c.server, ID: d.ID.String()}).Run(ctx, t)
}

var contentTypes = map[string]string{"yaml": "application/yaml", "json": "application/json"}

// readDocument reads a document and tells its format by its name or first byte.
func readDocument(file string) ([]byte, string, error) {
	var src []byte
	var err error
	if file == "-" {
		src, err = io.ReadAll(os.Stdin)
	} else {
		src, err = os.ReadFile(file)
	}
	if err != nil {
		return nil, "", lab.Errorf(lab.Invalid, "read the campaign document: %w", err)
	}
	if strings.EqualFold(filepath.Ext(file), ".json") || strings.HasPrefix(strings.TrimSpace(string(src)), "{") {
		return src, "json", nil
	}
	return src, "yaml", nil
}

// nameFile puts the file's name before complaints about it.
func nameFile(err error, file string) error {
	if r := (*refused)(nil); errors.As(err, &r) && len(r.Errors) > 0 {
		lines := []string{file + " was refused, nothing was started:"}
		for _, p := range r.Errors {
			lines = append(lines, file+":"+complaint(p.Problem))
		}
		return &lab.Error{Kind: r.kind, Err: errors.New(strings.Join(lines, "\n"))}
	}
	return err
}

type checkCmd struct {
	server
	File    string `arg:"" help:"Campaign document, YAML or JSON; - for standard input."`
	Offline bool   `help:"Do not ask the laboratory what its devices can do."`
}

func (c *checkCmd) Run(ctx context.Context, t *terminal) error {
	src, format, err := readDocument(c.File)
	if err != nil {
		return err
	}
	var offers []lab.Capability
	if !c.Offline {
		offers = c.offers(ctx, t)
	}
	doc, problems, notes := campaign.Load(src, format, offers)
	problems = append(problems, resolve(&doc, c.File, src, format, problems)...)
	if c.JSON {
		if problems == nil {
			problems = []lab.Problem{}
		}
		if err := printJSON(t.out, map[string]any{"valid": len(problems) == 0, "problems": problems, "notes": notes, "against_devices": offers != nil}); err != nil {
			return err
		}
	} else {
		for _, p := range problems {
			fmt.Fprintln(t.out, c.File+":"+complaint(p))
		}
		for _, n := range notes {
			fmt.Fprintln(t.err, c.File+": note:", n)
		}
	}
	if len(problems) > 0 {
		if !c.JSON {
			fmt.Fprintf(t.err, "%s: %d problem%s\n", c.File, len(problems), map[bool]string{true: "", false: "s"}[len(problems) == 1])
		}
		return quiet{exitInvalid}
	}
	if !c.JSON {
		against := "against the devices of the laboratory"
		if offers == nil {
			against = "by itself; no laboratory was asked what its devices can do"
		}
		fmt.Fprintf(t.out, "%s is a good campaign document, checked %s\n", c.File, against)
	}
	return nil
}

// offers asks a running laboratory what it can do; without one the document is
// checked by itself.
func (c *checkCmd) offers(ctx context.Context, t *terminal) []lab.Capability {
	var devices struct{ Items []lab.Device }
	if err := c.client(t).get(ctx, "/devices", &devices); err != nil {
		return nil
	}
	offers := []lab.Capability{}
	for _, d := range devices.Items {
		offers = append(offers, d.Capabilities...)
	}
	return offers
}

type listCmd struct {
	server
	Limit int `default:"50" help:"How many at most."`
}

func (c *listCmd) Run(ctx context.Context, t *terminal) error {
	var page struct {
		Items []api.Summary `json:"items"`
	}
	if err := c.client(t).get(ctx, fmt.Sprintf("/campaigns?limit=%d", c.Limit), &page); err != nil {
		return err
	}
	if c.JSON {
		return printJSON(t.out, page.Items)
	}
	if len(page.Items) == 0 {
		_, err := fmt.Fprintln(t.err, "no campaigns yet; submit one with athanor campaign submit FILE")
		return err
	}
	w := tabwriter.NewWriter(t.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tSTATE\tDONE\tBEST\tTITLE")
	for _, s := range page.Items {
		fmt.Fprintf(w, "%s\t%s\t%d/%d\t%s\t%s\n", s.ID, s.Progress.State, s.Progress.Done, s.Budget.Experiments, bestOf(s.Progress), printable(s.Title))
	}
	return w.Flush()
}

// act is what the commands share that change a campaign's course.
type act struct {
	server
	ID     string `arg:"" help:"The campaign's id."`
	By     string `env:"USER" help:"Who does it."`
	Reason string `help:"Why, for those who read it later."`
}

func (a *act) post(ctx context.Context, t *terminal, path string) error {
	body, err := json.Marshal(api.ActBody{By: a.By, Reason: a.Reason})
	if err != nil {
		return err
	}
	var p lab.Progress
	if err := a.client(t).do(ctx, http.MethodPost, "/campaigns/"+url.PathEscape(a.ID)+path, "application/json", nil, body, &p); err != nil {
		return err
	}
	if a.JSON {
		return printJSON(t.out, p)
	}
	why := ""
	if p.Reason != "" {
		why = ": " + p.Reason
	}
	_, err = fmt.Fprintf(t.out, "%s is %s%s\n", a.ID, strings.ReplaceAll(string(p.State), "_", " "), why)
	return err
}

type pauseCmd struct{ act }

func (c *pauseCmd) Run(ctx context.Context, t *terminal) error { return c.post(ctx, t, "/pause") }

type resumeCmd struct{ act }

func (c *resumeCmd) Run(ctx context.Context, t *terminal) error { return c.post(ctx, t, "/resume") }

type abortCmd struct{ act }

func (c *abortCmd) Run(ctx context.Context, t *terminal) error { return c.post(ctx, t, "/abort") }

// judgement is what approving and rejecting share.
type judgement struct {
	act
	Round int `help:"The plan's round; by default the one that waits."`
}

func (j *judgement) post(ctx context.Context, t *terminal, verb string) error {
	round := j.Round
	if round == 0 {
		var d api.Detail
		if err := j.client(t).get(ctx, "/campaigns/"+url.PathEscape(j.ID), &d); err != nil {
			return err
		}
		round = max(1, d.Progress.Rounds)
	}
	return j.act.post(ctx, t, fmt.Sprintf("/plans/%d/%s", round, verb))
}

type approveCmd struct{ judgement }

func (c *approveCmd) Run(ctx context.Context, t *terminal) error { return c.post(ctx, t, "approve") }

type rejectCmd struct{ judgement }

func (c *rejectCmd) Run(ctx context.Context, t *terminal) error { return c.post(ctx, t, "reject") }

type adviseCmd struct {
	act
	Experiment int    `required:"" help:"The experiment's number."`
	Step       string `required:"" help:"The step that failed."`
	Retry      bool   `xor:"advice" required:"" help:"Do it again, under a new command id."`
	Skip       bool   `xor:"advice" required:"" help:"Let the experiment count as failed."`
}

func (c *adviseCmd) Run(ctx context.Context, t *terminal) error {
	body, err := json.Marshal(map[string]any{"step": c.Step, "retry": c.Retry, "by": c.By, "reason": c.Reason})
	if err != nil {
		return err
	}
	path := fmt.Sprintf("/campaigns/%s/experiments/%d/advise", url.PathEscape(c.ID), c.Experiment)
	if err := c.client(t).do(ctx, http.MethodPost, path, "application/json", nil, body, nil); err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.out, "step %s of experiment %d is %s\n", c.Step, c.Experiment, map[bool]string{true: "done again", false: "left; the experiment counts as failed"}[c.Retry])
	return err
}

type exportCmd struct {
	server
	ID     string `arg:"" help:"The campaign's id."`
	Format string `enum:"jsonl,csv" default:"jsonl" help:"jsonl or csv."`
	Output string `short:"o" help:"The file to write; - or nothing for standard output."`
}

func (c *exportCmd) Run(ctx context.Context, t *terminal) error {
	resp, err := c.client(t).send(ctx, http.MethodGet, "/campaigns/"+url.PathEscape(c.ID)+"/export?format="+c.Format, "", nil, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if c.Output == "" || c.Output == "-" {
		_, err := io.Copy(t.out, resp.Body)
		return err
	}
	return writeWhole(c.Output, func(w io.Writer) error {
		_, err := io.Copy(w, resp.Body)
		return err
	})
}

// writeWhole writes a file so that it is there whole or not at all.
func writeWhole(file string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".part-")
	if err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	defer os.Remove(f.Name())
	err = write(f)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	return nil
}

func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// printable drops from a text of others what could steer a terminal: control
// characters, and those that turn the direction of what follows or hide in it.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, s)
}
