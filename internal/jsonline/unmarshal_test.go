package jsonline_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/athanor-lab/athanor/internal/jsonline"
	"github.com/athanor-lab/athanor/lab"
)

// line has a field of every kind that our lines have.
type line struct {
	Name   string           `json:"name"`
	Value  lab.Value        `json:"value"`
	Number *json.Number     `json:"number"`
	Sigma  *float64         `json:"sigma"`
	Count  int              `json:"count"`
	At     time.Time        `json:"at"`
	ID     lab.ExperimentID `json:"id"`
	Raw    json.RawMessage  `json:"raw"`
	Parts  map[string]bool  `json:"parts"`
	Inner  []line           `json:"inner"`
}

// lines are read by both libraries alike.
var lines = []string{
	`{}`, `{"name":"é\u00e9<","value":37.47,"number":1.50,"sigma":0.1,"count":3}`, `{"value":"DMF","number":null,"sigma":null}`,
	`{"value":[0.2,0.8],"number":-1e-7,"inner":[{"value":1e300},{"value":null,"inner":[]}]}`, `{"value":-0}`, `{"value":""}`,
	`{"at":"2026-11-30T12:00:00.5Z","id":"exp_01890a5d-ac96-774b-bcce-b302099a8057","raw":{"a": [1, 2]},"parts":{"a":true}}`,
	` { "name" : "blanks" , "unknown" : { "value" : [ { } ] } } `, `{"raw":null,"parts":null,"inner":null}`,
}

// wrong are refused by both.
var wrong = []string{``, `{`, `[]`, `{"value":true}`, `{"value":{"a":1}}`, `{"value":1e400}`, `{"value":["a"]}`, `{"count":1.5}`, `{"count":"1"}`, `{"number":[1]}`, `{"at":"noon"}`, `{"id":"x"}`, `{} {}`, `{"name":1}`}

// refused are what encoding/json lets pass, the last name or the nearest.
var refused = []string{`{"name":"a","name":"b"}`, "{\"name\":\"\xff\"}"}

func TestUnmarshal(t *testing.T) {
	t.Parallel()
	for _, s := range lines {
		var want, got line
		if err := json.Unmarshal([]byte(s), &want); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
		if err := jsonline.Unmarshal([]byte(s), &got); err != nil {
			t.Errorf("%s: %v", s, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", s, diff)
		}
	}
	for _, s := range append(wrong, refused...) {
		var got line
		if err := jsonline.Unmarshal([]byte(s), &got); err == nil {
			t.Errorf("%q was read as %+v", s, got)
		}
	}
}

// FuzzUnmarshal wants every line that is read to be read alike by the library
// where names are written as they are.
func FuzzUnmarshal(f *testing.F) {
	for _, s := range append(append(lines, wrong...), refused...) {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var got line
		if jsonline.Unmarshal(b, &got) != nil {
			return
		}
		once, err := json.Marshal(got)
		if err != nil {
			return // numbers that JSON has and float64 has not
		}
		var again line
		if err := json.Unmarshal(once, &again); err != nil {
			t.Fatalf("%q is %s, which is not read: %v", b, once, err)
		}
		if twice, err := json.Marshal(again); err != nil || string(twice) != string(once) {
			t.Errorf("%q is %s and then %s (%v)", b, once, twice, err)
		}
	})
}

func TestValues(t *testing.T) {
	t.Parallel()
	var names []string
	for v, err := range jsonline.Values[line](strings.NewReader("{\"name\":\"a\"}\n {\"name\":\"b\"}{\"name\":\"c\"}\n\n{\"name\":\"d\"")) {
		if err != nil {
			names = append(names, "error")
			continue
		}
		names = append(names, v.Name)
	}
	if got := strings.Join(names, " "); got != "a b c error" {
		t.Errorf("read %s, want a b c and an error for the one without an end", got)
	}
}
