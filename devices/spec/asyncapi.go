package spec

import (
	"encoding/json"
	"fmt"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/lab"
)

// channel is a topic of the contract.
type channel struct {
	name    string
	address string // {lab}, {device} and so on stand for what varies
	message string
	about   string
	sends   bool // by the device; otherwise by the laboratory
	qos     int
	retain  bool
}

var channels = []channel{
	{"conn", "ldp/1/{lab}/{device}/conn", "conn", "Birth and death. The broker publishes the last will here.", true, 1, true},
	{"about", "ldp/1/{lab}/{device}/about", "about", "What the device is and can do.", true, 1, true},
	{"state", "ldp/1/{lab}/{device}/state", "state", "On change, at most ten a second, and at least every heartbeat.", true, 1, true},
	{"ev", "ldp/1/{lab}/{device}/ev", "ev", "What became of commands.", true, 1, false},
	{"recall", "ldp/1/{lab}/{device}/recall", "recall", "Which commands it remembers, a page at a time, in answer to ctl recall.", true, 1, false},
	{"tm", "ldp/1/{lab}/{device}/tm/{stream}", "tm", "Telemetry; a batch is said once or never.", true, 0, false},
	{"alarm", "ldp/1/{lab}/{device}/alarm/{code}", "alarm", "Alarms; an empty message clears one.", true, 1, true},
	{"blob", "ldp/1/{lab}/{device}/blob/{sha256}", "blob", "A piece of raw data, for devices that reach no HTTP. Every piece but the last has 65,496 bytes.", true, 1, false},
	{"cmd", "ldp/1/{lab}/{device}/cmd", "cmd", "Commands, never retained.", false, 1, false},
	{"ctl", "ldp/1/{lab}/{device}/ctl", "ctl", "Operations, never retained.", false, 1, false},
	{"beat", "ldp/1/{lab}/_cell/{cell}/beat", "beat", "Once a second to each cell in which a device is leased.", false, 0, false},
	{"stop", "ldp/1/{lab}/_lab/stop", "labstop", "Latched; an empty message takes it back as well.", false, 1, true},
}

var parameters = map[string]string{
	"lab": "the laboratory", "device": "the device", "cell": "the cell whose beat the device hears", "stream": "one of the descriptor's streams", "code": "the alarm's code", "sha256": "of the whole of the raw data, in small hexadecimal letters",
}

// AsyncAPI returns the AsyncAPI 3 document of the contract, as a device sees it.
func AsyncAPI() ([]byte, error) {
	type m = map[string]any
	ref := func(path string) m { return m{"$ref": path} }
	chans, ops, msgs, schemas := m{}, m{}, m{}, m{}
	for _, x := range messages {
		s, err := x.schema()
		if err != nil {
			return nil, err
		}
		schemas[x.name] = s
		msgs[x.name] = m{"name": x.name, "title": x.about, "contentType": "application/json", "payload": ref("#/components/schemas/" + x.name)}
	}
	schemas["about"] = m{"type": "object", "description": "A W3C Thing Description 1.1.", "required": []string{"@context", "id", "title", "security", "securityDefinitions"}}
	msgs["about"] = m{"name": "about", "title": "A W3C Thing Description 1.1 with the terms of the contract.", "contentType": "application/td+json", "payload": ref("#/components/schemas/about")}
	schemas["blob"] = m{
		"type": "string", "format": "binary", "minLength": devices.MaxChunk - devices.ChunkBytes + 1, "maxLength": devices.MaxChunk,
		"description": fmt.Sprintf("Binary: the SHA-256 of the whole in 32 bytes, the index of the piece from 0 and the number of pieces (at most %d) in 4 bytes each with the highest first, and the piece: %d bytes, in the last from 1.", devices.ChunksMax, devices.ChunkBytes),
	}
	msgs["blob"] = m{"name": "blob", "title": "A piece of raw data.", "contentType": "application/octet-stream", "payload": ref("#/components/schemas/blob")}
	for _, c := range channels {
		params := m{}
		for name, about := range parameters {
			if containsParam(c.address, name) {
				params[name] = m{"description": about}
			}
		}
		chans[c.name] = m{"address": c.address, "description": c.about, "parameters": params, "messages": m{c.message: ref("#/components/messages/" + c.message)}}
		verb, action := "hear_", "receive"
		if c.sends {
			verb, action = "say_", "send"
		}
		ops[verb+c.name] = m{
			"action": action, "channel": ref("#/channels/" + c.name), "summary": c.about,
			"messages": []m{ref("#/channels/" + c.name + "/messages/" + c.message)},
			"bindings": m{"mqtt": m{"qos": c.qos, "retain": c.retain, "bindingVersion": "0.2.0"}},
		}
	}
	doc := m{
		"asyncapi": "3.0.0",
		"info": m{
			"title": "LDP/1: how devices and the laboratory talk", "version": fmt.Sprintf("1.%d.0", devices.Minor),
			"description": "As a device sees it. docs/formats/ldp-1.md says what must happen when; this says what it looks like.",
			"license":     m{"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
			"tags":        []m{{"name": "devices"}},
		},
		"defaultContentType": "application/json",
		"servers":            m{"broker": m{"host": "localhost:1883", "protocol": "mqtt", "protocolVersion": "3.1.1", "description": "Any MQTT broker."}},
		"channels":           chans, "operations": ops,
		"components": m{"messages": msgs, "schemas": schemas},
	}
	return pretty(doc)
}

func containsParam(address, name string) bool {
	for i := 0; i+len(name)+2 <= len(address); i++ {
		if address[i:i+len(name)+2] == "{"+name+"}" {
			return true
		}
	}
	return false
}

// Example is a device that uses every term of the descriptor.
func Example() devices.About {
	low, high, cold, hot, none := 20.0, 1200.0, -50.0, 1600.0, 0.0
	day := 86400.0
	text := func(name string, slots ...string) lab.ParamSpec {
		return lab.ParamSpec{Name: name, Type: "string", Required: true, Enum: slots}
	}
	slots := []string{"A1", "A2"}
	hand := func(name string, recovery devices.Recovery) devices.Action {
		return devices.Action{CommandSpec: lab.CommandSpec{Name: name, Params: []lab.ParamSpec{text("slot", slots...), text("sample"), text("token")}}, Recovery: recovery}
	}
	return devices.About{
		Lab: "lab", ID: "furnace-1", Kind: "Furnace", Title: "Furnace 1", Cell: "hot", Capabilities: []string{"heater"}, Simulated: true, HeartbeatS: 5,
		Actions: []devices.Action{
			{
				CommandSpec: lab.CommandSpec{
					Name: "heat",
					Params: []lab.ParamSpec{
						{Name: "target", Type: "number", Unit: "Cel", Min: &low, Max: &high, Required: true},
						{Name: "hold", Type: "number", Unit: "s", Min: &none, Max: &day, Required: true},
						{Name: "gas", Type: "string", Enum: []string{"air", "N2"}, Default: json.RawMessage(`"air"`)},
					},
					Results: []lab.ParamSpec{{Name: "temperature", Type: "number", Unit: "Cel", Required: true}}, TypicalS: 3600,
				},
				Recovery: devices.Resume, OrphanAction: "finish", OrphanAfterS: 600, Pausable: true,
				Calibration: []string{"thermocouple"}, Consumables: []devices.Need{{Name: "argon", Amount: 2}}, Blobs: []string{"trace.csv"},
				Example: json.RawMessage(`{"target":25,"hold":0}`),
			},
			hand(devices.Give, devices.Probe), hand(devices.Take, devices.Probe), hand(devices.Clear, devices.Repeat),
		},
		Streams: []devices.Stream{{Name: "thermal", Columns: []devices.Column{{Name: "T", Unit: "Cel", Min: &cold, Max: &hot}, {Name: "P", Unit: "W"}}}},
		Slots:   slots,
	}
}
