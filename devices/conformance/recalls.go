package conformance

import (
	"context"
	"fmt"
	"slices"

	"github.com/athanor-lab/athanor/devices"
)

// recalls are the checks of what a device says that it was told, which a
// laboratory asks whose record is older than the device's journal.
var recalls = []Check{
	{Name: "recall.told", Title: "the device says what it was told, byte by byte and in order, what it refused and wrote down among it", Needs: "L", run: func(ctx context.Context, b *bench) error {
		return b.recalls(ctx, func() error { return nil })
	}},
	{Name: "recall.crash", Title: "so it does after a crash", Needs: "L", run: func(ctx context.Context, b *bench) error {
		return b.recalls(ctx, func() error { return b.crash(ctx) })
	}},
}

// recalls has a command done, one refused for good and one done, and wants the
// last two of them recalled from after the first.
func (b *bench) recalls(ctx context.Context, meanwhile func() error) error {
	if minor := devices.MinorOf(b.td); minor < 3 {
		return skip("the device is of LDP 1.%d, and recall is of 1.3", minor)
	}
	_, first, err := b.one(ctx)
	if err != nil {
		return err
	}
	q, err := b.quick()
	if err != nil {
		return err
	}
	// With what a writer of JSON may be tempted to change.
	refused := b.order(q.action.Name, q.params, fields{"after": []string{b.new()}, "sig": "<&> é"})
	if err := b.refuse(ctx, refused, devices.DependencyFailed); err != nil {
		return err
	}
	_, last, err := b.one(ctx)
	if err != nil {
		return err
	}
	if err := meanwhile(); err != nil {
		return err
	}
	var got []string
	for after := first.id; ; {
		id := b.new()
		if err := b.ctl(ctx, fields{"id": id, "op": "recall", "target": after}); err != nil {
			return err
		}
		var page devices.Recall
		if err := b.soon(ctx, "a page of what it was told", func() bool {
			i := slices.IndexFunc(b.pages, func(p devices.Recall) bool { return p.ID == id })
			if i >= 0 {
				page = b.pages[i]
			}
			return i >= 0
		}); err != nil {
			return err
		}
		got = append(got, page.Commands...)
		if !page.More {
			break
		}
		c, err := devices.DecodeCmd([]byte(page.Commands[len(page.Commands)-1]))
		if err != nil {
			return err
		}
		after = c.ID
	}
	if want := []string{string(refused.body), string(last.body)}; !slices.Equal(got, want) {
		return fmt.Errorf("after %s it says that it was told %q; want %q", first.id, got, want)
	}
	return nil
}
