package sdk

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/lab"
)

// action is a command with its function.
type action struct {
	devices.Action
	alongside bool
	hand      bool // it is of a handover
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

// What a device does with a command when the laboratory is silent.
const (
	OrphanFinish = "finish" // go on to the end
	OrphanPause  = "pause"  // stand still, and go on when the laboratory is back
	OrphanStop   = "stop"   // end in a safe position; the command fails as orphaned
)

// Orphan says what the device does with the command when no beat of its holder
// has come for so long: [OrphanFinish], which is also what it does when nothing
// is said, [OrphanPause] or [OrphanStop]. From then on it takes no commands, and
// its op is safe when nothing runs, until a beat is back and a lease holds.
func Orphan(what string, after time.Duration) Option {
	return func(a *action) {
		a.OrphanAction, a.OrphanAfterS = what, after.Seconds()
		a.Pausable = a.Pausable || what == OrphanPause
	}
}

// Pausable says that the function may stand still wherever it sleeps or asks
// [Ctx.Hold], and go on later.
func Pausable(a *action) { a.Pausable = true }

// NeedCalibration refuses the command while one of these calibrations does not
// hold: see [Device.SetCalibration].
func NeedCalibration(names ...string) Option {
	return func(a *action) { a.Calibration = append(a.Calibration, names...) }
}

// Need refuses the command while less than amount of a consumable is there: see
// [Device.Supply]. It is the function that takes it, by [Ctx.Use].
func Need(consumable string, amount float64) Option {
	return func(a *action) {
		a.Consumables = append(a.Consumables, devices.Need{Name: consumable, Amount: amount})
	}
}

// Blobs names the raw data that the function attaches: see [Ctx.Attach].
func Blobs(names ...string) Option { return func(a *action) { a.Blobs = append(a.Blobs, names...) } }

// Example is parameters with which anybody may try the command out at any time,
// written as the command's params are.
func Example(params any) Option {
	return func(a *action) {
		b, err := json.Marshal(params)
		if err != nil {
			b = []byte("null") // refused by register, which says so
		}
		a.Action.Example = b
	}
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
	if a.Action.Example != nil {
		if _, err := checkParams(a.Params, a.Action.Example); err != nil {
			d.misuse(fmt.Errorf("example of command %q: %w", spec.Name, err))
		}
	}
	switch {
	case a.OrphanAction != "" && !slices.Contains([]string{OrphanFinish, OrphanPause, OrphanStop}, a.OrphanAction) || a.OrphanAfterS < 0:
		d.misuse(fmt.Errorf("command %q: orphan %q is not finish, pause or stop after a time from 0", spec.Name, a.OrphanAction))
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
