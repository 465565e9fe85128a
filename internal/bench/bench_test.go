package bench_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"testing"

	"github.com/athanor-lab/athanor/internal/bench"
	"github.com/athanor-lab/athanor/internal/pgtest"
	"github.com/athanor-lab/athanor/internal/rig"
	"github.com/athanor-lab/athanor/lab"
)

// The variables by which this program is a child of itself.
const roleVariable, configVariable = "ATHANOR_TEST_ROLE", "ATHANOR_TEST_CONFIG"

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		roles := map[string]rig.Role{rig.Mochi: rig.RunMochi, bench.Devices: bench.RunDevices}
		if err := rig.Play(context.Background(), roles, role, os.Getenv(configVariable)); err != nil {
			fmt.Fprintln(os.Stderr, role, err)
			os.Exit(1)
		}
		return
	}
	pgtest.Main(m)
}

func options(t *testing.T, broker string) bench.Options {
	return bench.Options{
		Devices: 12, Rate: 40, Seconds: 1, Seed: 3, Broker: broker, Dir: t.TempDir(), Postgres: pgtest.URL(t),
		Spawn: func(role, config string) *exec.Cmd {
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), roleVariable+"="+role, configVariable+"="+config)
			return cmd
		},
		Log: io.Discard, Logger: slog.New(slog.DiscardHandler), Say: t.Logf,
	}
}

// TestBenchMeasures runs the whole bench, small, on both brokers, and wants
// every figure to be there and every command back.
func TestBenchMeasures(t *testing.T) {
	t.Parallel()
	for _, broker := range []string{"mosquitto", "mochi"} {
		t.Run(broker, func(t *testing.T) {
			t.Parallel()
			r, err := bench.Run(t.Context(), options(t, broker))
			if err != nil {
				t.Fatal(err)
			}
			if r.Commands != 40 || r.Completed != 40 || r.Lost != 0 || r.Accepted.N != 40 || r.Done.N != 40 || r.Stop.N != 12 || r.Cancel.N != 12 {
				t.Errorf("not everything came back: %+v", r)
			}
			for name, x := range map[string]float64{
				"accepted": r.Accepted.P50, "done": r.Done.P50, "told": r.Told.P50, "stop": r.Stop.P99, "cancel": r.Cancel.P99, "will": r.DeadByWillS,
				"silence": r.DeadBySilenceS, "connect": r.ConnectS,
			} {
				if !(x > 0) {
					t.Errorf("%s is %g", name, x)
				}
			}
			if r.Accepted.P50 > r.Done.P50 || r.Accepted.P50 > r.Accepted.P99 || r.Broker == "" {
				t.Errorf("the figures contradict each other: %+v", r)
			}
		})
	}
}

// TestBenchRefusesNonsense gives it nothing to measure, and a broker that there
// is none of.
func TestBenchRefusesNonsense(t *testing.T) {
	t.Parallel()
	for _, o := range []bench.Options{{Devices: 0, Rate: 1, Seconds: 1}, {Devices: 1, Rate: 0, Seconds: 1}, {Devices: 1, Rate: 1, Seconds: -1}, {Devices: 1 << 30, Rate: 1, Seconds: 1}} {
		if _, err := bench.Run(t.Context(), o); lab.KindOf(err) != lab.Invalid {
			t.Errorf("%+v: %v, want invalid", o, err)
		}
	}
	o := options(t, "carrier pigeons")
	if _, err := bench.Run(t.Context(), o); err == nil {
		t.Error("a broker that does not exist is started")
	}
}
