package main

import (
	"context"
	"fmt"
	"net/url"
	"text/tabwriter"
	"time"

	"github.com/athanor-lab/athanor/api"
	"github.com/athanor-lab/athanor/lab"
)

type devicePauseCmd struct{ deviceAct }

func (c *devicePauseCmd) Run(ctx context.Context, t *terminal) error { return c.one(ctx, t, "pause") }

type deviceResumeCmd struct{ deviceAct }

func (c *deviceResumeCmd) Run(ctx context.Context, t *terminal) error { return c.one(ctx, t, "resume") }

// one is post for what is asked of one device at a time.
func (a *deviceAct) one(ctx context.Context, t *terminal, verb string) error {
	if a.All {
		return lab.Errorf(lab.Invalid, "devices %s one by one: name one, or use athanor device stop --all", verb)
	}
	return a.post(ctx, t, verb)
}

// items reads a list of the API.
func items[T any](ctx context.Context, c *client, path string) ([]T, error) {
	var list struct {
		Items []T `json:"items"`
	}
	err := c.get(ctx, path, &list)
	return list.Items, err
}

type deviceQuarantineCmd struct {
	server
	ID    string `arg:"" optional:"" help:"Only of this device."`
	Limit int    `default:"50" help:"The most messages."`
}

func (c *deviceQuarantineCmd) Run(ctx context.Context, t *terminal) error {
	all, err := items[lab.Quarantined](ctx, c.client(t), fmt.Sprintf("/quarantine?limit=%d&device=%s", c.Limit, url.QueryEscape(c.ID)))
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(t.out, all)
	}
	w := tabwriter.NewWriter(t.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "AT\tDEVICE\tTOPIC\tWHY")
	for _, q := range all {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", q.At.Local().Format(time.DateTime), printable(q.Device), printable(q.Topic), printable(q.Reason))
	}
	return w.Flush()
}

type deviceTelemetryCmd struct {
	server
	ID   string        `arg:"" help:"The device."`
	Last time.Duration `default:"1h" help:"How far back, as 10m or 24h."`
}

func (c *deviceTelemetryCmd) Run(ctx context.Context, t *terminal) error {
	to := time.Now().UTC()
	path := fmt.Sprintf("/devices/%s/telemetry?from=%s&to=%s", url.PathEscape(c.ID), to.Add(-c.Last).Format(time.RFC3339), to.Add(time.Second).Format(time.RFC3339))
	all, err := items[lab.Series](ctx, c.client(t), path)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(t.out, all)
	}
	w := tabwriter.NewWriter(t.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "STREAM\tQUANTITY\tLATEST\tUNIT\tAT\tLEAST\tLARGEST\tROWS")
	for _, s := range all {
		if len(s.Points) == 0 {
			continue
		}
		last := s.Points[len(s.Points)-1]
		least, largest, rows := last.Min, last.Max, 0
		for _, p := range s.Points {
			least, largest, rows = min(least, p.Min), max(largest, p.Max), rows+p.N
		}
		fmt.Fprintf(w, "%s\t%s\t%.6g\t%s\t%s\t%.6g\t%.6g\t%d\n", printable(s.Stream), printable(s.Column), last.Mean, printable(string(s.Unit)), last.At.Local().Format(time.TimeOnly), least, largest, rows)
	}
	return w.Flush()
}

type deviceHandoversCmd struct{ server }

func (c *deviceHandoversCmd) Run(ctx context.Context, t *terminal) error {
	all, err := items[lab.Dispute](ctx, c.client(t), "/handovers")
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(t.out, all)
	}
	w := tabwriter.NewWriter(t.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "TOKEN\tSTATE\tSAMPLE\tFROM\tTO\tGAVE\tTOOK\tSINCE")
	for _, h := range all {
		state := string(h.State)
		if h.State == lab.HandoverUncertain {
			state = "in dispute"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", printable(h.Token), state, printable(h.Sample), printable(h.From.String()), printable(h.To.String()), h.Gave, h.Took, h.OpenedAt.Local().Format(time.DateTime))
	}
	return w.Flush()
}

type deviceSettleCmd struct {
	server
	Token  string `arg:"" help:"The handover's token; athanor device handovers shows it."`
	Where  string `required:"" enum:"from,to,lost" help:"from: the sample is where it was; to: it is where it was to go; lost: it is in neither slot."`
	By     string `required:"" env:"USER" help:"Who looked."`
	Reason string `required:"" help:"What was seen."`
}

func (c *deviceSettleCmd) Run(ctx context.Context, t *terminal) error {
	if err := c.client(t).post(ctx, "/handovers/"+url.PathEscape(c.Token)+"/resolve", map[string]string{"where": c.Where, "by": c.By, "reason": c.Reason}); err != nil {
		return err
	}
	_, err := fmt.Fprintf(t.out, "handover %s is settled; both devices clear their slots\n", c.Token)
	return err
}

type sampleCmd struct {
	List   sampleListCmd   `cmd:"" help:"List the samples that are in slots of devices."`
	Remove sampleRemoveCmd `cmd:"" help:"Say that a sample was taken out of the laboratory."`
}

type sampleListCmd struct{ server }

func (c *sampleListCmd) Run(ctx context.Context, t *terminal) error {
	all, err := items[lab.Placement](ctx, c.client(t), "/samples")
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(t.out, all)
	}
	w := tabwriter.NewWriter(t.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "DEVICE\tSLOT\tSAMPLE\tSURE")
	for _, p := range all {
		sure := "yes"
		if !p.Certain {
			sure = "no: its handover is in dispute"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", printable(p.Device), printable(p.Slot), printable(p.Sample), sure)
	}
	return w.Flush()
}

type sampleRemoveCmd struct {
	server
	Sample string `arg:"" help:"The sample."`
	By     string `required:"" env:"USER" help:"Who took it."`
	Reason string `help:"Why."`
}

func (c *sampleRemoveCmd) Run(ctx context.Context, t *terminal) error {
	if err := c.client(t).post(ctx, "/samples/"+url.PathEscape(c.Sample)+"/remove", api.ActBody{By: c.By, Reason: c.Reason}); err != nil {
		return err
	}
	_, err := fmt.Fprintf(t.out, "%s is on record as taken out; empty its slot on the device too\n", c.Sample)
	return err
}
