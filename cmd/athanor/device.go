package main

import (
	"context"
	"fmt"
	"net/url"
	"text/tabwriter"

	"github.com/athanor-lab/athanor/api"
	"github.com/athanor-lab/athanor/devices/spec"
	"github.com/athanor-lab/athanor/lab"
)

type deviceCmd struct {
	List    deviceListCmd    `cmd:"" help:"List devices and what they do."`
	Show    deviceShowCmd    `cmd:"" help:"Show a device, its capabilities and limits, as JSON."`
	Stop    deviceStopCmd    `cmd:"" help:"Ask a device, or all, to stop. Software: not an emergency stop."`
	Spec    deviceSpecCmd    `cmd:"" help:"Write the device contract for machines: JSON Schemas, AsyncAPI 3, a Thing Description."`
	Conform conformCmd       `cmd:"" help:"Try any device, black box, against the contract."`
	Resolve deviceResolveCmd `cmd:"" help:"Say what became of a command that is in doubt."`
	Add     deviceAddCmd     `cmd:"" help:"Give a device an account on the broker: password, certificate and rules, for ours and for mosquitto."`
	Remove  deviceRemoveCmd  `cmd:"" help:"Take a device's account away."`
	Reset   deviceResetCmd   `cmd:"" help:"Let a stopped device, or all, go on."`

	Pause      devicePauseCmd      `cmd:"" help:"Have a device begin nothing and hold what can be held."`
	Resume     deviceResumeCmd     `cmd:"" help:"Let a paused device go on."`
	Telemetry  deviceTelemetryCmd  `cmd:"" help:"Show what a device measured lately."`
	Quarantine deviceQuarantineCmd `cmd:"" help:"List what devices said and the laboratory did not believe, and why."`
	Handovers  deviceHandoversCmd  `cmd:"" help:"List handovers of samples that are under way or in dispute."`
	Settle     deviceSettleCmd     `cmd:"" help:"Say where the sample of a handover in dispute is."`
}

type deviceListCmd struct{ server }

func (c *deviceListCmd) Run(ctx context.Context, t *terminal) error {
	var list struct {
		Items []lab.Device `json:"items"`
	}
	if err := c.client(t).get(ctx, "/devices", &list); err != nil {
		return err
	}
	if c.JSON {
		return printJSON(t.out, list.Items)
	}
	w := tabwriter.NewWriter(t.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "DEVICE\tLINK\tDOES\tMODE\tKIND\tCAPABILITIES")
	for _, d := range list.Items {
		does := printable(d.Op)
		for _, a := range d.Active {
			does += " " + printable(a.Name)
		}
		offers := ""
		for i, k := range d.Capabilities {
			if i > 0 {
				offers += ", "
			}
			offers += printable(k.Name)
		}
		kind := printable(d.Kind)
		if d.Simulated {
			kind += " (simulated)"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", printable(d.ID), printable(d.Conn), does, printable(d.Mode), kind, offers)
	}
	return w.Flush()
}

type deviceShowCmd struct {
	server
	ID string `arg:"" help:"The device."`
}

func (c *deviceShowCmd) Run(ctx context.Context, t *terminal) error {
	var d lab.Device
	if err := c.client(t).get(ctx, "/devices/"+url.PathEscape(c.ID), &d); err != nil {
		return err
	}
	return printJSON(t.out, d)
}

// deviceAct is what stop and reset share.
type deviceAct struct {
	server
	ID     string `arg:"" optional:"" help:"The device."`
	All    bool   `help:"Every device of the laboratory."`
	By     string `env:"USER" help:"Who does it."`
	Reason string `help:"Why."`
}

func (a *deviceAct) post(ctx context.Context, t *terminal, verb string) error {
	path, what := "/devices/"+url.PathEscape(a.ID)+"/"+verb, a.ID
	switch {
	case a.All == (a.ID != ""):
		return lab.Errorf(lab.Invalid, "say which device to %s, or --all", verb)
	case a.All:
		path, what = "/lab/"+verb, "every device"
	}
	if err := a.client(t).post(ctx, path, api.ActBody{By: a.By, Reason: a.Reason}); err != nil {
		return err
	}
	_, err := fmt.Fprintf(t.out, "asked %s to %s; athanor device list shows what came of it\n", what, verb)
	return err
}

type deviceStopCmd struct{ deviceAct }

func (c *deviceStopCmd) Run(ctx context.Context, t *terminal) error { return c.post(ctx, t, "stop") }

type deviceResetCmd struct{ deviceAct }

func (c *deviceResetCmd) Run(ctx context.Context, t *terminal) error { return c.post(ctx, t, "reset") }

type deviceResolveCmd struct {
	server
	Command string `arg:"" help:"The command's id; the page and the questions of the API show it."`
	Outcome string `required:"" enum:"done,failed" help:"done: it was carried out in full; failed: it was not, or not in full."`
	By      string `required:"" env:"USER" help:"Who looked."`
	Reason  string `required:"" help:"What was seen."`
}

func (c *deviceResolveCmd) Run(ctx context.Context, t *terminal) error {
	if err := c.client(t).post(ctx, "/commands/"+url.PathEscape(c.Command)+"/resolve", map[string]string{"outcome": c.Outcome, "by": c.By, "reason": c.Reason}); err != nil {
		return err
	}
	_, err := fmt.Fprintf(t.out, "%s is on record as %s\n", c.Command, c.Outcome)
	return err
}

type deviceSpecCmd struct {
	Output string `short:"o" required:"" placeholder:"DIR" help:"Where to write it; made when absent."`
}

func (c *deviceSpecCmd) Run(t *terminal) error {
	if err := spec.Write(c.Output); err != nil {
		return err
	}
	_, err := fmt.Fprintln(t.out, "the device contract is in", c.Output)
	return err
}
