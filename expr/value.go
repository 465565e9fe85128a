package expr

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

type refVal = ref.Val

// adapter turns Go values into CEL values and every number into a double, so
// that 7 from a JSON document and 7.0 from a program are the same. Numbers
// that are not finite become errors.
type adapter struct{}

// NativeToValue implements CEL's types.Adapter.
func (a adapter) NativeToValue(value any) ref.Val {
	switch v := value.(type) {
	case nil:
		return types.NullValue
	case ref.Val:
		return v
	case float64:
		return number(v)
	case string:
		return types.String(v)
	case bool:
		return types.Bool(v)
	case map[string]any:
		return types.NewStringInterfaceMap(a, v)
	case []any:
		return types.NewDynamicList(a, v)
	case json.Number:
		f, err := v.Float64()
		if err != nil {
			return types.NewErr("%q is no number", v)
		}
		return number(f)
	}
	rv := reflect.ValueOf(value)
	switch {
	case rv.CanInt():
		return number(float64(rv.Int()))
	case rv.CanUint():
		return number(float64(rv.Uint()))
	case rv.CanFloat():
		return number(rv.Float())
	}
	switch rv.Kind() {
	case reflect.String:
		return types.String(rv.String())
	case reflect.Bool:
		return types.Bool(rv.Bool())
	case reflect.Slice:
		return types.NewDynamicList(a, value)
	case reflect.Map:
		if rv.Type().Key().Kind() == reflect.String {
			return types.NewDynamicMap(a, value)
		}
	}
	return types.NewErr("a %T has no place in an expression", value)
}

func number(f float64) ref.Val {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return types.NewErr("%v is no finite number", f)
	}
	return types.Double(f)
}

// holds says whether a value is of a type.
func holds(t Type, v ref.Val) bool {
	switch t {
	case Number:
		return v.Type() == types.DoubleType
	case Text:
		return v.Type() == types.StringType
	case Bool:
		return v.Type() == types.BoolType
	case Numbers:
		return v.Type() == types.MapType
	default: // anything
	}
	return true
}

// toNative turns a CEL value into a Go value: float64, string, bool, []any, or
// a map, which is map[string]float64 when it holds nothing but numbers.
func toNative(v ref.Val) (any, error) {
	switch v := v.(type) {
	case types.Double:
		f := float64(v)
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return nil, fmt.Errorf("%v is no finite number", f)
		}
		return f, nil
	case types.String:
		return string(v), nil
	case types.Bool:
		return bool(v), nil
	case traits.Mapper:
		return mapToNative(v)
	case traits.Lister:
		out := []any{}
		for it := v.Iterator(); it.HasNext() == types.True; {
			element, err := toNative(it.Next())
			if err != nil {
				return nil, err
			}
			out = append(out, element)
		}
		return out, nil
	case *types.Err:
		return nil, v
	}
	return nil, fmt.Errorf("a value of type %s has no use", v.Type().TypeName())
}

func mapToNative(m traits.Mapper) (any, error) {
	out, numbers := map[string]any{}, map[string]float64{}
	for it := m.Iterator(); it.HasNext() == types.True; {
		key := it.Next()
		name, ok := key.(types.String)
		if !ok {
			return nil, fmt.Errorf("the key %v is no text", key)
		}
		value, err := toNative(m.Get(key))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		out[string(name)] = value
		if f, ok := value.(float64); ok {
			numbers[string(name)] = f
		}
	}
	if len(numbers) == len(out) {
		return numbers, nil
	}
	return out, nil
}
