package conformance

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/lab"
)

// malformed is how many malformed messages the kit sends.
const malformed = 300

// refusals are the checks of messages that are not of the contract. None may
// move anything; one whose id can be read is answered.
var refusals = []Check{
	{Name: "refuse.unknown-command", Title: "a command that the descriptor does not have is refused", Needs: "C", run: func(ctx context.Context, b *bench) error {
		return b.refuse(ctx, b.order(noSuch, fields{}, nil), devices.UnknownCommand)
	}},
	{Name: "refuse.expired", Title: "a command that comes too late is refused", Needs: "C", run: func(ctx context.Context, b *bench) error {
		return b.with(ctx, fields{"expires": time.Now().Add(-time.Minute).UTC()}, devices.Expired)
	}},
	{Name: "refuse.no-expiry", Title: "a command that is not repeatable is refused without an expiry", Needs: "C", run: func(ctx context.Context, b *bench) error {
		with, _ := b.examples()
		for _, x := range with {
			if x.action.Recovery != devices.Repeat {
				return b.refuse(ctx, b.order(x.action.Name, x.params, fields{"expires": nil}), devices.BadMessage)
			}
		}
		return skip("no action with an example needs an expiry")
	}},
	{Name: "refuse.unknown-field", Title: "a command with a field that is not of the contract is refused", Needs: "C", run: func(ctx context.Context, b *bench) error {
		return b.with(ctx, fields{"force": true}, devices.BadMessage)
	}},
	{Name: "refuse.missing-field", Title: "a command without name, epoch or params is refused", Needs: "C", run: func(ctx context.Context, b *bench) error {
		for _, name := range []string{"name", "epoch", "params"} {
			if err := b.with(ctx, fields{name: nil}, devices.BadMessage); err != nil {
				return err
			}
		}
		return nil
	}},
	{Name: "refuse.wrong-type", Title: "a field of a wrong type is refused", Needs: "C", run: func(ctx context.Context, b *bench) error {
		for _, m := range []fields{
			{"name": 7},
			{"name": ""},
			{"name": "a b"},
			{"epoch": "1"},
			{"epoch": 1.5},
			{"epoch": 0},
			{"epoch": -1},
			{"epoch": true},
			{"params": []int{1}},
			{"params": "x"},
			{"expires": "soon"},
			{"expires": 5},
			{"expires": "2030-13-01T00:00:00Z"},
			{"timeout_s": "1"},
			{"after": "x"},
			{"after": []int{1}},
			{"samples": fields{}},
			{"samples": []string{"S"}},
			{"traceparent": "x"},
		} {
			if err := b.with(ctx, m, devices.BadMessage); err != nil {
				return err
			}
		}
		return nil
	}},
	{Name: "refuse.null", Title: "null where a field could be left out is refused", Needs: "C", run: func(ctx context.Context, b *bench) error {
		for _, name := range []string{"expires", "timeout_s", "after", "samples", "params"} {
			if err := b.with(ctx, fields{name: (*int)(nil)}, devices.BadMessage); err != nil {
				return err
			}
		}
		return nil
	}},
	{Name: "refuse.timeout", Title: "a timeout_s of 0 or less is refused", Needs: "C", run: func(ctx context.Context, b *bench) error {
		for _, s := range []float64{0, -1} {
			if err := b.with(ctx, fields{"timeout_s": s}, devices.BadMessage); err != nil {
				return err
			}
		}
		return nil
	}},
	{Name: "refuse.too-many", Title: "more than 64 commands in after, or 256 samples, are refused", Needs: "C", run: func(ctx context.Context, b *bench) error {
		after := strings.Fields(strings.Repeat("x ", 65))
		if err := b.with(ctx, fields{"after": after}, devices.BadMessage); err != nil {
			return err
		}
		samples := make([]lab.SampleRef, 257)
		for i := range samples {
			samples[i].ID = fmt.Sprint("S", i)
		}
		return b.with(ctx, fields{"samples": samples}, devices.BadMessage)
	}},
	{Name: "refuse.repeated-key", Title: "a command with a repeated key is refused", Needs: "C", run: func(ctx context.Context, b *bench) error {
		return b.mangled(ctx, true, func(s string) string { return strings.Replace(s, `"epoch":`, `"epoch":1,"epoch":`, 1) })
	}},
	{Name: "refuse.huge-number", Title: "a number beyond float64 is refused", Needs: "C", run: func(ctx context.Context, b *bench) error {
		return b.mangled(ctx, true, func(s string) string { return strings.Replace(s, `"epoch":`, `"timeout_s":1e999,"epoch":`, 1) })
	}},
	{Name: "refuse.not-a-number", Title: "NaN and Infinity, which are no JSON, move nothing", Needs: "C", run: func(ctx context.Context, b *bench) error {
		for _, x := range []string{"NaN", "Infinity", "-Infinity"} {
			if err := b.mangled(ctx, false, func(s string) string { return strings.Replace(s, `"epoch":`, `"timeout_s":`+x+`,"epoch":`, 1) }); err != nil {
				return err
			}
		}
		return nil
	}},
	{Name: "refuse.not-utf8", Title: "text that is not UTF-8 moves nothing", Needs: "C", run: func(ctx context.Context, b *bench) error {
		return b.mangled(ctx, false, func(s string) string { return strings.Replace(s, `"epoch":`, "\"sig\":\"\xff\",\"epoch\":", 1) })
	}},
	{Name: "refuse.deep", Title: "nesting deeper than 64 moves nothing", Needs: "C", run: func(ctx context.Context, b *bench) error {
		return b.mangled(ctx, false, func(s string) string {
			return strings.Replace(s, `"params":{`, `"params":{"x":`+strings.Repeat("[", 70)+strings.Repeat("]", 70)+`,`, 1)
		})
	}},
	{Name: "refuse.trailing", Title: "something after the object moves nothing", Needs: "C", run: func(ctx context.Context, b *bench) error {
		return b.mangled(ctx, false, func(s string) string { return s + "{}" })
	}},
	{Name: "refuse.truncated", Title: "half a command moves nothing", Needs: "C", run: func(ctx context.Context, b *bench) error {
		return b.mangled(ctx, false, func(s string) string { return s[:len(s)-1] })
	}},
	{Name: "refuse.oversize", Title: "a command of more than 64 KiB moves nothing", Needs: "C", run: func(ctx context.Context, b *bench) error {
		return b.mangled(ctx, false, func(s string) string { return s + strings.Repeat(" ", devices.MaxCmd) })
	}},
	{Name: "refuse.bad-id", Title: "a command whose id is no id moves nothing", Needs: "C", run: func(ctx context.Context, b *bench) error {
		for _, id := range []string{"", " ", "-x", "a/b", "a b", strings.Repeat("x", 129), "ä", "x\n"} {
			if err := b.mangled(ctx, false, func(s string) string {
				return strings.Replace(s, `"id":"`, `"id":`+string(marshal(id))+`,"was":"`, 1)
			}); err != nil {
				return err
			}
		}
		return nil
	}},
	{Name: "refuse.ctl-field", Title: "an operation with a field that is not of the contract is not done", Needs: "C", run: func(ctx context.Context, b *bench) error {
		if err := b.ctl(ctx, fields{"op": "stop", "force": true}); err != nil {
			return err
		}
		if err := b.ctl(ctx, fields{"op": "stop", "by": 5}); err != nil {
			return err
		}
		if err := b.ctl(ctx, fields{"op": "explode"}); err != nil {
			return err
		}
		_, _, err := b.one(ctx)
		return err
	}},
	{Name: "refuse.fuzz", Title: "the device lives through malformed messages, and none of them moves anything", Needs: "C", run: checkFuzz},
}

// with sends the quick command with members changed, which must be refused.
func (b *bench) with(ctx context.Context, m fields, code devices.Code) error {
	q, err := b.quick()
	if err != nil {
		return err
	}
	return b.refuse(ctx, b.order(q.action.Name, q.params, m), code)
}

// mangled sends the quick command in bytes that are no command, and wants it
// refused, or passed over where no id need be read from it.
func (b *bench) mangled(ctx context.Context, answered bool, how func(string) string) error {
	q, err := b.quick()
	if err != nil {
		return err
	}
	o := b.order(q.action.Name, q.params, nil)
	bad := order{o.id, []byte(how(string(o.body)))}
	if bytes.Equal(bad.body, o.body) {
		return fmt.Errorf("the kit failed to mangle %.300s", o.body)
	}
	if answered {
		return b.refuse(ctx, bad, devices.BadMessage)
	}
	b.mu.Lock()
	b.refused[o.id] = true
	b.mu.Unlock()
	if err := b.send(ctx, bad); err != nil {
		return err
	}
	if _, err := b.fence(ctx); err != nil {
		return fmt.Errorf("after %.200q: %w", bad.body, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.all(o.id) {
		if e.State != lab.CommandRejected || e.Code != devices.BadMessage {
			return fmt.Errorf("%.200q was answered %s; want it rejected bad_message, or passed over", bad.body, brief(e))
		}
	}
	return nil
}

// checkFuzz flips bits of messages, and cuts them.
func checkFuzz(ctx context.Context, b *bench) error {
	rng := rand.New(rand.NewPCG(b.cfg.Seed, 0))
	for i := range malformed {
		// Nothing here can move: the epoch has no lease, and the only stop
		// would be a flip that makes one of a text that is none.
		o := b.order(noSuch, fields{"x": 1.5, "y": []string{"z"}}, fields{"epoch": b.epoch + 1e6})
		leaf, body := devices.LeafCmd, o.body
		if i%3 == 0 {
			leaf, body = devices.LeafCtl, marshal(fields{"id": o.id, "op": "status", "target": o.id})
		}
		for range 1 + rng.IntN(4) {
			switch k := rng.IntN(len(body)); rng.IntN(4) {
			case 0:
				body = append(body[:k:k], body[k+1:]...)
			case 1:
				body = append(append(body[:k:k], byte(rng.IntN(256))), body[k:]...)
			default:
				body = bytes.Clone(body)
				body[k] ^= 1 << rng.IntN(8)
			}
		}
		if err := b.publish(ctx, leaf, body); err != nil {
			return fmt.Errorf("seed %d, message %d: %w", b.cfg.Seed, i, err)
		}
	}
	if _, _, err := b.one(ctx); err != nil {
		return fmt.Errorf("seed %d, after %d malformed messages: %w", b.cfg.Seed, malformed, err)
	}
	return nil
}
