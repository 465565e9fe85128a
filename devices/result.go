package devices

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/athanor-lab/athanor/lab"
)

// CheckResult holds what a device measured against what its descriptor says of
// the action: everything that is required is there, of its type and within its
// limits. What is not described is let through, since fields may be added.
func CheckResult(specs []lab.ParamSpec, result json.RawMessage) error {
	given := map[string]json.RawMessage{}
	if len(result) > 0 {
		if err := json.Unmarshal(result, &given); err != nil {
			return fmt.Errorf("result: %w", err)
		}
	}
	for _, s := range specs {
		v, ok := given[s.Name]
		switch {
		case !ok && s.Required:
			return fmt.Errorf("result.%s is missing", s.Name)
		case !ok:
			continue
		}
		if err := checkMeasured(s, v); err != nil {
			return fmt.Errorf("result.%s: %w", s.Name, err)
		}
	}
	return nil
}

func checkMeasured(s lab.ParamSpec, raw json.RawMessage) error {
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		return err
	}
	switch x := v.(type) {
	case float64:
		if s.Type != "number" && s.Type != "integer" {
			return fmt.Errorf("%.40s is a number; want %s", raw, s.Type)
		}
		if s.Type == "integer" && x != math.Trunc(x) {
			return fmt.Errorf("%.40s is not a whole number", raw)
		}
		return within(s, x)
	case string:
		if s.Type != "string" || len(s.Enum) > 0 && !slices.Contains(s.Enum, x) {
			return fmt.Errorf("%.40s is a text that is not allowed; want %s %.100v", raw, s.Type, s.Enum)
		}
	case bool:
		if s.Type != "boolean" {
			return fmt.Errorf("%.40s is a truth value; want %s", raw, s.Type)
		}
	case []any:
		if s.Type != "array" {
			return fmt.Errorf("it is a list; want %s", s.Type)
		}
		for i, item := range x {
			if number, ok := item.(float64); ok {
				if err := within(s, number); err != nil {
					return fmt.Errorf("[%d]: %w", i, err)
				}
			}
		}
	case map[string]any:
		if s.Type != "object" {
			return fmt.Errorf("it is an object; want %s", s.Type)
		}
	default:
		return fmt.Errorf("it is null; want %s", s.Type)
	}
	return nil
}

func within(s lab.ParamSpec, x float64) error {
	if s.Min != nil && x < *s.Min || s.Max != nil && x > *s.Max {
		return fmt.Errorf("%g %s is beyond what the descriptor allows", x, s.Unit)
	}
	return nil
}

// CheckBatch holds telemetry against the descriptor: a stream and columns that
// it has, in their units, within what the sensors can say.
func (a About) CheckBatch(stream string, b Batch) error {
	i := slices.IndexFunc(a.Streams, func(s Stream) bool { return s.Name == stream })
	if i < 0 {
		return fmt.Errorf("the descriptor has no stream %q", stream)
	}
	for name, values := range b.V {
		k := slices.IndexFunc(a.Streams[i].Columns, func(c Column) bool { return c.Name == name })
		if k < 0 {
			return fmt.Errorf("stream %s has no column %q", stream, name)
		}
		c := a.Streams[i].Columns[k]
		if b.U[name] != c.Unit {
			return fmt.Errorf("column %s is in %q; the descriptor says %q", name, b.U[name], c.Unit)
		}
		for row, x := range values {
			if c.Min != nil && x < *c.Min || c.Max != nil && x > *c.Max {
				return fmt.Errorf("%s[%d] = %g %s is beyond what the sensor can say", name, row, x, c.Unit)
			}
		}
	}
	return nil
}
