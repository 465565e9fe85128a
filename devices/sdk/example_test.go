package sdk_test

import (
	"context"
	"fmt"
	"time"

	"github.com/athanor-lab/athanor/devices/devicestest"
	"github.com/athanor-lab/athanor/devices/sdk"
)

// Heat is what the furnace's command takes.
type Heat struct {
	Target float64 `json:"target" unit:"Cel" min:"20" max:"1200"`
	Hold   float64 `json:"hold" unit:"s" min:"0" max:"86400" default:"0"`
}

// Heated is what it measures.
type Heated struct {
	Temperature float64 `json:"temperature" unit:"Cel"`
}

func Example() {
	dev := sdk.New(sdk.Config{ID: "furnace-1", Kind: "Furnace", Capabilities: []string{"heater"}, Journal: "furnace-1.journal"})

	sdk.Handle(dev, "heat", func(c *sdk.Ctx, p Heat) (Heated, error) {
		held := 0.0
		c.Resumed(&held)
		for ; held < p.Hold; held++ {
			if err := c.Sleep(time.Second); err != nil {
				return Heated{}, err // cancelled, stopped or out of time
			}
			if err := c.Checkpoint(held + 1); err != nil {
				return Heated{}, err
			}
			c.Progress(held / p.Hold)
		}
		return Heated{Temperature: p.Target}, nil
	}, sdk.Resume)

	ctx, cancel := context.WithCancel(context.Background())
	cancel() // an example ends at once
	if err := dev.Run(ctx, devicestest.NewBroker().Dial); err != nil {
		fmt.Println(err)
	}
}
