package chaos

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/devices/sdk"
	"github.com/athanor-lab/athanor/internal/pgtest"
	"github.com/athanor-lab/athanor/internal/rig"
)

// The variables by which this program is a child of itself.
const roleVariable, configVariable = "ATHANOR_TEST_ROLE", "ATHANOR_TEST_CONFIG"

// mutants are devices that lack what the contract rests on. They exist in this
// test program only.
var mutants = map[string]func(*variant){
	"no-fsync": func(v *variant) {
		v.disk = func(f *os.File) sdk.Disk { return &lazy{powered: powered{file: f}, flushed: time.Now()} }
	},
	"no-dedup":    func(v *variant) { v.dial, v.of = forgetful, first },
	"no-epoch":    func(v *variant) { v.dial = unfenced },
	"no-watchdog": func(v *variant) { v.dial = unwatched },
}

func TestMain(m *testing.M) {
	roles := map[string]rig.Role{rig.Mochi: rig.RunMochi, Devices: RunDevices, Gateway: RunGateway}
	for name, change := range mutants {
		v := whole()
		change(&v)
		roles[name] = func(ctx context.Context, config []byte) error { return runDevices(ctx, config, v) }
	}
	if role := os.Getenv(roleVariable); role != "" {
		if err := rig.Play(context.Background(), roles, role, os.Getenv(configVariable)); err != nil {
			fmt.Fprintln(os.Stderr, role, err)
			os.Exit(1)
		}
		return
	}
	pgtest.Main(m)
}

func spawn(role, config string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleVariable+"="+role, configVariable+"="+config)
	return cmd
}

func run(t *testing.T, seed uint64, o Options) Report {
	t.Helper()
	r, err := Run(t.Context(), Options{
		Commands: o.Commands, Seed: seed, Role: o.Role, Patience: o.Patience, Takeovers: o.Takeovers, Stale: o.Stale, Dir: t.TempDir(), Postgres: pgtest.URL(t), Spawn: spawn,
		Log: io.Discard, Logger: slog.New(slog.DiscardHandler), Say: t.Logf, For: 5 * time.Minute,
	})
	if err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	return r
}

// TestNothingTwiceNothingLost sends 3,000 commands while everything is killed,
// and wants the world to have seen each of them as it was reported.
func TestNothingTwiceNothingLost(t *testing.T) {
	n := 3000
	if testing.Short() {
		n = 300
	}
	const seed = 20
	r := run(t, seed, Options{Commands: n})
	if !r.OK() || r.Commands != n {
		t.Errorf("seed %d: %d commands, %d silent doubles, %d silent losses; want %d, 0, 0:\n%s",
			seed, r.Commands, r.SilentDouble, r.SilentLosses, n, strings.Join(r.Examples, "\n"))
	}
	if 2*r.Orphans < r.Devices { // a busy machine may not have all of them at work in time
		t.Errorf("seed %d: %d of %d devices were at work when the laboratory fell silent", seed, r.Orphans, r.Devices)
	}
	if r.Unexplained != 0 {
		t.Errorf("seed %d: %d doubts of commands that a device can settle by itself: %v", seed, r.Unexplained, r.Ends)
	}
	for _, p := range []sdk.Point{sdk.BeforeBegin, sdk.AfterBegin, midMotion, afterEffect, sdk.BeforeEnd, sdk.AfterEnd, sdk.BeforePublish} {
		if r.KillsAt[string(p)] == 0 {
			t.Errorf("seed %d: no device died at %s: %v", seed, p, r.KillsAt)
		}
	}
	if r.Duplicated == 0 || r.Reordered == 0 || r.SentTwice == 0 || r.Cancels == 0 || !testing.Short() && (r.KillsOf["broker"] == 0 || r.KillsOf["gateway"] == 0 || r.Stale == 0 || r.InDoubt == 0) {
		t.Errorf("seed %d: something was not tried: %+v", seed, r)
	}
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s", b)
}

// TestMutantsAreFound takes from the devices what the contract rests on, one
// thing at a time, and wants the judge to see it.
func TestMutantsAreFound(t *testing.T) {
	for name := range mutants {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const seed = 4
			r := run(t, seed, Options{Commands: 240, Role: name, Patience: 20 * time.Second, Takeovers: 0.3, Stale: 0.5})
			found := r.SilentDouble
			if name == "no-watchdog" {
				found = r.Unwatched
			}
			if found == 0 || r.OK() {
				t.Errorf("seed %d: devices with %s pass: %+v", seed, name, r)
			}
			t.Logf("%d silent doubles, %d silent losses in %d commands; %d of %d moved on without a laboratory",
				r.SilentDouble, r.SilentLosses, r.Commands, r.Unwatched, r.Orphans)
		})
	}
}

// TestJudge holds made-up stories against their verdicts.
func TestJudge(t *testing.T) {
	t.Parallel()
	once, twice, half := &did{map[int]int{1: 1}, 1}, &did{map[int]int{1: 2}, 2}, &did{map[int]int{1: 1}, 0}
	for name, c := range map[string]struct {
		said
		did            *did
		double, losses int
		doubt          int
	}{
		"Done":              {said{probes, "done", "complete"}, once, 0, 0, 0},
		"Twice":             {said{probes, "done", "complete"}, twice, 1, 0, 0},
		"TwiceInDoubt":      {said{blind, "in_doubt", "unknown"}, twice, 1, 0, 1},
		"TwiceTheSame":      {said{repeats, "done", "complete"}, twice, 0, 0, 0},
		"Never":             {said{probes, "done", "complete"}, nil, 0, 1, 0},
		"BelievedLost":      {said{probes, "failed", "none"}, once, 0, 1, 0},
		"CancelledPartly":   {said{resumes, "cancelled", "partial"}, half, 0, 0, 0},
		"CancelledButMoved": {said{resumes, "cancelled", "none"}, half, 0, 1, 0},
		"Doubt":             {said{blind, "in_doubt", "unknown"}, once, 0, 0, 1},
		"Open":              {said{probes, "", ""}, nil, 0, 1, 0},
	} {
		r := Report{Commands: 1}
		happened := map[string]*did{}
		if c.did != nil {
			happened["x"] = c.did
		}
		judge(&r, map[string]said{"x": c.said}, nil, happened)
		if r.SilentDouble != c.double || r.SilentLosses != c.losses || r.InDoubt != c.doubt {
			t.Errorf("%s: %d doubles, %d losses, %d doubts; want %d, %d, %d", name, r.SilentDouble, r.SilentLosses, r.InDoubt, c.double, c.losses, c.doubt)
		}
	}
	r := Report{}
	judge(&r, nil, map[string]bool{"s": true}, map[string]*did{"s": once})
	if r.SilentDouble != 1 {
		t.Error("a command without a lease moved, and the judge does not mind")
	}
}

// first returns the first name of a command.
func first(command string) string {
	first, _, _ := strings.Cut(command, "..")
	return first
}

// lazy is a disk that says that it has written, and writes every second.
type lazy struct {
	powered
	flushed time.Time
}

func (l *lazy) Sync() error {
	if time.Since(l.flushed) < time.Second {
		return nil
	}
	l.flushed = time.Now()
	return l.powered.Sync()
}

// forgetful is the bus of a device that does not know a command again: each
// copy comes under a name of its own, and goes back under the first.
func forgetful(dial devices.Dialer) devices.Dialer {
	var mu sync.Mutex
	n := 0
	return spoiled(dial, func(m devices.Message) []byte {
		var c struct{ ID string }
		if _, _, leaf, _ := devices.ParseTopic(m.Topic); leaf != devices.LeafCmd || json.Unmarshal(m.Payload, &c) != nil {
			return m.Payload
		}
		mu.Lock()
		defer mu.Unlock()
		n++
		return bytes.Replace(m.Payload, []byte(c.ID+`"`), fmt.Appendf(nil, `%s..%d-%d"`, c.ID, os.Getpid(), n), 1)
	})
}

// unfenced is the bus of a device that takes the word of everybody for the
// newest.
func unfenced(dial devices.Dialer) devices.Dialer {
	var mu sync.Mutex
	highest := map[string]int64{}
	return spoiled(dial, func(m devices.Message) []byte {
		var c struct {
			Op    string
			Epoch int64
		}
		_, device, leaf, _ := devices.ParseTopic(m.Topic)
		if json.Unmarshal(m.Payload, &c) != nil || leaf == devices.LeafCtl && c.Op != string(devices.OpLease) {
			return m.Payload
		}
		mu.Lock()
		defer mu.Unlock()
		highest[device] = max(highest[device], c.Epoch)
		return bytes.Replace(m.Payload, fmt.Appendf(nil, `"epoch":%d`, c.Epoch), fmt.Appendf(nil, `"epoch":%d`, highest[device]), 1)
	})
}

// unwatched is the bus of a device that never notices that the laboratory is
// silent: it hears beats that nobody sent.
func unwatched(dial devices.Dialer) devices.Dialer {
	return func(ctx context.Context, s devices.Session) (devices.Bus, error) {
		var mu sync.Mutex // calls of a handler never overlap
		s.Subscriptions = slices.Clone(s.Subscriptions)
		handle := s.Subscriptions[0].Handle
		s.Subscriptions[0].Handle = func(ctx context.Context, m devices.Message) {
			mu.Lock()
			defer mu.Unlock()
			handle(ctx, m)
		}
		go func() {
			for n := int64(1); ctx.Err() == nil; n++ {
				pause(ctx, 300*time.Millisecond)
				b, err := json.Marshal(devices.Beat{TS: time.Now().UTC(), Seq: n, Orc: "athanor"})
				if err == nil {
					s.Subscriptions[0].Handle(ctx, devices.Message{Topic: devices.BeatTopic("lab", "main"), Payload: b})
				}
			}
		}()
		return dial(ctx, s)
	}
}

// spoiled changes what comes to a device, and lets its events go under the
// first name of their command.
func spoiled(dial devices.Dialer, in func(devices.Message) []byte) devices.Dialer {
	return func(ctx context.Context, s devices.Session) (devices.Bus, error) {
		s.Subscriptions = slices.Clone(s.Subscriptions)
		handle := s.Subscriptions[0].Handle
		s.Subscriptions[0].Handle = func(ctx context.Context, m devices.Message) {
			m.Payload = in(m)
			handle(ctx, m)
		}
		bus, err := dial(ctx, s)
		return spoiledBus{bus}, err
	}
}

type spoiledBus struct{ devices.Bus }

func (b spoiledBus) Publish(ctx context.Context, msgs ...devices.Message) error {
	msgs = slices.Clone(msgs)
	for i, m := range msgs {
		var e struct{ ID string }
		if _, _, leaf, _ := devices.ParseTopic(m.Topic); leaf == devices.LeafEv && json.Unmarshal(m.Payload, &e) == nil {
			msgs[i].Payload = bytes.ReplaceAll(m.Payload, []byte(e.ID), []byte(first(e.ID)))
		}
	}
	return b.Bus.Publish(ctx, msgs...)
}
