package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/athanor-lab/athanor/devices/conformance"
	"github.com/athanor-lab/athanor/devices/mqtt"
	"github.com/athanor-lab/athanor/lab"
)

// conformCmd runs the conformance kit. It takes its own leases and stops the
// whole laboratory that it is pointed at, so it wants one of its own.
type conformCmd struct {
	Broker  string            `required:"" placeholder:"URL" help:"MQTT broker, as tcp://host:1883, with no gateway on it."`
	Device  string            `required:"" help:"The device's name."`
	Lab     string            `default:"lab" help:"The laboratory's name; every device of it is stopped on the way."`
	Start   string            `help:"Shell command that runs the device in the foreground; it is killed and started again. Without it the device must run, and checks of crashes are skipped."`
	Example map[string]string `help:"Parameters that may be run at any time, as ACTION={JSON}."`
	Long    map[string]string `help:"Parameters that run for two seconds at least, as ACTION={JSON}."`
	Only    []string          `help:"Checks or groups to make; all by default."`
	Seed    uint64            `help:"Seed of malformed messages."`
	JSON    bool              `name:"json" help:"Print the report as JSON."`
	JUnit   string            `name:"junit" placeholder:"FILE" help:"Write the report as JUnit's XML."`
	brokerAccount
}

func (c *conformCmd) Run(ctx context.Context, t *terminal) error {
	options, err := c.options(c.Broker, t.logger)
	if err != nil {
		return err
	}
	cfg := conformance.Config{
		Dial: mqtt.Dialer(options), Lab: c.Lab, Device: c.Device, Only: c.Only, Seed: c.Seed,
		Each: func(r conformance.Result) {
			fmt.Fprintf(t.err, "%-8s %-32s %s\n", r.Outcome, r.Check, printable(r.Message))
		},
	}
	if c.Start != "" {
		cfg.Start = []string{"sh", "-c", c.Start}
	}
	if cfg.Examples, err = objects("--example", c.Example); err != nil {
		return err
	}
	if cfg.Long, err = objects("--long", c.Long); err != nil {
		return err
	}
	r := conformance.Run(ctx, cfg)
	if c.JUnit != "" {
		if err := writeWhole(c.JUnit, r.WriteJUnit); err != nil {
			return err
		}
	}
	if c.JSON {
		if err := printJSON(t.out, r); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(t.out, "%s: %d checks passed, %d failed, %d skipped\n", c.Device, r.Passed, r.Failed, r.Skipped)
	}
	if !r.OK() {
		return quiet{r.ExitCode()}
	}
	return nil
}

// objects reads the JSON objects of a flag.
func objects(flag string, of map[string]string) (map[string]json.RawMessage, error) {
	all := map[string]json.RawMessage{}
	for action, text := range of {
		var object map[string]any
		if err := json.Unmarshal([]byte(text), &object); err != nil {
			return nil, lab.Errorf(lab.Invalid, "%s %s=%s: %v; it is a JSON object", flag, action, text, err)
		}
		all[action] = json.RawMessage(text)
	}
	return all, nil
}
