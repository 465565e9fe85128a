package sdk_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/devices/gateway"
	"github.com/athanor-lab/athanor/devices/gateway/gatewaytest"
	"github.com/athanor-lab/athanor/devices/sdk"
	"github.com/athanor-lab/athanor/internal/blob"
	"github.com/athanor-lab/athanor/lab"
)

// listen hears what the device says below a topic of its own.
func (b *bench) listen(client string, leaf devices.Leaf) <-chan devices.Message {
	b.t.Helper()
	heard := make(chan devices.Message, 100)
	bus, err := b.broker.Dial(b.t.Context(), devices.Session{ClientID: client, Subscriptions: []devices.Subscription{{
		Filters: []string{devices.SubTopic("lab", "dut", leaf, "+")},
		Handle:  func(_ context.Context, m devices.Message) { heard <- m },
	}}})
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = bus.Close() })
	return heard
}

func next(t *testing.T, heard <-chan devices.Message, what string) devices.Message {
	t.Helper()
	select {
	case m := <-heard:
		return m
	case <-time.After(20 * time.Second):
		t.Fatalf("waited in vain for %s", what)
		return devices.Message{}
	}
}

// TestAlarms raises, raises again and clears alarms, and wants what a process
// that died left behind to be cleared by the next.
func TestAlarms(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	heard := b.listen("alarms", devices.LeafAlarm)
	b.start()
	if err := b.device.Raise("hot", "error", "too hot"); err != nil {
		t.Fatal(err)
	}
	m := next(t, heard, "the alarm")
	a, err := devices.DecodeAlarm(m.Payload)
	if err != nil || a.Code != "hot" || a.Level != "error" || a.Text != "too hot" || a.Boot != 1 || m.Topic != "ldp/1/lab/dut/alarm/hot" {
		t.Errorf("alarm = %+v on %s, %v", a, m.Topic, err)
	}
	b.state("the code", func(s devices.State) bool { return slices.Contains(s.Alarms, "hot") })
	for _, bad := range [][2]string{{"a b", "error"}, {"x", "dreadful"}} {
		if err := b.device.Raise(bad[0], bad[1], ""); err == nil {
			t.Errorf("alarm %q of level %q was raised", bad[0], bad[1])
		}
	}
	if err := b.device.Raise("cold", "info", ""); err != nil {
		t.Fatal(err)
	}
	next(t, heard, "the second alarm")
	b.device.Clear("cold")
	if m := next(t, heard, "its clearing"); len(m.Payload) != 0 || m.Topic != "ldp/1/lab/dut/alarm/cold" {
		t.Errorf("cleared by %q on %s; want nothing, on cold", m.Payload, m.Topic)
	}
	b.restart()
	m = next(t, heard, "the clearing of what the last process left")
	for len(m.Payload) == 0 && m.Topic == "ldp/1/lab/dut/alarm/cold" { // its raising was heard by the device after its clearing
		m = next(t, heard, "the clearing of what the last process left")
	}
	if len(m.Payload) != 0 || m.Topic != "ldp/1/lab/dut/alarm/hot" {
		t.Errorf("after a restart %q on %s; want hot cleared", m.Payload, m.Topic)
	}
	b.state("no code", func(s devices.State) bool { return s.Boot == 2 && s.Alarms != nil && len(s.Alarms) == 0 })

	b.lease(1)
	b.do("a", "home", `{}`)
	b.event("a", lab.CommandDone, 1)
	b.send(devices.LeafCmd, strings.Replace(cmd("a", "home", `{}`, ""), "{", "{ ", 1))
	if a, err := devices.DecodeAlarm(next(t, heard, "the alarm about other bytes").Payload); err != nil || a.Code != "id_reused" || a.Command != "a" {
		t.Errorf("alarm = %+v, %v; want id_reused about a", a, err)
	}
	b.ctl(`{"id":"r","op":"reset","by":"ada"}`)
	if m := next(t, heard, "its clearing"); len(m.Payload) != 0 {
		t.Errorf("after a reset: %s; want it cleared", m.Payload)
	}
}

// TestStream says rows in batches that are numbered, each with its command.
func TestStream(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	heard := b.listen("tm", devices.LeafTm)
	var s *sdk.Stream
	b.with = func(d *sdk.Device) {
		s = d.Stream("thermal", devices.Column{Name: "T", Unit: "Cel"}, devices.Column{Name: "P", Unit: "W"})
		sdk.Handle(d, "ramp", func(c *sdk.Ctx, _ struct{}) (struct{}, error) { return struct{}{}, s.AddFor(c, 25, 100) }, sdk.Repeat)
	}
	b.start()
	b.lease(1)
	if err := errors.Join(s.Add(20, 0), s.Add(20.5, 10)); err != nil {
		t.Fatal(err)
	}
	for _, bad := range [][]float64{{1}, {1, 2, 3}, {1, math.NaN()}, {math.Inf(1), 2}} {
		if err := s.Add(bad...); err == nil {
			t.Errorf("row %v was taken", bad)
		}
	}
	b.do("a", "ramp", `{}`)
	b.event("a", lab.CommandDone, 1)
	s.Flush()
	for n, want := range []devices.Batch{
		{Boot: 1, N: 1, V: map[string][]float64{"T": {20, 20.5}, "P": {0, 10}}, U: map[string]lab.Unit{"T": "Cel", "P": "W"}},
		{Boot: 1, N: 2, V: map[string][]float64{"T": {25}, "P": {100}}, U: map[string]lab.Unit{"T": "Cel", "P": "W"}, Command: "a"},
	} {
		m := next(t, heard, "a batch")
		got, err := devices.DecodeBatch(m.Payload)
		if err != nil || m.QoS != 0 || m.Topic != "ldp/1/lab/dut/tm/thermal" {
			t.Fatalf("batch %s at QoS %d on %s: %v", m.Payload, m.QoS, m.Topic, err)
		}
		if err := b.device.About().CheckBatch("thermal", got); err != nil {
			t.Error(err)
		}
		if len(got.DtMS) != len(got.V["T"]) || got.T0.IsZero() {
			t.Errorf("instants = %v after %v", got.DtMS, got.T0)
		}
		got.T0, got.DtMS = time.Time{}, nil
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("batch %d (-want +got):\n%s", n+1, diff)
		}
	}
	for range 5000 {
		if err := s.Add(1, 2); err != nil {
			t.Fatal(err)
		}
	}
	s.Flush()
	for rows := 0; rows < 5000; {
		got, err := devices.DecodeBatch(next(t, heard, "the rest").Payload)
		if err != nil {
			t.Fatal(err)
		}
		rows += len(got.DtMS)
	}
}

// receiver is the laboratory's side of uploads, which can be cut.
type receiver struct {
	*httptest.Server
	store   *blob.Dir
	cut     atomic.Int32 // requests to be cut in the middle
	refuse  atomic.Bool  // everything
	uploads *gateway.Uploads
}

func receive(t *testing.T) *receiver {
	t.Helper()
	store, err := blob.Open(filepath.Join(t.TempDir(), "blobs"))
	if err != nil {
		t.Fatal(err)
	}
	r := &receiver{store: store, uploads: &gateway.Uploads{Secret: bytes.Repeat([]byte{7}, 32)}}
	h := r.uploads.Handler(store, nil)
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if r.refuse.Load() {
			http.Error(w, "away", http.StatusServiceUnavailable)
			return
		}
		if req.Method == http.MethodPut && r.cut.Add(-1) >= 0 {
			req.Body = http.MaxBytesReader(w, req.Body, 100_000)
			h.ServeHTTP(httptest.NewRecorder(), req)
			panic(http.ErrAbortHandler)
		}
		h.ServeHTTP(w, req)
	}))
	r.Config.ErrorLog = nil
	r.uploads.Href = r.URL
	t.Cleanup(r.Close)
	return r
}

// upload returns the member of a command that says where to upload to.
func (r *receiver) upload(t *testing.T, id int) (commandID, member string) {
	t.Helper()
	e := gatewaytest.NewEntry("dut", id)
	e.Command.Deadline = time.Now().Add(time.Minute)
	token := gateway.TokenOf(r.uploads, e)
	return e.ID(), `"upload":{"href":"` + r.URL + `","token":"` + token + `"},`
}

// TestBlobs attaches little inside the event, and much by an upload that is cut
// and that the death of the device does not end.
func TestBlobs(t *testing.T) {
	t.Parallel()
	lots := bytes.Repeat([]byte("0123456789abcdef"), 100_000) // 1.6 MB
	b := newBench(t)
	b.with = func(d *sdk.Device) {
		sdk.Handle(d, "scan", func(c *sdk.Ctx, _ struct{}) (struct{}, error) {
			if err := c.Attach("else", "text/plain", []byte("x")); err == nil {
				t.Error("a blob that was not declared was attached")
			}
			return struct{}{}, errors.Join(c.Attach("note.txt", "text/plain", []byte("little")), c.Attach("trace.bin", "application/octet-stream", lots))
		}, sdk.Repeat, sdk.Blobs("note.txt", "trace.bin"))
	}
	b.start()
	b.lease(1)
	r := receive(t)
	r.cut.Store(2)
	id, member := r.upload(t, 1)
	b.send(devices.LeafCmd, cmd(id, "scan", `{}`, member))
	e := b.event(id, lab.CommandDone, 1)
	if len(e.Blobs) != 2 || string(e.Blobs[0].Data) != "little" || e.Blobs[1].Data != nil || e.Blobs[1].Size != int64(len(lots)) {
		t.Fatalf("blobs = %+v; want one inside, one uploaded", e.Blobs)
	}
	until(b, "the end said again, with its data there", func() (bool, bool) {
		n := 0
		for _, e := range b.events {
			if e.ID == id && e.State == lab.CommandDone {
				n++
			}
		}
		_, whole, err := r.store.Status(t.Context(), e.Blobs[1].SHA256)
		return true, n == 2 && whole && err == nil
	})

	// The same content again, while the laboratory does not listen; then the
	// device dies, and the next process uploads.
	other := receive(t)
	other.refuse.Store(true)
	id, member = other.upload(t, 2)
	b.send(devices.LeafCmd, cmd(id, "scan", `{}`, member))
	b.event(id, lab.CommandDone, 1)
	b.restart()
	other.refuse.Store(false)
	if e := b.event(id, lab.CommandDone, 2); !e.Dup || e.Boot != 2 {
		t.Errorf("said again = %+v; want by the next process", e)
	}
	if _, whole, err := other.store.Status(t.Context(), e.Blobs[1].SHA256); !whole || err != nil {
		t.Errorf("blob whole %t, %v; want it there", whole, err)
	}

	// What is gone is said to be.
	heard := b.listen("alarms", devices.LeafAlarm)
	b.ctl(`{"id":"m","op":"blob_missing","target":"` + id + `","sha256":"` + e.Blobs[1].SHA256 + `"}`)
	if a, err := devices.DecodeAlarm(next(t, heard, "an alarm").Payload); err != nil || a.Code != "blob_lost" {
		t.Errorf("alarm = %+v, %v; want blob_lost", a, err)
	}
}

// TestUploadOfStrangers lists who may not upload, and what.
func TestUploadOfStrangers(t *testing.T) {
	t.Parallel()
	r := receive(t)
	sum := strings.Repeat("ab", 32)
	e := gatewaytest.NewEntry("dut", 1)
	old := gateway.TokenOf(r.uploads, e) // its command is long past
	e.Command.Deadline = time.Now().Add(time.Minute)
	good := gateway.TokenOf(r.uploads, e)
	put := func(token, sum string, offset, size string) int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, r.URL+"/"+sum, strings.NewReader("x"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("Upload-Offset", offset)
		req.Header.Set("Upload-Length", size)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	for name, c := range map[string]struct {
		token, sum, offset, size string
		want                     int
	}{
		"NoToken":     {"", sum, "0", "1", 401},
		"Forged":      {good[:len(good)-2] + "xx", sum, "0", "1", 401},
		"Longer":      {strings.Replace(good, ".", ".9", 1), sum, "0", "1", 401},
		"Old":         {old, sum, "0", "1", 401},
		"NoHash":      {good, "abc", "0", "1", 404},
		"NoOffset":    {good, sum, "", "1", 400},
		"Backwards":   {good, sum, "5", "1", 400},
		"Negative":    {good, sum, "-1", "1", 400},
		"TooMuch":     {good, sum, "0", "99999999999", 413},
		"Elsewhere":   {good, sum, "1", "2", 409},
		"WrongHash":   {good, sum, "0", "1", 422},
		"StillWrong":  {good, sum, "0", "1", 422},
		"BadMemories": {good, "%2e%2e", "0", "1", 404},
	} {
		if got := put(c.token, c.sum, c.offset, c.size); got != c.want {
			t.Errorf("%s: status %d; want %d", name, got, c.want)
		}
	}
	resp, err := http.Get(r.URL + "/" + sum)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusNotFound {
		t.Errorf("get what was never whole: %d; want 404", resp.StatusCode)
	}
}

// place is a slot of the world, with a sensor that may be blind.
type place struct {
	mu     sync.Mutex
	sample string
	blind  bool
}

func (p *place) set(sample string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sample = sample
}

// TestHands gives and takes a sample, with every misuse of tokens and slots,
// and over deaths with a sensor and without.
func TestHands(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	world := map[string]*place{"A1": {}, "A2": {}}
	hand := func(want string) func(c *sdk.Ctx, h sdk.Handing) (string, error) {
		return func(c *sdk.Ctx, h sdk.Handing) (string, error) {
			b.moved <- c.CommandID()
			select {
			case <-b.gate:
			case <-c.Done():
				return "", sdk.Fault{Effect: lab.EffectNone, Err: context.Cause(c)}
			}
			if want == devices.Take {
				world[h.Slot].set(h.Sample)
			} else {
				world[h.Slot].set("")
			}
			return h.Sample, nil
		}
	}
	b.with = func(d *sdk.Device) {
		d.Hands(sdk.Hands{
			Slots: []string{"A1", "A2"}, Give: hand(devices.Give), Take: hand(devices.Take),
			Look: func(slot string) sdk.Seen {
				p := world[slot]
				p.mu.Lock()
				defer p.mu.Unlock()
				return sdk.Seen{Known: !p.blind, Present: p.sample != "", Read: p.sample}
			},
		})
	}
	slot := func(what string, ok func(devices.Slot) bool) {
		t.Helper()
		b.state(what, func(s devices.State) bool { return len(s.Slots) == 2 && ok(s.Slots[0]) })
	}
	b.start()
	if got := b.device.About().Profile(); !slices.Contains(got, "M") {
		t.Errorf("profile = %v; want M in it", got)
	}
	b.lease(1)
	refused := func(id, name, params string, code devices.Code) {
		t.Helper()
		b.do(id, name, params)
		if e := b.event(id, lab.CommandRejected, 1); e.Code != code {
			t.Errorf("%s %s was refused with %s (%s); want %s", name, params, e.Code, e.Error, code)
		}
	}
	refused("r1", "give", `{"slot":"A1","sample":"S-1","token":"t1"}`, devices.Interlock) // it is not there
	refused("r2", "take", `{"slot":"B9","sample":"S-1","token":"t1"}`, devices.BadParams)
	refused("r3", "take", `{"slot":"A1","sample":"a b","token":"t1"}`, devices.BadParams)
	refused("r4", "take", `{"slot":"A1","sample":"S-1","token":"a b"}`, devices.BadParams)
	refused("r5", "clear", `{"slot":"A1","token":"t1","sample":""}`, devices.Interlock)

	close(b.gate)
	b.do("take", "take", `{"slot":"A1","sample":"S-1","token":"t1","peer":"robot:gripper"}`)
	if e := b.event("take", lab.CommandDone, 1); string(e.Result) != `{"read":"S-1"}` {
		t.Errorf("result = %s; want what was read", e.Result)
	}
	slot("the sample, and the handover", func(s devices.Slot) bool {
		return s.Sample == "S-1" && s.Sensed && s.Handover != nil && s.Handover.Token == "t1" && s.Handover.Ended
	})
	refused("r6", "move", `{"x":1}`, devices.Interlock) // nothing moves while a hand may be in the door
	refused("r7", "give", `{"slot":"A1","sample":"S-1","token":"t2"}`, devices.Interlock)
	refused("r8", "clear", `{"slot":"A1","token":"t2","sample":"S-1"}`, devices.Interlock)
	b.do("look", "look", `{}`)
	b.event("look", lab.CommandDone, 1)
	b.restart()
	b.lease(1)
	refused("r9", "move", `{"x":1}`, devices.Interlock)
	b.do("clear", "clear", `{"slot":"A1","token":"t1","sample":"S-1"}`)
	b.event("clear", lab.CommandDone, 1)
	refused("r10", "take", `{"slot":"A1","sample":"S-2","token":"t3"}`, devices.Interlock) // it is full
	b.do("move", "move", `{"x":1}`)
	b.event("move", lab.CommandDone, 1)

	// It dies while it gives: the sensor says that the sample is still there.
	b.moves()
	b.gate = make(chan struct{})
	b.do("give", "give", `{"slot":"A1","sample":"S-1","token":"t4"}`)
	<-b.moved
	b.restart()
	<-b.moved // again
	close(b.gate)
	b.event("give", lab.CommandDone, 1)
	slot("it empty", func(s devices.Slot) bool { return s.Sample == "" && s.Handover != nil && s.Handover.Ended })
	b.lease(1)
	b.do("clear2", "clear", `{"slot":"A1","token":"t4","sample":""}`)
	b.event("clear2", lab.CommandDone, 1)

	// It dies while it takes, and the sensor is blind.
	b.gate = make(chan struct{})
	b.do("take2", "take", `{"slot":"A1","sample":"S-3","token":"t5"}`)
	<-b.moved
	world["A1"].mu.Lock()
	world["A1"].blind = true
	world["A1"].mu.Unlock()
	b.restart()
	b.event("take2", lab.CommandInDoubt, 1)
	b.lease(1)
	refused("r11", "move", `{"x":1}`, devices.Interlock)
}
