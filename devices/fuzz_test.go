package devices_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/lab"
)

// roundTrip holds a decoder against itself: what it accepts, written again,
// must be accepted and mean the same.
func roundTrip[T any](f *testing.F, decode func([]byte) (T, error), seeds ...string) {
	f.Helper()
	for _, s := range append(seeds, `{}`, `[]`, `null`, `{"id":1}`, `{"a":1,"a":2}`, `{"n":1e999}`, "{\"a\":\"\xff\"}", `{} {}`) {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		first, err := decode(b)
		if err != nil {
			if lab.KindOf(err) != lab.Invalid {
				t.Errorf("error %v is of kind %q; want invalid", err, lab.KindOf(err))
			}
			return
		}
		again, err := json.Marshal(first)
		if err != nil {
			t.Fatalf("write %+v again: %v", first, err)
		}
		second, err := decode(again)
		if err != nil {
			t.Fatalf("decode %s again: %v", again, err)
		}
		third, err := json.Marshal(second)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(again), string(third)); diff != "" {
			t.Errorf("written again (-first +second):\n%s", diff)
		}
	})
}

const (
	validCmd = `{"id":"exp42.s7.heat.a1","name":"heat","epoch":17,"issued":"2026-01-02T03:04:05Z","expires":"2026-01-02T03:14:05Z",` +
		`"timeout_s":14400,"after":["exp42.s6.load.a1"],"params":{"target":850,"rate":5},"samples":[{"id":"S-17","slot":"A1"}],` +
		`"traceparent":"00-0123456789abcdef0123456789abcdef-0123456789abcdef-01","upload":{"href":"https://x/y","token":"t"}}`
	validEvent = `{"id":"exp42.s7.heat.a1","state":"done","boot":4,"n":812,"ts":"2026-01-02T03:04:05Z","effect":"complete","took_ms":1.5,` +
		`"result":{"temperature":850.4},"calibration":["K-7"],"blobs":[{"name":"trace.csv","media_type":"text/csv","size":1,"data":"eA==",` +
		`"sha256":"2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"}],"progress":0.5,"note":"n","dup":true}`
	validState = `{"boot":4,"n":812,"ts":"2026-01-02T03:04:05Z","op":"busy","mode":"remote","lease":{"epoch":17,"holder":"athanor","until":"2026-01-02T03:04:20Z"},` +
		`"active":[{"id":"a","name":"heat","state":"running","progress":0.5,"eta_s":3}],"recent":[{"id":"b","state":"done"}],` +
		`"faults":[{"code":"f","level":"warning","text":"t"}],"clock":{"offset_ms":1.5,"err_ms":2,"source":"beat"},"beat_age_ms":3,"calibration":[{"name":"thermocouple","status":"valid","due":"2027-01-02T03:04:05Z","certificate":"K-7"}],` +
		`"consumables":[{"name":"tips","unit":"1","level":90,"low":8}],"slots":[{"slot":"A1","sample":"S-17","handover":{"token":"t","want":"give"}}]}`
)

func FuzzDecodeCmd(f *testing.F) { roundTrip(f, devices.DecodeCmd, validCmd) }

func FuzzDecodeCtl(f *testing.F) {
	roundTrip(f, devices.DecodeCtl, `{"id":"l1","op":"lease","holder":"athanor","epoch":17,"ttl_s":15}`, `{"id":"r1","op":"release","epoch":17}`,
		`{"id":"c1","op":"cancel","target":"a"}`, `{"id":"s1","op":"stop","by":"ada","reason":"smoke"}`, `{"id":"q1","op":"status"}`,
		`{"id":"v1","op":"resolve","target":"a","outcome":"done","by":"ada","reason":"seen"}`, `{"id":"b1","op":"blob_missing","target":"a","sha256":"2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881","missing":[1,2]}`)
}

func FuzzDecodeEvent(f *testing.F) { roundTrip(f, devices.DecodeEvent, validEvent) }

func FuzzDecodeState(f *testing.F) { roundTrip(f, devices.DecodeState, validState) }

func FuzzDecodeAlarm(f *testing.F) {
	roundTrip(f, devices.DecodeAlarm, `{"code":"hot","level":"error","text":"too hot","since":"2026-01-02T03:04:05Z","boot":4,"cmd":"a"}`)
}

func FuzzDecodeBatch(f *testing.F) {
	roundTrip(f, devices.DecodeBatch, `{"boot":4,"n":1,"t0":"2026-01-02T03:04:05Z","dt_ms":[0,10.5],"v":{"T":[20,21.5],"P":[0,1]},"u":{"T":"Cel","P":"W"},"cmd":"a"}`)
}

func FuzzDecodeConn(f *testing.F) {
	roundTrip(f, devices.DecodeConn, `{"state":"online","boot":4,"ts":"2026-01-02T03:04:05Z","sdk":"x"}`, `{"state":"lost","boot":4}`)
}

func FuzzDecodeBeat(f *testing.F) {
	roundTrip(f, devices.DecodeBeat, `{"ts":"2026-01-02T03:04:05Z","seq":7,"orc":"athanor","epoch":3}`)
}

func FuzzDecodeLabStop(f *testing.F) {
	roundTrip(f, devices.DecodeLabStop, `{"latched":true,"id":"x","by":"ada","reason":"fire","ts":"2026-01-02T03:04:05Z"}`)
}

func FuzzParseAbout(f *testing.F) {
	b, err := json.Marshal(furnace())
	if err != nil {
		f.Fatal(err)
	}
	roundTrip(f, devices.ParseAbout, string(b))
}
