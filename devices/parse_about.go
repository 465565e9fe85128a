package devices

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/athanor-lab/athanor/lab"
)

// MinorOf returns the minor version of a descriptor, 0 when it names none.
func MinorOf(b []byte) int {
	var d struct {
		Minor int `json:"ldp:minor"`
	}
	if json.Unmarshal(b, &d) != nil {
		return 0
	}
	return d.Minor
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
	var actions, events ordered
	err = fields("about", m, false, map[string]any{
		"id": &id, "@type": &kind, "title": &a.Title, "ldp:cell": &a.Cell, "ldp:capabilities": &a.Capabilities,
		"ldp:simulated": &a.Simulated, "ldp:heartbeat_s": &a.HeartbeatS, "ldp:slots": &a.Slots, "actions": &actions, "events": &events,
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
	case len(a.Capabilities) > affordancesMax || len(actions) > affordancesMax || len(a.Slots) > affordancesMax || len(events) > affordancesMax:
		return a, lab.Errorf(lab.Invalid, "decode about: more than %d capabilities, actions, slots or events", affordancesMax)
	}
	for i, s := range a.Slots {
		if !ValidID(s) || slices.Contains(a.Slots[:i], s) {
			return a, lab.Errorf(lab.Invalid, "decode about: slot %.40q is no name, or is there twice", s)
		}
	}
	for _, m := range events {
		name, ok := strings.CutPrefix(m.name, streamPrefix)
		if !ok {
			continue
		}
		s, err := parseStream(name, m.raw)
		if err != nil {
			return a, err
		}
		a.Streams = append(a.Streams, s)
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
		Pausable bool `json:"ldp:pausable"`
		Requires struct {
			Calibration []string `json:"calibration"`
			Consumables []Need   `json:"consumables"`
		} `json:"ldp:requires"`
		Blobs   []string        `json:"ldp:blobs"`
		Example json.RawMessage `json:"ldp:example"`
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
	a.Pausable, a.Calibration, a.Consumables, a.Blobs = in.Pausable, in.Requires.Calibration, in.Requires.Consumables, in.Blobs
	if len(a.Calibration) > affordancesMax || len(a.Consumables) > affordancesMax || len(a.Blobs) > blobsMax {
		return a, lab.Errorf(lab.Invalid, "it requires more than %d things, or has more than %d blobs", affordancesMax, blobsMax)
	}
	for _, name := range a.Calibration {
		if !ValidID(name) {
			return a, lab.Errorf(lab.Invalid, "ldp:requires names %.40q, which is no name", name)
		}
	}
	for _, n := range a.Consumables {
		if !ValidID(n.Name) || n.Amount < 0 {
			return a, lab.Errorf(lab.Invalid, "ldp:requires names %.40q, which is no name, or an amount below 0", n.Name)
		}
	}
	if string(in.Example) != "null" {
		a.Example = in.Example
	}
	if a.Example != nil {
		var compact bytes.Buffer
		if err := json.Compact(&compact, a.Example); err != nil || !isObject(a.Example) {
			return a, lab.Errorf(lab.Invalid, "ldp:example is not an object")
		}
		a.Example = compact.Bytes()
	}
	return a, nil
}

func parseStream(name string, b []byte) (Stream, error) {
	s := Stream{Name: name}
	var in struct {
		Data struct {
			Properties struct {
				V struct {
					Properties ordered `json:"properties"`
				} `json:"v"`
			} `json:"properties"`
		} `json:"data"`
	}
	if err := json.Unmarshal(b, &in); err != nil {
		return s, lab.Errorf(lab.Invalid, "decode about: stream %.40q: %w", name, err)
	}
	columns := in.Data.Properties.V.Properties
	if !ValidID(name) || len(columns) == 0 || len(columns) > columnsMax {
		return s, lab.Errorf(lab.Invalid, "decode about: stream %.40q has no name, or not 1 to %d columns", name, columnsMax)
	}
	for _, m := range columns {
		var c struct {
			Unit  lab.Unit `json:"unit"`
			Items struct {
				Min *float64 `json:"minimum"`
				Max *float64 `json:"maximum"`
			} `json:"items"`
		}
		if err := json.Unmarshal(m.raw, &c); err != nil {
			return s, lab.Errorf(lab.Invalid, "decode about: stream %.40q: column %.40q: %w", name, m.name, err)
		}
		if !ValidID(m.name) || c.Unit == "" || len(c.Unit) > 64 {
			return s, lab.Errorf(lab.Invalid, "decode about: stream %.40q: column %.40q has no name or no unit", name, m.name)
		}
		s.Columns = append(s.Columns, Column{Name: m.name, Unit: c.Unit, Min: c.Items.Min, Max: c.Items.Max})
	}
	return s, nil
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
