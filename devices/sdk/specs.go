package sdk

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/athanor-lab/athanor/lab"
)

// specsOf describes the fields of a struct. Results may hold lists and objects.
func specsOf(t reflect.Type, results bool) ([]lab.ParamSpec, error) {
	if t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("%s is not a struct", t)
	}
	var specs []lab.ParamSpec
	for f := range t.Fields() {
		if !f.IsExported() || f.Anonymous {
			return nil, fmt.Errorf("field %s is not exported, or embedded", f.Name)
		}
		name, omit, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		if name == "" {
			return nil, fmt.Errorf(`field %s has no name: give it a tag json:"…"`, f.Name)
		}
		s := lab.ParamSpec{Name: name, Unit: lab.Unit(f.Tag.Get("unit")), Required: omit == "" && f.Type.Kind() != reflect.Pointer}
		var err error
		if s.Type, err = typeOf(f.Type, results); err != nil {
			return nil, fmt.Errorf("field %s: %w", f.Name, err)
		}
		if err := limits(&s, f.Tag); err != nil {
			return nil, fmt.Errorf("field %s: %w", f.Name, err)
		}
		specs = append(specs, s)
	}
	return specs, nil
}

func typeOf(t reflect.Type, results bool) (string, error) {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.Float32, reflect.Float64:
		return "number", nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "integer", nil
	case reflect.String:
		return "string", nil
	case reflect.Bool:
		return "boolean", nil
	case reflect.Slice, reflect.Array:
		if results {
			return "array", nil
		}
	case reflect.Map, reflect.Struct:
		if results {
			return "object", nil
		}
	}
	return "", fmt.Errorf("%s is not a number, a text or a truth value", t)
}

func limits(s *lab.ParamSpec, tag reflect.StructTag) error {
	for key, into := range map[string]**float64{"min": &s.Min, "max": &s.Max} {
		text, ok := tag.Lookup(key)
		if !ok {
			continue
		}
		x, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(x) || math.IsInf(x, 0) || s.Type != "number" && s.Type != "integer" {
			return fmt.Errorf("%s %q is not a number, or the field is none", key, text)
		}
		*into = &x
	}
	if text, ok := tag.Lookup("enum"); ok {
		s.Enum = strings.Split(text, ",")
		if s.Type != "string" {
			return errors.New("enum is for texts")
		}
	}
	if text, ok := tag.Lookup("default"); ok {
		s.Default, s.Required = json.RawMessage(text), false
		if s.Type == "string" && !json.Valid(s.Default) {
			s.Default, _ = json.Marshal(text)
		}
		if err := checkValue(*s, s.Default); err != nil {
			return fmt.Errorf("default: %w", err)
		}
	}
	return nil
}

// checkParams holds parameters against their description and returns them with
// defaults filled in. The error says what is wrong, and what would be right.
func checkParams(specs []lab.ParamSpec, raw json.RawMessage) (json.RawMessage, error) {
	var given map[string]json.RawMessage
	if err := json.Unmarshal(raw, &given); err != nil {
		return nil, fmt.Errorf("params: %w", err)
	}
	for name := range given {
		if !slices.ContainsFunc(specs, func(s lab.ParamSpec) bool { return s.Name == name }) {
			return nil, fmt.Errorf("params.%.40s: there is no such parameter; there are %s", name, names(specs))
		}
	}
	for _, s := range specs {
		v, ok := given[s.Name]
		switch {
		case ok:
			if err := checkValue(s, v); err != nil {
				return nil, fmt.Errorf("params.%s: %w", s.Name, err)
			}
			if s.Type == "integer" { // 2e0 is whole, and no Go int reads it
				given[s.Name] = whole(v)
			}
		case s.Default != nil:
			given[s.Name] = s.Default
		case s.Required:
			return nil, fmt.Errorf("params.%s: it is missing; give %s", s.Name, wanted(s))
		}
	}
	return json.Marshal(given)
}

func checkValue(s lab.ParamSpec, v json.RawMessage) error {
	switch s.Type {
	case "number", "integer":
		var x float64
		if string(v) == "null" || json.Unmarshal(v, &x) != nil {
			return fmt.Errorf("%.40s is not a number; give %s", v, wanted(s))
		}
		if s.Type == "integer" && (x != math.Trunc(x) || math.Abs(x) > 1<<53) {
			return fmt.Errorf("%.40s is not a whole number; give %s", v, wanted(s))
		}
		if s.Min != nil && x < *s.Min || s.Max != nil && x > *s.Max {
			return fmt.Errorf("%.40s %s is beyond the limits; give %s", v, s.Unit, wanted(s))
		}
	case "boolean":
		if string(v) != "true" && string(v) != "false" {
			return fmt.Errorf("%.40s is not true or false", v)
		}
	default:
		var text string
		if string(v) == "null" || json.Unmarshal(v, &text) != nil {
			return fmt.Errorf("%.40s is not a text; give %s", v, wanted(s))
		}
		if len(s.Enum) > 0 && !slices.Contains(s.Enum, text) {
			return fmt.Errorf("%.40q is not allowed; give %s", text, wanted(s))
		}
	}
	return nil
}

// whole writes a whole number without fraction or exponent.
func whole(v json.RawMessage) json.RawMessage {
	var x float64
	if json.Unmarshal(v, &x) != nil {
		return v
	}
	return strconv.AppendFloat(nil, x, 'f', 0, 64)
}

// wanted says what would be right for s.
func wanted(s lab.ParamSpec) string {
	text := map[string]string{"number": "a number", "integer": "a whole number", "boolean": "true or false"}[s.Type]
	switch {
	case len(s.Enum) > 8:
		return fmt.Sprintf("one of %d texts such as %s", len(s.Enum), s.Enum[0])
	case len(s.Enum) > 0:
		return "one of " + strings.Join(s.Enum, ", ")
	case text == "":
		text = "a text"
	}
	if s.Min != nil {
		text += fmt.Sprintf(" from %g", *s.Min)
	}
	if s.Max != nil {
		text += fmt.Sprintf(" up to %g", *s.Max)
	}
	if s.Unit != "" && s.Unit != "1" {
		text += " " + string(s.Unit)
	}
	return text
}

func names(specs []lab.ParamSpec) string {
	if len(specs) == 0 {
		return "none"
	}
	var all []string
	for _, s := range specs {
		all = append(all, s.Name)
	}
	return strings.Join(all, ", ")
}
