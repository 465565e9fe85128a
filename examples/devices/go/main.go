// Command furnace is a whole driver of a furnace: what it can do with units and
// limits, resuming after a crash, cancelling, and everything else that the
// contract of devices asks for.
package main

import (
	"context"
	"log"
	"math"
	"os"
	"os/signal"
	"time"

	"github.com/athanor-lab/athanor/devices/mqtt"
	"github.com/athanor-lab/athanor/devices/sdk"
)

type heat struct {
	Target float64 `json:"target" unit:"Cel" min:"20" max:"1200"`
	Rate   float64 `json:"rate" unit:"K/min" min:"0.1" max:"600"`
	Hold   float64 `json:"hold" unit:"s" min:"0" max:"86400"`
}

type heated struct {
	Temperature float64 `json:"temperature" unit:"Cel"`
}

func main() {
	dev, temp := sdk.New(sdk.Config{ID: os.Args[1], Kind: "Furnace", Capabilities: []string{"heater"}, Journal: os.Args[2]}), 25.0
	sdk.Handle(dev, "heat", func(c *sdk.Ctx, p heat) (heated, error) {
		for math.Abs(temp-p.Target) > 0.5 { // replace by writes to the controller
			temp += math.Copysign(math.Min(math.Abs(p.Target-temp), p.Rate/600), p.Target-temp)
			if err := c.Sleep(100 * time.Millisecond); err != nil {
				return heated{}, err // cancelled, stopped or out of time
			}
		}
		held := 0.0
		for c.Resumed(&held); held < p.Hold; held += 0.5 {
			c.Progress(held / p.Hold)
			if err := c.Checkpoint(held); err != nil {
				return heated{}, err
			}
			if err := c.Sleep(500 * time.Millisecond); err != nil {
				return heated{}, err
			}
		}
		return heated{temp}, nil
	}, sdk.Resume, sdk.Orphan(sdk.OrphanFinish, 10*time.Minute), sdk.Example(heat{26, 600, 0}))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := dev.Run(ctx, mqtt.Dialer(mqtt.Options{URL: os.Args[3]})); err != nil {
		log.Fatal(err)
	}
}
