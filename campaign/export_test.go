package campaign

import (
	"encoding/json"
	"reflect"
	"slices"
)

// Instance returns a source as what a validator of JSON Schema takes, and
// false when it cannot be read or repeats a field, which JSON Schema cannot see.
func Instance(src []byte, format string) (any, bool) {
	n, problems := tree(src, format)
	if n == nil || len(problems) > 0 {
		return nil, false
	}
	return n.instance()
}

func (n *node) instance() (v any, ok bool) {
	switch n.form {
	case boolean:
		return n.raw == "true", true
	case number:
		return json.Number(n.raw), true
	case text:
		return n.raw, true
	case list:
		out := make([]any, len(n.items))
		for i, item := range n.items {
			if out[i], ok = item.instance(); !ok {
				return nil, false
			}
		}
		return out, true
	case object:
		out := map[string]any{}
		for _, f := range n.fields {
			if _, again := out[f.key]; again {
				return nil, false
			}
			if out[f.key], ok = f.value.instance(); !ok {
				return nil, false
			}
		}
		return out, true
	default:
		return nil, true
	}
}

// RulesMissing compares the rules of a type with the names of its fields.
func RulesMissing(t reflect.Type, names []string) []string {
	var out []string
	for _, name := range names {
		if rules[t][name].about == "" {
			out = append(out, t.String()+"."+name+" has no rule")
		}
	}
	for name := range rules[t] {
		if !slices.Contains(names, name) {
			out = append(out, t.String()+" has a rule for "+name+", which is no field")
		}
	}
	return out
}

// RuledTypes counts the types that have rules.
func RuledTypes() int { return len(rules) }

// FieldNames lists the names of all fields of a document.
func FieldNames() []string {
	var out []string
	for _, fields := range rules {
		for name := range fields {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
