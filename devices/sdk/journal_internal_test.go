package sdk

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/lab"
)

// written returns a device that can do nothing, opened on a journal.
func written(t *testing.T, path string) *Device {
	t.Helper()
	d := New(Config{ID: "d", Kind: "K", Journal: path})
	if err := errors.Join(d.wrong...); err != nil {
		t.Fatal(err)
	}
	if err := d.open(); err != nil {
		t.Fatal(err)
	}
	return d
}

func end(id string, state lab.CommandState) record {
	ev := devices.Event{ID: id, State: state, TS: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Effect: lab.EffectComplete, Result: json.RawMessage(`{"x":1}`)}
	return record{T: recEnd, ID: id, Sum: "s", Event: &ev}
}

func begin(id string) record {
	return record{T: recBegin, ID: id, Sum: "s", Cmd: json.RawMessage(fmt.Sprintf(`{"id":%q,"name":"x","epoch":3,"params":{}}`, id))}
}

func lines(t *testing.T, records ...record) []byte {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	for _, r := range records {
		if err := enc.Encode(r); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

// TestTornTail cuts a journal at every byte, as a power loss may, and wants a
// device to open on what is whole, to go on counting, and to write on.
func TestTornTail(t *testing.T) {
	t.Parallel()
	records := []record{
		{T: recBoot, N: 4},
		{T: recEpoch, N: 3},
		begin("a"), end("a", lab.CommandDone), begin("b"),
		{T: recCkpt, ID: "b", V: json.RawMessage(`7`)},
		{T: recStop},
		end("b", lab.CommandAborted),
		{T: recReset},
		{T: recEpoch, N: 9},
		{T: recBoot, N: 5},
		begin("c"),
	}
	whole := lines(t, records...)
	path := filepath.Join(t.TempDir(), "journal")
	for cut := range len(whole) + 1 {
		if err := os.WriteFile(path, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		kept := bytes.Count(whole[:cut], []byte{'\n'})
		var boot, epoch int64
		stopped, states := false, map[string]lab.CommandState{}
		for _, r := range records[:kept] {
			switch r.T {
			case recBoot:
				boot = r.N
			case recEpoch:
				epoch = r.N
			case recStop, recReset:
				stopped = r.T == recStop
			case recBegin:
				states[r.ID] = lab.CommandAccepted
			case recEnd:
				states[r.ID] = r.Event.State
			}
		}
		for again := range 2 {
			d := written(t, path)
			if d.boot != boot+1+int64(again) || d.epoch != epoch || d.stopped != stopped || len(d.entries) != len(states) {
				t.Fatalf("cut at %d of %d: boot %d, epoch %d, stopped %t, %d commands; want %d, %d, %t, %d",
					cut, len(whole), d.boot, d.epoch, d.stopped, len(d.entries), boot+1+int64(again), epoch, stopped, len(states))
			}
			for id, want := range states {
				if got := d.entries[id].event.State; got != want {
					t.Fatalf("cut at %d: command %s is %s; want %s", cut, id, got, want)
				}
			}
			if err := d.journal.close(errShutdown); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestDamagedJournal wants a device not to start on a journal that is damaged
// where it was once relied upon.
func TestDamagedJournal(t *testing.T) {
	t.Parallel()
	whole := lines(t, record{T: recBoot, N: 4}, begin("a"), record{T: recEpoch, N: 9})
	for at := range len(whole) {
		if whole[at] == '\n' {
			continue
		}
		damaged := bytes.Clone(whole)
		damaged[at] = 0
		_, kept, err := parseJournal(damaged)
		last := bytes.LastIndexByte(whole[:len(whole)-1], '\n') + 1
		switch {
		case at < last && (err == nil || !strings.Contains(err.Error(), "is damaged")):
			t.Errorf("damage at byte %d = %v; want it told", at, err)
		case at >= last && (err != nil || kept != last):
			t.Errorf("damage of the last line at byte %d keeps %d bytes, %v; want %d", at, kept, err, last)
		}
	}
}

// TestGroupCommit writes from many sides at once and wants all of it there.
func TestGroupCommit(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	d := written(t, path)
	var wg sync.WaitGroup
	for w := range 16 {
		wg.Go(func() {
			for i := range 20 {
				if err := d.journal.put(record{T: recEpoch, N: int64(1000*w + i)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	records, whole, err := parseJournal(b)
	if err != nil || whole != len(b) || len(records) != 16*20+1 {
		t.Errorf("%d records in %d of %d bytes, %v; want 321 in all", len(records), whole, len(b), err)
	}
}

// TestCompaction fills a journal beyond its horizon and wants the newest ended
// commands, those that may still come again, and everything open to be kept,
// in a file that is shorter.
func TestCompaction(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	records := []record{{T: recBoot, N: 6}, {T: recEpoch, N: 12}, {T: recStop}, begin("open"), {T: recCkpt, ID: "open", V: json.RawMessage(`{"held":3}`)}}
	alive := end("alive", lab.CommandDone)
	alive.Expires = time.Now().Add(time.Hour)
	records = append(records, alive)
	for i := range 2*keepEnded + 5 {
		records = append(records, end(fmt.Sprint("c", i), lab.CommandDone))
	}
	full := lines(t, records...)
	if err := os.WriteFile(path, full, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // what is compacted must open again
		d := written(t, path)
		if len(d.ended) < keepEnded || len(d.ended) > keepEnded+1 || d.entries["c0"] != nil || d.entries[fmt.Sprint("c", 2*keepEnded+4)] == nil {
			t.Errorf("%d ended commands are kept; want the last %d and one that may come again", len(d.ended), keepEnded)
		}
		if d.entries["alive"] == nil || d.epoch != 12 || !d.stopped || d.boot < 7 {
			t.Errorf("kept: alive %t, epoch %d, stopped %t, boot %d; want true, 12, true, from 7", d.entries["alive"] != nil, d.epoch, d.stopped, d.boot)
		}
		open := d.pending()
		if len(open) != 1 || open[0].id != "open" || string(open[0].ckpt) != `{"held":3}` || open[0].sum != "s" {
			t.Errorf("open commands = %+v; want open with its checkpoint", open)
		}
		if err := d.journal.put(record{T: recEpoch, N: 12}); err != nil {
			t.Error(err)
		}
		if err := d.journal.close(errShutdown); err != nil {
			t.Error(err)
		}
	}
	b, err := os.ReadFile(path)
	if err != nil || len(b) > len(full)*2/3 {
		t.Errorf("journal has %d bytes after %d, %v; want it shorter", len(b), len(full), err)
	}
}

// TestBrokenJournalRefuses takes the disk away and wants commands refused, for
// nothing may move that is not written down.
func TestBrokenJournalRefuses(t *testing.T) {
	t.Parallel()
	d := written(t, filepath.Join(t.TempDir(), "journal"))
	moved := false
	Handle(d, "x", func(*Ctx, struct{}) (struct{}, error) { moved = true; return struct{}{}, nil }, Repeat)
	d.out = newOutbox(d, nil)
	d.onCtl([]byte(`{"id":"l","op":"lease","epoch":1,"holder":"h","ttl_s":60}`))
	if err := d.journal.file.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		d.onCmd([]byte(`{"id":"a","name":"x","epoch":1,"params":{}}`))
	}
	d.work.Wait()
	if moved {
		t.Error("a command moved that is not written down")
	}
	if len(d.out.events) != 2 {
		t.Fatalf("%d events; want a refusal to each", len(d.out.events))
	}
	for _, l := range d.out.events {
		if e, err := devices.DecodeEvent(l.msg.Payload); err != nil || e.Code != devices.Busy {
			t.Errorf("answer = %s (%v); want busy", l.msg.Payload, err)
		}
	}
	if s, err := devices.DecodeState(d.stateMessage().Payload); err != nil || s.Op != "fault" || len(s.Faults) != 1 {
		t.Errorf("state = %+v, %v; want a fault", s, err)
	}
}

func FuzzParseJournal(f *testing.F) {
	f.Add([]byte(`{"t":"boot","n":1}` + "\n" + `{"t":"ep`))
	f.Add([]byte(`{"t":"end","id":"a","e":{"id":"a","state":"done","boot":0,"n":0,"ts":"2026-01-02T03:04:05Z"}}` + "\n\n"))
	f.Add([]byte("\x00\x00\n\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		records, whole, err := parseJournal(b)
		if err == nil && (whole > len(b) || bytes.Count(b[:whole], []byte{'\n'}) != len(records)) {
			t.Errorf("%d records in %d bytes of %d; want one to a line", len(records), whole, len(b))
		}
		d := New(Config{ID: "d", Kind: "K", Journal: "x"})
		_ = d.load(records) // must not panic
	})
}

func FuzzCheckParams(f *testing.F) {
	f.Add(`{"x":1,"n":2,"s":"a","b":true}`)
	f.Add(`{"x":1e308,"n":9007199254740993}`)
	f.Add(`{"x":-0,"n":2e0}`)
	low, high := -10.0, 10.0
	specs := []lab.ParamSpec{
		{Name: "x", Type: "number", Min: &low, Max: &high, Required: true},
		{Name: "n", Type: "integer", Default: json.RawMessage("1")},
		{Name: "s", Type: "string", Enum: []string{"a", "b"}},
		{Name: "b", Type: "boolean"},
	}
	f.Fuzz(func(t *testing.T, raw string) {
		if devices.Strict([]byte(raw)) != nil {
			return
		}
		params, err := checkParams(specs, json.RawMessage(raw))
		if err != nil {
			return
		}
		var p struct {
			X *float64 `json:"x"`
			N *int64   `json:"n"`
			S string   `json:"s"`
			B bool     `json:"b"`
		}
		if err := json.Unmarshal(params, &p); err != nil || p.X == nil || p.N == nil || *p.X < low || *p.X > high {
			t.Errorf("%s passed as %s: %v", raw, params, err)
		}
	})
}
