package sim

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/devices/sdk"
	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/sim/instrument"
)

// disturbed are the power and the link of a device, which fail as its
// description says. It outlives the device's restarts.
type disturbed struct {
	bench *instrument.Bench
	id    string

	mu   sync.Mutex
	cut  map[string]bool // commands at which the power has failed
	down time.Time       // until when the link is
}

// crash reports whether the device loses power here: once at a command, before
// its end is written down.
func (d *disturbed) crash(p sdk.Point, command string) bool {
	if p != sdk.BeforeEnd || !d.bench.Disturbed(d.id, command, instrument.PowerCut) {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	first := !d.cut[command]
	d.cut[command] = true
	return first
}

// dial returns a dialer whose links flap, and bring commands twice.
func (d *disturbed) dial(dial devices.Dialer) devices.Dialer {
	return func(ctx context.Context, s devices.Session) (devices.Bus, error) {
		s.Subscriptions = slices.Clone(s.Subscriptions)
		for i, sub := range s.Subscriptions {
			s.Subscriptions[i].Handle = func(ctx context.Context, m devices.Message) {
				if _, _, leaf, ok := devices.ParseTopic(m.Topic); ok && leaf == devices.LeafCmd {
					if c, err := devices.DecodeCmd(m.Payload); err == nil && d.arrives(c.ID) {
						sub.Handle(ctx, m)
					}
				}
				if d.up() {
					sub.Handle(ctx, m)
				}
			}
		}
		bus, err := dial(ctx, s)
		return flapping{bus, d}, err
	}
}

// arrives takes the link down when a command comes and the flap strikes, once a
// command, and reports whether the command comes twice.
func (d *disturbed) arrives(command string) (twice bool) {
	flap := d.bench.Disturbed(d.id, command, instrument.Flap)
	twice = d.bench.Disturbed(d.id, command, instrument.Duplicate)
	d.mu.Lock()
	defer d.mu.Unlock()
	if key := "flap " + command; flap && !d.cut[key] {
		d.cut[key] = true
		d.down = time.Now().Add(time.Duration(instrument.FlapS * float64(time.Second)))
		return false
	}
	return twice
}

func (d *disturbed) up() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return time.Now().After(d.down)
}

// flapping is the bus of a device whose link is gone now and then.
type flapping struct {
	devices.Bus
	d *disturbed
}

// Publish implements [devices.Bus].
func (b flapping) Publish(ctx context.Context, msgs ...devices.Message) error {
	if !b.d.up() {
		return lab.Errorf(lab.Unavailable, "publish to %s: the simulated link is down", msgs[0].Topic)
	}
	return b.Bus.Publish(ctx, msgs...)
}
