package conformance

import (
	"context"
	"fmt"
	"slices"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/lab"
)

// hands are the checks of samples that change hands. They move a sample only on
// a simulated device, where nobody has to hold one.
var hands = []Check{
	{Name: "hand.described", Title: "a device with slots has give, take and clear, with the slots that it names", Needs: "M", raw: true, run: func(_ context.Context, b *bench) error {
		for _, name := range []string{devices.Give, devices.Take, devices.Clear} {
			a, ok := b.about.Find(name)
			if !ok {
				return fmt.Errorf("there is no action %s", name)
			}
			for _, want := range []string{"slot", "sample", "token"} {
				if !slices.ContainsFunc(a.Params, func(p lab.ParamSpec) bool { return p.Name == want && p.Type == "string" && p.Required }) {
					return fmt.Errorf("%s has no required text %s", name, want)
				}
			}
			i := slices.IndexFunc(a.Params, func(p lab.ParamSpec) bool { return p.Name == "slot" })
			if !slices.Equal(a.Params[i].Enum, b.about.Slots) {
				return fmt.Errorf("%s.slot allows %v; ldp:slots has %v", name, a.Params[i].Enum, b.about.Slots)
			}
		}
		return nil
	}},
	{Name: "hand.state", Title: "the state tells of every slot, and of no other", Needs: "M", run: func(ctx context.Context, b *bench) error {
		return b.soon(ctx, "every slot in the state", func() bool {
			var names []string
			for _, s := range b.last().Slots {
				names = append(names, s.Slot)
			}
			return slices.Equal(slices.Sorted(slices.Values(names)), slices.Sorted(slices.Values(b.about.Slots)))
		})
	}},
	{Name: "hand.not-there", Title: "what is not in a slot is not given", Needs: "M", run: func(ctx context.Context, b *bench) error {
		return b.refuse(ctx, b.hand(devices.Give, b.about.Slots[0], "nobody-has-it", b.new()), devices.Interlock)
	}},
	{Name: "hand.token", Title: "a handover without a token that is an id, or of a slot that is none, is refused", Needs: "M", run: func(ctx context.Context, b *bench) error {
		for _, o := range []order{
			b.hand(devices.Take, b.about.Slots[0], "S", "not an id"), b.hand(devices.Take, b.about.Slots[0], "S", ""), b.hand(devices.Take, "no-such-slot", "S", b.new()),
			b.hand(devices.Take, b.about.Slots[0], "", b.new()),
		} {
			if err := b.refuse(ctx, o, devices.BadParams); err != nil {
				return err
			}
		}
		return nil
	}},
	{Name: "hand.clear-unknown", Title: "what is at no handover is not cleared", Needs: "M", run: func(ctx context.Context, b *bench) error {
		return b.refuse(ctx, b.hand(devices.Clear, b.about.Slots[0], "", b.new()), devices.Interlock)
	}},
	{Name: "hand.round", Title: "a sample is taken and given, each cleared by its own token, and the state tells it", Needs: "M", run: func(ctx context.Context, b *bench) error {
		return b.taken(ctx, func(slot, sample, token string) error {
			if err := b.holds(ctx, slot, sample, true); err != nil {
				return err
			}
			if err := b.clear(ctx, slot, sample, token); err != nil {
				return err
			}
			if err := b.holds(ctx, slot, sample, false); err != nil {
				return err
			}
			// It is full now.
			if err := b.refuse(ctx, b.hand(devices.Take, slot, "another", b.new()), devices.Interlock); err != nil {
				return err
			}
			return nil
		})
	}},
	{Name: "hand.interlock", Title: "until a slot is cleared by the right token nothing else moves", Needs: "M", run: func(ctx context.Context, b *bench) error {
		return b.taken(ctx, func(slot, sample, token string) error {
			if err := b.with(ctx, nil, devices.Interlock); err != nil {
				return err
			}
			if err := b.refuse(ctx, b.hand(devices.Clear, slot, sample, b.new()), devices.Interlock); err != nil {
				return err
			}
			if err := b.refuse(ctx, b.hand(devices.Give, slot, sample, b.new()), devices.Interlock); err != nil {
				return err
			}
			return b.clear(ctx, slot, sample, token)
		})
	}},
	{Name: "hand.survives", Title: "a handover that waits to be cleared survives the death of the process", Needs: "ML", run: func(ctx context.Context, b *bench) error {
		return b.taken(ctx, func(slot, sample, token string) error {
			if err := b.crash(ctx); err != nil {
				return err
			}
			if err := b.lease(ctx, 60); err != nil {
				return err
			}
			b.beat(0)
			if err := b.holds(ctx, slot, sample, true); err != nil {
				return err
			}
			if err := b.with(ctx, nil, devices.Interlock); err != nil {
				return err
			}
			return b.clear(ctx, slot, sample, token)
		})
	}},
}

func (b *bench) hand(name, slot, sample, token string) order {
	return b.order(name, fields{"slot": slot, "sample": sample, "token": token}, nil)
}

// holds waits for a slot in the state, out under a handover or not.
func (b *bench) holds(ctx context.Context, slot, sample string, out bool) error {
	return b.soon(ctx, fmt.Sprintf("%q in slot %s, out %t, in the state", sample, slot, out), func() bool {
		s := b.last()
		return s.Boot == b.conn.Boot && slices.ContainsFunc(s.Slots, func(x devices.Slot) bool { return x.Slot == slot && x.Sample == sample && (x.Handover != nil) == out })
	})
}

func (b *bench) clear(ctx context.Context, slot, sample, token string) error {
	_, err := b.done(ctx, b.hand(devices.Clear, slot, sample, token))
	return err
}

// taken takes a sample into a free slot, does f, and gives it away again.
func (b *bench) taken(ctx context.Context, f func(slot, sample, token string) error) error {
	if !b.about.Simulated {
		return skip("the device is not simulated, and nobody hands it a sample")
	}
	slots := b.state().Slots
	i := slices.IndexFunc(slots, func(s devices.Slot) bool { return s.Sample == "" && s.Handover == nil })
	if i < 0 {
		return skip("no slot is free")
	}
	slot, sample, token := slots[i].Slot, "kit-sample", b.new()
	if _, err := b.done(ctx, b.hand(devices.Take, slot, sample, token)); err != nil {
		return err
	}
	if err := f(slot, sample, token); err != nil {
		_ = b.clear(ctx, slot, sample, token) // so that the device is of use for the next check
		return err
	}
	back := b.new()
	if _, err := b.done(ctx, b.hand(devices.Give, slot, sample, back)); err != nil {
		return err
	}
	return b.clear(ctx, slot, "", back)
}
