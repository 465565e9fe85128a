package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/devices/devicestest"
	"github.com/athanor-lab/athanor/devices/gateway"
	"github.com/athanor-lab/athanor/devices/sdk"
	"github.com/athanor-lab/athanor/internal/blob"
	"github.com/athanor-lab/athanor/lab"
)

// kept waits for what is kept beside the course of commands.
func (s *site) kept(what string, ok func(alarms []string, batches []gateway.TelemetryBatch, quarantine []gateway.Quarantined) bool) {
	s.t.Helper()
	var last string
	err := s.records.Await(s.patience(), func(a []string, b []gateway.TelemetryBatch, q []gateway.Quarantined) bool {
		last = fmt.Sprintf("alarms %q, %d batches, quarantine %.600v", a, len(b), q)
		return ok(a, b, q)
	})
	if err != nil {
		s.t.Fatalf("waited in vain for %s; there are %s", what, last)
	}
}

// stranger takes the bus as a program that speaks in a device's name.
func (s *site) stranger(t *testing.T) devices.Bus {
	t.Helper()
	bus, err := s.dial(t.Context(), devices.Session{ClientID: "stranger"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = bus.Close() })
	return bus
}

func say(t *testing.T, bus devices.Bus, topic, payload string) {
	t.Helper()
	if err := bus.Publish(t.Context(), devices.Message{Topic: topic, Payload: []byte(payload), QoS: 1}); err != nil {
		t.Fatal(err)
	}
}

// TestNonsenseGoesIntoQuarantine says on every topic of a device what is not of
// the contract, and wants each kept with a reason, and the gateway at work.
func TestNonsenseGoesIntoQuarantine(t *testing.T) {
	t.Parallel()
	s := newSite(t, devicestest.NewBroker().Dial)
	bus := s.stranger(t)
	nonsense := []string{"", "{", "null", "[]", `{"boot":1e999}`, "\xff\xfe", strings.Repeat("[", 100), `{"id":"a","id":"b"}`}
	want := 0
	for _, leaf := range []devices.Leaf{"conn", "about", "state", "ev", "alarm/x", "tm/x"} {
		for i, n := range nonsense {
			if n == "" && leaf != devices.LeafEv && leaf != "tm/x" {
				continue // an empty retained message is how one is taken away
			}
			// Of one device a flood of nonsense is not kept: each has its own.
			say(t, bus, devices.Topic("lab", fmt.Sprintf("odd-%s-%d", leaf[:2], i), leaf), n)
			want++
		}
	}
	s.kept("all of it in quarantine", func(alarms []string, _ []gateway.TelemetryBatch, q []gateway.Quarantined) bool {
		for _, x := range q {
			if x.Reason == "" || x.Device == "" || x.At.IsZero() {
				t.Errorf("quarantined without a reason: %+v", x)
			}
		}
		return len(q) == want && slices.Contains(alarms, "odd-ev-0 laboratory invalid_messages")
	})
	s.device("doser-1", nil, nil)
	c := s.command("doser-1", "manual", 1)
	s.dispatch(c)
	s.ended(c, lab.CommandDone)
	s.kept("the alarms taken back", func(alarms []string, _ []gateway.TelemetryBatch, _ []gateway.Quarantined) bool {
		return len(alarms) == 0
	})
}

// TestResultIsHeldAgainstTheDescriptor lets a device answer otherwise than it
// says of itself: the command has failed, and the device's words are kept.
func TestResultIsHeldAgainstTheDescriptor(t *testing.T) {
	t.Parallel()
	buses(t, func(t *testing.T, dial devices.Dialer) {
		s := newSite(t, dial)
		limit := 100.0
		d := sdk.New(sdk.Config{ID: "liar", Kind: "Liar", Journal: filepath.Join(s.dir, "liar")})
		answers := map[string]any{
			"string": map[string]any{"t": "warm"}, "missing": map[string]any{}, "beyond": map[string]any{"t": 101},
			"null": map[string]any{"t": nil}, "good": map[string]any{"t": 100, "more": true},
		}
		for name, answer := range answers {
			spec := lab.CommandSpec{Name: name, Results: []lab.ParamSpec{{Name: "t", Type: "number", Unit: "Cel", Max: &limit, Required: true}}}
			sdk.HandleRaw(d, spec, func(*sdk.Ctx, json.RawMessage) (any, error) { return answer, nil })
		}
		s.run(d)
		n := 0
		for name := range answers {
			n++
			c := s.command("liar", name, n)
			c.Params = nil
			s.dispatch(c)
			if name == "good" {
				if r := s.ended(c, lab.CommandDone); string(r.Values) != `{"more":true,"t":100}` {
					t.Errorf("result = %s; want as said", r.Values)
				}
				continue
			}
			r := s.ended(c, lab.CommandFailed)
			if r.Values != nil || r.Effect != lab.EffectComplete || !strings.Contains(r.Error, "result.t") || r.Code != string(devices.DeviceFault) {
				t.Errorf("%s: %+v; want failed, complete, with what is wrong, and no result", name, r)
			}
		}
		s.kept("four answers in quarantine", func(_ []string, _ []gateway.TelemetryBatch, q []gateway.Quarantined) bool {
			return len(q) == len(answers)-1 && q[0].Device == "liar" && strings.Contains(string(q[0].Payload), `"done"`)
		})
	})
}

// TestFloodIsDropped lets one device say far more than it may, and wants an
// alarm, a ledger that is not flooded, and every other device served.
func TestFloodIsDropped(t *testing.T) {
	t.Parallel()
	s := newSite(t, devicestest.NewBroker().Dial)
	s.device("doser-1", nil, nil)
	bus := s.stranger(t)
	const flood = 3000
	for i := range flood { // a second of it at most, and the burst is 200
		say(t, bus, devices.Topic("lab", "mad", devices.LeafEv), fmt.Sprintf(`{"id":"x","state":"running","boot":1,"n":%d,"ts":"2026-01-02T03:04:05Z"}`, i+1))
	}
	s.kept("the alarm", func(alarms []string, _ []gateway.TelemetryBatch, _ []gateway.Quarantined) bool {
		return slices.Contains(alarms, "mad laboratory flood")
	})
	c := s.command("doser-1", "manual", 1)
	s.dispatch(c)
	s.ended(c, lab.CommandDone)
	s.kept("its end", func(alarms []string, _ []gateway.TelemetryBatch, _ []gateway.Quarantined) bool {
		return len(alarms) == 0
	})
}

// TestAlarmsAndTelemetry carries both from a device to where they are kept, and
// wants an alarm that was cleared while no gateway listened taken back.
func TestAlarmsAndTelemetry(t *testing.T) {
	t.Parallel()
	buses(t, func(t *testing.T, dial devices.Dialer) {
		s := newSite(t, dial)
		d := sdk.New(sdk.Config{ID: "furnace", Kind: "Furnace", Journal: filepath.Join(s.dir, "furnace"), Heartbeat: 100 * time.Millisecond})
		high := 1600.0
		thermal := d.Stream("thermal", devices.Column{Name: "T", Unit: "Cel", Max: &high})
		s.run(d)
		if err := d.Raise("hot", "critical", "too hot"); err != nil {
			t.Fatal(err)
		}
		for _, x := range []float64{20, 21.5} {
			if err := thermal.Add(x); err != nil {
				t.Fatal(err)
			}
		}
		thermal.Flush()
		s.kept("both", func(alarms []string, b []gateway.TelemetryBatch, _ []gateway.Quarantined) bool {
			return slices.Equal(alarms, []string{"furnace device hot"}) && len(b) == 1 && b[0].Stream == "thermal" && b[0].Device == "furnace" && slices.Equal(b[0].V["T"], []float64{20, 21.5})
		})
		shown, err := s.fleet.Await(s.patience(), "furnace", func(d lab.Device) bool { return len(d.Faults) == 1 })
		if err != nil || shown.Faults[0] != (lab.Fault{Code: "hot", Level: "critical", Text: "too hot"}) {
			t.Errorf("faults shown = %+v, %v; want the alarm", shown.Faults, err)
		}
		if err := thermal.Add(5000); err != nil {
			t.Fatal(err)
		}
		thermal.Flush()
		s.kept("what no sensor can say in quarantine", func(_ []string, b []gateway.TelemetryBatch, q []gateway.Quarantined) bool {
			return len(b) == 1 && len(q) == 1 && strings.Contains(q[0].Reason, "5000")
		})
		s.end() // nobody listens
		d.Clear("hot")
		if err := d.Raise("cold", "info", ""); err != nil {
			t.Fatal(err)
		}
		s.gateway()
		s.kept("the old alarm cleared, the new one standing", func(alarms []string, _ []gateway.TelemetryBatch, _ []gateway.Quarantined) bool {
			return slices.Contains(alarms, "furnace device cold") && !slices.Contains(alarms, "furnace device hot")
		})
	})
}

// TestRawDataComesFirst wants the end of a command told only once its raw data
// is here, with what came inside the event stored as well.
func TestRawDataComesFirst(t *testing.T) {
	t.Parallel()
	buses(t, func(t *testing.T, dial devices.Dialer) {
		store, err := blob.Open(filepath.Join(t.TempDir(), "blobs"))
		if err != nil {
			t.Fatal(err)
		}
		uploads := &gateway.Uploads{Secret: bytes.Repeat([]byte{1}, 32)}
		gate := make(chan struct{})
		open := sync.OnceFunc(func() { close(gate) })
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			<-gate
			uploads.Handler(store, nil).ServeHTTP(w, r)
		}))
		t.Cleanup(server.Close)
		t.Cleanup(open) // or a failed test would wait for its own uploads
		uploads.Href = server.URL
		s := newSite(t, dial, func(c *gateway.Config) { c.Blobs, c.Uploads = store, uploads })
		lots := bytes.Repeat([]byte("spectrum"), 20_000)
		d := sdk.New(sdk.Config{ID: "xrd", Kind: "XRD", Journal: filepath.Join(s.dir, "xrd")})
		sdk.Handle(d, "scan", func(c *sdk.Ctx, _ struct{}) (struct{}, error) {
			if err := c.Attach("note.txt", "text/plain", []byte("little")); err != nil {
				return struct{}{}, err
			}
			return struct{}{}, c.Attach("pattern.xy", "text/plain", lots)
		}, sdk.Blobs("note.txt", "pattern.xy"))
		s.run(d)
		c := s.command("xrd", "scan", 1)
		c.Params = nil
		s.dispatch(c)
		s.reached(c, lab.CommandRunning)
		if told := s.completer.Told(c.ID); len(told) > 0 {
			t.Errorf("told %+v before its raw data was here", told)
		}
		open()
		r := s.ended(c, lab.CommandDone)
		if len(r.Blobs) != 2 || r.Blobs[0].Name != "note.txt" || r.Blobs[1].Size != int64(len(lots)) {
			t.Fatalf("blobs = %+v; want two", r.Blobs)
		}
		for i, want := range [][]byte{[]byte("little"), lots} {
			f, err := store.Get(t.Context(), r.Blobs[i].SHA256)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(f)
			f.Close()
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s: %d bytes, %v; want %d", r.Blobs[i].Name, len(got), err, len(want))
			}
		}
		e, err := s.ledger.Get(t.Context(), c.ID.UUID())
		if err != nil || bytes.Contains(e.Event, []byte(`"data"`)) {
			t.Errorf("the ledger has %.300s, %v; want it without the raw data", e.Event, err)
		}

		// Another port: the same command is still the same.
		uploads.Href += "/moved"
		if again, err := s.g.Dispatch(t.Context(), c); err != nil || again == nil || again.State != lab.CommandDone {
			t.Errorf("dispatched again with another upload: %+v, %v; want the result", again, err)
		}
	})
}

// TestPausedCommandIsNotInDoubt pauses a command beyond its deadline.
func TestPausedCommandIsNotInDoubt(t *testing.T) {
	t.Parallel()
	s := newSite(t, devicestest.NewBroker().Dial)
	d := sdk.New(sdk.Config{ID: "stirrer", Kind: "Stirrer", Journal: filepath.Join(s.dir, "stirrer"), Heartbeat: 500 * time.Millisecond})
	sdk.Handle(d, "stir", func(c *sdk.Ctx, _ struct{}) (struct{}, error) { return struct{}{}, c.Sleep(3 * time.Second) }, sdk.Repeat, sdk.Pausable)
	s.run(d)
	c := s.command("stirrer", "stir", 1)
	c.Params, c.TimeoutS, c.Deadline = nil, 7, time.Now().Add(7*time.Second).UTC().Truncate(time.Millisecond)
	s.dispatch(c)
	s.reached(c, lab.CommandRunning)
	if err := s.g.Pause(t.Context(), "stirrer", "", "ada", "lunch"); err != nil {
		t.Fatal(err)
	}
	s.reached(c, lab.CommandPaused)
	time.Sleep(time.Until(c.Deadline) + 500*time.Millisecond) // its deadline is the point
	if told := s.completer.Told(c.ID); len(told) > 0 {
		t.Errorf("told %+v while it was paused", told)
	}
	if err := s.g.Resume(t.Context(), "stirrer", "", c.Epoch, "ada"); err != nil {
		t.Fatal(err)
	}
	s.ended(c, lab.CommandDone)
}

// run serves a device of the test's own.
func (s *site) run(d *sdk.Device) {
	s.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx, s.dial) }()
	s.t.Cleanup(func() { cancel(); <-done })
}
