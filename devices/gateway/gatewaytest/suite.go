package gatewaytest

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/devices/gateway"
	"github.com/athanor-lab/athanor/lab"
)

// NewEntry returns an entry of the ledger for a furnace called device. Entries
// of different seeds are of different commands.
func NewEntry(device string, seed int) gateway.Entry {
	campaign := lab.CampaignID{15: 1}
	experiment := lab.ExperimentIDOf(campaign, seed)
	id := lab.CommandIDOf(experiment, "heat", 1, 0)
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).Add(time.Duration(seed) * time.Second)
	return gateway.Entry{
		Command: lab.Command{
			ID: id, CampaignID: campaign, ExperimentID: experiment, Number: seed, Step: "heat", Intent: 1,
			Device: device, Epoch: 7, Name: "heat", Params: json.RawMessage(`{"target":850}`),
			Samples:  []lab.SampleRef{{ID: experiment.UUID() + ".vial", Slot: "A1"}},
			TimeoutS: 60, Deadline: at.Add(time.Minute),
		},
		Lease:     []byte(fmt.Sprintf(`{"id":"%s.lease","op":"lease","epoch":7,"holder":"athanor","ttl_s":15}`, id.UUID())),
		Body:      []byte(fmt.Sprintf(`{"id":%q,"name":"heat","epoch":7,"params":{"target":850}}`, id.UUID())),
		Published: at,
	}
}

// NewEvent returns an event about e and its bytes.
func NewEvent(e gateway.Entry, state lab.CommandState, boot, n int64) (devices.Event, []byte) {
	ev := devices.Event{ID: e.ID(), State: state, Boot: boot, N: n, TS: e.Published}
	if state.Terminal() {
		ev.Effect = lab.EffectComplete
	}
	raw, err := json.Marshal(ev)
	if err != nil {
		panic(err)
	}
	return ev, raw
}

// ExerciseLedger runs the suite of every ledger. newLedger returns an empty one.
func ExerciseLedger(t *testing.T, newLedger func(*testing.T) gateway.Ledger) {
	t.Helper()
	run := func(name string, f func(*testing.T, gateway.Ledger)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, newLedger(t))
		})
	}
	run("PutKeepsTheFirst", exercisePut)
	run("FoldTakesTheNewer", exerciseOrder)
	run("FoldIgnoresStrangers", exerciseStrangers)
	run("RefusalIsTheFirstWord", exerciseRefusal)
	run("TerminalStays", exerciseTerminal)
	run("DoubtEnds", exerciseDoubt)
	run("SettleBySelf", exerciseSettle)
	run("OpenUntilTold", exerciseOpen)
	run("ConcurrentFoldsKeepTheNewest", exerciseConcurrent)
}

func exercisePut(t *testing.T, l gateway.Ledger) {
	e := NewEntry("furnace-1", 1)
	for range 2 {
		got, err := l.Put(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(e, got); diff != "" {
			t.Errorf("Put returned another entry (-want +got):\n%s", diff)
		}
	}
	fold(t, l, e, lab.CommandAccepted, 1, 1, true)
	got, err := l.Put(t.Context(), e)
	if err != nil || got.State != lab.CommandAccepted {
		t.Errorf("Put of a known command = state %q, %v; want what is stored, accepted", got.State, err)
	}
	other := e
	other.Body = append([]byte(nil), e.Body...)
	other.Body[len(other.Body)-2] = ' '
	if _, err := l.Put(t.Context(), other); lab.KindOf(err) != lab.Conflict {
		t.Errorf("Put of other bytes = %v; want a conflict", err)
	}
	elsewhere := e
	elsewhere.Command.Device = "furnace-2"
	if _, err := l.Put(t.Context(), elsewhere); lab.KindOf(err) != lab.Conflict {
		t.Errorf("Put for another device = %v; want a conflict", err)
	}
	if _, err := l.Get(t.Context(), NewEntry("furnace-1", 2).ID()); lab.KindOf(err) != lab.NotFound {
		t.Errorf("Get of an unknown id = %v; want not found", err)
	}
}

func exerciseOrder(t *testing.T, l gateway.Ledger) {
	e := put(t, l, 1)
	fold(t, l, e, lab.CommandRunning, 2, 5, true)
	fold(t, l, e, lab.CommandAccepted, 2, 4, false)
	fold(t, l, e, lab.CommandRunning, 2, 5, false)
	fold(t, l, e, lab.CommandPaused, 1, 99, false)
	fold(t, l, e, lab.CommandPaused, 2, 6, true)
	got := fold(t, l, e, lab.CommandRunning, 3, 1, true)
	_, raw := NewEvent(e, lab.CommandRunning, 3, 1)
	want := e
	want.State, want.Boot, want.N, want.Event = lab.CommandRunning, 3, 1, raw
	if diff := cmp.Diff(want, got, equalJSON); diff != "" {
		t.Errorf("entry after folding (-want +got):\n%s", diff)
	}
}

func exerciseStrangers(t *testing.T, l gateway.Ledger) {
	e := put(t, l, 1)
	ev, raw := NewEvent(e, lab.CommandDone, 1, 1)
	if _, _, err := l.Fold(t.Context(), "furnace-2", ev, raw); lab.KindOf(err) != lab.NotFound {
		t.Errorf("Fold of another device's event = %v; want not found", err)
	}
	ev, raw = NewEvent(NewEntry("furnace-1", 2), lab.CommandDone, 1, 1)
	if _, _, err := l.Fold(t.Context(), "furnace-1", ev, raw); lab.KindOf(err) != lab.NotFound {
		t.Errorf("Fold of an unknown id = %v; want not found", err)
	}
	if got := get(t, l, e); got.State != "" {
		t.Errorf("state = %q after strangers' events; want none", got.State)
	}
}

func exerciseRefusal(t *testing.T, l gateway.Ledger) {
	e := put(t, l, 1)
	fold(t, l, e, lab.CommandAccepted, 1, 1, true)
	fold(t, l, e, lab.CommandRejected, 2, 1, false)
	settle(t, l, e, lab.CommandInDoubt, "", true)
	fold(t, l, e, lab.CommandRejected, 2, 2, false)

	late := put(t, l, 2) // a doubt about a command that never arrived
	settle(t, l, late, lab.CommandInDoubt, "", true)
	fold(t, l, late, lab.CommandRejected, 2, 3, true)
}

func exerciseTerminal(t *testing.T, l gateway.Ledger) {
	e := put(t, l, 1)
	fold(t, l, e, lab.CommandDone, 1, 3, true)
	fold(t, l, e, lab.CommandFailed, 1, 4, false)
	fold(t, l, e, lab.CommandInDoubt, 2, 1, false)
	settle(t, l, e, lab.CommandInDoubt, "", false)
	settle(t, l, e, lab.CommandFailed, "ada", false)
	if got := get(t, l, e); got.State != lab.CommandDone || got.N != 3 {
		t.Errorf("entry = %s (%d, %d); want done (1, 3)", got.State, got.Boot, got.N)
	}
}

func exerciseDoubt(t *testing.T, l gateway.Ledger) {
	e := put(t, l, 1)
	fold(t, l, e, lab.CommandInDoubt, 2, 1, true)
	told(t, l, e, lab.CommandInDoubt)
	fold(t, l, e, lab.CommandRunning, 2, 2, false)
	fold(t, l, e, lab.CommandInDoubt, 2, 3, false)
	if got := get(t, l, e); !got.Notified {
		t.Error("a doubt that was told is open again without news")
	}
	if got := fold(t, l, e, lab.CommandDone, 2, 4, true); got.Notified || got.State != lab.CommandDone {
		t.Errorf("resolved entry = %s, notified %t; want done, to be told", got.State, got.Notified)
	}
	fold(t, l, e, lab.CommandFailed, 2, 5, false)
}

func exerciseSettle(t *testing.T, l gateway.Ledger) {
	e := put(t, l, 1)
	fold(t, l, e, lab.CommandRunning, 1, 2, true)
	got := settle(t, l, e, lab.CommandInDoubt, "", true)
	if got.State != lab.CommandInDoubt || got.Boot != 1 || got.N != 2 || got.Notified {
		t.Errorf("settled entry = %s (%d, %d), notified %t; want in_doubt (1, 2), to be told", got.State, got.Boot, got.N, got.Notified)
	}
	told(t, l, e, lab.CommandInDoubt)
	settle(t, l, e, lab.CommandInDoubt, "", false)
	if got := settle(t, l, e, lab.CommandFailed, "ada", true); got.State != lab.CommandFailed || got.Notified {
		t.Errorf("resolved entry = %s, notified %t; want failed, to be told", got.State, got.Notified)
	}
	fold(t, l, e, lab.CommandDone, 1, 9, false)

	// A device that comes back with its answer ends a doubt by itself.
	back := put(t, l, 2)
	settle(t, l, back, lab.CommandInDoubt, "", true)
	fold(t, l, back, lab.CommandDone, 1, 1, true)

	stranger := NewEntry("furnace-1", 3)
	ev, raw := NewEvent(stranger, lab.CommandInDoubt, 0, 0)
	if _, _, err := l.Settle(t.Context(), stranger.ID(), ev, raw); lab.KindOf(err) != lab.NotFound {
		t.Errorf("Settle of an unknown id = %v; want not found", err)
	}
}

func exerciseOpen(t *testing.T, l gateway.Ledger) {
	second, first := put(t, l, 2), put(t, l, 1)
	want := func(when string, entries ...gateway.Entry) {
		t.Helper()
		open, err := l.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ids := func(es []gateway.Entry) []string {
			s := []string{}
			for _, e := range es {
				s = append(s, e.ID())
			}
			return s
		}
		if diff := cmp.Diff(ids(entries), ids(open)); diff != "" {
			t.Errorf("%s: open (-want +got):\n%s", when, diff)
		}
	}
	want("before any event", first, second)
	fold(t, l, first, lab.CommandDone, 1, 1, true)
	want("done and not told", first, second)
	told(t, l, first, lab.CommandRunning)
	want("told of another state", first, second)
	told(t, l, first, lab.CommandDone)
	told(t, l, first, lab.CommandDone)
	want("done and told", second)
	if err := l.Notified(t.Context(), NewEntry("furnace-1", 3).ID(), lab.CommandDone); lab.KindOf(err) != lab.NotFound {
		t.Errorf("Notified of an unknown id = %v; want not found", err)
	}
}

func exerciseConcurrent(t *testing.T, l gateway.Ledger) {
	e := put(t, l, 1)
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for n := range 10 {
				ev, raw := NewEvent(e, lab.CommandRunning, 1, int64(1+(n*8+w*3)%80))
				if _, _, err := l.Fold(t.Context(), "furnace-1", ev, raw); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	want := int64(0)
	for w := range 8 {
		for n := range 10 {
			want = max(want, int64(1+(n*8+w*3)%80))
		}
	}
	if got := get(t, l, e); got.N != want {
		t.Errorf("n = %d after concurrent folds; want the newest, %d", got.N, want)
	}
}

// equalJSON lets a ledger keep events in a form of its own.
var equalJSON = cmp.FilterPath(func(p cmp.Path) bool { return p.String() == "Event" },
	cmp.Comparer(func(a, b []byte) bool {
		var x, y any
		return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && cmp.Equal(x, y)
	}))

func put(t *testing.T, l gateway.Ledger, seed int) gateway.Entry {
	t.Helper()
	e, err := l.Put(t.Context(), NewEntry("furnace-1", seed))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func get(t *testing.T, l gateway.Ledger, e gateway.Entry) gateway.Entry {
	t.Helper()
	got, err := l.Get(t.Context(), e.ID())
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func fold(t *testing.T, l gateway.Ledger, e gateway.Entry, state lab.CommandState, boot, n int64, want bool) gateway.Entry {
	t.Helper()
	ev, raw := NewEvent(e, state, boot, n)
	got, taken, err := l.Fold(t.Context(), e.Command.Device, ev, raw)
	if err != nil {
		t.Fatal(err)
	}
	if taken != want {
		t.Errorf("Fold(%s at (%d, %d)) taken = %t; want %t", state, boot, n, taken, want)
	}
	return got
}

func settle(t *testing.T, l gateway.Ledger, e gateway.Entry, state lab.CommandState, by string, want bool) gateway.Entry {
	t.Helper()
	ev, _ := NewEvent(e, state, 0, 0)
	ev.By = by
	raw, err := json.Marshal(ev)
	if err != nil {
		t.Fatal(err)
	}
	got, taken, err := l.Settle(t.Context(), e.ID(), ev, raw)
	if err != nil {
		t.Fatal(err)
	}
	if taken != want {
		t.Errorf("Settle(%s by %q) taken = %t; want %t", state, by, taken, want)
	}
	return got
}

func told(t *testing.T, l gateway.Ledger, e gateway.Entry, state lab.CommandState) {
	t.Helper()
	if err := l.Notified(t.Context(), e.ID(), state); err != nil {
		t.Fatal(err)
	}
}
