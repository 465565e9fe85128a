package devices

import (
	"encoding/json"
	"slices"
	"strings"

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
}

// Action is a command with what becomes of it when something dies.
type Action struct {
	lab.CommandSpec
	Recovery     Recovery
	OrphanAction string  // "finish", "pause" or "stop" when the laboratory is silent; "" is finish
	OrphanAfterS float64 // silence that makes an orphan, in seconds; 0 when never
}

// Minor is the additive version below the topic's major one.
const Minor = 0

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
	return json.Marshal(tdObject{
		{"@context", []any{"https://www.w3.org/2022/wot/td/v1.1", tdObject{{"ldp", "urn:ldp:1#"}, {"mqv", "https://www.w3.org/2019/wot/mqtt#"}}}},
		{"@type", "ldp:" + a.Kind},
		{"id", "urn:ldp:" + a.Lab + ":" + a.ID},
		{"title", a.Title},
		{"securityDefinitions", tdObject{{"nosec", tdObject{{"scheme", "nosec"}}}}},
		{"security", "nosec"},
		{"ldp:minor", Minor},
		{"ldp:profile", []string{"S", "C", "L"}},
		{"ldp:capabilities", append([]string{}, a.Capabilities...)}, // never null
		{"ldp:cell", a.Cell},
		{"ldp:simulated", a.Simulated},
		{"ldp:heartbeat_s", a.HeartbeatS},
		{"actions", actions},
		{"events", tdObject{{"ev", tdObject{
			{"data", tdObject{{"type", "object"}}},
			{"forms", []any{a.form(LeafEv, "subscribeevent", "subscribe", "mqv:filter")}},
		}}}},
	})
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

// ParseAbout reads a Thing Description. Terms that are not the contract's are
// ignored; what is beyond its limits is refused with lab.Invalid.
func ParseAbout(b []byte) (About, error) {
	var a About
	m, err := object("about", b, MaxAbout)
	if err != nil {
		return a, err
	}
	var id, kind string
	var actions ordered
	err = fields("about", m, false, map[string]any{
		"id": &id, "@type": &kind, "title": &a.Title, "ldp:cell": &a.Cell, "ldp:capabilities": &a.Capabilities,
		"ldp:simulated": &a.Simulated, "ldp:heartbeat_s": &a.HeartbeatS, "actions": &actions,
	}, "id", "title")
	if err != nil {
		return a, err
	}
	rest, ok := strings.CutPrefix(id, "urn:ldp:")
	a.Lab, a.ID, _ = strings.Cut(rest, ":")
	a.Kind, a.Title = strings.TrimPrefix(kind, "ldp:"), Clean(a.Title)
	switch {
	case !ok || !ValidID(a.Lab) || !ValidID(a.ID):
		return a, lab.Errorf(lab.Invalid, "decode about: id %.80q is not urn:ldp:<lab>:<device>", id)
	case a.Kind != "" && !ValidID(a.Kind):
		return a, lab.Errorf(lab.Invalid, "decode about: @type %.80q is not ldp:<Kind>", kind)
	case a.Cell != "" && !ValidID(a.Cell):
		return a, lab.Errorf(lab.Invalid, "decode about: ldp:cell %.40q is no name", a.Cell)
	case a.HeartbeatS < 0 || a.HeartbeatS > 3600:
		return a, lab.Errorf(lab.Invalid, "decode about: ldp:heartbeat_s %g is not from 0 to 3600", a.HeartbeatS)
	case len(a.Capabilities) > affordancesMax || len(actions) > affordancesMax:
		return a, lab.Errorf(lab.Invalid, "decode about: more than %d capabilities or actions", affordancesMax)
	}
	for _, c := range a.Capabilities {
		if !ValidID(c) {
			return a, lab.Errorf(lab.Invalid, "decode about: capability %.40q is no name", c)
		}
	}
	for _, m := range actions {
		action, err := parseAction(m.name, m.raw)
		if err != nil {
			return a, lab.Errorf(lab.Invalid, "decode about: action %.40q: %w", m.name, err)
		}
		a.Actions = append(a.Actions, action)
	}
	return a, nil
}

// affordancesMax bounds capabilities, actions, and the parameters of one.
const affordancesMax = 256

func parseAction(name string, b []byte) (Action, error) {
	var in struct {
		Input struct {
			Properties struct {
				Params paramsSchema `json:"params"`
			} `json:"properties"`
		} `json:"input"`
		Output   paramsSchema `json:"output"`
		Recovery Recovery     `json:"ldp:recovery"`
		Orphan   struct {
			AfterS float64 `json:"after_s"`
			Action string  `json:"action"`
		} `json:"ldp:orphan"`
		Duration struct {
			TypS float64 `json:"typ_s"`
		} `json:"ldp:duration"`
	}
	a := Action{CommandSpec: lab.CommandSpec{Name: name}}
	if !ValidID(name) {
		return a, lab.Errorf(lab.Invalid, "its name is not letters, digits and ._:-")
	}
	if err := json.Unmarshal(b, &in); err != nil {
		return a, err
	}
	var err error
	if a.Params, err = in.Input.Properties.Params.specs("params"); err != nil {
		return a, err
	}
	if a.Results, err = in.Output.specs("output"); err != nil {
		return a, err
	}
	a.Recovery = in.Recovery
	if a.Recovery == "" {
		a.Recovery = Manual
	}
	if !slices.Contains([]Recovery{Repeat, Resume, Probe, Manual}, a.Recovery) {
		return a, lab.Errorf(lab.Invalid, "ldp:recovery %.40q is not repeat, resume, probe or manual", string(a.Recovery))
	}
	if !oneOf(in.Orphan.Action, "", "finish", "pause", "stop") || in.Orphan.AfterS < 0 || in.Duration.TypS < 0 {
		return a, lab.Errorf(lab.Invalid, "ldp:orphan is not finish, pause or stop after a time from 0, or ldp:duration is negative")
	}
	a.OrphanAction, a.OrphanAfterS, a.TypicalS = in.Orphan.Action, in.Orphan.AfterS, in.Duration.TypS
	return a, nil
}

// paramsSchema is the part of an object's schema that the laboratory reads.
type paramsSchema struct {
	Required   []string `json:"required"`
	Properties ordered  `json:"properties"`
}

func (s paramsSchema) specs(where string) ([]lab.ParamSpec, error) {
	if len(s.Properties) > affordancesMax {
		return nil, lab.Errorf(lab.Invalid, "%s has more than %d properties", where, affordancesMax)
	}
	var specs []lab.ParamSpec
	for _, m := range s.Properties {
		var p struct {
			Type    string          `json:"type"`
			Unit    lab.Unit        `json:"unit"`
			Min     *float64        `json:"minimum"`
			Max     *float64        `json:"maximum"`
			Enum    []string        `json:"enum"`
			Default json.RawMessage `json:"default"`
		}
		if err := json.Unmarshal(m.raw, &p); err != nil {
			return nil, lab.Errorf(lab.Invalid, "%s.%.40s: %w", where, m.name, err)
		}
		types := []string{"number", "integer", "string", "boolean"}
		if where == "output" {
			types = append(types, "array", "object")
		}
		if m.name == "" || len(m.name) > 128 || !slices.Contains(types, p.Type) || len(p.Unit) > 64 || len(p.Enum) > 4096 {
			return nil, lab.Errorf(lab.Invalid, "%s.%.40s: its type is not one of %s, or its unit or enum is too long", where, m.name, strings.Join(types, ", "))
		}
		specs = append(specs, lab.ParamSpec{
			Name: m.name, Type: p.Type, Unit: p.Unit, Min: p.Min, Max: p.Max, Enum: p.Enum, Default: p.Default,
			Required: slices.Contains(s.Required, m.name),
		})
	}
	return specs, nil
}
