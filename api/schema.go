package api

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/athanor-lab/athanor/dataset/importer"
	"github.com/athanor-lab/athanor/lab"
)

// The vocabulary knows nothing of OpenAPI, so what its types look like in JSON
// is said here: ids and states are texts, and a value is one of three things.

type (
	campaignIDSchema      struct{}
	planIDSchema          struct{}
	experimentIDSchema    struct{}
	commandIDSchema       struct{}
	valueSchema           struct{}
	campaignStateSchema   struct{}
	commandStateSchema    struct{}
	outcomeStateSchema    struct{}
	experimentStateSchema struct{}
	effectSchema          struct{}
	directionSchema       struct{}
	parameterTypeSchema   struct{}
	eventKindSchema       struct{}
	objectSchema          struct{}
	importRoleSchema      struct{}
	importTypeSchema      struct{}
)

func (campaignIDSchema) Schema(huma.Registry) *huma.Schema   { return idSchema("cmp") }
func (planIDSchema) Schema(huma.Registry) *huma.Schema       { return idSchema("pln") }
func (experimentIDSchema) Schema(huma.Registry) *huma.Schema { return idSchema("exp") }
func (commandIDSchema) Schema(huma.Registry) *huma.Schema    { return idSchema("cmd") }

func (valueSchema) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Description: "A number, a label, or the fractions of a composition", OneOf: []*huma.Schema{
		{Type: huma.TypeNumber}, {Type: huma.TypeString}, {Type: huma.TypeArray, Items: &huma.Schema{Type: huma.TypeNumber}},
	}}
}

func (campaignStateSchema) Schema(huma.Registry) *huma.Schema {
	return enumSchema(lab.Submitted, lab.Running, lab.AwaitingApproval, lab.Paused, lab.Stopping, lab.Completed, lab.Aborted, lab.Failed)
}

func (commandStateSchema) Schema(huma.Registry) *huma.Schema {
	return enumSchema(lab.CommandState(""), lab.CommandAccepted, lab.CommandRunning, lab.CommandPaused, lab.CommandCancelling, lab.CommandDone, lab.CommandFailed,
		lab.CommandCancelled, lab.CommandAborted, lab.CommandRejected, lab.CommandExpired, lab.CommandInDoubt)
}

func (outcomeStateSchema) Schema(huma.Registry) *huma.Schema {
	return enumSchema(lab.OutcomeSucceeded, lab.OutcomeFailed, lab.OutcomeCancelled)
}

func (experimentStateSchema) Schema(huma.Registry) *huma.Schema {
	return enumSchema(ExperimentPlanned, ExperimentRunning, ExperimentInDoubt, ExperimentSucceeded, ExperimentFailed, ExperimentCancelled)
}

func (effectSchema) Schema(huma.Registry) *huma.Schema {
	return enumSchema(lab.Effect(""), lab.EffectNone, lab.EffectPartial, lab.EffectComplete, lab.EffectUnknown)
}

func (directionSchema) Schema(huma.Registry) *huma.Schema {
	return enumSchema(lab.Maximize, lab.Minimize)
}

func (parameterTypeSchema) Schema(huma.Registry) *huma.Schema {
	return enumSchema(lab.Continuous, lab.Integer, lab.Discrete, lab.Categorical, lab.Composition)
}

func (eventKindSchema) Schema(huma.Registry) *huma.Schema {
	return enumSchema(lab.EventCampaign, lab.EventPlan, lab.EventExperiment, lab.EventCommand, lab.EventDevice)
}

func (importRoleSchema) Schema(huma.Registry) *huma.Schema {
	return enumSchema(importer.Parameter, importer.Objective, importer.Kept, importer.Ignored)
}

func (importTypeSchema) Schema(huma.Registry) *huma.Schema {
	return enumSchema(importer.Types...)
}

func (objectSchema) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}
}

func idSchema(prefix string) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Pattern: "^" + prefix + "_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", Examples: []any{prefix + "_0199c0de-0000-7000-8000-000000000001"}}
}

func enumSchema[S ~string](words ...S) *huma.Schema {
	enum := make([]any, len(words))
	for i, w := range words {
		enum[i] = string(w)
	}
	return &huma.Schema{Type: huma.TypeString, Enum: enum}
}

// schemaName keeps the words of imports apart from those of campaigns.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if strings.Contains(t.PkgPath(), "/athanor/dataset/") && !strings.HasPrefix(name, "Import") {
		return "Import" + name
	}
	return name
}

func newRegistry() huma.Registry {
	r := huma.NewMapRegistry("#/components/schemas/", schemaName)
	for of, as := range map[reflect.Type]reflect.Type{
		reflect.TypeFor[lab.CampaignID]():    reflect.TypeFor[campaignIDSchema](),
		reflect.TypeFor[lab.PlanID]():        reflect.TypeFor[planIDSchema](),
		reflect.TypeFor[lab.ExperimentID]():  reflect.TypeFor[experimentIDSchema](),
		reflect.TypeFor[lab.CommandID]():     reflect.TypeFor[commandIDSchema](),
		reflect.TypeFor[lab.Value]():         reflect.TypeFor[valueSchema](),
		reflect.TypeFor[lab.CampaignState](): reflect.TypeFor[campaignStateSchema](),
		reflect.TypeFor[lab.CommandState]():  reflect.TypeFor[commandStateSchema](),
		reflect.TypeFor[lab.OutcomeState]():  reflect.TypeFor[outcomeStateSchema](),
		reflect.TypeFor[ExperimentState]():   reflect.TypeFor[experimentStateSchema](),
		reflect.TypeFor[lab.Effect]():        reflect.TypeFor[effectSchema](),
		reflect.TypeFor[lab.Direction]():     reflect.TypeFor[directionSchema](),
		reflect.TypeFor[lab.ParameterType](): reflect.TypeFor[parameterTypeSchema](),
		reflect.TypeFor[lab.EventKind]():     reflect.TypeFor[eventKindSchema](),
		reflect.TypeFor[importer.Role]():     reflect.TypeFor[importRoleSchema](),
		reflect.TypeFor[importer.Type]():     reflect.TypeFor[importTypeSchema](),
		reflect.TypeFor[json.RawMessage]():   reflect.TypeFor[objectSchema](),
	} {
		r.RegisterTypeAlias(of, as)
	}
	return r
}

// finishSchemas mends what the generator cannot know: fields that are left out
// when zero, and the one raw value that is no object.
func finishSchemas(o *huma.OpenAPI) {
	schemas := o.Components.Schemas.Map()
	if p := schemas["Param"]; p != nil {
		p.Required = slices.DeleteFunc(p.Required, func(name string) bool { return name == "value" })
	}
	if p := schemas["ParamSpec"]; p != nil {
		p.Properties["default"] = &huma.Schema{Description: "Any value of the parameter's type"}
	}
}

// wholeLists is a transformer that makes absent lists empty ones: a nil slice is
// null in JSON, which the contract does not allow.
func wholeLists(_ huma.Context, _ string, v any) (any, error) {
	if v == nil {
		return v, nil
	}
	addressable := reflect.New(reflect.TypeOf(v))
	addressable.Elem().Set(reflect.ValueOf(v))
	fillLists(addressable.Elem())
	return addressable.Elem().Interface(), nil
}

func fillLists(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			fillLists(v.Elem())
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return // bytes and raw JSON are no lists
		}
		if v.IsNil() {
			v.Set(reflect.MakeSlice(v.Type(), 0, 0))
		}
		if !holdsLists(v.Type().Elem()) {
			return
		}
		for i := range v.Len() {
			fillLists(v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fillLists(v.Field(i))
			}
		}
	}
}

// holdsLists reports whether values of t can have slices inside.
func holdsLists(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Slice, reflect.Struct, reflect.Pointer:
		return true
	default:
		return false
	}
}

func marshalIndent(v any) ([]byte, error) {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("marshal OpenAPI document: %w", err)
	}
	return append(b, '\n'), nil
}
