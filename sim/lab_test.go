package sim_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/athanor-lab/athanor/devices/devicestest"
	"github.com/athanor-lab/athanor/devices/sdk"
	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/sim"
	"github.com/athanor-lab/athanor/sim/truth"
	"github.com/athanor-lab/athanor/sim/world"
)

// TestOneExperimentByHand goes the whole way of a vial and wants the measured
// yield to be that of the truth, within the errors of the instruments.
func TestOneExperimentByHand(t *testing.T) {
	t.Parallel()
	broker := devicestest.NewBroker()
	s := serve(t, broker.Dial, t.TempDir(), fast(36000), sim.Options{})
	peaks := newDesk(t, broker.Dial).experiment("e1", "CsOPiv", 106, 0.11, 0.5, "heater-1")
	got, want := 100*peaks["area"]/peaks["standard_area"], truth.Demo.Yield("CsOPiv", 106, 0.11, 0.5)
	if math.Abs(got-want) > 2 {
		t.Errorf("measured yield is %.2f %%, the truth %.2f %%; want them within 2 %%", got, want)
	}
	ledger := s.ledger()
	if at := ledger.Places()["e1.vial"]; at != "hplc-1" {
		t.Errorf("the vial is at %q, want hplc-1", at)
	}
	once(t, ledger, "e1.dose", "e1.heat", "e1.look")
}

// once wants every command to have come to its physical end at most once, no
// movement twice, and the named commands to have ended.
func once(t testing.TB, l *world.Ledger, commands ...string) {
	t.Helper()
	if d := l.Doubles(); len(d) > 0 {
		t.Errorf("commands that moved twice: %v", d)
	}
	counts := l.Counts()
	for id, n := range counts {
		if n != 1 {
			t.Errorf("command %s ended %d times in the world, want once", id, n)
		}
	}
	for _, id := range commands {
		if counts[id] != 1 {
			t.Errorf("command %s ended %d times in the world, want once", id, counts[id])
		}
	}
}

// conditions are the experiments of the tests below.
var conditions = []struct {
	base                      string
	celsius, molar, cosolvent float64
}{{"KOAc", 90, 0.1, 0.2}, {"CsOPiv", 105, 0.12, 0.5}, {"KOPiv", 115, 0.2, 0.4}}

// TestPowerCutsChangeNothing carries out experiments while devices lose power at
// every point of their algorithm, and while the whole laboratory is closed and
// opened again. It measures what an undisturbed laboratory does, count by count,
// and nothing happens twice.
func TestPowerCutsChangeNothing(t *testing.T) {
	t.Parallel()
	undisturbed := series(t, nil, 0)
	for _, seed := range []uint64{1, 2, 3} {
		t.Run(fmt.Sprintf("Seed%d", seed), func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			rng, cuts := rand.New(rand.NewPCG(seed, 0)), map[sdk.Point]int{}
			crash := func(_ string, p sdk.Point, _ string) bool {
				mu.Lock()
				defer mu.Unlock()
				if rng.Float64() >= 0.15 {
					return false
				}
				cuts[p]++
				return true
			}
			got := series(t, crash, seed)
			if diff := cmp.Diff(undisturbed, got); diff != "" {
				t.Errorf("seed %d: measured with power cuts: (-undisturbed +got)\n%s", seed, diff)
			}
			mu.Lock()
			defer mu.Unlock()
			t.Logf("seed %d: power cuts %v", seed, cuts)
			if len(cuts) < 3 {
				t.Errorf("seed %d: the power was cut at %v only; the test shows nothing", seed, cuts)
			}
		})
	}
}

// series carries out the conditions one after another. With power cuts, the
// whole laboratory is closed and opened again somewhere in each of them too.
func series(t *testing.T, crash func(string, sdk.Point, string) bool, seed uint64) []map[string]float64 {
	t.Helper()
	broker := devicestest.NewBroker()
	s := serve(t, broker.Dial, t.TempDir(), fast(36000), sim.Options{Crash: crash})
	d, rng := newDesk(t, broker.Dial), rand.New(rand.NewPCG(seed, 1))
	var all []map[string]float64
	for i, c := range conditions {
		over, reopened, at := make(chan struct{}), make(chan struct{}), 1+rng.IntN(12)
		go func() {
			defer close(reopened)
			if crash == nil {
				return
			}
			d.after(at, over)
			s.stop()
			if err := s.start(); err != nil {
				t.Error(err)
			}
		}()
		// Devices of a kind are equal: whichever heater is free must not matter.
		heater := fmt.Sprintf("heater-%d", 1+(uint64(i)+seed)%2)
		all = append(all, d.experiment(fmt.Sprintf("s%d.e%d", seed, i), c.base, c.celsius, c.molar, c.cosolvent, heater))
		close(over)
		<-reopened
	}
	ledger := s.ledger()
	once(t, ledger)
	places := ledger.Places()
	if len(places) != len(conditions) {
		t.Errorf("there are %d vials, want %d", len(places), len(conditions))
	}
	for vial, at := range places {
		if at != "hplc-1" {
			t.Errorf("vial %s is at %s, want hplc-1", vial, at)
		}
	}
	return all
}

// TestDevicesRefuseWhatIsNotThere sends commands for samples that are elsewhere:
// they fail without an effect, and say why.
func TestDevicesRefuseWhatIsNotThere(t *testing.T) {
	t.Parallel()
	broker := devicestest.NewBroker()
	s := serve(t, broker.Dial, t.TempDir(), fast(100000), sim.Options{})
	d := newDesk(t, broker.Dial)
	if ev := d.do("liquid-handler-1", "dose", "dispense", map[string]any{"substance": "KOAc", "volume": 500}, "a"); ev.State != lab.CommandDone {
		t.Fatalf("dispense ended %s: %s", ev.State, ev.Error)
	}
	for _, c := range []struct {
		id, device, name, want string
		state                  lab.CommandState
		params                 map[string]any
		samples                []string
	}{
		{"n1", "heater-1", "hold", "sample a is not at heater-1 but at \"liquid-handler-1\"", lab.CommandFailed, map[string]any{"target": 90, "time": 60}, []string{"a"}},
		{"n2", "hplc-1", "measure", "sample a is at liquid-handler-1, not at hplc-1", lab.CommandFailed, map[string]any{}, []string{"a"}},
		{"n3", "hplc-1", "measure", "there is no sample b", lab.CommandFailed, map[string]any{}, []string{"b"}},
		{"n4", "hplc-1", "measure", "names 0", lab.CommandFailed, map[string]any{}, nil},
		{"n5", "mobile-robot-1", "transfer", `there is no place "mars"`, lab.CommandFailed, map[string]any{"from": "liquid-handler-1", "to": "mars"}, []string{"a"}},
		{"n6", "mobile-robot-1", "transfer", "sample a is at liquid-handler-1, not at heater-1", lab.CommandFailed, map[string]any{"from": "heater-1", "to": "hplc-1"}, []string{"a"}},
		{"n7", "liquid-handler-1", "dispense", "one of CsOAc, CsOPiv, KOAc, KOPiv", lab.CommandRejected, map[string]any{"substance": "gold", "volume": 5}, []string{"a"}},
		{"n8", "heater-1", "hold", "20 up to 250 Cel", lab.CommandRejected, map[string]any{"target": 900, "time": 60}, []string{"a"}},
	} {
		ev := d.do(c.device, c.id, c.name, c.params, c.samples...)
		if ev.State != c.state || ev.Effect != lab.EffectNone || !strings.Contains(ev.Error, c.want) {
			t.Errorf("%s of %v ended %s with effect %q: %s; want %s without effect: %s", c.name, c.samples, ev.State, ev.Effect, ev.Error, c.state, c.want)
		}
	}
	if ledger := s.ledger(); len(ledger.Effects) != 2 {
		t.Errorf("the ledger has %+v, want the first dispense only", ledger.Effects)
	}
}

// TestBadDay lets grasps miss and vials fall often: what is lost is on the
// floor, what missed may be tried again, and every sample is somewhere.
func TestBadDay(t *testing.T) {
	t.Parallel()
	description := fast(1e6)
	i := slices.IndexFunc(description.Devices, func(v sim.Device) bool { return v.Kind == "mobile-robot" })
	description.Devices[i].Faults = sim.Faults{Grasp: 0.4, Drop: 0.3, Slow: 0.2}
	broker := devicestest.NewBroker()
	s := serve(t, broker.Dial, t.TempDir(), description, sim.Options{})
	d := newDesk(t, broker.Dial)
	missed, dropped, carried := 0, 0, 0
	for n := range 25 {
		vial := fmt.Sprintf("v%d", n)
		d.do("liquid-handler-1", vial+".dose", "dispense", map[string]any{"substance": "KOAc", "volume": 500 + n}, vial)
		for try := 1; ; try++ {
			ev := d.do("mobile-robot-1", fmt.Sprintf("%s.in.%d", vial, try), "transfer", map[string]any{"from": "liquid-handler-1", "to": "heater-1"}, vial)
			if ev.State == lab.CommandFailed && ev.Retryable && ev.Effect == lab.EffectNone {
				missed++
				continue
			}
			switch {
			case ev.State == lab.CommandFailed && ev.Effect == lab.EffectPartial:
				dropped++
			case ev.State == lab.CommandDone:
				carried++
			default:
				t.Fatalf("transfer ended %s with effect %s: %s", ev.State, ev.Effect, ev.Error)
			}
			break
		}
	}
	ledger := s.ledger()
	once(t, ledger)
	at := map[string]int{}
	for _, place := range ledger.Places() {
		at[place]++
	}
	if diff := cmp.Diff(map[string]int{world.Floor: dropped, "heater-1": carried}, at); diff != "" || missed < 3 || dropped < 2 || carried < 5 {
		t.Errorf("%d missed, %d dropped, %d carried; vials: (-want +got)\n%s", missed, dropped, carried, diff)
	}
}

// TestTablesAnswerMeasuredRows adds the sets of testdata and asks them.
func TestTablesAnswerMeasuredRows(t *testing.T) {
	t.Parallel()
	broker := devicestest.NewBroker()
	s := serve(t, broker.Dial, t.TempDir(), fast(100000), sim.Options{}, "truth/testdata")
	desk := newDesk(t, broker.Dial)
	ev := desk.do("table-coupling", "m1", "measure", map[string]any{"base": "CsOPiv", "temperature": 105, "time": 1})
	if ev.State != lab.CommandDone || string(ev.Result) != `{"cost":1.5,"yield":63}` {
		t.Errorf("a measured row ends %s with %s (%s), want its mean", ev.State, ev.Result, ev.Error)
	}
	ev = desk.do("table-inks", "m2", "measure", map[string]any{"red": 0.2, "blue": 81})
	if ev.State != lab.CommandFailed || ev.Effect != lab.EffectNone || !strings.Contains(ev.Error, "the nearest measured point is red=0.2, blue=80") {
		t.Errorf("a row that was not measured ends %s with effect %s: %s", ev.State, ev.Effect, ev.Error)
	}
	for _, about := range s.lab.Abouts() {
		if about.ID == "table-coupling" && (about.Kind != "table-coupling" || !slices.Equal(about.Capabilities, []string{"table-coupling"}) || !about.Simulated) {
			t.Errorf("the table says of itself %+v", about)
		}
	}
}

// TestAddTablesSaysWhatIsWrong gives it a folder without a table, and one whose
// tables are there already.
func TestAddTablesSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	l, err := sim.Open(t.TempDir(), sim.Default(), sim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	if _, err := l.AddTables(t.TempDir()); lab.KindOf(err) != lab.Invalid || !strings.Contains(err.Error(), "holds no table") {
		t.Errorf("an empty folder gives %v", err)
	}
	ids, err := l.AddTables("truth/testdata")
	if diff := cmp.Diff([]string{"table-coupling", "table-inks"}, ids); err != nil || diff != "" {
		t.Errorf("tables: %v (-want +got)\n%s", err, diff)
	}
	if _, err := l.AddTables("truth/testdata"); lab.KindOf(err) != lab.Invalid || !strings.Contains(err.Error(), "there already") {
		t.Errorf("the same tables again give %v", err)
	}
}

// TestSurfacesAndNoops asks the devices of two shipped laboratories.
func TestSurfacesAndNoops(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		file, device, command string
		params                map[string]any
		result                string
	}{
		{"surfaces", "surface-branin-4", "measure", map[string]any{"x1": 0, "x2": 0}, `{"response":55.602112642270264}`},
		{"noop", "noop-32", "noop", map[string]any{}, ""},
	} {
		t.Run(c.file, func(t *testing.T) {
			t.Parallel()
			d, err := sim.Load("../examples/labs/" + c.file + ".yaml")
			if err != nil {
				t.Fatal(err)
			}
			broker := devicestest.NewBroker()
			serve(t, broker.Dial, t.TempDir(), d, sim.Options{})
			if ev := newDesk(t, broker.Dial).do(c.device, "c1", c.command, c.params); ev.State != lab.CommandDone || string(ev.Result) != c.result {
				t.Errorf("%s ends %s with %s (%s), want %s", c.command, ev.State, ev.Result, ev.Error, c.result)
			}
		})
	}
}
