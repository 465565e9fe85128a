package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/athanor-lab/athanor/devices/mqtt"
	"github.com/athanor-lab/athanor/devices/sdk"
)

// Devices is the role of a child that is many devices.
const Devices = "devices"

// fleet is which devices a child is.
type fleet struct {
	URL        string  `json:"url"`
	Prefix     string  `json:"prefix"`
	First      int     `json:"first"`
	Count      int     `json:"count"`
	PerCell    int     `json:"per_cell"` // devices that hear one beat
	Journals   string  `json:"journals"` // folder
	HeartbeatS float64 `json:"heartbeat_s"`
}

func (f fleet) id(n int) string { return fmt.Sprintf("%s-%05d", f.Prefix, n) }

// diallers is how many devices of a process connect at a time.
const diallers = 64

// RunDevices is the role [Devices]. Each device has two commands: do, which
// takes no time, and hold, which lasts until it is cancelled. Both are written
// to the device's journal as every command is.
func RunDevices(ctx context.Context, config []byte) error {
	var f fleet
	if err := json.Unmarshal(config, &f); err != nil {
		return fmt.Errorf("run devices: %w", err)
	}
	dial := mqtt.Dialer(mqtt.Options{URL: f.URL, Patience: time.Minute})
	var all errgroup.Group
	slots := make(chan struct{}, diallers)
	for n := f.First; n < f.First+f.Count; n++ {
		all.Go(func() error {
			d := sdk.New(sdk.Config{
				ID: f.id(n), Kind: "Bench", Capabilities: []string{"bench"}, Cell: fmt.Sprintf("cell-%d", n/f.PerCell),
				Journal: filepath.Join(f.Journals, f.id(n)+".journal"), Simulated: true,
				Heartbeat: time.Duration(f.HeartbeatS * float64(time.Second)),
			})
			sdk.Handle(d, "do", func(*sdk.Ctx, struct{}) (struct{}, error) { return struct{}{}, nil }, sdk.Repeat)
			sdk.Handle(d, "hold", func(c *sdk.Ctx, _ struct{}) (struct{}, error) {
				<-c.Done()
				return struct{}{}, context.Cause(c)
			}, sdk.Repeat)
			slots <- struct{}{}
			time.AfterFunc(time.Duration(diallers)*time.Millisecond, func() { <-slots }) // a thousand a second
			return d.Run(ctx, dial)
		})
	}
	return all.Wait()
}
