package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/athanor-lab/athanor/devices/mqtt"
	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/sim"
	"github.com/athanor-lab/athanor/sim/truth"
)

// simCmd runs a simulated laboratory as devices on a broker, like real ones.
type simCmd struct {
	File   string  `arg:"" optional:"" help:"Description of the laboratory (YAML); by default the demonstration's: a liquid handler, a mobile robot, two heaters and a chromatograph."`
	Data   string  `default:"${default_data}/sim" help:"Where the laboratory's matter and the devices' journals are kept."`
	Tables string  `help:"Folder of tables of real measurements; each becomes an instrument that answers with measured rows."`
	Noops  int     `help:"Add this many devices whose command does nothing, to measure the rest."`
	Speed  float64 `help:"How many of the laboratory's seconds pass in one of ours."`
	MQTT   string  `name:"mqtt" env:"ATHANOR_MQTT_URL" placeholder:"URL" help:"MQTT broker, as tcp://host:1883."`
	Lab    string  `name:"lab" env:"ATHANOR_LAB" default:"lab" help:"The laboratory's name in MQTT topics."`

	brokerAccount

	StopOnStdinEOF bool `name:"stop-on-stdin-eof" hidden:"" help:"End with the process that holds the other end of standard input."`
}

// Run runs the devices until ctx ends.
func (c *simCmd) Run(ctx context.Context, t *terminal) (err error) {
	if err := (services{MQTT: c.MQTT}).check(false, false); err != nil {
		return err
	}
	if c.StopOnStdinEOF {
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		go func() {
			_, _ = os.Stdin.Read(make([]byte, 1))
			cancel()
		}()
	}
	l, err := c.open(t)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	options, err := c.options(c.MQTT, nil)
	if err != nil {
		return err
	}
	fmt.Fprintf(t.err, "simulated laboratory: %d devices on %s\n", len(l.IDs()), options.URL)
	return l.Run(ctx, mqtt.Dialer(options))
}

// describe reads the laboratory's description, with what the flags say of it.
func (c *simCmd) describe() (sim.Description, error) {
	d, err := sim.Load(c.File)
	if err != nil {
		return d, err
	}
	if c.Speed < 0 {
		return d, lab.Errorf(lab.Invalid, "--speed %g: time runs forward; say 1 for real time, 100 for a hundred times as fast", c.Speed)
	}
	if c.Speed > 0 {
		d.Speed = c.Speed
	}
	if c.Lab != "" {
		d.Lab = c.Lab
	}
	if c.Noops > 0 {
		d.Devices = append(d.Devices, sim.Device{Kind: "noop", Count: c.Noops})
	}
	return d, nil
}

func (c *simCmd) open(t *terminal) (*sim.Lab, error) {
	d, err := c.describe()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(c.Data), 0o755); err != nil {
		return nil, fmt.Errorf("make the laboratory's folder: %w", err)
	}
	l, err := sim.Open(c.Data, d, sim.Options{Logger: t.logger})
	if err != nil {
		return nil, err
	}
	if c.Tables != "" {
		names, err := l.AddTables(c.Tables)
		if err != nil {
			return nil, errors.Join(err, l.Close())
		}
		t.logger.Info("tables answer as instruments", "count", len(names))
	}
	return l, nil
}

// checkOnly reports what would keep the laboratory from opening, without
// opening it.
func (c *simCmd) checkOnly() error {
	if _, err := c.describe(); err != nil {
		return err
	}
	if c.Tables == "" {
		return nil
	}
	_, err := truth.OpenTables(c.Tables)
	return err
}
