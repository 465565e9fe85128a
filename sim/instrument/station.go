package instrument

import (
	"strings"
	"time"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/devices/sdk"
	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/sim/world"
)

// handEvery is how often a station looks whether the other side has moved the
// sample, in time of the wall.
const handEvery = 5 * time.Millisecond

// station gives a device slots. The carrier does the movement; a station holds
// still, looks, and says when the sample has left or come. What is in a slot is
// seen by a sensor, so a station that dies at a handover knows how it ended.
func (b *Bench) station(dev *sdk.Device, id string, slots []string) {
	if len(slots) == 0 {
		return
	}
	dev.Hands(sdk.Hands{
		Slots: slots,
		Give: func(c *sdk.Ctx, h sdk.Handing) (string, error) {
			return "", b.await(c, func() bool { return b.World.In(id, h.Slot) != h.Sample })
		},
		Take: func(c *sdk.Ctx, h sdk.Handing) (string, error) {
			return h.Sample, b.await(c, func() bool { return b.World.In(id, h.Slot) == h.Sample })
		},
		Look: func(slot string) sdk.Seen {
			sample := b.World.In(id, slot)
			return sdk.Seen{Known: true, Present: sample != "", Read: sample}
		},
	})
	b.discards(dev, id)
}

// await waits for the other side. Who is interrupted before has done nothing.
func (b *Bench) await(c *sdk.Ctx, moved func() bool) error {
	for !moved() {
		if err := c.Sleep(handEvery); err != nil {
			if moved() {
				return nil
			}
			return harmless(err)
		}
	}
	return nil
}

// wasteS is how long it takes to throw a vial away, in seconds of the world.
const wasteS = 10

// discards lets a device throw away what is in a slot of it.
func (b *Bench) discards(dev *sdk.Device, id string) {
	sdk.Handle(dev, devices.Discard, func(c *sdk.Ctx, _ struct{}) (struct{}, error) {
		sample, err := sampleOf(c)
		if err != nil {
			return struct{}{}, err
		}
		if _, done := b.final(c); !done {
			if err := b.World.Clock.Sleep(c, wasteS); err != nil {
				return struct{}{}, harmless(err)
			}
			if err := b.record(c, id, world.Effect{Effect: world.Discarded, Final: true, Sample: sample, From: id, To: world.Waste}, nil); err != nil {
				return struct{}{}, err
			}
		}
		return struct{}{}, b.emptied(dev, c)
	}, sdk.Probe(func(c *sdk.Ctx) (sdk.Found, any, error) {
		if _, done := b.final(c); !done {
			return sdk.Undone, nil, nil
		}
		return sdk.Done, nil, b.emptied(dev, c)
	}))
}

// emptied notes that the slot of a command is empty.
func (b *Bench) emptied(dev *sdk.Device, c *sdk.Ctx) error {
	if slot := c.Samples()[0].Slot; slot != "" {
		return dev.SetSlot(slot, "")
	}
	return nil
}

// peerOf returns the device and the slot at the other end of a handover.
func peerOf(h sdk.Handing) lab.Place {
	i := strings.LastIndexByte(h.Peer, ':')
	if i < 0 {
		return lab.Place{}
	}
	return lab.Place{Device: h.Peer[:i], Slot: h.Peer[i+1:]}
}

// hands gives a robot its gripper as a slot. It does all movements: take drives
// to the other side and picks, give carries there and places.
func (r Robot) hands(dev *sdk.Device, id string, where *position) {
	if len(r.Slots) == 0 {
		return
	}
	dev.Hands(sdk.Hands{
		Slots: r.Slots,
		Take: func(c *sdk.Ctx, h sdk.Handing) (string, error) {
			peer := peerOf(h)
			e, err := r.errand(c, id, transfer{From: peer.Device, To: peer.Device, Sample: h.Sample})
			if err != nil {
				return "", err
			}
			missed := e.rand.Float64() < e.Faults.Grasp
			if last, ended := e.Bench.final(c); ended {
				if last.Effect == world.Missed {
					return "", e.missed()
				}
				return h.Sample, nil
			}
			if err := e.charge(); err != nil {
				return "", err
			}
			return h.Sample, e.pick(where, missed, world.Effect{Effect: world.Picked, Final: true, Slot: h.Slot})
		},
		Give: func(c *sdk.Ctx, h sdk.Handing) (string, error) {
			peer := peerOf(h)
			e, err := r.errand(c, id, transfer{From: peer.Device, To: peer.Device, Sample: h.Sample})
			if err != nil {
				return "", err
			}
			dropped := e.rand.Float64() < e.Faults.Drop
			if _, ended := e.Bench.final(c); ended {
				return "", nil
			}
			if from := where.get(); from != "" {
				e.p.From = from
			}
			_, err = e.carry(where, dropped, peer.Slot)
			if s, _ := r.Bench.World.Sample(h.Sample); err != nil && s.Place == id { // it holds it as before
				return "", harmless(err)
			}
			return "", err
		},
		Look: func(slot string) sdk.Seen {
			held := r.Bench.World.At(id)
			if len(held) == 0 {
				return sdk.Seen{Known: true}
			}
			return sdk.Seen{Known: true, Present: true, Read: held[0]}
		},
	})
	r.Bench.discards(dev, id)
}
