package gateway

import (
	"context"
	"time"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/lab"
)

// Entry is a line of the ledger: a command, the exact bytes that say it, and
// the last that was heard of it.
type Entry struct {
	Command lab.Command // its Device, ExperimentID and Deadline are the entry's

	Lease []byte // of the ctl that goes before
	Body  []byte // of the cmd

	State     lab.CommandState // "" before the first event
	Boot, N   int64            // of the event taken last from the device
	Event     []byte           // the event taken last, as JSON
	Published time.Time        // when it was entered, just before it was first published
	Notified  bool             // the Completer knows Event
}

// ID returns the command's id on the wire.
func (e Entry) ID() string { return e.Command.ID.UUID() }

// Open reports whether a gateway has still to care for e.
func (e Entry) Open() bool { return !e.State.Terminal() || !e.Notified }

// Ledger remembers every command before it is first published. Its methods are
// atomic and safe for concurrent use, by several gateways too. An
// implementation passes gatewaytest.ExerciseLedger.
type Ledger interface {
	// Put enters e and returns it as stored. An id that is known already gives
	// what is stored, when device and body are the same; it is lab.Conflict
	// when they are not.
	Put(ctx context.Context, e Entry) (Entry, error)

	// Fold takes an event of a device, raw being its bytes, and returns the
	// entry after it and whether the event was taken. [Takes] is the rule. A
	// terminal event that is taken clears Notified. An id that is unknown, or
	// another device's, is lab.NotFound.
	Fold(ctx context.Context, device string, ev devices.Event, raw []byte) (Entry, bool, error)

	// Settle takes the word of the laboratory itself: the gateway's, that a
	// deadline has passed, or a person's (ev.By is set), how a doubt ended.
	// [Settles] is the rule. Boot and N stay those of the device, and Notified
	// is cleared. An unknown id is lab.NotFound.
	Settle(ctx context.Context, id string, ev devices.Event, raw []byte) (Entry, bool, error)

	// Open returns the entries that are [Entry.Open], oldest first.
	Open(ctx context.Context) ([]Entry, error)

	// Notified notes that the Completer knows the entry's event. It does
	// nothing when the state is another than the one told.
	Notified(ctx context.Context, id string, told lab.CommandState) error

	// Get returns an entry, or lab.NotFound.
	Get(ctx context.Context, id string) (Entry, error)
}

// Takes is the rule of [Ledger.Fold]: an event is taken when it is newer by
// (boot, n) than what is stored, and what is stored is not final. A doubt is
// final for everything but a terminal event that ends it. A refusal counts only
// as a device's first word: after it began, only a device that has forgotten
// refuses, or one that was sent other bytes by somebody else.
func Takes(stored Entry, ev devices.Event) bool {
	if !ev.Newer(stored.Boot, stored.N) || ev.State == lab.CommandRejected && stored.Boot != 0 {
		return false
	}
	if stored.State == lab.CommandInDoubt {
		return ev.State.Terminal() && ev.State != lab.CommandInDoubt
	}
	return !stored.State.Terminal()
}

// Settles is the rule of [Ledger.Settle]: the gateway may end what has not
// ended, and a person may end a doubt.
func Settles(stored Entry, ev devices.Event) bool {
	if stored.State == lab.CommandInDoubt {
		return ev.By != ""
	}
	return !stored.State.Terminal()
}

// Fleet remembers what devices say of themselves.
type Fleet interface {
	// Save replaces what is known of a device, what only others know
	// (Experiment, Number, Campaign) excepted. A save that is older by
	// (Boot, SeenAt) than what is stored changes nothing.
	Save(ctx context.Context, d lab.Device) error
}

// Completer takes a result to whoever waits for it. Telling it the same again
// is the same as once; telling what nobody waits for is a success.
type Completer interface {
	Complete(ctx context.Context, r lab.Result) error
}
