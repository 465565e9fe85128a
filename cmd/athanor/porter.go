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
}

// Whereabouts implements [workflows.Samples].
func (p porter) Whereabouts(ctx context.Context, sample string) (lab.Placement, error) {
	return p.db.Whereabouts(ctx, sample)
}

// Room implements [workflows.Samples]. What a device cannot throw away is not
// spent.
func (p porter) Room(ctx context.Context, device string) (lab.Room, error) {
	d, err := p.fleet.device(ctx, device)
	if err != nil || len(d.Slots) == 0 {
		return lab.Room{}, err
	}
	slots := make([]string, len(d.Slots))
	for i, s := range d.Slots {
		slots[i] = s.Slot
	}
	room, err := p.db.Room(ctx, device, slots)
	if room.Spent != nil {
		if _, err := p.fleet.spec(device, lab.CommandDiscard); err != nil {
			room.Spent = nil
		}
	}
	return room, err
}
