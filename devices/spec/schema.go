package spec

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/athanor-lab/athanor/devices"
	"github.com/athanor-lab/athanor/lab"
)

// message is a message of the contract.
type message struct {
	name   string
	about  string
	typ    reflect.Type
	closed bool // a field that is not of it is refused
}

// messages are all that have a schema of their own; about is a Thing
// Description, whose schema is W3C's.
var messages = []message{
	{"cmd", "A command to a device. A resend has the same id and the same bytes.", reflect.TypeFor[devices.Cmd](), true},
	{"ctl", "An operation beside the queue of commands. Cancel, pause, stop and status need no lease.", reflect.TypeFor[devices.Ctl](), true},
	{"ev", "What a device says about a command.", reflect.TypeFor[devices.Event](), false},
	{"recall", "A page of the commands that a device remembers, in answer to a ctl.", reflect.TypeFor[devices.Recall](), false},
	{"state", "A device's snapshot of itself, retained.", reflect.TypeFor[devices.State](), false},
	{"conn", "A device's birth, or its death by its last will, retained.", reflect.TypeFor[devices.Conn](), false},
	{"alarm", "Something that a person should know, retained under its code; an empty message clears it.", reflect.TypeFor[devices.Alarm](), false},
	{"tm", "A batch of telemetry, column by column.", reflect.TypeFor[devices.Batch](), false},
	{"beat", "The laboratory's heartbeat to a cell.", reflect.TypeFor[devices.Beat](), false},
	{"labstop", "The lab's stop request, latched. It is no safety function.", reflect.TypeFor[devices.LabStop](), false},
}

const ident = `^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$`

// Schema returns the JSON Schema of a message, with an id for use by itself.
func (m message) schema() (*jsonschema.Schema, error) {
	s, err := object(m.name, m.typ, m.closed)
	if err != nil {
		return nil, fmt.Errorf("describe %s: %w", m.name, err)
	}
	s.Title, s.Description = "LDP/1 "+m.name, m.about
	return s, nil
}

// object describes a struct; where is its path from the message.
func object(where string, t reflect.Type, closed bool) (*jsonschema.Schema, error) {
	s := &jsonschema.Schema{Type: "object", Properties: map[string]*jsonschema.Schema{}}
	if closed {
		s.AdditionalProperties = &jsonschema.Schema{Not: &jsonschema.Schema{}}
	}
	for f := range t.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		path := where + "." + name
		r, known := rules[path]
		if !known || r.about == "" {
			return nil, fmt.Errorf("field %s has no word of what it means", path)
		}
		field, err := value(path, f.Type, r)
		if err != nil {
			return nil, err
		}
		field.Description = r.about
		s.Properties[name] = field
		s.PropertyOrder = append(s.PropertyOrder, name)
		if !strings.Contains(options, "omit") && !r.optional {
			s.Required = append(s.Required, name)
		}
	}
	return s, nil
}

func value(path string, t reflect.Type, r rule) (*jsonschema.Schema, error) {
	s := &jsonschema.Schema{Pattern: r.pattern, MinLength: r.minLength, Minimum: r.min, ExclusiveMinimum: r.above}
	for _, text := range r.enum {
		s.Enum = append(s.Enum, text)
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == reflect.TypeFor[time.Time]():
		s.Type, s.Format = "string", "date-time"
	case t == reflect.TypeFor[json.RawMessage]():
		s.Type = "object"
	case t == reflect.TypeFor[[]byte]():
		s.Type, s.ContentEncoding = "string", "base64"
	case t.Kind() == reflect.String:
		s.Type = "string"
	case t.Kind() == reflect.Bool:
		s.Type = "boolean"
	case t.Kind() == reflect.Float64:
		s.Type = "number"
	case t.Kind() == reflect.Int64:
		s.Type = "integer"
	case t.Kind() == reflect.Struct:
		return object(path, t, false)
	case t.Kind() == reflect.Slice || t.Kind() == reflect.Map:
		item, err := value(path, t.Elem(), r)
		if err != nil {
			return nil, err
		}
		list := &jsonschema.Schema{Type: "array", Items: item, MaxItems: r.most}
		if t.Kind() == reflect.Map {
			list = &jsonschema.Schema{Type: "object", AdditionalProperties: item, PropertyNames: &jsonschema.Schema{Pattern: ident}}
		}
		return list, nil
	default:
		return nil, fmt.Errorf("field %s is a %s, which has no schema", path, t)
	}
	if r.nullable {
		s.Types, s.Type = []string{s.Type, "null"}, ""
	}
	return s, nil
}

// rule is what a Go type does not say of a field. Of a list or a map it is
// about the elements, save most.
type rule struct {
	about     string
	pattern   string
	enum      []string
	min       *float64
	above     *float64
	minLength *int
	most      *int // elements
	optional  bool // though the type writes it always
	nullable  bool
}

func states() []string {
	var all []string
	for _, s := range []lab.CommandState{
		lab.CommandAccepted, lab.CommandRunning, lab.CommandPaused, lab.CommandCancelling, lab.CommandDone, lab.CommandFailed, lab.CommandCancelled,
		lab.CommandAborted, lab.CommandRejected, lab.CommandExpired, lab.CommandInDoubt,
	} {
		all = append(all, string(s))
	}
	return all
}

func codes() []string {
	var all []string
	for _, c := range []devices.Code{
		devices.BadMessage, devices.BadParams, devices.UnknownCommand, devices.StaleEpoch, devices.NoLease, devices.Expired, devices.NoTime, devices.Busy,
		devices.WrongMode, devices.Interlock, devices.Calibration, devices.Consumable, devices.DependencyFailed, devices.Timeout, devices.DeviceFault,
		devices.Orphaned, devices.PowerLoss,
	} {
		all = append(all, string(c))
	}
	return all
}

var levels = []string{"info", "warning", "error", "critical"}
