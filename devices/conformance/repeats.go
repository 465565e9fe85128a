package conformance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/lab"
)

// copies is how often one command is sent at once.
const copies = 20

// repeats are the checks that nothing happens twice.
var repeats = []Check{
	{Name: "repeat.answer", Title: "a resend is answered with what was said first, marked dup, and newer", Needs: "C", run: func(ctx context.Context, b *bench) error {
		first, o, err := b.one(ctx)
		if err != nil {
			return err
		}
		if err := b.send(ctx, o); err != nil {
			return err
		}
		again, err := b.await(ctx, o.id, "the repeated answer (dup)", 1, dup)
		if err != nil {
			return err
		}
		if again.State != first.State || again.Effect != first.Effect || !bytes.Equal(again.Result, first.Result) || !again.TS.Equal(first.TS) {
			return fmt.Errorf("the second answer is %s; want the first one, %s", again.raw, first.raw)
		}
		if !again.Newer(first.Boot, first.N) {
			return fmt.Errorf("the second answer is (%d, %d) after (%d, %d); want it newer", again.Boot, again.N, first.Boot, first.N)
		}
		return nil
	}},
	{Name: "repeat.once", Title: "a resend moves nothing", Needs: "C", run: func(ctx context.Context, b *bench) error {
		_, o, err := b.one(ctx)
		if err != nil {
			return err
		}
		if err := b.send(ctx, o); err != nil {
			return err
		}
		if _, err := b.await(ctx, o.id, "a second answer", 1, func(e heardEvent) bool { return e.Dup || e.State == lab.CommandRejected }); err != nil {
			return err
		}
		return b.ranOnce(ctx, o)
	}},
	{Name: "repeat.burst", Title: "many copies at once are one command", Needs: "C", run: func(ctx context.Context, b *bench) error {
		q, err := b.quick()
		if err != nil {
			return err
		}
		o := b.order(q.action.Name, q.params, nil)
		for range copies {
			if err := b.send(ctx, o); err != nil {
				return err
			}
		}
		if _, err := b.await(ctx, o.id, "the end", 1, ended); err != nil {
			return err
		}
		return b.ranOnce(ctx, o)
	}},
	{Name: "repeat.running", Title: "a resend of a command at work is answered with how far it is", Needs: "C", run: func(ctx context.Context, b *bench) error {
		o, _, err := b.begin(ctx)
		if err != nil {
			return err
		}
		if err := b.send(ctx, o); err != nil {
			return err
		}
		e, err := b.await(ctx, o.id, "the repeated answer (dup)", 1, dup)
		if err == nil && e.State != lab.CommandRunning {
			err = fmt.Errorf("it was answered %s; want running", brief(e))
		}
		if err == nil {
			err = b.ranOnce(ctx, o)
		}
		return err
	}},
	{Name: "repeat.refused", Title: "a resend of a command that was refused for good is refused alike", Needs: "C", run: func(ctx context.Context, b *bench) error {
		o := b.order(noSuch, fields{}, nil)
		if err := b.refuse(ctx, o, devices.UnknownCommand); err != nil {
			return err
		}
		if err := b.send(ctx, o); err != nil {
			return err
		}
		e, err := b.await(ctx, o.id, "the repeated refusal (dup)", 1, dup)
		if err == nil && (e.State != lab.CommandRejected || e.Code != devices.UnknownCommand) {
			err = fmt.Errorf("it was answered %s; want rejected unknown_command", brief(e))
		}
		return err
	}},
	{Name: "repeat.other-bytes", Title: "another command under a known id is refused, and the first one stays", Needs: "C", run: func(ctx context.Context, b *bench) error {
		return b.impostor(ctx, func(o order, q example) []byte {
			return b.order(q.action.Name, q.params, fields{"id": o.id, "timeout_s": 601}).body
		})
	}},
	{Name: "repeat.other-spaces", Title: "the same command in other bytes under a known id is refused", Needs: "C", run: func(ctx context.Context, b *bench) error {
		return b.impostor(ctx, func(o order, _ example) []byte { return append(bytes.Clone(o.body), ' ') })
	}},
	{Name: "repeat.status", Title: "ctl status tells what is known of a command", Needs: "C", run: func(ctx context.Context, b *bench) error {
		_, o, err := b.one(ctx)
		if err != nil {
			return err
		}
		if err := b.ctl(ctx, fields{"op": "status", "target": o.id}); err != nil {
			return err
		}
		e, err := b.await(ctx, o.id, "the repeated answer (dup)", 1, dup)
		if err == nil && e.State != lab.CommandDone {
			err = fmt.Errorf("status was answered %s; want done", brief(e))
		}
		return err
	}},
	{Name: "repeat.state", Title: "ctl status makes the device publish its state", run: func(ctx context.Context, b *bench) error {
		if err := pause(ctx, stateEvery); err != nil { // what was to be said before has been
			return err
		}
		b.mu.Lock()
		n := len(b.states)
		b.mu.Unlock()
		if err := b.ctl(ctx, fields{"op": "status"}); err != nil {
			return err
		}
		return b.soon(ctx, "a state after ctl status", func() bool { return len(b.states) > n })
	}},
}

// ranOnce wants a command to have been accepted and run once, whatever the
// device had still to handle.
func (b *bench) ranOnce(ctx context.Context, o order) error {
	if _, err := b.fence(ctx); err != nil {
		return err
	}
	counts := map[lab.CommandState]int{}
	b.mu.Lock()
	for _, e := range b.all(o.id) {
		if !e.Dup {
			counts[e.State]++
		}
	}
	b.mu.Unlock()
	if counts[lab.CommandAccepted] != 1 || counts[lab.CommandRejected] > 0 || counts[lab.CommandDone] > 1 {
		return fmt.Errorf("one command was accepted %d times, rejected %d times and done %d times; want it accepted and done once, and every copy answered with that",
			counts[lab.CommandAccepted], counts[lab.CommandRejected], counts[lab.CommandDone])
	}
	return nil
}

// impostor sends other bytes under the id of a command that is done.
func (b *bench) impostor(ctx context.Context, other func(order, example) []byte) error {
	_, o, err := b.one(ctx)
	if err != nil {
		return err
	}
	q, _ := b.quick()
	if err := b.send(ctx, order{o.id, other(o, q)}); err != nil {
		return err
	}
	e, err := b.await(ctx, o.id, "an answer to the other bytes", 1, func(e heardEvent) bool { return e.Dup || e.State == lab.CommandRejected })
	if err != nil {
		return err
	}
	if e.Code != devices.BadMessage {
		return fmt.Errorf("other bytes were answered %s; want rejected bad_message", brief(e))
	}
	if err := b.send(ctx, o); err != nil {
		return err
	}
	e, err = b.await(ctx, o.id, "the first command's answer (dup)", 1, dup)
	if err == nil && e.State != lab.CommandDone {
		err = fmt.Errorf("after the impostor, the first command is %s; want done", brief(e))
	}
	if err == nil && !slices.Contains(b.said(o.id), lab.CommandDone) {
		err = errors.New("the first command was never done")
	}
	return err
}
