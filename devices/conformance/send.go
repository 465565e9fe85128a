package conformance

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/lab"
)

// fields are the members of a message.
type fields map[string]any

// noSuch is a command that no device has.
const noSuch = "no-such-command-of-any-device"

// order is a command as the kit sends it.
type order struct {
	id   string
	body []byte
}

// new returns an id that was never used.
func (b *bench) new() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.seq++
	return fmt.Sprintf("%s.%d", b.id, b.seq)
}

// order writes a command; with changes members, and removes those that are nil.
func (b *bench) order(name string, params any, with fields) order {
	m := fields{"id": b.new(), "name": name, "epoch": b.epoch, "params": params, "expires": time.Now().Add(10 * time.Minute).UTC().Format(time.RFC3339)}
	if len(b.cfg.Samples) > 0 {
		m["samples"] = b.cfg.Samples
	}
	maps.Copy(m, with)
	maps.DeleteFunc(m, func(_ string, v any) bool { return v == nil })
	id, _ := m["id"].(string)
	b.mu.Lock()
	b.names[id] = name
	b.mu.Unlock()
	return order{id, marshal(m)}
}

func (b *bench) send(ctx context.Context, o order) error {
	if o.id != "" {
		b.mu.Lock()
		b.sent = append(b.sent, o.id)
		b.mu.Unlock()
	}
	return b.publish(ctx, devices.LeafCmd, o.body)
}

func (b *bench) publish(ctx context.Context, leaf devices.Leaf, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, b.cfg.Patience)
	defer cancel()
	for {
		err := b.bus.Publish(ctx, devices.Message{Topic: devices.Topic(b.cfg.Lab, b.cfg.Device, leaf), Payload: body, QoS: 1})
		// The kit's own link may be the last to be back.
		if lab.KindOf(err) != lab.Unavailable || pause(ctx, 20*time.Millisecond) != nil {
			return err
		}
	}
}

// ctl sends an operation, with an id if it has none.
func (b *bench) ctl(ctx context.Context, m fields) error {
	if _, ok := m["id"]; !ok {
		m["id"] = b.new()
	}
	return b.publish(ctx, devices.LeafCtl, marshal(m))
}

func (b *bench) lease(ctx context.Context, ttl float64) error {
	return b.ctl(ctx, fields{"op": "lease", "epoch": b.epoch, "holder": b.id, "ttl_s": ttl})
}

// all returns what was said of a command. b.mu must be held.
func (b *bench) all(id string) []heardEvent {
	return slices.DeleteFunc(slices.Clone(b.events), func(e heardEvent) bool { return e.ID != id })
}

// said returns the states that a command went through, repetitions and reports
// of progress aside.
func (b *bench) said(id string) []lab.CommandState {
	b.mu.Lock()
	defer b.mu.Unlock()
	var states []lab.CommandState
	for _, e := range b.all(id) {
		if !e.Dup && (len(states) == 0 || states[len(states)-1] != e.State) {
			states = append(states, e.State)
		}
	}
	return states
}

// await waits for the n-th event of a command for which ok holds.
func (b *bench) await(ctx context.Context, id, what string, n int, ok func(heardEvent) bool) (heardEvent, error) {
	var found heardEvent
	err := b.soon(ctx, fmt.Sprintf("%s of command %s", what, id), func() bool {
		k := 0
		for _, e := range b.all(id) {
			if ok(e) {
				if k++; k == n {
					found = e
					return true
				}
			}
		}
		return false
	})
	if err != nil {
		b.mu.Lock()
		for _, e := range b.all(id) {
			err = fmt.Errorf("%w; it said %s", err, brief(e))
		}
		b.mu.Unlock()
	}
	return found, err
}

func brief(e heardEvent) string {
	text := string(e.State)
	if e.Code != "" {
		text += " " + string(e.Code)
	}
	if e.Dup {
		text += " (dup)"
	}
	if e.Error != "" {
		text += fmt.Sprintf(": %.200s", e.Error)
	}
	return text
}

func is(states ...lab.CommandState) func(heardEvent) bool {
	return func(e heardEvent) bool { return !e.Dup && slices.Contains(states, e.State) }
}

func ended(e heardEvent) bool { return !e.Dup && e.State.Terminal() }

func dup(e heardEvent) bool { return e.Dup }

// do sends a command and waits for its end.
func (b *bench) do(ctx context.Context, o order) (heardEvent, error) {
	if err := b.send(ctx, o); err != nil {
		return heardEvent{}, err
	}
	return b.await(ctx, o.id, "the end", 1, ended)
}

// done is do for a command that must be done.
func (b *bench) done(ctx context.Context, o order) (heardEvent, error) {
	e, err := b.do(ctx, o)
	if err == nil && e.State != lab.CommandDone {
		err = fmt.Errorf("command %s ended %s; want done", o.body, brief(e))
	}
	return e, err
}

// refuse sends a command and wants it refused with one of some codes.
func (b *bench) refuse(ctx context.Context, o order, codes ...devices.Code) error {
	if err := b.send(ctx, o); err != nil {
		return err
	}
	e, err := b.await(ctx, o.id, "an answer", 1, func(e heardEvent) bool { return !e.Dup })
	if err != nil {
		return err
	}
	if e.State != lab.CommandRejected || !slices.Contains(codes, e.Code) {
		return fmt.Errorf("%.300s was answered %s; want rejected %v", o.body, brief(e), codes)
	}
	if !e.Code.Curable() {
		b.mu.Lock()
		b.refused[o.id] = true
		b.mu.Unlock()
	}
	return nil
}

// fence returns when the device has handled all that was sent before, and says
// with which code it refused a command that it cannot have.
func (b *bench) fence(ctx context.Context) (devices.Code, error) {
	o := b.order(noSuch, fields{}, nil)
	if err := b.send(ctx, o); err != nil {
		return "", err
	}
	e, err := b.await(ctx, o.id, "an answer", 1, func(heardEvent) bool { return true })
	if err == nil && e.State != lab.CommandRejected {
		err = fmt.Errorf("command %q, which is not in the descriptor, is %s", noSuch, e.State)
	}
	return e.Code, err
}

// ready brings the device to where the next check begins: nothing under way,
// not stopped, and leased by the kit.
func (b *bench) ready(ctx context.Context) error {
	b.hush(false)
	for _, id := range b.unfinished() {
		if err := b.ctl(ctx, fields{"op": "cancel", "target": id}); err != nil {
			return err
		}
		if _, err := b.await(ctx, id, "the end", 1, func(e heardEvent) bool { return e.State.Terminal() && e.State != lab.CommandRejected }); err != nil {
			return err
		}
	}
	if err := b.ctl(ctx, fields{"op": "reset", "by": b.id}); err != nil {
		return err
	}
	for {
		if err := b.lease(ctx, 60); err != nil {
			return err
		}
		if err := b.ctl(ctx, fields{"op": "resume", "epoch": b.epoch}); err != nil { // before the fence, which it may cause a state after
			return err
		}
		code, err := b.fence(ctx)
		switch {
		case err != nil:
			return err
		case code == devices.UnknownCommand:
			return nil
		case code != devices.StaleEpoch && code != devices.NoLease || b.epoch > 1<<50:
			return fmt.Errorf("after a lease with epoch %d, an unknown command was refused with %s", b.epoch, code)
		}
		b.epoch *= 2 // somebody had a higher one
	}
}

// unfinished returns the commands of the kit that were accepted and have not ended.
func (b *bench) unfinished() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var open []string
	for _, a := range b.sent {
		var accepted, over bool
		for _, e := range b.all(a) {
			if e.State == lab.CommandAccepted && !e.Dup { // it may have been refused as busy before
				accepted, over = true, false
			}
			over = over || e.State.Terminal()
		}
		if accepted && !over {
			open = append(open, a)
		}
	}
	return open
}

// example is an action with parameters.
type example struct {
	action devices.Action
	params json.RawMessage
}

// examples returns the actions that may be run, and those that lack an example.
func (b *bench) examples() (with []example, without []string) {
	var d struct {
		Actions map[string]struct {
			Example json.RawMessage `json:"ldp:example"`
		} `json:"actions"`
	}
	_ = json.Unmarshal(b.td, &d) // what is wrong with it is another check's
	s := b.state()
	for _, a := range b.about.Actions {
		params := b.cfg.Examples[a.Name]
		if params == nil {
			params = d.Actions[a.Name].Example
		}
		if short(a, s) != "" || slices.Contains([]string{devices.Give, devices.Take, devices.Clear}, a.Name) { // they are other checks'
			continue
		}
		if params == nil && len(a.Params) == 0 && b.about.Simulated {
			params = json.RawMessage(`{}`)
		}
		if params == nil {
			without = append(without, a.Name)
			continue
		}
		with = append(with, example{a, params})
	}
	return with, without
}

// quick returns a command that may be run at any time, one that asks for an
// expiry if there is.
func (b *bench) quick() (example, error) {
	with, _ := b.examples()
	if len(with) == 0 {
		return example{}, skip("no action has an example: give one by ldp:example in the descriptor, or to the kit")
	}
	for _, e := range with {
		if e.action.Recovery != devices.Repeat {
			return e, nil
		}
	}
	return with[0], nil
}

// longS is how long a long command that the kit makes up holds, in seconds.
const longS = 4

// long returns a command that runs for a while: of any recovery class when
// classes is empty.
func (b *bench) long(classes ...devices.Recovery) (example, error) {
	what := "no action"
	if len(classes) > 0 {
		what = fmt.Sprintf("no action of recovery %v", classes)
	}
	return b.longOf(what, func(a devices.Action) bool { return len(classes) == 0 || slices.Contains(classes, a.Recovery) })
}

// longOf returns a command that runs for a while and is wanted.
func (b *bench) longOf(what string, wanted func(devices.Action) bool) (example, error) {
	with, _ := b.examples()
	for _, a := range b.about.Actions {
		if params := b.cfg.Long[a.Name]; params != nil && wanted(a) {
			return example{a, params}, nil
		}
	}
	for _, e := range with {
		if len(b.cfg.Long) > 0 || !wanted(e.action) {
			continue
		}
		for _, p := range e.action.Params {
			if p.Type == "number" && p.Unit == "s" && (p.Min == nil || *p.Min <= longS) && (p.Max == nil || *p.Max >= longS) {
				var m fields
				if json.Unmarshal(e.params, &m) == nil {
					m[p.Name] = longS
					return example{e.action, marshal(m)}, nil
				}
			}
		}
	}
	return example{}, skip("%s is known to run for a while: tell the kit parameters of one", what)
}

// begin sends a long command and waits until it runs.
func (b *bench) begin(ctx context.Context, classes ...devices.Recovery) (order, example, error) {
	l, err := b.long(classes...)
	if err != nil {
		return order{}, l, err
	}
	o, err := b.run(ctx, l)
	return o, l, err
}

// run sends a long command and waits until it runs.
func (b *bench) run(ctx context.Context, l example) (order, error) {
	o := b.order(l.action.Name, l.params, nil)
	if err := b.send(ctx, o); err != nil {
		return o, err
	}
	e, err := b.await(ctx, o.id, "running or the end", 1, func(e heardEvent) bool { return is(lab.CommandRunning)(e) || ended(e) })
	if err == nil && e.State != lab.CommandRunning {
		err = fmt.Errorf("the long command %s ended %s before it ran", o.body, brief(e))
	}
	return o, err
}
