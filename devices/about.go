package devices

import (
	"encoding/json"
	"slices"

	"github.com/athanor-lab/athanor/lab"
)

// Recovery is what a device does with a command that its process died at.
type Recovery string

// The recovery classes.
const (
	Repeat Recovery = "repeat" // the effect is the same when done again: run it again
	Resume Recovery = "resume" // the driver writes checkpoints: go on from the last
	Probe  Recovery = "probe"  // the effect can be seen: look, then decide
	Manual Recovery = "manual" // none of these: in doubt until a person says
)

// About is what a device says of itself once: who it is and what it can do. On
// the wire it is a W3C Thing Description 1.1.
type About struct {
	Lab          string
	ID           string
	Kind         string // as in "Furnace"
	Title        string
	Cell         string   // whose beat it listens to
	Capabilities []string // names that protocols ask for; every command belongs to all of them
	Simulated    bool
	HeartbeatS   float64 // the longest time between two states while leased, in seconds
	Actions      []Action
	Streams      []Stream // of telemetry
	Slots        []string // places for samples
}

// Action is a command with what becomes of it when something dies.
type Action struct {
	lab.CommandSpec
	Recovery     Recovery
	OrphanAction string  // "finish", "pause" or "stop" when the laboratory is silent; "" is finish
	OrphanAfterS float64 // silence that makes an orphan, in seconds; 0 when never

	Pausable    bool            // it can be held and go on
	Calibration []string        // what must hold before it begins
	Consumables []Need          // what must be there before it begins
	Blobs       []string        // the names of the raw data that its end may come with
	Example     json.RawMessage // parameters with which it may be tried at any time; nil when there are none
}

// Profile returns the parts of the contract that a offers: S state and
// telemetry, C commands, L leases and a durable journal, M samples, B blobs.
func (a About) Profile() []string {
	p := []string{"S", "C", "L"}
	if len(a.Slots) > 0 {
		p = append(p, "M")
	}
	if slices.ContainsFunc(a.Actions, func(x Action) bool { return len(x.Blobs) > 0 }) {
		p = append(p, "B")
	}
	return p
}

// Find returns the action of a name.
func (a About) Find(name string) (Action, bool) {
	i := slices.IndexFunc(a.Actions, func(x Action) bool { return x.Name == name })
	if i < 0 {
		return Action{}, false
	}
	return a.Actions[i], true
}

// Minor is the additive version below the topic's major one.
const Minor = 3

// Offers returns a's capabilities in the words of the laboratory.
func (a About) Offers() []lab.Capability {
	commands := make([]lab.CommandSpec, 0, len(a.Actions))
	for _, action := range a.Actions {
		commands = append(commands, action.CommandSpec)
	}
	offers := make([]lab.Capability, 0, len(a.Capabilities))
	for _, name := range a.Capabilities {
		offers = append(offers, lab.Capability{Name: name, Commands: commands})
	}
	return offers
}

// MarshalJSON writes a as a Thing Description.
func (a About) MarshalJSON() ([]byte, error) {
	actions := tdObject{}
	for _, action := range a.Actions {
		actions = append(actions, member{action.Name, a.describe(action)})
	}
	events := tdObject{
		{"ev", tdObject{{"data", tdObject{{"type", "object"}}}, {"forms", []any{a.form(LeafEv, "subscribeevent", "subscribe", "mqv:filter")}}}},
		{"alarm", tdObject{{"data", tdObject{{"type", "object"}}}, {"forms", []any{a.form(LeafAlarm+"/+", "subscribeevent", "subscribe", "mqv:filter")}}}},
	}
	for _, s := range a.Streams {
		events = append(events, member{streamPrefix + s.Name, a.describeStream(s)})
	}
	td := tdObject{
		{"@context", []any{"https://www.w3.org/2022/wot/td/v1.1", tdObject{{"ldp", "urn:ldp:1#"}, {"mqv", "https://www.w3.org/2019/wot/mqtt#"}}}},
		{"@type", "ldp:" + a.Kind},
		{"id", "urn:ldp:" + a.Lab + ":" + a.ID},
		{"title", a.Title},
		{"securityDefinitions", tdObject{{"nosec", tdObject{{"scheme", "nosec"}}}}},
		{"security", "nosec"},
		{"ldp:minor", Minor},
		{"ldp:profile", a.Profile()},
		{"ldp:capabilities", append([]string{}, a.Capabilities...)}, // never null
		{"ldp:cell", a.Cell},
		{"ldp:simulated", a.Simulated},
		{"ldp:heartbeat_s", a.HeartbeatS},
	}
	if len(a.Slots) > 0 {
		td = append(td, member{"ldp:slots", a.Slots})
	}
	return json.Marshal(append(td, member{"actions", actions}, member{"events", events}))
}

// streamPrefix goes before the name of a stream among the events.
const streamPrefix = "tm."

func (a About) describeStream(s Stream) tdObject {
	columns := tdObject{}
	for _, c := range s.Columns {
		item := tdObject{{"type", "number"}}
		if c.Min != nil {
			item = append(item, member{"minimum", *c.Min})
		}
		if c.Max != nil {
			item = append(item, member{"maximum", *c.Max})
		}
		columns = append(columns, member{c.Name, tdObject{{"type", "array"}, {"unit", c.Unit}, {"items", item}}})
	}
	form := a.form(LeafTm+"/"+Leaf(s.Name), "subscribeevent", "subscribe", "mqv:filter")
	return tdObject{
		{"data", tdObject{{"type", "object"}, {"properties", tdObject{{"v", tdObject{{"type", "object"}, {"properties", columns}}}}}}},
		{"forms", []any{form}},
	}
}

// describe writes an action. Its input is the whole command, because one topic
// serves all of them.
func (a About) describe(action Action) tdObject {
	o := tdObject{
		{"input", tdObject{
			{"type", "object"},
			{"required", []string{"id", "name", "epoch", "params"}},
			{"properties", tdObject{
				{"id", tdObject{{"type", "string"}, {"pattern", ident.String()}}},
				{"name", tdObject{{"const", action.Name}}},
				{"epoch", tdObject{{"type", "integer"}, {"minimum", 1}}},
				{"expires", tdObject{{"type", "string"}, {"format", "date-time"}}},
				{"params", schema(action.Params)},
			}},
		}},
		{"output", schema(action.Results)},
		{"safe", false},
		{"idempotent", action.Recovery == Repeat},
		{"ldp:recovery", action.Recovery},
	}
	if action.OrphanAction != "" {
		o = append(o, member{"ldp:orphan", tdObject{{"after_s", action.OrphanAfterS}, {"action", action.OrphanAction}}})
	}
	if action.TypicalS > 0 {
		o = append(o, member{"ldp:duration", tdObject{{"typ_s", action.TypicalS}}})
	}
	if action.Pausable {
		o = append(o, member{"ldp:pausable", true})
	}
	requires := tdObject{}
	if len(action.Calibration) > 0 {
		requires = append(requires, member{"calibration", action.Calibration})
	}
	if len(action.Consumables) > 0 {
		requires = append(requires, member{"consumables", action.Consumables})
	}
	if len(requires) > 0 {
		o = append(o, member{"ldp:requires", requires})
	}
	if len(action.Blobs) > 0 {
		o = append(o, member{"ldp:blobs", action.Blobs})
	}
	if action.Example != nil {
		o = append(o, member{"ldp:example", action.Example})
	}
	return append(o, member{"forms", []any{a.form(LeafCmd, "invokeaction", "publish", "mqv:topic")}})
}

func (a About) form(leaf Leaf, op, packet, topic string) tdObject {
	t := Topic(a.Lab, a.ID, leaf)
	return tdObject{{"href", "mqtt://localhost/" + t}, {"op", op}, {"mqv:controlPacket", packet}, {topic, t}, {"mqv:qos", "1"}, {"contentType", "application/json"}}
}

// schema writes parameters or results as an object's schema.
func schema(specs []lab.ParamSpec) tdObject {
	properties, required := tdObject{}, []string{}
	for _, s := range specs {
		p := tdObject{{"type", s.Type}}
		if s.Unit != "" {
			p = append(p, member{"unit", s.Unit})
		}
		if s.Min != nil {
			p = append(p, member{"minimum", *s.Min})
		}
		if s.Max != nil {
			p = append(p, member{"maximum", *s.Max})
		}
		if len(s.Enum) > 0 {
			p = append(p, member{"enum", s.Enum})
		}
		if s.Default != nil {
			p = append(p, member{"default", s.Default})
		}
		if s.Required {
			required = append(required, s.Name)
		}
		properties = append(properties, member{s.Name, p})
	}
	return tdObject{{"type", "object"}, {"required", required}, {"properties", properties}}
}
