package expr

import (
	"fmt"
	"math"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// builtins are the functions of every Env.
var builtins = []string{
	"abs", "all", "ceil", "clamp", "contains", "double", "endsWith", "exists", "exists_one", "exp", "filter", "floor", "has",
	"ln", "log10", "map", "max", "min", "pi", "pow", "round", "size", "sqrt", "startsWith", "string",
}

// maxArguments is how many numbers min and max take.
const maxArguments = 8

// mathematics declares the functions of numbers, and the two operators that
// CEL would let yield infinity or has for integers only.
func mathematics() []cel.EnvOption {
	number, text := cel.DoubleType, cel.StringType
	options := []cel.EnvOption{
		binary(operators.Divide, "divide_number", func(x, y float64) (float64, error) {
			if y == 0 {
				return 0, fmt.Errorf("%v is divided by zero", x)
			}
			return x / y, nil
		}),
		binary(operators.Modulo, "modulo_number", func(x, y float64) (float64, error) {
			if y == 0 {
				return 0, fmt.Errorf("%v is divided by zero", x)
			}
			return math.Mod(x, y), nil
		}),
		binary("pow", "pow_number", func(x, y float64) (float64, error) { return math.Pow(x, y), nil }),
		cel.Function("clamp", cel.Overload("clamp_number", []*cel.Type{number, number, number}, number,
			cel.FunctionBinding(clamp))),
		cel.Function("pi", cel.Overload("pi_number", nil, number,
			cel.FunctionBinding(func(...ref.Val) ref.Val { return types.Double(math.Pi) }))),
		extreme("min", math.Min),
		extreme("max", math.Max),
		cel.Function("size",
			cel.Overload("size_text", []*cel.Type{text}, number, cel.UnaryBinding(size)),
			cel.Overload("size_list", []*cel.Type{cel.ListType(cel.DynType)}, number, cel.UnaryBinding(size)),
			cel.Overload("size_table", []*cel.Type{cel.MapType(cel.StringType, cel.DynType)}, number, cel.UnaryBinding(size))),
	}
	for name, f := range map[string]func(float64) float64{
		"abs": math.Abs, "ceil": math.Ceil, "exp": math.Exp, "floor": math.Floor, "ln": math.Log,
		"log10": math.Log10, "round": math.Round, "sqrt": math.Sqrt,
	} {
		options = append(options, cel.Function(name, cel.Overload(name+"_number", []*cel.Type{number}, number,
			cel.UnaryBinding(func(v ref.Val) ref.Val {
				x := float64(v.(types.Double))
				return result(f(x), nil, name, x)
			}))))
	}
	return options
}

func binary(name, id string, f func(x, y float64) (float64, error)) cel.EnvOption {
	number := cel.DoubleType
	return cel.Function(name, cel.Overload(id, []*cel.Type{number, number}, number,
		cel.BinaryBinding(func(v, w ref.Val) ref.Val {
			x, y := float64(v.(types.Double)), float64(w.(types.Double))
			z, err := f(x, y)
			return result(z, err, name, x, y)
		})))
}

// result makes a CEL value of what a function gave, an error of what is not
// finite.
func result(z float64, err error, name string, args ...float64) ref.Val {
	if err != nil {
		return types.WrapErr(err)
	}
	if math.IsNaN(z) || math.IsInf(z, 0) {
		return types.NewErr("%s of %v is no finite number", word(name), args)
	}
	return types.Double(z)
}

func clamp(args ...ref.Val) ref.Val {
	x, low, high := float64(args[0].(types.Double)), float64(args[1].(types.Double)), float64(args[2].(types.Double))
	if low > high {
		return types.NewErr("clamp between %v and %v: the lower limit is above the upper", low, high)
	}
	return types.Double(min(max(x, low), high))
}

// extreme declares a function of one up to maxArguments numbers.
func extreme(name string, f func(x, y float64) float64) cel.EnvOption {
	call := func(args ...ref.Val) ref.Val {
		z := float64(args[0].(types.Double))
		for _, arg := range args[1:] {
			z = f(z, float64(arg.(types.Double)))
		}
		return types.Double(z)
	}
	var overloads []cel.FunctionOpt
	for n := 1; n <= maxArguments; n++ {
		args := make([]*cel.Type, n)
		for i := range args {
			args[i] = cel.DoubleType
		}
		binding := cel.FunctionBinding(call)
		switch n {
		case 1:
			binding = cel.UnaryBinding(func(v ref.Val) ref.Val { return v })
		case 2:
			binding = cel.BinaryBinding(func(v, w ref.Val) ref.Val { return call(v, w) })
		}
		overloads = append(overloads, cel.Overload(fmt.Sprintf("%s_%d", name, n), args, cel.DoubleType, binding))
	}
	return cel.Function(name, overloads...)
}

func size(v ref.Val) ref.Val {
	n, ok := v.(traits.Sizer).Size().(types.Int)
	if !ok {
		return types.NewErr("size of %s is unknown", v.Type().TypeName())
	}
	return types.Double(n)
}
