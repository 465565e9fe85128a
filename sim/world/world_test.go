package world_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/sim/world"
)

func open(t testing.TB, dir string) *world.World {
	t.Helper()
	w, err := world.Open(dir, 1000)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	return w
}

func record(t testing.TB, w *world.World, e world.Effect) world.Effect {
	t.Helper()
	e, err := w.Record(e)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// TestWorldRefusesTheImpossible wants an effect that needs a sample elsewhere to
// be an error, and to leave no trace.
func TestWorldRefusesTheImpossible(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := open(t, dir)
	w.Limit("robot-1", 1)
	record(t, w, world.Effect{Command: "c1", Device: "handler-1", Effect: world.Made, Sample: "a", To: "handler-1"})
	record(t, w, world.Effect{Command: "c2", Device: "handler-1", Effect: world.Made, Sample: "b", To: "handler-1"})
	record(t, w, world.Effect{Command: "c3", Device: "robot-1", Effect: world.Picked, Sample: "b", From: "handler-1", To: "robot-1"})
	for _, c := range []struct {
		name, want string
		effect     world.Effect
	}{
		{"MadeTwice", "sample a is there already, at handler-1", world.Effect{Effect: world.Made, Sample: "a", To: "handler-1"}},
		{"Unknown", "there is no sample c", world.Effect{Effect: world.Heated, Device: "heater-1", Sample: "c"}},
		{"Elsewhere", "sample a is at handler-1, not at heater-1", world.Effect{Effect: world.Heated, Device: "heater-1", Sample: "a"}},
		{"PickedElsewhere", "sample a is at handler-1, not at heater-1", world.Effect{Effect: world.Picked, Sample: "a", From: "heater-1", To: "robot-2"}},
		{"NoRoom", "there is no room at robot-1, which holds 1", world.Effect{Effect: world.Picked, Sample: "a", From: "handler-1", To: "robot-1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.effect.Command = "x"
			if _, err := w.Record(c.effect); err == nil || !strings.Contains(err.Error(), c.want) || lab.KindOf(err) != lab.Conflict {
				t.Errorf("got %v of kind %q, want a conflict: %s", err, lab.KindOf(err), c.want)
			}
		})
	}
	if got := w.Effects("x"); len(got) != 0 {
		t.Errorf("refused effects are remembered: %+v", got)
	}
	l, err := world.ReadLedger(filepath.Join(dir, world.LedgerFile))
	if err != nil || len(l.Effects) != 3 {
		t.Errorf("ledger has %d effects, %v; want 3", len(l.Effects), err)
	}
}

// model is a world as a list of facts, to compare the real one with.
type model struct {
	place  map[string]string
	finals map[string]int
}

// TestWorldKeepsItsSamples moves samples at random and closes, tears and reopens
// the world in between: every sample is in exactly one place, the one where it
// was put, and the counts of effects never change by a restart.
func TestWorldKeepsItsSamples(t *testing.T) {
	t.Parallel()
	places := []string{"handler-1", "heater-1", "heater-2", "hplc-1"}
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "world")
		if err != nil {
			rt.Fatal(err)
		}
		w, err := world.Open(dir, 1000)
		if err != nil {
			rt.Fatal(err)
		}
		m := model{map[string]string{}, map[string]int{}}
		command := 0
		rt.Repeat(map[string]func(*rapid.T){
			"make": func(rt *rapid.T) {
				command++
				id, c := fmt.Sprintf("s%d", len(m.place)), fmt.Sprintf("c%d", command)
				if _, err := w.Record(world.Effect{Command: c, Device: places[0], Effect: world.Made, Final: true, Sample: id, To: places[0]}); err != nil {
					rt.Fatal(err)
				}
				m.place[id], m.finals[c] = places[0], 1
			},
			"move": func(rt *rapid.T) {
				if len(m.place) == 0 {
					rt.Skip("no samples")
				}
				command++
				id := fmt.Sprintf("s%d", rapid.IntRange(0, len(m.place)-1).Draw(rt, "sample"))
				from, to := rapid.SampledFrom(places).Draw(rt, "from"), rapid.SampledFrom(places).Draw(rt, "to")
				c := fmt.Sprintf("c%d", command)
				_, err := w.Record(world.Effect{Command: c, Device: "robot-1", Effect: world.Placed, Final: true, Sample: id, From: from, To: to})
				if (err == nil) != (m.place[id] == from) {
					rt.Fatalf("move of %s from %s, where it is at %s: %v", id, from, m.place[id], err)
				}
				if err == nil {
					m.place[id], m.finals[c] = to, 1
				}
			},
			"restart": func(rt *rapid.T) {
				if err := w.Close(); err != nil {
					rt.Fatal(err)
				}
				torn := rapid.SampledFrom([]string{"", "{", `{"seq":9,"command":"c1"`}).Draw(rt, "torn")
				f, err := os.OpenFile(filepath.Join(dir, world.LedgerFile), os.O_APPEND|os.O_WRONLY, 0)
				if err != nil {
					rt.Fatal(err)
				}
				if _, err := f.WriteString(torn); err != nil {
					rt.Fatal(err)
				}
				if err := f.Close(); err != nil {
					rt.Fatal(err)
				}
				if w, err = world.Open(dir, 1000); err != nil {
					rt.Fatal(err)
				}
			},
			"": func(rt *rapid.T) {
				seen := map[string]string{}
				for _, p := range places {
					for _, id := range w.At(p) {
						if other, twice := seen[id]; twice {
							rt.Fatalf("sample %s is at %s and at %s", id, other, p)
						}
						seen[id] = p
					}
				}
				if diff := cmp.Diff(m.place, seen); diff != "" {
					rt.Fatalf("places: (-want +got)\n%s", diff)
				}
				l, err := world.ReadLedger(filepath.Join(dir, world.LedgerFile))
				if err != nil {
					rt.Fatal(err)
				}
				if diff := cmp.Diff(m.finals, l.Counts()); diff != "" {
					rt.Fatalf("counts: (-want +got)\n%s", diff)
				}
				if diff := cmp.Diff(m.place, l.Places()); diff != "" {
					rt.Fatalf("places of the ledger: (-want +got)\n%s", diff)
				}
			},
		})
		if err := w.Close(); err != nil {
			rt.Fatal(err)
		}
	})
}

// TestConcurrentEffectsAreAllKept records from many devices at once and wants
// the ledger to have each effect, numbered without a gap.
func TestConcurrentEffectsAreAllKept(t *testing.T) {
	t.Parallel()
	const devices, each = 16, 20
	dir := t.TempDir()
	w := open(t, dir)
	var all sync.WaitGroup
	for d := range devices {
		all.Go(func() {
			for i := range each {
				if _, err := w.Record(world.Effect{Command: fmt.Sprintf("d%d-%d", d, i), Device: fmt.Sprintf("d%d", d), Effect: world.Measured, Final: true}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	l, err := world.ReadLedger(filepath.Join(dir, world.LedgerFile))
	if err != nil || len(l.Counts()) != devices*each || len(l.Doubles()) != 0 {
		t.Errorf("ledger has %d commands, %v; want %d, none twice", len(l.Counts()), err, devices*each)
	}
}

// TestLedgerShowsDoubles wants a command that acted twice to be found, and one
// whose movements are several but different not to be.
func TestLedgerShowsDoubles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := open(t, dir)
	record(t, w, world.Effect{Command: "make", Device: "h", Effect: world.Made, Sample: "a", To: "h"})
	record(t, w, world.Effect{Command: "make", Device: "h", Effect: world.Dispensed, Final: true, Sample: "a"})
	record(t, w, world.Effect{Command: "twice", Device: "h", Effect: world.Dispensed, Final: true, Sample: "a"})
	record(t, w, world.Effect{Command: "twice", Device: "h", Effect: world.Dispensed, Final: true, Sample: "a"})
	l, err := world.ReadLedger(filepath.Join(dir, world.LedgerFile))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"twice"}, l.Doubles()); diff != "" {
		t.Errorf("doubles: (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{"make": 1, "twice": 2}, l.Counts()); diff != "" {
		t.Errorf("counts: (-want +got)\n%s", diff)
	}
	if got := l.Of("make"); len(got) != 2 || got[0].Effect != world.Made {
		t.Errorf("effects of make are %+v", got)
	}
}

// TestSecondSimulatorIsRefused wants two worlds on one directory to be an error
// that says what to do.
func TestSecondSimulatorIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open(t, dir)
	if _, err := world.Open(dir, 1); lab.KindOf(err) != lab.Conflict || !strings.Contains(err.Error(), "another simulator has it open") {
		t.Errorf("got %v, want a conflict", err)
	}
}

// TestDamagedLedgerIsRefused wants damage that no kill can do to stop the world.
func TestDamagedLedgerIsRefused(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{"line 1 is no effect": "nonsense\n", "line 1 has the number 2": `{"seq":2}` + "\n"} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, world.LedgerFile), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := world.Open(dir, 1); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%q: got %v, want %q", text, err, name)
		}
	}
}

// TestClockGoesOn wants the age of the world never to fall over a restart.
func TestClockGoesOn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := open(t, dir)
	last := record(t, w, world.Effect{Command: "c", Effect: world.Measured})
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if now := open(t, dir).Clock.Seconds(); now < last.WorldS {
		t.Errorf("the world is %g s old after the restart, %g s before", now, last.WorldS)
	}
	if got := world.NewClock(3600, 0).Wall(3600).Seconds(); got != 1 {
		t.Errorf("an hour at 3600 takes %g s, want 1", got)
	}
}

// TestNoiseIsKeyedByItsCause compares draws of causes that differ in one part.
func TestNoiseIsKeyedByItsCause(t *testing.T) {
	t.Parallel()
	w := open(t, t.TempDir())
	fill := func(sample string, data string) {
		record(t, w, world.Effect{Command: "make-" + sample, Device: "h", Name: "dispense", Effect: world.Made, Sample: sample, To: "h", Data: json.RawMessage(data)})
	}
	fill("a", `{"volume":1}`)
	fill("b", `{"volume":1}`)
	fill("c", `{"volume":2}`)
	draw := func(c world.Cause) float64 {
		t.Helper()
		r, err := w.Rand(c)
		if err != nil {
			t.Fatal(err)
		}
		return r.Float64()
	}
	base := world.Cause{Seed: 1, Kind: "hplc", Name: "measure", Command: "m1", Sample: "a", Params: map[string]any{"x": 1, "y": 2.50}}
	first := draw(base)
	same := base
	same.Sample, same.Command, same.Params = "b", "m2", json.RawMessage(`{ "y": 2.5, "x": 1.0 }`)
	if got := draw(same); got != first {
		t.Errorf("a sample of equal history draws %g, want %g", got, first)
	}
	for name, change := range map[string]func(*world.Cause){
		"seed":    func(c *world.Cause) { c.Seed = 2 },
		"kind":    func(c *world.Cause) { c.Kind = "balance" },
		"name":    func(c *world.Cause) { c.Name = "weigh" },
		"params":  func(c *world.Cause) { c.Params = map[string]any{"x": 1, "y": 3} },
		"history": func(c *world.Cause) { c.Sample = "c" },
	} {
		other := base
		change(&other)
		if draw(other) == first {
			t.Errorf("another %s draws the same", name)
		}
	}
	record(t, w, world.Effect{Command: "m1", Device: "h", Name: "measure", Effect: world.Measured, Final: true, Sample: "a", Data: json.RawMessage(`{"area":7}`)})
	if got := draw(base); got != first {
		t.Errorf("the command's own effect changes its draw to %g, want %g", got, first)
	}
	again := base
	again.Command = "m3"
	if draw(again) == first {
		t.Error("a second measurement of the sample draws the same")
	}
}

// FuzzReadLedger wants no file to be worse than an error.
func FuzzReadLedger(f *testing.F) {
	f.Add([]byte(`{"seq":1,"command":"c","effect":"made","sample":"a","to":"h"}` + "\n"))
	f.Add([]byte("{"))
	f.Fuzz(func(t *testing.T, b []byte) {
		path := filepath.Join(t.TempDir(), world.LedgerFile)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if l, err := world.ReadLedger(path); err == nil {
			_, _, _ = l.Counts(), l.Doubles(), l.Places()
		}
	})
}
