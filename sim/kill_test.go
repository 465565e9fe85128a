package sim_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/athanor-lab/athanor/devices/devicestest"
	"github.com/athanor-lab/athanor/devices/mqtt"
	"github.com/athanor-lab/athanor/devices/mqtt/mqtttest"
	"github.com/athanor-lab/athanor/sim"
	"github.com/athanor-lab/athanor/sim/world"
)

// simulatorDir and simulatorURL, when set, make this program the simulator that
// the test below kills.
const (
	simulatorDir = "ATHANOR_TEST_SIMULATOR_DIR"
	simulatorURL = "ATHANOR_TEST_SIMULATOR_URL"
	simulatorLab = "ATHANOR_TEST_SIMULATOR_LAB" // its description; the demonstration's by default
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(simulatorDir); dir != "" {
		if err := simulate(dir, os.Getenv(simulatorURL)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// killSpeed leaves an experiment of some 5000 s about half a second.
const killSpeed = 10000

func simulate(dir, url string) error {
	d := fast(killSpeed)
	if src := os.Getenv(simulatorLab); src != "" {
		var err error
		if d, err = sim.Parse([]byte(src)); err != nil {
			return err
		}
	}
	l, err := sim.Open(dir, d, sim.Options{})
	if err != nil {
		return err
	}
	return l.Run(context.Background(), mqtt.Dialer(mqtt.Options{URL: url}))
}

// process is a simulator in a process of its own.
type process struct {
	t        *testing.T
	dir, url string
	mu       sync.Mutex
	cmd      *exec.Cmd
	kills    int
}

func (p *process) start() error {
	cmd := exec.Command(os.Args[0])
	cmd.Env, cmd.Stderr = append(os.Environ(), simulatorDir+"="+p.dir, simulatorURL+"="+p.url), os.Stderr
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cmd = cmd
	return cmd.Start()
}

// kill sends SIGKILL and waits until the process is gone.
func (p *process) kill() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.kills++
	if err := p.cmd.Process.Kill(); err != nil {
		return err
	}
	_ = p.cmd.Wait() // "signal: killed"
	return nil
}

// TestKilledSimulatorGoesOn kills the simulator's process with SIGKILL at random
// moments of experiments over a real broker, and starts it again. All samples
// end where they should, nothing happens twice, and what is measured is what an
// undisturbed laboratory measures.
func TestKilledSimulatorGoesOn(t *testing.T) {
	t.Parallel()
	const seed = 5
	broker := mqtttest.Start(t)
	p := &process{t: t, dir: t.TempDir(), url: broker.Options().URL}
	if err := p.start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.kill() })
	d, rng := newDesk(t, mqtt.Dialer(broker.Options())), rand.New(rand.NewPCG(seed, 0))
	var got []map[string]float64
	for i, c := range conditions {
		// The moments are drawn here, so that they do not depend on the race.
		moments, over, ended := []int{1 + rng.IntN(8), 1 + rng.IntN(8)}, make(chan struct{}), make(chan struct{})
		go func() {
			defer close(ended)
			for _, n := range moments {
				d.after(n, over)
				if err := p.kill(); err != nil {
					t.Errorf("seed %d: kill: %v", seed, err)
				}
				if err := p.start(); err != nil {
					t.Errorf("seed %d: start: %v", seed, err)
				}
			}
		}()
		got = append(got, d.experiment(fmt.Sprintf("k%d", i), c.base, c.celsius, c.molar, c.cosolvent, "heater-1"))
		close(over)
		<-ended
	}
	if err := p.kill(); err != nil {
		t.Fatal(err)
	}
	ledger, err := world.ReadLedger(p.dir + "/" + world.LedgerFile)
	if err != nil {
		t.Fatal(err)
	}
	once(t, ledger)
	for vial, at := range ledger.Places() {
		if at != "hplc-1" {
			t.Errorf("seed %d: vial %s is at %s, want hplc-1", seed, vial, at)
		}
	}
	memory := devicestest.NewBroker()
	serve(t, memory.Dial, t.TempDir(), fast(1e5), sim.Options{})
	undisturbed, quiet := newDesk(t, memory.Dial), []map[string]float64(nil)
	for i, c := range conditions {
		quiet = append(quiet, undisturbed.experiment(fmt.Sprintf("q%d", i), c.base, c.celsius, c.molar, c.cosolvent, "heater-2"))
	}
	if diff := cmp.Diff(quiet, got); diff != "" {
		t.Errorf("seed %d: measured with %d kills: (-undisturbed +got)\n%s", seed, p.kills, diff)
	}
	if p.kills < 2*len(conditions) {
		t.Errorf("seed %d: %d kills, want %d", seed, p.kills, 2*len(conditions))
	}
}
