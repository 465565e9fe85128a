package conformance_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/devices/conformance"
	"github.com/athanor-lab/athanor/devices/devicestest"
)

// forgetful is the bus of a device without deduplication: each copy of a
// command comes to it under a name of its own, and goes back under the first.
func forgetful(dial devices.Dialer) devices.Dialer {
	var mu sync.Mutex
	copies := map[string]int{}
	return spoiled(dial, func(leaf devices.Leaf, body []byte) []byte {
		var c struct{ ID string }
		if leaf != devices.LeafCmd || json.Unmarshal(body, &c) != nil || !devices.ValidID(c.ID) {
			return body
		}
		mu.Lock()
		defer mu.Unlock()
		copies[c.ID]++
		return bytes.Replace(body, []byte(c.ID+`"`), fmt.Appendf(nil, `%s..%d"`, c.ID, copies[c.ID]), 1)
	}, func(body []byte) []byte {
		var e struct{ ID string }
		if json.Unmarshal(body, &e) != nil {
			return body
		}
		first, _, _ := strings.Cut(e.ID, "..")
		return bytes.ReplaceAll(body, []byte(e.ID), []byte(first))
	})
}

// unfenced is the bus of a device that does not look at epochs: an older one
// passes for the newest.
func unfenced(dial devices.Dialer) devices.Dialer {
	var mu sync.Mutex
	highest := int64(0)
	return spoiled(dial, func(leaf devices.Leaf, body []byte) []byte {
		var c struct {
			Op    string
			Epoch int64
		}
		if json.Unmarshal(body, &c) != nil || leaf == devices.LeafCtl && c.Op != "lease" {
			return body
		}
		mu.Lock()
		defer mu.Unlock()
		if leaf == devices.LeafCtl {
			highest = max(highest, c.Epoch)
		}
		if c.Epoch >= highest {
			return body
		}
		return bytes.Replace(body, fmt.Appendf(nil, `"epoch":%d`, c.Epoch), fmt.Appendf(nil, `"epoch":%d`, highest), 1)
	}, func(body []byte) []byte { return body })
}

// unwatched is the bus of a device without a watchdog: it hears a beat of its
// holder all the time.
func unwatched(dial devices.Dialer) devices.Dialer {
	return func(ctx context.Context, s devices.Session) (devices.Bus, error) {
		s.Subscriptions = slices.Clone(s.Subscriptions)
		var mu sync.Mutex // one message at a time
		handle, holder := s.Subscriptions[0].Handle, ""
		s.Subscriptions[0].Handle = func(ctx context.Context, m devices.Message) {
			mu.Lock()
			defer mu.Unlock()
			if c, err := devices.DecodeCtl(m.Payload); err == nil && c.Op == devices.OpLease {
				holder = c.Holder
			}
			handle(ctx, m)
		}
		go func() {
			for ctx.Err() == nil {
				time.Sleep(20 * time.Millisecond) // between two beats
				mu.Lock()
				who := holder
				mu.Unlock()
				beat, err := json.Marshal(devices.Beat{TS: time.Now().UTC(), Seq: 1, Orc: who})
				if err != nil {
					panic(err)
				}
				mu.Lock()
				handle(ctx, devices.Message{Topic: devices.BeatTopic("lab", "main"), Payload: beat})
				mu.Unlock()
			}
		}()
		return dial(ctx, s)
	}
}

// spoiled changes what comes to a device, and the events that it says.
func spoiled(dial devices.Dialer, in func(devices.Leaf, []byte) []byte, out func([]byte) []byte) devices.Dialer {
	return func(ctx context.Context, s devices.Session) (devices.Bus, error) {
		s.Subscriptions = slices.Clone(s.Subscriptions)
		handle := s.Subscriptions[0].Handle
		s.Subscriptions[0].Handle = func(ctx context.Context, m devices.Message) {
			if _, _, leaf, _ := devices.ParseTopic(m.Topic); leaf == devices.LeafCmd || leaf == devices.LeafCtl {
				m.Payload = in(leaf, m.Payload)
			}
			handle(ctx, m)
		}
		bus, err := dial(ctx, s)
		return spoiledBus{bus, out}, err
	}
}

type spoiledBus struct {
	devices.Bus
	out func([]byte) []byte
}

func (b spoiledBus) Publish(ctx context.Context, msgs ...devices.Message) error {
	msgs = slices.Clone(msgs)
	for i, m := range msgs {
		if _, _, leaf, _ := devices.ParseTopic(m.Topic); leaf == devices.LeafEv {
			msgs[i].Payload = b.out(m.Payload)
		}
	}
	return b.Bus.Publish(ctx, msgs...)
}

// unsynced takes away from a journal what a device that does not wait for the
// disk would have lost: all but its starts.
func unsynced(t testing.TB) func(string) {
	return func(journal string) {
		content, err := os.ReadFile(journal)
		if os.IsNotExist(err) {
			return
		}
		var kept []byte
		for line := range bytes.Lines(content) {
			if bytes.Contains(line, []byte(`"t":"boot"`)) {
				kept = append(kept, line...)
			}
		}
		if err == nil {
			err = os.WriteFile(journal, kept, 0o600)
		}
		if err != nil {
			t.Error(err)
		}
	}
}

// TestMutantsAreFound takes from a device what the contract is about, one thing
// at a time, and wants the checks of that to fail.
func TestMutantsAreFound(t *testing.T) {
	t.Parallel()
	same := func(d devices.Dialer) devices.Dialer { return d }
	for name, m := range map[string]struct {
		dial func(devices.Dialer) devices.Dialer
		lose func(string)
		only string
		red  []string
	}{
		"NoDedup":    {forgetful, nil, "repeat", []string{"repeat.answer", "repeat.once", "repeat.burst", "repeat.refused"}},
		"NoEpoch":    {unfenced, nil, "lease", []string{"lease.stale-command", "lease.stale-lease", "lease.takeover"}},
		"NoWatchdog": {unwatched, nil, "watch", []string{"watch.stop", "watch.pause", "watch.finish", "watch.refuses"}},
		"NoJournal":  {same, unsynced(t), "crash", []string{"crash.dedup", "crash.cancelled", "crash.epoch", "crash.stopped", "crash.resume", "crash.manual"}},
		"NoMemory":   {same, unsynced(t), "recall", []string{"recall.crash"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			broker := devicestest.NewBroker()
			device := &machine{t: t, dial: m.dial(broker.Dial), journal: filepath.Join(t.TempDir(), "journal"), lose: m.lose}
			r := conformance.Run(t.Context(), conformance.Config{
				Dial: broker.Dial, Device: "dut", Process: device, Examples: examples, Long: long("0.5"),
				Only: []string{m.only}, Patience: 300 * time.Millisecond,
			})
			if r.OK() || r.ExitCode() == 0 {
				t.Errorf("%s passes for a conforming device", name)
			}
			for _, x := range r.Results {
				if slices.Contains(m.red, x.Check) && x.Outcome != conformance.Failed {
					t.Errorf("%s: %s %s %s; want it failed", name, x.Check, x.Outcome, x.Message)
				}
			}
		})
	}
}
