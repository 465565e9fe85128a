package sdk_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/devices/devicestest"
	"github.com/athanor-lab/athanor/devices/sdk"
	"github.com/athanor-lab/athanor/lab"
)

// TestRepeatedCommandMovesOnce sends one command many times, before and after a
// restart, and wants one movement and the same answer each time.
func TestRepeatedCommandMovesOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.start()
	b.lease(1)
	c := b.do("a", "move", `{"x":3}`)
	first := b.event("a", lab.CommandDone, 1)
	if first.Dup || string(first.Result) != `{"x":3}` || first.Effect != lab.EffectComplete {
		t.Errorf("first answer = %+v; want x 3, complete, no repetition", first)
	}
	if diff := cmp.Diff([]lab.CommandState{"accepted", "running", "done"}, b.said("a")); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	for k := range 4 {
		if k == 2 {
			b.restart()
		}
		b.send(devices.LeafCmd, c)
		again := b.event("a", lab.CommandDone, k+2)
		if !again.Dup || string(again.Result) != `{"x":3}` || !again.TS.Equal(first.TS) || !again.Newer(first.Boot, first.N) {
			t.Errorf("answer %d = %+v; want what was said first, marked as a repetition, newer", k+2, again)
		}
	}
	if diff := cmp.Diff(map[string]int{"a": 1}, b.moves()); diff != "" {
		t.Errorf("movements (-want +got):\n%s", diff)
	}
	other := b.do("a", "move", `{"x":4}`)
	if e := b.event("a", lab.CommandRejected, 1); e.Code != devices.BadMessage {
		t.Errorf("%s was answered %s; want bad_message", other, e.Code)
	}
	b.send(devices.LeafCmd, c)
	b.event("a", lab.CommandDone, 6)
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := 1; i < len(b.events); i++ {
		if !b.events[i].Newer(b.events[i-1].Boot, b.events[i-1].N) {
			t.Errorf("event %d is (%d, %d) after (%d, %d); want it to rise", i, b.events[i].Boot, b.events[i].N, b.events[i-1].Boot, b.events[i-1].N)
		}
	}
}

// TestRefusals sends what must not be done and wants nothing to move, and a
// code of the list. What sending again may cure is taken later, anything else
// is refused again.
func TestRefusals(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.start()
	refuse := func(name, c string, code devices.Code) {
		t.Helper()
		_, id, _ := strings.Cut(c, `"id":"`)
		id, _, _ = strings.Cut(id, `"`)
		for k := range 2 {
			b.send(devices.LeafCmd, c)
			e := b.event(id, lab.CommandRejected, k+1)
			if e.Code != code || e.Effect != lab.EffectNone || e.Error == "" || e.Dup != (k > 0 && !code.Curable() && code != devices.BadMessage) {
				t.Errorf("%s, time %d: %s, effect %s, dup %t, %q; want %s, none, and why", name, k+1, e.Code, e.Effect, e.Dup, e.Error, code)
			}
		}
	}
	curable := cmd("curable", "move", `{"x":1}`, "")
	refuse("no lease", cmd("unleased", "move", `{"x":1}`, ""), devices.NoLease)
	b.ctl(`{"id":"l","op":"lease","epoch":1,"holder":"hand","ttl_s":60}`)
	refuse("no time", curable, devices.NoTime)
	b.beat()
	for i, c := range []struct {
		name, cmd string
		code      devices.Code
	}{
		{"unknown command", cmd("r0", "explode", `{}`, ""), devices.UnknownCommand},
		{"above the limit", cmd("r1", "move", `{"x":10.000001}`, ""), devices.BadParams},
		{"below the limit", cmd("r2", "move", `{"x":-11}`, ""), devices.BadParams},
		{"missing", cmd("r3", "move", `{}`, ""), devices.BadParams},
		{"unknown parameter", cmd("r4", "move", `{"x":1,"y":1}`, ""), devices.BadParams},
		{"other case", cmd("r5", "move", `{"X":1}`, ""), devices.BadParams},
		{"a text", cmd("r6", "move", `{"x":"1"}`, ""), devices.BadParams},
		{"null", cmd("r7", "move", `{"x":null}`, ""), devices.BadParams},
		{"not whole", cmd("r8", "move", `{"x":1,"n":1.5}`, ""), devices.BadParams},
		{"not of the list", cmd("r9", "move", `{"x":1,"gas":"CO"}`, ""), devices.BadParams},
		{"huge", cmd("r10", "move", `{"x":1e999}`, ""), devices.BadMessage},
		{"unknown field", cmd("r11", "move", `{"x":1}`, `"force":true,`), devices.BadMessage},
		{"expired", strings.Replace(cmd("r12", "move", `{"x":1}`, ""), "20", "19", 1), devices.Expired},
		{"no expiry", `{"id":"r13","name":"move","epoch":1,"params":{"x":1}}`, devices.BadMessage},
		{"nothing before it", cmd("r14", "move", `{"x":1}`, `"after":["nobody"],`), devices.DependencyFailed},
		{"a later epoch", strings.Replace(cmd("r15", "move", `{"x":1}`, ""), `"epoch":1`, `"epoch":2`, 1), devices.NoLease},
	} {
		if got := fmt.Sprint("r", i); !strings.Contains(c.cmd, `"`+got+`"`) {
			t.Fatalf("case %d has another id", i)
		}
		refuse(c.name, c.cmd, c.code)
	}
	b.send(devices.LeafCmd, curable) // it was not written down, so it may be taken
	b.event("curable", lab.CommandDone, 1)
	if diff := cmp.Diff(map[string]int{"curable": 1}, b.moves()); diff != "" {
		t.Errorf("movements (-want +got):\n%s", diff)
	}
	b.device.SetMode("local")
	refuse("a person has it", cmd("m", "move", `{"x":1}`, ""), devices.WrongMode)
	b.device.SetMode("remote")
	b.device.SetFaults([]lab.Fault{{Code: "door", Level: "critical", Text: "open"}})
	refuse("a fault", cmd("f", "move", `{"x":1}`, ""), devices.Interlock)
	b.state("the fault", func(s devices.State) bool { return s.Op == "fault" && len(s.Faults) == 1 })
	b.device.SetFaults(nil)
	b.lease(2)
	refuse("stale", cmd("s", "move", `{"x":1}`, ""), devices.StaleEpoch)
	if moves := b.moves(); len(moves) > 0 {
		t.Errorf("refused commands moved: %v", moves)
	}
}

// TestLimitsAreAllowed wants values on their limits, and optional ones left
// out, to be taken.
func TestLimitsAreAllowed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.start()
	b.lease(1)
	for i, params := range []string{`{"x":10}`, `{"x":-10}`, `{"x":0,"n":3,"gas":"N2","slow":0}`, `{"x":1e0,"n":2e0}`} {
		id := fmt.Sprint("ok", i)
		b.do(id, "move", params)
		b.event(id, lab.CommandDone, 1)
	}
	b.send(devices.LeafCmd, `{"id":"h","name":"home","epoch":1,"params":{}}`) // repeat needs no expiry
	b.event("h", lab.CommandDone, 1)
}

// TestOneAtATime wants a second command refused as busy, a reading beside the
// first, one that comes after it started after it, and one that comes after a
// failure failed.
func TestOneAtATime(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.start()
	b.lease(1)
	b.do("w", "wait", `{}`)
	b.event("w", lab.CommandRunning, 1)
	busy := b.do("m", "move", `{"x":1}`)
	if e := b.event("m", lab.CommandRejected, 1); e.Code != devices.Busy || !e.Retryable {
		t.Errorf("second command was refused %s; want busy, retryable", e.Code)
	}
	b.do("look", "look", `{}`)
	b.event("look", lab.CommandDone, 1)
	b.send(devices.LeafCmd, cmd("next", "move", `{"x":2}`, `"after":["w"],`))
	b.event("next", lab.CommandAccepted, 1)
	s := b.state("both", func(s devices.State) bool { return len(s.Active) == 2 })
	if s.Op != "busy" || s.Active[0].ID != "w" || s.Active[0].State != lab.CommandRunning || s.Active[1].State != lab.CommandAccepted {
		t.Errorf("state = %+v; want w running and next accepted", s)
	}
	close(b.gate)
	b.event("next", lab.CommandDone, 1)
	b.send(devices.LeafCmd, busy)
	b.event("m", lab.CommandDone, 1)

	b.do("f", "fail", `{}`)
	if e := b.event("f", lab.CommandFailed, 1); e.Code != devices.Consumable || e.Effect != lab.EffectPartial || !e.Retryable || e.Error != "out of tips" {
		t.Errorf("failure = %+v; want what the driver said", e)
	}
	b.send(devices.LeafCmd, cmd("after-f", "move", `{"x":2}`, `"after":["f"],`))
	if e := b.event("after-f", lab.CommandRejected, 1); e.Code != devices.DependencyFailed {
		t.Errorf("command after a failure was refused %s; want dependency_failed", e.Code)
	}
	if diff := cmp.Diff(map[string]int{"w": 1, "next": 1, "m": 1}, b.moves()); diff != "" {
		t.Errorf("movements (-want +got):\n%s", diff)
	}
}

// TestWaitingCommandEndsWithWhatItWaitsFor wants a command that comes after one
// that fails to fail, and one that is cancelled while it waits never to move.
func TestWaitingCommandEndsWithWhatItWaitsFor(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.start()
	b.lease(1)
	b.do("w", "wait", `{}`)
	b.event("w", lab.CommandRunning, 1)
	for _, id := range []string{"x", "y"} {
		b.send(devices.LeafCmd, cmd(id, "move", `{"x":2}`, `"after":["w"],`))
		b.event(id, lab.CommandAccepted, 1)
	}
	b.ctl(`{"id":"c1","op":"cancel","target":"y"}`)
	if e := b.event("y", lab.CommandCancelled, 1); e.Effect != lab.EffectNone {
		t.Errorf("effect = %s; want none", e.Effect)
	}
	b.restart() // w is manual: in doubt, so x can never start
	b.event("w", lab.CommandInDoubt, 1)
	if e := b.event("x", lab.CommandFailed, 1); e.Code != devices.DependencyFailed || e.Effect != lab.EffectNone {
		t.Errorf("waiting command = %s, effect %s; want dependency_failed, none", e.Code, e.Effect)
	}
	if diff := cmp.Diff(map[string]int{"w": 1}, b.moves()); diff != "" {
		t.Errorf("movements (-want +got):\n%s", diff)
	}
}

// TestDriverMisbehaves wants the device to outlive its driver.
func TestDriverMisbehaves(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.start()
	b.lease(1)
	b.do("p", "panic", `{}`)
	if e := b.event("p", lab.CommandFailed, 1); e.Code != devices.DeviceFault || e.Effect != lab.EffectUnknown || !strings.Contains(e.Error, "driver bug") {
		t.Errorf("panic = %+v; want device_fault, unknown", e)
	}
	b.do("r", "raw", `{}`)
	if e := b.event("r", lab.CommandFailed, 1); e.Code != devices.DeviceFault || e.Effect != lab.EffectComplete || !strings.Contains(e.Error, "not an object") {
		t.Errorf("bad result = %+v; want device_fault, complete", e)
	}
	b.do("u", "unsure", `{}`)
	if e := b.event("u", lab.CommandInDoubt, 1); e.Effect != lab.EffectUnknown {
		t.Errorf("doubt = %+v; want effect unknown", e)
	}
	b.ctl(`{"id":"r1","op":"resolve","target":"u","outcome":"failed","by":"ada","reason":"nothing there"}`)
	if e := b.event("u", lab.CommandFailed, 1); e.By != "ada" || e.Note != "nothing there" {
		t.Errorf("resolved = %+v; want by ada", e)
	}
	b.ctl(`{"id":"r2","op":"resolve","target":"u","outcome":"done","by":"bob"}`)
	if e := b.event("u", lab.CommandFailed, 2); !e.Dup || e.By != "ada" {
		t.Errorf("second resolution = %+v; want ada's word again", e)
	}
	b.send(devices.LeafCmd, strings.Replace(cmd("t", "wait", `{}`, ""), `{`, `{"timeout_s":0.02,`, 1))
	if e := b.event("t", lab.CommandFailed, 1); e.Code != devices.Timeout {
		t.Errorf("slow command = %+v; want timeout", e)
	}
	b.do("ok", "move", `{"x":1}`)
	b.event("ok", lab.CommandDone, 1)
}

// TestLease wants a lease to lapse, a beat to renew it, and a release to end it.
func TestLease(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.start()
	b.beat()
	b.ctl(`{"id":"l","op":"lease","epoch":1,"holder":"hand","ttl_s":0.4}`)
	b.state("the lease", func(s devices.State) bool { return s.Lease != nil && s.Lease.Epoch == 1 && s.Lease.Holder == "hand" })
	n := len(b.states)
	until(b, "the lapse", func() (bool, bool) { return true, b.states[len(b.states)-1].Lease == nil && len(b.states) > n })
	lapsed := b.do("a", "move", `{"x":1}`)
	b.event("a", lab.CommandRejected, 1)
	b.beat() // the holder is back, and nobody else had it meanwhile
	b.send(devices.LeafCmd, lapsed)
	b.event("a", lab.CommandDone, 1)
	b.ctl(`{"id":"l2","op":"lease","epoch":1,"holder":"thief","ttl_s":60}`)
	b.ctl(`{"id":"l3","op":"lease","epoch":1,"holder":"hand","ttl_s":60}`)
	b.do("b", "move", `{"x":1}`)
	b.event("b", lab.CommandDone, 1)
	b.ctl(`{"id":"r","op":"release","epoch":1}`)
	b.do("c", "move", `{"x":1}`)
	if e := b.event("c", lab.CommandRejected, 1); e.Code != devices.NoLease {
		t.Errorf("after the release: %s; want no_lease", e.Code)
	}
}

// TestShutdownIsNoEnd ends a device in order while it works: it says offline,
// and treats the command at its next start as after a crash.
func TestShutdownIsNoEnd(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.start()
	b.lease(1)
	b.do("w", "wait", `{}`)
	b.event("w", lab.CommandRunning, 1)
	d := sdk.New(sdk.Config{ID: "dut", Kind: "Axis", Journal: b.journal})
	if err := d.Run(t.Context(), b.broker.Dial); err == nil || !strings.Contains(err.Error(), "another process has") {
		t.Errorf("a second process = %v; want it refused", err)
	}
	b.restart()
	if e := b.event("w", lab.CommandInDoubt, 1); e.Code != devices.PowerLoss || e.Boot != 2 {
		t.Errorf("after the restart = %+v; want in doubt by power_loss at boot 2", e)
	}
	b.ctl(`{"id":"q","op":"status","target":"w"}`)
	b.event("w", lab.CommandInDoubt, 2)
	b.state("recent", func(s devices.State) bool {
		st, ok := s.Mentions("w")
		return s.Boot == 2 && ok && st == lab.CommandInDoubt
	})
}

// TestMalformedMessages throws noise at a device and wants it alive, unmoved
// and still able.
func TestMalformedMessages(t *testing.T) {
	t.Parallel()
	const seed = 1
	rng := rand.New(rand.NewPCG(seed, 0))
	b := newBench(t)
	b.start()
	b.lease(1)
	seeds := []string{
		`{}`, `[]`, `null`, ``, `{"id":5}`, `{"id":"y","epoch":"a"}`, `{"id":"z","epoch":1e999}`, `{"id":"w","name":"move","epoch":1,"expires":"soon"}`,
		cmd("n1", "move", `{"x":1}`, ""), cmd("n2", "home", `{}`, ""), `{"id":"c","op":"cancel","target":"n9"}`, `{"id":"` + strings.Repeat("a", 70000) + `"}`,
	}
	for range 3000 {
		p := []byte(seeds[rng.IntN(len(seeds))])
		for range 1 + rng.IntN(3) {
			if len(p) > 0 {
				p[rng.IntN(len(p))] ^= 1 << rng.IntN(8)
			}
		}
		b.send([]devices.Leaf{devices.LeafCmd, devices.LeafCtl}[rng.IntN(2)], string(p))
	}
	b.ctl(`{"id":"reset","op":"reset"}`)
	b.lease(1 << 40) // above whatever the noise made of an epoch
	b.send(devices.LeafCmd, strings.Replace(cmd("alive", "move", `{"x":1}`, ""), `"epoch":1`, `"epoch":1099511627776`, 1))
	b.event("alive", lab.CommandDone, 1)
	for id, n := range b.moves() {
		if n > 1 {
			t.Errorf("seed %d: command %q moved %d times; want at most once", seed, id, n)
		}
	}
}

// TestRunRefusesMistakes wants a driver's mistakes told at once, all of them.
func TestRunRefusesMistakes(t *testing.T) {
	t.Parallel()
	d := sdk.New(sdk.Config{ID: "a b"})
	sdk.Handle(d, "x", func(*sdk.Ctx, struct{ A []int }) (struct{}, error) { return struct{}{}, nil })
	sdk.Handle(d, "y", func(*sdk.Ctx, struct {
		A float64 `json:"a" min:"low"`
	},
	) (int, error) {
		return 0, nil
	})
	err := d.Run(t.Context(), devicestest.NewBroker().Dial)
	for _, want := range []string{`id "a b"`, "journal has no path", `command "x"`, `min "low"`, "int is not a struct"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Run = %v; want it to complain of %s", err, want)
		}
	}
}

// TestKilledWhileItEnds kills a device as it is told to end, and wants it to have
// ended in one way or the other, and its journal to be free for the next.
func TestKilledWhileItEnds(t *testing.T) {
	t.Parallel()
	broker, journal := devicestest.NewBroker(), filepath.Join(t.TempDir(), "journal")
	for i := range 200 {
		d := sdk.New(sdk.Config{ID: "stirrer", Kind: "Stirrer", Journal: journal})
		ctx, cancel := context.WithCancel(t.Context())
		dialled, done := make(chan struct{}), make(chan error, 1)
		go func() {
			done <- d.Run(ctx, func(ctx context.Context, s devices.Session) (devices.Bus, error) {
				defer close(dialled)
				return broker.Dial(ctx, s)
			})
		}()
		<-dialled
		cancel()
		time.Sleep(time.Duration(i) * time.Microsecond) // anywhere in its end
		d.Kill()
		if err := <-done; err != nil && !errors.Is(err, sdk.ErrKilled) {
			t.Fatalf("time %d: %v", i, err)
		}
	}
}
