package workflows

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/athanor-lab/athanor/lab"
)

// Past knows what devices were told after the backup that the record was restored
// from. A step that was decided then is decided alike: the same devices and the
// same slots, so that asking again is answered with what was done.
type Past interface {
	// Told returns the command that some device was told under an id and the
	// record does not know: its device, name, parameters and samples. It is
	// lab.Unavailable while devices are still to say what they were told.
	Told(ctx context.Context, id lab.CommandID) (lab.Command, bool, error)
}

// WithPast returns a that decides as was decided after the backup.
func WithPast(a *Activities, p Past) *Activities {
	a.past = p
	return a
}

// told returns what was told after the backup as a part of a step.
func (a *Activities) told(ctx context.Context, in Preparation, name string, part int) (lab.Command, bool, error) {
	if a.past == nil {
		return lab.Command{}, false, nil
	}
	return a.past.Told(ctx, lab.CommandIDOf(in.Proposal.ExperimentID, name, in.Intent, part))
}

// PartsOf returns the ids of the commands that an attempt at a step of an experiment
// may consist of, but for those that clear slots or make room.
func PartsOf(e lab.ExperimentID, step string, intent int) []lab.CommandID {
	ids := make([]lab.CommandID, partDiscard)
	for part := range ids {
		ids[part] = lab.CommandIDOf(e, step, intent, part)
	}
	return ids
}

// Followed is which devices did a step after the backup that the record was
// restored from, as far as they have it; "" is nobody.
type Followed struct{ Does, To string }

// Follow returns the devices that were told a step of an experiment since the
// backup, so that it is reserved where it was done.
func Follow(ctx context.Context, past Past, e lab.ExperimentID, step string) (Followed, error) {
	var f Followed
	for _, part := range []struct {
		part int
		in   *string
	}{{0, &f.Does}, {partFetch + 1, &f.Does}, {partDeliver, &f.Does}, {partDeliver + 1, &f.To}} {
		c, ok, err := past.Told(ctx, lab.CommandIDOf(e, step, 1, part.part))
		if err != nil {
			return f, err
		}
		if !ok || *part.in != "" {
			continue
		}
		*part.in = c.Device
		if to := toldOf(c).To; part.part == 0 && to != "" { // a transfer by the carrier's word alone
			f.To = to
		}
		if to := placeOf(toldOf(c).Peer).Device; part.part == partDeliver && to != "" {
			f.To = to
		}
	}
	return f, nil
}

// handingParams are the parameters of a command that moves a sample.
type handingParams struct{ Slot, Peer, To string }

func toldOf(c lab.Command) (p handingParams) {
	_ = json.Unmarshal(c.Params, &p) // another's parameters have none of these, or of another type
	return p
}

func placeOf(peer string) lab.Place {
	i := strings.LastIndexByte(peer, ':')
	if i < 0 {
		return lab.Place{}
	}
	return lab.Place{Device: peer[:i], Slot: peer[i+1:]}
}

// toldSlot returns the slot into which a handover went after the backup, "" when
// neither side was told of it there.
func (a *Activities) toldSlot(ctx context.Context, in Preparation, to string, part int) (string, error) {
	take, ok, err := a.told(ctx, in, in.Node.ID, part+1)
	if err != nil || ok && take.Device == to {
		return toldOf(take).Slot, err
	}
	give, ok, err := a.told(ctx, in, in.Node.ID, part)
	if peer := placeOf(toldOf(give).Peer); ok && peer.Device == to {
		return peer.Slot, err
	}
	return "", err
}

// followed makes of the room that a device has the slot that was taken there after
// the backup. It is the step's as soon as the record has it empty; who was in it
// then has left, by this step's command or by another's that is yet to be asked
// about.
func (a *Activities) followed(ctx context.Context, in Preparation, device, slot string) (lab.Room, error) {
	room, err := a.samples.Room(ctx, device, slot)
	if err != nil || slot == "" || room.Free != "" {
		return room, err
	}
	if room.Spent != nil {
		if _, ok, err := a.told(ctx, in, discarding(in, *room.Spent), partDiscard); err != nil || ok {
			return room, err
		}
	}
	return lab.Room{}, lab.Errorf(lab.Unavailable, "slot %s:%s, where the sample went after the backup, is not free on record yet", device, slot)
}

// discarding is the name of what makes room for a step.
func discarding(in Preparation, spent lab.Placement) string {
	return in.Node.ID + ".discard." + spent.Sample
}
