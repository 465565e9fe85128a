package sdk

import (
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/lab"
)

// action is a command with its function.
type action struct {
	devices.Action
	alongside bool
	run       func(*Ctx, json.RawMessage) (any, error)
	probe     func(*Ctx) (Found, any, error)
}

// Option says more of a command.
type Option func(*action)

// Repeat says that doing the command again has the same effect: after a crash
// it is run again.
func Repeat(a *action) { a.Recovery = devices.Repeat }

// Resume says that the function goes on from its last checkpoint: see
// [Ctx.Checkpoint] and [Ctx.Resumed].
func Resume(a *action) { a.Recovery = devices.Resume }

// Manual says that nobody but a person can tell how far the command came: after
// a crash it is in doubt. It is what a command has that says nothing.
func Manual(a *action) { a.Recovery = devices.Manual }

// Probe says that the effect can be seen: after a crash look is asked, and
// decides what becomes of the command. Its second value is the result when it
// finds [Done].
func Probe(look func(*Ctx) (Found, any, error)) Option {
	return func(a *action) { a.Recovery, a.probe = devices.Probe, look }
}

// Found is what a probe saw.
type Found int

// What a probe can see. An error of the probe is Unknown.
const (
	Unknown Found = iota // nothing certain: in doubt
	Undone               // nothing has happened: run it
	Partial              // something has happened: failed, effect partial
	Done                 // all has happened
)

// Orphan says what the device does with the command when the laboratory has
// been silent for so long: "finish", "pause" or "stop". It is described and
// not yet acted upon: every command finishes.
func Orphan(what string, after time.Duration) Option {
	return func(a *action) { a.OrphanAction, a.OrphanAfterS = what, after.Seconds() }
}

// Typical says how long the command usually takes.
func Typical(d time.Duration) Option { return func(a *action) { a.TypicalS = d.Seconds() } }

// Alongside says that the command may run beside others, as a reading may.
func Alongside(a *action) { a.alongside = true }

// Handle registers a command whose parameters are the fields of P and whose
// results are those of R, both structs. Tags describe a field:
//
//	json     its name; ",omitempty" makes it optional, as a pointer does
//	unit     its UCUM code, as in "Cel" or "mL/min"
//	min, max its limits, both allowed
//	enum     the texts allowed, divided by commas
//	default  what it is when left out, as JSON; makes it optional
//
// What is wrong with P, R or the tags comes out of [Device.Run].
func Handle[P, R any](d *Device, name string, fn func(*Ctx, P) (R, error), opts ...Option) {
	params, err := specsOf(reflect.TypeFor[P](), false)
	if err != nil {
		d.misuse(fmt.Errorf("parameters of command %q: %w", name, err))
	}
	results, err := specsOf(reflect.TypeFor[R](), true)
	if err != nil {
		d.misuse(fmt.Errorf("results of command %q: %w", name, err))
	}
	run := func(c *Ctx, raw json.RawMessage) (any, error) {
		var p P
		if err := json.Unmarshal(raw, &p); err != nil {
			return nil, Fault{Effect: lab.EffectNone, Err: fmt.Errorf("read parameters: %w", err)}
		}
		return fn(c, p)
	}
	d.register(lab.CommandSpec{Name: name, Params: params, Results: results}, run, opts)
}

// HandleRaw registers a command that is described at run time. Parameters
// arrive checked against spec, with defaults filled in; the result must be
// written as a JSON object.
func HandleRaw(d *Device, spec lab.CommandSpec, fn func(*Ctx, json.RawMessage) (any, error), opts ...Option) {
	d.register(spec, fn, opts)
}

func (d *Device) register(spec lab.CommandSpec, run func(*Ctx, json.RawMessage) (any, error), opts []Option) {
	a := &action{Action: devices.Action{CommandSpec: spec, Recovery: devices.Manual}, run: run}
	for _, o := range opts {
		o(a)
	}
	switch {
	case !devices.ValidID(spec.Name):
		d.misuse(fmt.Errorf("command %q: its name is not letters, digits and ._:-", spec.Name))
	case d.actions[spec.Name] != nil:
		d.misuse(fmt.Errorf("command %q is registered twice", spec.Name))
	default:
		d.actions[spec.Name] = a
		d.order = append(d.order, spec.Name)
	}
}

// misuse keeps what a driver did wrong for Run to say.
func (d *Device) misuse(err error) { d.wrong = append(d.wrong, err) }
