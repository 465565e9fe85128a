package devices_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/lab"
)

var update = flag.Bool("update", false, "write the golden files anew")

func furnace() devices.About {
	return devices.About{
		Lab: "lab", ID: "furnace-1", Kind: "Furnace", Title: "Furnace 1", Cell: "hot", Capabilities: []string{"heater", "furnace"},
		Simulated: true, HeartbeatS: 5,
		Actions: []devices.Action{{
			CommandSpec: lab.CommandSpec{
				Name: "heat",
				Params: []lab.ParamSpec{
					{Name: "target", Type: "number", Unit: "Cel", Min: new(20.0), Max: new(1200.0), Required: true},
					{Name: "gas", Type: "string", Enum: []string{"air", "N2"}, Default: json.RawMessage(`"air"`)},
					{Name: "cycles", Type: "integer", Unit: "1", Required: true},
				},
				Results:  []lab.ParamSpec{{Name: "temperature", Type: "number", Unit: "Cel", Required: true}, {Name: "trace", Type: "array", Unit: "Cel"}},
				TypicalS: 3600,
			},
			Recovery: devices.Resume, OrphanAction: "finish", OrphanAfterS: 600, Pausable: true,
			Calibration: []string{"thermocouple"}, Consumables: []devices.Need{{Name: "argon", Amount: 2}}, Blobs: []string{"trace.csv"},
			Example: json.RawMessage(`{"target":20,"cycles":1}`),
		}, {
			CommandSpec: lab.CommandSpec{Name: "read"}, Recovery: devices.Repeat,
		}},
		Streams: []devices.Stream{{Name: "thermal", Columns: []devices.Column{{Name: "T", Unit: "Cel", Min: new(float64(-50)), Max: new(1600.0)}, {Name: "P", Unit: "W"}}}},
		Slots:   []string{"A1", "A2"},
	}
}

// TestAboutGolden holds the Thing Description of a furnace against a page that
// a person has read, and wants it to come back as it was.
func TestAboutGolden(t *testing.T) {
	t.Parallel()
	b, err := json.MarshalIndent(furnace(), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "about.golden.json")
	if *update {
		if err := os.WriteFile(golden, append(b, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(bytes.TrimSpace(want)), string(b)); diff != "" {
		t.Errorf("Thing Description (-want +got), -update writes it anew:\n%s", diff)
	}
	got, err := devices.ParseAbout(b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(furnace(), got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("read again (-want +got):\n%s", diff)
	}
	offers := got.Offers()
	if len(offers) != 2 || offers[1].Name != "furnace" || len(offers[1].Commands) != 2 {
		t.Errorf("offers = %+v; want both commands under both names", offers)
	}
}

// TestMessagesFollowTheirSchemas holds what we write against the published
// JSON Schemas, and wants decoders and schemas to agree on bad messages.
func TestMessagesFollowTheirSchemas(t *testing.T) {
	t.Parallel()
	decoders := map[string]func([]byte) error{
		"cmd":     func(b []byte) error { _, err := devices.DecodeCmd(b); return err },
		"ctl":     func(b []byte) error { _, err := devices.DecodeCtl(b); return err },
		"ev":      func(b []byte) error { _, err := devices.DecodeEvent(b); return err },
		"state":   func(b []byte) error { _, err := devices.DecodeState(b); return err },
		"conn":    func(b []byte) error { _, err := devices.DecodeConn(b); return err },
		"beat":    func(b []byte) error { _, err := devices.DecodeBeat(b); return err },
		"alarm":   func(b []byte) error { _, err := devices.DecodeAlarm(b); return err },
		"tm":      func(b []byte) error { _, err := devices.DecodeBatch(b); return err },
		"labstop": func(b []byte) error { _, err := devices.DecodeLabStop(b); return err },
	}
	var cases []struct {
		Message string          `json:"message"`
		Name    string          `json:"name"`
		Valid   bool            `json:"valid"`
		JSON    json.RawMessage `json:"json"`
	}
	b, err := os.ReadFile(filepath.Join("testdata", "messages.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &cases); err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	seen := map[string]int{}
	for _, c := range cases {
		seen[c.Message]++
		schema, err := compiler.Compile(filepath.Join("..", "docs", "formats", "ldp-1", "schemas", c.Message+".json"))
		if err != nil {
			t.Fatal(err)
		}
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(c.JSON))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(v); (err == nil) != c.Valid {
			t.Errorf("%s, %s: schema says %v; want valid %t", c.Message, c.Name, err, c.Valid)
		}
		if err := decoders[c.Message](c.JSON); (err == nil) != c.Valid {
			t.Errorf("%s, %s: decoder says %v; want valid %t", c.Message, c.Name, err, c.Valid)
		}
	}
	for message := range decoders {
		if seen[message] < 2 {
			t.Errorf("%d cases of %s; want a good and a bad one", seen[message], message)
		}
	}
}

// TestStrictness lists what JSON allows and the contract does not.
func TestStrictness(t *testing.T) {
	t.Parallel()
	good := `{"id":"a","name":"heat","epoch":1,"params":{}}`
	if _, err := devices.DecodeCmd([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, cmd, want string }{
		{"RepeatedKey", `{"id":"a","id":"b","name":"heat","epoch":1,"params":{}}`, "repeated"},
		{"RepeatedKeyInside", `{"id":"a","name":"heat","epoch":1,"params":{"x":1,"x":2}}`, "repeated"},
		{"OtherCase", `{"ID":"a","id":"a","name":"heat","epoch":1,"params":{}}`, "not a field"},
		{"HugeNumber", `{"id":"a","name":"heat","epoch":1,"params":{"x":1e999}}`, "beyond float64"},
		{"NaN", `{"id":"a","name":"heat","epoch":1,"params":{"x":NaN}}`, "invalid"},
		{"Unknown", `{"id":"a","name":"heat","epoch":1,"params":{},"force":true}`, "not a field"},
		{"Null", `{"id":"a","name":"heat","epoch":1,"params":null}`, "null"},
		{"Trailing", good + ` x`, "follows"},
		{"NotUTF8", "{\"id\":\"a\",\"name\":\"heat\",\"epoch\":1,\"params\":{\"x\":\"\xff\"}}", "UTF-8"},
		{"Deep", `{"id":"a","name":"heat","epoch":1,"params":{"x":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}}`, "deeper"},
		{"FractionalEpoch", `{"id":"a","name":"heat","epoch":1.5,"params":{}}`, "epoch"},
		{"LongID", `{"id":"` + strings.Repeat("a", 129) + `","name":"heat","epoch":1,"params":{}}`, "at most 128"},
		{"Long", `{"id":"a","name":"heat","epoch":1,"params":{"x":"` + strings.Repeat("a", devices.MaxCmd) + `"}}`, "bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if _, err := devices.DecodeCmd([]byte(c.cmd)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("DecodeCmd(%.80s) = %v; want an error about %q", c.cmd, err, c.want)
			}
		})
	}
}

func TestDecodeEventMakesItFitToShow(t *testing.T) {
	t.Parallel()
	e, err := devices.DecodeEvent([]byte(`{"id":"a","state":"failed","boot":1,"n":1,"ts":"2026-01-02T03:04:05Z","progress":7,"later":{"x":1},` +
		`"error":"a\u0007b\u202ec` + strings.Repeat("x", 3000) + `"}`))
	if err != nil {
		t.Fatal(err)
	}
	if e.Progress != 1 || e.Effect != lab.EffectUnknown || !strings.HasPrefix(e.Error, "a b c") || len([]rune(e.Error)) != 2000 {
		t.Errorf("event = progress %g, effect %q, error of %d runes %.10q; want 1, unknown, 2000 clean ones", e.Progress, e.Effect, len([]rune(e.Error)), e.Error)
	}
}

func TestTopics(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		filter, topic string
		want          bool
	}{
		{"ldp/1/lab/+/ev", "ldp/1/lab/furnace-1/ev", true},
		{"ldp/1/lab/+/ev", "ldp/1/lab/furnace-1/ev/x", false},
		{"ldp/1/lab/+/ev", "ldp/1/lab/ev", false},
		{"$share/orc/ldp/1/lab/+/ev", "ldp/1/lab/a/ev", true},
		{"ldp/1/#", "ldp/1/lab/a/ev", true},
		{"ldp/1/#", "ldp/1", true},
		{"ldp/1/lab", "ldp/1/lab/a", false},
		{"a/b", "a/b", true},
		{"a/b", "a/c", false},
	} {
		if got := devices.Match(c.filter, c.topic); got != c.want {
			t.Errorf("Match(%q, %q) = %t; want %t", c.filter, c.topic, got, c.want)
		}
	}
	for topic, want := range map[string]string{
		"ldp/1/lab/furnace-1/ev":   "lab furnace-1 ev true",
		"ldp/1/lab/_lab/stop":      "   false",
		"ldp/1/lab/_cell/c/beat":   "   false",
		"ldp/2/lab/furnace-1/ev":   "   false",
		"ldp/1/lab/fur nace/state": "   false",
	} {
		l, d, leaf, ok := devices.ParseTopic(topic)
		if got := fmt.Sprint(l, " ", d, " ", leaf, " ", ok); got != want {
			t.Errorf("ParseTopic(%q) = %q; want %q", topic, got, want)
		}
	}
}

// TestDecodeRecall wants pages whose commands are commands, and nothing else.
func TestDecodeRecall(t *testing.T) {
	t.Parallel()
	cmd := `{\"id\":\"a\",\"name\":\"heat\",\"epoch\":1,\"params\":{}}`
	r, all, err := devices.DecodeRecall([]byte(`{"id":"r","boot":2,"commands":["` + cmd + `"],"more":true,"new":1}`))
	if err != nil || r.ID != "r" || r.Boot != 2 || !r.More || len(all) != 1 || all[0].Name != "heat" || r.Commands[0] != strings.ReplaceAll(cmd, `\`, "") {
		t.Errorf("a page is read as %+v, %+v, %v", r, all, err)
	}
	for _, bad := range []string{
		`{"id":"r","commands":[]}`, `{"id":"r","boot":0,"commands":[]}`, `{"id":"a b","boot":1,"commands":[]}`, `{"id":"r","boot":1,"commands":[],"more":true}`,
		`{"id":"r","boot":1,"commands":["{}"]}`, `{"id":"r","boot":1,"commands":["` + cmd + `","x"]}`,
	} {
		if _, _, err := devices.DecodeRecall([]byte(bad)); lab.KindOf(err) != lab.Invalid {
			t.Errorf("%s is read: %v; want invalid", bad, err)
		}
	}
}
