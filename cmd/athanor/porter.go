package main

import (
	"context"

	"github.com/athanor-lab/athanor/devices/gateway"
	"github.com/athanor-lab/athanor/internal/postgres"
	"github.com/athanor-lab/athanor/lab"
)

// porter is the workflows' way to samples: where they are, from the ledger, and
// from hand to hand, by the devices.
type porter struct {
	*gateway.Dispatcher
	db    *postgres.DB
	fleet *fleet

	restored bool // the record is, or was, behind devices that went on
}

// Whereabouts implements [workflows.Samples].
func (p porter) Whereabouts(ctx context.Context, sample string) (lab.Placement, error) {
	return p.db.Whereabouts(ctx, sample)
}

// Room implements [workflows.Samples]. What a device cannot throw away is not
// spent.
func (p porter) Room(ctx context.Context, device, slot string) (lab.Room, error) {
	d, err := p.fleet.device(ctx, device)
	if err != nil || len(d.Slots) == 0 {
		return lab.Room{}, err
	}
	slots := []string{slot}
	if slot == "" {
		if slots, err = p.undisputed(ctx, d); err != nil {
			return lab.Room{}, err
		}
	}
	room, err := p.db.Room(ctx, device, slots)
	room.Slots = true
	if room.Spent != nil {
		if _, err := p.fleet.spec(device, lab.CommandDiscard); err != nil {
			room.Spent = nil
		}
	}
	return room, err
}

// undisputed returns a device's slots. After a restore it leaves out those of
// which the device and the record say different things: what is there was put
// there after the backup.
func (p porter) undisputed(ctx context.Context, d lab.Device) ([]string, error) {
	slots := make([]string, 0, len(d.Slots))
	onRecord := map[lab.Place]string{}
	if p.restored {
		var err error
		if d, err = p.db.Device(ctx, d.ID); err != nil { // the fleet's copy is some seconds old
			return nil, err
		}
		all, err := p.db.Placements(ctx)
		if err != nil {
			return nil, err
		}
		for _, at := range all {
			onRecord[at.Place] = at.Sample
		}
	}
	for _, s := range d.Slots {
		if !p.restored || s.Sample == onRecord[lab.Place{Device: d.ID, Slot: s.Slot}] {
			slots = append(slots, s.Slot)
		}
	}
	return slots, nil
}
