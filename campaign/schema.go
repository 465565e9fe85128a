package campaign

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/athanor-lab/athanor/lab"
)

// SchemaID names the schema of this form of documents.
const SchemaID = "urn:athanor:schema:campaign:1"

//go:embed schema.json
var published []byte

// Schema returns the JSON Schema (2020-12) of a document. It knows the form of
// a document only: what passes it may still be refused by [Check], and what it
// refuses always is.
func Schema() []byte { return slices.Clone(published) }

// GenerateSchema makes the schema from the types of [lab.Document] and the
// rules of their fields. [Schema] is what it gave when it was last published,
// and a test holds the two together.
func GenerateSchema() ([]byte, error) {
	defs := map[string]*jsonschema.Schema{}
	root := objectSchema(reflect.TypeFor[lab.Document](), defs)
	root.Schema = "https://json-schema.org/draft/2020-12/schema"
	root.ID = SchemaID
	root.Title = "Athanor campaign, form 1"
	root.Description = "A question put to a self-driving laboratory: what may be chosen, what is wanted, how an experiment is done, and what it may cost."
	root.Defs = defs
	b, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the schema of campaigns: %w", err)
	}
	return append(b, '\n'), nil
}

func objectSchema(t reflect.Type, defs map[string]*jsonschema.Schema) *jsonschema.Schema {
	s := &jsonschema.Schema{Type: "object", AdditionalProperties: nothingElse(), Properties: map[string]*jsonschema.Schema{}}
	names, index := fieldsOf(t)
	for _, name := range names {
		r := rules[t][name]
		field := fieldSchema(t.Field(index[name]).Type, r, defs)
		field.Description = r.about
		if r.def != "" {
			field.Default = json.RawMessage(r.def)
		}
		s.Properties[name] = field
		s.PropertyOrder = append(s.PropertyOrder, name)
		if r.required {
			s.Required = append(s.Required, name)
		}
	}
	switch t {
	case reflect.TypeFor[lab.Parameter]():
		s.AllOf = parameterTypes()
	case reflect.TypeFor[lab.Param]():
		s.OneOf = []*jsonschema.Schema{{Required: []string{"value"}}, {Required: []string{"expr"}}}
	case reflect.TypeFor[lab.Step]():
		s.DependentRequired = map[string][]string{"from": {"to", "sample"}, "to": {"from", "sample"}, "max_lag": {"after"}}
	}
	return s
}

func nothingElse() *jsonschema.Schema { return &jsonschema.Schema{Not: &jsonschema.Schema{}} }

// parameterTypes says for each type of parameter which fields it has.
func parameterTypes() []*jsonschema.Schema {
	names, _ := fieldsOf(reflect.TypeFor[lab.Parameter]())
	var out []*jsonschema.Schema
	for _, t := range types {
		want := fieldsFor[lab.ParameterType(t)]
		var word any = t
		then := &jsonschema.Schema{Required: want.must, Properties: map[string]*jsonschema.Schema{}}
		for _, name := range names[2:] {
			if !slices.Contains(want.must, name) && !slices.Contains(want.may, name) {
				then.Properties[name] = nothingElse()
				then.PropertyOrder = append(then.PropertyOrder, name)
			}
		}
		out = append(out, &jsonschema.Schema{
			If:   &jsonschema.Schema{Properties: map[string]*jsonschema.Schema{"type": {Const: &word}}, Required: []string{"type"}},
			Then: then,
		})
	}
	return out
}

func fieldSchema(t reflect.Type, r rule, defs map[string]*jsonschema.Schema) *jsonschema.Schema {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == valueType:
		return &jsonschema.Schema{Types: []string{"number", "string", "array"}, Items: &jsonschema.Schema{Type: "number"}}
	case t.Kind() == reflect.Struct:
		return structRef(t, defs)
	}
	switch t.Kind() {
	case reflect.String:
		return textSchema(r)
	case reflect.Slice:
		s := &jsonschema.Schema{Type: "array", Items: fieldSchema(t.Elem(), itemRule(t.Elem()), defs), MaxItems: new(r.limit())}
		if n := max(r.least, map[bool]int{true: 1}[r.required]); n > 0 {
			s.MinItems = new(n)
		}
		return s
	case reflect.Map:
		s := &jsonschema.Schema{Type: "object", AdditionalProperties: fieldSchema(t.Elem(), rule{}, defs)}
		if r.keys != nil {
			s.PropertyNames = &jsonschema.Schema{Pattern: r.keys.pattern}
		}
		return s
	case reflect.Float64:
		return &jsonschema.Schema{Type: "number", Minimum: r.min, Maximum: r.max}
	default:
		return &jsonschema.Schema{Type: "integer", Minimum: r.min, Maximum: r.max}
	}
}

// itemRule is what a text in a list must be: there.
func itemRule(t reflect.Type) rule { return rule{required: t.Kind() == reflect.String} }

func textSchema(r rule) *jsonschema.Schema {
	s := &jsonschema.Schema{Type: "string"}
	for _, word := range r.oneOf {
		s.Enum = append(s.Enum, word)
	}
	if r.shape != nil {
		s.Pattern = r.shape.pattern
	}
	if r.oneOf == nil && r.shape == nil {
		s.MaxLength = new(r.longestText())
		if r.required {
			s.MinLength = new(1)
		}
	}
	return s
}

func structRef(t reflect.Type, defs map[string]*jsonschema.Schema) *jsonschema.Schema {
	name := strings.ToLower(t.Name()[:1]) + t.Name()[1:]
	if _, ok := defs[name]; !ok {
		defs[name] = nil // begun, against going round
		defs[name] = objectSchema(t, defs)
	}
	return &jsonschema.Schema{Ref: "#/$defs/" + name}
}
